//! The API server in memory against the real one: the same requests, the same answers, apart from uids, times,
//! managedFields and the numbers of versions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use harness::memory::ApiServer;
use http::{Method, Request};
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ObjectMeta, PostParams};
use kube::client::Body;
use kube::{Api, Client};
use serde_json::{Value, json};

use super::dice::Dice;
use super::world::definitions;
use crate::support::{cluster, managed};

const NAMES: [&str; 2] = ["x", "y"];
const SEEDS: u64 = 12;
const REQUESTS: usize = 60;

/// A request with places for what differs between the servers: `UID`, `VERSION` and `OLD` of the object.
struct Ask {
    method: Method,
    path: String,
    content: &'static str,
    only_metadata: bool,
    body: Option<Value>,
}

/// One of the two servers, and what is known of its objects.
struct Side {
    client: Client,
    /// uid, latest version, the one before; by name.
    known: BTreeMap<String, (String, String, String)>,
    /// Objects as they were last answered, without what may differ.
    last: BTreeMap<String, Value>,
}

impl Side {
    async fn ask(&mut self, name: &str, ask: &Ask) -> (u16, Value, bool) {
        let unknown = || ("00000000-0000-4000-8000-000000000000".to_owned(), "1".to_owned(), "1".to_owned());
        let (uid, version, old) = self.known.get(name).cloned().unwrap_or_else(unknown);
        let fill = |text: String| text.replace("UID", &uid).replace("VERSION", &version).replace("OLD", &old);
        let body = ask.body.as_ref().map(|body| fill(body.to_string())).unwrap_or_default();
        let accept = match ask.only_metadata {
            true => "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
            false => "application/json",
        };
        let request = Request::builder().method(ask.method.clone()).uri(&ask.path).header("accept", accept);
        let request = request.header("content-type", ask.content).body(Body::from(body.into_bytes())).unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect_bytes().await.unwrap();
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        let said = |member: &str| answer["metadata"][member].as_str().map(str::to_owned);
        let mut is_new = false;
        if let (true, Some(uid), Some(version)) = (code < 300, said("uid"), said("resourceVersion")) {
            let mut object = answer.clone();
            strip(&mut object);
            is_new = self.known.get(name).is_none_or(|known| known.1 != version);
            let is_same =
                self.last.get(name) == Some(&object) && self.known.get(name).is_some_and(|known| known.0 == uid);
            if !ask.only_metadata {
                self.last.insert(name.to_owned(), object);
            }
            if is_new && is_same {
                // The real server makes a version when nothing but managedFields changes, which are not kept here.
                is_new = false;
                let known = self.known.get_mut(name).unwrap();
                if known.2 == known.1 {
                    known.2.clone_from(&version);
                }
                known.1 = version;
            } else if is_new {
                let old = self.known.get(name).map_or_else(|| version.clone(), |known| known.1.clone());
                self.known.insert(name.to_owned(), (uid, version, old));
            }
        }
        (code, answer, is_new)
    }
}

/// An answer without what may differ.
fn plain(code: u16, mut answer: Value) -> Value {
    if answer["kind"] == "Status" {
        // What a failure is about is said in words of its own.
        return json!({ "code": code, "status": answer["status"], "reason": answer["reason"] });
    }
    if let Some(items) = answer.get_mut("items").and_then(Value::as_array_mut) {
        items.iter_mut().for_each(strip);
        let more = answer["metadata"].get("continue").is_some_and(|token| token != "");
        return json!({ "code": code, "kind": answer["kind"], "items": answer["items"], "more": more });
    }
    strip(&mut answer);
    json!({ "code": code, "object": answer })
}

fn strip(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    metadata.remove("managedFields");
    for member in ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"] {
        if let Some(value) = metadata.get_mut(member) {
            *value = json!("some");
        }
    }
}

