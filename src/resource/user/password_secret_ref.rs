//! Where the first password comes from.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// A key of a Secret in the namespace of the object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
// Not repeated in answers: somebody will write the password itself here.
#[x_kube(
    validation = rule::personal(
        "name",
        r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "must be the name of a Secret in the namespace of this object: lower case letters, digits, - and ., such as \
         jane-password",
    ),
    validation = rule::personal(
        "key",
        "^[-._a-zA-Z0-9]+$",
        "must be a key of the Secret: letters, digits, - _ and ., such as password",
    ),
)]
pub struct PasswordSecretRef {
    /// Name of the Secret, in the namespace of this object, such as jane-password.
    #[schemars(length(max = 253))]
    pub name: String,
    /// Key in the Secret whose value is the password, such as password.
    #[schemars(length(max = 253))]
    pub key: String,
    /// True lets the operator make a password of 24 characters and write it into the Secret before it
    /// creates the user: into a new Secret, or as a new key of one that exists. A key that is there is
    /// used as it is and never overwritten. The Secret belongs to nobody and stays when this object
    /// goes. Needs the rights in deploy/generate-passwords.yaml. Default false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generate: Option<bool>,
}

impl PasswordSecretRef {
    /// Whether the operator is to make the password where there is none.
    pub fn generates(&self) -> bool {
        self.generate == Some(true)
    }
}
