//! `connect-user-operator run`: puts the parts together and stops them in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args};
use k8s_openapi::api::core::v1::Namespace;
use kube::client::ClientBuilder;
use kube::{Api, Client, ResourceExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::election::ElectionArguments;
use super::traces;
use super::values::{brake, cluster_name, duration, format, part, selector, tenancy};
use crate::connect::aws::{self, AwsClients};
use crate::connect::guarded::{Guard, Guarded, Refused};
use crate::connect::metered::{Meter, Metered};
use crate::connect::{Connect, ConnectError, Kind};
use crate::controller::{self, Clock, Intervals, Settings};
use crate::lead::Lead;
use crate::lead::client::Fencing;
use crate::lead::election::Loss;
use crate::metrics::Metrics;
use crate::pace::limits::{Limits, Override, Place, operation_of};
use crate::pace::{self, Pace, gate};
use crate::policy::{Brake, Tenancy};
use crate::resource::user::ConnectUser;
use crate::serve::telemetry::{self, Format};
use crate::serve::traces::Traces;
use crate::serve::{Readiness, serve};

#[derive(Args)]
pub(super) struct RunArguments {
    /// Address for /healthz, /readyz and /metrics.
    #[arg(long, env = "CONNECT_USER_OPERATOR_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDR")]
    listen: SocketAddr,

    /// Name of this cluster in the owner tag of every user; at most 40 characters. By default the uid of
    /// the namespace kube-system. Give a name of your own if a rebuilt cluster is to find its users again.
    #[arg(long, env = "CONNECT_USER_OPERATOR_CLUSTER_NAME", value_name = "NAME", value_parser = cluster_name)]
    cluster_name: Option<String>,

    /// Watch only these namespaces, separated by commas; by default all.
    #[arg(long, env = "CONNECT_USER_OPERATOR_WATCH_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',')]
    watch_namespaces: Vec<String>,

    /// Watch only objects that this label selector selects, such as `shard=a` or `shard notin (a, b)`, so that
    /// several operators share the work; by default all.
    #[arg(long, env = "CONNECT_USER_OPERATOR_WATCH_SELECTOR", value_name = "SELECTOR", value_parser = selector)]
    watch_selector: Option<String>,

    /// Write nothing to Amazon Connect, and tell in the status of each object what would be written.
    #[arg(long, env = "CONNECT_USER_OPERATOR_READ_ONLY", default_value_t = false, value_name = "BOOL", action = ArgAction::Set, default_missing_value = "true", num_args = 0..=1)]
    read_only: bool,

    #[command(flatten)]
    election: ElectionArguments,

    /// How often all users of an instance are listed (one ListUsers call per thousand) to find those that
    /// somebody has changed, such as 90s, 5m or 1h.
    #[arg(long, env = "CONNECT_USER_OPERATOR_SWEEP_INTERVAL", default_value = "5m", value_name = "DURATION", value_parser = duration)]
    sweep_interval: Duration,

    /// How often the index of users is compared with what is declared (one SearchUsers call per 500), for
    /// changes that the listing does not date, such as tags.
    #[arg(long, env = "CONNECT_USER_OPERATOR_SEARCH_INTERVAL", default_value = "1h", value_name = "DURATION", value_parser = duration)]
    search_interval: Duration,

    /// How often each user is read by itself even if nothing speaks of a change (one DescribeUser call, two
    /// with proficiencies): the only way to notice that somebody has changed a proficiency.
    #[arg(long, env = "CONNECT_USER_OPERATOR_RESYNC_INTERVAL", default_value = "12h", value_name = "DURATION", value_parser = duration)]
    resync_interval: Duration,

    /// How long a user that was just made may be invisible before it counts as gone, and the longest that
    /// a deletion waits for certainty. Amazon Connect documents "several minutes".
    #[arg(long, env = "CONNECT_USER_OPERATOR_CONSISTENCY_GRACE", default_value = "5m", value_name = "DURATION", value_parser = duration)]
    consistency_grace: Duration,

    /// Longest delay between two tries after failures.
    #[arg(long, env = "CONNECT_USER_OPERATOR_MAX_RETRY_INTERVAL", default_value = "150s", value_name = "DURATION", value_parser = duration)]
    max_retry_interval: Duration,

    /// Calls a second, and at once, that Amazon Connect allows for an operation in each account and Region,
    /// where they are not AWS's defaults; repeat it or separate by commas. `*` is every operation not named.
    #[arg(
        long,
        env = "CONNECT_USER_OPERATOR_RATE_LIMIT",
        value_name = "OPERATION=RATE[/BURST]",
        value_delimiter = ','
    )]
    rate_limit: Vec<Override>,

    /// The part of every rate that this operator may use, more than 0 and at most 1; the rest is for other
    /// tools, or for other operators in the same account and Region.
    #[arg(long, env = "CONNECT_USER_OPERATOR_QUOTA_SHARE", default_value = "1", value_name = "PART", value_parser = part)]
    quota_share: f64,

    /// Ask Service Quotas for the rates of the account, where the credentials allow it. A rate set by hand wins.
    #[arg(long, env = "CONNECT_USER_OPERATOR_DISCOVER_QUOTAS", default_value_t = true, value_name = "BOOL", action = ArgAction::Set)]
    discover_quotas: bool,

    /// Who may use instances that no ConnectInstance speaks of: `open` is everybody, with the operator's own
    /// AWS identity; `restricted` is nobody.
    #[arg(long, env = "CONNECT_USER_OPERATOR_TENANCY", default_value = "open", value_name = "TENANCY", value_parser = tenancy)]
    tenancy: Tenancy,

    /// Most users of one instance that are deleted, or made again after they vanished, in a window of time;
    /// more wait for a person. A ConnectInstance can have a brake of its own. Form: COUNT/DURATION.
    #[arg(long, env = "CONNECT_USER_OPERATOR_DELETION_BRAKE", default_value = "100/1h", value_name = "BRAKE", value_parser = brake)]
    deletion_brake: Brake,

    /// Form of the log, `text` or `json`; its levels are set by RUST_LOG (info by default).
    #[arg(long, env = "CONNECT_USER_OPERATOR_LOG_FORMAT", default_value = "text", value_name = "FORMAT", value_parser = format)]
    log_format: Format,
}

