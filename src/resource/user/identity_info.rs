//! Who the user is: names, addresses and number.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]

use std::fmt;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rule;

/// Who the user is.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = rule::some_of(&["firstName", "lastName", "email", "secondaryEmail", "mobile"]),
    validation = rule::personal(
        "email",
        r"^[^@\s]+@[^@\s]+$",
        "must be an e-mail address, such as jane.doe@example.com",
    ),
    validation = rule::personal(
        "secondaryEmail",
        r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,63}$",
        "must be an e-mail address of the letters a-z and A-Z, digits and . _ % + -, such as jane.doe@example.com",
    ),
    validation = rule::phone_number("mobile"),
)]
pub struct IdentityInfo {
    /// First name, at most 255 characters in Unicode form NFC. Connect requires it unless the users
    /// come from an existing directory. Absent: not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[x_kube(validation = rule::not_empty())]
    pub first_name: Option<String>,
    /// Last name, at most 300 characters (256 where Connect itself keeps the passwords) in Unicode
    /// form NFC. Connect requires it unless the users come from an existing directory. Absent: not
    /// managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 300))]
    #[x_kube(validation = rule::not_empty())]
    pub last_name: Option<String>,
    /// E-mail address, such as jane@example.com. Connect requires it where it keeps the passwords
    /// itself, and may refuse it with SAML. Absent: not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 320))]
    pub email: Option<String>,
    /// Second e-mail address, such as jane@example.org: Connect sends its notifications there instead
    /// of to email, except for password resets. Absent: not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 265))]
    pub secondary_email: Option<String>,
    /// Mobile number in E.164 form, such as +4915112345678. Absent: not managed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub mobile: Option<String>,
}

/// Which members are there, not what they are.
impl fmt::Debug for IdentityInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first_name, last_name, email, secondary_email, mobile } = self;
        let shown = |value: &Option<String>| value.as_ref().map(|_| "[redacted]");
        f.debug_struct("IdentityInfo")
            .field("first_name", &shown(first_name))
            .field("last_name", &shown(last_name))
            .field("email", &shown(email))
            .field("secondary_email", &shown(secondary_email))
            .field("mobile", &shown(mobile))
            .finish()
    }
}
