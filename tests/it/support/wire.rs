//! The way of an in-process operator to Amazon Connect: the real SDK over the simulator without a socket.
//! Every call passes the gate, and what it does is judged on the spot.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use aws_sdk_connect::error::ConnectorError;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use bytes::Bytes;
use connect_simulator::{CallRecord, Reply, Simulator, User};
use connect_user_operator::resource::OWNER_TAG;
use serde_json::Value;

use super::gate::Gate;
use super::in_process::Confidences;

/// What the calls of all incarnations did that they never may.
#[derive(Clone, Debug, Default)]
pub struct Trespasses(Arc<Mutex<Vec<String>>>);

impl Trespasses {
    pub fn found(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Judges a write by the users before and after it. `home` begins the owner tags of this stage.
    fn judge(&self, home: &str, call: &CallRecord, before: &[User], after: &[User]) {
        let mut found = self.0.lock().unwrap();
        let owner = |user: &User| user.tags.get(OWNER_TAG).cloned();
        let target = before.iter().find(|user| Some(&user.id) == call.user_id.as_ref());
        if let Some(user) = target {
            match owner(user) {
                Some(owner) if owner.starts_with(home) => {}
                // The marks come first when a user is taken over; anything else would be a write to a stranger.
                None if call.operation == "TagResource" => {}
                owner => {
                    found.push(format!("{} of user {}, which belongs to {owner:?}", call.operation, user.username));
                }
            }
        }
        let mut owners: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for user in after {
            if let Some(owner) = owner(user).filter(|owner| owner.starts_with(home)) {
                owners.entry(owner).or_default().push(&user.username);
            }
        }
        for (owner, users) in owners {
            if users.len() > 1 {
                found.push(format!("{owner} has {} users after {}: {users:?}", users.len(), call.operation));
            }
        }
    }
}

/// The SDK's connector.
#[derive(Clone)]
pub struct Wire {
    pub gate: Arc<Gate>,
    pub simulator: Simulator,
    pub instance_id: String,
    /// `<cluster>/<namespace>/`.
    pub home: String,
    pub trespasses: Trespasses,
    pub confidences: Confidences,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    fn ask(&self, request: http::Request<Bytes>) -> Reply {
        let told: Option<Value> = serde_json::from_slice(request.body()).ok();
        if let Some(password) = told.as_ref().and_then(|told| told["Password"].as_str()) {
            self.confidences.sent.lock().unwrap().push(password.to_owned());
        }
        let before = self.simulator.users(&self.instance_id);
        let seen = self.simulator.calls().last().map_or(0, |call| call.seq);
        let reply = self.simulator.handle(request, SystemTime::now());
        for call in self.simulator.calls_since(seen).iter().filter(|call| call.write) {
            self.trespasses.judge(&self.home, call, &before, &self.simulator.users(&self.instance_id));
        }
        reply
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = self.clone();
        HttpConnectorFuture::new(async move {
            let path = request.uri().split('?').next().and_then(|uri| uri.split(".com").nth(1)).unwrap_or_default();
            let step = format!("{} {path}", request.method());
            let Some(entry) = wire.gate.enter(Some(step)) else { return std::future::pending().await };
            let body = Bytes::copy_from_slice(request.body().bytes().unwrap());
            let asked = http::Request::builder().method(request.method()).uri(request.uri());
            let asked = request.headers().iter().fold(asked, |asked, (name, value)| asked.header(name, value));
            let reply = wire.ask(asked.body(body).unwrap());
            tokio::time::sleep(reply.delay).await;
            wire.gate.leave(entry).await;
            if reply.lost {
                return Err(ConnectorError::io("connection reset by peer".into()));
            }
            let (parts, body) = reply.response.into_parts();
            let mut answer = HttpResponse::new(parts.status.as_u16().try_into().unwrap(), body.into());
            for (name, value) in &parts.headers {
                answer.headers_mut().insert(name.as_str().to_owned(), value.to_str().unwrap().to_owned());
            }
            Ok(answer)
        })
    }
}
