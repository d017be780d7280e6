//! What is known of the users of one instance without asking for each: who is there, and up to when the
//! changes of each are accounted for. Pure; times are milliseconds by Connect's clock.
//!
//! One number a user decides: changes that Connect dates up to it are known, because the user was read
//! then or written by us. A listing that shows a later change makes the user a suspect, and only suspects
//! are described. An older date is a lagging listing and says nothing.

use std::collections::HashMap;

use crate::connect::ListedUser;
use crate::user::ids::{UserId, Username};

/// How far Connect's clock may be ahead of ours: a write of ours is dated by Connect at most this much
/// after the answer came. What somebody else changes within it after a write of ours goes unnoticed until
/// the index is compared.
const SLACK: i64 = 2_000;

/// The users of one instance.
#[derive(Debug, Default)]
pub(super) struct Register {
    users: HashMap<UserId, Entry>,
    /// The sweep that is being merged; an entry with an older one was not listed.
    sweep: u64,
    /// Whether the listing dates to the millisecond, as far as was seen.
    lists_millis: bool,
    /// Whether a look at a user does.
    shows_millis: bool,
}

/// What a listing of all users says about an id and a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed {
    /// There is no user at all. An instance has at least an administrator, so this is not believed.
    Empty,
    /// Neither id nor name: it is gone.
    Nowhere,
    /// The id is listed: it exists and is not visible everywhere yet.
    ById,
    /// The name is listed under this other id.
    ByName(UserId),
}

/// A user.
#[derive(Debug)]
struct Entry {
    username: Username,
    /// The sweep that listed it last; zero if none has.
    listed: u64,
    /// Date of the last change in the last listing.
    dated: i64,
    /// Changes up to here are known; `None` for a user that nobody here has looked at.
    accounted: Option<i64>,
    /// When it was created by us, if it was by this process.
    created: i64,
    /// Writes under way.
    writing: u32,
    /// The index shows a difference, or the last listing did not show the user.
    is_suspect: bool,
}

/// What the listings say of a user that an object has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Listed under its name, with no change that is not known.
    Unchanged,
    /// Everything else: it must be looked at.
    Suspect,
}

impl Register {
    /// Takes in a complete listing and returns the users that have to be looked at: of those that somebody
    /// here has looked at before, the vanished, the renamed and the changed. An empty listing is not
    /// believed, since an instance has at least an administrator; `None` then. What was created after `fresh`
    /// may not be listed yet. A user of `ours` that nobody here has looked at, because another operator made
    /// it, has to be as well.
    pub(super) fn merge(
        &mut self,
        listed: Vec<ListedUser>,
        fresh: i64,
        ours: impl Fn(&UserId) -> bool,
    ) -> Option<Vec<UserId>> {
        if listed.is_empty() {
            return None;
        }
        self.sweep += 1;
        let mut suspects = Vec::new();
        for ListedUser { id, username, last_modified_time } in listed {
            let dated = last_modified_time.as_deref().and_then(millis).unwrap_or_default();
            self.lists_millis |= dated % 1000 != 0;
            let entry = self.users.entry(id.clone()).or_insert_with(|| Entry::new(username.clone()));
            // Pages shift while they are read, so a user may come twice; the later date is the truer one.
            entry.dated = if entry.listed == self.sweep { entry.dated.max(dated) } else { dated };
            entry.listed = self.sweep;
            entry.is_suspect |= entry.username != username;
            entry.username = username;
        }
        let (sweep, precision) = (self.sweep, self.precision());
        // One that nobody here has is forgotten.
        self.users.retain(|id, entry| {
            let is_listed = entry.listed == sweep;
            entry.is_suspect |= !is_listed && entry.created <= fresh;
            let is_unheard_of = entry.accounted.is_none() && is_listed && ours(id);
            if is_unheard_of || entry.accounted.is_some() && entry.standing(precision) == Standing::Suspect {
                suspects.push(id.clone());
            }
            is_listed || entry.accounted.is_some()
        });
        Some(suspects)
    }

    /// What the last listing says of a user. `known` is what the object's status has: up to when changes
    /// are accounted for by an earlier process.
    pub(super) fn standing(&mut self, id: &UserId, username: &Username, known: Option<i64>) -> Standing {
        let precision = self.precision();
        let Some(entry) = self.users.get_mut(id) else { return Standing::Suspect };
        entry.accounted = entry.accounted.max(known);
        if entry.username.same_user(username) { entry.standing(precision) } else { Standing::Suspect }
    }

    /// A user was found or made as declared: Connect dates its last change so, and our last write was
    /// acknowledged then.
    pub(super) fn looked_at(&mut self, id: &UserId, username: &Username, dated: Option<i64>, written: Option<i64>) {
        self.shows_millis |= dated.is_some_and(|dated| dated % 1000 != 0);
        let entry = self.users.entry(id.clone()).or_insert_with(|| Entry::new(username.clone()));
        entry.is_suspect = false;
        entry.accounted = entry.accounted.max(dated).max(written.map(|at| at + SLACK)).or(Some(0));
    }

