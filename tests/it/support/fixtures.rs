//! Objects to start from.

use connect_simulator::fixtures::{managed as m, saml as s};
use serde_json::{Value, json};

/// A ConnectUser on the instance that keeps passwords, by ARNs, with the least that it needs. The Secret
/// `password` is made by [`super::Stage`].
pub fn managed(name: &str, username: &str) -> Value {
    json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": "ConnectUser",
        "metadata": { "name": name },
        "spec": {
            "instanceArn": m::ARN,
            "username": username,
            "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" },
            "routingProfileArn": format!("{}/routing-profile/{}", m::ARN, m::ROUTING_BASIC),
            "securityProfileArns": [format!("{}/security-profile/{}", m::ARN, m::SECURITY_AGENT)],
            "passwordSecretRef": { "name": "password", "key": "password" },
        }
    })
}

/// A ConnectUser on the SAML instance, by ARNs, with the least that it needs.
pub fn saml(name: &str, username: &str) -> Value {
    json!({
        "apiVersion": "contactops.dev/v1alpha1",
        "kind": "ConnectUser",
        "metadata": { "name": name },
        "spec": {
            "instanceArn": s::ARN,
            "username": username,
            "identityInfo": { "firstName": "Jane", "lastName": "Doe" },
            "routingProfileArn": format!("{}/routing-profile/{}", s::ARN, s::ROUTING_BASIC),
            "securityProfileArns": [format!("{}/security-profile/{}", s::ARN, s::SECURITY_AGENT)],
        }
    })
}
