//! Carries out one [`Call`].

use aws_sdk_connect::Client;
use aws_sdk_connect::types::UserProficiencyDisassociate;
use serde_json::json;

use super::body;
use super::failure::{OrFailed, malformed, not_sent};
use crate::connect::convert::answer::said;
use crate::connect::convert::request::{self as wire, Members};
use crate::connect::{ConnectError, Written};
use crate::plan::call::{Call, NewUser};
use crate::user::identity::Identity;
use crate::user::ids::{Instance, UserId};

/// Makes the one request that `call` stands for.
pub(super) async fn write(
    client: &Client,
    instance: &Instance,
    user: Option<&UserId>,
    call: &Call,
) -> Result<Written, ConnectError> {
    let operation = call.operation();
    let user = match (call, user) {
        (Call::CreateUser(new), _) => return create(client, instance, operation, new).await,
        (Call::DeleteQuickConnect { id }, _) => {
            let request = client.delete_quick_connect().instance_id(instance.id().as_str()).quick_connect_id(id);
            request.send().await.or_failed(operation)?;
            return Ok(Written::Done);
        }
        (_, Some(user)) => user,
        (_, None) => return Err(not_sent(operation, "the call names no user")),
    };
    let (instance_id, user_id) = (instance.id().as_str(), user.as_str());
    match call {
        Call::CreateUser(_) | Call::DeleteQuickConnect { .. } => {}
        Call::TagResource { tags } => {
            let request = client.tag_resource().resource_arn(instance.user_arn(user)).set_tags(wire::tag_map(tags));
            request.send().await.or_failed(operation)?;
        }
        Call::UntagResource { keys } => {
            let keys = keys.iter().cloned().collect();
            let request = client.untag_resource().resource_arn(instance.user_arn(user)).set_tag_keys(Some(keys));
            request.send().await.or_failed(operation)?;
        }
        Call::UpdateUserIdentityInfo { identity } => {
            let request = client.update_user_identity_info().instance_id(instance_id).user_id(user_id);
            request.identity_info(wire::identity_info(identity)).send().await.or_failed(operation)?;
        }
        Call::UpdateUserSecurityProfiles { security_profiles } => {
            let ids = security_profiles.iter().map(ToString::to_string).collect();
            let request = client.update_user_security_profiles().instance_id(instance_id).user_id(user_id);
            request.set_security_profile_ids(Some(ids)).send().await.or_failed(operation)?;
        }
        Call::UpdateUserRoutingProfile { routing_profile } => {
            let request = client.update_user_routing_profile().instance_id(instance_id).user_id(user_id);
            request.routing_profile_id(routing_profile.as_str()).send().await.or_failed(operation)?;
        }
        Call::UpdateUserHierarchy { hierarchy_group } => {
            // No group at all is how the API says to clear it.
            let group = hierarchy_group.as_ref().map(ToString::to_string);
            let request = client.update_user_hierarchy().instance_id(instance_id).user_id(user_id);
            request.set_hierarchy_group_id(group).send().await.or_failed(operation)?;
        }
        Call::UpdateUserPhoneConfig { phone_config } => {
            let members = Members::from_iter([("PhoneConfig".to_owned(), json!(wire::phone_config(phone_config)))]);
            let request = client.update_user_phone_config().instance_id(instance_id).user_id(user_id);
            request.customize().map_request(body::with(members)).send().await.or_failed(operation)?;
        }
        Call::UpdateUserConfig { settings } => {
            let request = client.update_user_config().instance_id(instance_id).user_id(user_id);
            request.customize().map_request(body::with(wire::lists(settings))).send().await.or_failed(operation)?;
        }
        Call::DisassociateUserProficiencies { keys } => {
            let keys: Result<_, _> = keys
                .iter()
                .map(|key| {
                    let builder = UserProficiencyDisassociate::builder();
                    builder.attribute_name(&key.attribute_name).attribute_value(&key.attribute_value).build()
                })
                .collect();
            let request = client.disassociate_user_proficiencies().instance_id(instance_id).user_id(user_id);
            request.set_user_proficiencies(Some(keys.or_failed(operation)?)).send().await.or_failed(operation)?;
        }
        Call::UpdateUserProficiencies { levels } => {
            let levels = wire::proficiencies(levels).or_failed(operation)?;
            let request = client.update_user_proficiencies().instance_id(instance_id).user_id(user_id);
            request.set_user_proficiencies(Some(levels)).send().await.or_failed(operation)?;
        }
        Call::AssociateUserProficiencies { levels } => {
            let levels = wire::proficiencies(levels).or_failed(operation)?;
            let request = client.associate_user_proficiencies().instance_id(instance_id).user_id(user_id);
            request.set_user_proficiencies(Some(levels)).send().await.or_failed(operation)?;
        }
        Call::DeleteUser => {
            client.delete_user().instance_id(instance_id).user_id(user_id).send().await.or_failed(operation)?;
        }
    }
    Ok(Written::Done)
}

async fn create(
    client: &Client,
    instance: &Instance,
    operation: &'static str,
    user: &NewUser,
) -> Result<Written, ConnectError> {
    let NewUser {
        username,
        password,
        directory_user_id,
        identity,
        routing_profile,
        security_profiles,
        hierarchy_group,
        phone_config: _,
        lists: _,
        tags,
    } = user;
    let password = password.as_ref().map(|password| password.reveal());
    let answer = client
        .create_user()
        .instance_id(instance.id().as_str())
        .username(username.as_str())
        .set_password(password.map(str::to_owned))
        .set_directory_user_id(directory_user_id.clone())
        .set_identity_info((*identity != Identity::default()).then(|| wire::identity_info(identity)))
        .routing_profile_id(routing_profile.as_str())
        .set_security_profile_ids(Some(security_profiles.iter().map(ToString::to_string).collect()))
        .set_hierarchy_group_id(hierarchy_group.as_ref().map(ToString::to_string))
        .set_tags(wire::tag_map(tags))
        .customize()
        .map_request(body::with(wire::new_settings(user)))
        .send()
        .await
        .or_failed(operation)
        .map_err(|error| match password {
            // AWS likes to repeat in its messages what it refuses.
            Some(password) => ConnectError { message: error.message.replace(password, "[redacted]"), ..error },
            None => error,
        })?;
    let id = UserId::new(&said(answer.user_id).ok_or_else(|| malformed(operation))?);
    Ok(Written::Created { arn: said(answer.user_arn).unwrap_or_else(|| instance.user_arn(&id)), id })
}
