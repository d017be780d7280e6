//! Credentials of a role, by STS. The SDK's own provider, begun at its first use, because making it is
//! asynchronous and making a client is not. The client caches the credentials and renews them in time.

use std::fmt;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_connect::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use tokio::sync::OnceCell;

use super::failure::{chain, failure};
use crate::connect::{ASSUME_ROLE, ConnectError, Kind};

/// What CloudTrail shows as the session of the operator.
const SESSION: &str = "connect-user-operator";

pub(super) struct AssumedRole {
    config: SdkConfig,
    region: Region,
    role: String,
    external_id: Option<String>,
    provider: OnceCell<AssumeRoleProvider>,
}

impl AssumedRole {
    pub(super) fn new(config: &SdkConfig, region: &str, role: &str, external_id: Option<&str>) -> Self {
        Self {
            config: config.clone(),
            region: Region::new(region.to_owned()),
            role: role.to_owned(),
            external_id: external_id.map(str::to_owned),
            provider: OnceCell::new(),
        }
    }

    async fn provider(&self) -> &AssumeRoleProvider {
        self.provider
            .get_or_init(|| async {
                // The Region of the instance, so that a Region that is down takes only its own instances along.
                let mut provider = AssumeRoleProvider::builder(self.role.clone())
                    .configure(&self.config)
                    .region(self.region.clone())
                    .session_name(SESSION);
                if let Some(external_id) = &self.external_id {
                    provider = provider.external_id(external_id.clone());
                }
                provider.build().await
            })
            .await
    }
}

impl ProvideCredentials for AssumedRole {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            self.provider().await.provide_credentials().await.map_err(|error| self.explained(error))
        })
    }
}

/// Why a role was not to be had, on its way through the SDK's own errors to [`failure`].
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct RoleError(pub(super) ConnectError);

impl AssumedRole {
    /// Says what STS said, of which the SDK makes "no credentials" whatever it was.
    fn explained(&self, error: CredentialsError) -> CredentialsError {
        let Some(sts) = chain(&error).find_map(|error| error.downcast_ref::<SdkError<AssumeRoleError>>()) else {
            return error;
        };
        let failed = failure(ASSUME_ROLE, sts);
        let kind = match failed.kind {
            Kind::Throttled | Kind::Unavailable => failed.kind,
            // Whatever is wrong with role, trust or external id: the spec of the user is not to blame.
            _ => Kind::AccessDenied,
        };
        let message = format!("role {}: {}", self.role, failed.message);
        CredentialsError::provider_error(RoleError(ConnectError { kind, message, ..failed }))
    }
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumedRole").field("role", &self.role).finish_non_exhaustive()
    }
}
