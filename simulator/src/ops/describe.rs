//! DescribeUser, ListUsers, DeleteUser.

use super::{Answer, existing_user, user_id};
use crate::call::Call;
use crate::error::{Kind, Refusal};
use crate::instance::{Instance, unknown_user};
use crate::lag::{Lag, Stored};
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::user::User;
use crate::world::World;
use serde_json::{Map, Value, json};

pub(crate) fn describe_user(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let user = visible_user(instance, user_id(instance, call)?, world.lag, call.now)?;
    Ok(Some(json!({ "User": described(user, world.switches) })))
}

/// The user as a lagging DescribeUser sees it.
pub(crate) fn visible_user<'a>(
    instance: &'a Instance,
    id: &str,
    lag: Lag,
    now: Timestamp,
) -> Result<&'a User, Refusal> {
    let stored = instance.stored(id);
    stored.and_then(|stored| stored.described(now, lag)).ok_or_else(|| unknown_user(id))
}

/// The wire form of a user.
fn described(user: &User, switches: Switches) -> Value {
    let mut value = object(user);
    value.remove("UserProficiencies");
    value.remove("ProficienciesLastModifiedTime");
    if switches.describe_shows_empty {
        if let Some(Value::Object(phone)) = value.get_mut("PhoneConfig") {
            phone.entry("DeskPhoneNumber").or_insert_with(|| json!(""));
        }
    } else if user.tags.is_empty() {
        value.remove("Tags");
    }
    value.insert("SecurityProfileIds".into(), security_profiles(user, switches));
    Value::Object(value)
}

/// The user's members as JSON.
pub(crate) fn object(user: &User) -> Map<String, Value> {
    match serde_json::to_value(user) {
        Ok(Value::Object(object)) => object,
        _ => Map::new(),
    }
}

/// Connect does not keep the order.
pub(crate) fn security_profiles(user: &User, switches: Switches) -> Value {
    let mut ids = user.security_profile_ids.clone();
    if switches.security_profiles_reordered {
        ids.sort();
    }
    json!(ids)
}

/// Where a user comes in a listing.
pub(crate) fn order_key(stored: &Stored, switches: Switches) -> String {
    if switches.list_order_by_username {
        format!("{} {}", stored.user.username.to_lowercase(), stored.user.id)
    } else {
        format!("{:020}", stored.number)
    }
}

pub(crate) fn list_users(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let paging = call.page_of_query(1000, world.switches)?;
    let all = instance.all().filter_map(|stored| {
        let user = stored.listed(call.now, world.lag)?;
        Some((order_key(stored, world.switches), user))
    });
    let (page, token) = paging.cut(all.collect())?;
    let list: Vec<_> = page.into_iter().map(summary).collect();
    Ok(Some(with_token(json!({ "UserSummaryList": list }), token)))
}

fn summary(user: &User) -> Value {
    json!({
        "Id": user.id,
        "Arn": user.arn,
        "Username": user.username,
        "LastModifiedTime": user.last_modified_time,
        "LastModifiedRegion": user.last_modified_region,
    })
}

/// Adds NextToken if there is one.
pub(crate) fn with_token(mut answer: Value, token: Option<String>) -> Value {
    if let (Some(token), Value::Object(members)) = (token, &mut answer) {
        members.insert("NextToken".into(), Value::String(token));
    }
    answer
}

pub(crate) fn delete_user(world: &mut World, call: &Call) -> Answer {
    let (switches, lag) = (world.switches, world.lag);
    let instance = world.instance_mut(call)?;
    let id = existing_user(instance, call)?;
    let points_here = instance
        .quick_connects
        .iter()
        .any(|quick| quick.config.user_config.as_ref().is_some_and(|config| config.user_id == id));
    if points_here && switches.delete_refused_by_quick_connect {
        return Err(Refusal::new(Kind::InUse, format!("User {id} is the target of a quick connect.")));
    }
    instance.remove(&id, lag, call.now)?;
    Ok(None)
}
