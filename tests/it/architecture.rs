//! Who may use whom, read from the sources themselves.

mod scan;

use std::fs;
use std::path::{Path, PathBuf};

use self::scan::{Found, Source};

/// The modules, each of which uses only those before it.
const ORDER: [&str; 14] = [
    "causes",
    "resource",
    "user",
    "plan",
    "connect",
    "pace",
    "inventory",
    "policy",
    "metrics",
    "lead",
    "controller",
    "serve",
    "cli",
    "kubectl",
];

/// What decides: the same in, the same out.
const PURE: [&str; 3] = ["user", "plan", "policy"];
/// The same in a module that also acts.
const PURE_FILES: [&str; 4] = ["src/pace/budget.rs", "src/pace/limits.rs", "src/pace/queue.rs", "src/lead/election.rs"];

/// The crates that may be used where decisions are made: types, traits and their serialisation.
const HARMLESS: [&str; 7] = ["k8s_openapi", "schemars", "serde", "serde_json", "thiserror", "zeroize", "regex"];

/// Parts of the standard library that see or touch the world, or iterate in an order of chance.
const WORLDLY: [&[&str]; 11] = [
    &["std", "env"],
    &["std", "fs"],
    &["std", "io"],
    &["std", "net"],
    &["std", "os"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["std", "collections", "HashMap"],
    &["std", "collections", "HashSet"],
];

const LONGEST: usize = 450;

/// The crates of AWS are used in the adapter and nowhere else.
fn aws_outside_connect(source: &Source) -> Vec<Found> {
    if source.file.starts_with("src/connect/") {
        return Vec::new();
    }
    source.found(|path| path.crate_name().is_some_and(|name| name.starts_with("aws_")))
}

/// No clock, no chance, no I/O: no crates but a few, and not all of the standard library.
fn impure(source: &Source) -> Vec<Found> {
    let crates: &[&str] = match source.module() {
        Some(module) if PURE.contains(&module) => &[],
        _ if PURE_FILES.contains(&source.file.as_str()) => &[],
        // The Kubernetes face of a user is made of kube's types.
        Some("resource") => &["kube"],
        _ => return Vec::new(),
    };
    source.found(|path| {
        let known = ["std", "core", "alloc"].into_iter().chain(HARMLESS).chain(crates.iter().copied());
        let alien = path.crate_name().is_some_and(|name| !known.into_iter().any(|known| known == name));
        let std: Vec<&str> = path.absolute.iter().map(|part| if part == "core" { "std" } else { part }).collect();
        let worldly = WORLDLY.iter().any(|forbidden| std.starts_with(forbidden))
            || ["time", "collections"].into_iter().any(|part| std == ["std", part, "*"]);
        let now = path.absolute.len() > 1 && path.absolute.last().is_some_and(|last| last == "now");
        alien || worldly || now
    })
}

/// Arguments and environment are read where commands are, and nowhere else.
fn environment_outside_cli(source: &Source) -> Vec<Found> {
    if ["cli", "kubectl"].map(Some).contains(&source.module()) {
        return Vec::new();
    }
    source.found(|path| path.absolute.starts_with(&["std".into(), "env".into()]) || path.crate_name() == Some("clap"))
}

/// Each module uses only itself and those before it.
fn against_the_order(source: &Source) -> Vec<Found> {
    let Some(own) = source.module().and_then(place) else { return Vec::new() };
    source.found(|path| match path.absolute.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        // Everything at once: whatever that is, it is not only what comes before.
        ["crate", "*"] => true,
        ["crate", module, ..] => place(module).is_some_and(|other| other > own),
        _ => false,
    })
}

fn place(module: &str) -> Option<usize> {
    ORDER.iter().position(|other| *other == module)
}

fn too_long(source: &Source) -> Vec<Found> {
    let lines = source.text.lines().count();
    let found = Found { file: source.file.clone(), line: lines, what: format!("more than {LONGEST} lines") };
    (lines > LONGEST).then_some(found).into_iter().collect()
}

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Everything under `src`.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let crates = scan::dependencies(&manifest);
    let mut files = Vec::new();
    rust_files(&root.join("src"), &mut files);
    files.sort();
    let relative = |file: &Path| file.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
    files.iter().map(|file| Source::new(&relative(file), &fs::read_to_string(file).unwrap(), &crates)).collect()
}

