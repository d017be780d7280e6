//! Changes out of band, as if a person had clicked in the console. They are not validated.

use crate::channels;
use crate::fixtures;
use crate::instance::{Group, Instance, Named, QuickConnect};
use crate::modified::Change;
use crate::timestamp::Timestamp;
use crate::user::{
    AfterContactWorkConfigPerChannel, AutoAcceptConfig, IdentityInfo, PersistentConnectionConfig, PhoneConfig,
    PhoneNumberConfig, Proficiency, QuickConnectConfig, Tags, User, VoiceEnhancementConfig,
};
use crate::world::World;
use serde::{Deserialize, Serialize};

/// A change out of band. `user` is an id or a username; `id` of a catalogue entry is its id (or, for a predefined
/// attribute, its name). In JSON: `{"updateUser": {"instanceId": …, "user": …, "set": {…}}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
#[allow(missing_docs)]
pub enum Mutation {
    /// Makes a user; what `set` leaves out gets a plausible value.
    CreateUser {
        instance_id: String,
        username: String,
        #[serde(default)]
        set: Box<UserPatch>,
    },
    /// Sets attributes.
    UpdateUser {
        instance_id: String,
        #[serde(alias = "username", alias = "userId")]
        user: String,
        set: Box<UserPatch>,
    },
    /// Moves LastModifiedTime and changes nothing, as a sign-in may.
    TouchUser {
        instance_id: String,
        #[serde(alias = "username", alias = "userId")]
        user: String,
    },
    /// Deletes a user.
    DeleteUser {
        instance_id: String,
        #[serde(alias = "username", alias = "userId")]
        user: String,
    },
    AddRoutingProfile {
        instance_id: String,
        name: String,
    },
    AddSecurityProfile {
        instance_id: String,
        name: String,
    },
    /// Without a parent: on the first level.
    AddHierarchyGroup {
        instance_id: String,
        name: String,
        #[serde(default)]
        parent_id: Option<String>,
    },
    /// Adds a predefined attribute or replaces its values.
    SetPredefinedAttribute {
        instance_id: String,
        name: String,
        values: Vec<String>,
    },
    AddQuickConnect {
        instance_id: String,
        name: String,
        config: QuickConnectConfig,
    },
    /// Renames a profile, group, quick connect or predefined attribute.
    Rename {
        instance_id: String,
        id: String,
        name: String,
    },
    /// Deletes a profile, group, quick connect or predefined attribute; who holds it keeps a dangling id.
    Delete {
        instance_id: String,
        id: String,
    },
    SetUsersQuota {
        instance_id: String,
        quota: usize,
    },
    /// Adds an instance with the catalogue (and its ids) of the managed one and no users.
    AddInstance {
        instance_id: String,
        region: String,
        account: String,
        identity_management_type: String,
    },
    /// Has an instance answer in another Region as well.
    ReplicateInstance {
        instance_id: String,
        region: String,
    },
    DeleteInstance {
        instance_id: String,
    },
}

/// Attributes to set; absent ones stay. Lists and tags replace what is there; an empty string clears.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
#[allow(missing_docs)]
pub struct UserPatch {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_info: Option<IdentityInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_config: Option<PhoneConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory_user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_profile_ids: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_profile_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hierarchy_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_accept_configs: Option<Vec<AutoAcceptConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_contact_work_configs: Option<Vec<AfterContactWorkConfigPerChannel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone_number_configs: Option<Vec<PhoneNumberConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistent_connection_configs: Option<Vec<PersistentConnectionConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub voice_enhancement_configs: Option<Vec<VoiceEnhancementConfig>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_proficiencies: Option<Vec<Proficiency>>,
}

