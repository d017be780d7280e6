//! AWS: what IAM says of the actions that write, which cannot be tried without writing.

use std::collections::BTreeMap;

use super::finding::Area;
use crate::cli::run::is_endpoint_meant;
use crate::connect::Kind;
use crate::connect::aws::permissions::{Decision, Evaluation, Permissions, Question};
use crate::connect::aws::{self};
use crate::kubectl::iam_policy::table::{Action, Feature, If, On, STATEMENTS, Statement};
use crate::resource::OWNER_TAG;
use crate::user::ids::Instance;

/// An id as users, profiles and groups have it. IAM compares names and looks for nothing.
const SOME_ID: &str = "00000000-0000-4000-8000-000000000000";
const POLICY: &str = "allow it: kubectl connect iam-policy prints the policy, docs/iam.md explains it";

/// Whether an action of a statement concerns a resource of it.
type Concerns = fn(&str) -> bool;

/// Of whom and for what IAM is asked.
pub(super) struct Asked<'a> {
    /// ARN of a user, a role or a session of one.
    pub(super) principal: &'a str,
    /// What the operator is used for.
    pub(super) features: &'a [Feature],
    /// Name of the cluster in owner tags, if it is known.
    pub(super) cluster: Option<&'a str>,
    /// Security profiles that the operator gives.
    pub(super) profiles: &'a [String],
}

/// Every action of Amazon Connect that writes.
pub(super) async fn check(asked: &Asked<'_>, instance: &Instance, area: &mut Area<'_>) {
    let Asked { principal, features, cluster, profiles } = asked;
    let mut all = BTreeMap::new();
    for name in writing(|_| true) {
        all.insert(name, Vec::new());
    }
    let unused: Vec<_> = writing(|action| !action.is_needed(features));
    for name in unused.into_iter().filter(|name| !writing(|action| action.is_needed(features)).contains(name)) {
        all.remove(name);
        area.not_checked(name, "not needed for what --feature says");
    }
    if let Some(why) = untold(principal, cluster.is_some()) {
        return all.keys().for_each(|name| area.not_checked(name, why));
    }
    let permissions = Permissions::new(&aws::load(None).await, instance.region());
    let principal = &policies_of(&permissions, principal).await;
    for statement in &STATEMENTS {
        for question in questions(statement, asked, instance) {
            match permissions.ask(principal, &question).await {
                Ok(evaluations) => {
                    for evaluation in evaluations {
                        let name = evaluation.action.trim_start_matches("connect:");
                        if let Some(told) = all.get_mut(name) {
                            told.push((question.resource.clone(), evaluation));
                        }
                    }
                }
                Err(error) => {
                    let why = match error.kind {
                        Kind::AccessDenied => format!(
                            "the right to call iam:SimulatePrincipalPolicy for {principal} is missing, so IAM cannot be asked"
                        ),
                        _ => error.to_string(),
                    };
                    return all.keys().for_each(|name| area.not_checked(name, why.as_str()));
                }
            }
        }
    }
    for (name, told) in &all {
        tell(name, told, principal, area);
    }
    if profiles.is_empty() {
        area.not_checked("security profiles", "no ConnectUser of the instance names one by ARN, so none was asked for");
    }
}

/// Why IAM is not asked.
fn untold(principal: &str, is_named: bool) -> Option<&'static str> {
    if !is_endpoint_meant("AWS_ENDPOINT_URL_IAM") {
        return Some("Amazon Connect is not AWS's own here, so IAM has nothing to say of it");
    }
    if principal.ends_with(":root") {
        return Some("the root of an account has no policies to ask for");
    }
    (!is_named).then_some("the name in owner tags is not known, which policies go by: give --cluster-name")
}

