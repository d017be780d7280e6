//! Names to ids: routing profiles, security profiles and hierarchy groups of each instance.
//!
//! A kind is read once per instance, again on a slow timer, and again when a name is unknown, but then
//! not more often than every `refresh`: ten thousand objects with one wrong name must not become ten
//! thousand listings.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::connect::{Connect, ConnectError, all_pages};
use crate::resource::user::ConnectUserSpec;
use crate::user::desired::{DesiredUser, References};
use crate::user::ids::{HierarchyGroupId, Instance, RoutingProfileId, SecurityProfileId};

/// What can be looked up by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Listing {
    /// Routing profiles.
    RoutingProfiles,
    /// Security profiles.
    SecurityProfiles,
    /// Hierarchy groups, by path.
    HierarchyGroups,
}

/// Why a spec's references could not be resolved.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// Listing them failed.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// There is none of this name.
    #[error(
        "{field}: instance {instance} has no {what} `{name}`{known}: create it in Amazon Connect or correct the name"
    )]
    Unknown {
        /// Field of the spec.
        field: &'static str,
        /// Instance.
        instance: Instance,
        /// Kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// Which names there are, for a message.
        known: String,
    },
    /// There are several of this name.
    #[error("{field}: instance {instance} has several {what}s `{name}`: name it by its ARN in {instead}")]
    Ambiguous {
        /// Field of the spec.
        field: &'static str,
        /// Instance.
        instance: Instance,
        /// Kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// Field that takes an ARN.
        instead: &'static str,
    },
    /// Neither name nor ARN is given; admission refuses this.
    #[error("spec needs {0}")]
    Missing(&'static str),
}

/// Ids by path; a plain name is a path of one.
type Ids = HashMap<Vec<String>, Vec<String>>;

#[derive(Default)]
struct Shelf {
    read: Option<Instant>,
    ids: Ids,
}

type Shelves = HashMap<(Instance, Listing), Arc<AsyncMutex<Shelf>>>;

/// The names of all instances.
pub struct Catalog {
    shelves: Mutex<Shelves>,
    /// A listing older than this is read again.
    max_age: Duration,
    /// An unknown name reads again a listing older than this.
    refresh: Duration,
}

struct Wanted<'a> {
    listing: Listing,
    field: &'static str,
    instead: &'static str,
    what: &'static str,
    path: &'a [String],
}

impl Catalog {
    /// An empty catalogue. `max_age` bounds how long a renamed thing goes unnoticed, `refresh` how often
    /// an unknown name may cause a listing.
    pub fn new(max_age: Duration, refresh: Duration) -> Self {
        Self { shelves: Mutex::default(), max_age, refresh }
    }

    /// The ids behind a spec's names; ARNs are taken as they are, without a call.
    ///
    /// # Errors
    /// If a name is unknown or ambiguous, or a listing fails.
    pub async fn resolve(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        spec: &ConnectUserSpec,
    ) -> Result<References, ResolveError> {
        let routing_profile = match (&spec.routing_profile_arn, &spec.routing_profile_name) {
            (Some(arn), _) => RoutingProfileId::new(arn),
            (None, Some(name)) => RoutingProfileId::new(
                &self
                    .id(
                        connect,
                        instance,
                        Wanted {
                            listing: Listing::RoutingProfiles,
                            field: "spec.routingProfileName",
                            instead: "spec.routingProfileArn",
                            what: "routing profile",
                            path: std::slice::from_ref(name),
                        },
                    )
                    .await?,
            ),
            (None, None) => return Err(ResolveError::Missing("routingProfileName or routingProfileArn")),
        };
        let mut security_profiles = BTreeSet::new();
        for arn in spec.security_profile_arns.iter().flatten() {
            security_profiles.insert(SecurityProfileId::new(arn));
        }
        for name in spec.security_profile_names.iter().flatten() {
            let wanted = Wanted {
                listing: Listing::SecurityProfiles,
                field: "spec.securityProfileNames",
                instead: "spec.securityProfileArns",
                what: "security profile",
                path: std::slice::from_ref(name),
            };
            security_profiles.insert(SecurityProfileId::new(&self.id(connect, instance, wanted).await?));
        }
        if security_profiles.is_empty() {
            return Err(ResolveError::Missing("securityProfileNames or securityProfileArns"));
        }
        let hierarchy_group = match (&spec.hierarchy_group_arn, &spec.hierarchy_group_path) {
            (Some(arn), _) => Some(HierarchyGroupId::new(arn)),
            (None, Some(path)) => Some(HierarchyGroupId::new(
                &self
                    .id(
                        connect,
                        instance,
                        Wanted {
                            listing: Listing::HierarchyGroups,
                            field: "spec.hierarchyGroupPath",
                            instead: "spec.hierarchyGroupArn",
                            what: "hierarchy group",
                            path,
                        },
                    )
                    .await?,
            )),
            (None, None) => None,
        };
        Ok(References { routing_profile, security_profiles, hierarchy_group })
    }

