//! Arbitrary declarations and arbitrary changes past the operator, all of them such as Connect accepts.

use std::collections::BTreeMap;
use std::fmt;

use connect_simulator::fixtures::managed as m;
use connect_simulator::user as sim;
use connect_simulator::{Switches, UserPatch};
use connect_user_operator::resource::channel::{
    AfterContactWorkConfig, AfterContactWorkConfigPerChannel, AutoAcceptConfig, Channel, PersistentConnectionConfig,
    PhoneConfig, PhoneNumberConfig, PhoneType, VoiceEnhancementConfig, VoiceEnhancementMode,
};
use connect_user_operator::resource::user::{ConnectUserSpec, IdentityInfo, UserProficiency};
use connect_user_operator::user::settings::CHANNELS;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use serde_json::json;

/// Name of the user that all of this is about.
pub const NAME: &str = "jane.doe";

/// Values of the predefined attribute Skill in every instance of [`super::stage`].
pub const SKILLS: [&str; 12] = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"];

/// Who keeps the passwords, which decides what of the identity may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Managed,
    Saml,
    Directory,
}

pub fn kind() -> impl Strategy<Value = Kind> {
    select(vec![Kind::Managed, Kind::Saml, Kind::Directory])
}

/// The default with each behaviour flipped or not, as chance has it.
pub fn switches() -> BoxedStrategy<Switches> {
    vec(any::<bool>(), Switches::TABLE.len())
        .prop_map(|flips| {
            let mut json = serde_json::to_value(Switches::default()).unwrap();
            for (value, flip) in json.as_object_mut().unwrap().values_mut().zip(flips) {
                *value = (value.as_bool().unwrap() != flip).into();
            }
            serde_json::from_value(json).unwrap()
        })
        .boxed()
}

fn text(pool: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    select(pool.to_vec()).prop_map(str::to_owned)
}

fn number() -> impl Strategy<Value = String> {
    text(&["+15550100", "+493012345678"])
}

fn seconds() -> impl Strategy<Value = i32> {
    select(vec![0, 0, 20, 30, 2_000_000])
}

fn phone_type() -> impl Strategy<Value = PhoneType> {
    select(vec![PhoneType::SoftPhone, PhoneType::DeskPhone])
}

/// One of a few values for each channel of an arbitrary subset.
fn per_channel<T: fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
    least: usize,
) -> impl Strategy<Value = Vec<(Channel, T)>> {
    (subsequence(CHANNELS.to_vec(), least..=4), vec(value, 4))
        .prop_map(|(channels, values)| channels.into_iter().zip(values).collect())
}

fn voice(channel: Channel) -> bool {
    channel == Channel::Voice
}

fn auto_accept(least: usize) -> BoxedStrategy<Vec<AutoAcceptConfig>> {
    per_channel((any::<bool>(), option::of(any::<bool>())), least)
        .prop_map(|entries| {
            let entry = |(channel, (auto_accept, first)): (Channel, (bool, Option<bool>))| AutoAcceptConfig {
                channel,
                auto_accept,
                agent_first_callback_auto_accept: first.filter(|_| voice(channel)),
            };
            entries.into_iter().map(entry).collect()
        })
        .boxed()
}

fn after_contact_work(least: usize) -> BoxedStrategy<Vec<AfterContactWorkConfigPerChannel>> {
    per_channel((seconds(), option::of(seconds())), least)
        .prop_map(|entries| {
            let limit = |after_contact_work_time_limit| AfterContactWorkConfig { after_contact_work_time_limit };
            let entry = |(channel, (seconds, first)): (Channel, (i32, Option<i32>))| AfterContactWorkConfigPerChannel {
                channel,
                after_contact_work_config: limit(seconds),
                agent_first_callback_after_contact_work_config: first.filter(|_| voice(channel)).map(limit),
            };
            entries.into_iter().map(entry).collect()
        })
        .boxed()
}

fn phone_numbers() -> impl Strategy<Value = Vec<PhoneNumberConfig>> {
    (phone_type(), option::of(number()), number()).prop_map(|(phone_type, number, desk)| {
        let phone_number = if phone_type == PhoneType::DeskPhone { Some(desk) } else { number };
        vec![PhoneNumberConfig { channel: Channel::Voice, phone_type, phone_number }]
    })
}

