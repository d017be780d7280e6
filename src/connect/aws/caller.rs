//! As whom calls are made, and what time it is in AWS: one call of STS that everybody may make.

use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_sdk_sts::config::{Builder, Region};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::DateTime;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::Format;

use super::failure::failure;
use crate::connect::ConnectError;

/// Who makes the calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// ARN of the user or of the session of a role.
    pub arn: String,
    /// Account.
    pub account: String,
}

/// What STS said: who calls, and when it said so in seconds since 1970, where it did.
#[derive(Clone, Debug)]
pub struct Introduction {
    /// Who calls.
    pub caller: Result<Caller, ConnectError>,
    /// By AWS's clock.
    pub time: Option<i64>,
}

/// Asks the STS of a Region.
pub async fn introduce(config: &SdkConfig, region: &str) -> Introduction {
    const OPERATION: &str = "GetCallerIdentity";
    let date = ReadDate::default();
    let config = Builder::from(config).region(Region::new(region.to_owned())).build();
    let request = aws_sdk_sts::Client::from_conf(config).get_caller_identity().customize().interceptor(date.clone());
    let caller = request
        .send()
        .await
        .map_err(|error| failure(OPERATION, &error))
        .map(|answer| Caller { arn: answer.arn.unwrap_or_default(), account: answer.account.unwrap_or_default() });
    let time = *date.0.lock().unwrap_or_else(PoisonError::into_inner);
    Introduction { caller, time }
}

/// Keeps the date of the answer, which is there even where a signature was refused for being too old.
#[derive(Clone, Debug, Default)]
struct ReadDate(Arc<Mutex<Option<i64>>>);

impl Intercept for ReadDate {
    fn name(&self) -> &'static str {
        "ReadDate"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let date = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = date.map(|date| date.secs());
        Ok(())
    }
}
