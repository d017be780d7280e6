//! Users that were found gone, by instance: when too many vanish at once, something else is wrong, and
//! making them all again would make it worse.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::policy::{Brake, Hold};
use crate::user::ids::Instance;

/// When the user of an object, by uid, was first found gone.
#[derive(Default)]
pub(super) struct Vanished(Mutex<HashMap<Instance, HashMap<String, Timestamp>>>);

impl Vanished {
    /// Notes that the user of object `uid` is gone; how many are, if that is more than the brake allows.
    pub(super) fn too_many(&self, instance: &Instance, uid: &str, brake: &Brake, now: Timestamp) -> Option<u32> {
        let window = SignedDuration::try_from(brake.window).unwrap_or(SignedDuration::MAX);
        let mut instances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let objects = instances.entry(instance.clone()).or_default();
        objects.retain(|_, since| now.duration_since(*since) < window);
        objects.entry(uid.to_owned()).or_insert(now);
        match brake.check(u32::try_from(objects.len()).unwrap_or(u32::MAX), 0) {
            Hold::Free => None,
            Hold::Held { count } => Some(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_same_object_counts_once_and_old_ones_not_at_all() {
        let vanished = Vanished::default();
        let instance = Instance::parse("arn:aws:connect:eu-west-1:111122223333:instance/i").unwrap();
        let brake = Brake { most: 2, window: Duration::from_secs(60) };
        let at = |second| Timestamp::from_second(second).unwrap();
        for (uid, second, expected) in
            [("a", 0, None), ("a", 1, None), ("b", 2, None), ("c", 3, Some(3)), ("d", 100, None)]
        {
            assert_eq!(vanished.too_many(&instance, uid, &brake, at(second)), expected, "{uid}");
        }
    }
}
