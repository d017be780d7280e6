//! The `ConnectInstance` custom resource: an Amazon Connect instance's own place, for those who need rules.

#![allow(unreachable_pub, reason = "KubeSchema copies each struct, with its `pub`, into a function")]
#![allow(clippy::duplicated_attributes, reason = "each printcolumn has a type")]

mod status;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::user::rule;
pub use status::{ConnectInstanceStatus, OperatorReport, UserCounts};

/// Who may use the instance, as whom the operator talks to it, and how careful it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, CustomResource, KubeSchema)]
#[kube(
    group = "contactops.dev",
    version = "v1alpha1",
    kind = "ConnectInstance",
    plural = "connectinstances",
    shortname = "cinst",
    category = "connect",
    doc = "One Amazon Connect instance, with the rules for its users.",
    schema = "manual",
    status = "ConnectInstanceStatus",
    derive = "PartialEq",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "Whether the instance answers and its rules can be kept."
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "Why Ready is what it is, in one word."
    ),
    printcolumn(
        name = "Users",
        type_ = "integer",
        json_path = ".status.users.declared",
        description = "ConnectUsers of the instance."
    ),
    printcolumn(
        name = "In-Sync",
        type_ = "integer",
        json_path = ".status.users.ready",
        description = "ConnectUsers that are ready."
    ),
    printcolumn(
        name = "Held",
        type_ = "integer",
        json_path = ".status.users.held",
        description = "Deletions that wait for a person."
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp",
        description = "Age of the object."
    ),
    printcolumn(
        name = "Instance",
        type_ = "string",
        json_path = ".spec.instanceArn",
        priority = 1,
        description = "ARN of the Amazon Connect instance."
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        priority = 1,
        description = "Why Ready is what it is, and what to do next."
    )
)]
#[serde(rename_all = "camelCase")]
pub struct ConnectInstanceSpec {
    /// ARN of the Amazon Connect instance, such as
    /// arn:aws:connect:eu-west-1:111122223333:instance/11111111-2222-3333-4444-555555555555. These
    /// rules hold for it however a ConnectUser names it. Two ConnectInstances with one ARN stop each
    /// other. Immutable.
    #[schemars(length(max = 256))]
    #[x_kube(
        validation = rule::instance_arn(),
        validation = rule::immutable(
            "may not change, since users cannot move to another instance: create another ConnectInstance",
        ),
    )]
    pub instance_arn: String,
    /// Role that the operator assumes for this instance. Absent: its own AWS identity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<AssumeRole>,
    /// Namespaces whose ConnectUsers may use the instance; * stands for any text, as in emea-*.
    /// Absent or empty: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 100), inner(length(min = 1, max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub allowed_namespaces: Vec<String>,
    /// Security profiles that users may have, by namespace. Absent: any. A user must find each of its
    /// profiles in one of the entries for its namespace. By ARN and not by name, because whoever may
    /// rename a profile could otherwise grant it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub allowed_security_profiles: Option<Vec<AllowedSecurityProfiles>>,
    /// Regular expression (RE2 syntax) that the whole username must match, such as [a-z]+\.[a-z]+.
    /// Absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    #[x_kube(validation = rule::not_empty())]
    pub allowed_usernames: Option<String>,
    /// Whether users that were not made by the operator may be taken over by ConnectUsers with
    /// adoptionPolicy Adopt. Forbidden: never. Allowed: yes. ConsentTag: those on which somebody with
    /// rights in AWS has put the tag contactops.dev/adoptable with the value
    /// <namespace>/<name of the ConnectUser>.
    #[serde(default)]
    pub adoption: Adoption,
    /// Whether users that hold the built-in security profile Admin may be taken over, too.
    #[serde(default)]
    pub adopt_admins: bool,
    /// Most deletions of users in a window of time; more wait for a person, with reason DeletionHeld.
    /// The same number bounds how many users that vanished are made again. Absent: as the operator's
    /// flag --deletion-brake says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_brake: Option<DeletionBrake>,
    /// While true nothing is written to the instance and everything is reported: for change windows.
    #[serde(default)]
    pub freeze: bool,
    /// Whether quick connects that point to a deleted user are deleted with it. Otherwise they stay,
    /// point to nobody and count against the quota.
    #[serde(default)]
    pub quick_connect_cleanup: bool,
}

/// A role in AWS that the operator assumes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssumeRole {
    /// ARN of the role, such as arn:aws:iam::111122223333:role/connect-users.
    #[schemars(length(max = 2048))]
    #[x_kube(validation = rule::matches(
        "^arn:aws[-a-z0-9]*:iam::[0-9]{12}:role/[-a-zA-Z0-9+=,.@_/]+$",
        "must be the ARN of an IAM role: write arn:aws:iam::<account>:role/<name>",
    ))]
    pub role_arn: String,
    /// External id that the role's trust policy asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1224))]
    #[x_kube(validation = rule::matches(
        r"^[a-zA-Z0-9+=,.@:/_-][a-zA-Z0-9+=,.@:/_-]+$",
        "must have 2 to 1224 letters, digits or characters of + = , . @ : / _ -",
    ))]
    pub external_id: Option<String>,
}

/// Security profiles that users of some namespaces may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct AllowedSecurityProfiles {
    /// ARNs of the security profiles.
    #[schemars(length(max = 20), inner(length(max = 256)))]
    #[x_kube(
        validation = rule::not_empty(),
        validation = rule::arns("security-profile", "a security profile", "allowedSecurityProfiles out for any profile"),
        merge_strategy = ListMerge::Set
    )]
    pub arns: Vec<String>,
    /// Namespaces for which they are allowed; * stands for any text.
    #[schemars(length(max = 100), inner(length(min = 1, max = 63)))]
    #[x_kube(validation = rule::not_empty(), merge_strategy = ListMerge::Set)]
    pub namespaces: Vec<String>,
}

/// How many users may be deleted in a window of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionBrake {
    /// Most deletions. 0 holds every deletion.
    #[schemars(range(min = 0, max = 100_000))]
    pub max_deletions: i32,
    /// Length of the window in seconds, 60 to 604800 (a week).
    #[schemars(range(min = 60, max = 604_800))]
    pub window_seconds: i32,
}

/// Whether existing users may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    /// Never.
    #[default]
    Forbidden,
    /// Yes.
    Allowed,
    /// Those that carry a tag of consent.
    ConsentTag,
}
