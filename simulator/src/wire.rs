//! Answers as restJson1 writes them.

use crate::ops::Answer;
use crate::switches::Switches;
use crate::timestamp::Timestamp;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

/// What to do with a request.
#[derive(Debug)]
pub struct Reply {
    /// The answer.
    pub response: Response<Bytes>,
    /// How long to wait before sending it.
    pub delay: Duration,
    /// The answer must be dropped: close the connection instead.
    pub lost: bool,
}

/// When a throttled caller may come back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) seconds: u64,
    /// Sent whatever the switch says.
    pub(crate) certain: bool,
}

/// How a fault spoils the body of an answer.
#[derive(Clone, Debug)]
pub(crate) enum Twist {
    Malformed,
    Empty,
    Patched(Value),
}

/// Writes an answer.
pub(crate) fn render(
    answer: Answer,
    switches: Switches,
    request_id: &str,
    now: Timestamp,
    retry: Option<Retry>,
    twist: Option<&Twist>,
) -> Reply {
    let failed = answer.is_err();
    let (status, body, header_code) = match answer {
        Ok(body) => (200, body, None),
        Err(refusal) => {
            let (code, status) = refusal.code_and_status(switches);
            if switches.error_code_in_body {
                (status, Some(json!({ "__type": code, "Message": refusal.message })), None)
            } else {
                let suffix = if switches.error_code_has_suffix { ":http://internal.amazon.com/coral/" } else { "" };
                (status, Some(json!({ "Message": refusal.message })), Some(format!("{code}{suffix}")))
            }
        }
    };
    let body = spoil(body, twist.filter(|_| !failed));
    let mut reply = plain(status, body);
    let headers = reply.response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("x-amzn-requestid", request_id);
    set("date", &httpdate::fmt_http_date(now.to_system_time()));
    if let Some(code) = header_code {
        set("x-amzn-errortype", &code);
    }
    if let Some(retry) = retry.filter(|retry| retry.certain || switches.retry_after_sent) {
        set("retry-after", &retry.seconds.to_string());
        set("x-amz-retry-after", &retry.seconds.saturating_mul(1000).to_string());
    }
    reply
}

/// A JSON answer without Connect's headers.
pub(crate) fn plain(status: u16, body: Bytes) -> Reply {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Reply { response, delay: Duration::ZERO, lost: false }
}

fn spoil(body: Option<Value>, twist: Option<&Twist>) -> Bytes {
    let body = match (body, twist) {
        (Some(mut body), Some(Twist::Patched(patch))) => {
            merge(&mut body, patch);
            Some(body)
        }
        (body, _) => body,
    };
    let text = body.map(|body| body.to_string()).unwrap_or_default();
    match twist {
        Some(Twist::Empty) => Bytes::new(),
        Some(Twist::Malformed) => {
            let half: String = text.chars().take(text.chars().count() / 2).collect();
            Bytes::from(if half.is_empty() { "{\"".to_owned() } else { half })
        }
        _ => Bytes::from(text),
    }
}

/// RFC 7396.
fn merge(target: &mut Value, patch: &Value) {
    let (Value::Object(target), Value::Object(patch)) = (&mut *target, patch) else {
        *target = patch.clone();
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}
