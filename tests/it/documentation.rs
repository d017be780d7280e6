//! What the documents say is what the program does: examples are valid, lists are complete, links lead somewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use connect_user_operator::resource::condition::{READY, Reason, conditions};
use k8s_openapi::jiff::Timestamp;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;

use crate::support::cluster;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn files(dir: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(dir)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    assert!(!files.is_empty(), "no .{extension} in {dir}");
    files
}

/// Every document for users and contributors.
fn documents() -> Vec<PathBuf> {
    [files(".", "md"), files("docs", "md"), files("docs/runbooks", "md"), files("simulator", "md")].concat()
}

/// The fenced blocks of a language.
fn fenced(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<(bool, String)> = None;
    for line in text.lines() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(opened)) => open = Some((opened.trim() == language, String::new())),
            (Some(_), Some(_)) => blocks.extend(open.take().filter(|(wanted, _)| *wanted).map(|(_, block)| block)),
            (Some((_, block)), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a fenced block is not closed");
    blocks
}

/// The text below a heading, up to the next heading of its level or above.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let level = heading.split(' ').next().unwrap().len();
    let start = text.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no heading `{heading}`"));
    let body = &text[start + heading.len() + 2..];
    let mut at = 0;
    let mut code = false;
    for line in body.split_inclusive('\n') {
        code ^= line.starts_with("```");
        let hashes = line.chars().take_while(|c| *c == '#').count();
        if !code && (1..=level).contains(&hashes) && line[hashes..].starts_with(' ') {
            break;
        }
        at += line.len();
    }
    &body[..at]
}

/// The rows of tables, without their heads: cells, trimmed.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim().trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let is_rule = |row: &Vec<String>| row.iter().all(|cell| cell.chars().all(|c| "-: ".contains(c)));
    let table: Vec<Vec<String>> = text.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let heads: BTreeSet<usize> =
        table.iter().enumerate().filter(|(_, row)| is_rule(row)).flat_map(|(at, _)| [at - 1, at]).collect();
    table.into_iter().enumerate().filter(|(at, _)| !heads.contains(at)).map(|(_, row)| row).collect()
}

/// What stands between the first two backticks.
fn code(cell: &str) -> Option<&str> {
    cell.split('`').nth(1)
}

// === manifests

/// Applies every object of a manifest as a dry run with strict validation; says how many were ConnectUsers.
async fn try_manifest(client: &Client, namespace: &str, manifest: &str, place: &str) -> usize {
    let objects: Vec<Value> = serde_saphyr::from_multiple(manifest).unwrap_or_else(|error| panic!("{place}: {error}"));
    let mut users = 0;
    for object in objects {
        let mut object: DynamicObject = serde_json::from_value(object).unwrap();
        let types = object.types.clone().unwrap();
        let params = PatchParams { dry_run: true, ..PatchParams::apply("documentation").validation_strict() };
        let kind = |plural| {
            let (group, version) = types.api_version.split_once('/').unwrap_or(("", &types.api_version));
            let gvk = kube::core::GroupVersionKind::gvk(group, version, &types.kind);
            ApiResource::from_gvk_with_plural(&gvk, plural)
        };
        let api: Api<DynamicObject> = match types.kind.as_str() {
            "Namespace" => Api::all_with(client.clone(), &kind("namespaces")),
            "ConnectInstance" => Api::all_with(client.clone(), &kind("connectinstances")),
            "Secret" => Api::namespaced_with(client.clone(), namespace, &kind("secrets")),
            "ConnectUser" => {
                users += 1;
                Api::namespaced_with(client.clone(), namespace, &kind("connectusers"))
            }
            other => panic!("{place}: nobody has told this test how to try a {other}"),
        };
        if !["Namespace", "ConnectInstance"].contains(&types.kind.as_str()) {
            assert!(object.namespace().is_some(), "{place}: {} names no namespace", object.name_any());
            object.meta_mut().namespace = Some(namespace.to_owned());
        }
        let name = object.name_any();
        if let Err(error) = api.patch(&name, &params, &Patch::Apply(&object)).await {
            panic!("{place}: {} {name} is refused: {error}", types.kind);
        }
    }
    users
}

#[tokio::test(flavor = "multi_thread")]
async fn every_manifest_in_documents_and_examples_is_valid() {
    let cluster = cluster().await;
    let client = cluster.client().await;
    let namespace = cluster.namespace("documentation").await;
    let mut in_documents = 0;
    for document in documents() {
        let place = document.display().to_string();
        for block in fenced(&read(&document), "yaml") {
            if block.contains("apiVersion: contactops.dev/") {
                in_documents += try_manifest(&client, &namespace, &block, &place).await;
            }
        }
    }
    assert!(in_documents >= 3, "the README shows how a user is declared");
    for example in files("examples", "yaml") {
        try_manifest(&client, &namespace, &read(&example), &example.display().to_string()).await;
    }
}

// === reasons

