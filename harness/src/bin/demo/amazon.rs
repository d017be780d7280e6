//! The simulated Amazon Connect, as its console and its owner see it.

use serde_json::Value;

use crate::http::Http;
use crate::story::Failure;

/// The instance of most examples; the simulator starts with it.
pub(crate) const INSTANCE: &str = "11111111-1111-4111-8111-111111111111";

/// Ids in that instance, as in the simulator's fixtures.
pub(crate) const TIER_1: &str = "1a000002-0000-4000-8000-0000000000a2";
pub(crate) const TIER_2: &str = "1a000003-0000-4000-8000-0000000000a3";
pub(crate) const ADMIN: &str = "1b000001-0000-4000-8000-0000000000b1";
pub(crate) const AGENT: &str = "1b000002-0000-4000-8000-0000000000b2";
pub(crate) const EMEA_SUPPORT_TIER_1: &str = "1c000003-0000-4000-8000-0000000000c3";

/// The simulator.
pub(crate) struct Amazon {
    http: Http,
    url: String,
}

impl Amazon {
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        Ok(Self { http: Http::new(url)?, url: url.to_owned() })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The user of this name, if there is one in any instance.
    pub(crate) async fn find(&self, username: &str) -> Result<Option<Value>, String> {
        let state = self.http.get_json("/_simulator/state").await?;
        Ok(search(&state, &|object| {
            object.get("Username").and_then(Value::as_str) == Some(username) && object.get("RoutingProfileId").is_some()
        })
        .cloned())
    }

    /// The user of this name.
    pub(crate) async fn user(&self, username: &str) -> Result<Value, String> {
        let found = self.find(username).await?;
        found.ok_or_else(|| format!("Amazon Connect has no user {username}"))
    }

    /// Somebody clicks in the console.
    pub(crate) async fn change_in_console(&self, change: &Value) -> Result<(), Failure> {
        let answer = self.http.post("/_simulator/mutate", change).await;
        answer.map(|_| ()).map_err(|seen| Failure::new(format!("a change in the console: {change}"), seen))
    }

    /// The calls after the first `since` ones, in order.
    pub(crate) async fn calls(&self, since: u64) -> Result<Vec<Call>, String> {
        let answer = self.http.get_json(&format!("/_simulator/calls?since={since}")).await?;
        let calls = answer.get("calls").and_then(Value::as_array);
        Ok(calls.ok_or("no list of calls")?.iter().map(Call::from).collect())
    }

    /// How many calls there were so far.
    pub(crate) async fn call_count(&self) -> Result<u64, String> {
        let state = self.http.get_json("/_simulator/state").await?;
        Ok(state.get("callCount").and_then(Value::as_u64).ok_or("no count of calls")?)
    }
}

/// One call of the Amazon Connect API.
#[derive(Debug)]
pub(crate) struct Call {
    operation: String,
    username: String,
    pub(crate) write: bool,
    pub(crate) throttled: bool,
}

impl From<&Value> for Call {
    fn from(call: &Value) -> Self {
        Self {
            operation: text(call, "/operation").to_owned(),
            username: text(call, "/username").to_owned(),
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

/// A member of a user as text, for comparing and showing.
pub(crate) fn text<'a>(user: &'a Value, pointer: &str) -> &'a str {
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
    fn a_call_is_told_in_two_words() {
        let call = json!({ "operation": "TagResource", "username": "jane.doe", "write": true, "status": 429 });
        let call = Call::from(&call);
        assert_eq!(call.to_string(), "TagResource jane.doe");
        assert!(call.write && call.throttled);
    }
}