/// Why the operator could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The log.
    #[error(transparent)]
    Log(#[from] telemetry::Error),
    /// What the environment says of traces.
    #[error(transparent)]
    TracesWanted(#[from] traces::Error),
    /// Traces.
    #[error(transparent)]
    Traces(#[from] crate::serve::traces::Error),
    /// The way to the API server.
    #[error("no way to the Kubernetes API: set KUBECONFIG, or run in a Pod with a service account")]
    Kubernetes(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The custom resource.
    #[error(
        "ConnectUser objects cannot be listed: apply the definitions (connect-user-operator crd | kubectl apply --server-side -f -) and check the operator's rights"
    )]
    Resource(#[source] Box<kube::Error>),
    /// The default cluster name.
    #[error(
        "the uid of namespace kube-system cannot be read: set --cluster-name, or allow the operator to get that namespace"
    )]
    ClusterName(#[source] Box<kube::Error>),
    /// The flags of the election.
    #[error("the flags of the leader election do not fit together: {0}")]
    Election(&'static str),
    /// The end of a leader.
    #[error(transparent)]
    Lease(#[from] Loss),
    /// The address.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// Cause.
        #[source]
        source: std::io::Error,
    },
    /// Signals.
    #[error("cannot wait for signals")]
    Signal(#[source] std::io::Error),
}

pub(super) async fn run(arguments: RunArguments) -> Result<(), Error> {
    let RunArguments {
        listen,
        cluster_name,
        watch_namespaces,
        watch_selector,
        read_only,
        election,
        sweep_interval,
        search_interval,
        resync_interval,
        consistency_grace,
        max_retry_interval,
        rate_limit,
        quota_share,
        discover_quotas,
        tenancy,
        deletion_brake,
        log_format,
    } = arguments;
    let identity = election.identity();
    let election = election.election().map_err(Error::Election)?;
    let levels = telemetry::levels(
        std::env::var("RUST_LOG").ok().as_deref(),
        std::env::var_os("LOG_SENSITIVE_BODIES").is_some(),
    )?;
    let wanted = traces::wanted(|name| std::env::var(name).ok())?;
    let traces = wanted.as_ref().map(Traces::new).transpose()?;
    telemetry::install(levels, log_format, traces.as_ref())?;
    // kube and the SDK share one rustls; whichever comes first would otherwise have to guess its provider.
    // An error means that one is installed already.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    info!(version = env!("CARGO_PKG_VERSION"), "starting");
    if let Some(wanted) = &wanted {
        info!("traces go to {}", wanted.endpoint);
    }

    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    let metrics = Metrics::new();
    let readiness = Readiness::default();
    let listener = TcpListener::bind(listen).await.map_err(|source| Error::Listen { address: listen, source })?;
    if let Ok(address) = listener.local_addr() {
        info!("listening on http://{address}");
    }
    // Outlives the controller: probes are answered until the last reconcile has ended.
    let served = CancellationToken::new();
    let server = tokio::spawn(serve(listener, readiness.clone(), metrics.clone(), served.clone().cancelled_owned()));

    let lead = if election.is_some() { Lead::standby() } else { Lead::alone() };
    metrics.lead(election.is_none());
    let (client, leases, own_namespace) = clients(&lead, &metrics).await?;
    let objects: Api<ConnectUser> = match watch_namespaces.first() {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    };
    let mut one = kube::api::ListParams::default().limit(1);
    one.label_selector.clone_from(&watch_selector);
    objects.list_metadata(&one).await.map_err(|error| Error::Resource(Box::new(error)))?;
    let cluster = match cluster_name {
        Some(name) => name,
        None => {
            let namespace = Api::<Namespace>::all(client.clone()).get("kube-system").await;
            namespace.map_err(|error| Error::ClusterName(Box::new(error)))?.uid().unwrap_or_default()
        }
    };
    info!(cluster, "owner tags begin with the cluster's name");

    let counter = metrics.clone();
    let meter: Meter = Arc::new(move |instance, operation, failure, duration| {
        counter.called(instance, operation, failure, duration);
    });
    let guard = guard(&lead, read_only);
    let dress = Box::new(move |client| -> Arc<dyn Connect> {
        Arc::new(Guarded::new(Metered::new(client, Arc::clone(&meter)), Arc::clone(&guard)))
    });
    let observer = metrics.clone();
    let turns: pace::Meter = Arc::new(move |class, waited| observer.waited(class, waited));
    let pace = Pace::new(Limits::new(rate_limit, quota_share), gate::ROOM, turns);
    metrics.watch(&pace);
    let told = pace.clone();
    let teller = tokio::spawn(async move { told.tell(pace::watch::EVERY).await });
    let clients = AwsClients::new(aws::load(identity.as_deref()).await, dress);
    let clients = Arc::new(if discover_quotas && is_quotas_endpoint_meant() {
        let pace = pace.clone();
        clients.discovering(Arc::new(move |quota| {
            if let Some(operation) = operation_of(&quota.code, &quota.name) {
                let place = Place { account: quota.account, region: quota.region };
                pace.found(&place, operation, quota.per_second);
            }
        }))
    } else {
        clients
    });
    let intervals = Intervals {
        resync: resync_interval,
        sweep: sweep_interval,
        search: search_interval,
        grace: consistency_grace,
        slowest_retry: max_retry_interval,
        ..Intervals::default()
    };
    let settings = Settings {
        client,
        clients,
        pace,
        cluster,
        intervals,
        namespaces: watch_namespaces,
        selector: watch_selector,
        read_only,
        lead: lead.clone(),
        own_namespace: own_namespace.clone(),
        tenancy,
        brake: deletion_brake,
        clock: Clock::default(),
        metrics: metrics.clone(),
    };
    if read_only {
        info!("read-only: nothing is written to amazon connect");
    }
    let (begins, gauge) = (lead.clone(), metrics);
    let leading = tokio::spawn(async move {
        begins.begun().await;
        gauge.lead(true);
    });
    let warm = CancellationToken::new();
    let filled = warm.clone();
    let controllers = controller::run(settings, stop, move || {
        readiness.set();
        filled.cancel();
    });
    match election {
        Some(election) => election.hold(leases, &own_namespace, &lead, warm, controllers).await?,
        None => controllers.await,
    }
    leading.abort();
    teller.abort();
    served.cancel();
    server.await.ok();
    if let Some(traces) = traces {
        traces.end().await;
    }
    info!("stopped");
    Ok(())
}

/// Where Connect is not AWS's own, AWS's Service Quotas have nothing to say of it.
pub(crate) fn is_quotas_endpoint_meant() -> bool {
    is_endpoint_meant("AWS_ENDPOINT_URL_SERVICE_QUOTAS")
}

/// Whether another service, whose endpoint this variable would set, is of the same world as Connect.
pub(crate) fn is_endpoint_meant(variable: &str) -> bool {
    let is_set = |name| std::env::var_os(name).is_some();
    !is_set("AWS_ENDPOINT_URL_CONNECT") || is_set(variable)
}

/// What is asked before every step of a call to Connect.
fn guard(lead: &Lead, read_only: bool) -> Guard {
    let fence = lead.fence().clone();
    Arc::new(move |is_write| {
        let refused = |kind, code, message| Err(Refused { kind, code, message });
        match fence.check() {
            Err(closed) => refused(Kind::Unavailable, "NotLeading", closed.to_string()),
            Ok(()) if is_write && read_only => {
                // Nothing should come as far as this.
                let message = "the operator runs with --read-only, nothing is written".to_owned();
                refused(Kind::AccessDenied, ConnectError::NOT_TRIED, message)
            }
            Ok(()) => Ok(()),
        }
    })
}

/// A client behind the fence, one for the Lease that is not, and the namespace in which the operator itself lives.
async fn clients(lead: &Lead, metrics: &Metrics) -> Result<(Client, Client, String), Error> {
    let config = config().await?;
    let namespace = config.default_namespace.clone();
    let (client, leases) = on_both_sides(config, lead, metrics)?;
    Ok((client, leases, namespace))
}

/// A client behind the fence, and one that is not.
fn on_both_sides(config: kube::Config, lead: &Lead, metrics: &Metrics) -> Result<(Client, Client), Error> {
    let builder = |config| ClientBuilder::try_from(config).map_err(|error| Error::Kubernetes(Box::new(error)));
    let free = builder(config.clone())?.build();
    let client = builder(config)?.with_layer(&metrics.requests()).with_layer(&Fencing::new(lead.fence())).build();
    Ok((client, free))
}

/// A client for a command that ends, and the namespace in which it runs.
pub(super) async fn client() -> Result<(Client, String), Error> {
    let config = config().await?;
    let namespace = config.default_namespace.clone();
    Ok((Client::try_from(config).map_err(|error| Error::Kubernetes(Box::new(error)))?, namespace))
}

async fn config() -> Result<kube::Config, Error> {
    let mut config = kube::Config::infer().await.map_err(|error| Error::Kubernetes(Box::new(error)))?;
    // The default retries for minutes inside one call; reconciles have a backoff of their own.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    config.write_timeout = Some(Duration::from_secs(30));
    Ok(config)
}

/// SIGTERM, as a kubelet sends it, and SIGINT, as a person does; a second one ends the process at once.
fn stop_on_signal(stop: CancellationToken) -> Result<(), Error> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
    tokio::spawn(async move {
        for again in [false, true] {
            let name = tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            };
            if again {
                std::process::exit(1);
            }
            info!(signal = name, "stopping: reconciles under way are finished, none is begun");
            stop.cancel();
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use kube::api::DeleteParams;

    use super::*;

    /// What comes of a write.
    async fn write(client: &Client) -> String {
        let namespaces: Api<Namespace> = Api::all(client.clone());
        namespaces.delete("a", &DeleteParams::default()).await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn who_does_not_lead_calls_connect_for_nothing_and_writes_nothing_but_the_lease() {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let lead = Lead::standby();
        let (connect, read_only) = (guard(&lead, false), guard(&lead, true));
        // Nothing listens there.
        let mut config = kube::Config::new("http://127.0.0.1:9".parse().unwrap());
        config.default_retry = false;
        let (client, leases) = on_both_sides(config, &lead, &Metrics::new()).unwrap();
        for is_write in [true, false] {
            assert_eq!(connect(is_write).unwrap_err().code, "NotLeading");
        }
        let refused = write(&client).await;
        assert!(refused.contains("does not certainly hold the Lease"), "{refused}");
        let tried = write(&leases).await;
        assert!(!tried.contains("the Lease"), "{tried}");

        lead.fence().open_until(Duration::MAX);
        assert!(connect(true).is_ok() && connect(false).is_ok());
        assert_eq!(write(&client).await, tried);
        assert_eq!(read_only(true).unwrap_err().kind, Kind::AccessDenied);
        assert!(read_only(false).is_ok());
    }
}
