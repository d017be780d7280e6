//! Every property of a user by itself: what an import declares of it is what the user has.

use std::collections::BTreeMap;

use connect_user_operator::plan::call::Call;
use connect_user_operator::plan::diff;
use connect_user_operator::resource::channel::{Channel, PhoneType, VoiceEnhancementMode};
use connect_user_operator::resource::status::ProficiencyKey;
use connect_user_operator::user::declared::declare;
use connect_user_operator::user::desired::{DesiredUser, References};
use connect_user_operator::user::identity::{Identity, IdentityMember};
use connect_user_operator::user::ids::{
    HierarchyGroupId, Instance, RoutingProfileId, SecurityProfileId, UserId, Username,
};
use connect_user_operator::user::observed::ObservedUser;
use connect_user_operator::user::ownership::{Owned, Owner};
use connect_user_operator::user::settings::{CHANNELS, PhoneConfig, Settings, Slot, Value};

fn user() -> ObservedUser {
    ObservedUser {
        id: UserId::new("u"),
        arn: String::new(),
        username: Username::new("jane"),
        identity: Identity::default(),
        directory_user_id: None,
        routing_profile: Some(RoutingProfileId::new("r")),
        security_profiles: [SecurityProfileId::new("s")].into(),
        hierarchy_group: None,
        phone_config: PhoneConfig::default(),
        lists: Settings::default(),
        tags: BTreeMap::new(),
        last_modified_time: None,
        proficiencies: Some(BTreeMap::new()),
    }
}

fn instance() -> Instance {
    Instance::parse("arn:aws:connect:eu-west-1:111122223333:instance/i").unwrap()
}

/// What the object would want that an import of this user declares.
fn desired(user: &ObservedUser) -> DesiredUser {
    let spec = declare(&instance(), user);
    let references = References {
        routing_profile: RoutingProfileId::new(spec.routing_profile_arn.as_deref().unwrap()),
        security_profiles: spec.security_profile_arns.iter().flatten().map(|arn| SecurityProfileId::new(arn)).collect(),
        hierarchy_group: spec.hierarchy_group_arn.as_deref().map(HierarchyGroupId::new),
    };
    DesiredUser::new(&spec, references)
}

fn value(slot: Slot) -> Value {
    match slot.neutral() {
        Value::Flag(_) => Value::Flag(true),
        Value::Seconds(_) => Value::Seconds(45),
        Value::Phone(_) => Value::Phone(PhoneType::DeskPhone),
        Value::Number(_) => Value::Number("+493012345678".to_owned()),
        Value::Voice(_) => Value::Voice(VoiceEnhancementMode::VoiceIsolation),
    }
}

/// Users with one property each, or one combination of forms.
fn properties() -> Vec<(String, ObservedUser)> {
    let mut all = vec![("nothing".to_owned(), user())];
    let mut with = |name: &str, change: &dyn Fn(&mut ObservedUser)| {
        let mut user = user();
        change(&mut user);
        all.push((name.to_owned(), user));
    };
    for member in IdentityMember::ALL {
        with(member.name(), &|user| user.identity.set(member, Some("x@example.com".to_owned())));
    }
    with("directoryUserId", &|user| user.directory_user_id = Some("d".to_owned()));
    with("hierarchyGroup", &|user| user.hierarchy_group = Some(HierarchyGroupId::new("g")));
    with("securityProfiles", &|user| {
        user.security_profiles.insert(SecurityProfileId::new("t"));
    });
    with("routingProfile", &|user| user.routing_profile = Some(RoutingProfileId::new("q")));
    with("tags", &|user| drop(user.tags.insert("team".to_owned(), "a".to_owned())));
    with("proficiencies", &|user| {
        let key = ProficiencyKey { attribute_name: "Language".to_owned(), attribute_value: "German".to_owned() };
        user.proficiencies.as_mut().unwrap().insert(key, 3);
    });
    let older = PhoneConfig {
        phone_type: Some(PhoneType::DeskPhone),
        auto_accept: Some(true),
        after_contact_work_time_limit: Some(30),
        desk_phone_number: Some("+493011111111".to_owned()),
        persistent_connection: Some(true),
    };
    with("phoneConfig.phoneType", &|user| user.phone_config.phone_type = older.phone_type);
    with("phoneConfig.autoAccept", &|user| user.phone_config.auto_accept = older.auto_accept);
    with("phoneConfig.limit", &|user| {
        user.phone_config.after_contact_work_time_limit = older.after_contact_work_time_limit;
    });
    with("phoneConfig.persistentConnection", &|user| user.phone_config.persistent_connection = Some(true));
    with("phoneConfig", &|user| user.phone_config = older.clone());
    for slot in Slot::all() {
        let is_voice_only = !["autoAcceptConfigs", "afterContactWorkConfigs"].contains(&slot.path().0);
        let is_callback = slot.path().1.starts_with("agentFirstCallback");
        if slot.channel() != Channel::Voice && (is_voice_only || is_callback) {
            continue;
        }
        with(&slot.to_string(), &|user| user.lists.set(slot, value(slot)));
        // The list beside the older form, which may say the same or something else.
        with(&format!("{slot} and phoneConfig"), &|user| {
            user.phone_config = older.clone();
            user.lists.set(slot, value(slot));
        });
    }
    with("every list", &|user| {
        for channel in CHANNELS {
            for slot in [Slot::AutoAccept(channel), Slot::AfterContactWork(channel)] {
                user.lists.set(slot, value(slot));
            }
        }
    });
    all
}

#[test]
fn what_is_declared_is_what_the_user_has() {
    let owner = Owner { path: "c/ns/jane".to_owned(), uid: "u".to_owned() };
    for (name, user) in properties() {
        let desired = desired(&user);
        let owned = Owned::by(&desired);
        let plan = diff::update(&desired, &user, &owned, &owner);
        let [Call::TagResource { tags }] = plan.calls.as_slice() else { panic!("{name}: {:?}", plan.calls) };
        assert_eq!(*tags, owner.tags(), "{name}");
        // And it is declared, not left alone: a user without it would be changed back.
        if name != "nothing" {
            let mut other = self::user();
            other.tags.extend(owner.tags());
            other.directory_user_id.clone_from(&user.directory_user_id);
            let back = diff::update(&desired, &other, &owned, &owner);
            let says_nothing = name == "directoryUserId";
            assert_eq!(back.is_empty(), says_nothing, "{name}: {:?}", back.calls);
        }
    }
    let mut directory = self::user();
    directory.directory_user_id = Some("d".to_owned());
    assert_eq!(desired(&directory).directory_user_id.as_deref(), Some("d"));
}

#[test]
fn marks_of_the_operator_and_of_aws_are_not_declared() {
    let mut user = user();
    for key in ["contactops.dev/owner", "ContactOps.dev/x", "aws:created", "AWS:x", "team"] {
        user.tags.insert(key.to_owned(), "x".to_owned());
    }
    let tags = declare(&instance(), &user).tags.unwrap();
    assert_eq!(tags.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), ["team"]);
}
