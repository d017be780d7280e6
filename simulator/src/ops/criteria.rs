//! SearchCriteria and SearchFilter: one shape for all Search operations; each says which parts it takes.

use crate::error::{Kind, Refusal};
use crate::user::{Proficiency, Tags};
use crate::validate::ensure;
use serde::Deserialize;

/// The body of a Search operation.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct SearchRequest {
    #[serde(rename = "InstanceId")]
    _instance_id: String,
    pub(crate) next_token: Option<String>,
    pub(crate) max_results: Option<i64>,
    search_filter: Option<Filter>,
    search_criteria: Option<Criteria>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Filter {
    tag_filter: Option<TagFilter>,
    user_attribute_filter: Option<AttributeFilter>,
    attribute_filter: Option<AttributeFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagFilter {
    or_conditions: Option<Vec<Vec<TagCondition>>>,
    and_conditions: Option<Vec<TagCondition>>,
    tag_condition: Option<TagCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AttributeFilter {
    or_conditions: Option<Vec<AndCondition>>,
    and_condition: Option<AndCondition>,
    tag_condition: Option<TagCondition>,
    hierarchy_group_condition: Option<GroupCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct AndCondition {
    tag_conditions: Option<Vec<TagCondition>>,
    hierarchy_group_condition: Option<GroupCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagCondition {
    tag_key: Option<String>,
    tag_value: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Criteria {
    or_conditions: Option<Vec<Self>>,
    and_conditions: Option<Vec<Self>>,
    string_condition: Option<StringCondition>,
    list_condition: Option<ListCondition>,
    hierarchy_group_condition: Option<GroupCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StringCondition {
    field_name: Option<String>,
    value: Option<String>,
    comparison_type: Option<StringComparison>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum StringComparison {
    StartsWith,
    Contains,
    Exact,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct ListCondition {
    #[serde(rename = "TargetListType")]
    _target_list_type: ListType,
    conditions: Option<Vec<Condition>>,
}

#[derive(Deserialize)]
enum ListType {
    #[serde(rename = "PROFICIENCIES")]
    Proficiencies,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Condition {
    string_condition: Option<StringCondition>,
    number_condition: Option<NumberCondition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NumberCondition {
    field_name: Option<String>,
    min_value: Option<f64>,
    max_value: Option<f64>,
    comparison_type: Option<NumberComparison>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum NumberComparison {
    GreaterOrEqual,
    Greater,
    LesserOrEqual,
    Lesser,
    Equal,
    NotEqual,
    Range,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GroupCondition {
    value: Option<String>,
    hierarchy_group_match_type: Option<GroupMatch>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum GroupMatch {
    Exact,
    WithChildGroups,
}

/// Something that may be found.
pub(crate) struct Candidate<'a> {
    /// Field names and values that string conditions may ask for.
    pub(crate) strings: Vec<(&'static str, Vec<&'a str>)>,
    pub(crate) tags: &'a Tags,
    /// Ids of the hierarchy path, the group itself last.
    pub(crate) groups: Vec<&'a str>,
    pub(crate) proficiencies: &'a [Proficiency],
}

/// Which parts of the shape an operation takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// TagFilter and UserAttributeFilter; string, list and hierarchy conditions.
    User,
    /// AttributeFilter; string conditions.
    Group,
    /// TagFilter; string conditions.
    Plain,
}

const NAME_FIELDS: [&str; 5] = ["Username", "FirstName", "LastName", "name", "description"];

impl SearchRequest {
    /// Refuses what the operation does not take, even if nothing would be found anyway.
    pub(crate) fn check(&self, takes: Takes, fields: &[&str]) -> Result<(), Refusal> {
        if let Some(filter) = &self.search_filter {
            if filter.tag_filter.is_some() && filter.user_attribute_filter.is_some() {
                let message = "TagFilter and UserAttributeFilter cannot be used together.";
                return Err(Refusal::new(Kind::AccessDenied, message));
            }
            let unknown = filter.tag_filter.is_some() && takes == Takes::Group
                || filter.user_attribute_filter.is_some() && takes != Takes::User
                || filter.attribute_filter.is_some() && takes != Takes::Group;
            ensure(!unknown, "SearchFilter has a member that this operation does not know.")?;
        }
        self.search_criteria.as_ref().map_or(Ok(()), |criteria| criteria.check(takes, fields))
    }

    /// A candidate is only made where something is asked of it.
    pub(crate) fn matches<'a>(&self, candidate: impl FnOnce() -> Candidate<'a>, case_exact: bool) -> bool {
        if self.search_filter.is_none() && self.search_criteria.is_none() {
            return true;
        }
        let candidate = candidate();
        self.search_filter.as_ref().is_none_or(|filter| filter.matches(&candidate))
            && self.search_criteria.as_ref().is_none_or(|criteria| criteria.matches(&candidate, case_exact))
    }
}

impl Criteria {
    fn check(&self, takes: Takes, fields: &[&str]) -> Result<(), Refusal> {
        let nested = [&self.or_conditions, &self.and_conditions].into_iter().flatten().flatten();
        nested.into_iter().try_for_each(|one| one.check(takes, fields))?;
        let users_only = self.list_condition.is_some() || self.hierarchy_group_condition.is_some();
        ensure(
            !users_only || takes == Takes::User,
            "SearchCriteria has a condition that this operation does not know.",
        )?;
        let Some(condition) = &self.string_condition else { return Ok(()) };
        let field = condition.field_name.as_deref().unwrap_or_default();
        let known = fields.iter().any(|known| known.eq_ignore_ascii_case(field));
        ensure(known, format!("FieldName {field:?} is not one of {fields:?}."))?;
        let length = condition.value.as_deref().unwrap_or_default().chars().count();
        let by_part = condition.comparison_type == Some(StringComparison::Contains) && NAME_FIELDS.contains(&field);
        ensure(!by_part || (2..=25).contains(&length), "CONTAINS takes a value of 2 to 25 characters.")
    }

    fn matches(&self, candidate: &Candidate<'_>, case_exact: bool) -> bool {
        let any = self.or_conditions.as_deref().filter(|list| !list.is_empty());
        any.is_none_or(|list| list.iter().any(|one| one.matches(candidate, case_exact)))
            && self.and_conditions.iter().flatten().all(|one| one.matches(candidate, case_exact))
            && self.string_condition.as_ref().is_none_or(|condition| {
                let field = condition.field_name.as_deref().unwrap_or_default();
                let values = candidate.strings.iter().find(|(known, _)| known.eq_ignore_ascii_case(field));
                values.is_some_and(|(_, values)| values.iter().any(|value| condition.accepts(value, case_exact)))
            })
            && self.list_condition.as_ref().is_none_or(|condition| {
                let conditions = condition.conditions.as_deref().unwrap_or_default();
                candidate
                    .proficiencies
                    .iter()
                    .any(|one| conditions.iter().all(|condition| condition.accepts(one, case_exact)))
            })
            && self.hierarchy_group_condition.as_ref().is_none_or(|condition| condition.matches(candidate))
    }
}

impl StringCondition {
    fn accepts(&self, value: &str, case_exact: bool) -> bool {
        let fold = |text: &str| if case_exact { text.to_owned() } else { text.to_lowercase() };
        let (value, wanted) = (fold(value), fold(self.value.as_deref().unwrap_or_default()));
        match self.comparison_type.unwrap_or(StringComparison::Exact) {
            StringComparison::StartsWith => value.starts_with(&wanted),
            StringComparison::Contains => value.contains(&wanted),
            StringComparison::Exact => value == wanted,
        }
    }
}

impl Condition {
    /// One proficiency must satisfy all conditions of the list.
    fn accepts(&self, one: &Proficiency, case_exact: bool) -> bool {
        let string = self.string_condition.as_ref().is_none_or(|condition| {
            match condition.field_name.as_deref().unwrap_or_default() {
                "proficiencyName" => condition.accepts(&one.attribute_name, case_exact),
                "proficiencyValue" => condition.accepts(&one.attribute_value, case_exact),
                _ => false,
            }
        });
        string && self.number_condition.as_ref().is_none_or(|condition| condition.accepts(one.level))
    }
}

impl NumberCondition {
    fn accepts(&self, level: f64) -> bool {
        let (min, max) = (self.min_value.unwrap_or(f64::MIN), self.max_value.unwrap_or(f64::MAX));
        let equal = (level - min).abs() < f64::EPSILON;
        self.field_name.as_deref().is_none_or(|field| field == "proficiencyLevel")
            && match self.comparison_type.unwrap_or(NumberComparison::Equal) {
                NumberComparison::GreaterOrEqual => level >= min,
                NumberComparison::Greater => level > min,
                NumberComparison::LesserOrEqual => level <= max,
                NumberComparison::Lesser => level < max,
                NumberComparison::Equal => equal,
                NumberComparison::NotEqual => !equal,
                NumberComparison::Range => (min..=max).contains(&level),
            }
    }
}

impl GroupCondition {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let wanted = self.value.as_deref().map(|value| value.rsplit('/').next().unwrap_or(value));
        match self.hierarchy_group_match_type.unwrap_or(GroupMatch::Exact) {
            GroupMatch::Exact => candidate.groups.last().copied() == wanted,
            GroupMatch::WithChildGroups => candidate.groups.iter().any(|group| Some(*group) == wanted),
        }
    }
}

impl TagCondition {
    /// Without a value it asks for the key alone.
    fn matches(&self, tags: &Tags) -> bool {
        let value = self.tag_key.as_ref().and_then(|key| tags.get(key));
        value.is_some_and(|value| self.tag_value.as_ref().is_none_or(|wanted| wanted == value))
    }
}

impl AndCondition {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        self.tag_conditions.iter().flatten().all(|condition| condition.matches(candidate.tags))
            && self.hierarchy_group_condition.as_ref().is_none_or(|condition| condition.matches(candidate))
    }
}

impl Filter {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        self.tag_filter.as_ref().is_none_or(|filter| filter.matches(candidate.tags))
            && self.user_attribute_filter.as_ref().is_none_or(|filter| filter.matches(candidate))
            && self.attribute_filter.as_ref().is_none_or(|filter| filter.matches(candidate))
    }
}

impl TagFilter {
    fn matches(&self, tags: &Tags) -> bool {
        let any = self.or_conditions.as_deref().filter(|list| !list.is_empty());
        any.is_none_or(|list| list.iter().any(|all| all.iter().all(|condition| condition.matches(tags))))
            && self.and_conditions.iter().flatten().all(|condition| condition.matches(tags))
            && self.tag_condition.as_ref().is_none_or(|condition| condition.matches(tags))
    }
}

impl AttributeFilter {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let any = self.or_conditions.as_deref().filter(|list| !list.is_empty());
        any.is_none_or(|list| list.iter().any(|one| one.matches(candidate)))
            && self.and_condition.as_ref().is_none_or(|condition| condition.matches(candidate))
            && self.tag_condition.as_ref().is_none_or(|condition| condition.matches(candidate.tags))
            && self.hierarchy_group_condition.as_ref().is_none_or(|condition| condition.matches(candidate))
    }
}
