//! The four operations on proficiencies.

use super::{Answer, existing_user, user_id};
use crate::call::Call;
use crate::error::Refusal;
use crate::modified::Change;
use crate::ops::describe::{visible_user, with_token};
use crate::ops::update::change;
use crate::user::Proficiency;
use crate::validate::{self, ensure, same_key};
use crate::world::World;
use serde::Deserialize;
use serde_json::json;

/// At most so many for one user.
const LIMIT: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Request {
    user_proficiencies: Vec<Proficiency>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DisassociateRequest {
    user_proficiencies: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Key {
    attribute_name: String,
    attribute_value: String,
}

fn present(world: &World, call: &Call) -> Result<Vec<Proficiency>, Refusal> {
    let instance = world.instance(call)?;
    let id = existing_user(instance, call)?;
    Ok(instance.stored(&id).map(|stored| stored.user.user_proficiencies.clone()).unwrap_or_default())
}

fn unassociated(name: &str, value: &str) -> String {
    format!("{name}={value} is not associated with the user.")
}

pub(crate) fn associate(world: &mut World, call: &Call) -> Answer {
    let mut present = present(world, call)?;
    let asked = call.shape::<Request>()?.user_proficiencies;
    validate::proficiencies(world.instance(call)?, &asked)?;
    for one in asked {
        match present.iter_mut().find(|other| same_key(&one, other)) {
            Some(other) => {
                ensure(
                    world.switches.associate_existing_upserts,
                    format!("{}={} is already associated with the user.", one.attribute_name, one.attribute_value),
                )?;
                *other = one;
            }
            None => present.push(one),
        }
    }
    ensure(present.len() <= LIMIT, format!("A user can have at most {LIMIT} proficiencies."))?;
    change(world, call, Change::Proficiencies, |user| user.user_proficiencies = present)
}

pub(crate) fn update(world: &mut World, call: &Call) -> Answer {
    let mut present = present(world, call)?;
    let asked = call.shape::<Request>()?.user_proficiencies;
    validate::proficiencies(world.instance(call)?, &asked)?;
    for one in asked {
        let other = present.iter_mut().find(|other| same_key(&one, other));
        let other = other.ok_or_else(|| Refusal::mistake(unassociated(&one.attribute_name, &one.attribute_value)))?;
        *other = one;
    }
    change(world, call, Change::Proficiencies, |user| user.user_proficiencies = present)
}

pub(crate) fn disassociate(world: &mut World, call: &Call) -> Answer {
    let mut present = present(world, call)?;
    let asked = call.shape::<DisassociateRequest>()?.user_proficiencies;
    ensure(!asked.is_empty(), "UserProficiencies must have at least one entry.")?;
    for key in asked {
        let before = present.len();
        present
            .retain(|other| other.attribute_name != key.attribute_name || other.attribute_value != key.attribute_value);
        ensure(present.len() < before, unassociated(&key.attribute_name, &key.attribute_value))?;
    }
    change(world, call, Change::Proficiencies, |user| user.user_proficiencies = present)
}

pub(crate) fn list(world: &World, call: &Call) -> Answer {
    let instance = world.instance(call)?;
    let user = visible_user(instance, user_id(instance, call)?, world.lag, call.now)?;
    let paging = call.page_of_query(100, world.switches)?;
    let keyed =
        user.user_proficiencies.iter().map(|one| (format!("{}\n{}", one.attribute_name, one.attribute_value), one));
    let (page, token) = paging.cut(keyed.collect())?;
    let answer = json!({
        "UserProficiencyList": page,
        "LastModifiedTime": user.proficiencies_last_modified_time,
        "LastModifiedRegion": user.last_modified_region,
    });
    Ok(Some(with_token(answer, token)))
}
