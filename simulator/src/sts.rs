//! A stand-in for AWS STS that knows AssumeRole and GetCallerIdentity: the query protocol in, XML out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::http::{HeaderMap, Response};
use bytes::Bytes;
use tokio::net::TcpListener;

use crate::query::{self, answer, form, signer};

/// A call of AssumeRole, whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssumeRoleCall {
    /// The role.
    pub role_arn: String,
    /// The external id, if one was sent.
    pub external_id: Option<String>,
    /// Name of the session.
    pub session_name: String,
    /// Access key id of the caller.
    pub caller: String,
    /// Region of the caller's credential scope.
    pub region: String,
    /// Access key id that was given; none if the role was refused.
    pub access_key: Option<String>,
}

#[derive(Debug)]
struct Trust {
    external_id: Option<String>,
    lifetime: Duration,
}

#[derive(Debug, Default)]
struct State {
    roles: HashMap<String, Trust>,
    calls: Vec<AssumeRoleCall>,
    is_down: bool,
    /// Who GetCallerIdentity says that the caller is.
    caller: Option<String>,
    /// How far its clock is ahead.
    ahead: Duration,
}

/// The simulated service; clones share their state. A role that nobody trusted anyone with is refused.
#[derive(Clone, Debug, Default)]
pub struct Sts(Arc<Mutex<State>>);

impl Sts {
    /// Lets a role be assumed by whoever knows the external id; credentials live for `lifetime`.
    pub fn trust(&self, role_arn: &str, external_id: Option<&str>, lifetime: Duration) {
        let trust = Trust { external_id: external_id.map(str::to_owned), lifetime };
        self.state().roles.insert(role_arn.to_owned(), trust);
    }

    /// Answers 503 to everything, or no longer.
    pub fn set_down(&self, is_down: bool) {
        self.state().is_down = is_down;
    }

    /// Says that every caller is this one.
    pub fn set_caller(&self, arn: &str) {
        self.state().caller = Some(arn.to_owned());
    }

    /// Dates answers of GetCallerIdentity so much later.
    pub fn set_ahead(&self, ahead: Duration) {
        self.state().ahead = ahead;
    }

    /// All calls of AssumeRole so far, in order.
    #[must_use]
    pub fn calls(&self) -> Vec<AssumeRoleCall> {
        self.state().calls.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request as of `now`.
    #[must_use]
    pub fn handle(&self, headers: &HeaderMap, body: &[u8], now: SystemTime) -> Response<Bytes> {
        let mut state = self.state();
        let request = format!("sts-{}", state.calls.len());
        if state.is_down {
            return failure(503, "ServiceUnavailable", "Come back later.", &request);
        }
        let Some((caller, region)) = signer(headers, "sts") else {
            return failure(403, "MissingAuthenticationToken", "Request is missing Authentication Token", &request);
        };
        let form = form(&String::from_utf8_lossy(body));
        let get = |key: &str| form.get(key).cloned().unwrap_or_default();
        if get("Action") == "GetCallerIdentity" {
            let arn = state.caller.as_deref().unwrap_or("arn:aws:iam::111122223333:user/operator");
            let account = arn.split(':').nth(4).unwrap_or_default();
            let answered = answer(
                200,
                "sts-caller",
                format!(
                    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                     <Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>{account}</Account></GetCallerIdentityResult>\
                     <ResponseMetadata><RequestId>sts-caller</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
                ),
            );
            return dated(answered, now + state.ahead);
        }
        if get("Action") != "AssumeRole" || get("Version") != "2011-06-15" {
            return failure(400, "InvalidAction", "Could not find this operation.", &request);
        }
        let (role_arn, session_name) = (get("RoleArn"), get("RoleSessionName"));
        if role_arn.len() < 20 || session_name.len() < 2 {
            return failure(400, "ValidationError", "RoleArn and RoleSessionName are required.", &request);
        }
        let external_id = form.get("ExternalId").cloned();
        let trusted = state.roles.get(&role_arn).filter(|trust| {
            // As with AWS, an external id that nobody asks for does no harm.
            trust.external_id.is_none() || trust.external_id == external_id
        });
        let lifetime = trusted.map(|trust| trust.lifetime);
        let number = state.calls.len() + 1;
        let access_key = lifetime.map(|_| format!("ASIAEXAMPLE{number}"));
        let resource = role_arn.clone();
        let call =
            AssumeRoleCall { role_arn, external_id, session_name, caller, region, access_key: access_key.clone() };
        let session = format!(
            "{}/{}",
            call.role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/"),
            call.session_name
        );
        state.calls.push(call);
        let (Some(lifetime), Some(access_key)) = (lifetime, access_key) else {
            let message = format!(
                "User: arn:aws:iam::111122223333:user/operator is not authorized to perform: sts:AssumeRole on resource: {resource}"
            );
            return failure(403, "AccessDenied", &message, &request);
        };
        let expiration = iso8601(now + lifetime);
        answer(
            200,
            &request,
            format!(
                "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
                 <AssumedRoleUser><AssumedRoleId>AROAEXAMPLE:session</AssumedRoleId><Arn>{session}</Arn></AssumedRoleUser>\
                 <Credentials><AccessKeyId>{access_key}</AccessKeyId><SecretAccessKey>Temporary-Key</SecretAccessKey>\
                 <SessionToken>token-of-{access_key}</SessionToken><Expiration>{expiration}</Expiration></Credentials>\
                 </AssumeRoleResult><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></AssumeRoleResponse>"
            ),
        )
    }
}

/// Serves HTTP/1.1 for as long as it is polled.
pub async fn serve(sts: Sts, listener: TcpListener) {
    query::serve(listener, move |headers, body| sts.handle(headers, body, SystemTime::now())).await;
}

fn failure(status: u16, code: &str, message: &str, request: &str) -> Response<Bytes> {
    query::failure("https://sts.amazonaws.com/doc/2011-06-15/", (status, code), message, request)
}

/// With the header that says when it was answered.
fn dated(mut response: Response<Bytes>, time: SystemTime) -> Response<Bytes> {
    if let Ok(value) = httpdate::fmt_http_date(time).parse() {
        response.headers_mut().insert("date", value);
    }
    response
}

/// As STS writes times: `2026-01-31T23:59:59Z`.
fn iso8601(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Howard Hinnant's days to civil, for days since 1970.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_sts_writes_them() {
        for (seconds, written) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_827_696, "2000-02-29T12:34:56Z"),
            (1_798_761_599, "2026-12-31T23:59:59Z"),
        ] {
            assert_eq!(iso8601(UNIX_EPOCH + Duration::from_secs(seconds)), written);
        }
    }
}
