//! A stand-in for AWS IAM that knows GetRole and SimulatePrincipalPolicy, of policies that allow: no Deny, no NotAction,
//! and of conditions only StringLike.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::http::{HeaderMap, Response};
use bytes::Bytes;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::query::{self, answer, form, signer};

const NAMESPACE: &str = "https://iam.amazonaws.com/doc/2010-05-08/";

#[derive(Debug, Default)]
struct State {
    /// The policy of each principal, by ARN.
    policies: HashMap<String, Value>,
    /// Actions and resources that were asked for.
    asked: Vec<(String, String)>,
    is_forbidden: bool,
}

/// The simulated service; clones share their state.
#[derive(Clone, Debug, Default)]
pub struct Iam(Arc<Mutex<State>>);

impl Iam {
    /// Gives a user or role, by ARN, a policy document and no other.
    pub fn attach(&self, principal: &str, policy: Value) {
        self.state().policies.insert(principal.to_owned(), policy);
    }

    /// Refuses everybody everything, or no longer.
    pub fn set_forbidden(&self, is_forbidden: bool) {
        self.state().is_forbidden = is_forbidden;
    }

    /// Actions, with the resource, that were asked for so far.
    #[must_use]
    pub fn asked(&self) -> Vec<(String, String)> {
        self.state().asked.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers a request.
    #[must_use]
    pub fn handle(&self, headers: &HeaderMap, body: &[u8]) -> Response<Bytes> {
        let failure = |error, message: &str| query::failure(NAMESPACE, error, message, "iam");
        let mut state = self.state();
        if signer(headers, "iam").is_none() {
            return failure((403, "MissingAuthenticationToken"), "Request is missing Authentication Token");
        }
        let form = form(&String::from_utf8_lossy(body));
        let get = |key: &str| form.get(key).map_or("", String::as_str);
        if state.is_forbidden {
            return failure((403, "AccessDenied"), &format!("not authorized to perform: iam:{}", get("Action")));
        }
        match get("Action") {
            "GetRole" => {
                let end = format!("/{}", get("RoleName"));
                match state.policies.keys().find(|arn| arn.contains(":role/") && arn.ends_with(&end)) {
                    Some(arn) => answer(200, "iam", role(arn, get("RoleName"))),
                    None => failure((404, "NoSuchEntity"), "The role cannot be found."),
                }
            }
            "SimulatePrincipalPolicy" => {
                let Some(policy) = state.policies.get(get("PolicySourceArn")).cloned() else {
                    return failure((404, "NoSuchEntity"), "The principal cannot be found.");
                };
                let mut results = String::new();
                for action in members(&form, "ActionNames.member.{}") {
                    for resource in members(&form, "ResourceArns.member.{}") {
                        let is_allowed = allows(&policy, action, resource, &form);
                        let decision = if is_allowed { "allowed" } else { "implicitDeny" };
                        let _ = write!(
                            results,
                            "<member><EvalActionName>{action}</EvalActionName><EvalResourceName>{resource}</EvalResourceName>\
                             <EvalDecision>{decision}</EvalDecision></member>"
                        );
                        state.asked.push((action.to_owned(), resource.to_owned()));
                    }
                }
                answer(
                    200,
                    "iam",
                    format!(
                        "<SimulatePrincipalPolicyResponse xmlns=\"{NAMESPACE}\"><SimulatePrincipalPolicyResult>\
                         <IsTruncated>false</IsTruncated><EvaluationResults>{results}</EvaluationResults>\
                         </SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>iam</RequestId></ResponseMetadata>\
                         </SimulatePrincipalPolicyResponse>"
                    ),
                )
            }
            _ => failure((400, "InvalidAction"), "Could not find this operation."),
        }
    }
}

/// Serves HTTP/1.1 for as long as it is polled.
pub async fn serve(iam: Iam, listener: TcpListener) {
    query::serve(listener, move |headers, body| iam.handle(headers, body)).await;
}

fn role(arn: &str, name: &str) -> String {
    let path = arn.split_once(":role").map_or("/", |(_, rest)| rest).trim_end_matches(name);
    format!(
        "<GetRoleResponse xmlns=\"{NAMESPACE}\"><GetRoleResult><Role><Path>{path}</Path><RoleName>{name}</RoleName>\
         <RoleId>AROAEXAMPLE</RoleId><Arn>{arn}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult>\
         <ResponseMetadata><RequestId>iam</RequestId></ResponseMetadata></GetRoleResponse>"
    )
}

/// The members of a list, whose keys have a number from 1 on in place of `{}`.
fn members<'a>(form: &'a HashMap<String, String>, key: &str) -> Vec<&'a str> {
    (1..).map_while(|number: u32| form.get(&key.replace("{}", &number.to_string()))).map(String::as_str).collect()
}

