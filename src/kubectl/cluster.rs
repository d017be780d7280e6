//! The cluster as kubectl would find it, and the objects in it.

pub(super) mod operator;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{ListParams, Resource};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::DeserializeGuard;
use kube::{Api, Client, Config, ResourceExt};
use serde::de::DeserializeOwned;

use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;
use crate::user::ids::Instance;

/// Objects that are read at a time.
const PAGE: u32 = 500;

/// Which cluster.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Kubernetes")]
pub(super) struct Connection {
    /// File with the way to the cluster; by default what KUBECONFIG names, or ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub(super) kubeconfig: Option<PathBuf>,

    /// Context of that file; by default the current one.
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
}

/// Which objects.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Kubernetes")]
pub(super) struct Scope {
    #[command(flatten)]
    pub(super) connection: Connection,

    /// Namespace; by default that of the context.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(super) namespace: Option<String>,

    /// All namespaces.
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(super) all_namespaces: bool,

    /// Only objects with such labels, such as team=support or 'team in (support, sales)'.
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(super) selector: Option<String>,
}

/// Why the cluster could not be asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The kubeconfig.
    #[error("no way to a cluster: set KUBECONFIG, or give --kubeconfig and --context")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A request.
    #[error("{what} failed")]
    Api {
        /// What was attempted.
        what: String,
        /// Cause.
        #[source]
        source: Box<kube::Error>,
    },
}

impl Error {
    /// A failed request, for [`Result::map_err`].
    pub(super) fn of(what: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let what = what.into();
        move |source| Self::Api { what, source: Box::new(source) }
    }

    /// Whether the person lacks the right.
    pub(super) fn is_forbidden(&self) -> bool {
        matches!(self, Self::Api { source, .. } if matches!(&**source, kube::Error::Api(status) if status.code == 403))
    }
}

/// The objects of a kind.
#[derive(Debug)]
pub(super) struct Objects<T> {
    /// Those that this version understands.
    pub(super) known: Vec<T>,
    /// Names, with their namespaces, of those that it does not.
    pub(super) unknown: Vec<String>,
}

/// A cluster.
#[derive(Clone)]
pub(super) struct Cluster {
    pub(super) client: Client,
    /// Namespace of the context.
    pub(super) namespace: String,
}

impl Cluster {
    /// Reads the way to the cluster; nothing is asked yet.
    pub(super) async fn open(connection: &Connection) -> Result<Self, Error> {
        // kube and the SDK share one rustls; whichever comes first would otherwise have to guess its provider.
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let mut config = config(connection).await?;
        config.connect_timeout = Some(Duration::from_secs(10));
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| Error::Config(Box::new(error)))?;
        Ok(Self { client, namespace })
    }

    /// The ConnectUsers of a scope.
    pub(super) async fn users(&self, scope: &Scope) -> Result<Objects<ConnectUser>, Error> {
        let labels = scope.selector.as_deref();
        self.list(self.api(scope), labels, "listing ConnectUsers").await
    }

    /// The ConnectInstances, which have no namespace.
    pub(super) async fn instances(&self) -> Result<Objects<ConnectInstance>, Error> {
        self.list(Api::all(self.client.clone()), None, "listing ConnectInstances").await
    }

    /// ConnectInstances, or none and a word about it where the person may not list them.
    pub(super) async fn instances_if_allowed(&self) -> Result<(Vec<ConnectInstance>, Option<String>), Error> {
        match self.instances().await {
            Ok(found) => Ok((found.known, None)),
            Err(error) if error.is_forbidden() => {
                let note = "ConnectInstances may not be listed, so nothing is told of their rules and sweeps";
                Ok((Vec::new(), Some(note.to_owned())))
            }
            Err(error) => Err(error),
        }
    }

    /// Objects of a scope.
    pub(super) fn api<T>(&self, scope: &Scope) -> Api<T>
    where
        T: Resource<Scope = kube::core::NamespaceResourceScope>,
        T::DynamicType: Default,
    {
        match self.namespace_of(scope) {
            None => Api::all(self.client.clone()),
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
        }
    }

    /// The namespace of a scope; none means all.
    pub(super) fn namespace_of<'a>(&'a self, scope: &'a Scope) -> Option<&'a str> {
        (!scope.all_namespaces).then(|| scope.namespace.as_deref().unwrap_or(&self.namespace))
    }

    /// The name that owner tags begin with where the operator has no other: the uid of kube-system.
    pub(super) async fn uid(&self) -> Result<String, Error> {
        let namespace = Api::<Namespace>::all(self.client.clone()).get("kube-system").await;
        Ok(namespace.map_err(Error::of("reading the uid of namespace kube-system"))?.uid().unwrap_or_default())
    }

    /// Guarded: one object that this version does not understand must not hide all others.
    async fn list<T>(
        &self,
        api: Api<DeserializeGuard<T>>,
        labels: Option<&str>,
        what: &str,
    ) -> Result<Objects<T>, Error>
    where
        T: Resource + Clone + DeserializeOwned + std::fmt::Debug,
        T::DynamicType: Default,
    {
        let mut params = ListParams { label_selector: labels.map(str::to_owned), ..ListParams::default().limit(PAGE) };
        let mut objects = Objects { known: Vec::new(), unknown: Vec::new() };
        loop {
            let page = api.list(&params).await.map_err(Error::of(what))?;
            for object in page.items {
                match object.0 {
                    Ok(object) => objects.known.push(object),
                    Err(invalid) => objects.unknown.push(full_name(&invalid.metadata)),
                }
            }
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(objects);
            }
        }
    }
}

async fn config(connection: &Connection) -> Result<Config, Error> {
    let Connection { kubeconfig, context } = connection;
    let failed = |error: kube::config::KubeconfigError| Error::Config(Box::new(error));
    let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
    match (kubeconfig, context) {
        (Some(file), _) => {
            let file = Kubeconfig::read_from(file).map_err(failed)?;
            Config::from_custom_kubeconfig(file, &options).await.map_err(failed)
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(failed),
        (None, None) => Config::infer().await.map_err(|error| Error::Config(Box::new(error))),
    }
}

/// `<namespace>/<name>` of an object.
pub(super) fn full_name(meta: &kube::core::ObjectMeta) -> String {
    let name = meta.name.as_deref().unwrap_or_default();
    match meta.namespace.as_deref() {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    }
}

/// The ARN of the instance that an object means.
pub(super) fn instance_arn(object: &ConnectUser, instances: &[ConnectInstance]) -> Option<String> {
    let by_name = |name: &str| instances.iter().find(|instance| instance.name_any() == name);
    object
        .spec
        .instance_arn
        .clone()
        .or_else(|| Some(by_name(&object.spec.instance_ref.as_ref()?.name)?.spec.instance_arn.clone()))
        // Of an instance that may not be looked up, the user's own ARN tells.
        .or_else(|| {
            let arn = object.status.as_ref()?.user_arn.as_deref()?;
            Instance::parse(arn).ok().map(|instance| instance.to_string())
        })
}
