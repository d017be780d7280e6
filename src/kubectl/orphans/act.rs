//! Deleting or letting go of an orphan. Nothing is written to a user unless it was read a moment before and is
//! still an orphan.

use kube::Api;

use super::find::Orphan;
use crate::causes::Causes;
use crate::connect::{Connect, ConnectError, Kind};
use crate::kubectl::cluster::Cluster;
use crate::plan::call::Call;
use crate::plan::diff;
use crate::resource::user::ConnectUser;
use crate::resource::{OWNER_TAG, UID_TAG};
use crate::user::ownership::Owner;

/// Tries of a call that is throttled, each after its turn.
const TRIES: u32 = 5;

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// For good.
    Delete,
    /// Take our tags off.
    Release,
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Became {
    /// It was done.
    Done,
    /// It was left alone, and why.
    Left(String),
    /// A call failed.
    Failed(ConnectError),
}

impl Act {
    fn call(self, owner: &Owner) -> Call {
        match self {
            Self::Delete => Call::DeleteUser,
            Self::Release => diff::release(owner),
        }
    }
}

/// Does it, if the user is what it was.
pub(super) async fn act(cluster: &Cluster, connect: &dyn Connect, orphan: &Orphan, act: Act) -> Became {
    if act == Act::Delete {
        if let Some(object) = &orphan.claimed_by {
            return Became::Left(format!("ConnectUser {object} declares this user: let it go with --release instead"));
        }
        if orphan.uid.is_none() {
            return Became::Left(format!("it has no tag {UID_TAG}, so that it is not certain whose it is"));
        }
    }
    let owner = Owner {
        path: orphan.user.tags.get(OWNER_TAG).cloned().unwrap_or_default(),
        uid: orphan.uid.clone().unwrap_or_default(),
    };
    let call = act.call(&owner);
    for attempt in 1.. {
        connect.turn(&orphan.instance, call.operation()).await;
        match verify(cluster, connect, orphan).await {
            Ok(None) => {}
            Ok(Some(why)) => return Became::Left(why),
            Err(error) if error.kind == Kind::NotFound => return Became::Left("it is gone already".to_owned()),
            Err(error) => return Became::Failed(error),
        }
        match connect.write(&orphan.instance, Some(&orphan.user.id), &call).await {
            Ok(_) => break,
            Err(error) if error.kind == Kind::Throttled && attempt < TRIES => {}
            Err(error) if error.kind == Kind::NotFound => return Became::Left("it is gone already".to_owned()),
            Err(error) => return Became::Failed(error),
        }
    }
    Became::Done
}

/// Why the user is no longer what it was found to be, if so.
async fn verify(cluster: &Cluster, connect: &dyn Connect, orphan: &Orphan) -> Result<Option<String>, ConnectError> {
    let user = connect.describe_user(&orphan.instance, &orphan.user.id).await?;
    let marks = |tag: &str| (user.tags.get(tag).cloned(), orphan.user.tags.get(tag).cloned());
    if [OWNER_TAG, UID_TAG].into_iter().map(marks).any(|(now, then)| now != then) {
        return Ok(Some("its tags are no longer those that were found".to_owned()));
    }
    if !user.username.same_user(&orphan.user.username) {
        return Ok(Some(format!("it is called {} by now", user.username)));
    }
    // Last, since an object may come at any time and has a right to its user.
    let objects: Api<ConnectUser> = Api::namespaced(cluster.client.clone(), &orphan.namespace);
    Ok(match objects.get_metadata_opt(&orphan.name).await {
        Ok(None) => None,
        Ok(Some(_)) => Some(format!("ConnectUser {}/{} is there again", orphan.namespace, orphan.name)),
        Err(error) => Some(format!("whether its object is still gone cannot be told: {}", Causes(&error))),
    })
}
