//! What is asked of an object, as a patch of its annotations; and how to see that it has happened.

use kube::ResourceExt;
use serde_json::{Value, json};

use crate::resource::condition::{Reason, ready};
use crate::resource::user::ConnectUser;
use crate::resource::{RECONCILE_ANNOTATION, RELEASE_ANNOTATION, SUSPEND_ANNOTATION};

/// What to do with objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Look at the user now; the text is new each time.
    Reconcile(String),
    /// Write nothing to Connect.
    Suspend,
    /// Write again.
    Resume,
    /// Let a held deletion end and keep the user.
    ReleaseAndRetain,
    /// Let a held deletion go on.
    ReleaseAndDelete,
}

/// What an action means for one object.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    /// This patch.
    Patch(Value),
    /// Nothing: it is so already.
    Already(&'static str),
    /// Nothing, and that is not what was wanted.
    Cannot(String),
}

impl Action {
    /// As in "reconcile 3 ConnectUsers".
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::Reconcile(_) => "reconcile",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::ReleaseAndRetain => "let go of",
            Self::ReleaseAndDelete => "go on with the deletion of",
        }
    }

    /// As in "jane-doe: reconciled".
    pub(super) fn done(&self) -> &'static str {
        match self {
            Self::Reconcile(_) => "reconciled",
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::ReleaseAndRetain => "let go, its user stays",
            Self::ReleaseAndDelete => "gone",
        }
    }

    /// As in "jane-doe: asked".
    pub(super) fn asked(&self) -> &'static str {
        "asked, not waited for"
    }

    /// Whether a person is asked however few objects there are.
    pub(super) fn is_final(&self) -> bool {
        *self == Self::ReleaseAndDelete
    }

    /// Whether it is about objects that are being deleted.
    pub(super) fn is_release(&self) -> bool {
        matches!(self, Self::ReleaseAndRetain | Self::ReleaseAndDelete)
    }

    /// What to do with this object.
    pub(super) fn step(&self, user: &ConnectUser) -> Step {
        let annotation = |key: &str| user.annotations().get(key).map(String::as_str);
        let is_suspended = annotation(SUSPEND_ANNOTATION) == Some("true");
        let is_deleting = user.metadata.deletion_timestamp.is_some();
        let set = |key: &str, value: Value| {
            // The uid, so that an object that was made again under the name is left alone.
            Step::Patch(json!({ "metadata": { "uid": user.metadata.uid, "annotations": { key: value } } }))
        };
        match self {
            Self::Reconcile(_) if is_deleting => Step::Cannot("is being deleted".to_owned()),
            Self::Reconcile(request) => set(RECONCILE_ANNOTATION, json!(request)),
            Self::Suspend if is_suspended || user.spec.suspend => Step::Already("is suspended already"),
            Self::Suspend => set(SUSPEND_ANNOTATION, json!("true")),
            Self::Resume if user.spec.suspend => {
                Step::Cannot("is suspended by spec.suspend: take that out where the object is declared".to_owned())
            }
            Self::Resume if annotation(SUSPEND_ANNOTATION).is_some() => set(SUSPEND_ANNOTATION, Value::Null),
            Self::Resume => Step::Already("is not suspended"),
            // On a living object the annotation would lie in wait for its deletion.
            Self::ReleaseAndRetain | Self::ReleaseAndDelete if !is_deleting => {
                Step::Cannot("is not being deleted, so there is nothing to release".to_owned())
            }
            Self::ReleaseAndDelete if reason(user) != Reason::DeletionHeld.as_str() => {
                let reason = reason(user);
                Step::Cannot(format!("its deletion is not held ({reason}): see its status"))
            }
            Self::ReleaseAndRetain => set(RELEASE_ANNOTATION, json!("retain")),
            Self::ReleaseAndDelete => set(RELEASE_ANNOTATION, json!("delete")),
        }
    }

    /// Whether the operator has done it.
    pub(super) fn is_done(&self, user: &ConnectUser) -> bool {
        let reason = reason(user);
        let rests = [Reason::Suspended, Reason::DeletionHeld].iter().any(|rest| rest.as_str() == reason);
        match self {
            Self::Reconcile(request) => {
                let handled = user.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
                // Somebody else may have asked again meanwhile.
                handled.is_some_and(|handled| {
                    handled == request || user.annotations().get(RECONCILE_ANNOTATION) == Some(handled)
                })
            }
            Self::Suspend => rests,
            Self::Resume => !rests,
            // Done is when the object is gone.
            Self::ReleaseAndRetain | Self::ReleaseAndDelete => false,
        }
    }
}

/// The reason of an object's summary.
pub(super) fn reason(user: &ConnectUser) -> &str {
    let status = user.status.as_ref();
    status.and_then(|status| ready(&status.conditions)).map(|ready| ready.reason.as_str()).unwrap_or("no status yet")
}
