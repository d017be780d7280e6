//! Username, identity, proficiencies and directory.

use serde_json::json;

use super::{Case, no, ok, update};

pub(super) fn username() -> Vec<Case> {
    let characters = "may hold only the letters a-z and A-Z, the digits, and _ . - @";
    let email = "may hold @ only in the form of an e-mail address, such as jane.doe@example.com";
    let renamed = "Amazon Connect cannot rename a user: create a new ConnectUser with the new name";
    vec![
        ok("the shortest username", json!({ "username": "j" })),
        ok("the longest username", json!({ "username": "j".repeat(100) })),
        ok("all characters of a username", json!({ "username": "JANE_d.o-e7" })),
        ok("an e-mail address as username", json!({ "username": "jane.doe@mail.example.com" })),
        no("no username", json!({ "username": null }), &[("spec.username", "Required value")]),
        no("an empty username", json!({ "username": "" }), &[("spec.username", "at least 1 chars")]),
        no(
            "an over-long username",
            json!({ "username": "j".repeat(101) }),
            &[("spec.username", "may not be more than 100")],
        ),
        no("a space in the username", json!({ "username": "jane doe" }), &[("spec.username", characters)]),
        no("an umlaut in the username", json!({ "username": "jürgen" }), &[("spec.username", characters)]),
        no("half an e-mail address", json!({ "username": "jane@example" }), &[("spec.username", email)]),
        no("two @", json!({ "username": "jane@doe@example.com" }), &[("spec.username", email)]),
        no("nothing before @", json!({ "username": "@example.com" }), &[("spec.username", email)]),
        no("a username that ends in a dot", json!({ "username": "jane@example." }), &[("spec.username", email)]),
        update(ok("the username stays", json!({ "suspend": true })), json!({})),
        update(no("a new username", json!({ "username": "jane.roe" }), &[("spec.username", renamed)]), json!({})),
        update(
            no("another case of the username", json!({ "username": "Jane.Doe" }), &[("spec.username", renamed)]),
            json!({}),
        ),
    ]
}

pub(super) fn identity() -> Vec<Case> {
    let empty = "may not be empty: leave it out instead";
    let e_164 = "must be in E.164 form: a plus sign, the country code and the number, without spaces";
    let email = "must be an e-mail address, such as jane.doe@example.com";
    let second = "must be an e-mail address of the letters a-z and A-Z, digits and . _ % + -";
    let info = |member: &str, value: String| json!({ "identityInfo": { (member): value } });
    vec![
        ok(
            "everything about a person",
            json!({ "identityInfo": {
                "firstName": "Ж".repeat(255),
                "lastName": "O'Brien-Núñez".repeat(20),
                "email": "jane.doe@example.com",
                "secondaryEmail": "jane+connect%1@mail.example.org",
                "mobile": "+123456789012345"
            } }),
        ),
        ok("an unusual e-mail address", info("email", "\"jane doe\"@[127.0.0.1]".replace(' ', "."))),
        ok("the shortest mobile number", info("mobile", "+12".into())),
        no(
            "nothing about a person",
            json!({ "identityInfo": {} }),
            &[("spec.identityInfo", "may not be empty: set at least one of firstName, lastName, email")],
        ),
        no("an empty first name", info("firstName", String::new()), &[("spec.identityInfo.firstName", empty)]),
        no("an empty last name", info("lastName", String::new()), &[("spec.identityInfo.lastName", empty)]),
        no(
            "an over-long first name",
            info("firstName", "x".repeat(256)),
            &[("spec.identityInfo.firstName", "may not be more than 255")],
        ),
        no(
            "an over-long last name",
            info("lastName", "x".repeat(301)),
            &[("spec.identityInfo.lastName", "may not be more than 300")],
        ),
        no("an empty e-mail address", info("email", String::new()), &[("spec.identityInfo.email", email)]),
        no("an e-mail address without @", info("email", "jane".into()), &[("spec.identityInfo.email", email)]),
        no(
            "a space in an e-mail address",
            info("email", "jane doe@x.de".into()),
            &[("spec.identityInfo.email", email)],
        ),
        no(
            "an over-long e-mail address",
            info("email", format!("{}@x.de", "x".repeat(320))),
            &[("spec.identityInfo.email", "may not be more than 320")],
        ),
        no(
            "a second e-mail address without a domain",
            info("secondaryEmail", "jane@example".into()),
            &[("spec.identityInfo.secondaryEmail", second)],
        ),
        no(
            "an umlaut in a second e-mail address",
            info("secondaryEmail", "jürgen@example.com".into()),
            &[("spec.identityInfo.secondaryEmail", second)],
        ),
        no(
            "an over-long second e-mail address",
            info("secondaryEmail", format!("{}@x.de", "x".repeat(261))),
            &[("spec.identityInfo.secondaryEmail", "may not be more than 265")],
        ),
        no("a mobile number without +", info("mobile", "4930123456".into()), &[("spec.identityInfo.mobile", e_164)]),
        no("spaces in a mobile number", info("mobile", "+49 30 123456".into()), &[("spec.identityInfo.mobile", e_164)]),
        no("+0 in a mobile number", info("mobile", "+0301234567".into()), &[("spec.identityInfo.mobile", e_164)]),
        no("sixteen digits", info("mobile", "+1234567890123456".into()), &[("spec.identityInfo.mobile", e_164)]),
    ]
}

pub(super) fn skills() -> Vec<Case> {
    let skill =
        |name: &str, value: &str, level: i64| json!({ "attributeName": name, "attributeValue": value, "level": level });
    let skills = |count: usize| (0..count).map(|n| skill("Language", &n.to_string(), 3)).collect::<Vec<_>>();
    vec![
        ok("ten proficiencies", json!({ "userProficiencies": skills(10) })),
        ok(
            "one attribute with two values, and the bounds",
            json!({ "userProficiencies": [skill("Language", "German", 1), skill("Language", &"x".repeat(100), 5)] }),
        ),
        no(
            "eleven proficiencies",
            json!({ "userProficiencies": skills(11) }),
            &[("spec.userProficiencies", "at most 10 items")],
        ),
        no(
            "no proficiency",
            json!({ "userProficiencies": [] }),
            &[("spec.userProficiencies", "may not be empty: leave it out instead")],
        ),
        no(
            "a proficiency twice",
            json!({ "userProficiencies": [skill("Language", "German", 1), skill("Language", "German", 2)] }),
            &[(
                "spec.userProficiencies[1]",
                "Duplicate value: {\"attributeName\":\"Language\",\"attributeValue\":\"German\"}",
            )],
        ),
        no(
            "level 0",
            json!({ "userProficiencies": [skill("Language", "German", 0)] }),
            &[("spec.userProficiencies[0].level", "greater than or equal to 1")],
        ),
        no(
            "level 6",
            json!({ "userProficiencies": [skill("Language", "German", 6)] }),
            &[("spec.userProficiencies[0].level", "less than or equal to 5")],
        ),
        no(
            "an attribute without a name",
            json!({ "userProficiencies": [skill("", "German", 3)] }),
            &[("spec.userProficiencies[0].attributeName", "at least 1 chars")],
        ),
        no(
            "an over-long attribute",
            json!({ "userProficiencies": [skill(&"x".repeat(101), &"x".repeat(101), 3)] }),
            &[
                ("spec.userProficiencies[0].attributeName", "may not be more than 100"),
                ("spec.userProficiencies[0].attributeValue", "may not be more than 100"),
            ],
        ),
    ]
}
