//! Users that somebody has made by hand over the years.

use std::time::SystemTime;

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{
    AfterContactWorkConfig, AfterContactWorkConfigPerChannel, AutoAcceptConfig, Channel, IdentityInfo,
    PersistentConnectionConfig, PhoneConfig, PhoneNumberConfig, PhoneType, Proficiency, VoiceEnhancementConfig,
    VoiceEnhancementMode,
};
use connect_simulator::{Mutation, Simulator, UserPatch};

fn texts(items: &[&str]) -> Vec<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

fn work(seconds: i64) -> AfterContactWorkConfig {
    AfterContactWorkConfig { after_contact_work_time_limit: Some(seconds) }
}

/// Usernames of every odd kind that the definition takes; some are the same after they became names of objects.
fn username(n: usize) -> String {
    match n % 12 {
        0 => format!("jane_doe.{n}"),
        1 => format!("jane-doe.{}", n - 1),
        2 => format!("Jane@doe.{}", n - 2),
        3 => format!("AGENT.{n}"),
        4 => format!("agent{n}@example.com"),
        5 => format!("__{n}__"),
        6 => format!("{n}"),
        7 => format!("0x{n}"),
        8 => format!("1e{n}"),
        9 => format!("a..b-.{n}"),
        10 => format!("-{n}"),
        _ => format!("max.mustermann.{n}"),
    }
}

/// Sets a mixture of everything, so that any two members meet in some user.
fn patch(n: usize) -> UserPatch {
    let has = |every: usize, at: usize| n % every == at;
    let mut patch = UserPatch {
        identity_info: Some(IdentityInfo {
            first_name: Some(["Jane", "José", "太郎", "O'Neil", "no", "Zoë \"Z\""][n % 6].to_owned()),
            last_name: Some(["Doe", "Müller-Lüdenscheidt", "山田", "von: der #Heide", "Null", "123"][n % 6].to_owned()),
            email: Some(format!("person{n}@example.com")),
            secondary_email: has(3, 1).then(|| format!("person{n}@example.org")),
            mobile: has(4, 1).then(|| format!("+4915112{n:06}")),
        }),
        routing_profile_id: Some([m::ROUTING_BASIC, m::ROUTING_TIER_1, m::ROUTING_NIGHT][n % 3].to_owned()),
        security_profile_ids: Some(match n % 4 {
            0 => texts(&[m::SECURITY_AGENT]),
            1 => texts(&[m::SECURITY_MANAGER, m::SECURITY_AGENT]),
            2 => texts(&[m::SECURITY_QUALITY]),
            _ => texts(&[m::SECURITY_QUALITY, m::SECURITY_MANAGER, m::SECURITY_AGENT]),
        }),
        hierarchy_group_id: (!has(5, 0)).then(|| {
            [m::GROUP_EMEA, m::GROUP_EMEA_SUPPORT_TIER_1, m::GROUP_EMEA_SALES_TIER_1, m::GROUP_APAC_SUPPORT][n % 4]
                .to_owned()
        }),
        tags: has(3, 0).then(|| {
            let tags = [("team", "support"), ("cost centre", "0815"), ("shift:late", "no"), ("empty", "")];
            tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        }),
        ..UserPatch::default()
    };
    if has(2, 0) {
        patch.user_proficiencies = Some(
            [("Language", "German", 4.0), ("Skill", "Billing", 1.0)]
                .map(|(name, value, level)| Proficiency {
                    attribute_name: name.to_owned(),
                    attribute_value: value.to_owned(),
                    level,
                })
                .into(),
        );
    }
    // The older form, the lists, both, and neither.
    if n % 4 < 2 {
        let is_desk = has(8, 1);
        patch.phone_config = Some(PhoneConfig {
            phone_type: Some(if is_desk { PhoneType::DeskPhone } else { PhoneType::SoftPhone }),
            auto_accept: Some(has(3, 0)),
            after_contact_work_time_limit: Some((n % 7) as i64 * 30),
            desk_phone_number: is_desk.then(|| format!("+4930{n:07}")),
            persistent_connection: has(3, 1).then_some(true),
        });
    }
    if n % 4 == 1 || n % 4 == 2 {
        patch.after_contact_work_configs = Some(vec![
            AfterContactWorkConfigPerChannel {
                channel: Channel::Chat,
                after_contact_work_config: work(45),
                agent_first_callback_after_contact_work_config: None,
            },
            AfterContactWorkConfigPerChannel {
                channel: Channel::Voice,
                after_contact_work_config: work(0),
                agent_first_callback_after_contact_work_config: Some(work(15)),
            },
        ]);
    }
    if n % 4 == 2 {
        patch.auto_accept_configs = Some(vec![
            AutoAcceptConfig {
                channel: Channel::Voice,
                auto_accept: true,
                agent_first_callback_auto_accept: Some(true),
            },
            AutoAcceptConfig { channel: Channel::Task, auto_accept: false, agent_first_callback_auto_accept: None },
        ]);
        patch.phone_number_configs = Some(vec![PhoneNumberConfig {
            channel: Channel::Voice,
            phone_type: PhoneType::DeskPhone,
            phone_number: Some(format!("+4989{n:07}")),
        }]);
        patch.persistent_connection_configs =
            Some(vec![PersistentConnectionConfig { channel: Channel::Voice, persistent_connection: true }]);
        patch.voice_enhancement_configs = Some(vec![VoiceEnhancementConfig {
            channel: Channel::Voice,
            voice_enhancement_mode: VoiceEnhancementMode::NoiseSuppression,
        }]);
    }
    patch
}

/// Makes one user.
pub(super) fn add(simulator: &Simulator, username: &str, set: UserPatch) -> String {
    let mutation =
        Mutation::CreateUser { instance_id: m::ID.to_owned(), username: username.to_owned(), set: Box::new(set) };
    simulator.mutate_at(mutation, SystemTime::now()).unwrap()
}

/// Makes so many mixed users, all of which can be declared.
pub(super) fn mixed(simulator: &Simulator, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let name = username(n);
            add(simulator, &name, patch(n));
            name
        })
        .collect()
}
