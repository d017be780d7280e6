//! What a `ConnectUser` wants, in Connect's own terms: names resolved, forms unified, nothing left to look up.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::identity::Identity;
use super::ids::{HierarchyGroupId, RoutingProfileId, SecurityProfileId, Username};
use super::settings::{PhoneConfig, Settings, Slot, Value};
use crate::resource::GROUP;
use crate::resource::status::ProficiencyKey;
use crate::resource::user::ConnectUserSpec;

/// The ids that stand behind the names of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct References {
    /// Routing profile.
    pub routing_profile: RoutingProfileId,
    /// Security profiles.
    pub security_profiles: BTreeSet<SecurityProfileId>,
    /// Hierarchy group, if declared.
    pub hierarchy_group: Option<HierarchyGroupId>,
}

/// A user as declared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DesiredUser {
    /// Login name.
    pub username: Username,
    /// Id in the directory, for instances with a directory; only at creation.
    pub directory_user_id: Option<String>,
    /// Names and addresses; only the members declared.
    pub identity: Identity,
    /// Routing profile.
    pub routing_profile: RoutingProfileId,
    /// Security profiles, a set.
    pub security_profiles: BTreeSet<SecurityProfileId>,
    /// Hierarchy group, if declared.
    pub hierarchy_group: Option<HierarchyGroupId>,
    /// The older phone settings, as declared; also part of `settings`.
    pub phone_config: PhoneConfig,
    /// The channel lists, as declared; also part of `settings`.
    pub lists: Settings,
    /// All settings declared in either form.
    pub settings: Settings,
    /// Levels by proficiency.
    pub proficiencies: BTreeMap<ProficiencyKey, i32>,
    /// The user's own tags, without ours.
    pub tags: BTreeMap<String, String>,
}

impl DesiredUser {
    /// Reads a spec, with its names already resolved.
    pub fn new(spec: &ConnectUserSpec, references: References) -> Self {
        let References { routing_profile, security_profiles, hierarchy_group } = references;
        // Every field of the spec is named here, so that a new one cannot be forgotten.
        let ConnectUserSpec {
            instance_arn: _,
            instance_ref: _,
            username,
            identity_info,
            routing_profile_name: _,
            routing_profile_arn: _,
            security_profile_names: _,
            security_profile_arns: _,
            hierarchy_group_path: _,
            hierarchy_group_arn: _,
            phone_config,
            auto_accept_configs,
            after_contact_work_configs,
            phone_number_configs,
            persistent_connection_configs,
            voice_enhancement_configs,
            user_proficiencies,
            directory_user_id,
            password_secret_ref: _,
            tags,
            deletion_policy: _,
            adoption_policy: _,
            drift_policy: _,
            suspend: _,
        } = spec;

        let mut lists = Settings::default();
        for config in auto_accept_configs.iter().flatten() {
            lists.set(Slot::AutoAccept(config.channel), Value::Flag(config.auto_accept));
            if let Some(accept) = config.agent_first_callback_auto_accept {
                lists.set(Slot::FirstCallbackAutoAccept(config.channel), Value::Flag(accept));
            }
        }
        for config in after_contact_work_configs.iter().flatten() {
            let limit = config.after_contact_work_config.after_contact_work_time_limit;
            lists.set(Slot::AfterContactWork(config.channel), Value::Seconds(limit));
            if let Some(first) = &config.agent_first_callback_after_contact_work_config {
                let limit = first.after_contact_work_time_limit;
                lists.set(Slot::FirstCallbackAfterContactWork(config.channel), Value::Seconds(limit));
            }
        }
        for config in phone_number_configs.iter().flatten() {
            lists.set(Slot::PhoneType(config.channel), Value::Phone(config.phone_type));
            if let Some(number) = &config.phone_number {
                lists.set(Slot::PhoneNumber(config.channel), Value::Number(number.clone()));
            }
        }
        for config in persistent_connection_configs.iter().flatten() {
            lists.set(Slot::PersistentConnection(config.channel), Value::Flag(config.persistent_connection));
        }
        for config in voice_enhancement_configs.iter().flatten() {
            lists.set(Slot::VoiceEnhancement(config.channel), Value::Voice(config.voice_enhancement_mode));
        }

        let phone_config = phone_config.as_ref().map(phone).unwrap_or_default();
        Self {
            username: Username::new(username),
            directory_user_id: directory_user_id.clone(),
            identity: identity_info.as_ref().map(Identity::from).unwrap_or_default(),
            routing_profile,
            security_profiles,
            hierarchy_group,
            settings: lists.clone().over(phone_config.settings()),
            phone_config,
            lists,
            proficiencies: user_proficiencies
                .iter()
                .flatten()
                .map(|proficiency| {
                    let key = ProficiencyKey {
                        attribute_name: proficiency.attribute_name.clone(),
                        attribute_value: proficiency.attribute_value.clone(),
                    };
                    (key, proficiency.level)
                })
                .collect(),
            // Admission refuses these. An object that came past it must not write marks of ownership or consent.
            tags: tags
                .iter()
                .flatten()
                .filter(|(key, _)| !is_reserved(key))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        }
    }
}

/// Whether a tag key is in our part of the names, however it is written: IAM compares keys without regard to case.
pub(super) fn is_reserved(key: &str) -> bool {
    key.split_once('/').is_some_and(|(group, _)| group.eq_ignore_ascii_case(GROUP))
}

fn phone(config: &crate::resource::channel::PhoneConfig) -> PhoneConfig {
    let crate::resource::channel::PhoneConfig {
        phone_type,
        auto_accept,
        after_contact_work_time_limit,
        desk_phone_number,
        persistent_connection,
    } = config;
    PhoneConfig {
        phone_type: *phone_type,
        auto_accept: *auto_accept,
        after_contact_work_time_limit: *after_contact_work_time_limit,
        desk_phone_number: desk_phone_number.clone(),
        persistent_connection: *persistent_connection,
    }
}
