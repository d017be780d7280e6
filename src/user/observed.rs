//! What Connect has, as it was read.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::Identity;
use super::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId, UserId, Username};
use super::settings::{PhoneConfig, Settings};
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
    /// The settings in one form: a list's entry wins over the PhoneConfig, since it is more precise.
    pub fn settings(&self) -> Settings {
        self.lists.clone().over(self.phone_config.settings())
    }
}