fn ask(dice: &mut Dice, namespace: &str, name: &str) -> Ask {
    let all = format!("/apis/contactops.dev/v1alpha1/namespaces/{namespace}/connectusers");
    let one = format!("{all}/{name}");
    let status = format!("{one}/status");
    let (json_, merge, apply) = ("application/json", "application/merge-patch+json", "application/apply-patch+yaml");
    let make =
        |method, path: &str, content, body| Ask { method, path: path.to_owned(), content, only_metadata: false, body };
    let mut object = managed(name, "jane.doe");
    let first = *dice.pick(&["Jane", "Joan", "June"]);
    object["spec"]["identityInfo"]["firstName"] = json!(first);
    if dice.one_in(3) {
        object["spec"]["tags"] = json!({ "team": *dice.pick(&["a", "b"]) });
        object["status"] = json!({ "userId": "forged" });
    }
    let version = *dice.pick(&["VERSION", "VERSION", "VERSION", "OLD"]);
    let uid = *dice.pick(&["UID", "UID", "UID", "00000000-0000-4000-8000-000000000000"]);
    let finalizers = [
        json!(["contactops.dev/connect-user"]),
        json!(["contactops.dev/connect-user", "example.com/other"]),
        json!([]),
    ];
    match dice.below(20) {
        0..4 => {
            if dice.one_in(2) {
                object["metadata"]["finalizers"] = dice.pick(&finalizers).clone();
            }
            make(Method::POST, &all, json_, Some(object))
        }
        4 => make(Method::GET, &one, json_, None),
        5 => Ask { only_metadata: true, ..make(Method::GET, &one, json_, None) },
        6 => make(Method::GET, &format!("{all}?limit={}", dice.below(3)), json_, None),
        7..9 => {
            if !dice.one_in(6) {
                object["metadata"]["resourceVersion"] = json!(version);
            }
            make(Method::PUT, &one, json_, Some(object))
        }
        9 => {
            object["metadata"]["resourceVersion"] = json!(version);
            object["status"] = json!({ "observedGeneration": 1, "userId": *dice.pick(&["u-1", "u-2"]) });
            make(Method::PUT, &format!("{status}?fieldManager=somebody"), json_, Some(object))
        }
        10 => {
            // Not null: the real server makes a version of its own for the change of ownership, which is not kept here.
            let value = dice.pick(&[json!(true), json!(false)]).clone();
            make(
                Method::PATCH,
                &one,
                merge,
                Some(json!({ "spec": { "suspend": value }, "status": { "userId": "no" } })),
            )
        }
        11 => {
            let value = dice.pick(&[json!("true"), Value::Null]).clone();
            make(
                Method::PATCH,
                &one,
                merge,
                Some(json!({ "metadata": { "annotations": { "example.com/note": value } } })),
            )
        }
        12..14 => {
            let metadata =
                json!({ "uid": uid, "resourceVersion": version, "finalizers": dice.pick(&finalizers).clone() });
            let body = json!({ "metadata": metadata });
            Ask {
                only_metadata: dice.one_in(2),
                ..make(Method::PATCH, &format!("{one}?fieldManager=connect-user-operator"), merge, Some(body))
            }
        }
        14 => make(
            Method::PATCH,
            &status,
            merge,
            Some(json!({ "status": { "userId": "u-3" }, "spec": { "suspend": true } })),
        ),
        15..18 => {
            let condition = |type_: &str, status: &str, message: &str| json!({ "type": type_, "status": status, "reason": "Because", "message": message, "lastTransitionTime": "2026-01-01T00:00:00Z" });
            let mut said =
                json!({ "conditions": [condition("Ready", if dice.one_in(2) { "True" } else { "False" }, first)] });
            if dice.one_in(2) {
                said["conditions"].as_array_mut().unwrap().push(condition("Stalled", "True", "x"));
            }
            if dice.one_in(2) {
                said["observedGeneration"] = json!(dice.between(1, 2));
            }
            if dice.one_in(2) {
                said["userId"] = json!(*dice.pick(&["u-1", "u-2"]));
            }
            if dice.one_in(2) {
                said["applied"] = dice
                    .pick(&[json!({ "fields": ["a"], "generation": 1 }), json!({ "fields": ["a", "b"] }), json!({})])
                    .clone();
            }
            let mut metadata = json!({ "uid": uid });
            if !dice.one_in(3) {
                metadata["resourceVersion"] = json!(version);
            }
            let body = json!({ "apiVersion": "contactops.dev/v1alpha1", "kind": "ConnectUser", "metadata": metadata, "status": said });
            make(Method::PATCH, &format!("{status}?fieldManager=connect-user-operator&force=true"), apply, Some(body))
        }
        _ => {
            let body = dice.pick(&[None, Some(json!({ "preconditions": { "uid": uid } }))]).clone();
            let options = |body: Value| {
                let mut body = body;
                body["apiVersion"] = json!("v1");
                body["kind"] = json!("DeleteOptions");
                body
            };
            make(Method::DELETE, &one, json_, body.map(options))
        }
    }
}

