//! Reads all users of an instance in one listing, a thousand a call, for everybody who needs one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

pub use super::register::{Listed, Standing};
use super::register::{Register, accounted_by_status, millis};
use crate::connect::{Connect, ConnectError, all_pages};
use crate::resource::status::ConnectUserStatus;
use crate::user::ids::{Instance, UserId, Username};
use crate::user::observed::ObservedUser;

/// What is known of the users of all instances.
pub struct Inventory {
    /// How long Connect may hide a user that exists.
    grace: SignedDuration,
    shelves: Mutex<HashMap<Instance, Arc<Shelf>>>,
}

/// One instance.
#[derive(Default)]
struct Shelf {
    register: Mutex<Register>,
    /// When the last listing was read that was believed.
    swept: Mutex<Option<Timestamp>>,
    /// Held while the listing is read, so that who needs one at the same time shares it.
    last: AsyncMutex<Option<Listing>>,
    /// When it failed last, and how.
    failure: Mutex<Option<(Instant, ConnectError)>>,
}

/// A listing that was read.
struct Listing {
    begun: Instant,
    is_empty: bool,
}

/// For so long a listing that failed is not tried again for the sake of a single object.
const SPARED: Duration = Duration::from_secs(30);

/// Users of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// When they were listed.
    pub swept: Timestamp,
    /// All.
    pub users: usize,
    /// Those that no object has.
    pub unmanaged: usize,
}

/// What a sweep found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swept {
    /// All users of the instance.
    pub users: usize,
    /// Users that have to be looked at, of those that somebody here has.
    pub suspects: Vec<UserId>,
    /// Whether the listing was empty, which is not believed.
    pub is_empty: bool,
}

impl Inventory {
    /// Nothing is known yet. Users created within `grace` may be missing in a listing.
    pub fn new(grace: SignedDuration) -> Self {
        Self { grace, shelves: Mutex::default() }
    }

