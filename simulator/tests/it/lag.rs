//! Eventual consistency in virtual time.

use crate::driver::{Driver, names};
use connect_simulator::fixtures::managed;
use connect_simulator::{Lag, Options};
use serde_json::{Value, json};

fn lagging() -> Driver {
    let lag = Lag {
        describe_after_create_ms: 1_000,
        describe_after_update_ms: 2_000,
        list_after_create_ms: 3_000,
        list_after_delete_ms: 4_000,
        search_after_write_ms: 5_000,
        username_reuse_after_delete_ms: 6_000,
    };
    Driver::new(Options { lag, ..Options::default() })
}

#[test]
fn creations_and_deletions_show_late() {
    let driver = lagging();
    let user = driver.user("jane", &Value::Null);
    let status = || driver.on("GET", &format!("/users/{{}}/{user}"), &Value::Null).0;
    let seen = || (status(), driver.listed("").0.len(), names(&driver.searched(&Value::Null).2["Users"]).len());
    assert_eq!(seen(), (404, 0, 0));
    assert_eq!(driver.create("jane", &Value::Null).0, 409, "the name is taken all the same");
    assert_eq!(driver.update(&user, "hierarchy", &json!({})).0, 200, "writes see writes");
    driver.wait(1_000);
    assert_eq!(seen(), (200, 0, 0));
    driver.wait(2_000);
    assert_eq!(seen(), (200, 1, 0));
    driver.wait(2_000);
    assert_eq!(seen(), (200, 1, 1));
    driver.on("DELETE", &format!("/users/{{}}/{user}"), &Value::Null);
    assert_eq!(seen(), (404, 1, 1));
    driver.wait(4_000);
    assert_eq!(seen(), (404, 0, 1));
    driver.wait(1_000);
    assert_eq!(seen(), (404, 0, 0));
    assert_eq!(driver.create("jane", &Value::Null).0, 409);
    driver.wait(1_000);
    assert_eq!(driver.create("jane", &Value::Null).0, 200);
}

#[test]
fn updates_show_late() {
    let driver = lagging();
    let user = driver.user("jane", &Value::Null);
    driver.wait(10_000);
    for profile in [managed::ROUTING_TIER_1, managed::ROUTING_TIER_2] {
        assert_eq!(driver.update(&user, "routing-profile", &json!({ "RoutingProfileId": profile })).0, 200);
        driver.wait(1_500);
    }
    let seen = || {
        let searched = driver.searched(&Value::Null).2;
        (driver.describe(&user)["RoutingProfileId"].clone(), searched["Users"][0]["RoutingProfileId"].clone())
    };
    assert_eq!(seen(), (json!(managed::ROUTING_TIER_1), json!(managed::ROUTING_BASIC)));
    driver.wait(500);
    assert_eq!(seen(), (json!(managed::ROUTING_TIER_2), json!(managed::ROUTING_BASIC)));
    driver.wait(1_500);
    assert_eq!(seen(), (json!(managed::ROUTING_TIER_2), json!(managed::ROUTING_TIER_1)));
    driver.wait(1_500);
    assert_eq!(seen().1, json!(managed::ROUTING_TIER_2));
    assert_eq!(driver.simulator.users(managed::ID)[0].routing_profile_id, managed::ROUTING_TIER_2);
}
