//! Carries out a plan's calls, one after the other, and stops at the first that fails.

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;
use tracing::{info, warn};

use super::redact::Redactor;
use super::{Context, turn};
use crate::connect::{Connect, ConnectError, Written};
use crate::plan::call::Call;
use crate::plan::report::printable;
use crate::user::ids::{Instance, UserId};

/// How far it came.
pub(super) struct Executed {
    /// The user that CreateUser made.
    pub(super) created: Option<(UserId, String)>,
    /// When the last call was acknowledged, if any was.
    pub(super) written: Option<Timestamp>,
    /// The call that failed; those before it were acknowledged.
    pub(super) failed: Option<ConnectError>,
    /// Whether a call after the first waited so long for its turn that the user has to be looked at again. It
    /// was not made.
    pub(super) outdated: bool,
}

/// Executes `calls` on `user`, or on the user that the first call makes.
pub(super) async fn execute(
    cx: &Context,
    connect: &dyn Connect,
    instance: &Instance,
    user: Option<&UserId>,
    calls: &[Call],
    redactor: &Redactor,
) -> Executed {
    let mut created: Option<(UserId, String)> = None;
    let mut last = None;
    for (index, call) in calls.iter().enumerate() {
        let started = Instant::now();
        // One that we have just made is nobody else's, and whoever waited for the first turn has looked again.
        if index > 0 && created.is_none() {
            connect.turn(instance, call.operation()).await;
            if started.elapsed() >= turn::LONG {
                return Executed { created, written: last, failed: None, outdated: true };
            }
        }
        let target = created.as_ref().map(|(id, _)| id).or(user);
        let writing = target.map(|target| cx.inventory.writing(instance, target));
        let result = connect.write(instance, target, call).await;
        let shown = printable(&call.to_string());
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match result {
            Ok(written) => {
                let now = cx.clock.now();
                last = Some(now);
                if let Some(writing) = writing {
                    writing.acknowledged(now);
                }
                info!(call = %shown, millis, "called amazon connect");
                if let Written::Created { id, arn } = written {
                    created = Some((id, arn));
                }
            }
            Err(error) => {
                let error = redactor.error(error);
                warn!(call = %shown, millis, error = %printable(&error.to_string()), "call to amazon connect failed");
                return Executed { created, written: last, failed: Some(error), outdated: false };
            }
        }
    }
    Executed { created, written: last, failed: None, outdated: false }
}