    /// Connect may date to the millisecond in one answer and to the second in another: then only whole seconds
    /// can be compared.
    fn precision(&self) -> i64 {
        if self.lists_millis && self.shows_millis { 1 } else { 1000 }
    }

    /// A write to a user begins.
    pub(super) fn writing(&mut self, id: &UserId) {
        if let Some(entry) = self.users.get_mut(id) {
            entry.writing += 1;
        }
    }

    /// A write to a user has ended; `acknowledged` is when, by our clock, if it was acknowledged.
    pub(super) fn wrote(&mut self, id: &UserId, acknowledged: Option<i64>) {
        if let Some(entry) = self.users.get_mut(id) {
            entry.writing = entry.writing.saturating_sub(1);
            if let Some(at) = acknowledged {
                entry.accounted = entry.accounted.max(Some(at + SLACK));
            }
        }
    }

    /// A user was created, and the answer came at this time.
    pub(super) fn created(&mut self, id: &UserId, username: &Username, acknowledged: i64) {
        self.looked_at(id, username, None, Some(acknowledged));
        if let Some(entry) = self.users.get_mut(id) {
            entry.created = acknowledged;
        }
    }

    /// A user has to be looked at, or is being looked at and the look may fail.
    pub(super) fn suspect(&mut self, id: &UserId, username: &Username) {
        self.users.entry(id.clone()).or_insert_with(|| Entry::new(username.clone())).is_suspect = true;
    }

    /// A user is gone, or is nobody's here any more.
    pub(super) fn forget(&mut self, id: &UserId) {
        if let Some(entry) = self.users.get_mut(id) {
            entry.accounted = None;
        }
    }

    /// What the last listing says of an id and a name.
    pub(super) fn find(&self, id: Option<&UserId>, username: &Username) -> Listed {
        let is_listed = |entry: &Entry| entry.listed == self.sweep && self.sweep > 0;
        if id.is_some_and(|id| self.users.get(id).is_some_and(is_listed)) {
            return Listed::ById;
        }
        let named = self
            .users
            .iter()
            .find(|(_, entry)| is_listed(entry) && entry.username.same_user(username))
            .map(|(id, _)| id);
        named.map_or(Listed::Nowhere, |id| Listed::ByName(id.clone()))
    }

    /// The users of the last listing.
    pub(super) fn listed(&self) -> impl Iterator<Item = &UserId> {
        self.users.iter().filter(|(_, entry)| entry.listed == self.sweep && self.sweep > 0).map(|(id, _)| id)
    }
}

impl Entry {
    fn new(username: Username) -> Self {
        Self { username, listed: 0, dated: 0, accounted: None, created: 0, writing: 0, is_suspect: false }
    }

    fn standing(&self, precision: i64) -> Standing {
        let is_known =
            self.accounted.is_some_and(|accounted| self.dated / precision <= accounted / precision) || self.writing > 0;
        if is_known && !self.is_suspect { Standing::Unchanged } else { Standing::Suspect }
    }
}

/// Milliseconds of a time in RFC 3339.
pub(super) fn millis(time: &str) -> Option<i64> {
    time.parse::<k8s_openapi::jiff::Timestamp>().ok().map(k8s_openapi::jiff::Timestamp::as_millisecond)
}