fn persistent_connection() -> impl Strategy<Value = Vec<PersistentConnectionConfig>> {
    any::<bool>().prop_map(|on| vec![PersistentConnectionConfig { channel: Channel::Voice, persistent_connection: on }])
}

fn voice_enhancement() -> impl Strategy<Value = Vec<VoiceEnhancementConfig>> {
    use VoiceEnhancementMode as V;
    select(vec![V::VoiceIsolation, V::NoiseSuppression, V::None])
        .prop_map(|mode| vec![VoiceEnhancementConfig { channel: Channel::Voice, voice_enhancement_mode: mode }])
}

/// A setting may be declared in the older form, in the newer one, or not at all, but not in both.
#[derive(Clone, Debug)]
enum Form<O, N> {
    Absent,
    Older(O),
    Newer(N),
}

impl<O, N> Form<O, N> {
    fn split(self) -> (Option<O>, Option<N>) {
        match self {
            Self::Absent => (None, None),
            Self::Older(older) => (Some(older), None),
            Self::Newer(newer) => (None, Some(newer)),
        }
    }
}

fn form<O: fmt::Debug + Clone + 'static, N: fmt::Debug + Clone + 'static>(
    older: impl Strategy<Value = O> + 'static,
    newer: impl Strategy<Value = N> + 'static,
) -> impl Strategy<Value = Form<O, N>> {
    prop_oneof![Just(Form::Absent), older.prop_map(Form::Older), newer.prop_map(Form::Newer)]
}

/// Number alone, kind alone, or both; a desk phone must have a number.
fn older_phone() -> impl Strategy<Value = (Option<PhoneType>, Option<String>)> {
    (option::of(phone_type()), option::of(number()), number()).prop_map(|(phone_type, number, desk)| match phone_type {
        Some(PhoneType::DeskPhone) => (phone_type, Some(desk)),
        None => (None, Some(desk)),
        Some(PhoneType::SoftPhone) => (phone_type, number),
    })
}

fn tags() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(&["team", "site", "cost centre/a+b=@", "größe", "desk"]), text(&["", "support", "7"]), 1..=4)
}

fn identity(kind: Kind) -> BoxedStrategy<IdentityInfo> {
    let first = text(&["Jane", "Zoë"]);
    let last = text(&["Doe", "O'Neill"]);
    let email = text(&["jane@example.com", "zoe@example.com"]);
    let second = option::of(text(&["jane@example.org", "zoe@example.org"]));
    let mobile = option::of(text(&["+4915112345678", "+33123456789"]));
    (first, last, email, second, mobile)
        .prop_map(move |(first, last, email, secondary_email, mobile)| IdentityInfo {
            first_name: (kind != Kind::Directory).then_some(first),
            last_name: (kind != Kind::Directory).then_some(last),
            email: (kind == Kind::Managed).then_some(email),
            secondary_email,
            mobile,
        })
        .boxed()
}

type Settings = (
    Form<bool, Vec<AutoAcceptConfig>>,
    Form<i32, Vec<AfterContactWorkConfigPerChannel>>,
    Form<(Option<PhoneType>, Option<String>), Vec<PhoneNumberConfig>>,
    Form<bool, Vec<PersistentConnectionConfig>>,
    Option<Vec<VoiceEnhancementConfig>>,
);

fn settings() -> BoxedStrategy<Settings> {
    (
        form(any::<bool>(), auto_accept(1)),
        form(seconds(), after_contact_work(1)),
        form(older_phone(), phone_numbers()),
        form(any::<bool>(), persistent_connection()),
        option::of(voice_enhancement()),
    )
        .boxed()
}

fn proficiencies(most: usize) -> BoxedStrategy<Vec<UserProficiency>> {
    (subsequence(SKILLS.to_vec(), 1..=most), vec(1..=5, most))
        .prop_map(|(skills, levels)| {
            let one = |(skill, level): (&str, i32)| UserProficiency {
                attribute_name: "Skill".to_owned(),
                attribute_value: skill.to_owned(),
                level,
            };
            skills.into_iter().zip(levels).map(one).collect()
        })
        .boxed()
}

pub fn arn(kind: &str, id: &str) -> String {
    connect_simulator::fixtures::arn(m::ARN, kind, id)
}

