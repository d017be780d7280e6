//! `kubectl connect report`: what somebody else needs to see to help, without what is personal.

mod bundle;
mod configuration;
mod pseudonyms;
mod redact;

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use self::bundle::Entry;
use self::pseudonyms::Pseudonyms;
use self::redact::Discreet;
use super::cluster::operator::{LABEL, Whereabouts, metrics};
use super::cluster::{Cluster, Scope};
use super::terminal::progress::Progress;
use super::terminal::text::count;
use super::terminal::{Color, Screen};
use super::{Ended, Error};
use crate::causes::Causes;
use crate::resource::GROUP;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;

/// Objects that are read at a time.
const PAGE: u32 = 500;
/// How the operator's own objects are called where they have no label.
const NAME: &str = "connect-user-operator";

const EXAMPLES: &str = "Examples:
  # An archive in this folder, with other names for all people
  kubectl connect report -A --pseudonyms

  # A folder to look through, of one namespace
  kubectl connect report -n emea-support --output connect-report

Taken out: everything in identityInfo, phone numbers, Secrets and their names, directory ids, values of tags, of foreign \
labels and annotations and of foreign variables of the environment, and external ids of roles; the same values are taken \
out of conditions and events. Secrets and logs are not read at all. Usernames, names of objects, ARNs and account ids stay; \
--pseudonyms replaces usernames and names of objects. Look through it before you send it.";

/// Write a bundle for a bug report, without personal data.
///
/// Objects with their statuses, events, metrics, and how the operator is installed: arguments, rights, definitions.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Where to: an archive if it ends in .tar.gz or .tgz, else a new folder. By default an archive in this folder.
    #[arg(long, value_name = "PATH")]
    output: Option<PathBuf>,

    /// Replace usernames and names of objects by user-0001, object-0001 and so on.
    #[arg(long)]
    pseudonyms: bool,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    place: Whereabouts,
}

/// What is collected, and what could not be.
#[derive(Default)]
struct Collected {
    entries: Vec<(String, Value)>,
    missing: Vec<String>,
}

