//! Which users are imported.

use clap::Args;

use super::super::aws::Catalogue;
use crate::user::observed::ObservedUser;

/// Filters: of one kind any has to match, of different kinds all.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Users")]
pub(super) struct Selection {
    /// Only users whose name matches: `*` stands for any text, and the case of letters is of no account, as in
    /// 'emea-*'. Repeat it for several.
    #[arg(long, value_name = "PATTERN")]
    username: Vec<String>,

    /// Only users in this hierarchy group or below it, by path as in EMEA/Support, or by id.
    #[arg(long, value_name = "PATH")]
    hierarchy_group: Vec<String>,

    /// Only users with this routing profile, by name or id.
    #[arg(long, value_name = "NAME")]
    routing_profile: Vec<String>,

    /// Only users with this security profile, by name or id.
    #[arg(long, value_name = "NAME")]
    security_profile: Vec<String>,

    /// Only users with this tag, and this value if there is one.
    #[arg(long, value_name = "KEY[=VALUE]")]
    tag: Vec<String>,
}

impl Selection {
    /// Whether every name in it is one that the instance has.
    ///
    /// # Errors
    /// In words, the name that is not.
    pub(super) fn check(&self, names: &Catalogue) -> Result<(), String> {
        for (asked, what, known) in [
            (&self.hierarchy_group, "hierarchy group", &names.hierarchy_groups),
            (&self.routing_profile, "routing profile", &names.routing_profiles),
            (&self.security_profile, "security profile", &names.security_profiles),
        ] {
            if let Some(name) = asked.iter().find(|name| !known.has(name)) {
                return Err(format!("the instance has no {what} `{name}`: it has {}", known.all()));
            }
        }
        Ok(())
    }

    pub(super) fn matches(&self, user: &ObservedUser, names: &Catalogue) -> bool {
        let Self { username, hierarchy_group, routing_profile, security_profile, tag } = self;
        let any =
            |asked: &[String], holds: &dyn Fn(&str) -> bool| asked.is_empty() || asked.iter().any(|asked| holds(asked));
        let group = user.hierarchy_group.as_ref();
        let routing = user.routing_profile.as_ref();
        any(username, &|pattern| fits(&pattern.to_lowercase(), &user.username.folded()))
            && any(hierarchy_group, &|name| group.is_some_and(|id| names.hierarchy_groups.is_within(id.as_str(), name)))
            && any(routing_profile, &|name| {
                routing.is_some_and(|id| names.routing_profiles.is_called(id.as_str(), name))
            })
            && any(security_profile, &|name| {
                user.security_profiles.iter().any(|id| names.security_profiles.is_called(id.as_str(), name))
            })
            && any(tag, &|tag| match tag.split_once('=') {
                Some((key, value)) => user.tags.get(key).is_some_and(|other| other == value),
                None => user.tags.contains_key(tag),
            })
    }
}

/// `*` stands for any text, everything else for itself.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, text, expected) in [
            ("jane", "jane", true),
            ("jane", "jane.doe", false),
            ("jane*", "jane.doe", true),
            ("*doe", "jane.doe", true),
            ("j*.*e", "jane.doe", true),
            ("j*x*e", "jane.doe", false),
            ("*", "", true),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
