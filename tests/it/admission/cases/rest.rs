//! Secret, tags, policies and several mistakes at once.

use serde_json::{Value, json};

use super::{Case, no, ok, update};

pub(super) fn rest() -> Vec<Case> {
    let empty = "may not be empty: leave it out instead";
    let directory = "Amazon Connect has no call for it: set it back, or create a new ConnectUser";
    let secret = |name: &str, key: &str| json!({ "passwordSecretRef": { "name": name, "key": key } });
    let secret_name = "must be the name of a Secret in the namespace of this object: lower case letters";
    let secret_key = "must be a key of the Secret: letters, digits, - _ and .";
    let tags = |count: usize| {
        let tags = (0..count).map(|n| (format!("tag {n}"), Value::from("")));
        json!({ "tags": tags.collect::<serde_json::Map<_, _>>() })
    };
    let tag = |key: &str| json!({ "tags": { (key): "x" } });
    vec![
        ok("a directory user id", json!({ "directoryUserId": "S-1-5-21" })),
        update(ok("a directory user id later", json!({ "directoryUserId": "S-1-5-21" })), json!({})),
        update(ok("the directory user id stays", json!({ "suspend": true })), json!({ "directoryUserId": "S-1-5-21" })),
        update(
            no(
                "another directory user id",
                json!({ "directoryUserId": "S-2" }),
                &[("spec.directoryUserId", directory)],
            ),
            json!({ "directoryUserId": "S-1-5-21" }),
        ),
        update(
            no(
                "the directory user id goes",
                json!({ "directoryUserId": null }),
                &[("spec.directoryUserId", directory)],
            ),
            json!({ "directoryUserId": "S-1-5-21" }),
        ),
        no("an empty directory user id", json!({ "directoryUserId": "" }), &[("spec.directoryUserId", empty)]),
        ok("a Secret", secret("jane.secrets-1", "Pass_word.1-x")),
        ok("the longest name of a Secret", secret(&"x".repeat(253), &"x".repeat(253))),
        no(
            "a Secret in another namespace",
            secret("other/jane", "password"),
            &[("spec.passwordSecretRef.name", secret_name)],
        ),
        no("a Secret without a name", secret("", "password"), &[("spec.passwordSecretRef.name", secret_name)]),
        no("a Secret with upper case", secret("Jane", "password"), &[("spec.passwordSecretRef.name", secret_name)]),
        no("a key with a slash", secret("jane", "a/b"), &[("spec.passwordSecretRef.key", secret_key)]),
        no("no key", secret("jane", ""), &[("spec.passwordSecretRef.key", secret_key)]),
        no(
            "an over-long Secret",
            secret(&"x".repeat(254), &"x".repeat(254)),
            &[
                ("spec.passwordSecretRef.name", "may not be more than 253"),
                ("spec.passwordSecretRef.key", "may not be more than 253"),
            ],
        ),
        ok("48 tags", tags(48)),
        ok("the longest tag", json!({ "tags": { ("k".repeat(128)): "v".repeat(256) } })),
        ok("all characters of a tag key", tag("Käse 1_.:/=+-@")),
        ok("tag keys that only look reserved", json!({ "tags": { "awsome": "x", "team/contactops.dev/": "x" } })),
        no("49 tags", tags(49), &[("spec.tags", "must have at most 48 items")]),
        no("no tags", json!({ "tags": {} }), &[("spec.tags", empty)]),
        no("an empty tag key", tag(""), &[("spec.tags", "must have keys of 1 to 128 characters")]),
        no("an over-long tag key", tag(&"k".repeat(129)), &[("spec.tags", "must have keys of 1 to 128 characters")]),
        no(
            "an over-long tag value",
            json!({ "tags": { "team": "v".repeat(257) } }),
            &[("spec.tags.team", "may not be more than 256")],
        ),
        no(
            "a semicolon in a tag key",
            tag("a;b"),
            &[("spec.tags", "may have only letters, digits, spaces and _ . : / = + - @ in its keys")],
        ),
        no(
            "a tag of ours",
            tag("contactops.dev/owner"),
            &[(
                "spec.tags",
                "keys that begin with contactops.dev/ in any case, which the operator keeps for its own tags",
            )],
        ),
        no(
            "a tag that IAM takes for ours",
            tag("ContactOps.DEV/Owner"),
            &[("spec.tags", "keys that begin with contactops.dev/ in any case")],
        ),
        no("a tag of AWS", tag("aws:team"), &[("spec.tags", "keys that begin with aws:, which AWS keeps for itself")]),
        no("a tag of AWS in capitals", tag("AWS:team"), &[("spec.tags", "keys that begin with aws:")]),
        ok(
            "all policies",
            json!({ "deletionPolicy": "Retain", "adoptionPolicy": "Adopt", "driftPolicy": "Report", "suspend": true }),
        ),
        no(
            "unknown policies",
            json!({ "deletionPolicy": "Keep", "adoptionPolicy": "Yes", "driftPolicy": "Ignore" }),
            &[
                ("spec.adoptionPolicy", "supported values: \"Refuse\", \"Adopt\""),
                ("spec.deletionPolicy", "supported values: \"Delete\", \"Retain\""),
                ("spec.driftPolicy", "supported values: \"Correct\", \"Report\""),
            ],
        ),
        no("suspend as text", json!({ "suspend": "true" }), &[("spec.suspend", "must be of type boolean")]),
        no(
            "three mistakes at once",
            json!({ "username": "jane doe", "routingProfileName": null, "tags": {} }),
            &[
                ("spec.routingProfileName", "must be set unless routingProfileArn is"),
                ("spec.tags", empty),
                ("spec.username", "may hold only the letters"),
            ],
        ),
    ]
}
