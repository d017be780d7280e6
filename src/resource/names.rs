//! Lists of names that many objects have alike.

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A list of names. Copies share it, and those of different objects can be made to: the cache holds thousands.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Names(Arc<[String]>);

impl Names {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Deref for Names {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl From<Vec<String>> for Names {
    fn from(names: Vec<String>) -> Self {
        Self(names.into())
    }
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Self {
        names.to_vec()
    }
}

impl FromIterator<String> for Names {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// One of each list that is in use.
#[derive(Default)]
pub struct Pool {
    lists: BTreeSet<Names>,
    /// With so many it is time to look which are in use.
    many: usize,
}

impl Pool {
    /// Replaces a list by the one that others have already, if it is the same.
    pub fn share(&mut self, names: &mut Names) {
        if let Some(known) = self.lists.get(names) {
            *names = known.clone();
            return;
        }
        if self.lists.len() >= self.many {
            self.lists.retain(|known| Arc::strong_count(&known.0) > 1);
            self.many = 2 * self.lists.len().max(8);
        }
        self.lists.insert(names.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(all: &[&str]) -> Names {
        all.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_a_list_in_the_object() {
        let list = serde_json::json!(["b", "a", "b"]);
        let names: Names = serde_json::from_value(list.clone()).unwrap();
        assert_eq!(names.to_vec(), ["b", "a", "b"]);
        assert_eq!(serde_json::to_value(names).unwrap(), list);
    }

    #[test]
    fn equal_lists_are_one_and_those_of_nobody_are_forgotten() {
        let mut pool = Pool::default();
        let [mut one, mut same, mut other] = [names(&["a", "b"]), names(&["a", "b"]), names(&["b", "a"])];
        for list in [&mut one, &mut same, &mut other] {
            pool.share(list);
        }
        assert!(Arc::ptr_eq(&one.0, &same.0) && !Arc::ptr_eq(&one.0, &other.0));
        assert_eq!((same.to_vec(), other), (vec!["a".to_owned(), "b".to_owned()], names(&["b", "a"])));
        for number in 0..1000 {
            pool.share(&mut names(&[&number.to_string()]));
        }
        assert!(pool.lists.len() <= 17 && pool.lists.contains(&one), "{}", pool.lists.len());
    }
}
