//! Quick connects.

use super::Answer;
use super::criteria::Takes;
use crate::call::Call;
use crate::error::Refusal;
use crate::instance::{Instance, QuickConnect};
use crate::ops::catalog::summary;
use crate::ops::describe::with_token;
use crate::ops::search::{answer, find, named_candidate};
use crate::validate::ensure;
use crate::world::{World, bare};
use serde_json::{Value, json};

const KIND: &str = "transfer-destination";
const TYPES: [&str; 4] = ["USER", "QUEUE", "PHONE_NUMBER", "FLOW"];

pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let types = call.query.iter().filter(|(name, _)| name == "QuickConnectTypes").map(|(_, value)| value.as_str());
    let types: Vec<_> = types.collect();
    let known = types.len() <= 4 && types.iter().all(|one| TYPES.contains(one));
    ensure(known, format!("QuickConnectTypes may hold {TYPES:?} only."))?;
    let paging = call.page_of_query(1000, world.switches)?;
    let wanted = |quick: &&QuickConnect| types.is_empty() || types.contains(&quick.config.quick_connect_type.as_str());
    let entries = instance.quick_connects.iter().filter(wanted).map(|quick| {
        let mut entry = summary(instance, KIND, &quick.named);
        if let Value::Object(members) = &mut entry {
            members.insert("QuickConnectType".into(), json!(quick.config.quick_connect_type));
        }
        (quick.named.id.clone(), entry)
    });
    let (page, token) = paging.cut(entries.collect())?;
    Ok(Some(with_token(json!({ "QuickConnectSummaryList": page }), token)))
}

/// Whole objects; there is no way to search by user.
pub(crate) fn search(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let candidates =
        instance.quick_connects.iter().map(|quick| (quick.named.id.clone(), quick, || named_candidate(&quick.named)));
    let parts = (Takes::Plain, ["name", "description", "resourceID"].as_slice(), 100);
    let (page, token, total) = find((world, call), parts, candidates)?;
    let items: Vec<_> = page.into_iter().map(|quick| whole(instance, quick)).collect();
    answer("QuickConnects", &items, token, total)
}

fn whole(instance: &Instance, quick: &QuickConnect) -> Value {
    json!({
        "QuickConnectARN": instance.arn_of(KIND, &quick.named.id),
        "QuickConnectId": quick.named.id,
        "Name": quick.named.name,
        "Description": quick.named.name,
        "QuickConnectConfig": quick.config,
        "Tags": quick.named.tags,
        "LastModifiedTime": quick.named.modified,
        "LastModifiedRegion": instance.region,
    })
}

fn position(instance: &Instance, call: &Call) -> Result<usize, Refusal> {
    let raw = call.label("QuickConnectId");
    let id = bare(instance, KIND, raw);
    let position = instance.quick_connects.iter().position(|quick| Some(quick.named.id.as_str()) == id);
    position.ok_or_else(|| Refusal::not_found(format!("Quick connect {raw} does not exist.")))
}

pub(crate) fn describe(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let quick = instance.quick_connects.get(position(instance, call)?);
    Ok(quick.map(|quick| json!({ "QuickConnect": whole(instance, quick) })))
}

pub(crate) fn delete(world: &mut World, call: &Call) -> Answer {
    let instance = world.instance_mut(call)?;
    let position = position(instance, call)?;
    instance.quick_connects.remove(position);
    Ok(None)
}