fn allows(policy: &Value, action: &str, resource: &str, form: &HashMap<String, String>) -> bool {
    let has = |name: &str, values: &[&str]| {
        let names = members(form, "ContextEntries.member.{}.ContextKeyName");
        let at = names.iter().position(|given| given.eq_ignore_ascii_case(name)).map(|at| at + 1).unwrap_or_default();
        let given = members(form, &format!("ContextEntries.member.{at}.ContextKeyValues.member.{{}}"));
        given.iter().any(|given| values.iter().any(|glob| is_like(glob, given)))
    };
    let statements = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    statements.iter().any(|statement| {
        let conditions = statement["Condition"].as_object();
        let hold = |(operator, keys): (&String, &Value)| {
            operator == "StringLike"
                && keys.as_object().is_some_and(|keys| keys.iter().all(|(key, value)| has(key, &strings(value))))
        };
        statement["Effect"] == "Allow"
            && strings(&statement["Action"]).iter().any(|glob| is_like(&glob.to_lowercase(), &action.to_lowercase()))
            && strings(&statement["Resource"]).iter().any(|glob| is_like(glob, resource))
            && conditions.is_none_or(|conditions| conditions.iter().all(hold))
    })
}

/// One string, or a list of them.
fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

/// Whether a text is as a pattern with `*`.
fn is_like(glob: &str, text: &str) -> bool {
    match glob.split_once('*') {
        None => glob == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            rest.char_indices().map(|(at, _)| at).chain([rest.len()]).any(|at| is_like(after, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_policy_allows_what_it_says_and_no_more() {
        let policy = json!({ "Statement": [
            { "Effect": "Allow", "Action": "connect:Describe*", "Resource": "*" },
            {
                "Effect": "Allow", "Action": ["connect:DeleteUser"], "Resource": ["arn:i/1/agent/*"],
                "Condition": { "StringLike": { "aws:ResourceTag/owner": "emea/*" } },
            },
        ] });
        let form = |owner: &str| {
            let entry = |end: &str| format!("ContextEntries.member.1.{end}");
            HashMap::from([
                (entry("ContextKeyName"), "aws:ResourceTag/owner".to_owned()),
                (entry("ContextKeyValues.member.1"), owner.to_owned()),
            ])
        };
        let allowed = |action, resource, owner| allows(&policy, action, resource, &form(owner));
        assert!(allowed("connect:DescribeUser", "arn:i/1", "other"));
        assert!(allowed("connect:DeleteUser", "arn:i/1/agent/2", "emea/ns/jane"));
        assert!(!allowed("connect:DeleteUser", "arn:i/1/agent/2", "apac/ns/jane"));
        assert!(!allowed("connect:DeleteUser", "arn:i/2/agent/2", "emea/ns/jane"));
        assert!(!allowed("connect:CreateUser", "arn:i/1/agent/2", "emea/ns/jane"));
        assert!(!allows(&policy, "connect:DeleteUser", "arn:i/1/agent/2", &HashMap::new()));
    }
}
