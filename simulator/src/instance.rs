//! One Connect instance: its users and its catalogue.

use crate::error::{Kind, Refusal};
use crate::fixtures::{self, EPOCH};
use crate::lag::{Lag, Stored};
use crate::modified::{Change, moves};
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use crate::user::{QuickConnectConfig, Tags, User};
use std::collections::{BTreeMap, HashMap};

/// A named thing of the catalogue.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) tags: Tags,
    pub(crate) modified: Timestamp,
}

impl Named {
    pub(crate) fn new(id: &str, name: &str) -> Self {
        Self { id: id.to_owned(), name: name.to_owned(), tags: Tags::new(), modified: EPOCH }
    }
}

/// A hierarchy group; no parent means the first level.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) named: Named,
    pub(crate) parent: Option<String>,
}

/// A quick connect.
#[derive(Clone, Debug)]
pub(crate) struct QuickConnect {
    pub(crate) named: Named,
    pub(crate) config: QuickConnectConfig,
}

/// An instance.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) id: String,
    pub(crate) arn: String,
    pub(crate) region: String,
    /// Where else it answers, if anywhere.
    pub(crate) replica_region: Option<String>,
    pub(crate) account: String,
    pub(crate) identity_management_type: String,
    pub(crate) alias: String,
    pub(crate) users_quota: usize,
    pub(crate) routing_profiles: Vec<Named>,
    pub(crate) security_profiles: Vec<Named>,
    pub(crate) groups: Vec<Group>,
    /// The group of level 0, which only SearchUserHierarchyGroups shows.
    pub(crate) root_group: String,
    pub(crate) attributes: BTreeMap<String, Vec<String>>,
    pub(crate) quick_connects: Vec<QuickConnect>,
    users: HashMap<String, Stored>,
    /// Lower-case username to ids.
    names: HashMap<String, Vec<String>>,
    deleted: Vec<Stored>,
    created: u64,
    last_modified: Timestamp,
}

impl Instance {
    pub(crate) fn new(id: &str, region: &str, account: &str, identity_management_type: &str, alias: &str) -> Self {
        Self {
            id: id.to_owned(),
            arn: format!("arn:aws:connect:{region}:{account}:instance/{id}"),
            region: region.to_owned(),
            replica_region: None,
            account: account.to_owned(),
            identity_management_type: identity_management_type.to_owned(),
            alias: alias.to_owned(),
            users_quota: 500,
            routing_profiles: Vec::new(),
            security_profiles: Vec::new(),
            groups: Vec::new(),
            root_group: String::new(),
            attributes: BTreeMap::new(),
            quick_connects: Vec::new(),
            users: HashMap::new(),
            names: HashMap::new(),
            deleted: Vec::new(),
            created: 0,
            last_modified: EPOCH,
        }
    }

    pub(crate) fn is_saml(&self) -> bool {
        self.identity_management_type == "SAML"
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.identity_management_type == "CONNECT_MANAGED"
    }

    pub(crate) fn arn_of(&self, kind: &str, id: &str) -> String {
        fixtures::arn(&self.arn, kind, id)
    }

    /// The next LastModifiedTime: `now`, or a millisecond after the last one.
    pub(crate) fn tick(&mut self, now: Timestamp) -> Timestamp {
        self.last_modified = now.max(Timestamp(self.last_modified.0 + 1));
        self.last_modified
    }

    pub(crate) fn len(&self) -> usize {
        self.users.len()
    }

    /// The user as it really is.
    pub(crate) fn stored(&self, id: &str) -> Option<&Stored> {
        self.users.get(id)
    }