/// Up to when the status of an object accounts for changes: the last that was seen, and the last own write.
pub(super) fn accounted_by_status(last_modified: Option<&str>, last_write: Option<&str>) -> Option<i64> {
    let seen = last_modified.and_then(millis);
    let written = last_write.and_then(millis).map(|at| at + SLACK);
    seen.max(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> String {
        k8s_openapi::jiff::Timestamp::from_second(second).unwrap().to_string()
    }

    fn user(id: &str, name: &str, second: i64) -> ListedUser {
        ListedUser { id: UserId::new(id), username: Username::new(name), last_modified_time: Some(at(second)) }
    }

    fn looked_at(register: &mut Register, id: &str, name: &str, second: i64) {
        register.looked_at(&UserId::new(id), &Username::new(name), Some(second * 1000), None);
    }

    fn suspects(register: &mut Register, listed: Vec<ListedUser>) -> Vec<String> {
        let mut found: Vec<_> =
            register.merge(listed, i64::MAX, |_| false).unwrap().iter().map(ToString::to_string).collect();
        found.sort();
        found
    }

    #[test]
    fn only_changes_after_the_last_look_are_suspect_and_only_of_users_that_are_ours() {
        let mut register = Register::default();
        looked_at(&mut register, "a", "ann", 100);
        looked_at(&mut register, "b", "bob", 100);
        let listing = || vec![user("a", "ann", 100), user("b", "bob", 101), user("c", "cid", 500)];
        assert_eq!(suspects(&mut register, listing()), ["b"]);
        // Until it is looked at it stays so.
        assert_eq!(suspects(&mut register, listing()), ["b"]);
        looked_at(&mut register, "b", "bob", 101);
        assert_eq!(suspects(&mut register, listing()), [""; 0]);
    }

    #[test]
    fn a_user_that_another_operator_made_is_looked_at_until_somebody_has() {
        let mut register = Register::default();
        let ours = |id: &UserId| *id == UserId::new("a");
        let listing = || vec![user("a", "ann", 100), user("b", "bob", 100)];
        assert_eq!(register.merge(listing(), i64::MAX, ours).unwrap(), [UserId::new("a")]);
        assert_eq!(register.standing(&UserId::new("a"), &Username::new("ann"), Some(100_000)), Standing::Unchanged);
        assert_eq!(register.merge(listing(), i64::MAX, ours).unwrap(), []);
    }

    #[test]
    fn a_listing_that_lags_behind_a_look_is_no_change() {
        let mut register = Register::default();
        looked_at(&mut register, "a", "ann", 100);
        assert_eq!(suspects(&mut register, vec![user("a", "ann", 50)]), [""; 0]);
    }

    #[test]
    fn a_write_of_ours_is_no_change_not_even_while_it_is_under_way() {
        let mut register = Register::default();
        looked_at(&mut register, "a", "ann", 100);
        let id = UserId::new("a");
        register.writing(&id);
        assert_eq!(suspects(&mut register, vec![user("a", "ann", 200)]), [""; 0]);
        register.wrote(&id, Some(200_500));
        assert_eq!(suspects(&mut register, vec![user("a", "ann", 200)]), [""; 0]);
        assert_eq!(suspects(&mut register, vec![user("a", "ann", 203)]), ["a"]);
    }

    #[test]
    fn a_write_that_failed_accounts_for_nothing() {
        let mut register = Register::default();
        looked_at(&mut register, "a", "ann", 100);
        register.writing(&UserId::new("a"));
        register.wrote(&UserId::new("a"), None);
        assert_eq!(suspects(&mut register, vec![user("a", "ann", 200)]), ["a"]);
    }

    #[test]
    fn the_vanished_and_the_renamed_are_suspect_and_a_page_that_shifts_is_not() {
        let mut register = Register::default();
        register.merge(vec![user("c", "cid", 100)], 0, |_| false);
        for (id, name) in [("a", "ann"), ("b", "bob"), ("c", "cid")] {
            looked_at(&mut register, id, name, 100);
        }
        let shifted = vec![user("a", "ann", 100), user("c", "carl", 100), user("a", "ann", 99)];
        assert_eq!(suspects(&mut register, shifted), ["b", "c"]);
        assert_eq!(register.standing(&UserId::new("b"), &Username::new("bob"), None), Standing::Suspect);
        assert_eq!(register.standing(&UserId::new("c"), &Username::new("cid"), None), Standing::Suspect);
        assert_eq!(register.standing(&UserId::new("a"), &Username::new("Ann"), None), Standing::Unchanged);
    }

    #[test]
    fn after_a_restart_the_status_accounts_for_what_was_seen_and_written() {
        let mut register = Register::default();
        register.merge(vec![user("a", "ann", 100)], 0, |_| false);
        let (id, name) = (UserId::new("a"), Username::new("ann"));
        let known = |seen, written| accounted_by_status(Some(&at(seen)), Some(&at(written)));
        assert_eq!(register.standing(&id, &name, None), Standing::Suspect);
        assert_eq!(register.standing(&id, &name, known(50, 60)), Standing::Suspect);
        assert_eq!(register.standing(&id, &name, known(50, 99)), Standing::Unchanged, "written moments before");
        assert_eq!(register.standing(&UserId::new("b"), &name, known(100, 100)), Standing::Suspect);
    }

    #[test]
    fn an_empty_listing_is_not_believed_and_a_new_user_is_not_missed_before_the_first_sweep() {
        let mut register = Register::default();
        register.created(&UserId::new("a"), &Username::new("ann"), 100_000);
        assert!(register.merge(Vec::new(), 0, |_| false).is_none());
        assert_eq!(register.standing(&UserId::new("a"), &Username::new("ann"), None), Standing::Unchanged);
        let others = || vec![user("b", "bob", 1)];
        assert_eq!(register.merge(others(), 99_000, |_| false).unwrap(), [], "the listing lags behind the creation");
        assert_eq!(register.standing(&UserId::new("a"), &Username::new("ann"), None), Standing::Unchanged);
        assert_eq!(register.merge(others(), 100_000, |_| false).unwrap(), [UserId::new("a")]);
        assert_eq!(register.standing(&UserId::new("a"), &Username::new("ann"), None), Standing::Suspect);
    }

    #[test]
    fn dates_of_different_precision_are_compared_to_the_second() {
        let listed = |millis: i64| {
            let date = k8s_openapi::jiff::Timestamp::from_millisecond(millis).unwrap().to_string();
            vec![ListedUser { last_modified_time: Some(date), ..user("a", "ann", 0) }]
        };
        let look = |register: &mut Register, dated| {
            register.looked_at(&UserId::new("a"), &Username::new("ann"), Some(dated), None);
        };
        let mut register = Register::default();
        look(&mut register, 100_000);
        assert_eq!(suspects(&mut register, listed(100_456)), [""; 0], "a look may show whole seconds only");
        look(&mut register, 100_456);
        assert_eq!(suspects(&mut register, listed(100_456)), [""; 0]);
        assert_eq!(suspects(&mut register, listed(100_457)), ["a"], "both are known to show milliseconds");
    }
}
