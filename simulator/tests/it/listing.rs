//! Pages of users.

use crate::driver::{Driver, names};
use connect_simulator::Switches;
use serde_json::{Value, json};

#[test]
fn list_users_page_by_page() {
    let driver = Driver::plain();
    for number in 0..5 {
        driver.user(&format!("u{number}"), &Value::Null);
    }
    let (first, token) = driver.listed("maxResults=2");
    let token = token.unwrap();
    // A user deleted and one added between the pages: nothing that stays is missed or shown twice.
    let id = driver.simulator.user_by_name(driver.instance, "u0").unwrap().id;
    driver.on("DELETE", &format!("/users/{{}}/{id}"), &Value::Null);
    driver.user("u5", &Value::Null);
    let (rest, end) = driver.listed(&format!("maxResults=1000&nextToken={token}"));
    assert_eq!(first, ["u0", "u1"]);
    assert_eq!((rest, end), (vec!["u2".into(), "u3".into(), "u4".into(), "u5".into()], None));
    for bad in ["maxResults=0", "maxResults=1001", "maxResults=x", "nextToken=", "nextToken=abc", "page=2"] {
        assert_eq!(driver.on("GET", &format!("/users-summary/{{}}?{bad}"), &Value::Null).0, 400, "{bad}");
    }
}

#[test]
fn default_page_sizes_and_limits() {
    let driver = Driver::plain();
    for number in 0..101 {
        driver.user(&format!("u{number}"), &Value::Null);
    }
    let (page, token) = driver.listed("");
    assert_eq!((page.len(), token.is_some()), (100, true));
    let (_, _, body) = driver.searched(&json!({ "MaxResults": 500 }));
    assert_eq!((names(&body["Users"]).len(), &body["ApproximateTotalCount"]), (101, &json!(101)));
    assert_eq!(driver.searched(&json!({ "MaxResults": 501 })).0, 400);
    for (path, limit) in [
        ("search-routing-profiles", 500),
        ("search-security-profiles", 100),
        ("search-user-hierarchy-groups", 100),
        ("search-quick-connects", 100),
    ] {
        let search = |max: i32| {
            driver.call("POST", &format!("/{path}"), &json!({ "InstanceId": driver.instance, "MaxResults": max })).0
        };
        assert_eq!((search(limit), search(limit + 1)), (200, 400), "{path}");
    }
}

#[test]
fn a_token_belongs_to_its_search() {
    let driver = Driver::plain();
    for number in 0..3 {
        driver.user(&format!("u{number}"), &json!({ "Tags": { "n": number.to_string() } }));
    }
    let (_, _, body) = driver.searched(&json!({ "MaxResults": 1 }));
    let token = body["NextToken"].clone();
    let (_, _, body) = driver.searched(&json!({ "MaxResults": 1, "NextToken": token }));
    assert_eq!(names(&body["Users"]), ["u1"]);
    let other = json!({ "NextToken": token, "SearchFilter": { "TagFilter": { "TagCondition": { "TagKey": "n" } } } });
    assert_eq!(driver.searched(&other).0, 400);
}

#[test]
fn what_a_search_refuses() {
    let driver = Driver::with(Switches::default());
    let string = |field: &str, value: &str, how: &str| json!({ "SearchCriteria": { "StringCondition": { "FieldName": field, "Value": value, "ComparisonType": how } } });
    for bad in [
        string("Email", "x", "EXACT"),
        string("Username", "x", "CONTAINS"),
        string("Username", "x", "ENDS_WITH"),
        json!({ "SearchFilter": { "AttributeFilter": {} } }),
        json!({ "SearchCriteria": { "Nonsense": {} } }),
    ] {
        assert_eq!(driver.searched(&bad).0, 400, "{bad}");
    }
    let both = json!({ "SearchFilter": { "TagFilter": {}, "UserAttributeFilter": {} } });
    assert_eq!(driver.searched(&both).1, "AccessDeniedException");
}
