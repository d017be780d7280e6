//! Token buckets in virtual time.

use crate::driver::{Driver, read};
use connect_simulator::fixtures::saml;
use connect_simulator::{Options, Quotas, Switches};
use serde_json::{Value, json};

fn describe_instance(driver: &Driver) -> u16 {
    driver.on("GET", "/instance/{}", &Value::Null).0
}

#[test]
fn burst_then_rate() {
    let driver = Driver::new(Options { quotas: Some(Quotas::default_table()), ..Options::default() });
    let statuses: Vec<_> = (0..7).map(|_| describe_instance(&driver)).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429, 429]);
    driver.wait(499);
    assert_eq!(describe_instance(&driver), 429);
    driver.wait(1);
    assert_eq!([describe_instance(&driver), describe_instance(&driver)], [200, 429]);
    driver.wait(60_000);
    assert_eq!((0..7).filter(|_| describe_instance(&driver) == 200).count(), 5);
    // Another operation, and another account, have their own buckets; this one has more.
    let list = || driver.on("GET", "/users-summary/{}", &Value::Null).0;
    assert_eq!((0..20).filter(|_| list() == 200).count(), 15);
    let other =
        Driver { simulator: driver.simulator.clone(), region: saml::REGION, instance: saml::ID, ..Driver::plain() };
    assert_eq!(describe_instance(&other), 200);
}

#[test]
fn what_a_throttled_call_says_and_costs() {
    let (default, flipped) = (Switches::default(), Switches::all_flipped());
    for (switches, code, retry_after, after_wait) in
        [(default, "TooManyRequestsException", None, 200), (flipped, "ThrottlingException", Some("1"), 429)]
    {
        let quotas = Some(Quotas::uniform(1.0, 1.0).with("ListUsers", 0.5, 2.0));
        let driver = Driver::new(Options { switches, quotas, ..Options::default() });
        let path = format!("/instance/{}", driver.instance);
        assert_eq!(driver.reply("GET", &path, &Value::Null).response.status(), 200);
        driver.wait(900);
        let reply = driver.reply("GET", &path, &Value::Null);
        assert_eq!(read(&reply).1, code);
        let header = reply.response.headers().get("retry-after").map(|value| value.to_str().unwrap());
        assert_eq!(header, retry_after);
        driver.wait(100);
        assert_eq!(describe_instance(&driver), after_wait);
    }
}

#[test]
fn a_throttled_write_has_no_effect() {
    let driver = Driver::new(Options { quotas: Some(Quotas::uniform(1.0, 1.0)), ..Options::default() });
    let user = driver.user("jane", &Value::Null);
    driver.wait(1_000);
    let set = |group: &str| driver.update(&user, "hierarchy", &json!({ "HierarchyGroupId": group })).0;
    use connect_simulator::fixtures::managed::{GROUP_APAC, GROUP_EMEA, ID};
    assert_eq!([set(GROUP_EMEA), set(GROUP_APAC)], [200, 429]);
    assert_eq!(driver.simulator.users(ID)[0].hierarchy_group_id.as_deref(), Some(GROUP_EMEA));
}
