//! A write to Amazon Connect as a value: the same value is planned, executed, shown and compared.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::resource::status::ProficiencyKey;
use crate::user::identity::Identity;
use crate::user::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId, Username};
use crate::user::password::Password;
use crate::user::settings::{PhoneConfig, Settings};

/// One write. The user that it concerns is named when it is executed, because CreateUser has none yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "operation")]
pub enum Call {
    /// Makes the user, tags included; everything but proficiencies.
    CreateUser(Box<NewUser>),
    /// Adds tags or changes their values; other tags stay.
    TagResource {
        /// Tags to write.
        tags: BTreeMap<String, String>,
    },
    /// Replaces names and addresses: always the whole block, because it is not documented what becomes
    /// of a member that is left out.
    UpdateUserIdentityInfo {
        /// The whole block.
        identity: Identity,
    },
    /// Replaces the set of security profiles.
    UpdateUserSecurityProfiles {
        /// The whole set.
        security_profiles: BTreeSet<SecurityProfileId>,
    },
    /// Changes the routing profile.
    UpdateUserRoutingProfile {
        /// The new profile.
        routing_profile: RoutingProfileId,
    },
    /// Changes or clears the hierarchy group.
    UpdateUserHierarchy {
        /// The new group, or none.
        hierarchy_group: Option<HierarchyGroupId>,
    },
    /// Writes the older phone settings: one value for all channels.
    UpdateUserPhoneConfig {
        /// The whole block.
        phone_config: PhoneConfig,
    },
    /// Writes the per-channel lists.
    UpdateUserConfig {
        /// Every list that is to have a value, whole.
        settings: Settings,
    },
    /// Takes proficiencies away; comes before new ones, since a user has at most ten.
    DisassociateUserProficiencies {
        /// Which.
        keys: BTreeSet<ProficiencyKey>,
    },
    /// Changes levels of proficiencies that the user has.
    UpdateUserProficiencies {
        /// New levels.
        #[serde(serialize_with = "serialize_levels")]
        levels: BTreeMap<ProficiencyKey, i32>,
    },
    /// Gives proficiencies that the user does not have.
    AssociateUserProficiencies {
        /// Levels.
        #[serde(serialize_with = "serialize_levels")]
        levels: BTreeMap<ProficiencyKey, i32>,
    },
    /// Takes tags away.
    UntagResource {
        /// Which.
        keys: BTreeSet<String>,
    },
    /// Deletes the user, for good.
    DeleteUser,
    /// Deletes a quick connect that points to a user who is gone.
    DeleteQuickConnect {
        /// Its id.
        id: String,
    },
}

/// Everything that CreateUser takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NewUser {
    /// Login name.
    pub username: Username,
    /// First password, on instances that keep passwords themselves.
    pub password: Option<Password>,
    /// Id in the directory.
    pub directory_user_id: Option<String>,
    /// Names and addresses.
    pub identity: Identity,
    /// Routing profile.
    pub routing_profile: RoutingProfileId,
    /// Security profiles.
    pub security_profiles: BTreeSet<SecurityProfileId>,
    /// Hierarchy group.
    pub hierarchy_group: Option<HierarchyGroupId>,
    /// The older phone settings, as declared.
    pub phone_config: PhoneConfig,
    /// The channel lists, as declared.
    pub lists: Settings,
    /// Tags, ours included.
    pub tags: BTreeMap<String, String>,
}

impl Call {
    /// The operation's name in Connect's API, which is also that of the IAM action.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::CreateUser(_) => "CreateUser",
            Self::TagResource { .. } => "TagResource",
            Self::UpdateUserIdentityInfo { .. } => "UpdateUserIdentityInfo",
            Self::UpdateUserSecurityProfiles { .. } => "UpdateUserSecurityProfiles",
            Self::UpdateUserRoutingProfile { .. } => "UpdateUserRoutingProfile",
            Self::UpdateUserHierarchy { .. } => "UpdateUserHierarchy",
            Self::UpdateUserPhoneConfig { .. } => "UpdateUserPhoneConfig",
            Self::UpdateUserConfig { .. } => "UpdateUserConfig",
            Self::DisassociateUserProficiencies { .. } => "DisassociateUserProficiencies",
            Self::UpdateUserProficiencies { .. } => "UpdateUserProficiencies",
            Self::AssociateUserProficiencies { .. } => "AssociateUserProficiencies",
            Self::UntagResource { .. } => "UntagResource",
            Self::DeleteUser => "DeleteUser",
            Self::DeleteQuickConnect { .. } => "DeleteQuickConnect",
        }
    }
}

/// Operation and what it touches, without personal values.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation())?;
        match self {
            Self::CreateUser(user) => write!(f, " {}", user.username),
            Self::TagResource { tags } => write!(f, " {}", join(tags.keys())),
            Self::UpdateUserIdentityInfo { identity } => {
                write!(f, " {}", join(identity.members().map(crate::user::identity::IdentityMember::name)))
            }
            Self::UpdateUserSecurityProfiles { security_profiles } => write!(f, " {}", join(security_profiles)),
            Self::UpdateUserRoutingProfile { routing_profile } => write!(f, " {routing_profile}"),
            Self::UpdateUserHierarchy { hierarchy_group: Some(group) } => write!(f, " {group}"),
            Self::UpdateUserHierarchy { hierarchy_group: None } => f.write_str(" (clear)"),
            Self::UpdateUserPhoneConfig { phone_config } => write!(f, " {}", join(phone_config.settings().slots())),
            Self::UpdateUserConfig { settings } => write!(f, " {}", join(settings.slots())),
            Self::DisassociateUserProficiencies { keys } => write!(f, " {}", join(keys.iter().map(proficiency))),
            Self::UpdateUserProficiencies { levels } | Self::AssociateUserProficiencies { levels } => {
                write!(f, " {}", join(levels.iter().map(|(key, level)| format!("{} {level}", proficiency(key)))))
            }
            Self::UntagResource { keys } => write!(f, " {}", join(keys)),
            Self::DeleteUser => Ok(()),
            Self::DeleteQuickConnect { id } => write!(f, " {id}"),
        }
    }
}

/// How a proficiency is named in messages and in `status.drift`.
pub(crate) fn proficiency(key: &ProficiencyKey) -> String {
    let ProficiencyKey { attribute_name, attribute_value } = key;
    format!("userProficiencies[{attribute_name}={attribute_value}]")
}

fn join<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

// JSON has only strings for keys.
fn serialize_levels<S: serde::Serializer>(
    levels: &BTreeMap<ProficiencyKey, i32>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(levels.iter().map(|(key, level)| (proficiency(key), level)))
}
