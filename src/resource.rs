//! The Kubernetes face of a user: the `ConnectUser` custom resource, its status and its conditions.
//!
//! Types and validation only. What the values mean for Amazon Connect is decided in [`crate::user`]
//! and [`crate::plan`].

pub mod channel;
pub mod condition;
pub mod instance;
pub mod names;
pub mod status;
pub mod tags;
pub mod user;

/// API group of all our kinds; labels, annotations and AWS tags of ours start with it and a slash.
pub const GROUP: &str = "contactops.dev";
/// Label of the Secrets that the operator makes.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// Annotation of a Secret that the operator made: `<namespace>/<name> <uid>` of the object it was made for.
pub const PASSWORD_OF_ANNOTATION: &str = "contactops.dev/password-of";
/// Field manager of every write to the API server, and name of the controller in events.
pub const MANAGER: &str = "connect-user-operator";
/// Holds a `ConnectUser` until its user in Connect is deleted or let go.
pub const FINALIZER: &str = "contactops.dev/connect-user";
/// Holds a `ConnectInstance` while any `ConnectUser` uses it.
pub const INSTANCE_FINALIZER: &str = "contactops.dev/connect-instance";
/// Annotation: `"true"` forbids every write to Connect, like `spec.suspend`.
pub const SUSPEND_ANNOTATION: &str = "contactops.dev/suspend";
/// Annotation: a new value asks for a reconcile now; echoed in `status.lastHandledReconcileAt`.
pub const RECONCILE_ANNOTATION: &str = "contactops.dev/reconcile-requested-at";
/// Annotation: `retain` lets a terminating object go without any call to AWS; the user stays. `delete`, also
/// on a `ConnectInstance`, lets deletions go on that the brake holds back.
pub const RELEASE_ANNOTATION: &str = "contactops.dev/release-deletion";
/// AWS tag on the user: `<cluster>/<namespace>/<name>` of the object that owns it.
pub const OWNER_TAG: &str = "contactops.dev/owner";
/// AWS tag on the user: uid of the object that owns it.
pub const UID_TAG: &str = "contactops.dev/uid";
