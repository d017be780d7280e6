//! Creation, release, a user that is as declared, marks of ownership, order, personal values.

use super::*;

fn operations(plan: &Plan) -> Vec<&'static str> {
    plan.calls.iter().map(Call::operation).collect()
}

#[test]
fn a_creation_says_everything_in_one_call_but_the_proficiencies() {
    let desired = desired(&everything());
    let password = Password::new("Initial-1".to_owned());
    let new = NewUser {
        username: Username::new("jane.doe"),
        password: Some(password.clone()),
        directory_user_id: Some("d-1".to_owned()),
        identity: Identity {
            first_name: Some("Jane".to_owned()),
            last_name: Some("Doe".to_owned()),
            email: Some("jane@example.com".to_owned()),
            secondary_email: Some("jane@example.org".to_owned()),
            mobile: Some("+4915112345678".to_owned()),
        },
        routing_profile: RoutingProfileId::new("r-1"),
        security_profiles: [SecurityProfileId::new("s-1"), SecurityProfileId::new("s-2")].into(),
        hierarchy_group: Some(HierarchyGroupId::new("g-1")),
        phone_config: PhoneConfig::default(),
        lists: all_settings(),
        tags: tags_of([("team", "support"), ("site", "berlin"), (OWNER_TAG, "prod/emea/jane-doe"), (UID_TAG, "uid-1")]),
    };
    let levels = [(key("Language", "German"), 4), (key("Skill", "Billing"), 2)].into();
    let plan = create(&desired, &owner(), Some(password));
    let calls = [Call::CreateUser(Box::new(new)), Call::AssociateUserProficiencies { levels }];
    leads_to("everything", &plan, calls, "");
}

#[test]
fn a_creation_says_nothing_that_is_not_declared() {
    let mut spec = phone_only();
    edit(&mut spec, "/phoneConfig", Json::Null);
    let new = NewUser {
        username: Username::new("jane.doe"),
        password: None,
        directory_user_id: None,
        identity: Identity::default(),
        routing_profile: RoutingProfileId::new("r-1"),
        security_profiles: [SecurityProfileId::new("s-1")].into(),
        hierarchy_group: None,
        phone_config: PhoneConfig::default(),
        lists: Settings::default(),
        tags: owner().tags(),
    };
    let bare = Call::CreateUser(Box::new(new.clone()));
    leads_to("nothing", &create(&desired(&spec), &owner(), None), [bare], "");

    let older = Call::CreateUser(Box::new(NewUser { phone_config: all_phone(), ..new }));
    leads_to("phoneConfig", &create(&desired(&phone_only()), &owner(), None), [older], "");
}

#[test]
fn our_marks_win_over_tags_of_the_same_name() {
    let mut spec = everything();
    edit(&mut spec, "/tags", json!({ OWNER_TAG: "somebody/else", UID_TAG: "uid-2" }));
    let Plan { calls, .. } = create(&desired(&spec), &owner(), None);
    assert!(matches!(&calls[0], Call::CreateUser(new) if new.tags == owner().tags()));
    let observed = observed(&desired(&everything()));
    let owned = Owned { tag_keys: [OWNER_TAG.to_owned(), UID_TAG.to_owned()].into(), ..Owned::default() };
    leads_to("update", &update(&desired(&spec), &observed, &owned, &owner()), [], "");
    edit(&mut spec, "/tags", Json::Null);
    leads_to("removal", &update(&desired(&spec), &observed, &owned, &owner()), [], "");
}

#[test]
fn letting_go_takes_exactly_our_marks() {
    let keys = [OWNER_TAG.to_owned(), UID_TAG.to_owned()].into();
    assert_eq!(release(&owner()), Call::UntagResource { keys });
}

#[test]
fn a_user_that_is_as_declared_costs_no_call() {
    for spec in [everything(), phone_only()] {
        let desired = desired(&spec);
        for owned in [Owned::by(&desired), Owned::default()] {
            leads_to("as declared", &update(&desired, &observed(&desired), &owned, &owner()), [], "");
        }
    }
}

