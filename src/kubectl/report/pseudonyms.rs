//! Other names for people: the same name has the same pseudonym everywhere in a report.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::redact::texts;

/// Pseudonyms by folded name.
#[derive(Default)]
pub(super) struct Pseudonyms(BTreeMap<String, String>);

impl Pseudonyms {
    /// For all usernames and names of these ConnectUsers.
    pub(super) fn of(users: &[Value]) -> Self {
        let text = |user: &Value, path: &str| user.pointer(path).and_then(Value::as_str).map(str::to_lowercase);
        let usernames: BTreeSet<_> = users.iter().filter_map(|user| text(user, "/spec/username")).collect();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        for (at, username) in usernames.into_iter().enumerate() {
            names.insert(username, format!("user-{:04}", at + 1));
        }
        // The object of a user has the same number, so that they can be told to belong together.
        for user in users {
            let (Some(username), Some(name)) = (text(user, "/spec/username"), text(user, "/metadata/name")) else {
                continue;
            };
            if let Some(pseudonym) = names.get(&username).map(|pseudonym| pseudonym.replace("user-", "object-")) {
                names.entry(name).or_insert(pseudonym);
            }
        }
        Self(names)
    }

    /// Whether there are any.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every text of the value with pseudonyms.
    pub(super) fn value(&self, value: &Value) -> Value {
        texts(value, &|text| self.text(text))
    }

    /// The text with pseudonyms for names that stand as words of their own.
    pub(super) fn text(&self, text: &str) -> String {
        let is_part = |c: char| c.is_alphanumeric() || "_.@-".contains(c);
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while !rest.is_empty() {
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let (word, tail) = rest.split_at(end);
            out.push_str(&self.word(word));
            let next = tail.find(is_part).unwrap_or(tail.len());
            let (between, after) = tail.split_at(next);
            out.push_str(between);
            rest = after;
        }
        out
    }

    fn word(&self, word: &str) -> String {
        // The full stop of a sentence is no part of the name.
        let name = word.trim_end_matches(['.', '-', '_']);
        let pseudonym = |name: &str| self.0.get(&name.to_lowercase());
        match (pseudonym(word), pseudonym(name)) {
            (Some(pseudonym), _) => pseudonym.clone(),
            (None, Some(pseudonym)) => format!("{pseudonym}{}", word.strip_prefix(name).unwrap_or_default()),
            (None, None) => word.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_name_is_replaced_wherever_it_stands_and_nowhere_inside_of_another() {
        let user =
            |name: &str, username: &str| json!({ "metadata": { "name": name }, "spec": { "username": username } });
        let pseudonyms = Pseudonyms::of(&[user("jane-doe", "Jane.Doe"), user("ann", "ann")]);
        assert_eq!(
            pseudonyms.text("user jane.doe belongs to c/emea/jane-doe, not to Ann or annabel. It is JANE.DOE."),
            "user user-0002 belongs to c/emea/object-0002, not to user-0001 or annabel. It is user-0002."
        );
    }
}
