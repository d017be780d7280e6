//! Finds the user that carries the mark of an object which does not know its id.

use std::borrow::Borrow;

use crate::connect::{Connect, ConnectError};
use crate::resource::OWNER_TAG;
use crate::user::ids::{Instance, UserId};
use crate::user::observed::ObservedUser;
use crate::user::ownership::{Owner, Whose};

/// What the search by the mark of an object has found.
pub(crate) enum Marked<U> {
    /// The user that carries it.
    Seen(Box<U>),
    /// One that Connect does not describe at the moment.
    Hidden(UserId),
    /// None. The search reads an index that lags, so this proves nothing.
    Nowhere,
}

/// Finds a user by the mark of its object, for an object that may have one without knowing which: somebody may have
/// given the user another name. `look` describes one.
pub(crate) async fn by_owner<U, F>(
    connect: &dyn Connect,
    instance: &Instance,
    owner: &Owner,
    look: impl Fn(UserId) -> F + Send,
) -> Result<Marked<U>, ConnectError>
where
    U: Borrow<ObservedUser> + Send,
    F: Future<Output = Result<Option<U>, ConnectError>> + Send,
{
    let mut hidden = None;
    for hit in connect.search_tag(instance, OWNER_TAG, &owner.path).await? {
        match look(hit.id.clone()).await? {
            Some(found) => match owner.judge(&found.borrow().tags) {
                Whose::Ours | Whose::OursByName { .. } => return Ok(Marked::Seen(Box::new(found))),
                // The index still shows what it carried.
                Whose::Anothers { .. } | Whose::Nobodys => {}
            },
            None => hidden = Some(hit.id),
        }
    }
    Ok(hidden.map_or(Marked::Nowhere, Marked::Hidden))
}
