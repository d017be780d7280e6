//! Amazon Connect for a command: paced like the operator, but with a part of the quota only, so that an
//! operator beside it is not starved; and counted, so that a command can say what it has cost.

mod names;
mod patient;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use clap::Args;
use tokio_util::sync::CancellationToken;

pub(super) use self::names::Catalogue;
use self::patient::Patient;
use crate::cli::run::is_quotas_endpoint_meant;
use crate::cli::values::part;
use crate::connect::aws::{self, AwsClients};
use crate::connect::metered::{Meter, Metered};
use crate::connect::{Clients, Connect, ConnectError, Credentials, Kind};
use crate::pace::limits::{Limits, Override, Place, Rate, operation_of};
use crate::pace::paced::{Paced, Work};
use crate::pace::queue::Class;
use crate::pace::{Pace, gate};
use crate::user::ids::Instance;

/// How fast a command may call Amazon Connect.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Amazon Connect")]
pub(super) struct AwsArguments {
    /// Calls a second, and at once, that Amazon Connect allows for an operation in the account and Region, where
    /// they are not AWS's defaults; repeat it or separate by commas. `*` is every operation not named.
    #[arg(long, value_name = "OPERATION=RATE[/BURST]", value_delimiter = ',')]
    rate_limit: Vec<Override>,

    /// The part of every rate that this command may use, more than 0 and at most 1; the rest is left to the
    /// operator and other tools, which share the account's quota.
    #[arg(long, default_value = "0.5", value_name = "PART", value_parser = part)]
    quota_share: f64,
}

/// How often an operation was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// Calls, those that failed included.
    pub(super) calls: u64,
    /// Those that were throttled.
    pub(super) throttled: u64,
    /// Those that failed otherwise.
    pub(super) failed: u64,
}

type Counts = Arc<Mutex<BTreeMap<&'static str, Count>>>;

/// Ways to Amazon Connect that share one pace and one count.
pub(super) struct Aws {
    clients: AwsClients,
    pace: Pace,
    counts: Counts,
    /// What the whole quota is, whatever part of it this command uses.
    quota: Arc<Mutex<Limits>>,
}

impl Aws {
    /// Credentials come from where every AWS tool takes them.
    pub(super) async fn new(arguments: &AwsArguments) -> Self {
        let AwsArguments { rate_limit, quota_share } = arguments;
        // kube and the SDK share one rustls; whichever comes first would otherwise have to guess its provider.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let counts = Counts::default();
        let counting = Arc::clone(&counts);
        let meter: Meter = Arc::new(move |_, operation, failure, _| {
            let mut counts = counting.lock().unwrap_or_else(PoisonError::into_inner);
            let count = counts.entry(operation).or_default();
            count.calls += 1;
            match failure {
                None => {}
                Some(error) if error.kind == Kind::Throttled => count.throttled += 1,
                Some(_) => count.failed += 1,
            }
        });
        let dress = Box::new(move |client| -> Arc<dyn Connect> { Arc::new(Metered::new(client, Arc::clone(&meter))) });
        let pace = Pace::new(Limits::new(rate_limit.clone(), *quota_share), gate::ROOM, Arc::new(|_, _| ()));
        let quota = Arc::new(Mutex::new(Limits::new(rate_limit.clone(), 1.0)));
        let mut clients = AwsClients::new(aws::load(None).await, dress);
        if is_quotas_endpoint_meant() {
            let (pace, whole) = (pace.clone(), Arc::clone(&quota));
            clients = clients.discovering(Arc::new(move |quota| {
                if let Some(operation) = operation_of(&quota.code, &quota.name) {
                    let place = Place { account: quota.account, region: quota.region };
                    pace.found(&place, operation, quota.per_second);
                    let mut whole = whole.lock().unwrap_or_else(PoisonError::into_inner);
                    whole.found(&place, operation, quota.per_second);
                }
            }));
        }
        Self { clients, pace, counts, quota }
    }

    /// A way for commands that write: every call in turn and made once.
    pub(super) fn writer(&self, credentials: &Credentials) -> Arc<dyn Connect> {
        let work = Work { class: Class::Edit, stop: CancellationToken::new(), abandoned: CancellationToken::new() };
        Arc::new(Paced::new(self.clients.client(credentials), &self.pace, &work, "kubectl"))
    }

    /// A way that cannot write, for commands that promise not to. What is throttled or does not answer is tried
    /// again.
    pub(super) fn reader(&self, credentials: &Credentials) -> Arc<dyn Connect> {
        Arc::new(Patient::new(self.writer(credentials)))
    }

    /// What was called so far, by operation.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, Count> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The whole rate of an operation, as an operator beside this command has it.
    pub(super) fn quota(&self, instance: &Instance, operation: &'static str) -> Rate {
        let place = Place { account: instance.account().to_owned(), region: instance.region().to_owned() };
        self.quota.lock().unwrap_or_else(PoisonError::into_inner).rate(&place, operation)
    }
}

/// What a person can do about a call that failed, to be put behind its message.
pub(super) fn hint(error: &ConnectError) -> String {
    match error.kind {
        // Its message says what to do already.
        Kind::AccessDenied if error.code == "NoCredentials" => String::new(),
        Kind::AccessDenied => format!(
            ": check the credentials (environment, AWS_PROFILE), and allow connect:{} on the instance to them (docs/iam.md)",
            error.operation
        ),
        Kind::NotFound => ": check the ARN of the instance".to_owned(),
        Kind::Throttled => ": other tools use up the account's quota, try again later".to_owned(),
        Kind::Unavailable => ": check the way to AWS, and try again".to_owned(),
        _ => String::new(),
    }
}