    fn shelf(&self, instance: &Instance) -> Arc<Shelf> {
        // Maps of plain values are whole even if a holder of the lock panicked.
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shelves.entry(instance.clone()).or_default())
    }

    /// Reads all users; of `ours` are those that some object has.
    ///
    /// # Errors
    /// Those of ListUsers.
    pub async fn sweep(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        now: Timestamp,
        ours: impl Fn(&UserId) -> bool,
    ) -> Result<Swept, ConnectError> {
        let shelf = self.shelf(instance);
        let mut last = shelf.last.lock().await;
        self.read(&shelf, &mut last, connect, instance, now, ours).await
    }

    /// What a listing that was begun at this moment or later says of an id and a name. Of many who need one
    /// at the same time, one reads it.
    ///
    /// # Errors
    /// Those of ListUsers.
    pub async fn find(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        id: Option<&UserId>,
        username: &Username,
        now: Timestamp,
    ) -> Result<Listed, ConnectError> {
        let asked = Instant::now();
        let shelf = self.shelf(instance);
        let mut last = shelf.last.lock().await;
        if last.as_ref().is_none_or(|listing| listing.begun < asked) {
            // Whoever asks is told of one; the rest is for the sweep.
            self.read(&shelf, &mut last, connect, instance, now, |_| false).await?;
        }
        let is_empty = last.as_ref().is_some_and(|listing| listing.is_empty);
        Ok(if is_empty { Listed::Empty } else { shelf.register().find(id, username) })
    }

    /// The user that had this name in the last listing, however long ago that was.
    pub fn known(&self, instance: &Instance, username: &Username) -> Option<UserId> {
        match self.shelf(instance).register().find(None, username) {
            Listed::ByName(id) => Some(id),
            Listed::Empty | Listed::Nowhere | Listed::ById => None,
        }
    }

    /// What is known of a user whose object was in order; reads all users first if that has not been done yet.
    ///
    /// # Errors
    /// Those of ListUsers.
    pub async fn standing(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        user: &ConnectUserStatus,
        username: &Username,
        now: Timestamp,
    ) -> Result<Standing, ConnectError> {
        let Some(id) = user.user_id.as_deref().and_then(UserId::read) else { return Ok(Standing::Suspect) };
        let shelf = self.shelf(instance);
        {
            let mut last = shelf.last.lock().await;
            if last.is_none() {
                // Ten thousand objects that start without the right to list must not become ten thousand listings.
                if let Some(error) = shelf.recent_failure() {
                    return Err(error);
                }
                self.read(&shelf, &mut last, connect, instance, now, |_| false).await?;
            }
        }
        let known = accounted_by_status(user.last_modified_time.as_deref(), user.last_write_time.as_deref());
        Ok(shelf.register().standing(&id, username, known))
    }

    /// A user was found as declared, or was made so by a write that was acknowledged then.
    pub fn looked_at(&self, instance: &Instance, user: &ObservedUser, written: Option<Timestamp>) {
        let dated = user.last_modified_time.as_deref().and_then(millis);
        let written = written.map(Timestamp::as_millisecond);
        self.shelf(instance).register().looked_at(&user.id, &user.username, dated, written);
    }

    /// A user was created; the answer came at this time.
    pub fn created(&self, instance: &Instance, id: &UserId, username: &Username, at: Timestamp) {
        self.shelf(instance).register().created(id, username, at.as_millisecond());
    }

    /// A write to a user begins. It ends when what is returned is told that it was acknowledged, or dropped.
    pub fn writing(&self, instance: &Instance, id: &UserId) -> Writing {
        let shelf = self.shelf(instance);
        shelf.register().writing(id);
        Writing { shelf, id: id.clone(), acknowledged: None }
    }

    /// A user has to be looked at; or it is being looked at, which may fail before anything is put right.
    pub fn suspect(&self, instance: &Instance, id: &UserId, username: &Username) {
        self.shelf(instance).register().suspect(id, username);
    }

    /// A user is gone, or is nobody's here any more.
    pub fn forget(&self, instance: &Instance, id: &UserId) {
        self.shelf(instance).register().forget(id);
    }

    /// How many users of the last listing are not `ours`, and how many there are; `None` before the first.
    pub fn count(&self, instance: &Instance, ours: impl Fn(&UserId) -> bool) -> Option<Count> {
        let shelf = self.shelf(instance);
        let swept = (*shelf.swept.lock().unwrap_or_else(PoisonError::into_inner))?;
        let register = shelf.register();
        let (mut users, mut unmanaged) = (0, 0);
        for id in register.listed() {
            users += 1;
            unmanaged += usize::from(!ours(id));
        }
        Some(Count { swept, users, unmanaged })
    }

    async fn read(
        &self,
        shelf: &Shelf,
        last: &mut Option<Listing>,
        connect: &dyn Connect,
        instance: &Instance,
        now: Timestamp,
        ours: impl Fn(&UserId) -> bool,
    ) -> Result<Swept, ConnectError> {
        let begun = Instant::now();
        let listed = all_pages(|token| connect.list_users(instance, token)).await;
        let listed = listed.inspect_err(|error| shelf.failed(error))?;
        let users = listed.len();
        let fresh = now.checked_sub(self.grace).unwrap_or(Timestamp::MIN);
        let suspects = shelf.register().merge(listed, fresh.as_millisecond(), ours);
        let is_empty = suspects.is_none();
        if !is_empty {
            *shelf.swept.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        }
        *last = Some(Listing { begun, is_empty });
        Ok(Swept { users, is_empty, suspects: suspects.unwrap_or_default() })
    }
}

impl Shelf {
    fn failed(&self, error: &ConnectError) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    fn recent_failure(&self) -> Option<ConnectError> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.as_ref().filter(|(at, _)| at.elapsed() < SPARED).map(|(_, error)| error.clone())
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.register.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is under way.
#[must_use]
pub struct Writing {
    shelf: Arc<Shelf>,
    id: UserId,
    acknowledged: Option<i64>,
}

impl Writing {
    /// It was acknowledged at this time.
    pub fn acknowledged(mut self, at: Timestamp) {
        self.acknowledged = Some(at.as_millisecond());
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.shelf.register().wrote(&self.id, self.acknowledged);
    }
}
