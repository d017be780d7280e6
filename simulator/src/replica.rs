//! An instance in two Regions (Amazon Connect Global Resiliency): its replica has the same id and the same users, and
//! its ARNs name the Region that was asked.

use serde_json::Value;

use crate::call::Call;
use crate::world::World;

/// How a call that was made in the Region of a replica is told apart from one in that of the instance.
#[derive(Debug)]
pub(crate) struct Replica {
    /// In ARNs of the instance.
    home: String,
    /// In ARNs of the replica.
    away: String,
}

impl World {
    /// Turns a call to a replica into the same one to its instance.
    pub(crate) fn to_home(&self, call: &mut Call, instance: Option<&str>) -> Option<Replica> {
        let instance = self.instances.get(instance?)?;
        if instance.replica_region.as_ref() != Some(&call.region) {
            return None;
        }
        let of = |region: &str| format!(":connect:{region}:");
        let replica = Replica { home: of(&instance.region), away: of(&call.region) };
        call.region.clone_from(&instance.region);
        rewrite(&mut call.body, &replica.away, &replica.home);
        for label in call.labels.values_mut() {
            *label = label.replace(&replica.away, &replica.home);
        }
        Some(replica)
    }
}

impl Replica {
    /// Turns the answer into that of the replica.
    pub(crate) fn answers(&self, answer: &mut Value) {
        rewrite(answer, &self.home, &self.away);
    }
}

fn rewrite(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => *text = text.replace(from, to),
        Value::Array(all) => all.iter_mut().for_each(|one| rewrite(one, from, to)),
        Value::Object(all) => all.values_mut().for_each(|one| rewrite(one, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
