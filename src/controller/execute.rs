//! Carries out a plan's calls, one after the other, and stops at the first that fails.

use std::time::Instant;

use tracing::{info, warn};

use super::redact::Redactor;
use crate::connect::{Connect, ConnectError, Written};
use crate::plan::call::Call;
use crate::plan::report::printable;
use crate::user::ids::{Instance, UserId};

/// How far it came.
pub(super) struct Executed {
    /// The user that CreateUser made.
    pub(super) created: Option<(UserId, String)>,
    /// The call that failed; those before it were acknowledged.
    pub(super) failed: Option<ConnectError>,
}

/// Executes `calls` on `user`, or on the user that the first call makes.
pub(super) async fn execute(
    connect: &dyn Connect,
    instance: &Instance,
    user: Option<&UserId>,
    calls: &[Call],
    redactor: &Redactor,
) -> Executed {
    let mut created: Option<(UserId, String)> = None;
    for call in calls {
        let started = Instant::now();
        let target = created.as_ref().map(|(id, _)| id).or(user);
        let result = connect.write(instance, target, call).await;
        let shown = printable(&call.to_string());
        let millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        match result {
            Ok(written) => {
                info!(call = %shown, millis, "called amazon connect");
                if let Written::Created { id, arn } = written {
                    created = Some((id, arn));
                }
            }
            Err(error) => {
                let error = redactor.error(error);
                warn!(call = %shown, millis, error = %printable(&error.to_string()), "call to amazon connect failed");
                return Executed { created, failed: Some(error) };
            }
        }
    }
    Executed { created, failed: None }
}
