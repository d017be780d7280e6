//! Profiles and groups that a request names, by id or ARN.

use crate::error::Refusal;
use crate::instance::{Instance, Named};
use crate::validate::ensure;
use crate::world::bare;

pub(crate) fn routing_profile(instance: &Instance, raw: &str) -> Result<String, Refusal> {
    known(bare(instance, "routing-profile", raw), &instance.routing_profiles, "Routing profile", raw)
}

/// The whole set: 1 to 10, none twice.
pub(crate) fn security_profiles(instance: &Instance, raw: &[String]) -> Result<Vec<String>, Refusal> {
    ensure(
        (1..=10).contains(&raw.len()),
        format!("SecurityProfileIds must have 1 to 10 entries, it has {}.", raw.len()),
    )?;
    let mut ids = Vec::new();
    for raw in raw {
        let id = known(bare(instance, "security-profile", raw), &instance.security_profiles, "Security profile", raw)?;
        ensure(!ids.contains(&id), format!("Security profile {id} is given twice."))?;
        ids.push(id);
    }
    Ok(ids)
}

pub(crate) fn group(instance: &Instance, raw: &str) -> Result<String, Refusal> {
    ensure(!raw.is_empty(), "HierarchyGroupId must not be empty.")?;
    let id = bare(instance, "agent-group", raw).filter(|id| instance.group(id).is_some());
    id.map(str::to_owned).ok_or_else(|| Refusal::missing(format!("Hierarchy group {raw} does not exist.")))
}

fn known(id: Option<&str>, among: &[Named], what: &str, raw: &str) -> Result<String, Refusal> {
    let id = id.filter(|id| among.iter().any(|named| named.id == *id));
    id.map(str::to_owned).ok_or_else(|| Refusal::missing(format!("{what} {raw} does not exist.")))
}
