//! Identity, profiles, hierarchy, tags and proficiencies, one row each.

use super::*;

fn jane() -> Identity {
    Identity {
        first_name: Some("Jane".to_owned()),
        last_name: Some("Doe".to_owned()),
        email: Some("jane@example.com".to_owned()),
        secondary_email: Some("jane@example.org".to_owned()),
        mobile: Some("+4915112345678".to_owned()),
    }
}

/// The whole block with one member set or left out.
fn block(member: IdentityMember, value: Option<&str>) -> Call {
    let mut identity = jane();
    identity.set(member, value.map(str::to_owned));
    Call::UpdateUserIdentityInfo { identity }
}

#[test]
fn each_member_of_the_identity_is_written_with_the_whole_block() {
    for (member, value) in [
        (IdentityMember::FirstName, "Zoë"),
        (IdentityMember::LastName, "Roe"),
        (IdentityMember::Email, "doe@example.com"),
        (IdentityMember::SecondaryEmail, "doe@example.org"),
        (IdentityMember::Mobile, "+33123456789"),
    ] {
        let (name, pointer) = (member.name(), format!("/identityInfo/{}", member.name()));
        let field = format!("identityInfo.{name}");
        let spec = everything();
        leads_to(name, &after_edit(&spec, &pointer, json!(value)), [block(member, Some(value))], &field);
        leads_to(name, &after_edit(&spec, &pointer, Json::Null), [block(member, None)], &field);
        let drifted = after_drift(&spec, |user| user.identity.set(member, Some(value.to_owned())));
        leads_to(name, &drifted, [Call::UpdateUserIdentityInfo { identity: jane() }], &field);
        let cleared = after_drift(&spec, |user| user.identity.set(member, None));
        leads_to(name, &cleared, [Call::UpdateUserIdentityInfo { identity: jane() }], &field);
    }
}

#[test]
fn what_was_never_declared_of_the_identity_stays_and_is_sent_along() {
    let spec = edited(everything(), "/identityInfo", json!({ "firstName": "Jane" }));
    let others = Identity { first_name: Some("Joan".to_owned()), ..jane() };
    let plan = after_drift(&spec, |user| user.identity = others.clone());
    leads_to("one of five", &plan, [Call::UpdateUserIdentityInfo { identity: jane() }], "identityInfo.firstName");

    let undeclared = edited(everything(), "/identityInfo", Json::Null);
    leads_to("none of five", &after_drift(&undeclared, |user| user.identity = others), [], "");
}

#[test]
fn what_the_directory_keeps_is_neither_sent_nor_compared_unless_declared() {
    let spec = edited(everything(), "/identityInfo", json!({ "mobile": "+33123456789" }));
    let desired = desired(&spec);
    let mut user = observed(&desired);
    user.identity = jane();
    let user = user.without_directory_members(&desired.identity);
    let identity = Identity {
        mobile: Some("+33123456789".to_owned()),
        secondary_email: jane().secondary_email,
        ..Identity::default()
    };
    let plan = update(&desired, &user, &Owned::by(&desired), &owner());
    leads_to("mobile", &plan, [Call::UpdateUserIdentityInfo { identity }], "identityInfo.mobile");
}

#[test]
fn profiles_are_written_whole_and_only_when_they_differ() {
    let profiles = |ids: &[&str]| Call::UpdateUserSecurityProfiles {
        security_profiles: ids.iter().map(|id| SecurityProfileId::new(id)).collect(),
    };
    let arn = |id: &str| json!(format!("{ARN}/security-profile/{id}"));
    for (what, plan, expected) in [
        // CloudFormation's handler never applies this one.
        ("added", after_edit(&everything(), "/securityProfileArns/-", arn("s-3")), profiles(&["s-1", "s-2", "s-3"])),
        ("removed", after_edit(&everything(), "/securityProfileArns/0", Json::Null), profiles(&["s-2"])),
        ("exchanged", after_edit(&everything(), "/securityProfileArns/0", arn("s-4")), profiles(&["s-2", "s-4"])),
        (
            "given by hand",
            after_drift(&everything(), |user| {
                user.security_profiles.insert(SecurityProfileId::new("admin"));
            }),
            profiles(&["s-1", "s-2"]),
        ),
        ("taken by hand", after_drift(&everything(), |user| user.security_profiles.clear()), profiles(&["s-1", "s-2"])),
    ] {
        leads_to(what, &plan, [expected], "securityProfiles");
    }

    let routing = |id: &str| Call::UpdateUserRoutingProfile { routing_profile: RoutingProfileId::new(id) };
    let other = json!(format!("{ARN}/routing-profile/r-2"));
    leads_to("edit", &after_edit(&everything(), "/routingProfileArn", other), [routing("r-2")], "routingProfile");
    for seen in [None, Some(RoutingProfileId::new("r-2"))] {
        let plan = after_drift(&everything(), |user| user.routing_profile = seen);
        leads_to("drift", &plan, [routing("r-1")], "routingProfile");
    }
}

