//! Eventual consistency: what a read may see, as a function of the time since the write.

use crate::timestamp::Timestamp;
use crate::user::User;
use serde::{Deserialize, Serialize};

/// How far reads lag behind writes, in milliseconds. 0 everywhere means that every read sees every write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Lag {
    /// DescribeUser, ListUserProficiencies and ListTagsForResource answer ResourceNotFound for so long after creation.
    pub describe_after_create_ms: u64,
    /// The same reads show the state before an update for so long.
    pub describe_after_update_ms: u64,
    /// ListUsers does not show a new user for so long.
    pub list_after_create_ms: u64,
    /// ListUsers still shows a deleted user for so long.
    pub list_after_delete_ms: u64,
    /// SearchUsers shows neither creations, updates nor deletions for so long.
    pub search_after_write_ms: u64,
    /// A deleted user's name stays taken for so long.
    pub username_reuse_after_delete_ms: u64,
}

impl Lag {
    /// The same lag for every read (not for the reuse of names).
    #[must_use]
    pub const fn uniform(ms: u64) -> Self {
        Self {
            describe_after_create_ms: ms,
            describe_after_update_ms: ms,
            list_after_create_ms: ms,
            list_after_delete_ms: ms,
            search_after_write_ms: ms,
            username_reuse_after_delete_ms: 0,
        }
    }

    pub(crate) fn longest(self) -> u64 {
        self.describe_after_create_ms
            .max(self.describe_after_update_ms)
            .max(self.list_after_create_ms)
            .max(self.list_after_delete_ms)
            .max(self.search_after_write_ms)
            .max(self.username_reuse_after_delete_ms)
    }
}

/// A user and the states it had while a lagging read may still see them.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Order of creation in the instance.
    pub(crate) number: u64,
    pub(crate) created: Timestamp,
    pub(crate) deleted: Option<Timestamp>,
    pub(crate) user: User,
    /// (replaced at, state until then), oldest first.
    history: Vec<(Timestamp, User)>,
}

impl Stored {
    pub(crate) const fn new(number: u64, created: Timestamp, user: User) -> Self {
        Self { number, created, deleted: None, user, history: Vec::new() }
    }

    /// Remembers the present state before a write at `now`.
    pub(crate) fn remember(&mut self, now: Timestamp, lag: Lag) {
        let longest = lag.longest();
        self.history.retain(|(replaced, _)| now.since(*replaced) < longest);
        if longest > 0 {
            self.history.push((now, self.user.clone()));
        }
    }

    fn as_of(&self, now: Timestamp, lag_ms: u64) -> &User {
        let visible_until = |replaced: Timestamp| now.since(replaced) < lag_ms;
        self.history.iter().find(|(replaced, _)| visible_until(*replaced)).map_or(&self.user, |(_, user)| user)
    }

    /// What DescribeUser shows.
    pub(crate) fn described(&self, now: Timestamp, lag: Lag) -> Option<&User> {
        let visible = self.deleted.is_none() && now.since(self.created) >= lag.describe_after_create_ms;
        visible.then(|| self.as_of(now, lag.describe_after_update_ms))
    }

    /// What ListUsers shows.
    pub(crate) fn listed(&self, now: Timestamp, lag: Lag) -> Option<&User> {
        let gone = self.deleted.is_some_and(|at| now.since(at) >= lag.list_after_delete_ms);
        (!gone && now.since(self.created) >= lag.list_after_create_ms).then_some(&self.user)
    }

    /// What SearchUsers shows.
    pub(crate) fn found(&self, now: Timestamp, lag: Lag) -> Option<&User> {
        let gone = self.deleted.is_some_and(|at| now.since(at) >= lag.search_after_write_ms);
        let visible = !gone && now.since(self.created) >= lag.search_after_write_ms;
        visible.then(|| self.as_of(now, lag.search_after_write_ms))
    }
}