const ROUTING: [&str; 4] = [m::ROUTING_BASIC, m::ROUTING_TIER_1, m::ROUTING_TIER_2, m::ROUTING_NIGHT];
const SECURITY: [&str; 4] = [m::SECURITY_ADMIN, m::SECURITY_AGENT, m::SECURITY_MANAGER, m::SECURITY_QUALITY];
const GROUPS: [&str; 3] = [m::GROUP_EMEA, m::GROUP_EMEA_SUPPORT, m::GROUP_APAC];

/// A spec that Connect accepts for a new user.
pub fn spec(kind: Kind) -> BoxedStrategy<ConnectUserSpec> {
    let profiles =
        (select(ROUTING.to_vec()), subsequence(SECURITY.to_vec(), 1..=4), option::of(select(GROUPS.to_vec())));
    let keyed = (option::of(proficiencies(10)), option::of(tags()));
    (profiles, identity(kind), settings(), keyed)
        .prop_map(move |(profiles, identity, settings, keyed)| {
            let (routing, security, group) = profiles;
            let (auto, work, phone, persistent, voice_enhancement_configs) = settings;
            let (auto_accept, auto_accept_configs) = auto.split();
            let (after_contact_work_time_limit, after_contact_work_configs) = work.split();
            let (phone, phone_number_configs) = phone.split();
            let (persistent_connection, persistent_connection_configs) = persistent.split();
            let (phone_type, desk_phone_number) = phone.unwrap_or_default();
            let older = PhoneConfig {
                phone_type,
                auto_accept,
                after_contact_work_time_limit,
                desk_phone_number,
                persistent_connection,
            };
            let nothing = serde_json::to_value(&older).unwrap() == json!({});
            ConnectUserSpec {
                instance_arn: Some(m::ARN.to_owned()),
                instance_ref: None,
                username: NAME.to_owned(),
                identity_info: (identity != IdentityInfo::default()).then_some(identity),
                routing_profile_name: None,
                routing_profile_arn: Some(arn("routing-profile", routing)),
                security_profile_names: None,
                security_profile_arns: Some(security.into_iter().map(|id| arn("security-profile", id)).collect()),
                hierarchy_group_path: None,
                hierarchy_group_arn: group.map(|id| arn("agent-group", id)),
                phone_config: (!nothing).then_some(older),
                auto_accept_configs,
                after_contact_work_configs,
                phone_number_configs,
                persistent_connection_configs,
                voice_enhancement_configs,
                user_proficiencies: keyed.0,
                directory_user_id: (kind == Kind::Directory).then(|| "d-1".to_owned()),
                password_secret_ref: None,
                tags: keyed.1.map(Into::into),
                deletion_policy: Default::default(),
                adoption_policy: Default::default(),
                drift_policy: Default::default(),
                suspend: false,
            }
        })
        .boxed()
}

/// What somebody does to the user past the operator.
pub fn patch(kind: Kind) -> BoxedStrategy<UserPatch> {
    let profiles = (
        option::of(select(ROUTING.to_vec())),
        option::of(subsequence(SECURITY.to_vec(), 1..=4)),
        option::of(select([GROUPS.as_slice(), &[""]].concat())),
    );
    let lists = (
        option::of(auto_accept(0)),
        option::of(after_contact_work(0)),
        option::of(prop_oneof![phone_numbers(), Just(Vec::new())]),
        option::of(prop_oneof![persistent_connection(), Just(Vec::new())]),
        option::of(prop_oneof![voice_enhancement(), Just(Vec::new())]),
    );
    let older =
        option::of((older_phone(), option::of(any::<bool>()), option::of(seconds()), option::of(any::<bool>())));
    // In a directory, names and address are the directory's, and Connect shows them.
    let identity = option::of(identity(if kind == Kind::Directory { Kind::Managed } else { kind }));
    let keyed = (option::of(tags()), option::of(prop_oneof![proficiencies(10), Just(Vec::new())]));
    (profiles, identity, older, lists, keyed)
        .prop_map(|(profiles, identity, older, lists, keyed)| {
            let (routing, security, group) = profiles;
            let (auto_accept, work, numbers, persistent, enhancement) = lists;
            UserPatch {
                username: None,
                identity_info: identity.map(console::identity),
                phone_config: older.map(
                    |((phone_type, desk_phone_number), auto_accept, limit, persistent_connection)| sim::PhoneConfig {
                        phone_type: phone_type.map(console::phone_type),
                        auto_accept,
                        after_contact_work_time_limit: limit.map(i64::from),
                        desk_phone_number,
                        persistent_connection,
                    },
                ),
                directory_user_id: None,
                security_profile_ids: security.map(|ids| ids.into_iter().map(str::to_owned).collect()),
                routing_profile_id: routing.map(str::to_owned),
                hierarchy_group_id: group.map(str::to_owned),
                tags: keyed.0,
                auto_accept_configs: auto_accept.map(|list| list.iter().map(console::auto_accept).collect()),
                after_contact_work_configs: work
                    .map(|list| list.into_iter().map(console::after_contact_work).collect()),
                phone_number_configs: numbers.map(|list| list.into_iter().map(console::phone_number).collect()),
                persistent_connection_configs: persistent.map(|list| list.iter().map(console::persistent).collect()),
                voice_enhancement_configs: enhancement.map(|list| list.iter().map(console::enhancement).collect()),
                user_proficiencies: keyed.1.map(|list| list.into_iter().map(console::proficiency).collect()),
            }
        })
        .boxed()
}

