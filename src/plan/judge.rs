//! Whose user it is that was found, and whether it may be this object's. Pure.

use crate::resource::condition::Reason;
use crate::resource::{OWNER_TAG, UID_TAG};
use crate::user::ids::{Instance, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::{Owner, Whose};

/// What a user that was found is to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Its own.
    Ours,
    /// That of an object of its name with this uid: its own, unless that object is still there.
    OursByName {
        /// The uid in the tag.
        uid: String,
    },
    /// Nobody's, and the object wants to adopt it.
    Adoptable,
    /// Not its own: nothing is written.
    Refused {
        /// The state that the object is in.
        reason: Reason,
        /// For a person: why, and what to do.
        message: String,
    },
}

/// Judges a user for the object of `owner`, which declares `username`.
pub fn judge(
    owner: &Owner,
    instance: &Instance,
    username: &Username,
    is_adopting: bool,
    observed: &ObservedUser,
) -> Judgement {
    if !observed.username.same_user(username) {
        let message = format!(
            "user {} is named {} in Amazon Connect, not {username}: Connect has no call to rename a user; rename it back in the console, or delete this object",
            observed.id, observed.username
        );
        return Judgement::Refused { reason: Reason::Drifted, message };
    }
    match owner.judge(&observed.tags) {
        Whose::Ours => Judgement::Ours,
        Whose::OursByName { uid } => Judgement::OursByName { uid },
        Whose::Anothers { owner } => anothers(observed, &owner),
        Whose::Nobodys if is_adopting => Judgement::Adoptable,
        Whose::Nobodys => {
            let message = format!(
                "user {username} exists in instance {} as {} and carries no tag {OWNER_TAG}: set spec.adoptionPolicy to Adopt to take it over, or choose another username",
                instance.id(),
                observed.id
            );
            Judgement::Refused { reason: Reason::UsernameTaken, message }
        }
    }
}

/// The judgement of a user that belongs to another.
pub fn anothers(observed: &ObservedUser, owner: &str) -> Judgement {
    let message = format!(
        "user {} ({}) belongs to {owner} by its tags: nothing is written; delete that object, or remove the tags {OWNER_TAG} and {UID_TAG} from the user",
        observed.username, observed.id,
    );
    Judgement::Refused { reason: Reason::OwnedByAnother, message }
}