#[test]
fn order_and_form_of_profiles_do_not_count() {
    let mut spec = everything();
    edit(
        &mut spec,
        "/securityProfileArns",
        json!([format!("{ARN}/security-profile/s-2"), format!("{ARN}/security-profile/s-1")]),
    );
    let desired = desired(&spec);
    let mut observed = observed(&desired);
    observed.security_profiles = ["s-1", &format!("{ARN}/security-profile/s-2")].map(SecurityProfileId::new).into();
    observed.routing_profile = Some(RoutingProfileId::new("r-1"));
    observed.hierarchy_group = Some(HierarchyGroupId::new(&format!("{ARN}/agent-group/g-1")));
    leads_to("order and form", &update(&desired, &observed, &Owned::by(&desired), &owner()), [], "");
}

#[test]
fn a_record_that_claims_more_than_the_user_has_leads_to_nothing() {
    let desired = desired(&phone_only());
    let owned = Owned {
        fields: Field::all().collect(),
        tag_keys: ["team".to_owned()].into(),
        proficiencies: [key("Language", "German")].into(),
    };
    leads_to("record", &update(&desired, &observed(&desired), &owned, &owner()), [], "");
    let mut unread = observed(&desired);
    unread.proficiencies = None;
    leads_to("not read", &update(&desired, &unread, &owned, &owner()), [], "");
}

#[test]
fn marks_of_ownership_are_repaired_before_anything_else() {
    let both = || Call::TagResource { tags: owner().tags() };
    let uid = || Call::TagResource { tags: tags_of([(UID_TAG, "uid-1")]) };
    let mark = || Call::TagResource { tags: tags_of([(OWNER_TAG, "prod/emea/jane-doe")]) };
    type Drift = fn(&mut ObservedUser);
    let rows: [(&str, Drift, Call, &str); 4] = [
        (
            "an adopted user has no marks",
            |user| user.tags.retain(|key, _| !is_ours(key)),
            both(),
            "tags[contactops.dev/owner], tags[contactops.dev/uid]",
        ),
        ("the uid is gone", |user| drop(user.tags.remove(UID_TAG)), uid(), "tags[contactops.dev/uid]"),
        (
            "the object was made again under its name",
            |user| drop(user.tags.insert(UID_TAG.to_owned(), "uid-0".to_owned())),
            uid(),
            "tags[contactops.dev/uid]",
        ),
        ("the owner is gone", |user| drop(user.tags.remove(OWNER_TAG)), mark(), "tags[contactops.dev/owner]"),
    ];
    for (what, drift, call, fields) in rows {
        leads_to(what, &after_drift(&everything(), drift), [call.clone()], fields);
        let plan = after_drift(&everything(), |user| {
            drift(user);
            user.security_profiles.clear();
            user.identity.mobile = None;
        });
        assert_eq!(plan.calls[0], call, "{what}");
        assert_eq!(
            operations(&plan),
            ["TagResource", "UpdateUserIdentityInfo", "UpdateUserSecurityProfiles"],
            "{what}"
        );
    }
}

/// A user of ours with nothing as declared, some of it to be taken away.
fn everything_differs() -> Plan {
    let mut before = everything();
    edit(
        &mut before,
        "/userProficiencies/-",
        json!({ "attributeName": "Skill", "attributeValue": "Returns", "level": 1 }),
    );
    edit(&mut before, "/tags/desk", json!("12"));
    let owned = Owned::by(&desired(&before));
    let mut observed = observed(&desired(&before));
    observed.tags.insert(UID_TAG.to_owned(), "uid-0".to_owned());
    observed.tags.insert("team".to_owned(), "sales".to_owned());
    observed.identity = Identity {
        first_name: Some("Joan".to_owned()),
        last_name: Some("Roe".to_owned()),
        email: Some("joan@example.com".to_owned()),
        secondary_email: None,
        mobile: Some("+4915187654321".to_owned()),
    };
    observed.routing_profile = None;
    observed.security_profiles.clear();
    observed.hierarchy_group = None;
    observed.lists = settings_of([(Slot::PhoneNumber(Channel::Voice), Value::Number("+493087654321".to_owned()))]);
    observed.proficiencies = Some([(key("Skill", "Billing"), 5), (key("Skill", "Returns"), 1)].into());
    update(&desired(&everything()), &observed, &owned, &owner())
}