impl World {
    /// Applies a mutation; answers the id of what it made or changed.
    pub(crate) fn mutate(&mut self, mutation: Mutation, now: Timestamp) -> Result<String, String> {
        use Mutation as M;
        match mutation {
            M::AddInstance { instance_id, region, account, identity_management_type } => {
                let template = fixtures::managed::instance();
                let mut instance = Instance::new(&instance_id, &region, &account, &identity_management_type, "another");
                instance.routing_profiles = template.routing_profiles;
                instance.security_profiles = template.security_profiles;
                instance.groups = template.groups;
                instance.root_group = template.root_group;
                instance.attributes = template.attributes;
                self.add(instance);
                Ok(instance_id)
            }
            M::ReplicateInstance { instance_id, region } => {
                self.instance_by_id(&instance_id)?.replica_region = Some(region);
                Ok(instance_id)
            }
            M::DeleteInstance { instance_id } => {
                self.instances.remove(&instance_id).map(|gone| gone.id).ok_or_else(|| no("instance", &instance_id))
            }
            M::CreateUser { instance_id, username, set } => {
                let id = self.new_id();
                let instance = self.instance_by_id(&instance_id)?;
                if instance.by_name(&username, true).is_some() {
                    return Err(format!("user {username} exists already"));
                }
                let first = |list: &[Named]| list.first().map(|named| named.id.clone()).unwrap_or_default();
                let agent = instance.security_profiles.iter().find(|named| named.name == "Agent");
                let user = User {
                    id: id.clone(),
                    username,
                    identity_info: IdentityInfo {
                        first_name: Some("Someone".into()),
                        last_name: Some("Else".into()),
                        email: instance.is_managed().then(|| "someone@example.com".into()),
                        ..IdentityInfo::default()
                    },
                    routing_profile_id: first(&instance.routing_profiles),
                    security_profile_ids: agent.map(|named| named.id.clone()).into_iter().collect(),
                    ..User::default()
                };
                instance.insert(user, now);
                self.patch(&instance_id, &id, *set, now)
            }
            M::UpdateUser { instance_id, user, set } => self.patch(&instance_id, &user, *set, now),
            M::TouchUser { instance_id, user } => self.change(&instance_id, &user, Change::Attributes, now, |_| {}),
            M::DeleteUser { instance_id, user } => {
                let lag = self.lag;
                let instance = self.instance_by_id(&instance_id)?;
                let id = user_id(instance, &user)?;
                instance.remove(&id, lag, now).map_err(|refusal| refusal.message)?;
                Ok(id)
            }
            M::AddRoutingProfile { instance_id, name } => {
                let named = self.named(&instance_id, &name, now)?;
                let id = named.id.clone();
                self.instance_by_id(&instance_id)?.routing_profiles.push(named);
                Ok(id)
            }
            M::AddSecurityProfile { instance_id, name } => {
                let named = self.named(&instance_id, &name, now)?;
                let id = named.id.clone();
                self.instance_by_id(&instance_id)?.security_profiles.push(named);
                Ok(id)
            }
            M::AddHierarchyGroup { instance_id, name, parent_id } => {
                let named = self.named(&instance_id, &name, now)?;
                let id = named.id.clone();
                self.instance_by_id(&instance_id)?.groups.push(Group { named, parent: parent_id });
                Ok(id)
            }
            M::SetPredefinedAttribute { instance_id, name, values } => {
                self.instance_by_id(&instance_id)?.attributes.insert(name.clone(), values);
                Ok(name)
            }
            M::AddQuickConnect { instance_id, name, config } => {
                let named = self.named(&instance_id, &name, now)?;
                let id = named.id.clone();
                self.instance_by_id(&instance_id)?.quick_connects.push(QuickConnect { named, config });
                Ok(id)
            }
            M::Rename { instance_id, id, name } => rename(self.instance_by_id(&instance_id)?, &id, &name, now),
            M::Delete { instance_id, id } => delete(self.instance_by_id(&instance_id)?, &id),
            M::SetUsersQuota { instance_id, quota } => {
                self.instance_by_id(&instance_id)?.users_quota = quota;
                Ok(instance_id)
            }
        }
    }

    fn instance_by_id(&mut self, id: &str) -> Result<&mut Instance, String> {
        self.instances.get_mut(id).ok_or_else(|| no("instance", id))
    }

    fn named(&mut self, instance_id: &str, name: &str, now: Timestamp) -> Result<Named, String> {
        let id = self.new_id();
        let modified = self.instance_by_id(instance_id)?.tick(now);
        Ok(Named { modified, ..Named::new(&id, name) })
    }

    fn change(
        &mut self,
        instance_id: &str,
        user: &str,
        change: Change,
        now: Timestamp,
        apply: impl FnOnce(&mut User),
    ) -> Result<String, String> {
        let context = (self.switches, self.lag, now);
        let instance = self.instance_by_id(instance_id)?;
        let id = user_id(instance, user)?;
        instance.change(&id, change, context, apply).map_err(|refusal| refusal.message)?;
        Ok(id)
    }

