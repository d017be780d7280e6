//! AWS: who we are there, whether the instance answers, which actions are allowed, and what time it is.

use k8s_openapi::jiff::Timestamp;

use super::finding::Area;
use super::permissions::{self, Asked};
use crate::cli::run::is_quotas_endpoint_meant;
use crate::connect::aws::caller::{self, Introduction};
use crate::connect::aws::{self, quotas};
use crate::connect::{Connect, ConnectError, Kind};
use crate::kubectl::iam_policy::table::Feature;
use crate::user::ids::Instance;

/// A clock that is further off is told; AWS refuses signatures that are five minutes old.
const OFF: i64 = 60;
const POLICY: &str = "allow it: kubectl connect iam-policy prints the policy, docs/iam.md explains it";

/// What the cluster says of an instance, and what the person asks for.
pub(super) struct Subject<'a> {
    /// Whether a ConnectInstance of it has quick connects removed.
    pub(super) cleans: bool,
    /// The role that is assumed for it.
    pub(super) role: Option<&'a str>,
    /// Who is to write, if it is neither the role nor the caller.
    pub(super) principal: Option<&'a str>,
    /// What the operator is used for.
    pub(super) features: &'a [Feature],
    /// Name of the cluster in owner tags, if it is known.
    pub(super) cluster: Option<&'a str>,
    /// ARNs of security profiles that its ConnectUsers have.
    pub(super) profiles: Vec<String>,
}

/// All checks of one instance.
pub(super) async fn check(connect: &dyn Connect, instance: &Instance, subject: &Subject<'_>, area: &mut Area<'_>) {
    let config = aws::load(None).await;
    let Introduction { caller, time } = caller::introduce(&config, instance.region()).await;
    let arn = caller.as_ref().ok().map(|caller| caller.arn.clone());
    match caller {
        // The credentials are the role's, of whichever account the caller is; the first call tells whether it is had.
        Ok(caller) if let Some(role) = subject.role => area.ok("identity", format!("{role}, by {}", caller.arn)),
        Ok(caller) if caller.account == instance.account() => area.ok("identity", caller.arn),
        Ok(caller) => area.found(
            "identity",
            format!("{} is of account {}, the instance of {}", caller.arn, caller.account, instance.account()),
            "use credentials of that account, or a role there: assumeRole of a ConnectInstance",
        ),
        Err(error) if error.code == "NoCredentials" => {
            area.found("identity", error.message, "sign in, such as by aws sso login, or set AWS_PROFILE");
            return;
        }
        Err(error) if error.kind == Kind::AccessDenied => {
            area.found("identity", error.to_string(), "the credentials are refused or have expired: sign in again");
        }
        Err(error) => area.not_checked("identity", error.to_string()),
    }
    match time.map(|time| Timestamp::now().as_second() - time) {
        None => area.not_checked("clock", "STS did not answer with a date"),
        Some(off) if off.abs() <= OFF => area.ok("clock", "within a minute of AWS's"),
        Some(off) => {
            let which = if off > 0 { "ahead of" } else { "behind" };
            area.found(
                "clock",
                format!("{} s {which} AWS's; signatures are refused from 300 s on", off.abs()),
                "set this machine's clock, such as by NTP; in a cluster, that of the nodes",
            );
        }
    }
    let first = connect.describe_instance(instance).await.map(drop);
    let answers = told(area, "DescribeInstance", first);
    if answers {
        reads(connect, instance, subject.cleans, area).await;
        match subject.principal.or(subject.role).or(arn.as_deref()) {
            Some(principal) => {
                let asked = Asked {
                    principal,
                    features: subject.features,
                    cluster: subject.cluster,
                    profiles: &subject.profiles,
                };
                permissions::check(&asked, instance, area).await;
            }
            None => area.not_checked("actions that write", "not known for whom: give --principal"),
        }
    } else {
        area.not_checked("other actions", "since the instance does not answer");
    }
    rates(instance, area).await;
}

/// Each action that reads, by calling it.
async fn reads(connect: &dyn Connect, instance: &Instance, quick_connects: bool, area: &mut Area<'_>) {
    let users = connect.list_users(instance, None).await;
    let someone = users.as_ref().ok().and_then(|page| page.items.first()).map(|user| user.id.clone());
    told(area, "ListUsers", users.map(drop));
    told(area, "SearchUsers", connect.search_users(instance, None).await.map(drop));
    match &someone {
        Some(id) => {
            told(area, "DescribeUser", connect.describe_user(instance, id).await.map(drop));
            let proficiencies = connect.list_user_proficiencies(instance, id, None).await;
            told(area, "ListUserProficiencies", proficiencies.map(drop));
        }
        None => {
            for action in ["DescribeUser", "ListUserProficiencies"] {
                area.not_checked(action, "no user is known to call it for");
            }
        }
    }
    told(area, "ListRoutingProfiles", connect.list_routing_profiles(instance, None).await.map(drop));
    told(area, "ListSecurityProfiles", connect.list_security_profiles(instance, None).await.map(drop));
    told(area, "SearchUserHierarchyGroups", connect.search_hierarchy_groups(instance, None).await.map(drop));
    if quick_connects {
        told(area, "SearchQuickConnects", connect.search_quick_connects(instance, None).await.map(drop));
    } else {
        area.not_checked("SearchQuickConnects", "no ConnectInstance of it says quickConnectCleanup");
    }
}

/// Tells how an action did; whether the instance answers.
fn told(area: &mut Area<'_>, action: &str, answer: Result<(), ConnectError>) -> bool {
    let Err(error) = answer else {
        area.ok(action, "");
        return true;
    };
    let seen = error.to_string();
    match error.kind {
        Kind::AccessDenied => {
            area.found(action, seen, POLICY);
            true
        }
        Kind::NotFound => {
            area.found(action, seen, "see whether the ARN is right: Region, account and id");
            false
        }
        Kind::Throttled => {
            area.not_checked(action, "throttled: others use the quota at the moment");
            true
        }
        Kind::Unavailable => {
            let advice = "see whether the endpoint can be reached from here: network, proxy, VPC endpoint, AWS_ENDPOINT_URL_CONNECT";
            area.found(action, seen, advice);
            false
        }
        _ => {
            area.found(action, seen, "see docs/troubleshooting.md");
            true
        }
    }
}

async fn rates(instance: &Instance, area: &mut Area<'_>) {
    const CHECK: &str = "quota";
    if !is_quotas_endpoint_meant() {
        return area
            .not_checked(CHECK, "Amazon Connect is not AWS's own here, so Service Quotas has nothing to say of it");
    }
    match quotas::read(&aws::load(None).await, instance.region()).await {
        Ok(found) => {
            let slow = found.iter().filter(|quota| quota.per_second < 2.0).map(|quota| quota.name.as_str());
            let slow: Vec<_> = slow.collect();
            match slow.is_empty() {
                true => area.ok(CHECK, format!("{} rates are those of AWS or higher", found.len())),
                false => area.found(
                    CHECK,
                    format!("less than 2 calls a second: {}", slow.join(", ")),
                    "ask for more in Service Quotas",
                ),
            }
        }
        Err(code) => {
            area.not_checked(CHECK, format!("ListServiceQuotas: {code}; AWS's default rates are assumed then"));
        }
    }
}
