//! A definition takes every object that the one before took, and means the same by it.

use std::fmt;

use serde_json::{Map, Value, json};

/// How one definition breaks with the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Break {
    /// What was said cannot be said any more, or means something else.
    Changed(String),
    /// A value that was taken is refused. Objects that are stored stay as they are and can be edited elsewhere, since
    /// Kubernetes leaves unchanged values alone, but new ones are refused.
    Tightened(String),
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(what) => write!(f, "changed: {what}"),
            Self::Tightened(what) => write!(f, "tightened: {what}"),
        }
    }
}

/// Everything in which `new` breaks with `old`; both are CustomResourceDefinitions.
pub fn breaks(old: &Value, new: &Value) -> Vec<Break> {
    let mut found = Vec::new();
    for pointer in ["/metadata/name", "/spec/group", "/spec/scope", "/spec/names/kind", "/spec/names/plural"] {
        if old.pointer(pointer) != new.pointer(pointer) {
            found.push(Break::Changed(format!("{pointer} is another")));
        }
    }
    for pointer in ["/spec/names/shortNames", "/spec/names/categories"] {
        lost(pointer, old.pointer(pointer), new.pointer(pointer), &mut found);
    }
    let versions = |of: &Value| of.pointer("/spec/versions").and_then(Value::as_array).cloned().unwrap_or_default();
    for old in versions(old) {
        let name = &old["name"];
        let Some(new) = versions(new).into_iter().find(|new| new["name"] == *name) else {
            found.push(Break::Changed(format!("version {name} is gone")));
            continue;
        };
        for flag in ["served", "storage"] {
            if old[flag] == true && new[flag] != true {
                found.push(Break::Changed(format!("version {name} is not {flag} any more")));
            }
        }
        if old["subresources"] != new["subresources"] {
            found.push(Break::Changed(format!("the subresources of {name} are others")));
        }
        lost("selectableFields", old.get("selectableFields"), new.get("selectableFields"), &mut found);
        let schema = |of: &Value| of.pointer("/schema/openAPIV3Schema").cloned().unwrap_or_default();
        compare("", &schema(&old), &schema(&new), &mut found);
    }
    found
}

/// Members of a list that are not there any more.
fn lost(path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Break>) {
    let list = |of: Option<&Value>| of.and_then(Value::as_array).cloned().unwrap_or_default();
    let new = list(new);
    for gone in list(old).into_iter().filter(|member| !new.contains(member)) {
        found.push(Break::Changed(format!("{path}: {gone} is gone")));
    }
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<Break>) {
    let changed = |what: String| Break::Changed(format!("{path}: {what}"));
    for key in [
        "type",
        "default",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-int-or-string",
    ] {
        if old.get(key) != new.get(key) {
            found.push(changed(format!("{key} was {} and is {}", old[key], new[key])));
        }
    }
    narrower(path, old, new, found);

    let members = |of: &Value| of.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let (old_members, new_members): (Map<_, _>, Map<_, _>) = (members(old), members(new));
    for (name, old) in &old_members {
        match new_members.get(name) {
            Some(new) => compare(&format!("{path}.{name}"), old, new, found),
            None => found.push(changed(format!("{name} is gone"))),
        }
    }
    let required = |of: &Value| of.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in required(new).into_iter().filter(|name| !required(old).contains(name)) {
        found.push(changed(format!("{name} is required now")));
    }
    for below in ["items", "additionalProperties"] {
        match (old.get(below), new.get(below)) {
            (Some(old), Some(new)) => compare(&format!("{path}[]"), old, new, found),
            (None, None) => {}
            _ => found.push(changed(format!("{below} came or went"))),
        }
    }
}

