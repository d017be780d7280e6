//! The story, one module a chapter.

mod drain;
mod install;
mod leader;
mod uninstall;
mod upgrade;
mod users;

use std::time::Duration;

use harness::tell::story::{Failure, Story};

use crate::edits::Seen;
use crate::world::World;

/// Longest that an edit may take while one replica hands over to another in good order: the call that is under way
/// ends, the other one notices within two seconds (`retryPeriod`), and then it is this user's turn.
const GRACEFUL: Duration = Duration::from_secs(15);

/// Tells everything after the start.
pub(crate) async fn tell(world: &World, story: &mut Story) -> Result<(), Failure> {
    install::chart(world, story).await?;
    users::are_made(world, story).await?;
    leader::is_deleted(world, story).await?;
    drain::both_nodes(world, story).await?;
    upgrade::rolls(world, story).await?;
    uninstall::leaves_everything(world, story).await
}

/// Whether the edits went on all the while.
fn without_a_gap(seen: &Seen) -> Result<String, Failure> {
    let told = format!(
        "{} edits of a user reached Amazon Connect meanwhile, each within {:.1} s, and never fewer than {} replicas were available",
        seen.edits,
        seen.longest.as_secs_f64(),
        seen.fewest
    );
    match seen.edits > 0 && seen.longest <= GRACEFUL && seen.fewest >= 1 {
        true => Ok(told),
        false => Err(Failure::new(
            format!("edits that take {} s at most, and a replica that is available", GRACEFUL.as_secs()),
            told,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_an_edit_that_took_too_long_or_a_moment_without_a_replica() {
        let seen = |edits, seconds, fewest| Seen { edits, longest: Duration::from_secs(seconds), fewest };
        assert!(without_a_gap(&seen(3, 15, 1)).is_ok());
        assert!(without_a_gap(&seen(3, 16, 1)).is_err());
        assert!(without_a_gap(&seen(3, 1, 0)).is_err());
        assert!(without_a_gap(&seen(0, 0, 2)).is_err());
    }
}
