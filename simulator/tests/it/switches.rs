//! Each switch, both ways: a probe tells what it changes.

use crate::driver::Driver;
use connect_simulator::fixtures::{managed, saml};
use connect_simulator::user::QuickConnectConfig;
use connect_simulator::{Mutation, Options, Quotas, Switches};
use serde_json::{Value, json};

/// Name, probe, what it finds by default and flipped.
type Probe = (&'static str, fn(Switches) -> Value, Value, Value);

fn acw(channel: &str, limit: Option<i64>) -> Value {
    let block = limit.map_or_else(|| json!({}), |limit| json!({ "AfterContactWorkTimeLimit": limit }));
    json!({ "Channel": channel, "AfterContactWorkConfig": block })
}

/// A user with ACW 5 on VOICE and 6 on CHAT; then this UpdateUserConfig; then the limits by channel (or the status).
fn config(switches: Switches, body: &Value) -> Value {
    let driver = Driver::with(switches);
    let user = driver.user("u", &json!({ "AfterContactWorkConfigs": [acw("VOICE", Some(5)), acw("CHAT", Some(6))] }));
    let (status, _, _) = driver.update(&user, "config", body);
    if status != 200 {
        return json!(status);
    }
    let seen = driver.describe(&user);
    let limits = seen["AfterContactWorkConfigs"].as_array().cloned().unwrap_or_default();
    limits
        .iter()
        .map(|entry| {
            (
                entry["Channel"].as_str().unwrap().to_owned(),
                entry["AfterContactWorkConfig"]["AfterContactWorkTimeLimit"].clone(),
            )
        })
        .collect()
}

fn identity(switches: Switches, mobile: Option<&str>) -> Value {
    let driver = Driver::with(switches);
    let mut block = json!({ "FirstName": "J", "LastName": "D", "Email": "j@example.com", "Mobile": "+4930123" });
    let user = driver.user("u", &json!({ "IdentityInfo": block }));
    block["Mobile"] = json!(mobile);
    let (status, _, _) = driver.update(&user, "identity-info", &json!({ "IdentityInfo": block }));
    if status == 200 { driver.describe(&user)["IdentityInfo"]["Mobile"].clone() } else { json!(status) }
}

fn moves(switches: Switches, change: fn(&Driver, &str)) -> Value {
    let driver = Driver::with(switches);
    let user = driver.user("u", &Value::Null);
    let before = driver.describe(&user)["LastModifiedTime"].clone();
    change(&driver, &user);
    json!(driver.describe(&user)["LastModifiedTime"] != before)
}

fn associate(driver: &Driver, user: &str, level: f64) -> u16 {
    let list =
        json!({ "UserProficiencies": [{ "AttributeName": "Language", "AttributeValue": "German", "Level": level }] });
    driver.update(user, "associate-proficiencies", &list).0
}

fn throttled(switches: Switches) -> (http::HeaderMap, Value) {
    let driver = Driver::new(Options { switches, quotas: Some(Quotas::uniform(1.0, 1.0)), ..Options::default() });
    driver.on("GET", "/instance/{}", &Value::Null);
    let reply = driver.reply("GET", &format!("/instance/{}", driver.instance), &Value::Null);
    driver.wait(900);
    driver.on("GET", "/instance/{}", &Value::Null);
    driver.wait(100);
    let again = driver.on("GET", "/instance/{}", &Value::Null).0;
    (reply.response.headers().clone(), json!(again))
}

fn header(headers: &http::HeaderMap, name: &str) -> Value {
    json!(headers.get(name).map(|value| value.to_str().unwrap()))
}

fn three(switches: Switches) -> Driver {
    let driver = Driver::with(switches);
    for name in ["c", "a", "b"] {
        driver.user(name, &json!({ "SecurityProfileIds": [managed::SECURITY_AGENT, managed::SECURITY_ADMIN] }));
    }
    driver
}

fn probes() -> Vec<Probe> {
    vec![
        (
            "phone_config_mirrored",
            |switches| {
                let driver = Driver::with(switches);
                let one = driver.user("one", &json!({ "PhoneConfig": { "AutoAccept": true } }));
                let two =
                    driver.user("two", &json!({ "AutoAcceptConfigs": [{ "Channel": "VOICE", "AutoAccept": true }] }));
                json!([
                    driver.describe(&one)["AutoAcceptConfigs"][0]["AutoAccept"],
                    driver.describe(&two)["PhoneConfig"]["AutoAccept"]
                ])
            },
            json!([true, true]),
            json!([null, null]),
        ),
        ("config_absent_list_clears", |s| config(s, &json!({})), json!({ "VOICE": 5, "CHAT": 6 }), json!({})),
        (
            "config_empty_list_clears",
            |s| config(s, &json!({ "AfterContactWorkConfigs": [] })),
            json!({}),
            json!({ "VOICE": 5, "CHAT": 6 }),
        ),
        (
            "config_list_replaces",
            |s| config(s, &json!({ "AfterContactWorkConfigs": [acw("CHAT", Some(7))] })),
            json!({ "CHAT": 7 }),
            json!({ "VOICE": 5, "CHAT": 7 }),
        ),
        ("identity_absent_clears", |s| identity(s, None), json!(null), json!("+4930123")),
        ("identity_empty_string_refused", |s| identity(s, Some("")), json!(null), json!(400)),
        (
            "hierarchy_empty_body_keeps",
            |switches| {
                let driver = Driver::with(switches);
                let user = driver.user("u", &json!({ "HierarchyGroupId": managed::GROUP_EMEA }));
                driver.update(&user, "hierarchy", &json!({}));
                driver.describe(&user)["HierarchyGroupId"].clone()
            },
            json!(null),
            json!(managed::GROUP_EMEA),
        ),
        (
            "phone_config_absent_keeps",
            |switches| {
                let driver = Driver::with(switches);
                let user =
                    driver.user("u", &json!({ "PhoneConfig": { "AutoAccept": true, "AfterContactWorkTimeLimit": 9 } }));
                driver.update(&user, "phone-config", &json!({ "PhoneConfig": { "PhoneType": "SOFT_PHONE" } }));
                let phone = driver.describe(&user)["PhoneConfig"].clone();
                json!([phone["AutoAccept"], phone["AfterContactWorkTimeLimit"]])
            },
            json!([false, 0]),
            json!([true, 9]),
        ),
        (
            "acw_without_limit_refused",
            |s| config(s, &json!({ "AfterContactWorkConfigs": [acw("CHAT", None)] })),
            json!({ "CHAT": 0 }),
            json!(400),
        ),
        (
            "acw_without_limit_keeps",
            |s| config(s, &json!({ "AfterContactWorkConfigs": [acw("CHAT", None)] })),
            json!({ "CHAT": 0 }),
            json!({ "CHAT": 6 }),
        ),
        (
            "tags_move_last_modified",
            |s| {
                moves(s, |driver, user| {
                    driver.call("POST", &driver.tags_path(user), &json!({ "tags": { "k": "v" } }));
                })
            },
            json!(false),
            json!(true),
        ),
        (
            "proficiencies_move_last_modified",
            |s| {
                moves(s, |driver, user| {
                    associate(driver, user, 1.0);
                })
            },
            json!(false),
            json!(true),
        ),
        (
            "associate_existing_upserts",
            |switches| {
                let driver = Driver::with(switches);
                let user = driver.user("u", &Value::Null);
                associate(&driver, &user, 1.0);
                json!([
                    associate(&driver, &user, 2.0),
                    driver.simulator.users(managed::ID)[0].user_proficiencies[0].level
                ])
            },
            json!([400, 1.0]),
            json!([200, 2.0]),
        ),
        (
            "usernames_ignore_case",
            |switches| {
                let driver = Driver::with(switches);
                driver.user("u", &Value::Null);
                json!(driver.create("U", &Value::Null).0)
            },
            json!(409),
            json!(200),
        ),
        (
            "mistakes_are_invalid_request",
            |s| json!(Driver::with(s).create("a b", &Value::Null).1),
            json!("InvalidParameterException"),
            json!("InvalidRequestException"),
        ),
        (
            "missing_reference_is_invalid_parameter",
            |s| json!(Driver::with(s).create("u", &json!({ "RoutingProfileId": saml::ROUTING_BASIC })).1),
            json!("ResourceNotFoundException"),
            json!("InvalidParameterException"),
        ),
        (
            "unknown_instance_is_access_denied",
            |s| json!(Driver { instance: saml::ID, ..Driver::with(s) }.on("GET", "/instance/{}", &Value::Null).1),
            json!("ResourceNotFoundException"),
            json!("AccessDeniedException"),
        ),
        (
            "throttle_is_throttling_exception",
            |s| header(&throttled(s).0, "x-amzn-errortype"),
            json!("TooManyRequestsException"),
            json!("ThrottlingException"),
        ),
        ("throttled_calls_cost_tokens", |s| throttled(s).1, json!(200), json!(429)),
        ("retry_after_sent", |s| header(&throttled(s).0, "retry-after"), json!(null), json!("1")),
        (
            "error_code_in_body",
            |switches| {
                let driver = Driver::with(switches);
                let body = driver.user_body("a b");
                let reply = driver.reply("PUT", &format!("/users/{}", driver.instance), &body);
                let parsed: Value = serde_json::from_slice(reply.response.body()).unwrap();
                json!([header(reply.response.headers(), "x-amzn-errortype"), parsed["__type"]])
            },
            json!(["InvalidParameterException", null]),
            json!([null, "InvalidParameterException"]),
        ),
        (
            "error_code_has_suffix",
            |s| header(&throttled(s).0, "x-amzn-errortype"),
            json!("TooManyRequestsException"),
            json!("TooManyRequestsException:http://internal.amazon.com/coral/"),
        ),
        (
            "delete_refused_by_quick_connect",
            |switches| {
                let driver = Driver::with(switches);
                let user = driver.user("u", &Value::Null);
                let config = QuickConnectConfig::user(&user, managed::CONTACT_FLOW);
                driver
                    .simulator
                    .mutate(Mutation::AddQuickConnect { instance_id: managed::ID.into(), name: "Q".into(), config })
                    .unwrap();
                json!(driver.on("DELETE", &format!("/users/{{}}/{user}"), &Value::Null).0)
            },
            json!(200),
            json!(409),
        ),
        (
            "saml_email_accepted",
            |s| {
                json!(
                    Driver::saml(s)
                        .create(
                            "u",
                            &json!({ "IdentityInfo": { "FirstName": "J", "LastName": "D", "Email": "j@example.com" } })
                        )
                        .0
                )
            },
            json!(400),
            json!(200),
        ),
        (
            "create_leaves_user_behind",
            |switches| {
                let driver = Driver::with(switches);
                let status = driver.create("u", &json!({ "Tags": { "aws:k": "v" } })).0;
                json!([status, driver.simulator.users(managed::ID).len()])
            },
            json!([400, 0]),
            json!([400, 1]),
        ),
        (
            "pages_by_position",
            |switches| {
                let driver = three(switches);
                let (_, token) = driver.listed("maxResults=1");
                driver
                    .simulator
                    .mutate(Mutation::DeleteUser { instance_id: managed::ID.into(), user: "c".into() })
                    .unwrap();
                json!(driver.listed(&format!("nextToken={}", token.unwrap())).0)
            },
            json!(["a", "b"]),
            json!(["b"]),
        ),
        (
            "pages_are_short",
            |s| {
                let (page, token) = three(s).listed("maxResults=3");
                json!([page.len(), token.is_some()])
            },
            json!([3, false]),
            json!([2, true]),
        ),
        ("list_order_by_username", |s| json!(three(s).listed("").0), json!(["c", "a", "b"]), json!(["a", "b", "c"])),
        (
            "describe_shows_empty",
            |switches| {
                let driver = Driver::with(switches);
                let user = driver.user("u", &json!({ "PhoneConfig": { "AutoAccept": true } }));
                let seen = driver.describe(&user);
                json!([seen["Tags"], seen["PhoneConfig"]["DeskPhoneNumber"]])
            },
            json!([{}, ""]),
            json!([null, null]),
        ),
        (
            "security_profiles_reordered",
            |s| {
                let driver = three(s);
                let id = driver.simulator.users(managed::ID)[0].id.clone();
                driver.describe(&id)["SecurityProfileIds"].clone()
            },
            json!([managed::SECURITY_ADMIN, managed::SECURITY_AGENT]),
            json!([managed::SECURITY_AGENT, managed::SECURITY_ADMIN]),
        ),
        (
            "search_is_case_exact",
            |s| {
                let condition = json!({ "FieldName": "Username", "Value": "A", "ComparisonType": "EXACT" });
                three(s).searched(&json!({ "SearchCriteria": { "StringCondition": condition } })).2["ApproximateTotalCount"].clone()
            },
            json!(1),
            json!(0),
        ),
    ]
}

#[test]
fn each_switch_both_ways() {
    let probes = probes();
    let flipped = Switches::each_flipped();
    let names: Vec<_> = flipped.iter().map(|(name, _)| *name).collect();
    assert_eq!(probes.iter().map(|(name, ..)| *name).collect::<Vec<_>>(), names, "a switch has no probe");
    for ((name, probe, by_default, if_flipped), (_, switches)) in probes.into_iter().zip(flipped) {
        assert_eq!(probe(Switches::default()), by_default, "{name} by default");
        assert_eq!(probe(switches), if_flipped, "{name} flipped");
    }
}
