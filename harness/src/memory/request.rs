//! From a request to an answer: path, query, faults, verb.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response};
use serde_json::{Value, json};

use super::answer::{self, Failure, Reply};
use super::faults::{Harm, strike};
use super::kinds::Kind;
use super::lock;
use super::store::{Key, Store};

type Query = BTreeMap<String, String>;

/// What a request is about.
pub(super) struct Target {
    pub(super) kind: Kind,
    /// Without a name: the collection.
    pub(super) key: Key,
    pub(super) is_status: bool,
}

/// Answers; `None` closes the connection.
pub(super) fn handle(store: &Mutex<Store>, client: &str, parts: &Parts, body: &Bytes) -> Option<Response<Reply>> {
    let store = &mut *lock(store);
    let is_write = parts.method != Method::GET;
    let target = match target(store, parts.uri.path()) {
        Ok(target) => target,
        Err(failure) => return Some(answer::json(failure.code, &failure.to_value())),
    };
    let query = query(parts.uri.query().unwrap_or_default());
    let is_watch = query.get("watch").is_some_and(|watch| watch == "true");
    let harm = if is_watch { None } else { strike(&mut store.faults, client, &target.key.plural, is_write) };
    let failed = |code| {
        let failure = Failure::of_code(code);
        Some(answer::json(code, &failure.to_value()))
    };
    match harm {
        Some(Harm::Refused(code)) => return failed(code),
        Some(Harm::Lost) => return None,
        Some(Harm::AnsweredWrongly(_) | Harm::AnswerLost) | None => {}
    }
    let response = serve(store, client, &target, parts, &query, is_watch, body)
        .unwrap_or_else(|failure| answer::json(failure.code, &failure.to_value()));
    match harm {
        Some(Harm::AnsweredWrongly(code)) => failed(code),
        Some(Harm::AnswerLost) => None,
        _ => Some(response),
    }
}

fn target(store: &Store, path: &str) -> Result<Target, Failure> {
    let unknown = || Failure::new(404, "NotFound", format!("the server could not find the requested resource {path}"));
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let (group, rest) = match segments.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", group, _version, rest @ ..] => (*group, rest),
        _ => return Err(unknown()),
    };
    let (namespace, rest) = match rest {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() && rest != ["status"] => (*namespace, rest),
        rest => ("", rest),
    };
    let (plural, name, subresource) = match rest {
        [plural] => (*plural, "", ""),
        [plural, name] => (*plural, *name, ""),
        [plural, name, subresource] => (*plural, *name, *subresource),
        _ => return Err(unknown()),
    };
    let kind = store.kinds.get(plural).filter(|kind| kind.group == group).ok_or_else(unknown)?.clone();
    match subresource {
        "" => {}
        "status" if kind.has_status => {}
        other => return Err(Failure::unsupported(format_args!("subresource {other} of {plural}"))),
    }
    let key = Key { plural: plural.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() };
    Ok(Target { kind, key, is_status: subresource == "status" })
}

fn query(text: &str) -> Query {
    let decode =
        |text: &str| percent_encoding::percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decode(name), decode(value)))
        .collect()
}