/// Values that are refused now.
fn narrower(path: &str, old: &Value, new: &Value, found: &mut Vec<Break>) {
    let mut tightened = |what: String| found.push(Break::Tightened(format!("{path}: {what}")));
    for (key, most) in [
        ("maxLength", true),
        ("maxItems", true),
        ("maxProperties", true),
        ("maximum", true),
        ("minLength", false),
        ("minItems", false),
        ("minProperties", false),
        ("minimum", false),
    ] {
        let number = |of: &Value| of.get(key).and_then(Value::as_f64);
        let is_narrower = match (number(old), number(new)) {
            (None, Some(_)) => true,
            (Some(old), Some(new)) => {
                if most {
                    new < old
                } else {
                    new > old
                }
            }
            (_, None) => false,
        };
        if is_narrower {
            tightened(format!("{key} was {} and is {}", old[key], new[key]));
        }
    }
    for key in ["pattern", "format"] {
        if new.get(key).is_some() && old.get(key) != new.get(key) {
            tightened(format!("{key} was {} and is {}", old[key], new[key]));
        }
    }
    if old["nullable"] == true && new["nullable"] != true {
        tightened("may not be null any more".to_owned());
    }
    if let Some(values) = new.get("enum").and_then(Value::as_array) {
        match old.get("enum").and_then(Value::as_array) {
            None => tightened("only some values are taken now".to_owned()),
            Some(old) => {
                for gone in old.iter().filter(|value| !values.contains(value)) {
                    tightened(format!("{gone} is not taken any more"));
                }
            }
        }
    }
    let rules = |of: &Value| -> Vec<String> {
        let all = of.get("x-kubernetes-validations").and_then(Value::as_array).cloned().unwrap_or_default();
        all.iter().filter_map(|rule| rule["rule"].as_str().map(str::to_owned)).collect()
    };
    let before = rules(old);
    for rule in rules(new).into_iter().filter(|rule| !before.contains(rule)) {
        tightened(format!("a new rule, {rule}"));
    }
}

/// Tightened on purpose since a release, with the reason: by the whole text of the break.
const TIGHTENED: [(&str, &str); 0] = [];

fn definitions(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_definitions_break_with_no_released_ones() {
    let now = definitions(&read("crds/contactops.dev.yaml"));
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/crd/released");
    let mut releases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        releases += 1;
        for old in definitions(&read(&format!("tests/it/crd/released/{name}"))) {
            let kind = &old["spec"]["names"]["kind"];
            let new = now.iter().find(|new| new["metadata"]["name"] == old["metadata"]["name"]);
            let new = new.unwrap_or_else(|| panic!("{kind} of {name} is gone"));
            let found = breaks(&old, new);
            let meant = |found: &&Break| matches!(found, Break::Tightened(what) if TIGHTENED.iter().any(|(meant, _)| meant == what));
            let found: Vec<String> = found.iter().filter(|found| !meant(found)).map(Break::to_string).collect();
            assert!(found.is_empty(), "{kind} since {name}:\n{}", found.join("\n"));
        }
    }
    assert!(releases > 0);
}

