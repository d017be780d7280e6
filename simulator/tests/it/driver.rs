//! A minimal client.

use bytes::Bytes;
use connect_simulator::fixtures::{managed, saml};
use connect_simulator::{Options, Reply, Simulator, Switches};
use http::Request;
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::{Duration, SystemTime};

/// Signs for one Region and remembers what time it is.
pub(crate) struct Driver {
    pub(crate) simulator: Simulator,
    pub(crate) region: &'static str,
    pub(crate) instance: &'static str,
    pub(crate) now: Cell<SystemTime>,
}

/// Status, error code ("" on success) and body.
pub(crate) type Answer = (u16, String, Value);

impl Driver {
    pub(crate) fn new(options: Options) -> Self {
        // 2026-01-01T00:00:00Z
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let simulator = Simulator::new(options);
        Self { simulator, region: managed::REGION, instance: managed::ID, now: Cell::new(now) }
    }

    pub(crate) fn plain() -> Self {
        Self::new(Options::default())
    }

    pub(crate) fn with(switches: Switches) -> Self {
        Self::new(Options { switches, ..Options::default() })
    }

    pub(crate) fn saml(switches: Switches) -> Self {
        Self { region: saml::REGION, instance: saml::ID, ..Self::with(switches) }
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.now.get()
    }

    pub(crate) fn wait(&self, millis: u64) {
        self.now.set(self.now.get() + Duration::from_millis(millis));
    }

    pub(crate) fn reply(&self, method: &str, path: &str, body: &Value) -> Reply {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let credential = format!("AKID/20260101/{}/connect/aws4_request", self.region);
        let signature = "0".repeat(64);
        let authorization =
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature={signature}");
        let request = Request::builder().method(method).uri(path).header("user-agent", "driver");
        let request = request.header("authorization", authorization).header("x-amz-date", "20260101T000000Z");
        self.simulator.handle(request.body(body).unwrap(), self.now())
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        read(&self.reply(method, path, body))
    }

    /// An operation on the instance: `{}` in the path is its id.
    pub(crate) fn on(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.call(method, &path.replace("{}", self.instance), body)
    }

    pub(crate) fn user_body(&self, username: &str) -> Value {
        if self.instance == saml::ID {
            return json!({
                "Username": username,
                "IdentityInfo": { "FirstName": "Jane", "LastName": "Doe" },
                "SecurityProfileIds": [saml::SECURITY_AGENT],
                "RoutingProfileId": saml::ROUTING_BASIC,
            });
        }
        json!({
            "Username": username,
            "Password": "Passw0rdOfMine",
            "IdentityInfo": { "FirstName": "Jane", "LastName": "Doe", "Email": "jane@example.com" },
            "SecurityProfileIds": [managed::SECURITY_AGENT],
            "RoutingProfileId": managed::ROUTING_BASIC,
        })
    }

    /// CreateUser with some members replaced (null removes).
    pub(crate) fn create(&self, username: &str, with: &Value) -> Answer {
        let mut body = self.user_body(username);
        for (name, value) in with.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let body: Value = body.as_object().unwrap().clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
        self.on("PUT", "/users/{}", &body)
    }

    /// A user that must come into being; its id.
    pub(crate) fn user(&self, username: &str, with: &Value) -> String {
        let (status, code, body) = self.create(username, with);
        assert_eq!(status, 200, "{code} {body}");
        body["UserId"].as_str().unwrap().to_owned()
    }

    pub(crate) fn update(&self, user: &str, what: &str, body: &Value) -> Answer {
        self.on("POST", &format!("/users/{{}}/{user}/{what}"), body)
    }

    pub(crate) fn describe(&self, user: &str) -> Value {
        let (status, code, body) = self.on("GET", &format!("/users/{{}}/{user}"), &Value::Null);
        assert_eq!(status, 200, "{code} {body}");
        body["User"].clone()
    }

    pub(crate) fn tags_path(&self, user: &str) -> String {
        let arn = if self.instance == saml::ID { saml::ARN } else { managed::ARN };
        format!("/tags/{}%2Fagent%2F{user}", arn.replace(':', "%3A").replace('/', "%2F"))
    }

    pub(crate) fn listed(&self, query: &str) -> (Vec<String>, Option<String>) {
        let (status, code, body) = self.on("GET", &format!("/users-summary/{{}}?{query}"), &Value::Null);
        assert_eq!(status, 200, "{code} {body}");
        (names(&body["UserSummaryList"]), body["NextToken"].as_str().map(encode))
    }

    pub(crate) fn searched(&self, with: &Value) -> Answer {
        let mut body = json!({ "InstanceId": self.instance });
        for (name, value) in with.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        self.call("POST", "/search-users", &body)
    }
}

pub(crate) fn read(reply: &Reply) -> Answer {
    let response = &reply.response;
    let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
    let header = response.headers().get("x-amzn-errortype").map(|value| value.to_str().unwrap().to_owned());
    let code = header.or_else(|| body["__type"].as_str().map(str::to_owned)).unwrap_or_default();
    (response.status().as_u16(), code.split(':').next().unwrap().to_owned(), body)
}

pub(crate) fn names(users: &Value) -> Vec<String> {
    users.as_array().unwrap().iter().map(|user| user["Username"].as_str().unwrap().to_owned()).collect()
}

fn encode(token: &str) -> String {
    token.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D")
}
