//! The simulated Amazon Connect, as its console and its owner see it.

use serde_json::Value;

use super::http::Http;
use super::story::Failure;

/// The instance of most examples; the simulator starts with it.
pub const INSTANCE: &str = "11111111-1111-4111-8111-111111111111";

// Ids in that instance, as in the simulator's fixtures.

/// Routing profile Tier 1.
pub const TIER_1: &str = "1a000002-0000-4000-8000-0000000000a2";
/// Routing profile Tier 2.
pub const TIER_2: &str = "1a000003-0000-4000-8000-0000000000a3";
/// Security profile Admin.
pub const ADMIN: &str = "1b000001-0000-4000-8000-0000000000b1";
/// Security profile Agent.
pub const AGENT: &str = "1b000002-0000-4000-8000-0000000000b2";
/// Hierarchy group EMEA / Support / Tier 1.
pub const EMEA_SUPPORT_TIER_1: &str = "1c000003-0000-4000-8000-0000000000c3";

/// The simulator.
#[derive(Debug)]
pub struct Amazon {
    http: Http,
    url: String,
}

impl Amazon {
    /// For `http://HOST:PORT`.
    pub fn new(url: &str) -> Result<Self, String> {
        Ok(Self { http: Http::new(url)?, url: url.to_owned() })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The user of this name, if there is one in any instance.
    pub async fn find(&self, username: &str) -> Result<Option<Value>, String> {
        let state = self.http.get_json("/_simulator/state").await?;
        Ok(search(&state, &|object| {
            object.get("Username").and_then(Value::as_str) == Some(username) && object.get("RoutingProfileId").is_some()
        })
        .cloned())
    }

    /// The user of this name.
    pub async fn user(&self, username: &str) -> Result<Value, String> {
        let found = self.find(username).await?;
        found.ok_or_else(|| format!("Amazon Connect has no user {username}"))
    }

    /// The login names of all users, in order.
    pub async fn usernames(&self) -> Result<Vec<String>, String> {
        let state = self.http.get_json("/_simulator/state").await?;
        let mut names = Vec::new();
        collect(&state, &mut names);
        names.sort();
        Ok(names)
    }

    /// Somebody clicks in the console.
    pub async fn change_in_console(&self, change: &Value) -> Result<(), Failure> {
        let answer = self.http.post("/_simulator/mutate", change).await;
        answer.map(|_| ()).map_err(|seen| Failure::new(format!("a change in the console: {change}"), seen))
    }

    /// The calls after the first `since` ones, in order.
    pub async fn calls(&self, since: u64) -> Result<Vec<Call>, String> {
        let answer = self.http.get_json(&format!("/_simulator/calls?since={since}")).await?;
        let calls = answer.get("calls").and_then(Value::as_array);
        Ok(calls.ok_or("no list of calls")?.iter().map(Call::from).collect())
    }

    /// How many calls there were so far.
    pub async fn call_count(&self) -> Result<u64, String> {
        let state = self.http.get_json("/_simulator/state").await?;
        Ok(state.get("callCount").and_then(Value::as_u64).ok_or("no count of calls")?)
    }
}

/// One call of the Amazon Connect API.
#[derive(Debug)]
pub struct Call {
    operation: String,
    username: String,
    /// Who called: the end of the User-Agent, which names the process.
    pub caller: String,
    /// Whether the operation changes something.
    pub write: bool,
    /// Whether it was refused as one too many.
    pub throttled: bool,
}

impl From<&Value> for Call {
    fn from(call: &Value) -> Self {
        Self {
            operation: text(call, "/operation").to_owned(),
            username: text(call, "/username").to_owned(),
            caller: caller(text(call, "/userAgent")).to_owned(),
            write: call.get("write").and_then(Value::as_bool).unwrap_or_default(),
            throttled: call.get("status").and_then(Value::as_u64) == Some(429),
        }
    }
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.operation, self.username)
    }
}

/// The process in a User-Agent such as `aws-sdk-rust/1.3 … app/connect-user-operator.NAME`.
fn caller(agent: &str) -> &str {
    let app = agent.rsplit(' ').find_map(|part| part.strip_prefix("app/connect-user-operator."));
    app.unwrap_or_default()
}

/// The first object anywhere in `value` that satisfies `wanted`.
fn search<'a>(value: &'a Value, wanted: &impl Fn(&Value) -> bool) -> Option<&'a Value> {
    if value.is_object() && wanted(value) {
        return Some(value);
    }
    match value {
        Value::Object(members) => members.values().find_map(|value| search(value, wanted)),
        Value::Array(items) => items.iter().find_map(|value| search(value, wanted)),
        _ => None,
    }
}

/// The names of the users anywhere in `value`.
fn collect(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let name = value.get("Username").and_then(Value::as_str);
            names.extend(name.filter(|_| value.get("RoutingProfileId").is_some()).map(str::to_owned));
            members.values().for_each(|value| collect(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, names)),
        _ => {}
    }
}

/// A member of a user as text, for comparing and showing.
pub fn text<'a>(user: &'a Value, pointer: &str) -> &'a str {
    user.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_is_found_wherever_it_is() {
        let state = json!({ "instances": [{ "users": [] }, { "users": [{ "Username": "a", "Id": "1" }] }] });
        let named = |name: &'static str| move |value: &Value| text(value, "/Username") == name;
        assert_eq!(search(&state, &named("a")), Some(&json!({ "Username": "a", "Id": "1" })));
        assert_eq!(search(&state, &named("b")), None);
    }

    #[test]
    fn a_caller_is_known_by_the_name_of_its_process() {
        assert_eq!(caller("aws-sdk-rust/1.3 lang/rust/1.95 app/connect-user-operator.7d9f-abcde"), "7d9f-abcde");
        assert_eq!(caller("Boto3/1.40"), "");
    }

    #[test]
    fn a_call_is_told_in_two_words() {
        let call = json!({ "operation": "TagResource", "username": "jane.doe", "write": true, "status": 429 });
        let call = Call::from(&call);
        assert_eq!(call.to_string(), "TagResource jane.doe");
        assert!(call.write && call.throttled);
    }
}