    /// The id of the security profile of this name, if there is one.
    ///
    /// # Errors
    /// Those of ListSecurityProfiles.
    pub async fn security_profile(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        name: &str,
    ) -> Result<Option<SecurityProfileId>, ConnectError> {
        let path = [name.to_owned()];
        let shelf = self.shelf(instance, Listing::SecurityProfiles);
        let mut shelf = shelf.lock().await;
        self.fill(connect, instance, Listing::SecurityProfiles, &mut shelf, self.max_age).await?;
        Ok(shelf.ids.get(path.as_slice()).and_then(|ids| ids.first()).map(|id| SecurityProfileId::new(id)))
    }

    /// What a user refers to and the instance does not have, in words. Reads what was read longer ago than
    /// an unknown name would.
    ///
    /// # Errors
    /// Those of the listings.
    pub async fn missing(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        desired: &DesiredUser,
    ) -> Result<Option<String>, ConnectError> {
        let routing =
            [desired.routing_profile.as_str()].into_iter().map(|id| (Listing::RoutingProfiles, "routing profile", id));
        let security =
            desired.security_profiles.iter().map(|id| (Listing::SecurityProfiles, "security profile", id.as_str()));
        let group = desired.hierarchy_group.iter().map(|id| (Listing::HierarchyGroups, "hierarchy group", id.as_str()));
        for (listing, what, id) in routing.chain(security).chain(group) {
            let shelf = self.shelf(instance, listing);
            let mut shelf = shelf.lock().await;
            self.fill(connect, instance, listing, &mut shelf, self.refresh).await?;
            if !shelf.ids.values().flatten().any(|known| known == id) {
                return Ok(Some(format!("{what} {id}")));
            }
        }
        Ok(None)
    }

    /// Has an instance's names read again at the next question, because Connect did not know an id that
    /// came from here; but not more often than an unknown name would.
    pub fn forget(&self, instance: &Instance) {
        for ((known, _), shelf) in self.shelves.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            // Whoever holds the lock is reading right now.
            if known == instance
                && let Ok(mut shelf) = shelf.try_lock()
                && shelf.read.is_some_and(|read| read.elapsed() >= self.refresh)
            {
                shelf.read = None;
            }
        }
    }

    async fn id(&self, connect: &dyn Connect, instance: &Instance, wanted: Wanted<'_>) -> Result<String, ResolveError> {
        let Wanted { listing, field, instead, what, path } = wanted;
        let shelf = self.shelf(instance, listing);
        // Held across the listing: whoever else needs it waits for this one instead of starting another.
        let mut shelf = shelf.lock().await;
        self.fill(connect, instance, listing, &mut shelf, self.max_age).await?;
        if shelf.ids.get(path).is_none_or(|ids| ids.len() != 1) {
            self.fill(connect, instance, listing, &mut shelf, self.refresh).await?;
        }
        match shelf.ids.get(path).map(Vec::as_slice) {
            Some([id]) => Ok(id.clone()),
            Some([_, ..]) => Err(ResolveError::Ambiguous {
                field,
                instance: instance.clone(),
                what,
                name: path.join(" / "),
                instead,
            }),
            Some([]) | None => Err(ResolveError::Unknown {
                field,
                instance: instance.clone(),
                what,
                name: path.join(" / "),
                known: known(&shelf.ids),
            }),
        }
    }

    fn shelf(&self, instance: &Instance, listing: Listing) -> Arc<AsyncMutex<Shelf>> {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(shelves.entry((instance.clone(), listing)).or_default())
    }

    async fn fill(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        listing: Listing,
        shelf: &mut Shelf,
        max_age: Duration,
    ) -> Result<(), ConnectError> {
        if shelf.read.is_some_and(|read| read.elapsed() < max_age) {
            return Ok(());
        }
        let mut ids = Ids::new();
        match listing {
            Listing::RoutingProfiles => {
                for profile in all_pages(|token| connect.list_routing_profiles(instance, token)).await? {
                    ids.entry(vec![profile.name]).or_default().push(profile.id);
                }
            }
            Listing::SecurityProfiles => {
                for profile in all_pages(|token| connect.list_security_profiles(instance, token)).await? {
                    ids.entry(vec![profile.name]).or_default().push(profile.id);
                }
            }
            Listing::HierarchyGroups => {
                for group in all_pages(|token| connect.search_hierarchy_groups(instance, token)).await? {
                    ids.entry(group.path).or_default().push(group.id);
                }
            }
        }
        *shelf = Shelf { read: Some(Instant::now()), ids };
        Ok(())
    }
}

/// The names there are, a few of them, for a message.
fn known(ids: &Ids) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = ids.keys().map(|path| path.join(" / ")).collect();
    names.sort();
    match names.len() {
        0 => String::new(),
        total => {
            names.truncate(SHOWN);
            let more = if total > SHOWN { format!(" and {} more", total - SHOWN) } else { String::new() };
            format!(" (it has {}{more})", names.join(", "))
        }
    }
}