#[test]
fn the_hierarchy_group_is_set_changed_and_cleared() {
    let group = |id: Option<&str>| Call::UpdateUserHierarchy { hierarchy_group: id.map(HierarchyGroupId::new) };
    let arn = json!(format!("{ARN}/agent-group/g-2"));
    let undeclared = edited(everything(), "/hierarchyGroupArn", Json::Null);
    for (what, plan, expected) in [
        ("changed", after_edit(&everything(), "/hierarchyGroupArn", arn.clone()), group(Some("g-2"))),
        ("removed", after_edit(&everything(), "/hierarchyGroupArn", Json::Null), group(None)),
        ("first declared", after_edit(&undeclared, "/hierarchyGroupArn", arn), group(Some("g-2"))),
        ("cleared by hand", after_drift(&everything(), |user| user.hierarchy_group = None), group(Some("g-1"))),
        (
            "changed by hand",
            after_drift(&everything(), |user| user.hierarchy_group = Some(HierarchyGroupId::new("g-9"))),
            group(Some("g-1")),
        ),
    ] {
        leads_to(what, &plan, [expected], "hierarchyGroup");
    }
    let foreign = after_drift(&undeclared, |user| user.hierarchy_group = Some(HierarchyGroupId::new("g-9")));
    leads_to("never declared", &foreign, [], "");
}

#[test]
fn tags_are_owned_key_by_key() {
    let tag = |key: &str, value: &str| Call::TagResource { tags: tags_of([(key, value)]) };
    let untag = |key: &str| Call::UntagResource { keys: [key.to_owned()].into() };
    let spec = everything();
    // A changed value is written over the old one; CloudFormation's handler untags first.
    leads_to("value", &after_edit(&spec, "/tags/team", json!("sales")), [tag("team", "sales")], "tags[team]");
    leads_to("added", &after_edit(&spec, "/tags/desk", json!("12")), [tag("desk", "12")], "tags[desk]");
    leads_to("removed", &after_edit(&spec, "/tags/team", Json::Null), [untag("team")], "tags[team]");
    let all = Call::UntagResource { keys: ["site".to_owned(), "team".to_owned()].into() };
    leads_to("all removed", &after_edit(&spec, "/tags", Json::Null), [all], "tags[site], tags[team]");
    leads_to(
        "exchanged",
        &after_edit(&spec, "/tags", json!({ "site": "berlin", "desk": "12" })),
        [tag("desk", "12"), untag("team")],
        "tags[desk], tags[team]",
    );

    let set = |key: &'static str, value: &'static str| {
        move |user: &mut ObservedUser| drop(user.tags.insert(key.to_owned(), value.to_owned()))
    };
    leads_to("changed by hand", &after_drift(&spec, set("team", "sales")), [tag("team", "support")], "tags[team]");
    leads_to("emptied by hand", &after_drift(&spec, set("team", "")), [tag("team", "support")], "tags[team]");
    let gone = after_drift(&spec, |user| drop(user.tags.remove("team")));
    leads_to("removed by hand", &gone, [tag("team", "support")], "tags[team]");
    // Terraform takes it away.
    leads_to("added by hand", &after_drift(&spec, set("cost-centre", "7")), [], "");
}

