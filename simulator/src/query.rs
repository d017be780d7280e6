//! The query protocol of AWS, which STS and IAM speak: a form in, XML out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use ::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use tokio::net::TcpListener;

/// Serves HTTP/1.1 for as long as it is polled.
pub(crate) async fn serve(
    listener: TcpListener,
    handle: impl Fn(&HeaderMap, &[u8]) -> Response<Bytes> + Send + Sync + 'static,
) {
    let handle = Arc::new(handle);
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some will come back.
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let handle = Arc::clone(&handle);
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let handle = Arc::clone(&handle);
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                Ok::<_, Infallible>(handle(&parts.headers, &body).map(Full::new))
            }
        });
        // An error here is a client that went away.
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Access key and Region of a SigV4 header that is meant for a service; the signature itself is not verified.
pub(crate) fn signer(headers: &HeaderMap, service: &str) -> Option<(String, String)> {
    let authorization = headers.get("authorization")?.to_str().ok()?.strip_prefix("AWS4-HMAC-SHA256")?;
    let credential = authorization.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    match credential.split('/').collect::<Vec<_>>().as_slice() {
        [access_key, _date, region, signed, "aws4_request"] if *signed == service => {
            Some(((*access_key).to_owned(), (*region).to_owned()))
        }
        _ => None,
    }
}

/// The members of a form.
pub(crate) fn form(body: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    body.split('&').filter_map(|pair| pair.split_once('=')).map(|(key, value)| (decode(key), decode(value))).collect()
}

/// An error.
pub(crate) fn failure(namespace: &str, error: (u16, &str), message: &str, request: &str) -> Response<Bytes> {
    let (status, code) = error;
    let text = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{message}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>"
    );
    answer(status, request, text)
}

/// XML.
pub(crate) fn answer(status: u16, request: &str, text: String) -> Response<Bytes> {
    let response =
        Response::builder().status(status).header("content-type", "text/xml").header("x-amzn-requestid", request);
    response.body(Bytes::from(text)).unwrap_or_default()
}
