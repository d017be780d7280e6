//! The flags of the leader election, and the life of a process that takes part in one.

use std::time::Duration;

use clap::{ArgAction, Args};
use kube::Client;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::values::duration;
use crate::lead::Lead;
use crate::lead::candidate::Candidate;
use crate::lead::election::{Loss, Timing};

#[derive(Args)]
pub(super) struct ElectionArguments {
    /// Take part in the election of a leader, so that of several replicas one acts and the others stand by.
    /// A process that is alone needs none, nor the right to write Leases.
    #[arg(long, env = "CONNECT_USER_OPERATOR_LEADER_ELECT", default_value_t = false, value_name = "BOOL", action = ArgAction::Set, default_missing_value = "true", num_args = 0..=1)]
    leader_elect: bool,

    /// Name of the Lease in the operator's own namespace. Operators that watch different objects need
    /// different ones.
    #[arg(
        long,
        env = "CONNECT_USER_OPERATOR_LEASE_NAME",
        default_value = "connect-user-operator",
        value_name = "NAME"
    )]
    lease_name: String,

    /// How long a Lease that is not renewed is waited for before another replica takes it.
    #[arg(long, env = "CONNECT_USER_OPERATOR_LEASE_DURATION", default_value = "15s", value_name = "DURATION", value_parser = duration)]
    lease_duration: Duration,

    /// How long after its last renewal a leader still writes; then it ends.
    #[arg(long, env = "CONNECT_USER_OPERATOR_RENEW_DEADLINE", default_value = "10s", value_name = "DURATION", value_parser = duration)]
    renew_deadline: Duration,

    /// Between two renewals, and between two looks of a replica that stands by.
    #[arg(long, env = "CONNECT_USER_OPERATOR_RETRY_PERIOD", default_value = "2s", value_name = "DURATION", value_parser = duration)]
    retry_period: Duration,

    /// Name of this process in the Lease and in the User-Agent of its calls to AWS. With an election it is by
    /// default the host's name, which is that of the Pod; without one there is none.
    #[arg(long, env = "CONNECT_USER_OPERATOR_IDENTITY", value_name = "NAME")]
    identity: Option<String>,
}

/// An election to take part in.
pub(super) struct Election {
    identity: String,
    lease_name: String,
    timing: Timing,
}

impl ElectionArguments {
    /// What this process is called, if it has to be told from others.
    pub(super) fn identity(&self) -> Option<String> {
        let host = || self.leader_elect.then(|| std::env::var("HOSTNAME").unwrap_or_default());
        self.identity.clone().or_else(host).filter(|name| !name.is_empty())
    }

    /// The election, if there is to be one.
    ///
    /// # Errors
    /// Times that would let two lead.
    pub(super) fn election(self) -> Result<Option<Election>, &'static str> {
        let identity = self.identity().unwrap_or_else(|| "unnamed".to_owned());
        let Self { leader_elect, lease_name, lease_duration, renew_deadline, retry_period, identity: _ } = self;
        if !leader_elect {
            return Ok(None);
        }
        let timing = Timing { duration: lease_duration, deadline: renew_deadline, retry: retry_period }.checked()?;
        Ok(Some(Election { identity, lease_name, timing }))
    }
}

impl Election {
    /// Runs the controllers, which act once this replica leads. It contends as soon as its cache is `warm`: one
    /// that cannot watch is of no use as a leader. The Lease is kept until what was under way has ended.
    ///
    /// # Errors
    /// That the Lease was lost.
    pub(super) async fn hold(
        self,
        client: Client,
        namespace: &str,
        lead: &Lead,
        warm: CancellationToken,
        controllers: impl Future<Output = ()>,
    ) -> Result<(), Loss> {
        // A Pod keeps its name when its container is started anew, and must not take itself for its predecessor.
        let me = format!("{}_{:08x}", self.identity, rand::random::<u32>());
        info!(identity = %me, lease = %self.lease_name, "taking part in the election of a leader");
        let candidate = Candidate::new(client, namespace, &self.lease_name, &me, self.timing, lead);
        let ended = CancellationToken::new();
        let done = ended.clone();
        // A task of its own: renewals do not wait for the work of the controllers.
        let mut election = tokio::spawn(async move {
            tokio::select! {
                () = done.cancelled() => return Ok(()),
                () = warm.cancelled() => {}
            }
            candidate.run(done).await
        });
        tokio::select! {
            biased;
            // It ends before the controllers only when the Lease is lost.
            result = &mut election => return joined(result),
            () = controllers => {}
        }
        ended.cancel();
        joined(election.await)
    }
}

/// A bug in the election must not look like an orderly end.
fn joined(result: Result<Result<(), Loss>, JoinError>) -> Result<(), Loss> {
    match result.map_err(JoinError::try_into_panic) {
        Ok(result) => result,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // Aborted with the runtime.
        Err(Err(_)) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::{Request, Response};
    use kube::client::Body;
    use tower::BoxError;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_asks_for_no_lease_before_its_cache_is_warm() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let client = Client::new(
            tower::service_fn(move |_: Request<Body>| {
                counter.fetch_add(1, Ordering::Relaxed);
                std::future::pending::<Result<Response<Body>, BoxError>>()
            }),
            "connect",
        );
        let second = Duration::from_secs(1);
        let timing = Timing { duration: second * 15, deadline: second * 10, retry: second * 2 };
        let election = Election { identity: "a".to_owned(), lease_name: "lease".to_owned(), timing };
        let (lead, warm) = (Lead::standby(), CancellationToken::new());
        let filled = warm.clone();
        let seen = Arc::clone(&asked);
        let controllers = async move {
            tokio::time::sleep(second * 60).await;
            assert_eq!(seen.load(Ordering::Relaxed), 0, "one that cannot watch is of no use as a leader");
            filled.cancel();
            tokio::time::sleep(second * 60).await;
        };
        assert!(election.hold(client, "connect", &lead, warm, controllers).await.is_ok());
        assert!(asked.load(Ordering::Relaxed) > 0);
        assert!(!lead.is_leading());
    }
}