/// All events since a version, without what may differ.
async fn events(side: &Side, namespace: &str, from: &str) -> Vec<Value> {
    let path = format!(
        "/apis/contactops.dev/v1alpha1/namespaces/{namespace}/connectusers?watch=true&resourceVersion={from}&timeoutSeconds=2"
    );
    let request = Request::get(path).body(Body::empty()).unwrap();
    let bytes = side.client.send(request).await.unwrap().into_body().collect_bytes().await.unwrap();
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let mut last = BTreeMap::new();
    lines
        .map(|line| {
            let mut event: Value = serde_json::from_slice(line).unwrap();
            strip(&mut event["object"]);
            event
        })
        // A change of managedFields alone, which are not kept here.
        .filter(|event| {
            let name = event["object"]["metadata"]["name"].to_string();
            last.insert(name, event.clone())
                .is_none_or(|before| before["object"] != event["object"] || event["type"] != "MODIFIED")
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_in_memory_answers_as_the_real_one_does() {
    let cluster = cluster().await;
    let namespace = cluster.namespace("differential").await;
    let server = ApiServer::new(&definitions(), Arc::new(Timestamp::now));
    let mut sides = [cluster.client().await, server.client("test", None)].map(|client| Side {
        client,
        known: BTreeMap::new(),
        last: BTreeMap::new(),
    });
    let metadata = ObjectMeta { name: Some(namespace.clone()), ..ObjectMeta::default() };
    let object = Namespace { metadata, ..Namespace::default() };
    Api::<Namespace>::all(sides[1].client.clone()).create(&PostParams::default(), &object).await.unwrap();

    let list = format!("/apis/contactops.dev/v1alpha1/namespaces/{namespace}/connectusers");
    let mut from = Vec::new();
    for side in &sides {
        let request = Request::get(&list).body(Vec::new()).unwrap();
        let mut all = side.client.request::<Value>(request).await;
        // A definition was established a moment ago, and its storage is still getting ready.
        for _ in 0..100 {
            if !matches!(&all, Err(kube::Error::Api(status)) if status.code == 429) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            all = side.client.request(Request::get(&list).body(Vec::new()).unwrap()).await;
        }
        let all = all.unwrap();
        from.push(all["metadata"]["resourceVersion"].as_str().unwrap().to_owned());
    }
    let mut codes = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        for number in 0..REQUESTS {
            let name = *dice.pick(&NAMES);
            let ask = ask(&mut dice, &namespace, name);
            let [real, memory] = &mut sides;
            let (real, memory) = (real.ask(name, &ask).await, memory.ask(name, &ask).await);
            *codes.entry((ask.method.to_string(), real.0)).or_insert(0) += 1;
            let what = format!("seed {seed}, request {number}: {} {} {:?}", ask.method, ask.path, ask.body);
            assert_eq!(plain(memory.0, memory.1), plain(real.0, real.1), "{what}");
            assert_eq!(memory.2, real.2, "{what}: whether there is a new version");
        }
    }
    let (real, memory) = (events(&sides[0], &namespace, &from[0]).await, events(&sides[1], &namespace, &from[1]).await);
    assert!(real.len() > 100, "{}", real.len());
    for (number, (memory, real)) in memory.iter().zip(&real).enumerate() {
        assert_eq!(memory, real, "event {number}");
    }
    assert_eq!(memory.len(), real.len());
    // What was compared: every verb, with success and with each refusal that matters.
    for (method, code) in [
        ("POST", 201),
        ("POST", 409),
        ("PUT", 200),
        ("PUT", 409),
        ("PATCH", 200),
        ("PATCH", 404),
        ("PATCH", 409),
        ("PATCH", 422),
        ("DELETE", 200),
        ("DELETE", 404),
        ("DELETE", 409),
        ("GET", 404),
    ] {
        assert!(codes.contains_key(&(method.to_owned(), code)), "{method} {code} never came up: {codes:?}");
    }
}
