//! What must hold of every call to Amazon Connect, at the moment that it arrives, whatever happened before.
//!
//! An operator cannot know more than what it has read. So each rule is about what it *has* read (the last answer
//! of DescribeUser, the ConnectInstances that it was shown) or about what was so at some time within
//! [`IN_FLIGHT`] before the call arrives: longer than any line takes from its last look at the API server to its
//! last call.

mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use connect_simulator::{CallRecord, User};
use harness::memory::ApiServer;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::life::Lives;
use super::time;

/// From a line's last look at the API server to its last call: some 15 requests of at most 80 ms.
pub const IN_FLIGHT: Duration = Duration::from_secs(3);
/// Between two looks at a user's tags and a write there may be a wait for the API server, with retries.
pub const READ_BEFORE: Duration = Duration::from_secs(10);

type Tags = BTreeMap<String, String>;

/// A call, what was there before and after it.
pub struct Call<'a> {
    pub operator: &'a str,
    pub record: &'a CallRecord,
    /// What the operator was told; `None` if nothing that can be read.
    pub answer: Option<Value>,
    pub before: &'a [User],
    pub after: &'a [User],
}

/// What an operator knows of a user's tags: as it last read or wrote them.
#[derive(Clone)]
struct Known {
    at: Timestamp,
    tags: Tags,
    /// The ones that it read first, before it wrote its own.
    read: Tags,
}

/// Looks on.
pub struct Audit {
    pub lives: Lives,
    server: ApiServer,
    grace: Duration,
    /// The longest lag of reads in this history.
    pub lag: Duration,
    /// By operator and user.
    known: BTreeMap<(String, String), Known>,
    /// When somebody changed a user past the operator, by id.
    touched: BTreeMap<String, Timestamp>,
    /// When an operator wrote to a user, by id.
    written: BTreeMap<String, Timestamp>,
    /// Users that a person changed at about the time of such a write.
    pub blurred: BTreeSet<String>,
    /// When an operator was shown which version of the ConnectInstances, and of the ConnectUsers.
    shown: BTreeMap<String, Vec<(Timestamp, u64, u64)>>,
    pub violations: Vec<String>,
    /// What happened, to be read by a person.
    pub trace: Vec<String>,
    pub writes: usize,
    pub calls: usize,
}

impl Audit {
    pub fn new(server: ApiServer, grace: Duration) -> Self {
        Self {
            lives: Lives::new(server.clone()),
            server,
            grace,
            lag: Duration::ZERO,
            known: BTreeMap::new(),
            touched: BTreeMap::new(),
            written: BTreeMap::new(),
            blurred: BTreeSet::new(),
            shown: BTreeMap::new(),
            violations: Vec::new(),
            trace: Vec::new(),
            writes: 0,
            calls: 0,
        }
    }

    /// Something to tell in a trace.
    pub fn note(&mut self, what: &str) {
        let at = time::elapsed();
        self.trace.push(format!("{:>9.3} {what}", at.as_secs_f64()));
    }

    /// Something that must not be.
    pub fn violation(&mut self, what: String) {
        self.note(&format!("VIOLATION {what}"));
        self.violations.push(what);
    }

    /// Somebody changed this user past the operator.
    pub fn touch(&mut self, user: &str) {
        self.touched.insert(user.to_owned(), time::now());
        self.blur(user);
    }

    fn blur(&mut self, user: &str) {
        let window = SignedDuration::try_from(READ_BEFORE + self.lag).unwrap();
        if let (Some(by_hand), Some(own)) = (self.touched.get(user), self.written.get(user))
            && own.duration_since(*by_hand).abs() <= window
        {
            self.blurred.insert(user.to_owned());
        }
    }

    /// Statuses that were written since the last look.
    pub fn read_on(&mut self) {
        for wrong in self.lives.read_on() {
            self.violation(format!("status contract: {wrong}"));
        }
    }

    /// A call arrives.
    pub fn check(&mut self, call: &Call<'_>) {
        self.read_on();
        self.calls += 1;
        let now = time::now();
        let shown = (
            now,
            self.server.shown(call.operator, "connectinstances"),
            self.server.shown(call.operator, "connectusers"),
        );
        self.shown.entry(call.operator.to_owned()).or_default().push(shown);
        self.tell(call);
        let record = call.record;
        if record.write && record.operation != "DeleteQuickConnect" {
            self.writes += 1;
            if let Err(what) = self.judge(call, now) {
                self.violation(format!("{} by {}: {what}", record.operation, call.operator));
            }
            if let Some(user) = &record.user_id {
                self.written.insert(user.clone(), now);
                self.blur(user);
            }
        }
        if ["TagResource", "UntagResource"].contains(&record.operation.as_str())
            && let Some(user) = &record.user_id
        {
            // For every other operator that looked before.
            self.touched.insert(user.clone(), now);
        }
        self.learn(call, now);
    }

    fn tell(&mut self, call: &Call<'_>) {
        let CallRecord { operation, user_id, username, status, fault, body, write, .. } = call.record;
        let mut text = format!("{} {operation} {}", call.operator, username.as_deref().unwrap_or("-"));
        if let Some(id) = user_id {
            let _ = write!(text, " {}", &id[id.len().saturating_sub(4)..]);
        }
        let _ = write!(text, " -> {status}");
        if let Some(fault) = fault {
            let _ = write!(text, " ({fault})");
        }
        if *write {
            let body: String = body.to_string().chars().take(300).collect();
            let _ = write!(text, " {body}");
        }
        self.note(&text);
    }

    /// What the operator knows after the answer.
    fn learn(&mut self, call: &Call<'_>, now: Timestamp) {
        let record = call.record;
        let Some(answer) = call.answer.as_ref().filter(|_| record.status == 200) else {
            // It took effect and says nothing: an operator stops there.
            return;
        };
        let tags_in = |value: Option<&Value>| -> Tags {
            value.cloned().and_then(|tags| serde_json::from_value(tags).ok()).unwrap_or_default()
        };
        let Some(user) = record.user_id.clone() else { return };
        let key = (call.operator.to_owned(), user);
        match record.operation.as_str() {
            "DescribeUser" if answer.get("User").is_some() => {
                let tags = tags_in(answer.pointer("/User/Tags"));
                self.known.insert(key, Known { at: now, read: tags.clone(), tags });
            }
            "CreateUser" => {
                let tags = tags_in(record.body.get("Tags"));
                self.known.insert(key, Known { at: now, read: tags.clone(), tags });
            }
            "TagResource" => {
                if let Some(known) = self.known.get_mut(&key) {
                    known.tags.extend(tags_in(record.body.get("tags")));
                }
            }
            _ => {}
        }
    }
}
