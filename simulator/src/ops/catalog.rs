//! The instance and its profiles and hierarchy groups.

use super::Answer;
use crate::call::Call;
use crate::error::Refusal;
use crate::fixtures::EPOCH;
use crate::instance::{Group, Instance, Named};
use crate::ops::describe::with_token;
use crate::world::{World, bare};
use serde_json::{Map, Value, json};

pub(crate) fn describe_instance(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    Ok(Some(json!({ "Instance": {
        "Id": instance.id,
        "Arn": instance.arn,
        "IdentityManagementType": instance.identity_management_type,
        "InstanceAlias": instance.alias,
        "CreatedTime": EPOCH,
        "ServiceRole": format!("arn:aws:iam::{}:role/aws-service-role/connect.amazonaws.com/AWSServiceRoleForAmazonConnect", instance.account),
        "InstanceStatus": "ACTIVE",
        "InboundCallsEnabled": true,
        "OutboundCallsEnabled": true,
        "InstanceAccessUrl": format!("https://{}.my.connect.aws", instance.alias),
        "Tags": {},
    }})))
}

/// One entry of a List answer.
pub(crate) fn summary(instance: &Instance, kind: &str, named: &Named) -> Value {
    json!({
        "Id": named.id,
        "Arn": instance.arn_of(kind, &named.id),
        "Name": named.name,
        "LastModifiedTime": named.modified,
        "LastModifiedRegion": instance.region,
    })
}

/// One page of summaries under `member`.
fn list<'a>((world, call): (&World, &Call), member: &str, entries: impl Iterator<Item = (&'a str, Value)>) -> Answer {
    let paging = call.page_of_query(1000, world.switches)?;
    let (page, token) = paging.cut(entries.map(|(id, value)| (id.to_owned(), value)).collect())?;
    Ok(Some(with_token(json!({ member: page }), token)))
}

pub(crate) fn list_routing_profiles(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let entries = instance.routing_profiles.iter();
    let entries = entries.map(|named| (named.id.as_str(), summary(instance, "routing-profile", named)));
    list((world, call), "RoutingProfileSummaryList", entries)
}

pub(crate) fn list_security_profiles(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let entries = instance.security_profiles.iter();
    let entries = entries.map(|named| (named.id.as_str(), summary(instance, "security-profile", named)));
    list((world, call), "SecurityProfileSummaryList", entries)
}

/// All groups, without the root and without their paths.
pub(crate) fn list_groups(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let entries = instance.groups.iter().map(|group| &group.named);
    let entries = entries.map(|named| (named.id.as_str(), summary(instance, "agent-group", named)));
    list((world, call), "UserHierarchyGroupSummaryList", entries)
}

pub(crate) fn describe_group(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let raw = call.label("HierarchyGroupId");
    let group = bare(instance, "agent-group", raw).and_then(|id| instance.group(id));
    let group = group.ok_or_else(|| Refusal::not_found(format!("Hierarchy group {raw} does not exist.")))?;
    Ok(Some(json!({ "HierarchyGroup": full_group(instance, group) })))
}

/// A group with its path and level.
pub(crate) fn full_group(instance: &Instance, group: &Group) -> Value {
    let levels = ["LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive"];
    let groups = instance.path(&group.named.id);
    let level = groups.len();
    let path: Map<_, _> = levels
        .into_iter()
        .zip(groups)
        .map(|(level, group)| (level.to_owned(), summary(instance, "agent-group", &group.named)))
        .collect();
    json!({
        "Id": group.named.id,
        "Arn": instance.arn_of("agent-group", &group.named.id),
        "Name": group.named.name,
        "LevelId": level.to_string(),
        "HierarchyPath": path,
        "Tags": group.named.tags,
        "LastModifiedTime": group.named.modified,
        "LastModifiedRegion": instance.region,
    })
}

pub(crate) fn describe_routing_profile(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let raw = call.label("RoutingProfileId");
    let id = bare(instance, "routing-profile", raw);
    let named = instance.routing_profiles.iter().find(|named| Some(named.id.as_str()) == id);
    let named = named.ok_or_else(|| Refusal::not_found(format!("Routing profile {raw} does not exist.")))?;
    Ok(Some(json!({ "RoutingProfile": routing_profile(instance, named) })))
}

/// A whole routing profile.
pub(crate) fn routing_profile(instance: &Instance, named: &Named) -> Value {
    let users = instance.users().into_iter().filter(|user| user.routing_profile_id == named.id).count();
    let channels = [("VOICE", 1), ("CHAT", 2), ("TASK", 5)];
    let channels = channels.map(|(channel, concurrency)| json!({ "Channel": channel, "Concurrency": concurrency }));
    json!({
        "InstanceId": instance.id,
        "Name": named.name,
        "RoutingProfileArn": instance.arn_of("routing-profile", &named.id),
        "RoutingProfileId": named.id,
        "Description": named.name,
        "MediaConcurrencies": channels,
        "Tags": named.tags,
        "NumberOfAssociatedQueues": 0,
        "NumberOfAssociatedUsers": users,
        "LastModifiedTime": named.modified,
        "LastModifiedRegion": instance.region,
        "IsDefault": named.name == "Basic Routing Profile",
    })
}
