//! Reads the users of an instance: the index in pages, and then each user that is wanted.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};

use super::super::terminal::progress::Progress;
use super::state::{Known, State};
use crate::connect::{Connect, ConnectError, Kind, Page, all_pages, proficiencies};
use crate::resource::user::ConnectUserSpec;
use crate::user::declared::declare;
use crate::user::ids::{Instance, UserId};
use crate::user::observed::ObservedUser;

/// Users that are read at the same time. The pace decides how fast; this only keeps it busy.
const AT_ONCE: usize = 32;

/// All users as the index has them, 500 for a call, in the order of their names.
pub(super) async fn index(
    connect: &dyn Connect,
    instance: &Instance,
    progress: &mut Progress,
) -> Result<Vec<ObservedUser>, ConnectError> {
    let (mut users, mut seen, mut token) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let Page { items, next } = connect.search_users(instance, token).await?;
        // A user that changes while pages are read may be in two of them.
        users.extend(items.into_iter().filter(|user: &ObservedUser| seen.insert(user.id.clone())));
        progress.tell(&format!("listing users: {} so far", users.len()));
        token = next;
        if token.is_none() {
            users.sort_by_key(|user| (user.username.folded(), user.username.clone(), user.id.clone()));
            return Ok(users);
        }
    }
}

/// What came of reading each user.
#[derive(Default)]
pub(super) struct Read {
    /// The specs of those that are there.
    pub(super) specs: BTreeMap<UserId, ConnectUserSpec>,
    /// How many had been read before.
    pub(super) known: usize,
    /// Those that went in the meantime.
    pub(super) gone: Vec<UserId>,
}

/// Why users could not be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::kubectl) enum Error {
    #[error("{}{}", .0, super::super::aws::hint(.0))]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    State(#[from] super::state::Error),
}

/// Those of the users read before an interruption that nobody has changed since, one call for a thousand. Declared as it
/// was, a user that somebody has changed would be changed back.
pub(super) async fn unchanged(
    connect: &dyn Connect,
    instance: &Instance,
    mut known: BTreeMap<UserId, Known>,
) -> Result<BTreeMap<UserId, Known>, ConnectError> {
    if !known.is_empty() {
        let listed = all_pages(|token| connect.list_users(instance, token)).await?;
        let times: BTreeMap<UserId, Option<String>> =
            listed.into_iter().map(|user| (user.id, user.last_modified_time)).collect();
        known.retain(|id, known| times.get(id) == Some(&known.modified));
    }
    Ok(known)
}

/// Reads what only DescribeUser and ListUserProficiencies tell of these users. What is `known` is not read again,
/// and what is read goes into the state at once.
pub(super) async fn each(
    connect: &dyn Connect,
    instance: &Instance,
    users: &[ObservedUser],
    mut known: BTreeMap<UserId, Known>,
    mut state: Option<&mut State>,
    progress: &mut Progress,
) -> Result<Read, Error> {
    let mut read = Read::default();
    let mut wanted = Vec::new();
    for user in users {
        match known.remove(&user.id) {
            Some(known) => drop(read.specs.insert(user.id.clone(), known.spec)),
            None => wanted.push(user.id.clone()),
        }
    }
    read.known = read.specs.len();
    let (total, begun) = (wanted.len(), Instant::now());
    let looks = stream::iter(wanted).map(|id| async move { look(connect, instance, id).await });
    let mut looks = looks.buffer_unordered(AT_ONCE);
    let mut done = 0;
    while let Some((id, user)) = looks.try_next().await? {
        match user {
            Some(user) => {
                let known = Known { spec: declare(instance, &user), modified: user.last_modified_time };
                if let Some(state) = &mut state {
                    state.add(&id, &known)?;
                }
                read.specs.insert(id, known.spec);
            }
            None => read.gone.push(id),
        }
        done += 1;
        progress.tell(&far(done, total, begun.elapsed()));
    }
    Ok(read)
}

async fn look(
    connect: &dyn Connect,
    instance: &Instance,
    id: UserId,
) -> Result<(UserId, Option<ObservedUser>), ConnectError> {
    let both = futures::future::join(connect.describe_user(instance, &id), proficiencies(connect, instance, &id)).await;
    match both {
        (Ok(user), Ok(levels)) => Ok((id, Some(ObservedUser { proficiencies: Some(levels), ..user }))),
        (Err(error), _) | (_, Err(error)) if error.kind == Kind::NotFound => Ok((id, None)),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// How far it is: a bar, the rate and the time that is left.
fn far(done: usize, total: usize, elapsed: Duration) -> String {
    const WIDTH: usize = 20;
    let full = (done * WIDTH).checked_div(total).unwrap_or(WIDTH);
    let bar: String = (0..WIDTH).map(|at| if at < full { '#' } else { '.' }).collect();
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    let left = Duration::try_from_secs_f64((total - done.min(total)) as f64 / rate.max(0.001)).unwrap_or(Duration::MAX);
    format!("reading users: [{bar}] {done} of {total}, {rate:.1}/s, {} left", duration(left))
}

/// `1h02m`, `5m40s`, `12s`.
pub(in crate::kubectl) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().ceil().min(3_599_999.0) as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds:02}s"),
        (hours, minutes, _) => format!("{hours}h{minutes:02}m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_tells_rate_and_time_left() {
        assert_eq!(
            far(500, 2000, Duration::from_secs(100)),
            "reading users: [#####...............] 500 of 2000, 5.0/s, 5m00s left"
        );
        assert_eq!(far(0, 0, Duration::ZERO), "reading users: [####################] 0 of 0, 0.0/s, 0s left");
        assert_eq!(duration(Duration::from_secs(3720)), "1h02m");
    }
}
