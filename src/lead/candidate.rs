//! Carries out what the election decides.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client, ResourceExt};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};

use super::Lead;
use super::election::{Election, Loss, Step, Timing};
use crate::causes::Causes;
use crate::resource::MANAGER;

/// Longest that letting go may take: whoever waits for it would only wait until the Lease runs out.
const PARTING: Duration = Duration::from_secs(5);

/// One that contends for the Lease.
pub struct Candidate {
    leases: Api<Lease>,
    name: String,
    election: Election,
    timing: Timing,
    lead: Lead,
    /// Whether what is known of the Lease may be acted on.
    is_fresh: bool,
    /// Whoever was last said to lead.
    told: Option<String>,
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the api server did not answer in time")]
    Late,
    #[error(transparent)]
    Api(#[from] kube::Error),
}

impl Failure {
    /// Whether somebody else was quicker, so that another look tells more.
    fn is_outdated(&self) -> bool {
        let Self::Api(kube::Error::Api(status)) = self else { return false };
        status.is_conflict() || status.is_already_exists() || status.is_not_found()
    }
}

impl Candidate {
    /// A candidate for the Lease of this name. `me` must be of this process alone; `client` must not be
    /// behind the fence that the Lease opens.
    pub fn new(client: Client, namespace: &str, name: &str, me: &str, timing: Timing, lead: &Lead) -> Self {
        Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            election: Election::new(me, name, timing),
            timing,
            lead: lead.clone(),
            is_fresh: false,
            told: None,
        }
    }

    /// Contends, leads, and lets go when `done` says that there is nothing left to do.
    ///
    /// # Errors
    /// That the Lease was lost. The fence is closed by then, and the process has to end: what it has under
    /// way was decided by a leader.
    pub async fn run(mut self, done: CancellationToken) -> Result<(), Loss> {
        let loss = tokio::select! {
            biased;
            () = done.cancelled() => None,
            loss = self.contend() => Some(loss),
        };
        self.lead.fence.open_until(Duration::ZERO);
        match loss {
            Some(loss) => {
                error!(lease = %self.name, "{loss}");
                Err(loss)
            }
            None => {
                if tokio::time::timeout(PARTING, self.vacate()).await.is_err() {
                    warn!(lease = %self.name, "the api server did not answer in time: the lease runs out by itself");
                }
                Ok(())
            }
        }
    }

    async fn contend(&mut self) -> Loss {
        loop {
            match self.turn().await {
                Ok(pause) => tokio::time::sleep(pause).await,
                Err(loss) => return loss,
            }
        }
    }

    /// One step; how long to wait after it.
    async fn turn(&mut self) -> Result<Duration, Loss> {
        if !self.is_fresh {
            // Nothing is worth a request once it is too late.
            if let (true, Step::Lost(loss)) = (self.election.is_held(), self.next()) {
                return Err(loss);
            }
            match self.limited(self.leases.get_opt(&self.name)).await {
                Ok(lease) => {
                    self.election.saw(lease, self.lead.fence.elapsed());
                    self.is_fresh = true;
                }
                Err(failure) => {
                    warn!(lease = %self.name, error = %Causes(&failure), "reading the lease failed; trying again");
                    return Ok(self.pause());
                }
            }
        }
        match self.next() {
            Step::Lost(loss) => Err(loss),
            Step::Wait(pause) => {
                self.is_fresh = self.election.is_held();
                self.tell();
                Ok(pause)
            }
            Step::Write(lease) => Ok(self.write(*lease).await),
        }
    }

    fn next(&self) -> Step {
        self.election.next(self.lead.fence.elapsed(), Timestamp::now())
    }

    async fn write(&mut self, lease: Lease) -> Duration {
        let sent = self.lead.fence.elapsed();
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let written = match lease.metadata.resource_version {
            Some(_) => self.limited(self.leases.replace(&self.name, &params, &lease)).await,
            None => self.limited(self.leases.create(&params, &lease)).await,
        };
        match written {
            Ok(lease) => {
                self.election.wrote(lease, sent);
                self.lead.fence.open_until(self.election.safe_until());
                if !self.lead.is_leading() {
                    info!(lease = %self.name, "leading: reconciles begin");
                    self.lead.begun.cancel();
                }
                Duration::ZERO
            }
            Err(failure) => {
                self.is_fresh = false;
                if failure.is_outdated() {
                    debug!(lease = %self.name, %failure, "the lease has changed; looking again");
                    return Duration::ZERO;
                }
                warn!(lease = %self.name, error = %Causes(&failure), "writing the lease failed; trying again");
                self.pause()
            }
        }
    }

    /// After a failure: a holder has no time to lose.
    fn pause(&self) -> Duration {
        if self.election.is_held() { self.timing.retry.min(self.left()) } else { self.timing.retry }
    }

    /// Until a holder may not write any more.
    fn left(&self) -> Duration {
        self.election.safe_until().saturating_sub(self.lead.fence.elapsed())
    }

    /// A request that hangs must not use up the time in which another could be answered.
    async fn limited<T>(&self, request: impl Future<Output = kube::Result<T>>) -> Result<T, Failure> {
        let most = self.timing.deadline / 2;
        let limit = if self.election.is_held() { most.min(self.left()) } else { most };
        tokio::time::timeout(limit, request).await.map_err(|_| Failure::Late)?.map_err(Failure::Api)
    }

    fn tell(&mut self) {
        let holder = self.election.holder().cloned();
        if !self.election.is_held() && holder != self.told {
            let leader = holder.as_deref().unwrap_or("nobody yet");
            info!(lease = %self.name, leader, "standing by: another replica leads, and this one takes over when it is gone");
            self.told = holder;
        }
    }

    async fn vacate(&mut self) {
        const TRIES: usize = 4;
        for _ in 0..TRIES {
            let Some(lease) = self.election.vacated(Timestamp::now()) else { return };
            let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
            match self.leases.replace(&self.name, &params, &lease).await {
                Ok(_) => {
                    info!(lease = %self.name, "let go of the lease: another replica takes over");
                    return;
                }
                Err(kube::Error::Api(status)) if status.is_conflict() => {
                    // Our own last renewal, perhaps, whose answer was not waited for.
                    let Ok(lease) = self.leases.get_opt(&self.name).await else { return };
                    self.election.saw(lease, self.lead.fence.elapsed());
                }
                Err(error) => {
                    let object = lease.name_any();
                    warn!(lease = %object, error = %Causes(&error), "letting go of the lease failed: it runs out by itself");
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
