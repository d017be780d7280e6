//! The ways to the API server and to Amazon Connect, and who is let through.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use kube::client::ClientBuilder;

use super::Error;
use crate::connect::guarded::{Guard, Refused};
use crate::connect::{ConnectError, Kind};
use crate::lead::Lead;
use crate::lead::client::Fencing;
use crate::metrics::Metrics;

/// What is asked before every step of a call to Connect.
pub(super) fn guard(lead: &Lead, read_only: bool) -> Guard {
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
pub(super) async fn clients(lead: &Lead, metrics: &Metrics) -> Result<(Client, Client, String), Error> {
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
pub(in crate::cli) async fn client() -> Result<(Client, String), Error> {
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

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Namespace;
    use kube::Api;
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
