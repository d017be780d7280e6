//! The instance, profiles and groups.

use serde_json::{Value, json};

use super::{Case, FOREIGN, INSTANCE, arn, foreign, no, ok, update};

pub(super) fn instance() -> Vec<Case> {
    let form = "must be the ARN of an Amazon Connect instance: write arn:aws:connect:<region>";
    vec![
        ok("the smallest spec", json!({})),
        ok(
            "another partition",
            json!({ "instanceArn": "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/abc" }),
        ),
        no(
            "no instance",
            json!({ "instanceArn": null }),
            &[("spec.instanceArn", "must be set unless instanceRef is: write the ARN of the Amazon Connect instance")],
        ),
        ok("instanceRef", json!({ "instanceArn": null, "instanceRef": { "name": "emea" } })),
        no(
            "instanceRef and instanceArn",
            json!({ "instanceRef": { "name": "emea" } }),
            &[("spec.instanceArn", "may not be set together with instanceRef: keep one of the two")],
        ),
        update(
            ok("instanceRef stays", json!({ "suspend": true })),
            json!({ "instanceArn": null, "instanceRef": { "name": "emea" } }),
        ),
        update(
            no(
                "another instanceRef",
                json!({ "instanceRef": { "name": "apac" } }),
                &[("spec.instanceRef", "a user cannot move to another instance: create a new ConnectUser")],
            ),
            json!({ "instanceArn": null, "instanceRef": { "name": "emea" } }),
        ),
        no("an instance id alone", json!({ "instanceArn": "0a1b2c3d" }), &[("spec.instanceArn", form)]),
        no("an empty instance ARN", json!({ "instanceArn": "" }), &[("spec.instanceArn", form)]),
        no("the ARN of a queue", json!({ "instanceArn": arn("queue") }), &[("spec.instanceArn", form)]),
        no(
            "an account that is too short",
            json!({ "instanceArn": "arn:aws:connect:eu-west-1:1111:instance/abc" }),
            &[("spec.instanceArn", form)],
        ),
        no(
            "an over-long instance ARN",
            json!({ "instanceArn": format!("{INSTANCE}{}", "x".repeat(256)) }),
            &[("spec.instanceArn", "may not be more than 256")],
        ),
        update(ok("the instance stays", json!({ "suspend": true })), json!({})),
        update(
            no(
                "another instance",
                json!({ "instanceArn": FOREIGN }),
                &[("spec.instanceArn", "a user cannot move to another instance: create a new ConnectUser")],
            ),
            json!({}),
        ),
        update(
            no(
                "the instance goes",
                json!({ "instanceArn": null }),
                &[
                    ("spec.instanceArn", "a user cannot move to another instance: create a new ConnectUser"),
                    (
                        "spec.instanceArn",
                        "must be set unless instanceRef is: write the ARN of the Amazon Connect instance",
                    ),
                ],
            ),
            json!({}),
        ),
    ]
}

