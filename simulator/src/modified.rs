//! What moves LastModifiedTime. This table is the only place that says so.
//!
//! | change | user's time | proficiencies' time |
//! |---|---|---|
//! | CreateUser, or a user made in the console | set | set |
//! | UpdateUserIdentityInfo, -PhoneConfig, -Config, -RoutingProfile, -SecurityProfiles, -Hierarchy | moves, also if nothing differs | |
//! | rename or any of these by a person; sign-in or phone change by the agent (`touchUser`) | moves | |
//! | TagResource, UntagResource, tags by a person | only with `tags_move_last_modified` | |
//! | Associate-, Update-, DisassociateUserProficiencies, or by a person | only with `proficiencies_move_last_modified` | moves |
//! | rename, change or deletion of a profile, group or attribute that the user holds | | |
//!
//! Times are strictly increasing within an instance and have a resolution of a millisecond.

use crate::switches::Switches;

/// A kind of change to a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Created,
    /// Anything of the user's own: identity, phone, channels, profiles, hierarchy, username, sign-in.
    Attributes,
    Tags,
    Proficiencies,
}

/// Which times a change moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moves {
    pub(crate) user: bool,
    pub(crate) proficiencies: bool,
}

/// The table above.
pub(crate) const fn moves(change: Change, switches: Switches) -> Moves {
    match change {
        Change::Created => Moves { user: true, proficiencies: true },
        Change::Attributes => Moves { user: true, proficiencies: false },
        Change::Tags => Moves { user: switches.tags_move_last_modified, proficiencies: false },
        Change::Proficiencies => Moves { user: switches.proficiencies_move_last_modified, proficiencies: true },
    }
}