/// The closed set, as the code writes it.
const REASONS: [Reason; 18] = [
    Reason::InSync,
    Reason::Creating,
    Reason::Updating,
    Reason::Throttled,
    Reason::QuotaExceeded,
    Reason::AccessDenied,
    Reason::InvalidSpec,
    Reason::ReferenceNotFound,
    Reason::SecretNotFound,
    Reason::UsernameTaken,
    Reason::OwnedByAnother,
    Reason::NotAllowed,
    Reason::Frozen,
    Reason::Drifted,
    Reason::Suspended,
    Reason::Deleting,
    Reason::DeletionHeld,
    Reason::Unavailable,
];

fn reasons() -> BTreeSet<String> {
    let source = read("src/resource/condition.rs");
    let arms = source.lines().filter_map(|line| line.trim().strip_prefix("Self::")?.split_once(" => \""));
    let said: BTreeSet<String> = arms.map(|(_, text)| text.trim_end_matches("\",").to_owned()).collect();
    let known: BTreeSet<String> = REASONS.iter().map(|reason| reason.as_str().to_owned()).collect();
    assert_eq!(known, said, "REASONS in this test is not the enum");
    said
}

/// Ready and what stands beside it, as the README's table writes it.
fn shape(reason: Reason) -> (String, String) {
    let now = Timestamp::UNIX_EPOCH;
    let look = |before: &[_]| conditions(before, reason, "", 1, now);
    let ready = |all: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition]| {
        all.iter().find(|condition| condition.type_ == READY).map(|ready| ready.status.clone()).unwrap()
    };
    let (fresh, after_success) = (look(&[]), look(&conditions(&[], Reason::InSync, "", 1, now)));
    let kept = ready(&fresh) != ready(&after_success);
    let beside = fresh.iter().map(|condition| condition.type_.as_str()).find(|type_| *type_ != READY);
    (if kept { "kept".to_owned() } else { ready(&fresh) }, beside.unwrap_or("–").to_owned())
}

#[test]
fn the_readme_tells_every_reason_and_its_conditions() {
    let readme = read("README.md");
    let table: BTreeMap<String, Vec<String>> = rows(section(&readme, "## Status and reasons"))
        .into_iter()
        .filter_map(|row| Some((code(row.first()?)?.to_owned(), row)))
        .collect();
    assert_eq!(table.keys().cloned().collect::<BTreeSet<_>>(), reasons());
    for reason in REASONS {
        let row = &table[reason.as_str()];
        assert_eq!((row[1].clone(), row[2].clone()), shape(reason), "README's row of {}", reason.as_str());
        assert!(row[3..].iter().all(|cell| !cell.is_empty()), "README's row of {} is incomplete", reason.as_str());
    }
}

#[test]
fn every_reason_has_a_section_on_trouble() {
    let text = read("docs/troubleshooting.md");
    let headings = text.lines().filter_map(|line| code(line.strip_prefix("### ")?));
    assert_eq!(headings.map(str::to_owned).collect::<BTreeSet<_>>(), reasons());
}

// === flags

#[test]
fn the_readme_tells_every_flag_and_its_default() {
    let help = Command::new(env!("CARGO_BIN_EXE_connect-user-operator")).args(["run", "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let mut flags: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in help.lines() {
        let line = line.trim();
        let long = ["-h, ", "-V, "].iter().find_map(|short| line.strip_prefix(short)).unwrap_or(line);
        if long.starts_with("--") {
            let flag = long.split(' ').next().unwrap_or(long).to_owned();
            flags.insert(flag.clone(), None);
            current = Some(flag);
        }
        if let (Some(flag), Some(default)) = (&current, line.strip_prefix("[default: ")) {
            flags.insert(flag.clone(), Some(default.trim_end_matches(']').to_owned()));
        }
    }
    for common in ["--help", "--version"] {
        assert!(flags.remove(common).is_some(), "{help}");
    }
    assert!(flags.len() >= 7, "{help}");
    let readme = read("README.md");
    let table: BTreeMap<String, Vec<String>> = rows(section(&readme, "## Flags"))
        .into_iter()
        .filter_map(|row| Some((code(row.first()?)?.split(' ').next()?.to_owned(), row)))
        .collect();
    assert_eq!(table.keys().collect::<Vec<_>>(), flags.keys().collect::<Vec<_>>());
    for (flag, default) in flags {
        if let Some(default) = default {
            assert_eq!(code(&table[&flag][1]), Some(default.as_str()), "default of {flag} in the README");
        }
    }
}

// === rights

/// The operations of Amazon Connect that the adapter and the plan's calls name.
fn operations() -> BTreeSet<String> {
    const VERBS: [&str; 9] =
        ["Associate", "Create", "Delete", "Describe", "Disassociate", "List", "Search", "Tag", "Untag"];
    let mut sources = vec![root().join("src/connect/aws.rs"), root().join("src/plan/call.rs")];
    sources.extend(files("src/connect/aws", "rs").into_iter().filter(|path| !path.ends_with("tests.rs")));
    let mut found = BTreeSet::new();
    for source in sources {
        for word in read(source).split('"').skip(1).step_by(2) {
            let verb = VERBS.iter().chain(&["Update"]).find(|verb| word.starts_with(**verb));
            let is_name = |rest: &str| rest.starts_with(char::is_uppercase) && rest.chars().all(char::is_alphanumeric);
            if verb.is_some_and(|verb| is_name(&word[verb.len()..])) {
                found.insert(word.to_owned());
            }
        }
    }
    assert!(found.len() >= 20, "{found:?}");
    found
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
        value => value.as_str().into_iter().collect(),
    }
}

