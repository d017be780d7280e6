//! The simulator behind a socket.

use crate::Simulator;
use ::http::{Request, Response};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::pin;
use std::time::{Duration, SystemTime};
use std::{fmt, io};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Why a connection ends without an answer.
#[derive(Debug)]
enum Ended {
    /// A fault wants the answer lost.
    Lost,
    /// The client went away while it sent its request.
    Body(hyper::Error),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost => f.write_str("the answer is lost on purpose"),
            Self::Body(error) => write!(f, "the request did not arrive: {error}"),
        }
    }
}

impl std::error::Error for Ended {}

/// Serves HTTP/1.1 until `shutdown` completes; connections that are open then are closed.
///
/// # Errors
/// None at present; failing accepts are tried again.
pub async fn serve(
    simulator: Simulator,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let mut shutdown = pin!(shutdown);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(simulator.clone(), stream));
                }
                // Out of file descriptors, most likely: some will come back.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
        }
    }
}

async fn connection(simulator: Simulator, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(simulator.clone(), request));
    // An error here is a client that went away or an answer lost on purpose: either way the socket closes.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

/// An error makes hyper close the connection without a single byte of an answer.
async fn answer(simulator: Simulator, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Ended> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(Ended::Body)?.to_bytes();
    let reply = simulator.handle(Request::from_parts(parts, body), SystemTime::now());
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    if reply.lost { Err(Ended::Lost) } else { Ok(reply.response.map(Full::new)) }
}
