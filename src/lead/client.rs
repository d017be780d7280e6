//! The way to the API server through the fence: reads pass, writes only while the Lease is ours.

use std::task::{Context, Poll};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Method, Request};
use tower::{BoxError, Layer, Service};

use super::fence::Fence;

/// Puts a client behind the fence.
#[derive(Clone, Debug)]
pub struct Fencing(Fence);

impl Fencing {
    /// Behind this fence.
    pub fn new(fence: &Fence) -> Self {
        Self(fence.clone())
    }
}

impl<S> Layer<S> for Fencing {
    type Service = Fenced<S>;

    fn layer(&self, inner: S) -> Fenced<S> {
        Fenced { inner, fence: self.0.clone() }
    }
}

/// A client behind the fence.
#[derive(Clone, Debug)]
pub struct Fenced<S> {
    inner: S,
    fence: Fence,
}

impl<S, B> Service<Request<B>> for Fenced<S>
where
    S: Service<Request<B>, Error = BoxError>,
    S::Future: Send + 'static,
    S::Response: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let is_write = ![Method::GET, Method::HEAD].contains(request.method());
        if !is_write {
            return self.inner.call(request).boxed();
        }
        if let Err(closed) = self.fence.check() {
            return futures::future::ready(Err(closed.into())).boxed();
        }
        let (fence, call) = (self.fence.clone(), self.inner.call(request));
        async move { fence.guard(call).await? }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    static SENT: AtomicUsize = AtomicUsize::new(0);

    #[tokio::test(start_paused = true)]
    async fn reads_pass_and_writes_only_while_it_is_open() {
        let fence = Fence::closed();
        let server = tower::service_fn(|_: Request<()>| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            SENT.fetch_add(1, Ordering::Relaxed);
            Ok::<_, BoxError>(())
        });
        let mut client = Fencing::new(&fence).layer(server);
        let request = |method| Request::builder().method(method).body(()).unwrap();
        assert!(client.call(request(Method::GET)).await.is_ok());
        for method in [Method::PATCH, Method::POST, Method::PUT, Method::DELETE] {
            let refused = client.call(request(method)).await.unwrap_err();
            assert!(refused.to_string().contains("Lease"), "{refused}");
        }
        assert_eq!(SENT.load(Ordering::Relaxed), 1);
        fence.open_until(fence.elapsed() + Duration::from_secs(2));
        assert!(client.call(request(Method::PATCH)).await.is_ok());
        // Begun in time, and paused before it was sent.
        fence.open_until(fence.elapsed() + Duration::from_millis(500));
        assert!(client.call(request(Method::PATCH)).await.is_err());
        assert_eq!(SENT.load(Ordering::Relaxed), 2);
    }
}
