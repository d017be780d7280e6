//! What an instance calls its profiles and hierarchy groups.

use std::collections::BTreeMap;

use crate::connect::{Connect, ConnectError, all_pages};
use crate::user::ids::Instance;

/// Of one kind, a path for each id; a plain name is a path of one.
#[derive(Debug, Default)]
pub(in crate::kubectl) struct Names {
    paths: BTreeMap<String, Vec<String>>,
}

/// The names of all three kinds.
#[derive(Debug, Default)]
pub(in crate::kubectl) struct Catalogue {
    pub(in crate::kubectl) routing_profiles: Names,
    pub(in crate::kubectl) security_profiles: Names,
    pub(in crate::kubectl) hierarchy_groups: Names,
}

impl Catalogue {
    /// Reads them.
    pub(in crate::kubectl) async fn read(connect: &dyn Connect, instance: &Instance) -> Result<Self, ConnectError> {
        let routing = all_pages(|token| connect.list_routing_profiles(instance, token)).await?;
        let security = all_pages(|token| connect.list_security_profiles(instance, token)).await?;
        let groups = all_pages(|token| connect.search_hierarchy_groups(instance, token)).await?;
        Ok(Self {
            routing_profiles: routing.into_iter().map(|named| (named.id, vec![named.name])).collect(),
            security_profiles: security.into_iter().map(|named| (named.id, vec![named.name])).collect(),
            hierarchy_groups: groups.into_iter().map(|group| (group.id, group.path)).collect(),
        })
    }
}

impl FromIterator<(String, Vec<String>)> for Names {
    fn from_iter<I: IntoIterator<Item = (String, Vec<String>)>>(pairs: I) -> Self {
        Self { paths: pairs.into_iter().collect() }
    }
}

impl Names {
    /// The path of an id.
    pub(in crate::kubectl) fn path(&self, id: &str) -> Option<&[String]> {
        self.paths.get(id).map(Vec::as_slice)
    }

    /// The path of an id, if it leads back to that id alone.
    pub(in crate::kubectl) fn unique(&self, id: &str) -> Option<&[String]> {
        let path = self.path(id)?;
        (self.paths.values().filter(|other| *other == path).count() == 1).then_some(path)
    }

    /// For people: the path, or the id where there is none.
    pub(in crate::kubectl) fn show(&self, id: &str) -> String {
        self.path(id).map_or_else(|| id.to_owned(), |path| path.join("/"))
    }

    /// Whether an id is what a person calls so: by name, by path with slashes, or by the id itself.
    pub(in crate::kubectl) fn is_called(&self, id: &str, name: &str) -> bool {
        id == name || self.show(id) == name
    }

    /// Whether a group is what a person calls so, or below it.
    pub(in crate::kubectl) fn is_within(&self, id: &str, name: &str) -> bool {
        let path = self.show(id);
        self.is_called(id, name) || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether anything is called so.
    pub(in crate::kubectl) fn has(&self, name: &str) -> bool {
        self.paths.keys().any(|id| self.is_within(id, name))
    }

    /// All names, for messages.
    pub(in crate::kubectl) fn all(&self) -> String {
        let mut all: Vec<String> = self.paths.values().map(|path| path.join("/")).collect();
        all.sort();
        all.join(", ")
    }
}