#[test]
fn proficiencies_are_owned_pair_by_pair() {
    let give = |key, level| Call::AssociateUserProficiencies { levels: [(key, level)].into() };
    let change = |key, level| Call::UpdateUserProficiencies { levels: [(key, level)].into() };
    let take = |key| Call::DisassociateUserProficiencies { keys: [key].into() };
    let (german, billing) = (|| key("Language", "German"), || key("Skill", "Billing"));
    let (french, returns) = (|| key("Language", "French"), || key("Skill", "Returns"));
    let one = |key: ProficiencyKey, level: i32| {
        let ProficiencyKey { attribute_name, attribute_value } = key;
        json!({ "attributeName": attribute_name, "attributeValue": attribute_value, "level": level })
    };
    let field = "userProficiencies[Language=German]";
    let spec = everything();
    for level in [1, 5] {
        let plan = after_edit(&spec, "/userProficiencies/0/level", json!(level));
        leads_to("level", &plan, [change(german(), level)], field);
        let plan = after_drift(&spec, |user| {
            user.proficiencies.as_mut().unwrap().insert(german(), level);
        });
        leads_to("level by hand", &plan, [change(german(), 4)], field);
    }
    leads_to("removed", &after_edit(&spec, "/userProficiencies/0", Json::Null), [take(german())], field);
    let taken = after_drift(&spec, |user| {
        user.proficiencies.as_mut().unwrap().remove(&german());
    });
    leads_to("taken by hand", &taken, [give(german(), 4)], field);
    let added = after_edit(&spec, "/userProficiencies/-", one(french(), 3));
    leads_to("added", &added, [give(french(), 3)], "userProficiencies[Language=French]");
    let foreign = after_drift(&spec, |user| {
        user.proficiencies.as_mut().unwrap().insert(returns(), 5);
    });
    leads_to("given by hand", &foreign, [], "");
    let gone = Call::DisassociateUserProficiencies { keys: [german(), billing()].into() };
    let removed = after_edit(&spec, "/userProficiencies", Json::Null);
    leads_to("all removed", &removed, [gone], "userProficiencies[Language=German], userProficiencies[Skill=Billing]");
    let nobody = after_drift(&edited(everything(), "/userProficiencies", Json::Null), |user| {
        user.proficiencies = Some([(german(), 1)].into());
    });
    leads_to("never declared", &nobody, [], "");
}

#[test]
fn a_full_set_of_proficiencies_is_exchanged_by_taking_first() {
    let set = |from: i32| -> Vec<Json> {
        (from..from + 10)
            .map(|n| json!({ "attributeName": "Skill", "attributeValue": format!("{n:02}"), "level": 3 }))
            .collect()
    };
    let spec = edited(everything(), "/userProficiencies", json!(set(0)));
    let plan = after_edit(&spec, "/userProficiencies", json!(set(2)));
    let pair = |n: i32| key("Skill", &format!("{n:02}"));
    let calls = [
        Call::DisassociateUserProficiencies { keys: [pair(0), pair(1)].into() },
        Call::AssociateUserProficiencies { levels: [(pair(10), 3), (pair(11), 3)].into() },
    ];
    assert_eq!(plan.calls, calls);
    assert_eq!(plan.differences.len(), 4);
}

#[test]
fn what_is_no_longer_declared_and_not_owned_stays() {
    for pointer in [
        "/identityInfo",
        "/identityInfo/mobile",
        "/hierarchyGroupArn",
        "/autoAcceptConfigs",
        "/autoAcceptConfigs/1",
        "/afterContactWorkConfigs",
        "/afterContactWorkConfigs/0/agentFirstCallbackAfterContactWorkConfig",
        "/phoneNumberConfigs",
        "/persistentConnectionConfigs",
        "/voiceEnhancementConfigs",
        "/userProficiencies",
        "/userProficiencies/0",
        "/directoryUserId",
        "/tags",
        "/tags/team",
    ] {
        let observed = observed(&desired(&everything()));
        let desired = desired(&edited(everything(), pointer, Json::Null));
        for owned in [Owned::by(&desired), Owned::default()] {
            leads_to(pointer, &update(&desired, &observed, &owned, &owner()), [], "");
        }
    }
}

#[test]
fn no_call_changes_username_or_directory_id() {
    leads_to("set later", &after_drift(&everything(), |user| user.directory_user_id = None), [], "");
    let other = after_drift(&everything(), |user| user.directory_user_id = Some("d-2".to_owned()));
    leads_to("another", &other, [], "");
    leads_to("removed", &after_edit(&everything(), "/directoryUserId", Json::Null), [], "");
    leads_to("spelling", &after_drift(&everything(), |user| user.username = Username::new("Jane.Doe")), [], "");
}