/// The user or role itself, where a session of a role is given.
async fn policies_of(permissions: &Permissions, principal: &str) -> String {
    let parts: Vec<_> = principal.splitn(6, ':').collect();
    let [arn, partition, "sts", region, account, session] = parts.as_slice() else { return principal.to_owned() };
    let Some(role) = session.strip_prefix("assumed-role/").and_then(|rest| rest.split('/').next()) else {
        return principal.to_owned();
    };
    // Without a path, if it cannot be looked up: most roles have none.
    let plain = format!("{arn}:{partition}:iam:{region}:{account}:role/{role}");
    permissions.role(role).await.unwrap_or(plain)
}

/// Names of the actions that write, sorted, each once.
fn writing(is_meant: impl Fn(&Action) -> bool) -> Vec<&'static str> {
    let actions = STATEMENTS.iter().flat_map(|statement| statement.actions);
    let mut names: Vec<_> =
        actions.filter(|action| !action.reads() && is_meant(action)).map(|action| action.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What to ask for a statement of the policy: for each of its resources the actions that concern it.
fn questions(statement: &Statement, asked: &Asked<'_>, instance: &Instance) -> Vec<Question> {
    let Statement { sid: _, on, condition, actions } = statement;
    let within = |kind: &str| format!("{instance}/{kind}/{SOME_ID}");
    let any: Concerns = |_| true;
    let routing: Concerns = |name| name != "UpdateUserHierarchy";
    let group: Concerns = |name| name != "UpdateUserRoutingProfile";
    let resources: Vec<(String, Concerns)> = match on {
        On::InstanceAndAll | On::InstanceAndQuickConnects | On::Everything => Vec::new(),
        On::InstanceAndUsers => vec![(instance.to_string(), any), (within("agent"), any)],
        On::Users => vec![(within("agent"), any)],
        On::QuickConnects => vec![(within("transfer-destination"), any)],
        On::Profiles => asked.profiles.iter().map(|arn| (arn.clone(), any)).collect(),
        On::RoutingAndGroups if asked.features.contains(&Feature::Hierarchy) => {
            vec![(within("routing-profile"), routing), (within("agent-group"), group)]
        }
        On::RoutingAndGroups => vec![(within("routing-profile"), routing)],
    };
    let key = match condition {
        If::Always => None,
        If::Claims => Some("aws:RequestTag"),
        If::Own => Some("aws:ResourceTag"),
    };
    let owner = format!("{}/doctor/doctor", asked.cluster.unwrap_or_default());
    let key = key.map(|key| (format!("{key}/{OWNER_TAG}"), owner));
    let needed = |action: &&Action| !action.reads() && action.is_needed(asked.features);
    let ask = |(resource, concerns): (String, Concerns)| {
        let actions = actions.iter().filter(needed).filter(|action| concerns(action.name));
        let actions: Vec<_> = actions.map(Action::full_name).collect();
        (!actions.is_empty()).then(|| Question { actions, resource, key: key.clone() })
    };
    resources.into_iter().filter_map(ask).collect()
}

fn tell(name: &str, told: &[(String, Evaluation)], principal: &str, area: &mut Area<'_>) {
    let Some((resource, refused)) = told.iter().find(|(_, evaluation)| evaluation.decision != Decision::Allowed) else {
        return match told.is_empty() {
            true => area.not_checked(name, "IAM has said nothing of it"),
            false => area.ok(name, "by IAM"),
        };
    };
    let seen = |what: &str| format!("{what} for {principal} on {resource}");
    match refused {
        Evaluation { by_organization: true, .. } => {
            area.found(name, seen("not allowed by the organization"), "ask whoever keeps its service control policies");
        }
        Evaluation { by_boundary: true, .. } => {
            area.found(name, seen("not allowed by the permissions boundary"), POLICY);
        }
        Evaluation { decision: Decision::Forbidden, .. } => {
            area.found(name, seen("forbidden by a policy"), "look for a Deny among its policies");
        }
        Evaluation { .. } => area.found(name, seen("not allowed"), POLICY),
    }
}