pub(super) fn profiles() -> Vec<Case> {
    let empty = "may not be empty: leave it out instead";
    let routing = "must be the ARN of a routing profile: write arn:aws:connect:<region>:<account>:instance/<instance id>\
                   /routing-profile/<id>, or leave it out and set routingProfileName";
    let security = "must be the ARN of a security profile: write arn:aws:connect:<region>:<account>:instance/<instance id>\
                    /security-profile/<id>, or leave it out and set securityProfileNames";
    let names = |count: usize| (0..count).map(|n| format!("profile {n}")).collect::<Vec<_>>();
    let arns = |count: usize| (0..count).map(|n| format!("{}{n}", arn("security-profile"))).collect::<Vec<_>>();
    let by_arn = |arns: Value| json!({ "securityProfileNames": null, "securityProfileArns": arns });
    vec![
        ok(
            "a routing profile by ARN",
            json!({ "routingProfileName": null, "routingProfileArn": arn("routing-profile") }),
        ),
        ok("the longest routing profile name", json!({ "routingProfileName": "ü".repeat(127) })),
        no(
            "no routing profile",
            json!({ "routingProfileName": null }),
            &[(
                "spec.routingProfileName",
                "must be set unless routingProfileArn is: give the routing profile by name here",
            )],
        ),
        no(
            "a routing profile by name and by ARN",
            json!({ "routingProfileArn": arn("routing-profile") }),
            &[("spec.routingProfileName", "may not be set together with routingProfileArn: keep one of the two")],
        ),
        no("an empty routing profile name", json!({ "routingProfileName": "" }), &[("spec.routingProfileName", empty)]),
        no(
            "an over-long routing profile name",
            json!({ "routingProfileName": "x".repeat(128) }),
            &[("spec.routingProfileName", "may not be more than 127")],
        ),
        no(
            "a routing profile id",
            json!({ "routingProfileName": null, "routingProfileArn": "0a1b2c3d" }),
            &[("spec.routingProfileArn", routing)],
        ),
        no(
            "a security profile as routing profile",
            json!({ "routingProfileName": null, "routingProfileArn": arn("security-profile") }),
            &[("spec.routingProfileArn", routing)],
        ),
        no(
            "a routing profile of another Region",
            json!({ "routingProfileName": null, "routingProfileArn": foreign("routing-profile") }),
            &[(
                "spec.routingProfileArn",
                "must begin with the value of instanceArn, followed by /routing-profile/: routingProfileArn and \
                 instanceArn must have the same Region, account and instance id; correct one of the two",
            )],
        ),
        ok("security profiles by ARN", by_arn(json!([arn("security-profile")]))),
        ok("ten security profiles", json!({ "securityProfileNames": names(10) })),
        ok("ten security profiles by ARN", by_arn(json!(arns(10)))),
        no(
            "no security profile",
            json!({ "securityProfileNames": null }),
            &[(
                "spec.securityProfileNames",
                "must be set unless securityProfileArns is: give the security profiles by name",
            )],
        ),
        no(
            "security profiles by name and by ARN",
            json!({ "securityProfileArns": [arn("security-profile")] }),
            &[("spec.securityProfileNames", "may not be set together with securityProfileArns: keep one of the two")],
        ),
        no("an empty list of names", json!({ "securityProfileNames": [] }), &[("spec.securityProfileNames", empty)]),
        no("an empty list of ARNs", by_arn(json!([])), &[("spec.securityProfileArns", empty)]),
        no(
            "an empty security profile name",
            json!({ "securityProfileNames": [""] }),
            &[("spec.securityProfileNames[0]", "at least 1 chars")],
        ),
        no(
            "an over-long security profile name",
            json!({ "securityProfileNames": ["x".repeat(128)] }),
            &[("spec.securityProfileNames[0]", "may not be more than 127")],
        ),
        no(
            "eleven security profiles",
            json!({ "securityProfileNames": names(11) }),
            &[("spec.securityProfileNames", "must have at most 10 items")],
        ),
        no(
            "eleven security profiles by ARN",
            by_arn(json!(arns(11))),
            &[("spec.securityProfileArns", "must have at most 10 items")],
        ),
        no(
            "a security profile twice",
            json!({ "securityProfileNames": ["Agent", "Agent"] }),
            &[("spec.securityProfileNames[1]", "Duplicate value: \"Agent\"")],
        ),
        no(
            "a security profile ARN twice",
            by_arn(json!([arn("security-profile"), arn("security-profile")])),
            &[("spec.securityProfileArns[1]", "Duplicate value")],
        ),
        no(
            "a security profile id",
            by_arn(json!([arn("security-profile"), "0a1b2c3d"])),
            &[("spec.securityProfileArns", security)],
        ),
        no(
            "a security profile of another Region",
            by_arn(json!([arn("security-profile"), foreign("security-profile")])),
            &[(
                "spec.securityProfileArns",
                "must begin with the value of instanceArn, followed by /security-profile/: securityProfileArns and \
                 instanceArn must have the same Region, account and instance id; correct one of the two",
            )],
        ),
    ]
}

pub(super) fn hierarchy() -> Vec<Case> {
    vec![
        ok("a group by path", json!({ "hierarchyGroupPath": ["EMEA", "Support", "EMEA"] })),
        ok("five levels", json!({ "hierarchyGroupPath": ["1", "2", "3", "4", "x".repeat(100)] })),
        ok("a group by ARN", json!({ "hierarchyGroupArn": arn("agent-group") })),
        no(
            "a group by path and by ARN",
            json!({ "hierarchyGroupPath": ["EMEA"], "hierarchyGroupArn": arn("agent-group") }),
            &[("spec.hierarchyGroupPath", "may not be set together with hierarchyGroupArn: keep one of the two")],
        ),
        no(
            "an empty path",
            json!({ "hierarchyGroupPath": [] }),
            &[("spec.hierarchyGroupPath", "may not be empty: leave it out instead")],
        ),
        no(
            "six levels",
            json!({ "hierarchyGroupPath": ["1", "2", "3", "4", "5", "6"] }),
            &[("spec.hierarchyGroupPath", "must have at most 5 items")],
        ),
        no(
            "an empty group name",
            json!({ "hierarchyGroupPath": ["EMEA", ""] }),
            &[("spec.hierarchyGroupPath[1]", "at least 1 chars")],
        ),
        no(
            "an over-long group name",
            json!({ "hierarchyGroupPath": ["x".repeat(101)] }),
            &[("spec.hierarchyGroupPath[0]", "may not be more than 100")],
        ),
        no(
            "a group id",
            json!({ "hierarchyGroupArn": "0a1b2c3d" }),
            &[("spec.hierarchyGroupArn", "/agent-group/<id>, or leave it out and set hierarchyGroupPath")],
        ),
        no(
            "a group of another Region",
            json!({ "hierarchyGroupArn": foreign("agent-group") }),
            &[("spec.hierarchyGroupArn", "must begin with the value of instanceArn, followed by /agent-group/")],
        ),
    ]
}
