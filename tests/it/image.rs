//! The Dockerfile and the release, as far as they can be checked without building an image (`make e2e` does that).

use std::path::{Path, PathBuf};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The arguments of an instruction, wherever it stands.
fn instructions<'a>(dockerfile: &'a str, name: &str) -> Vec<&'a str> {
    let named = dockerfile.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    named.map(str::trim).collect()
}

/// Ends in a digest of `length` hexadecimal digits.
fn is_pinned(reference: &str, separator: &str, length: usize) -> bool {
    reference.rsplit_once(separator).is_some_and(|(name, digest)| {
        !name.is_empty() && digest.len() == length && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[test]
fn the_image_is_made_of_pinned_parts_and_runs_as_nobody() {
    let dockerfile = read("Dockerfile");
    let bases = instructions(&dockerfile, "FROM");
    assert_eq!(bases, ["${BUILD_BASE} AS build", "${RUN_BASE}"], "each can be replaced by an argument");
    let arguments = instructions(&dockerfile, "ARG");
    for base in ["BUILD_BASE=", "RUN_BASE="] {
        let value = arguments.iter().find_map(|argument| argument.strip_prefix(base));
        assert!(value.is_some_and(|value| is_pinned(value, "@sha256:", 64)), "{base}: {value:?}");
    }
    assert!(dockerfile.contains("--locked"), "what Cargo.lock says is built");

    // The number that the chart asks for, so that runAsNonRoot can see that it is not root.
    let values: Value = serde_saphyr::from_str(&read("charts/connect-user-operator/values.yaml")).unwrap();
    let [user, group] = ["runAsUser", "runAsGroup"].map(|key| values["podSecurityContext"][key].as_u64().unwrap());
    assert_eq!(instructions(&dockerfile, "USER"), [format!("{user}:{group}")]);
}

/// What the sources include by path has to be in the context, and is nowhere else missed.
#[test]
fn the_build_gets_every_file_that_the_sources_include() {
    let context = read(".dockerignore");
    let dockerfile = read("Dockerfile");
    let (mut sources, mut included) = (vec![root().join("src")], Vec::new());
    while let Some(path) = sources.pop() {
        if path.is_dir() {
            sources.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for (_, rest) in text.match_indices("include_str!(\"").map(|(at, found)| text.split_at(at + found.len())) {
            let file: PathBuf = path.parent().unwrap().join(rest.split('"').next().unwrap());
            let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            included.push(file.strip_prefix(root().canonicalize().unwrap()).unwrap().to_owned());
        }
    }
    assert!(!included.is_empty());
    for file in included.iter().filter(|file| !file.starts_with("src")) {
        let line = format!("!{}", file.display());
        assert!(context.lines().any(|one| one == line), "{line} is missing in .dockerignore");
        let copied =
            instructions(&dockerfile, "COPY").iter().any(|copy| copy.split(' ').any(|one| Path::new(one) == file));
        assert!(copied, "{} is not copied by the Dockerfile", file.display());
    }
}

#[test]
fn the_release_uses_only_what_is_pinned() {
    let text = read(".github/workflows/release.yaml");
    let workflow: Value = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(workflow["permissions"], Value::Object(serde_json::Map::new()), "each job asks for its own");
    let (mut actions, mut scripts) = (0, 0);
    for (name, job) in workflow["jobs"].as_object().unwrap() {
        assert!(job["permissions"].is_object(), "{name}");
        for step in job["steps"].as_array().unwrap() {
            if let Some(action) = step["uses"].as_str() {
                assert!(is_pinned(action, "@", 40), "{action} is not pinned by a commit");
                actions += 1;
            }
            let run = step["run"].as_str().unwrap_or_default();
            // What others can choose, such as the name of a tag, reaches a shell as a variable only.
            assert!(!run.contains("${{"), "{run}");
            for word in run.split(|c: char| c.is_whitespace() || "()\"".contains(c)) {
                if word.starts_with("tools/") && word.ends_with(".sh") {
                    assert!(root().join(word).is_file(), "{word}");
                    scripts += 1;
                }
            }
        }
    }
    assert!(actions >= 3 && scripts >= 4, "{actions} actions, {scripts} scripts");
}