    fn patch(&mut self, instance_id: &str, user: &str, set: UserPatch, now: Timestamp) -> Result<String, String> {
        let switches = self.switches;
        let mut id = user_id(self.instance_by_id(instance_id)?, user)?;
        let (tags, proficiencies) = (set.tags.clone(), set.user_proficiencies.clone());
        let rest = UserPatch { tags: None, user_proficiencies: None, ..set };
        if rest != UserPatch::default() {
            id = self.change(instance_id, &id, Change::Attributes, now, |user| {
                fn put<T>(place: &mut T, value: Option<T>) -> bool {
                    value.map(|value| *place = value).is_some()
                }
                let text = |value: String| Some(value).filter(|text| !text.is_empty());
                put(&mut user.username, rest.username);
                put(&mut user.identity_info, rest.identity_info);
                put(&mut user.directory_user_id, rest.directory_user_id.map(text));
                put(&mut user.security_profile_ids, rest.security_profile_ids);
                put(&mut user.routing_profile_id, rest.routing_profile_id);
                put(&mut user.hierarchy_group_id, rest.hierarchy_group_id.map(text));
                if let Some(phone) = rest.phone_config {
                    channels::store_phone(user, &phone, switches);
                }
                let lists = &mut user.channels;
                let touched = [
                    put(&mut lists.auto_accept_configs, rest.auto_accept_configs),
                    put(&mut lists.after_contact_work_configs, rest.after_contact_work_configs),
                    put(&mut lists.phone_number_configs, rest.phone_number_configs),
                    put(&mut lists.persistent_connection_configs, rest.persistent_connection_configs),
                    put(&mut lists.voice_enhancement_configs, rest.voice_enhancement_configs),
                ];
                if touched.contains(&true) {
                    channels::mirror_lists(user, switches);
                }
            })?;
        }
        if let Some(tags) = tags {
            self.change(instance_id, &id, Change::Tags, now, |user| user.tags = tags)?;
        }
        if let Some(list) = proficiencies {
            self.change(instance_id, &id, Change::Proficiencies, now, |user| user.user_proficiencies = list)?;
        }
        Ok(id)
    }
}

fn no(what: &str, id: &str) -> String {
    format!("there is no {what} {id}")
}

fn user_id(instance: &Instance, user: &str) -> Result<String, String> {
    let id = instance.stored(user).map(|stored| stored.user.id.clone());
    let id = id.or_else(|| instance.by_name(user, true).map(|user| user.id.clone()));
    id.ok_or_else(|| no("user", user))
}

fn rename(instance: &mut Instance, id: &str, name: &str, now: Timestamp) -> Result<String, String> {
    let time = instance.tick(now);
    if let Some(values) = instance.attributes.remove(id) {
        instance.attributes.insert(name.to_owned(), values);
        return Ok(name.to_owned());
    }
    let profiles = instance.routing_profiles.iter_mut().chain(&mut instance.security_profiles);
    let groups = instance.groups.iter_mut().map(|group| &mut group.named);
    let quick_connects = instance.quick_connects.iter_mut().map(|quick| &mut quick.named);
    let found = profiles.chain(groups).chain(quick_connects).find(|named| named.id == id);
    let named = found.ok_or_else(|| no("catalogue entry", id))?;
    named.name = name.to_owned();
    named.modified = time;
    Ok(id.to_owned())
}

fn delete(instance: &mut Instance, id: &str) -> Result<String, String> {
    let size = |instance: &Instance| {
        instance.routing_profiles.len()
            + instance.security_profiles.len()
            + instance.groups.len()
            + instance.quick_connects.len()
            + instance.attributes.len()
    };
    let before = size(instance);
    instance.attributes.remove(id);
    instance.routing_profiles.retain(|named| named.id != id);
    instance.security_profiles.retain(|named| named.id != id);
    instance.groups.retain(|group| group.named.id != id);
    instance.quick_connects.retain(|quick| quick.named.id != id);
    if size(instance) < before { Ok(id.to_owned()) } else { Err(no("catalogue entry", id)) }
}