#[test]
fn the_calls_come_in_one_order() {
    assert_eq!(
        operations(&everything_differs()),
        [
            "TagResource",
            "UpdateUserIdentityInfo",
            "UpdateUserSecurityProfiles",
            "UpdateUserRoutingProfile",
            "UpdateUserHierarchy",
            "UpdateUserConfig",
            "DisassociateUserProficiencies",
            "UpdateUserProficiencies",
            "AssociateUserProficiencies",
            "UntagResource",
        ]
    );
}

#[test]
fn the_differences_name_every_field_and_the_values_that_are_not_personal() {
    let plan = everything_differs();
    let shown: Vec<String> = plan
        .differences
        .iter()
        .map(|DriftedField { field, declared, observed }| {
            let side = |value: &Option<String>| value.as_deref().unwrap_or("-").to_owned();
            format!("{field}: {} / {}", side(declared), side(observed))
        })
        .collect();
    assert_eq!(
        shown,
        [
            "tags[contactops.dev/uid]: uid-1 / uid-0",
            "tags[team]: support / sales",
            "identityInfo.firstName: - / -",
            "identityInfo.lastName: - / -",
            "identityInfo.email: - / -",
            "identityInfo.secondaryEmail: - / -",
            "identityInfo.mobile: - / -",
            "securityProfiles: s-1, s-2 / ",
            "routingProfile: r-1 / -",
            "hierarchyGroup: g-1 / -",
            "autoAcceptConfigs[VOICE].autoAccept: true / false",
            "autoAcceptConfigs[CHAT].autoAccept: true / false",
            "autoAcceptConfigs[VOICE].agentFirstCallbackAutoAccept: true / false",
            "afterContactWorkConfigs[VOICE].afterContactWorkConfig: 20 s / 0 s",
            "afterContactWorkConfigs[CHAT].afterContactWorkConfig: 30 s / 0 s",
            "afterContactWorkConfigs[VOICE].agentFirstCallbackAfterContactWorkConfig: 10 s / 0 s",
            "phoneNumberConfigs[VOICE].phoneType: DeskPhone / SoftPhone",
            "phoneNumberConfigs[VOICE].phoneNumber: - / -",
            "persistentConnectionConfigs[VOICE].persistentConnection: true / false",
            "voiceEnhancementConfigs[VOICE].voiceEnhancementMode: NoiseSuppression / None",
            "userProficiencies[Skill=Returns]: - / 1",
            "userProficiencies[Skill=Billing]: 2 / 5",
            "userProficiencies[Language=German]: 4 / -",
            "tags[desk]: - / 12",
        ]
    );
}

#[test]
fn personal_values_are_in_no_message() {
    let phones = after_drift(&phone_only(), |user| {
        user.phone_config.desk_phone_number = Some("+493087654321".to_owned());
    });
    let password = Password::new("Initial-1".to_owned());
    let creation = create(&desired(&everything()), &owner(), Some(password));
    let removal = after_edit(&everything(), "/identityInfo", Json::Null);
    for plan in [everything_differs(), phones, creation, removal] {
        assert!(!plan.is_empty());
        let calls: String = plan.calls.iter().map(|call| format!("{call}\n{call:?}\n")).collect();
        let told = format!("{calls}{:?}{}", plan.differences, plan.fields());
        for personal in ["Jane", "Doe", "Joan", "Roe", "example", "+49", "Initial-1"] {
            assert!(!told.contains(personal), "{personal} in {told}");
        }
    }
}