    /// Living users, then deleted ones that a lagging read may still see.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Stored> {
        self.users.values().chain(&self.deleted)
    }

    /// Living users in order of creation.
    pub(crate) fn users(&self) -> Vec<&User> {
        let mut stored: Vec<_> = self.users.values().collect();
        stored.sort_by_key(|stored| stored.number);
        stored.into_iter().map(|stored| &stored.user).collect()
    }

    pub(crate) fn by_name(&self, username: &str, ignore_case: bool) -> Option<&User> {
        let ids = self.names.get(&username.to_lowercase())?;
        let users = ids.iter().filter_map(|id| self.users.get(id)).map(|stored| &stored.user);
        users.into_iter().find(|user| ignore_case || user.username == username)
    }

    /// Whether the name is in use, or was a moment ago.
    pub(crate) fn name_taken(&self, username: &str, ignore_case: bool, lag: Lag, now: Timestamp) -> bool {
        let folded = username.to_lowercase();
        let recent = |stored: &&Stored| {
            stored.deleted.is_some_and(|at| now.since(at) < lag.username_reuse_after_delete_ms)
                && (stored.user.username == username || ignore_case && stored.user.username.to_lowercase() == folded)
        };
        self.by_name(username, ignore_case).is_some() || self.deleted.iter().any(|stored| recent(&stored))
    }

    /// Adds a user whose `id` is set; ARN, times and Region are filled in.
    pub(crate) fn insert(&mut self, mut user: User, now: Timestamp) {
        let time = self.tick(now);
        user.arn = self.arn_of("agent", &user.id);
        stamp(&mut user, Change::Created, Switches::default(), time);
        user.last_modified_region.clone_from(&self.region);
        self.created += 1;
        self.names.entry(user.username.to_lowercase()).or_default().push(user.id.clone());
        self.users.insert(user.id.clone(), Stored::new(self.created, now, user));
    }

    /// Changes a user, and its times as the table in [`crate::modified`] says.
    pub(crate) fn change(
        &mut self,
        id: &str,
        change: Change,
        (switches, lag, now): (Switches, Lag, Timestamp),
        apply: impl FnOnce(&mut User),
    ) -> Result<(), Refusal> {
        let time = self.tick(now);
        let stored = self.users.get_mut(id).ok_or_else(|| unknown_user(id))?;
        stored.remember(now, lag);
        let before = stored.user.username.to_lowercase();
        apply(&mut stored.user);
        stamp(&mut stored.user, change, switches, time);
        let after = stored.user.username.to_lowercase();
        if before != after {
            self.forget_name(&before, id);
            self.names.entry(after).or_default().push(id.to_owned());
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, id: &str, lag: Lag, now: Timestamp) -> Result<User, Refusal> {
        let mut stored = self.users.remove(id).ok_or_else(|| unknown_user(id))?;
        self.forget_name(&stored.user.username.to_lowercase(), id);
        let longest = lag.longest();
        self.deleted.retain(|stored| stored.deleted.is_some_and(|at| now.since(at) < longest));
        let user = stored.user.clone();
        if longest > 0 {
            stored.deleted = Some(now);
            self.deleted.push(stored);
        }
        Ok(user)
    }

    fn forget_name(&mut self, folded: &str, id: &str) {
        if let Some(ids) = self.names.get_mut(folded) {
            ids.retain(|other| other != id);
        }
    }

    pub(crate) fn group(&self, id: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.named.id == id)
    }

    /// The groups from the first level down to `id`.
    pub(crate) fn path(&self, id: &str) -> Vec<&Group> {
        let mut path = Vec::new();
        let mut next = self.group(id);
        while let Some(group) = next {
            path.insert(0, group);
            next = group.parent.as_deref().filter(|_| path.len() < 5).and_then(|parent| self.group(parent));
        }
        path
    }
}

fn stamp(user: &mut User, change: Change, switches: Switches, time: Timestamp) {
    let moves = moves(change, switches);
    if moves.user {
        user.last_modified_time = time;
    }
    if moves.proficiencies {
        user.proficiencies_last_modified_time = time;
    }
}

pub(crate) fn unknown_user(id: &str) -> Refusal {
    Refusal::new(Kind::NotFound, format!("User {id} does not exist."))
}
