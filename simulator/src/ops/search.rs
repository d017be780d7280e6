//! SearchUsers and the searches of the catalogue.

use super::Answer;
use super::criteria::{Candidate, SearchRequest, Takes};
use crate::call::Call;
use crate::error::Refusal;
use crate::instance::{Group, Instance, Named};
use crate::ops::catalog::{full_group, routing_profile};
use crate::ops::describe::{object, order_key, security_profiles as profile_ids, with_token};
use crate::switches::Switches;
use crate::user::User;
use crate::world::World;
use serde_json::{Value, json};

const USER_FIELDS: [&str; 6] =
    ["Username", "FirstName", "LastName", "RoutingProfileId", "SecurityProfileId", "resourceId"];
const NAMED_FIELDS: [&str; 3] = ["name", "description", "resourceID"];

/// Items of the answer, the token of the next page, and how many items there are in all.
pub(crate) type Found<T> = (Vec<T>, Option<String>, usize);

/// Checks the request, keeps what matches and cuts a page.
pub(crate) fn find<'a, T, C: FnOnce() -> Candidate<'a>>(
    (world, call): (&World, &Call),
    (takes, fields, limit): (Takes, &[&str], i64),
    candidates: impl Iterator<Item = (String, T, C)>,
) -> Result<Found<T>, Refusal> {
    let request: SearchRequest = call.shape()?;
    request.check(takes, fields)?;
    let paging = call.page(request.max_results, request.next_token.as_deref(), limit, world.switches)?;
    let exact = world.switches.search_is_case_exact;
    let hits = candidates.filter_map(|(key, item, candidate)| request.matches(candidate, exact).then_some((key, item)));
    let hits: Vec<_> = hits.collect();
    let total = hits.len();
    let (page, token) = paging.cut(hits)?;
    Ok((page, token, total))
}

/// The answer of a search.
pub(crate) fn answer(member: &str, items: &[Value], token: Option<String>, total: usize) -> Answer {
    Ok(Some(with_token(json!({ member: items, "ApproximateTotalCount": total }), token)))
}

pub(crate) fn users(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let candidates = instance.all().filter_map(|stored| {
        let user = stored.found(call.now, world.lag)?;
        Some((order_key(stored, world.switches), user, move || user_candidate(instance, user)))
    });
    let (page, token, total) = find((world, call), (Takes::User, &USER_FIELDS, 500), candidates)?;
    let items: Vec<_> = page.into_iter().map(|user| found(user, world.switches)).collect();
    answer("Users", &items, token, total)
}

fn user_candidate<'a>(instance: &'a Instance, user: &'a User) -> Candidate<'a> {
    let one = |value: &'a Option<String>| value.as_deref().into_iter().collect::<Vec<_>>();
    let path = user.hierarchy_group_id.as_deref().map(|id| instance.path(id)).unwrap_or_default();
    Candidate {
        strings: vec![
            ("Username", vec![&user.username]),
            ("FirstName", one(&user.identity_info.first_name)),
            ("LastName", one(&user.identity_info.last_name)),
            ("RoutingProfileId", vec![&user.routing_profile_id]),
            ("SecurityProfileId", user.security_profile_ids.iter().map(String::as_str).collect()),
            ("resourceId", vec![&user.id]),
        ],
        tags: &user.tags,
        groups: path.into_iter().map(|group| group.named.id.as_str()).collect(),
        proficiencies: &user.user_proficiencies,
    }
}

/// What SearchUsers shows of a user: no e-mails, mobile, proficiencies, times; limits in milliseconds.
fn found(user: &User, switches: Switches) -> Value {
    let mut user_in_ms = user.clone();
    let ms = |limit: &mut Option<i64>| *limit = limit.map(|seconds| seconds * 1000);
    if let Some(phone) = &mut user_in_ms.phone_config {
        ms(&mut phone.after_contact_work_time_limit);
    }
    for entry in &mut user_in_ms.channels.after_contact_work_configs {
        ms(&mut entry.after_contact_work_config.after_contact_work_time_limit);
        if let Some(block) = &mut entry.agent_first_callback_after_contact_work_config {
            ms(&mut block.after_contact_work_time_limit);
        }
    }
    user_in_ms.identity_info.email = None;
    user_in_ms.identity_info.secondary_email = None;
    user_in_ms.identity_info.mobile = None;
    let mut value = object(&user_in_ms);
    for hidden in ["LastModifiedTime", "LastModifiedRegion", "UserProficiencies", "ProficienciesLastModifiedTime"] {
        value.remove(hidden);
    }
    value.insert("SecurityProfileIds".into(), profile_ids(user, switches));
    Value::Object(value)
}

pub(crate) fn named_candidate(named: &Named) -> Candidate<'_> {
    Candidate {
        strings: vec![("name", vec![&named.name]), ("description", vec![&named.name]), ("resourceID", vec![&named.id])],
        tags: &named.tags,
        groups: Vec::new(),
        proficiencies: &[],
    }
}

pub(crate) fn routing_profiles(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let candidates = instance.routing_profiles.iter().map(|named| (named.id.clone(), named, || named_candidate(named)));
    let (page, token, total) = find((world, call), (Takes::Plain, &NAMED_FIELDS, 500), candidates)?;
    let items: Vec<_> = page.into_iter().map(|named| routing_profile(instance, named)).collect();
    answer("RoutingProfiles", &items, token, total)
}

pub(crate) fn security_profiles(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let candidates =
        instance.security_profiles.iter().map(|named| (named.id.clone(), named, || named_candidate(named)));
    let (page, token, total) = find((world, call), (Takes::Plain, &NAMED_FIELDS, 100), candidates)?;
    let item = |named: &Named| {
        json!({
            "Id": named.id,
            "OrganizationResourceId": instance.id,
            "Arn": instance.arn_of("security-profile", &named.id),
            "SecurityProfileName": named.name,
            "Description": named.name,
            "Tags": named.tags,
        })
    };
    let items: Vec<_> = page.into_iter().map(item).collect();
    answer("SecurityProfiles", &items, token, total)
}

/// All groups, and a root of level 0 that no other operation shows.
pub(crate) fn groups(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let root = Group { named: Named::new(&instance.root_group, "Root"), parent: None };
    let all = std::iter::once(&root).chain(&instance.groups);
    let candidates = all.map(|group| (group.named.id.clone(), group, || named_candidate(&group.named)));
    let (page, token, total) = find((world, call), (Takes::Group, &NAMED_FIELDS, 100), candidates)?;
    let items: Vec<_> = page.into_iter().map(|group| full_group(instance, group)).collect();
    answer("UserHierarchyGroups", &items, token, total)
}
