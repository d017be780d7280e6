//! Security profiles beyond what the rules permit.

use connect_simulator::Mutation;
use connect_simulator::fixtures::managed as m;
use serde_json::json;

use super::ground::Ground;

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_that_the_rules_do_not_list_is_given_to_nobody_by_whatever_name() {
    let rules = json!({ "allowedNamespaces": ["ATTACKER"] });
    let ground = Ground::new("attack-admin", 20, Some(rules)).await;
    let (admin, agent) = (ground.security_profile(m::SECURITY_ADMIN), ground.security_profile(m::SECURITY_AGENT));
    ground
        .edit_rules(json!({ "allowedSecurityProfiles": [
            { "arns": [agent], "namespaces": [ground.attacker] },
            { "arns": [admin], "namespaces": [ground.victim] },
        ] }))
        .await;
    ground.create(&ground.attacker, &ground.object("honest", "honest", json!({}))).await;
    ground.ready(&ground.attacker, "honest").await;

    let by_arn = |arn: &str| json!({ "securityProfileNames": null, "securityProfileArns": [arn] });
    let ways = [
        ("by-name", json!({ "securityProfileNames": ["Admin"] })),
        ("beside", json!({ "securityProfileNames": ["Agent", "Admin"] })),
        ("by-arn", by_arn(&admin)),
        ("by-case", by_arn(&ground.security_profile(&m::SECURITY_ADMIN.to_uppercase()))),
    ];
    for (name, way) in &ways {
        ground.create(&ground.attacker, &ground.object(name, name, way.clone())).await;
    }
    for (name, _) in &ways {
        let message = ground.told(&ground.attacker, name, "NotAllowed").await;
        assert!(message.contains("spec.allowedSecurityProfiles") && message.contains(&ground.attacker), "{message}");
    }
    // A user that is there gets no more either.
    ground.stage.edit("honest", json!({ "securityProfileNames": ["Admin"] })).await;
    ground.told(&ground.attacker, "honest", "NotAllowed").await;
    ground.stage.edit("honest", json!({ "securityProfileNames": ["Agent"] })).await;
    ground.ready(&ground.attacker, "honest").await;

    // Somebody who may rename profiles calls Admin by the permitted name.
    for (id, name) in [(m::SECURITY_AGENT, "Agent of old"), (m::SECURITY_ADMIN, "Agent")] {
        let renamed = Mutation::Rename { instance_id: ground.id.clone(), id: id.to_owned(), name: name.to_owned() };
        ground.stage.simulator.mutate(renamed).unwrap();
    }
    // Names that were read before stay for a while, so only a fresh operator is fooled at once.
    ground.stage.stop_operator().await;
    ground.stage.start_operator().await;
    ground.create(&ground.attacker, &ground.object("renamed", "renamed", json!({}))).await;
    let message = ground.told(&ground.attacker, "renamed", "NotAllowed").await;
    assert!(message.contains(m::SECURITY_ADMIN), "{message}");
    ground.told(&ground.attacker, "honest", "NotAllowed").await;
    assert_eq!(ground.stage.written(), ["CreateUser"]);
    assert_eq!(ground.user("honest").unwrap().security_profile_ids, [m::SECURITY_AGENT]);
}