#[test]
fn the_policies_allow_every_operation_of_the_code_and_no_other() {
    let text = read("docs/iam.md");
    let mut allowed = BTreeSet::new();
    for block in fenced(&text, "json") {
        let policy: Value = serde_json::from_str(&block).unwrap_or_else(|error| panic!("{error} in {block}"));
        assert_eq!(policy["Version"], "2012-10-17");
        for statement in policy["Statement"].as_array().unwrap() {
            assert!(!strings(&statement["Resource"]).is_empty(), "a statement without Resource: {statement}");
            for action in strings(&statement["Action"]).iter().filter(|_| statement["Effect"] == "Allow") {
                let operation = action.strip_prefix("connect:").unwrap_or_else(|| panic!("{action}"));
                allowed.insert(operation.to_owned());
            }
        }
    }
    assert_eq!(allowed, operations());
    let features = section(&text, "## Which feature needs which action");
    for operation in operations() {
        assert!(features.contains(&format!("`{operation}`")), "no feature in docs/iam.md needs {operation}");
    }
}

// === proofs

/// What stands between backticks, outside of fenced blocks.
fn inline(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|part| part.split('`').skip(1).step_by(2)).collect()
}

/// The file of a module below `tests/it`.
fn module(path: &str) -> PathBuf {
    root().join("tests/it").join(format!("{}.rs", path.replace("::", "/")))
}

#[test]
fn every_test_that_is_named_as_a_proof_exists_and_every_threat_and_invariant_has_a_row() {
    let text = read("docs/security.md");
    let mut named = 0;
    for name in inline(&text) {
        let Some((path, test)) = name.rsplit_once("::") else { continue };
        let source = read(module(path));
        let declared = source.match_indices(&format!("fn {test}(")).any(|(at, _)| {
            let attribute = source[..at].rsplit("\n\n").next().unwrap_or_default();
            attribute.contains("#[test]") || attribute.contains("#[tokio::test")
        });
        assert!(declared, "docs/security.md: there is no test {name}");
        let is_run =
            path.split("::").next().is_some_and(|first| read("tests/it/main.rs").contains(&format!("mod {first};")));
        assert!(is_run, "docs/security.md: {name} is never run");
        named += 1;
    }
    assert!(named > 40, "docs/security.md names {named} tests");
    let numbers =
        |heading: &str| rows(section(&text, heading)).into_iter().map(|row| row[0].clone()).collect::<Vec<_>>();
    assert_eq!(numbers("## Threats"), (1..=13).map(|n| format!("S{n}")).collect::<Vec<_>>());
    assert_eq!(numbers("## Invariants"), (1..=14).map(|n| format!("I{n}")).collect::<Vec<_>>());
    for row in rows(section(&text, "## Threats")).into_iter().chain(rows(section(&text, "## Invariants"))) {
        assert!(row.len() == 4 && row.iter().all(|cell| !cell.is_empty()), "docs/security.md, row {}", row[0]);
    }
}

#[test]
fn every_switch_of_the_simulator_is_a_question_with_commands() {
    let text = read("docs/verify-on-aws.md");
    let parts: Vec<&str> = text.split("\n## ").flat_map(|part| part.split("\n### ")).collect();
    for (switch, ..) in connect_simulator::Switches::TABLE {
        let asked = parts.iter().find(|part| part.contains(&format!("`{switch}`")));
        let asked = asked.unwrap_or_else(|| panic!("docs/verify-on-aws.md does not speak of {switch}"));
        let commands = fenced(asked, "console").concat();
        assert!(commands.contains("aws connect "), "docs/verify-on-aws.md has no command for {switch}");
    }
    for number in 1..=12 {
        assert!(text.contains(&format!("\n## U{number}: ")), "docs/verify-on-aws.md has no U{number}");
    }
}

// === links

/// A heading as GitHub names its anchor.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect()
}

fn anchors(path: &Path) -> BTreeSet<String> {
    let headings = read(path);
    headings
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    for document in documents() {
        let text = read(&document);
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:")) {
            let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() { document.clone() } else { document.parent().unwrap().join(path) };
            assert!(path.exists(), "{}: {target} does not exist", document.display());
            let is_there = fragment.is_empty() || anchors(&path).contains(fragment);
            assert!(is_there, "{}: {target} has no such heading", document.display());
        }
    }
}

#[test]
fn every_document_is_reachable_from_the_readme() {
    let readme = read("README.md");
    for document in files("docs", "md") {
        let name = format!("docs/{}", document.file_name().unwrap().to_string_lossy());
        assert!(readme.contains(&format!("]({name}")), "README.md does not link to {name}");
    }
    assert!(readme.lines().count() < 350, "README.md is too long to be read");
}
