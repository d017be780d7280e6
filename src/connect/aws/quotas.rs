//! What Service Quotas says of the rates of an account. Nice to know: without the right to ask, the
//! defaults stand.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_servicequotas::config::{Builder, SharedCredentialsProvider};
use aws_sdk_servicequotas::error::{DisplayErrorContext, ProvideErrorMetadata};
use aws_sdk_servicequotas::types::{PeriodUnit, ServiceQuota};
use aws_sdk_servicequotas::{Client, config::Region};
use tracing::{debug, info};

/// A quota of Amazon Connect that is counted by the second.
#[derive(Clone, Debug, PartialEq)]
pub struct RateQuota {
    /// Account that has it.
    pub account: String,
    /// Region in which it holds.
    pub region: String,
    /// Code, such as `L-CBDEE3E4`.
    pub code: String,
    /// Name, such as `Rate of CreateUser API requests`.
    pub name: String,
    /// Calls a second.
    pub per_second: f64,
}

/// Told of each quota found.
pub type Found = Arc<dyn Fn(RateQuota) + Send + Sync>;

/// Tells every rate quota of Connect in a Region.
pub(super) async fn discover(
    config: SdkConfig,
    region: String,
    credentials: Option<SharedCredentialsProvider>,
    found: Found,
) {
    let mut builder = Builder::from(&config).region(Region::new(region.clone()));
    if let Some(credentials) = credentials {
        builder = builder.credentials_provider(credentials);
    }
    match list(&Client::from_conf(builder.build()), found.as_ref()).await {
        Ok(count) => info!(region, count, "read the rates of amazon connect from service quotas"),
        Err(code) => info!(region, code, "service quotas cannot be read; the default rates and --rate-limit hold"),
    }
}

/// The rate quotas of Connect in a Region.
///
/// # Errors
/// The code of the failure.
pub async fn read(config: &SdkConfig, region: &str) -> Result<Vec<RateQuota>, String> {
    let client = Client::from_conf(Builder::from(config).region(Region::new(region.to_owned())).build());
    let found = Mutex::new(Vec::new());
    let keep = |quota| found.lock().unwrap_or_else(PoisonError::into_inner).push(quota);
    list(&client, &keep).await?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

async fn list(client: &Client, found: &(dyn Fn(RateQuota) + Send + Sync)) -> Result<usize, String> {
    let (mut token, mut count) = (None, 0_usize);
    loop {
        let page = client.list_service_quotas().service_code("connect").max_results(100).set_next_token(token);
        let page = match page.send().await {
            Ok(page) => page,
            Err(error) => {
                debug!(error = %DisplayErrorContext(&error), "reading service quotas failed");
                return Err(error.code().unwrap_or("no answer").to_owned());
            }
        };
        for quota in page.quotas.into_iter().flatten().filter_map(rate) {
            count += 1;
            found(quota);
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(count);
        }
    }
}

fn rate(quota: ServiceQuota) -> Option<RateQuota> {
    if let Some(period) = &quota.period
        && (period.period_value != Some(1) || period.period_unit != Some(PeriodUnit::Second))
    {
        return None;
    }
    let arn = quota.quota_arn?;
    let mut parts = arn.split(':').skip(3);
    let (region, account) = (parts.next()?.to_owned(), parts.next()?.to_owned());
    let name = quota.quota_name?;
    let is_rate = name.starts_with("Rate of ");
    is_rate.then_some(RateQuota { account, region, code: quota.quota_code?, name, per_second: quota.value? })
}