/// The definition of ConnectUser with something done to it.
fn spoilt(pointer: &str, spoil: impl FnOnce(&mut Value)) -> Vec<Break> {
    let old = definitions(&read("tests/it/crd/released/v0.1.0.yaml")).remove(0);
    let mut new = old.clone();
    spoil(new.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")));
    breaks(&old, &new)
}

fn set(key: &'static str, value: Value) -> impl FnOnce(&mut Value) {
    move |schema| schema[key] = value
}

fn remove(key: &'static str) -> impl FnOnce(&mut Value) {
    move |schema| drop(schema.as_object_mut().unwrap().remove(key))
}

const SPEC: &str = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";

#[test]
fn what_says_less_or_something_else_is_found() {
    let at = |path: &str| format!("{SPEC}{path}");
    let cases: Vec<(Vec<Break>, &str)> = vec![
        (spoilt("/spec", set("scope", json!("Cluster"))), "scope"),
        (spoilt("/spec/names", set("shortNames", json!([]))), "cuser"),
        (spoilt("/spec/versions/0", set("name", json!("v1beta1"))), "v1alpha1"),
        (spoilt("/spec/versions/0", set("served", json!(false))), "served"),
        (spoilt("/spec/versions/0", set("selectableFields", json!([]))), ".spec.username"),
        (spoilt("/spec/versions/0", set("subresources", json!({}))), "subresources"),
        (spoilt(&at("/properties"), remove("tags")), "tags is gone"),
        (spoilt(&at("/properties/identityInfo/properties"), remove("mobile")), "mobile is gone"),
        (spoilt(&at("/properties/username"), set("type", json!("integer"))), ".spec.username: type"),
        (spoilt(&at("/properties/deletionPolicy"), set("default", json!("Retain"))), "default"),
        (spoilt(&at("/properties/suspend"), remove("default")), "default"),
        (spoilt(&at(""), set("required", json!(["username", "tags"]))), "\"tags\" is required now"),
        (spoilt(&at("/properties/userProficiencies"), set("x-kubernetes-list-type", json!("atomic"))), "list-type"),
        (
            spoilt(
                &at("/properties/userProficiencies/items"),
                set("required", json!(["attributeName", "attributeValue", "level", "x"])),
            ),
            "[]",
        ),
        (spoilt(&at("/properties/tags"), remove("additionalProperties")), "additionalProperties"),
    ];
    for (found, said) in cases {
        let [Break::Changed(what)] = found.as_slice() else { panic!("{said}: {found:?}") };
        assert!(what.contains(said), "{said}: {what}");
    }
}

#[test]
fn what_takes_less_is_found() {
    let at = |path: &str| format!("{SPEC}{path}");
    let cases: Vec<(Vec<Break>, &str)> = vec![
        (spoilt(&at("/properties/username"), set("maxLength", json!(64))), "maxLength"),
        (spoilt(&at("/properties/username"), set("minLength", json!(3))), "minLength"),
        (spoilt(&at("/properties/routingProfileName"), set("minLength", json!(1))), "minLength"),
        (spoilt(&at("/properties/userProficiencies"), set("maxItems", json!(5))), "maxItems"),
        (spoilt(&at("/properties/tags"), set("maxProperties", json!(10))), "maxProperties"),
        (spoilt(&at("/properties/username"), set("pattern", json!("^a"))), "pattern"),
        (spoilt(&at("/properties/username"), set("format", json!("email"))), "format"),
        (spoilt(&at("/properties/username"), set("enum", json!(["jane"]))), "only some"),
        (spoilt(&at("/properties/adoptionPolicy"), set("enum", json!(["Refuse"]))), "\"Adopt\""),
        (
            spoilt(&at("/properties/username"), set("x-kubernetes-validations", json!([{ "rule": "self != ''" }]))),
            "new rule",
        ),
        (
            spoilt(
                &at("/properties/autoAcceptConfigs/items/properties/channel"),
                set("enum", json!(["VOICE", "CHAT", "TASK"])),
            ),
            "EMAIL",
        ),
    ];
    for (found, said) in cases {
        let [Break::Tightened(what)] = found.as_slice() else { panic!("{said}: {found:?}") };
        assert!(what.contains(said), "{said}: {what}");
    }
}

#[test]
fn what_says_and_takes_more_is_fine() {
    let at = |path: &str| format!("{SPEC}{path}");
    let fine = [
        spoilt(&at("/properties"), set("nickname", json!({ "type": "string", "maxLength": 10 }))),
        spoilt(&at("/properties/username"), set("maxLength", json!(200))),
        spoilt(&at("/properties/username"), remove("maxLength")),
        spoilt(&at("/properties/username"), set("x-kubernetes-validations", json!([]))),
        spoilt(&at("/properties/adoptionPolicy"), set("enum", json!(["Refuse", "Adopt", "Ask"]))),
        spoilt(&at("/properties/username"), set("description", json!("Another."))),
        spoilt(&at(""), set("required", json!([]))),
        spoilt("/spec/names", set("shortNames", json!(["cuser", "cu"]))),
    ];
    for found in fine {
        assert_eq!(found, []);
    }
}
