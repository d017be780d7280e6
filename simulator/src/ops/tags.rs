//! TagResource, UntagResource, ListTagsForResource, for users and for the catalogue.

use super::Answer;
use crate::call::Call;
use crate::error::Refusal;
use crate::instance::Instance;
use crate::modified::Change;
use crate::ops::describe::visible_user;
use crate::user::Tags;
use crate::validate::{self, ensure};
use crate::world::World;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    tags: Tags,
}

/// What an ARN names.
struct Resource {
    instance: String,
    kind: String,
    id: String,
}

fn resource(world: &World, call: &Call) -> Result<Resource, Refusal> {
    let arn = call.label("resourceArn");
    let parts = arn.rsplitn(3, '/').collect::<Vec<_>>();
    let [id, kind, instance_arn] = parts.as_slice() else {
        return Err(Refusal::mistake(format!("{arn} is not the ARN of a resource that can have tags.")));
    };
    ensure(instance_arn.starts_with("arn:"), format!("{arn} is not an ARN."))?;
    let instance = world.visible(instance_arn, &call.region)?.id.clone();
    Ok(Resource { instance, kind: (*kind).to_owned(), id: (*id).to_owned() })
}

fn gone(resource: &Resource) -> Refusal {
    Refusal::not_found(format!("{} {} does not exist.", resource.kind, resource.id))
}

/// The tags of something of the catalogue.
fn catalogue_tags<'a>(instance: &'a mut Instance, resource: &Resource) -> Option<&'a mut Tags> {
    let named = match resource.kind.as_str() {
        "routing-profile" => instance.routing_profiles.iter_mut().find(|named| named.id == resource.id),
        "security-profile" => instance.security_profiles.iter_mut().find(|named| named.id == resource.id),
        "agent-group" => instance.groups.iter_mut().map(|group| &mut group.named).find(|named| named.id == resource.id),
        "transfer-destination" => {
            instance.quick_connects.iter_mut().map(|quick| &mut quick.named).find(|named| named.id == resource.id)
        }
        _ => None,
    };
    named.map(|named| &mut named.tags)
}

fn change(world: &mut World, call: &Call, edit: impl FnOnce(&mut Tags) -> Result<(), Refusal>) -> Answer {
    let resource = resource(world, call)?;
    let context = (world.switches, world.lag, call.now);
    let instance = world.instances.get_mut(&resource.instance).ok_or_else(|| gone(&resource))?;
    if resource.kind != "agent" {
        edit(catalogue_tags(instance, &resource).ok_or_else(|| gone(&resource))?)?;
        return Ok(None);
    }
    let mut tags = instance.stored(&resource.id).ok_or_else(|| gone(&resource))?.user.tags.clone();
    edit(&mut tags)?;
    instance.change(&resource.id, Change::Tags, context, |user| user.tags = tags)?;
    Ok(None)
}

pub(crate) fn tag(world: &mut World, call: &Call) -> Answer {
    let Request { tags: asked } = call.shape()?;
    validate::tags(&asked)?;
    change(world, call, |tags| {
        tags.extend(asked);
        ensure(tags.len() <= 50, "A resource can have at most 50 tags.")
    })
}

pub(crate) fn untag(world: &mut World, call: &Call) -> Answer {
    let keys: Vec<_> = call.query.iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key).collect();
    ensure((1..=50).contains(&keys.len()), "tagKeys must have 1 to 50 entries.")?;
    keys.iter().try_for_each(|key| validate::tag_key(key))?;
    change(world, call, |tags| {
        tags.retain(|key, _| !keys.contains(&key));
        Ok(())
    })
}

pub(crate) fn list(world: &mut World, call: &Call) -> Answer {
    let resource = resource(world, call)?;
    let lag = world.lag;
    let instance = world.instances.get_mut(&resource.instance).ok_or_else(|| gone(&resource))?;
    if resource.kind == "agent" {
        let user = visible_user(instance, &resource.id, lag, call.now)?;
        return Ok(Some(json!({ "tags": user.tags })));
    }
    let tags = catalogue_tags(instance, &resource).ok_or_else(|| gone(&resource))?;
    Ok(Some(json!({ "tags": tags })))
}
