//! CreateUser.

use super::Answer;
use crate::call::Call;
use crate::channels::{self, PerChannel};
use crate::error::{Kind, Refusal};
use crate::instance::Instance;
use crate::switches::Switches;
use crate::user::{
    AfterContactWorkConfigPerChannel, AutoAcceptConfig, ChannelConfigs, IdentityInfo, PersistentConnectionConfig,
    PhoneConfig, PhoneNumberConfig, Tags, User, VoiceEnhancementConfig,
};
use crate::world::World;
use crate::{references, validate};
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Request {
    username: String,
    password: Option<String>,
    identity_info: Option<IdentityInfo>,
    phone_config: Option<PhoneConfig>,
    directory_user_id: Option<String>,
    security_profile_ids: Vec<String>,
    routing_profile_id: String,
    hierarchy_group_id: Option<String>,
    auto_accept_configs: Option<Vec<AutoAcceptConfig>>,
    after_contact_work_configs: Option<Vec<AfterContactWorkConfigPerChannel>>,
    phone_number_configs: Option<Vec<PhoneNumberConfig>>,
    persistent_connection_configs: Option<Vec<PersistentConnectionConfig>>,
    voice_enhancement_configs: Option<Vec<VoiceEnhancementConfig>>,
    tags: Option<Tags>,
}

pub(crate) fn create_user(world: &mut World, call: &Call) -> Answer {
    let (switches, lag) = (world.switches, world.lag);
    let instance = world.instance(call)?;
    let request: Request = call.shape()?;
    let (mut user, late) = assemble(instance, request, switches)?;
    if instance.name_taken(&user.username, switches.usernames_ignore_case, lag, call.now) {
        let message = format!(
            "The user {} is already associated with the Amazon Connect instance {}.",
            user.username, instance.id
        );
        return Err(Refusal::new(Kind::Duplicate, message));
    }
    if instance.len() >= instance.users_quota {
        let message = format!("The instance has reached its quota of {} users.", instance.users_quota);
        return Err(Refusal::new(Kind::Limit, message));
    }
    match &late {
        Ok((group, tags)) => {
            user.hierarchy_group_id.clone_from(group);
            user.tags.clone_from(tags);
        }
        Err(refusal) if !switches.create_leaves_user_behind => return Err(refusal.clone()),
        Err(_) => {}
    }
    user.id = world.new_id();
    let id = user.id.clone();
    let instance = world.instance_mut(call)?;
    instance.insert(user, call.now);
    late.map(|_| Some(json!({ "UserId": id, "UserArn": instance.arn_of("agent", &id) })))
}

/// What may be found wrong only after the user has been made: the hierarchy group and the tags.
type Late = Result<(Option<String>, Tags), Refusal>;

fn assemble(instance: &Instance, request: Request, switches: Switches) -> Result<(User, Late), Refusal> {
    validate::username(instance, &request.username)?;
    validate::password(instance, request.password.as_deref())?;
    let identity = request.identity_info.unwrap_or_default();
    validate::identity(instance, &identity, switches)?;
    validate::ensure(
        request.directory_user_id.is_none() || !instance.is_saml(),
        "DirectoryUserId is not allowed for SAML identities.",
    )?;
    let given = [
        request.auto_accept_configs.is_some(),
        request.after_contact_work_configs.is_some(),
        request.phone_number_configs.is_some(),
        request.persistent_connection_configs.is_some(),
    ];
    if let Some(phone) = &request.phone_config {
        channels::phone_config(phone)?;
        channels::twins(phone, given)?;
    }
    let lists = ChannelConfigs {
        auto_accept_configs: fresh(request.auto_accept_configs, switches)?,
        after_contact_work_configs: fresh(request.after_contact_work_configs, switches)?,
        phone_number_configs: fresh(request.phone_number_configs, switches)?,
        persistent_connection_configs: fresh(request.persistent_connection_configs, switches)?,
        voice_enhancement_configs: fresh(request.voice_enhancement_configs, switches)?,
    };
    let mut user = User {
        username: request.username,
        identity_info: identity,
        directory_user_id: request.directory_user_id,
        routing_profile_id: references::routing_profile(instance, &request.routing_profile_id)?,
        security_profile_ids: references::security_profiles(instance, &request.security_profile_ids)?,
        ..User::default()
    };
    if let Some(phone) = &request.phone_config {
        channels::store_phone(&mut user, phone, switches);
    }
    overlay(&mut user.channels, lists);
    channels::mirror_lists(&mut user, switches);
    let group = request.hierarchy_group_id.map(|raw| references::group(instance, &raw)).transpose();
    let tags = request.tags.map_or_else(|| Ok(Tags::new()), |tags| validate::tags(&tags).map(|()| tags));
    Ok((user, group.and_then(|group| Ok((group, tags?)))))
}

/// A list of the request, checked and completed.
fn fresh<T: PerChannel>(list: Option<Vec<T>>, switches: Switches) -> Result<Vec<T>, Refusal> {
    let mut list = list.unwrap_or_default();
    channels::list(&list, switches)?;
    list.iter_mut().for_each(|entry| entry.complete(None, switches));
    Ok(list)
}

/// Lists of the request win over what PhoneConfig left in them.
fn overlay(stored: &mut ChannelConfigs, lists: ChannelConfigs) {
    fn lay<T: PerChannel>(stored: &mut Vec<T>, list: Vec<T>) {
        if !list.is_empty() {
            *stored = list;
        }
    }
    lay(&mut stored.auto_accept_configs, lists.auto_accept_configs);
    lay(&mut stored.after_contact_work_configs, lists.after_contact_work_configs);
    lay(&mut stored.phone_number_configs, lists.phone_number_configs);
    lay(&mut stored.persistent_connection_configs, lists.persistent_connection_configs);
    lay(&mut stored.voice_enhancement_configs, lists.voice_enhancement_configs);
}
