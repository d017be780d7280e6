//! What a `ConnectUser` owns in its user, and whether a user is its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::desired::DesiredUser;
use super::identity::IdentityMember;
use super::settings::Slot;
use crate::resource::status::{Applied, ProficiencyKey};
use crate::resource::{OWNER_TAG, UID_TAG};

/// A field of the user that is owned as a whole. Tags and proficiencies are owned key by key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// A member of identityInfo.
    Identity(IdentityMember),
    /// Routing profile.
    RoutingProfile,
    /// Security profiles, the whole set.
    SecurityProfiles,
    /// Hierarchy group.
    HierarchyGroup,
    /// Id in the directory; only a creation can set it.
    DirectoryUserId,
    /// A setting of a channel.
    Setting(Slot),
}

impl Field {
    /// Every field there is.
    pub fn all() -> impl Iterator<Item = Self> {
        IdentityMember::ALL
            .into_iter()
            .map(Self::Identity)
            .chain([Self::RoutingProfile, Self::SecurityProfiles, Self::HierarchyGroup, Self::DirectoryUserId])
            .chain(Slot::all().map(Self::Setting))
    }

    /// Reads a name that [`fmt::Display`] wrote; names of another version of the operator are unknown.
    pub fn parse(name: &str) -> Option<Self> {
        Self::all().find(|field| field.to_string() == name)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Identity(member) => write!(f, "identityInfo.{}", member.name()),
            Self::RoutingProfile => f.write_str("routingProfile"),
            Self::SecurityProfiles => f.write_str("securityProfiles"),
            Self::HierarchyGroup => f.write_str("hierarchyGroup"),
            Self::DirectoryUserId => f.write_str("directoryUserId"),
            Self::Setting(slot) => slot.fmt(f),
        }
    }
}

/// The ownership record: what this object has set, and may therefore take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Fields.
    pub fields: BTreeSet<Field>,
    /// Keys of tags, without our own two.
    pub tag_keys: BTreeSet<String>,
    /// Proficiencies.
    pub proficiencies: BTreeSet<ProficiencyKey>,
}

impl Owned {
    /// What a declaration takes ownership of.
    pub fn by(desired: &DesiredUser) -> Self {
        let DesiredUser {
            username: _,
            directory_user_id,
            identity,
            routing_profile: _,
            security_profiles: _,
            hierarchy_group,
            phone_config: _,
            lists: _,
            settings,
            proficiencies,
            tags,
        } = desired;
        let mut fields: BTreeSet<Field> = [Field::RoutingProfile, Field::SecurityProfiles].into();
        fields.extend(identity.members().map(Field::Identity));
        fields.extend(hierarchy_group.as_ref().map(|_| Field::HierarchyGroup));
        fields.extend(directory_user_id.as_ref().map(|_| Field::DirectoryUserId));
        fields.extend(settings.slots().map(Field::Setting));
        Self {
            fields,
            tag_keys: tags.keys().cloned().collect(),
            proficiencies: proficiencies.keys().cloned().collect(),
        }
    }

    /// Everything in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.fields.extend(other.fields.iter().copied());
        self.tag_keys.extend(other.tag_keys.iter().cloned());
        self.proficiencies.extend(other.proficiencies.iter().cloned());
        self
    }

    /// Reads the record in a status.
    pub fn from_record(record: &Applied) -> Self {
        let Applied { generation: _, fields, tag_keys, proficiencies } = record;
        Self {
            fields: fields.iter().filter_map(|name| Field::parse(name)).collect(),
            tag_keys: tag_keys.iter().cloned().collect(),
            proficiencies: proficiencies.iter().cloned().collect(),
        }
    }

    /// The record for a status, in a stable order.
    pub fn to_record(&self, generation: Option<i64>) -> Applied {
        Applied {
            generation,
            fields: self.fields.iter().map(ToString::to_string).collect(),
            tag_keys: self.tag_keys.iter().cloned().collect(),
            proficiencies: self.proficiencies.iter().cloned().collect(),
        }
    }
}

/// The marks that a `ConnectUser` leaves on its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// `<cluster>/<namespace>/<name>`.
    pub path: String,
    /// Uid of the object.
    pub uid: String,
}

/// Whose user it is, by its tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Both marks are this object's.
    Ours,
    /// The owner is this object by name, the uid that of an earlier object of this name.
    OursByName {
        /// The uid in the tag.
        uid: String,
    },
    /// No mark of any owner.
    Nobodys,
    /// Another object's.
    Anothers {
        /// The owner in the tag.
        owner: String,
    },
}

impl Owner {
    /// Both tags, to be written together.
    pub fn tags(&self) -> BTreeMap<String, String> {
        [(OWNER_TAG.to_owned(), self.path.clone()), (UID_TAG.to_owned(), self.uid.clone())].into()
    }

    /// Judges a user by its tags.
    pub fn judge(&self, tags: &BTreeMap<String, String>) -> Whose {
        match (tags.get(OWNER_TAG), tags.get(UID_TAG)) {
            (Some(owner), Some(uid)) if *owner == self.path && *uid == self.uid => Whose::Ours,
            (Some(owner), uid) if *owner == self.path => Whose::OursByName { uid: uid.cloned().unwrap_or_default() },
            (Some(owner), _) => Whose::Anothers { owner: owner.clone() },
            (None, Some(uid)) => Whose::Anothers { owner: format!("an object with uid {uid}") },
            (None, None) => Whose::Nobodys,
        }
    }
}

/// Whether a tag key is one of our own two.
pub fn is_ours(key: &str) -> bool {
    key == OWNER_TAG || key == UID_TAG
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_can_be_written_down_and_read_again() {
        for field in Field::all() {
            assert_eq!(Field::parse(&field.to_string()), Some(field));
        }
        let owned = Owned {
            fields: Field::all().collect(),
            tag_keys: ["team".to_owned()].into(),
            proficiencies: [ProficiencyKey { attribute_name: "Language".into(), attribute_value: "German".into() }]
                .into(),
        };
        assert_eq!(Owned::from_record(&owned.to_record(Some(1))), owned);
    }

    #[test]
    fn ownership_needs_both_tags() {
        let owner = Owner { path: "c/ns/jane".into(), uid: "u1".into() };
        let tags = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(owner.judge(&owner.tags()), Whose::Ours);
        assert_eq!(owner.judge(&tags(&[])), Whose::Nobodys);
        assert_eq!(owner.judge(&tags(&[(OWNER_TAG, "c/ns/jane")])), Whose::OursByName { uid: String::new() });
        assert_eq!(
            owner.judge(&tags(&[(OWNER_TAG, "c/ns/jane"), (UID_TAG, "u0")])),
            Whose::OursByName { uid: "u0".into() }
        );
        assert!(matches!(owner.judge(&tags(&[(OWNER_TAG, "c/ns/john"), (UID_TAG, "u1")])), Whose::Anothers { .. }));
        assert!(matches!(owner.judge(&tags(&[(UID_TAG, "u1")])), Whose::Anothers { .. }));
    }
}
