//! Tags of a user as its object declares them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Keys and values, by key. One piece of memory as long as what is in it, where a map would keep room for eleven
/// entries: the cache holds one of these for every object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct Tags(Box<[(String, String)]>);

impl From<BTreeMap<String, String>> for Tags {
    fn from(tags: BTreeMap<String, String>) -> Self {
        Self(tags.into_iter().collect())
    }
}

impl From<Tags> for BTreeMap<String, String> {
    fn from(Tags(tags): Tags) -> Self {
        tags.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a Tags {
    type Item = &'a (String, String);
    type IntoIter = std::slice::Iter<'a, (String, String)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_are_a_map_in_the_object() {
        let object = json!({ "team": "support", "cost-centre": "17", "a": "" });
        let tags: Tags = serde_json::from_value(object.clone()).unwrap();
        let keys: Vec<&str> = tags.into_iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "cost-centre", "team"]);
        assert_eq!(serde_json::to_value(&tags).unwrap(), object);
        assert_eq!(BTreeMap::from(tags.clone()), serde_json::from_value(object).unwrap());
        assert_eq!(Tags::from(BTreeMap::from(tags.clone())), tags);
    }
}
