//! The rules of ConnectInstance.

use serde_json::{Value, json};

use super::{Case, INSTANCE, arn, no, ok, update};

/// The smallest valid spec.
pub(in crate::admission) fn base() -> Value {
    json!({ "instanceArn": INSTANCE })
}

pub(in crate::admission) fn all() -> Vec<Case> {
    let empty = "may not be empty: leave it out instead";
    let form = "must be the ARN of an Amazon Connect instance: write arn:aws:connect:<region>";
    let role = "must be the ARN of an IAM role: write arn:aws:iam::<account>:role/<name>";
    let profile = "must be the ARN of a security profile: write arn:aws:connect:<region>:<account>:instance/<instance id>\
                   /security-profile/<id>";
    let assume = |role: &str| json!({ "assumeRole": { "roleArn": role } });
    let external =
        |id: &str| json!({ "assumeRole": { "roleArn": "arn:aws:iam::111122223333:role/r", "externalId": id } });
    let profiles = |arns: Value, namespaces: Value| json!({ "allowedSecurityProfiles": [{ "arns": arns, "namespaces": namespaces }] });
    let given = || json!([arn("security-profile")]);
    let brake = |most: i64, window: i64| json!({ "deletionBrake": { "maxDeletions": most, "windowSeconds": window } });
    vec![
        ok("the smallest spec", json!({})),
        ok(
            "everything",
            json!({
                "assumeRole": { "roleArn": "arn:aws-us-gov:iam::111122223333:role/path/r+=,.@_-", "externalId": "a:/-1" },
                "allowedNamespaces": ["emea-*", "*"],
                "allowedSecurityProfiles": [{ "arns": [arn("security-profile")], "namespaces": ["*"] }],
                "allowedUsernames": r"[a-z]+\.[a-z]+",
                "adoption": "ConsentTag",
                "adoptAdmins": true,
                "deletionBrake": { "maxDeletions": 0, "windowSeconds": 60 },
                "freeze": true,
                "quickConnectCleanup": true,
            }),
        ),
        no("no instance", json!({ "instanceArn": null }), &[("spec.instanceArn", "Required value")]),
        no("an instance id alone", json!({ "instanceArn": "0a1b2c3d" }), &[("spec.instanceArn", form)]),
        no("the ARN of a queue", json!({ "instanceArn": arn("queue") }), &[("spec.instanceArn", form)]),
        no(
            "an over-long instance ARN",
            json!({ "instanceArn": format!("{INSTANCE}{}", "x".repeat(256)) }),
            &[("spec.instanceArn", "may not be more than 256")],
        ),
        update(ok("the instance stays", json!({ "freeze": true })), json!({})),
        update(
            no(
                "another instance",
                json!({ "instanceArn": format!("{INSTANCE}-2") }),
                &[("spec.instanceArn", "may not change, since users cannot move to another instance")],
            ),
            json!({}),
        ),
        no("the name of a role", assume("connect-users"), &[("spec.assumeRole.roleArn", role)]),
        no("the ARN of a user", assume("arn:aws:iam::111122223333:user/u"), &[("spec.assumeRole.roleArn", role)]),
        ok("the shortest external id", external("ab")),
        no("an external id of one character", external("a"), &[("spec.assumeRole.externalId", "must have 2 to 1224")]),
        no("an external id with a space", external("a b"), &[("spec.assumeRole.externalId", "must have 2 to 1224")]),
        no(
            "an over-long external id",
            external(&"x".repeat(1225)),
            &[("spec.assumeRole.externalId", "may not be more than 1224")],
        ),
        no(
            "an empty namespace",
            json!({ "allowedNamespaces": [""] }),
            &[("spec.allowedNamespaces[0]", "at least 1 chars")],
        ),
        no(
            "a namespace twice",
            json!({ "allowedNamespaces": ["a", "a"] }),
            &[("spec.allowedNamespaces[1]", "Duplicate value: \"a\"")],
        ),
        ok("no security profile at all", json!({ "allowedSecurityProfiles": [] })),
        no(
            "an entry without profiles",
            profiles(json!([]), json!(["a"])),
            &[("spec.allowedSecurityProfiles[0].arns", empty)],
        ),
        no(
            "an entry without namespaces",
            profiles(given(), json!([])),
            &[("spec.allowedSecurityProfiles[0].namespaces", empty)],
        ),
        no(
            "a profile by name",
            profiles(json!(["Agent"]), json!(["a"])),
            &[("spec.allowedSecurityProfiles[0].arns", profile)],
        ),
        no(
            "a routing profile",
            profiles(json!([arn("routing-profile")]), json!(["a"])),
            &[("spec.allowedSecurityProfiles[0].arns", profile)],
        ),
        no("an empty pattern", json!({ "allowedUsernames": "" }), &[("spec.allowedUsernames", empty)]),
        no(
            "an over-long pattern",
            json!({ "allowedUsernames": "x".repeat(257) }),
            &[("spec.allowedUsernames", "may not be more than 256")],
        ),
        no("an unknown adoption", json!({ "adoption": "Yes" }), &[("spec.adoption", "supported values")]),
        no(
            "less than no deletions",
            brake(-1, 60),
            &[("spec.deletionBrake.maxDeletions", "greater than or equal to 0")],
        ),
        no("a window of seconds", brake(1, 59), &[("spec.deletionBrake.windowSeconds", "greater than or equal to 60")]),
        no(
            "a window of more than a week",
            brake(1, 604_801),
            &[("spec.deletionBrake.windowSeconds", "less than or equal to 604800")],
        ),
    ]
}
