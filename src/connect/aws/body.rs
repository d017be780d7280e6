//! Sets members of a request's body past the SDK's structs, which drop `false` and 0.
//!
//! The SDK runs this before it signs, so the signature covers what is really sent.

use aws_sdk_connect::config::http::HttpRequest;

use crate::connect::convert::request::Members;

/// A step for `customize().map_request(…)` that sets `members` of the JSON body. One that fails keeps the
/// request from being sent, which is better than sending it without the values.
pub(super) fn with(
    members: Members,
) -> impl Fn(HttpRequest) -> Result<HttpRequest, serde_json::Error> + Send + Sync + 'static {
    move |mut request| {
        let mut body: Members = serde_json::from_slice(request.body().bytes().unwrap_or_default())?;
        body.extend(members.clone());
        let body = serde_json::to_vec(&body)?;
        request.headers_mut().insert("content-length", body.len().to_string());
        *request.body_mut() = body.into();
        Ok(request)
    }
}
