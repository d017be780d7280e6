//! The CEL rules of the definitions, evaluated as the API server does.
//!
//! `matches` is ours: the API server's regular expressions are RE2, where `\d`, `\s` and `\w` know ASCII only.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use cel::extractors::This;
use cel::{Context, Env, ExecutionError, Program};
use regex::Regex;
use serde_json::Value;

use super::path::Path;
use super::{Complaint, Kind};

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib()));

thread_local! {
    static PROGRAMS: RefCell<HashMap<String, Option<Arc<Program>>>> = RefCell::default();
    static PATTERNS: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

/// Evaluates every rule on a value and on what is in it. Rules about changes need `old`, the value as it was.
pub(super) fn check(schema: &Value, value: &Value, old: Option<&Value>, path: &Path, found: &mut Vec<Complaint>) {
    for rule in schema.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
        let cel = text("rule");
        if cel.contains("oldSelf") && old.is_none() {
            continue;
        }
        let message = match evaluate(cel, value, old) {
            Ok(true) => continue,
            Ok(false) => text("message").to_owned(),
            Err(error) => format!("rule `{cel}` cannot be evaluated: {error}"),
        };
        found.push(Complaint { path: path.below(text("fieldPath")), kind: Kind::Rule, message });
    }
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let known = schema.get("properties").and_then(|properties| properties.get(name));
                if let Some(schema) = known.or_else(|| schema.get("additionalProperties")) {
                    check(schema, value, old.and_then(|old| old.get(name)), &path.member(name), found);
                }
            }
        }
        Value::Array(items) => {
            // What an item was before is not known without its key, and no rule of ours asks.
            for (at, item) in items.iter().enumerate() {
                if let Some(schema) = schema.get("items") {
                    check(schema, item, None, &path.item(at), found);
                }
            }
        }
        _ => {}
    }
}

fn evaluate(cel: &str, value: &Value, old: Option<&Value>) -> Result<bool, String> {
    let program = PROGRAMS.with_borrow_mut(|programs| {
        programs.entry(cel.to_owned()).or_insert_with(|| ENV.compile(cel).ok().map(Arc::new)).clone()
    });
    let program = program.ok_or("it does not compile")?;
    let mut context = Context::with_env(Arc::clone(&ENV));
    context.add_function("matches", matches).map_err(|error| error.to_string())?;
    context.add_variable_from_value("self", cel::to_value(value).map_err(|error| error.to_string())?);
    if let Some(old) = old {
        context.add_variable_from_value("oldSelf", cel::to_value(old).map_err(|error| error.to_string())?);
    }
    match program.execute(&context) {
        Ok(cel::Value::Bool(holds)) => Ok(holds),
        Ok(_) => Err("it says neither true nor false".to_owned()),
        // Its words quote values, which may be personal.
        Err(_) => Err("it does not fit the value".to_owned()),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the interpreter's form of a function")]
fn matches(This(text): This<Arc<String>>, pattern: Arc<String>) -> Result<bool, ExecutionError> {
    PATTERNS.with_borrow_mut(|patterns| {
        let compiled = patterns.entry((*pattern).clone()).or_insert_with(|| Regex::new(&as_re2(&pattern)).ok());
        let compiled = compiled.as_ref().ok_or_else(|| ExecutionError::function_error("matches", "not a pattern"))?;
        Ok(compiled.is_match(&text))
    })
}

/// The same pattern with the classes of RE2.
fn as_re2(pattern: &str) -> String {
    let mut result = String::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        if c != '\\' {
            result.push(c);
            continue;
        }
        match characters.next() {
            Some('d') => result.push_str("[0-9]"),
            Some('D') => result.push_str("[^0-9]"),
            Some('s') => result.push_str(r"[\t\n\x0C\r ]"),
            Some('S') => result.push_str(r"[^\t\n\x0C\r ]"),
            Some('w') => result.push_str("[0-9A-Za-z_]"),
            Some('W') => result.push_str("[^0-9A-Za-z_]"),
            Some(other) => result.extend(['\\', other]),
            None => result.push('\\'),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn digits_and_spaces_are_those_of_re2() {
        let holds = |cel: &str, value: Value| evaluate(cel, &value, None);
        assert_eq!(holds(r"self.matches(r'^\d+$')", json!("123")), Ok(true));
        assert_eq!(holds(r"self.matches(r'^\d+$')", json!("١٢٣")), Ok(false));
        assert_eq!(holds(r"self.matches(r'^[^@\s]+$')", json!("a\u{a0}b")), Ok(true));
        assert_eq!(holds(r"self.matches(r'^[^@\s]+$')", json!("a b")), Ok(false));
        assert_eq!(holds("self.size() <= 3", json!("äöü")), Ok(true));
        assert_eq!(holds("!self.matches('^(?i)aws:')", json!("AWS:x")), Ok(false));
    }

    #[test]
    fn every_rule_of_the_definitions_compiles() {
        fn rules<'a>(schema: &'a Value, into: &mut Vec<&'a str>) {
            match schema {
                Value::Object(members) => members.iter().for_each(|(name, value)| match value.as_str() {
                    Some(cel) if name == "rule" => into.push(cel),
                    _ => rules(value, into),
                }),
                Value::Array(items) => items.iter().for_each(|item| rules(item, into)),
                _ => {}
            }
        }
        let mut all = Vec::new();
        super::super::SCHEMAS.iter().for_each(|(_, schema)| rules(schema, &mut all));
        assert!(all.len() > 50, "{}", all.len());
        for cel in all {
            assert!(ENV.compile(cel).is_ok(), "{cel}");
        }
    }
}