impl Collected {
    fn add(&mut self, name: &str, found: Result<Vec<Value>, String>) {
        match found {
            Ok(values) => self.entries.push((name.to_owned(), Value::Array(values))),
            Err(why) => self.missing.push(format!("{name}: {why}")),
        }
    }
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
#[error("{} cannot be written; nothing that exists is written over", path.display())]
pub(super) struct NotWritten {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

pub(super) async fn run(arguments: Arguments, color: Color) -> Result<Ended, Error> {
    let mut progress = Progress::new(Screen::stderr(color));
    let cluster = Cluster::open(&arguments.scope.connection).await?;
    let now = Timestamp::now();
    progress.tell("reading objects");
    let users = objects::<ConnectUser>(&cluster, &arguments.scope).await;
    let raw = users.as_ref().map(Vec::as_slice).unwrap_or_default();
    let pseudonyms = if arguments.pseudonyms { Pseudonyms::of(raw) } else { Pseudonyms::default() };
    let mut collected = Collected::default();
    let discreet: HashMap<String, Discreet> = raw.iter().map(|user| (uid(user), Discreet::about(user))).collect();
    let shown = users.as_ref().map(|users| users.iter().map(redact::object).collect()).map_err(Clone::clone);
    collected.add("connectusers.json", shown);
    let everywhere = Scope { all_namespaces: true, ..Scope::default() };
    let instances = objects::<ConnectInstance>(&cluster, &everywhere).await;
    collected.add("connectinstances.json", instances.map(|all| all.iter().map(redact::object).collect()));
    progress.tell("reading events");
    collected.add("events.json", events(&cluster, &arguments.scope, &discreet).await);
    progress.tell("reading configuration");
    configuration(&cluster, &arguments.place, &mut collected).await;
    let mut entries: Vec<Entry> = Vec::new();
    for (name, value) in &collected.entries {
        let value = if pseudonyms.is_empty() { value.clone() } else { pseudonyms.value(value) };
        let text = serde_json::to_string_pretty(&value).map_err(|error| Error::Output(error.into()))?;
        entries.push((name.clone(), format!("{text}\n")));
    }
    match metrics(&cluster, &arguments.place).await {
        Ok(texts) => {
            let named = texts.into_iter().enumerate();
            entries.extend(named.map(|(at, text)| (format!("metrics-{}.txt", at + 1), pseudonyms.text(&text))));
        }
        Err(why) => collected.missing.push(format!("metrics: {why}")),
    }
    let version = cluster.client.apiserver_version().await.map(|version| version.git_version);
    let about = about(
        &arguments,
        now,
        &version.unwrap_or_else(|error| Causes(&error).to_string()),
        &entries,
        &collected.missing,
    );
    entries.insert(0, ("README.txt".to_owned(), about));
    progress.clear();
    let path = arguments
        .output
        .unwrap_or_else(|| PathBuf::from(now.strftime("connect-report-%Y%m%d-%H%M%S.tar.gz").to_string()));
    bundle::write(&path, &entries, u64::try_from(now.as_second()).unwrap_or_default())
        .map_err(|source| NotWritten { path: path.clone(), source })?;
    for missing in &collected.missing {
        progress.say(&format!("not in it: {missing}"));
    }
    progress.say(&format!("{}; look through it before you send it", count(entries.len(), "file")));
    writeln!(std::io::stdout(), "{}", path.display())?;
    Ok(Ended::Well)
}

/// Objects as they are, also those that this version does not understand.
async fn objects<T>(cluster: &Cluster, scope: &Scope) -> Result<Vec<Value>, String>
where
    T: Resource<DynamicType = ()>,
{
    let resource = ApiResource::erase::<T>(&());
    let namespace = scope.namespace.as_ref().unwrap_or(&cluster.namespace);
    let api: Api<DynamicObject> = match scope.all_namespaces {
        true => Api::all_with(cluster.client.clone(), &resource),
        false => Api::namespaced_with(cluster.client.clone(), namespace, &resource),
    };
    let mut params = ListParams { label_selector: scope.selector.clone(), ..ListParams::default().limit(PAGE) };
    let mut all = Vec::new();
    loop {
        let page = api.list(&params).await.map_err(|error| Causes(&error).to_string())?;
        for mut object in page.items {
            // A list does not repeat the kind for each.
            object.types =
                Some(kube::core::TypeMeta { api_version: resource.api_version.clone(), kind: resource.kind.clone() });
            all.push(json!(object));
        }
        params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
        if params.continue_token.is_none() {
            return Ok(all);
        }
    }
}

fn uid(object: &Value) -> String {
    object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned()
}

async fn events(cluster: &Cluster, scope: &Scope, discreet: &HashMap<String, Discreet>) -> Result<Vec<Value>, String> {
    let api: Api<Event> = cluster.api(scope);
    let found = api.list(&ListParams::default()).await.map_err(|error| Causes(&error).to_string())?;
    let nothing = Discreet::about(&Value::Null);
    let ours = |event: &Event| {
        event
            .regarding
            .as_ref()
            .and_then(|about| about.api_version.as_deref())
            .is_some_and(|version| version.starts_with(GROUP))
    };
    let told = found.items.into_iter().filter(ours).map(|event| {
        let regarding = event.regarding.unwrap_or_default();
        let discreet = regarding.uid.as_ref().and_then(|uid| discreet.get(uid)).unwrap_or(&nothing);
        json!({
            "namespace": event.metadata.namespace,
            "regarding": { "kind": regarding.kind, "namespace": regarding.namespace, "name": regarding.name, "uid": regarding.uid },
            "eventTime": event.event_time,
            "series": event.series,
            "type": event.type_,
            "reason": event.reason,
            "action": event.action,
            "note": event.note.map(|note| discreet.text(&note)),
            "reportingController": event.reporting_controller,
        })
    });
    Ok(told.collect())
}

async fn configuration(cluster: &Cluster, place: &Whereabouts, into: &mut Collected) {
    let (workload, right) = (configuration::workload, configuration::right);
    into.add("deployments.json", own::<Deployment>(cluster, place, workload).await);
    into.add("pods.json", own::<Pod>(cluster, place, workload).await);
    into.add("roles.json", own::<Role>(cluster, place, right).await);
    into.add("rolebindings.json", own::<RoleBinding>(cluster, place, right).await);
    into.add("clusterroles.json", every::<ClusterRole>(cluster, right).await);
    into.add("clusterrolebindings.json", every::<ClusterRoleBinding>(cluster, right).await);
    let definitions = list(&Api::<CustomResourceDefinition>::all(cluster.client.clone())).await;
    let definitions = definitions.map(|all| {
        let ours =
            all.into_iter().filter(|definition| definition.pointer("/spec/group").is_some_and(|group| group == GROUP));
        ours.map(|definition| {
            let mut shown = configuration::named(&definition);
            shown.insert("versions".to_owned(), definition.pointer("/spec/versions").cloned().unwrap_or_default());
            shown.insert("status".to_owned(), definition.get("status").cloned().unwrap_or_default());
            Value::Object(shown)
        })
        .collect()
    });
    into.add("definitions.json", definitions);
}

/// The operator's own objects of a namespaced kind.
async fn own<T>(cluster: &Cluster, place: &Whereabouts, show: fn(&Value) -> Value) -> Result<Vec<Value>, String>
where
    T: Resource<DynamicType = (), Scope = kube::core::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug,
{
    let api: Api<T> = match &place.operator_namespace {
        Some(namespace) => Api::namespaced(cluster.client.clone(), namespace),
        None => Api::all(cluster.client.clone()),
    };
    Ok(list(&api).await?.iter().filter(|object| is_own(object)).map(show).collect())
}

async fn every<T>(cluster: &Cluster, show: fn(&Value) -> Value) -> Result<Vec<Value>, String>
where
    T: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope>
        + Clone
        + DeserializeOwned
        + Serialize
        + std::fmt::Debug,
{
    let api: Api<T> = Api::all(cluster.client.clone());
    Ok(list(&api).await?.iter().filter(|object| is_own(object)).map(show).collect())
}

async fn list<T>(api: &Api<T>) -> Result<Vec<Value>, String>
where
    T: Resource<DynamicType = ()> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
{
    let found = api.list(&ListParams::default()).await.map_err(|error| Causes(&error).to_string())?;
    Ok(found
        .items
        .into_iter()
        .map(|object| {
            let mut value = json!(object);
            if let Value::Object(members) = &mut value {
                members.insert("kind".to_owned(), json!(T::kind(&())));
            }
            value
        })
        .collect())
}

/// By its label, or by its name where it was made from deploy/.
fn is_own(object: &Value) -> bool {
    let (key, value) = LABEL.split_once('=').unwrap_or_default();
    let labels = object.pointer("/metadata/labels").and_then(|labels| labels.get(key));
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    labels.is_some_and(|label| label == value) || name.starts_with(NAME)
}

fn about(arguments: &Arguments, now: Timestamp, version: &str, entries: &[Entry], missing: &[String]) -> String {
    let mut text = format!(
        "Report of kubectl connect {} at {now}\nAPI server: {version}\nUsernames and names of objects: {}\n\n{EXAMPLES}\n\nFiles:\n",
        env!("CARGO_PKG_VERSION"),
        if arguments.pseudonyms { "replaced by pseudonyms" } else { "as they are" },
    );
    for (name, content) in entries {
        text.push_str(&format!("  {name}, {} bytes\n", content.len()));
    }
    if !missing.is_empty() {
        text.push_str("\nNot collected:\n");
        missing.iter().for_each(|missing| text.push_str(&format!("  {missing}\n")));
    }
    text
}