#[track_caller]
fn nowhere(rule: fn(&Source) -> Vec<Found>) {
    let found: Vec<String> = sources().iter().flat_map(rule).map(|found| found.to_string()).collect();
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn aws_is_known_to_the_adapter_only() {
    nowhere(aws_outside_connect);
}

#[test]
fn what_decides_sees_neither_clock_nor_chance_nor_world() {
    nowhere(impure);
}

#[test]
fn arguments_and_environment_are_read_in_cli_only() {
    nowhere(environment_outside_cli);
}

#[test]
fn modules_use_only_those_before_them() {
    nowhere(against_the_order);
}

#[test]
fn no_file_is_too_long() {
    nowhere(too_long);
}

#[test]
fn the_library_lists_its_modules_in_order() {
    let sources = sources();
    let library = sources.iter().find(|source| source.file == "src/lib.rs").unwrap();
    let listed = library.modules();
    let in_order: Vec<&str> = ORDER.into_iter().filter(|module| listed.iter().any(|other| other == module)).collect();
    assert_eq!(listed, in_order, "src/lib.rs lists other modules, or in another order, than this test knows");
    let files = sources.iter().filter_map(|source| source.file.strip_prefix("src/")?.strip_suffix(".rs"));
    let top = files.filter(|name| !name.contains('/') && !["lib", "main"].contains(name));
    for module in top {
        assert!(listed.iter().any(|other| other == module), "src/{module}.rs is not in src/lib.rs");
    }
    // The scan does see something: uses that are known to be there.
    let uses = |file: &str, path: &str| {
        let source = sources.iter().find(|source| source.file == file).unwrap();
        !source.found(|found| found.absolute.join("::").starts_with(path)).is_empty()
    };
    assert!(uses("src/plan/diff.rs", "crate::user::ownership::Owned"));
    assert!(uses("src/connect/aws.rs", "aws_sdk_connect::Client"));
}

/// A file with one line that breaks a rule.
fn broken(rule: fn(&Source) -> Vec<Found>, file: &str, text: &str) -> bool {
    let crates = ["aws-config", "aws-sdk-connect", "clap", "k8s-openapi", "kube", "rand", "serde", "tokio"];
    !rule(&Source::new(file, text, &crates.map(str::to_owned))).is_empty()
}

#[test]
fn a_use_of_aws_is_found_in_every_form() {
    for text in [
        "use aws_sdk_connect::Client;",
        "use aws_config as config;",
        "use {serde::Serialize, aws_sdk_connect::{types::{self, User}, Client}};",
        "pub use ::aws_config::SdkConfig;",
        "fn f(c: &aws_sdk_connect::Client) {}",
        "fn f() -> Vec<aws_config::SdkConfig> { todo!() }",
        "extern crate aws_config;",
        "#[tokio::test] async fn t() { let c = aws_config :: load_defaults(v).await; }",
    ] {
        assert!(broken(aws_outside_connect, "src/controller/execute.rs", text), "{text}");
        assert!(broken(aws_outside_connect, "src/connect.rs", text), "{text}");
        assert!(!broken(aws_outside_connect, "src/connect/aws.rs", text), "{text}");
    }
    for text in [
        "const TARGETS: [&str; 1] = [\"aws_config::x\"];",
        "let a = r#\"use aws_config::x; \"# ; let b = b\"aws_config::x\"; let c = '\"'; // \"",
        "// use aws_config::x;\n/* use /* nested */ aws_config::x; */ /// aws_config::x",
        "rustls::crypto::aws_lc_rs::default_provider();",
        "fn f<'a>(aws_config: &'a str) { g(aws_config); x.aws_config::<u8>(); }",
    ] {
        assert!(!broken(aws_outside_connect, "src/cli/run.rs", text), "{text}");
    }
}

#[test]
fn clock_chance_and_world_are_found_in_every_form() {
    for text in [
        "use std::time::Instant;",
        "use std::time::{Duration, SystemTime as Clock};",
        "use std::time::*;",
        "use std::{fmt, time::{self, Duration}}; fn f() { time::Instant::now(); }",
        "fn f() { core::time::Instant::x(); }",
        "fn f() { k8s_openapi::jiff::Timestamp::now(); }",
        "fn f() { Timestamp::now(); }",
        "use rand::random;",
        "fn f() { rand::random::<f64>(); }",
        "use tokio::sync::Mutex;",
        "#[tokio::test] async fn t() {}",
        "use std::fs;",
        "fn f() { std::env::var(\"X\"); }",
        "use std::collections::{BTreeMap, HashMap};",
        "mod tests { use aws_config::SdkConfig; }",
    ] {
        for file in
            ["src/user/ids.rs", "src/plan.rs", "src/plan/diff/tests.rs", "src/policy.rs", "src/resource/user.rs"]
                .into_iter()
                .chain(PURE_FILES)
        {
            assert!(broken(impure, file, text), "{file}: {text}");
        }
        assert!(!broken(impure, "src/controller/backoff.rs", text), "{text}");
    }
    let kube = "use kube::CustomResource;";
    assert!(broken(impure, "src/user/ids.rs", kube));
    assert!(!broken(impure, "src/resource/user.rs", kube));
    for text in [
        "use std::time::Duration; use std::collections::BTreeMap; use serde::Serialize;",
        "use k8s_openapi::jiff::Timestamp; fn f(now: Timestamp) { g(now); rand(now) }",
        "use super::rand; fn f() { super::tokio::x(); self::kube::y(); }",
    ] {
        assert!(!broken(impure, "src/plan/report.rs", text), "{text}");
    }
}

#[test]
fn a_use_against_the_order_is_found_in_every_form() {
    for (file, text) in [
        ("src/user/ids.rs", "use crate::plan::Plan;"),
        ("src/user/ids.rs", "use crate::{resource::status, plan::call::Call};"),
        ("src/user/ids.rs", "use super::super::plan;"),
        ("src/user.rs", "pub use super::controller::Context;"),
        ("src/user.rs", "mod tests { use super::super::plan::Plan; }"),
        ("src/user.rs", "mod tests { use super::*; mod deep { use super::super::super::plan::Plan; } }"),
        ("src/user.rs", "use super::*;"),
        ("src/plan/diff.rs", "fn f(c: &dyn crate::connect::Connect) {}"),
        ("src/plan/diff/tests.rs", "use crate::*;"),
        ("src/connect/aws.rs", "pub(in crate::connect) fn f() -> crate::pace::Budget {}"),
        ("src/serve.rs", "use crate as all; use crate::cli::run;"),
        ("src/plan.rs", "macro_rules! m { () => { $crate::connect::x() }; }"),
    ] {
        assert!(broken(against_the_order, file, text), "{file}: {text}");
    }
    for (file, text) in [
        ("src/user/ids.rs", "use super::desired::DesiredUser; use crate::resource::status;"),
        ("src/user/ids.rs", "mod tests { use super::*; use super::super::identity; fn plan() { plan::x(); } }"),
        ("src/plan/diff/tests.rs", "use super::*; use crate::user::ids; /// [`crate::controller`]\nfn f() {}"),
        ("src/cli/run.rs", "use crate::{controller::Context, serve};"),
        ("src/connect/aws.rs", "pub(in crate::connect) fn f() {} pub(crate) fn g() {} pub(super) fn h() {}"),
        ("src/lib.rs", "pub mod resource; pub mod cli;"),
    ] {
        assert!(!broken(against_the_order, file, text), "{file}: {text}");
    }
}

#[test]
fn the_environment_and_length_are_found() {
    for text in ["use std::env;", "fn f() { std::env::args(); }", "use clap::Parser;", "use std::{env::var, fmt};"] {
        assert!(broken(environment_outside_cli, "src/serve.rs", text), "{text}");
        assert!(broken(environment_outside_cli, "src/main.rs", text), "{text}");
        assert!(!broken(environment_outside_cli, "src/cli.rs", text), "{text}");
        assert!(!broken(environment_outside_cli, "src/cli/run.rs", text), "{text}");
    }
    assert!(!broken(environment_outside_cli, "src/serve.rs", "const V: &str = env!(\"CARGO_PKG_VERSION\");"));
    assert!(broken(too_long, "src/serve.rs", &"\n".repeat(LONGEST + 1)));
    assert!(!broken(too_long, "src/serve.rs", &"\n".repeat(LONGEST)));
}

#[test]
fn dependencies_are_read_from_the_manifest() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\naws-config = { version = \"1\" }\nserde.workspace = true\n\
                    [dev-dependencies]\nproptest = \"1\"\n[profile.dev]\ndebug = false\n";
    assert_eq!(scan::dependencies(manifest), ["aws-config", "serde", "proptest"]);
    assert!(scan::dependencies(include_str!("../../Cargo.toml")).iter().any(|name| name == "aws-sdk-connect"));
}
