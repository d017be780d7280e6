//! Answers: objects, lists, metadata alone, failures, and streams of watch events.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Sleep;

use super::Never;

/// The body of an answer.
pub(super) enum Reply {
    Once(Option<Bytes>),
    Stream {
        events: UnboundedReceiver<Bytes>,
        /// The client has asked for an end after this long.
        end: Pin<Box<Sleep>>,
    },
}

impl http_body::Body for Reply {
    type Data = Bytes;
    type Error = Never;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Never>>> {
        match &mut *self {
            Self::Once(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream { events, end } => match events.poll_recv(cx) {
                Poll::Ready(event) => Poll::Ready(event.map(|event| Ok(Frame::data(event)))),
                Poll::Pending => end.as_mut().poll(cx).map(|()| None),
            },
        }
    }
}

/// A request that cannot be met, as `metav1.Status` says it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) code: u16,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into() }
    }

    /// What this server does not do, and will not pretend to.
    pub(super) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new(501, "NotImplemented", format!("the api server in memory does not support {what}"))
    }

    pub(super) fn of_code(code: u16) -> Self {
        let reason = match code {
            409 => "Conflict",
            410 => "Expired",
            429 => "TooManyRequests",
            503 => "ServiceUnavailable",
            _ => "InternalError",
        };
        Self::new(code, reason, "injected")
    }

    pub(super) fn to_value(&self) -> Value {
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        })
    }
}

/// An answer in JSON.
pub(super) fn json(code: u16, value: &Value) -> Response<Reply> {
    let mut response = Response::new(Reply::Once(Some(Bytes::from(value.to_string()))));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    response
}

/// A stream of watch events that ends after `timeout` at the latest.
pub(super) fn stream(events: UnboundedReceiver<Bytes>, timeout: Duration) -> Response<Reply> {
    Response::new(Reply::Stream { events, end: Box::pin(tokio::time::sleep(timeout)) })
}

/// An object as a client sees it that asked for metadata alone.
pub(super) fn metadata_of(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata") })
}