/// A declaration, a change past the operator, and another declaration.
#[derive(Clone)]
pub struct Case {
    pub kind: Kind,
    /// What made the user; `None` for a user made in the console and then adopted.
    pub first: Option<ConnectUserSpec>,
    pub patch: UserPatch,
    pub second: ConnectUserSpec,
    /// Whether the tag with the uid is of an earlier object.
    pub rebuilt: bool,
    /// After how many calls of the plan the operator crashes once.
    pub crash: Index,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, first, patch, second, rebuilt, crash } = self;
        let brief = |spec: &ConnectUserSpec| {
            let mut spec = json!(spec);
            spec.as_object_mut().unwrap().retain(|_, value| *value != json!(false) && !value.is_null());
            spec
        };
        writeln!(f, "{kind:?} rebuilt={rebuilt} {crash:?}")?;
        writeln!(f, "first  {}", json!(first.as_ref().map(brief)))?;
        writeln!(f, "patch  {}", json!(patch))?;
        writeln!(f, "second {}", brief(second))
    }
}

/// Cases in which Connect can do what is asked.
pub fn case() -> BoxedStrategy<Case> {
    kind()
        .prop_flat_map(|kind| {
            let first = prop_oneof![3 => spec(kind).prop_map(Some), 1 => Just(None)];
            let flags = (any::<bool>(), any::<bool>());
            (Just(kind), first, patch(kind), spec(kind), flags, any::<Index>())
        })
        .prop_map(|(kind, first, mut patch, mut second, (rebuilt, nameless), crash)| {
            if first.is_none() {
                // No call can give an id in the directory to a user who is there already.
                second.directory_user_id = None;
            }
            if first.is_none() && nameless {
                // A user who is there already has its names, so that none need be declared. Who declared
                // them once cannot remove them: Connect requires them.
                second.identity_info = second.identity_info.and_then(|identity| {
                    let IdentityInfo { secondary_email, mobile, .. } = identity;
                    let said = secondary_email.is_some() || mobile.is_some();
                    said.then(|| IdentityInfo { secondary_email, mobile, ..IdentityInfo::default() })
                });
            }
            leave_room(&mut patch, first.as_ref(), &second);
            keep_dialable(&mut patch, first.as_ref(), &second);
            Case { kind, first, patch, second, rebuilt, crash }
        })
        .boxed()
}

/// A user has at most ten proficiencies, so that somebody's and the declared ones together may not be more.
fn leave_room(patch: &mut UserPatch, first: Option<&ConnectUserSpec>, second: &ConnectUserSpec) {
    let names = |spec: Option<&ConnectUserSpec>| -> Vec<String> {
        let all = spec.and_then(|spec| spec.user_proficiencies.as_ref()).into_iter().flatten();
        all.map(|one| one.attribute_value.clone()).collect()
    };
    let (before, after) = (names(first), names(Some(second)));
    let mut room = 10 - after.len();
    if let Some(list) = &mut patch.user_proficiencies {
        list.retain(|one| {
            let known = before.contains(&one.attribute_value) || after.contains(&one.attribute_value);
            let fits = known || room > 0;
            room -= usize::from(fits && !known);
            fits
        });
    }
}