fn serve(
    store: &mut Store,
    client: &str,
    target: &Target,
    parts: &Parts,
    query: &Query,
    is_watch: bool,
    body: &Bytes,
) -> Result<Response<Reply>, Failure> {
    const KNOWN: [&str; 10] = [
        "watch",
        "timeoutSeconds",
        "allowWatchBookmarks",
        "resourceVersion",
        "resourceVersionMatch",
        "limit",
        "continue",
        "fieldManager",
        "force",
        "fieldValidation",
    ];
    if let Some(name) = query.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(Failure::unsupported(format_args!("query parameter {name}")));
    }
    let header =
        |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).unwrap_or_default();
    let only_metadata = header(http::header::ACCEPT).contains("as=PartialObjectMetadata");
    let manager = query.get("fieldManager").map_or("unknown", String::as_str);
    let decoded = || -> Result<Value, Failure> {
        serde_json::from_slice(body)
            .map_err(|error| Failure::new(400, "BadRequest", format!("the body is no JSON: {error}")))
    };
    let shown = |value: Arc<Value>| if only_metadata { answer::metadata_of(&value) } else { (*value).clone() };
    let has_name = !target.key.name.is_empty();
    let (code, value) = match (&parts.method, has_name) {
        (&Method::GET, false) if is_watch => {
            if only_metadata {
                return Err(Failure::unsupported("a watch of metadata"));
            }
            let from = query.get("resourceVersion").and_then(|version| version.parse().ok());
            let from = from.ok_or_else(|| Failure::unsupported("a watch without resourceVersion"))?;
            let timeout = query.get("timeoutSeconds").and_then(|seconds| seconds.parse().ok()).unwrap_or(1800);
            let bookmarks = query.get("allowWatchBookmarks").is_some_and(|asked| asked == "true");
            let Key { plural, namespace, .. } = &target.key;
            let events = store.watch(client, plural, namespace, from, bookmarks);
            return Ok(answer::stream(events, Duration::from_secs(timeout)));
        }
        (&Method::GET, false) if only_metadata => return Err(Failure::unsupported("a list of metadata")),
        (&Method::GET, false) => (200, list(store, client, target, query)?),
        (&Method::GET, true) => (200, shown(store.get(target)?)),
        (&Method::POST, false) => (201, shown(store.create(client, target, manager, decoded()?)?)),
        (&Method::PUT, true) => (200, shown(store.replace(client, target, manager, decoded()?)?)),
        (&Method::PATCH, true) => {
            let patch = decoded()?;
            match header(http::header::CONTENT_TYPE) {
                "application/merge-patch+json" => (200, shown(store.merge(client, target, manager, &patch)?)),
                "application/apply-patch+yaml" if query.get("force").is_some_and(|force| force == "true") => {
                    (200, shown(store.apply(client, target, manager, &patch)?))
                }
                other => return Err(Failure::unsupported(format_args!("a patch of type {other}, or without force"))),
            }
        }
        (&Method::DELETE, true) if !target.is_status => {
            let options = if body.is_empty() { json!({}) } else { decoded()? };
            (200, store.delete(client, target, &options)?)
        }
        (method, _) => return Err(Failure::unsupported(format_args!("{method} of {}", parts.uri.path()))),
    };
    Ok(answer::json(code, &value))
}

/// A list, in pages if that is asked for. Whoever takes any version gets what watches see.
fn list(store: &mut Store, client: &str, target: &Target, query: &Query) -> Result<Value, Failure> {
    let Key { plural, namespace, .. } = &target.key;
    let takes_any = query.get("resourceVersion").is_some_and(|version| version == "0");
    let (version, objects) = match &store.held {
        Some((version, objects)) if takes_any => (*version, objects),
        _ => (store.version, &store.objects),
    };
    let after = query.get("continue").map(String::as_str).unwrap_or_default();
    let limit = query.get("limit").and_then(|limit| limit.parse::<usize>().ok()).filter(|limit| *limit > 0);
    let position = |key: &Key| format!("{}/{}", key.namespace, key.name);
    let first = Key { plural: plural.clone(), namespace: namespace.clone(), name: String::new() };
    let mut matching = objects
        .range(first..)
        .take_while(|(key, _)| key.plural == *plural && (namespace.is_empty() || key.namespace == *namespace))
        .filter(|(key, _)| after.is_empty() || position(key).as_str() > after)
        .peekable();
    let (mut items, mut last) = (Vec::new(), String::new());
    while let Some((key, stored)) = matching.next_if(|_| limit.is_none_or(|limit| items.len() < limit)) {
        items.push((*stored.value).clone());
        last = position(key);
    }
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if let (Some(_), Some(metadata)) = (matching.peek(), metadata.as_object_mut()) {
        metadata.insert("continue".to_owned(), json!(last));
    }
    let value = json!({
        "apiVersion": target.kind.api_version(), "kind": format!("{}List", target.kind.kind),
        "metadata": metadata, "items": items,
    });
    store.note_shown(client, plural, version);
    Ok(value)
}
