//! `connect-user-operator run`: puts the parts together and stops them in order.

mod clients;
mod flags;

use std::net::SocketAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;

pub(super) use self::clients::client;
use self::clients::{clients, guard};
pub(super) use self::flags::RunArguments;
use super::traces;
use crate::connect::Connect;
use crate::connect::aws::{self, AwsClients};
use crate::connect::guarded::Guarded;
use crate::connect::metered::{Meter, Metered};
use crate::controller::{self, Clock, Intervals, Settings};
use crate::lead::Lead;
use crate::lead::election::Loss;
use crate::metrics::Metrics;
use crate::pace::limits::{Limits, Place, operation_of};
use crate::pace::{self, Pace, gate};
use crate::resource::user::ConnectUser;
use crate::serve::telemetry;
use crate::serve::traces::Traces;
use crate::serve::{Readiness, serve};

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