/// Who set a number and nothing else cannot take it away while somebody's DESK_PHONE needs it: Connect refuses.
fn keep_dialable(patch: &mut UserPatch, first: Option<&ConnectUserSpec>, second: &ConnectUserSpec) {
    let phone = |spec: Option<&ConnectUserSpec>| spec.and_then(|spec| spec.phone_config.clone());
    let number_alone =
        phone(first).is_some_and(|phone| phone.phone_type.is_none() && phone.desk_phone_number.is_some());
    let goes = phone(Some(second)).is_none_or(|phone| phone.desk_phone_number.is_none() && phone.phone_type.is_none())
        && second.phone_number_configs.is_none();
    if number_alone && goes {
        let soft = sim::PhoneType::SoftPhone;
        patch.phone_config.iter_mut().for_each(|phone| phone.phone_type = Some(soft));
        patch.phone_number_configs.iter_mut().flatten().for_each(|entry| entry.phone_type = soft);
    }
}

/// The same shapes as the console has them.
mod console {
    use super::*;

    pub(super) fn identity(info: IdentityInfo) -> sim::IdentityInfo {
        let IdentityInfo { first_name, last_name, email, secondary_email, mobile } = info;
        sim::IdentityInfo { first_name, last_name, email, secondary_email, mobile }
    }

    pub(super) fn channel(channel: Channel) -> sim::Channel {
        match channel {
            Channel::Voice => sim::Channel::Voice,
            Channel::Chat => sim::Channel::Chat,
            Channel::Task => sim::Channel::Task,
            Channel::Email => sim::Channel::Email,
        }
    }

    pub(super) fn phone_type(phone: PhoneType) -> sim::PhoneType {
        match phone {
            PhoneType::SoftPhone => sim::PhoneType::SoftPhone,
            PhoneType::DeskPhone => sim::PhoneType::DeskPhone,
        }
    }

    pub(super) fn auto_accept(config: &AutoAcceptConfig) -> sim::AutoAcceptConfig {
        let AutoAcceptConfig { channel, auto_accept, agent_first_callback_auto_accept } = *config;
        sim::AutoAcceptConfig { channel: self::channel(channel), auto_accept, agent_first_callback_auto_accept }
    }

    pub(super) fn after_contact_work(
        config: AfterContactWorkConfigPerChannel,
    ) -> sim::AfterContactWorkConfigPerChannel {
        let limit = |limit: AfterContactWorkConfig| sim::AfterContactWorkConfig {
            after_contact_work_time_limit: Some(limit.after_contact_work_time_limit.into()),
        };
        let first = config.agent_first_callback_after_contact_work_config;
        sim::AfterContactWorkConfigPerChannel {
            channel: channel(config.channel),
            after_contact_work_config: limit(config.after_contact_work_config),
            agent_first_callback_after_contact_work_config: first.map(limit),
        }
    }

    pub(super) fn phone_number(config: PhoneNumberConfig) -> sim::PhoneNumberConfig {
        let PhoneNumberConfig { channel, phone_type, phone_number } = config;
        let phone_type = self::phone_type(phone_type);
        sim::PhoneNumberConfig { channel: self::channel(channel), phone_type, phone_number }
    }

    pub(super) fn persistent(config: &PersistentConnectionConfig) -> sim::PersistentConnectionConfig {
        let PersistentConnectionConfig { channel, persistent_connection } = *config;
        sim::PersistentConnectionConfig { channel: self::channel(channel), persistent_connection }
    }

    pub(super) fn enhancement(config: &VoiceEnhancementConfig) -> sim::VoiceEnhancementConfig {
        let voice_enhancement_mode = match config.voice_enhancement_mode {
            VoiceEnhancementMode::VoiceIsolation => sim::VoiceEnhancementMode::VoiceIsolation,
            VoiceEnhancementMode::NoiseSuppression => sim::VoiceEnhancementMode::NoiseSuppression,
            VoiceEnhancementMode::None => sim::VoiceEnhancementMode::None,
        };
        sim::VoiceEnhancementConfig { channel: channel(config.channel), voice_enhancement_mode }
    }

    pub(super) fn proficiency(one: UserProficiency) -> sim::Proficiency {
        let UserProficiency { attribute_name, attribute_value, level } = one;
        sim::Proficiency { attribute_name, attribute_value, level: level.into() }
    }
}
