//! Nothing that the operator says, at whatever level and whatever happens, holds what it knows of a person: names,
//! addresses, phone numbers and passwords. Beside `passwords`, which looks at single paths.

mod panicking;
mod scenes;
mod search;
mod unreadable;

use serde_json::{Value, json};

use crate::support::managed;

/// Values that occur nowhere else, with letters that encodings change.
pub(super) const PASSWORD: &str = "Zq7-Paßwort+Kennung";
pub(super) const FIRST: &str = "Zquirin";
pub(super) const LAST: &str = "Zqäckermann";
pub(super) const EMAIL: &str = "zq.ackermann@zqmail.example";
pub(super) const SECOND: &str = "zq.zweite@zqpost.example";
pub(super) const MOBILE: &str = "+4915198765432";
pub(super) const DESK: &str = "+493098765431";

pub(super) const ALL: [&str; 7] = [PASSWORD, FIRST, LAST, EMAIL, SECOND, MOBILE, DESK];

/// An object with all of them but the password, which is in the Secret `sentinel`.
pub(super) fn sentinel(name: &str, username: &str) -> Value {
    let mut object = managed(name, username);
    object["spec"]["identityInfo"] =
        json!({ "firstName": FIRST, "lastName": LAST, "email": EMAIL, "secondaryEmail": SECOND, "mobile": MOBILE });
    object["spec"]["phoneConfig"] = json!({ "phoneType": "DESK_PHONE", "deskPhoneNumber": DESK });
    object["spec"]["passwordSecretRef"] = json!({ "name": "sentinel", "key": "password" });
    object
}

/// All crates at their most talkative; the operator caps those that print bodies.
pub(super) const TRACE: &str = "trace,aws_smithy_runtime=trace,aws_smithy_http_client=trace,aws_sdk_connect=trace,\
                                hyper=trace,hyper_util=trace,h2=trace,tower=trace,kube_client=trace,kube_runtime=trace,\
                                rustls=trace,connect_user_operator=trace";

/// The operator does not start where the SDK is asked to print bodies, whatever the value.
#[test]
fn the_operator_does_not_start_with_bodies_in_the_log() {
    for value in ["true", "false", ""] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_connect-user-operator"))
            .args(["run", "--listen", "127.0.0.1:0"])
            .env("LOG_SENSITIVE_BODIES", value)
            .env("KUBECONFIG", "/nonexistent")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains("LOG_SENSITIVE_BODIES"), "{value:?}: {said}");
    }
}
