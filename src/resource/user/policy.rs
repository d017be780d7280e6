//! What the operator may do to a user beyond the declared fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What happens to the user in Connect when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// It is deleted.
    #[default]
    Delete,
    /// It stays.
    Retain,
}

/// What happens if the username exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    /// That user is left alone.
    #[default]
    Refuse,
    /// That user is taken over.
    Adopt,
}

/// What happens if somebody changes the user past the object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftPolicy {
    /// It is changed back.
    #[default]
    Correct,
    /// It is reported.
    Report,
}
