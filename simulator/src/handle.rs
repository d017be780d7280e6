//! From a request to a reply: route, signer, quota, faults, effect, answer, log.

use crate::call::{Call, Signer, call};
use crate::calls::CallRecord;
use crate::error::{Kind, Refusal};
use crate::faults::{FaultKind, Subject, strike};
use crate::ops::{self, Answer};
use crate::page::expired;
use crate::route::route;
use crate::timestamp::Timestamp;
use crate::wire::{Reply, Retry, Twist, render};
use crate::world::{World, bare_instance, uuid};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

/// What came of a call.
#[derive(Default)]
struct Course {
    delay: u64,
    lost: bool,
    retry: Option<Retry>,
    twist: Option<Twist>,
}

impl World {
    /// Answers a request of the Connect API.
    pub(crate) fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Reply {
        self.now = self.now.max(now);
        self.seq += 1;
        let mut record = blank(request, self.seq, now);
        let mut course = Course::default();
        let answer = self.attempt(request, now, &mut record, &mut course);
        let switches = self.switches;
        if let Err(refusal) = &answer {
            let (code, _) = refusal.code_and_status(switches);
            record.error_code = Some(code.to_owned());
        }
        let reply = render(answer, switches, &record.request_id, now, course.retry, course.twist.as_ref());
        let reply = Reply { delay: std::time::Duration::from_millis(course.delay), lost: course.lost, ..reply };
        record.status = reply.response.status().as_u16();
        record.lost = course.lost;
        self.calls.push(record);
        reply
    }

    fn attempt(
        &mut self,
        request: &Request<Bytes>,
        now: Timestamp,
        record: &mut CallRecord,
        course: &mut Course,
    ) -> Answer {
        let (method, path) = (request.method().as_str(), request.uri().path());
        let unknown = || Refusal::new(Kind::UnknownOperation, format!("There is no operation {method} {path}."));
        let routed = route(method, path).ok_or_else(unknown)?;
        record.operation = routed.0.name().to_owned();
        record.write = routed.0.is_write();
        let signer = Signer::of(request.headers())?;
        record.region.clone_from(&signer.region);
        record.access_key = signer.access_key;
        let mut call = call(routed, &signer.region, &record.query, request.body(), now)?;
        record.instance_id = instance_of(&call).map(str::to_owned);
        let replica = self.to_home(&mut call, record.instance_id.as_deref());
        self.identify(&call, record);
        self.take_token(record, course, now)?;
        let mut answer = self.strike(&call, record, course, |world| ops::run(world, &call));
        if let (Some(replica), Ok(Some(answer))) = (&replica, &mut answer) {
            replica.answers(answer);
        }
        answer
    }

    /// Fills in which account and user of its instance the call is about.
    fn identify(&self, call: &Call, record: &mut CallRecord) {
        record.body = without_password(&call.body);
        let arn = call.label("resourceArn");
        let instance = record.instance_id.as_ref().and_then(|id| self.instances.get(id));
        let instance = instance.filter(|instance| instance.region == call.region);
        record.account = instance.map(|instance| instance.account.clone()).unwrap_or_default();
        let label = call.labels.get("UserId").map(|raw| raw.rsplit('/').next().unwrap_or(raw));
        let user = label.or_else(|| arn.split_once("/agent/").map(|(_, id)| id));
        record.user_id = user.map(str::to_owned);
        let stored = instance.zip(user).and_then(|(instance, id)| instance.stored(id));
        let username = stored.map(|stored| stored.user.username.as_str());
        record.username = username.or_else(|| call.body.get("Username").and_then(Value::as_str)).map(str::to_owned);
    }

    fn take_token(&mut self, record: &CallRecord, course: &mut Course, now: Timestamp) -> Result<(), Refusal> {
        let Some(quotas) = &self.quotas else { return Ok(()) };
        let rate = quotas.rate(&record.operation);
        let key = (record.account.clone(), record.region.clone(), record.operation.clone());
        let taken = self.buckets.take(key, rate, self.switches.throttled_calls_cost_tokens, now);
        taken.map_err(|seconds| {
            course.retry = Some(Retry { seconds: seconds.ceil().max(1.0) as u64, certain: false });
            throttled()
        })
    }

    /// Lets faults happen around the effect.
    fn strike(
        &mut self,
        call: &Call,
        record: &mut CallRecord,
        course: &mut Course,
        effect: impl FnOnce(&mut Self) -> Answer,
    ) -> Answer {
        let subject = Subject {
            operation: call.operation.name(),
            write: call.operation.is_write(),
            has_token: call.query_value("nextToken").is_some() || call.body.get("NextToken").is_some(),
            users: [record.user_id.as_deref(), record.username.as_deref()],
        };
        let (latency, fault) = strike(&mut self.faults, &subject);
        course.delay = latency;
        let fallback = if latency > 0 { Some("latency") } else { None };
        record.fault = fault.as_ref().map(FaultKind::name).or(fallback).map(str::to_owned);
        let injected = |status, code, message| Refusal::new(Kind::Injected { status, code }, message);
        match fault {
            Some(FaultKind::ErrorBeforeEffect { status, code, message }) => {
                return Err(injected(status, code, message));
            }
            Some(FaultKind::Throttle) => return Err(throttled()),
            Some(FaultKind::ThrottleWithRetryAfter { seconds }) => {
                course.retry = Some(Retry { seconds, certain: true });
                return Err(throttled());
            }
            Some(FaultKind::RejectPageToken) => return Err(expired()),
            Some(FaultKind::LostRequest) => {
                course.lost = true;
                return Ok(None);
            }
            _ => {}
        }
        let answer = effect(self);
        if let Ok(Some(made)) = &answer
            && let Some(id) = made.get("UserId").and_then(Value::as_str)
        {
            record.user_id = Some(id.to_owned());
        }
        match fault {
            Some(FaultKind::ErrorAfterEffect { status, code, message }) => {
                return answer.and_then(|_| Err(injected(status, code, message)));
            }
            Some(FaultKind::LostAnswer) => course.lost = true,
            Some(FaultKind::MalformedAnswer) => course.twist = Some(Twist::Malformed),
            Some(FaultKind::EmptyAnswer) => course.twist = Some(Twist::Empty),
            Some(FaultKind::PatchedAnswer { patch }) => course.twist = Some(Twist::Patched(patch)),
            _ => {}
        }
        answer
    }
}

fn instance_of(call: &Call) -> Option<&str> {
    let arn = call.label("resourceArn").split_once(":instance/");
    let from_arn = arn.map(|(_, rest)| rest.split('/').next().unwrap_or(rest));
    call.raw_instance().map(bare_instance).or(from_arn)
}

fn throttled() -> Refusal {
    Refusal::new(Kind::Throttled, "Rate exceeded")
}

fn without_password(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(password) = body.get_mut("Password") {
        *password = Value::Bool(true);
    }
    body
}

fn blank(request: &Request<Bytes>, seq: u64, time: Timestamp) -> CallRecord {
    let user_agent = request.headers().get("user-agent").and_then(|value| value.to_str().ok());
    CallRecord {
        seq,
        time,
        operation: String::new(),
        write: false,
        account: String::new(),
        region: String::new(),
        instance_id: None,
        user_id: None,
        username: None,
        user_agent: user_agent.unwrap_or_default().to_owned(),
        access_key: String::new(),
        body: Value::Null,
        query: request.uri().query().unwrap_or_default().to_owned(),
        status: 0,
        error_code: None,
        fault: None,
        lost: false,
        request_id: uuid(u64::MAX / 4 + seq),
    }
}
