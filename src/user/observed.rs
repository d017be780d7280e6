//! What Connect has, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::{Identity, IdentityMember};
use super::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId, UserId, Username};
use super::settings::{PhoneConfig, Settings, Slot};
use crate::resource::channel::Channel;
use crate::resource::status::ProficiencyKey;

/// A user as described by Connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedUser {
    /// Id.
    pub id: UserId,
    /// ARN, as Connect gives it.
    pub arn: String,
    /// Login name, in Connect's spelling.
    pub username: Username,
    /// Names and addresses.
    pub identity: Identity,
    /// Id in the directory.
    pub directory_user_id: Option<String>,
    /// Routing profile.
    pub routing_profile: Option<RoutingProfileId>,
    /// Security profiles.
    pub security_profiles: BTreeSet<SecurityProfileId>,
    /// Hierarchy group.
    pub hierarchy_group: Option<HierarchyGroupId>,
    /// The older phone settings.
    pub phone_config: PhoneConfig,
    /// The channel lists.
    pub lists: Settings,
    /// All tags, ours included.
    pub tags: BTreeMap<String, String>,
    /// Connect's own time of the last change, in RFC 3339.
    pub last_modified_time: Option<String>,
    /// Levels by proficiency; `None` where they were not read, because they matter to nobody here.
    pub proficiencies: Option<BTreeMap<ProficiencyKey, i32>>,
}

impl ObservedUser {
    /// The settings in one form: a list's entry wins, since it is more precise. The PhoneConfig speaks for
    /// VOICE where the list is silent about it, and for the other channels only while there is no list of
    /// that setting at all: where Connect mirrors the forms into each other, it repeats what the list says
    /// about VOICE, which says nothing about the others.
    pub fn settings(&self) -> Settings {
        let older = self.phone_config.settings();
        let entries: BTreeSet<(&str, Channel)> =
            self.lists.slots().map(|slot| (slot.path().0, slot.channel())).collect();
        let speaks = |slot: &Slot| match slot.channel() {
            Channel::Voice => !entries.contains(&(slot.path().0, Channel::Voice)),
            _ => !entries.iter().any(|(list, _)| *list == slot.path().0),
        };
        self.lists.clone().over(older.slots().filter(speaks).map(|slot| (slot, older.effective(slot))).collect())
    }

    /// The user without the names and the address that its directory keeps and the spec does not declare.
    /// Where users come from an existing directory, Connect refuses a block that holds them.
    #[must_use]
    pub fn without_directory_members(mut self, declared: &Identity) -> Self {
        for member in [IdentityMember::FirstName, IdentityMember::LastName, IdentityMember::Email] {
            if declared.get(member).is_none() {
                self.identity.set(member, None);
            }
        }
        self
    }
}
