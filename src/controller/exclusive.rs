//! Who looks at a user in order to write to it has it for itself until the write is done. Two objects may
//! speak of one user, and what the tags said is not so any more once the other has handed it over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::user::ids::{Instance, UserId};

type Users = HashMap<(Instance, UserId), Weak<AsyncMutex<()>>>;

/// The users that are being dealt with.
#[derive(Default)]
pub(super) struct Exclusive(Mutex<Users>);

/// As long as this lives, nobody else in this process gets the same user.
pub(super) struct Held(#[expect(dead_code, reason = "it holds")] OwnedMutexGuard<()>);

impl Exclusive {
    /// Waits until nobody else deals with the user. Whoever has one must give it back before it takes another.
    pub(super) async fn take(&self, instance: &Instance, user: &UserId) -> Held {
        let user = {
            let mut users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            users.retain(|_, user| user.strong_count() > 0);
            let place = users.entry((instance.clone(), user.clone())).or_default();
            place.upgrade().unwrap_or_else(|| {
                let user = Arc::default();
                *place = Arc::downgrade(&user);
                user
            })
        };
        Held(user.lock_owned().await)
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn one_user_is_had_by_one_at_a_time_and_nothing_is_kept() {
        let exclusive = Exclusive::default();
        let instance = Instance::parse("arn:aws:connect:eu-west-1:111122223333:instance/i").unwrap();
        let [jane, john] = ["11111111-1111-4111-8111-000000000001", "11111111-1111-4111-8111-000000000002"]
            .map(|id| UserId::read(id).unwrap());
        let held = exclusive.take(&instance, &jane).await;
        let mut other = Box::pin(exclusive.take(&instance, &jane));
        assert!((&mut other).now_or_never().is_none());
        assert!(exclusive.take(&instance, &john).now_or_never().is_some());
        drop(held);
        assert!(other.now_or_never().is_some());
        drop(exclusive.take(&instance, &john).await);
        assert_eq!(exclusive.0.lock().unwrap().len(), 1);
    }
}
