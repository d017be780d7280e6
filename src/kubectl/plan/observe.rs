//! Observes the users of the objects that are planned, with reads only, and has each decided on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use kube::ResourceExt;

use super::super::aws::{Aws, Catalogue};
use super::super::terminal::progress::Progress;
use super::decide::{Action, Case, Decision};
use super::objects::Object;
use super::{Entry, Failed};
use crate::connect::{Connect, Credentials, IdentityManagement, Kind, all_pages, observe};
use crate::inventory::catalog::{Catalog, ResolveError};
use crate::inventory::marked::{Marked, by_owner};
use crate::policy::governing::{Governing, govern};
use crate::policy::{Brake, Rules, Tenancy};
use crate::resource::condition::Reason;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::{ConnectUser, ConnectUserSpec};
use crate::resource::{OWNER_TAG, SUSPEND_ANNOTATION};
use crate::user::desired::DesiredUser;
use crate::user::ids::{Instance, SecurityProfileId, UserId, Username};
use crate::user::observed::ObservedUser;
use crate::user::ownership::Owner;

/// Objects that are looked at at the same time; the pace decides how fast.
const AT_ONCE: usize = 32;
/// Names are read once.
const FOR_EVER: Duration = Duration::from_secs(24 * 3600);

/// What is known of an instance.
struct Place {
    connect: Arc<dyn Connect>,
    names: Catalogue,
    management: Option<IdentityManagement>,
    /// Ids by folded username, if one of the objects has to be found by its name.
    users: BTreeMap<String, UserId>,
    admin: Option<SecurityProfileId>,
}

/// Looks, and decides.
pub(super) struct Observer<'a> {
    aws: &'a Aws,
    instances: &'a [ConnectInstance],
    tenancy: Tenancy,
    cluster: Option<String>,
    shows_personal: bool,
    catalog: Catalog,
}

/// An object that may use its instance.
struct Governed<'a> {
    object: &'a Object,
    spec: ConnectUserSpec,
    governing: Governing,
}

impl<'a> Observer<'a> {
    pub(super) fn new(
        aws: &'a Aws,
        instances: &'a [ConnectInstance],
        tenancy: Tenancy,
        cluster: Option<String>,
        shows_personal: bool,
    ) -> Self {
        Self { aws, instances, tenancy, cluster, shows_personal, catalog: Catalog::new(FOR_EVER, FOR_EVER) }
    }

    /// What would happen for each object, in their order, and the instances that they are of.
    pub(super) async fn decide_all(
        &self,
        objects: &[Object],
        progress: &mut Progress,
    ) -> Result<(Vec<Entry>, Vec<Instance>), Failed> {
        let judged: Vec<(&Object, Result<Governed<'_>, Decision>)> =
            objects.iter().map(|object| (object, self.govern(object))).collect();
        let mut places: BTreeMap<Instance, Place> = BTreeMap::new();
        for governed in judged.iter().filter_map(|(_, governed)| governed.as_ref().ok()) {
            let instance = &governed.governing.instance;
            if !places.contains_key(instance) {
                progress.tell(&format!("reading what is in instance {}", instance.id()));
                let of_instance = judged.iter().filter_map(|(_, governed)| governed.as_ref().ok());
                let of_instance = of_instance.filter(|other| other.governing.instance == *instance);
                let place = self.place(&governed.governing, of_instance.collect()).await?;
                places.insert(instance.clone(), place);
            }
        }
        let total = judged.len();
        let looks = judged.into_iter().map(|(object, governed)| {
            let places = &places;
            async move {
                let instance = governed.as_ref().ok().map(|governed| governed.governing.instance.to_string());
                let decision = match governed {
                    Ok(governed) => self.decide(&governed, places).await?,
                    Err(decision) => decision,
                };
                Ok::<_, Failed>(entry(object, instance, decision))
            }
        });
        let mut looks = stream::iter(looks).buffered(AT_ONCE);
        let mut entries = Vec::new();
        while let Some(entry) = looks.try_next().await? {
            entries.push(entry);
            progress.tell(&format!("looking at users: {} of {total}", entries.len()));
        }
        drop(looks);
        Ok((entries, places.into_keys().collect()))
    }

    /// Everything that can be refused before the user is looked at.
    fn govern<'o>(&self, object: &'o Object) -> Result<Governed<'o>, Decision> {
        let user: ConnectUser = serde_json::from_value(object.manifest.value.clone())
            .map_err(|_| Decision::refused(Reason::InvalidSpec, "this version does not understand the object"))?;
        let is_going = object.live.as_ref().is_some_and(|live| live.metadata.deletion_timestamp.is_some());
        // An object of the cluster is on its way; one that a file would change does not take the change any more.
        if is_going && object.manifest.source.file().is_none() {
            let note = "the object is being deleted";
            return Err(Decision::without_calls(Action::Wait, Reason::Deleting, note));
        }
        if is_going {
            return Err(Decision::refused(Reason::Deleting, "the object in the cluster is being deleted"));
        }
        let by_annotation =
            |user: &ConnectUser| user.annotations().get(SUSPEND_ANNOTATION).is_some_and(|v| v == "true");
        if user.spec.suspend || by_annotation(&user) || object.live.as_ref().is_some_and(by_annotation) {
            return Err(Decision::suspended());
        }
        // Deletions are no part of a plan, so it does not matter where their brake is.
        let brake = Brake { most: u32::MAX, window: Duration::ZERO };
        let governing = govern(self.instances, &object.namespace, &user.spec, self.tenancy, brake)?;
        if governing.is_closing {
            let source = governing.rules.source.unwrap_or_default();
            let note = format!("ConnectInstance {source} is being deleted: nothing is written to its users any more");
            return Err(Decision::refused(Reason::NotAllowed, note));
        }
        Ok(Governed { object, spec: user.spec, governing })
    }

    async fn place(&self, governing: &Governing, objects: Vec<&Governed<'_>>) -> Result<Place, Failed> {
        let Governing { instance, rules, is_closing: _ } = governing;
        let connect = self.aws.reader(&credentials(rules));
        let names = Catalogue::read(connect.as_ref(), instance).await?;
        let management = match connect.describe_instance(instance).await {
            Ok(info) => info.identity_management,
            // As the operator does, which asks for this right but does not need it.
            Err(error) if error.kind == Kind::AccessDenied => None,
            Err(error) => return Err(error.into()),
        };
        let mut users = BTreeMap::new();
        if objects.iter().any(|governed| known_id(governed.object).is_none()) {
            let listed = all_pages(|token| connect.list_users(instance, token)).await?;
            users = listed.into_iter().map(|user| (user.username.folded(), user.id)).collect();
        }
        let admin = self.catalog.security_profile(connect.as_ref(), instance, "Admin").await?;
        Ok(Place { connect, names, management, users, admin })
    }

    async fn decide(&self, governed: &Governed<'_>, places: &BTreeMap<Instance, Place>) -> Result<Decision, Failed> {
        let Governed { object, spec, governing: Governing { instance, rules, .. } } = governed;
        let Some(place) = places.get(instance) else {
            return Ok(Decision::refused(Reason::Unavailable, "the instance was not read"));
        };
        let connect = place.connect.as_ref();
        let references = match self.catalog.resolve(connect, instance, spec).await {
            Ok(references) => references,
            Err(ResolveError::Connect(error)) => return Err(error.into()),
            Err(error @ ResolveError::Unknown { .. }) => {
                return Ok(Decision::refused(Reason::ReferenceNotFound, error.to_string()));
            }
            Err(error) => return Ok(Decision::refused(Reason::InvalidSpec, error.to_string())),
        };
        let desired = DesiredUser::new(spec, references);
        let status = object.live.as_ref().and_then(|live| live.status.as_ref());
        let applied = status.and_then(|status| status.applied.as_ref());
        let has_proficiencies =
            !desired.proficiencies.is_empty() || applied.is_some_and(|applied| !applied.proficiencies.is_empty());
        let marked = match self.by_mark(connect, instance, object, has_proficiencies).await? {
            Marked::Seen(user) => Some(*user),
            Marked::Nowhere => None,
            Marked::Hidden(id) => {
                let note = format!("user {id} carries the tags of this object, but is not visible everywhere yet");
                return Ok(Decision::without_calls(Action::Wait, Reason::Unavailable, note));
            }
        };
        let is_known = known_id(object).is_some() || marked.is_some();
        let by_name = place.users.get(&Username::new(&spec.username).folded());
        let observed = match (marked, known_id(object).as_ref().or(by_name)) {
            (Some(user), _) => Some(user),
            (None, Some(id)) => observe(connect, instance, id, has_proficiencies).await?,
            (None, None) => None,
        };
        let is_applied = object.live.as_ref().is_some_and(|live| {
            live.spec == *spec && applied.is_some_and(|applied| applied.generation == live.metadata.generation)
        });
        let was_there = known_id(object).is_some() && observed.is_none();
        let case = Case {
            owner: self.owner(object, observed.as_ref()),
            instance,
            rules,
            namespace: &object.namespace,
            name: &object.name,
            spec,
            desired,
            applied,
            is_applied,
            management: place.management,
            admin: place.admin.as_ref(),
            names: &place.names,
            shows_personal: self.shows_personal,
            is_known,
        };
        let mut decision = case.decide(observed.as_ref());
        if was_there && decision.action == Action::Create {
            decision.note = Some("the user of this object was deleted in Amazon Connect".to_owned());
        }
        Ok(decision)
    }

    /// The user of an object that may have one without knowing which, as the operator finds it: somebody may have
    /// given the user another name.
    async fn by_mark(
        &self,
        connect: &dyn Connect,
        instance: &Instance,
        object: &Object,
        with_proficiencies: bool,
    ) -> Result<Marked<ObservedUser>, Failed> {
        if !object.live.as_ref().is_some_and(may_have_unknown_user) {
            return Ok(Marked::Nowhere);
        }
        let owner = self.owner(object, None);
        let look = |id| async move { observe(connect, instance, &id, with_proficiencies).await };
        Ok(by_owner(connect, instance, &owner, look).await?)
    }

    /// The marks that the object puts on its user. Without a cluster its name is taken from the user, where that
    /// belongs to an object of this name.
    fn owner(&self, object: &Object, observed: Option<&ObservedUser>) -> Owner {
        let uid = object.live.as_ref().and_then(ResourceExt::uid).unwrap_or_default();
        let below = format!("/{}/{}", object.namespace, object.name);
        let marked = observed.and_then(|user| user.tags.get(OWNER_TAG)).filter(|owner| owner.ends_with(&below));
        match (&self.cluster, marked) {
            (Some(cluster), _) => Owner { path: format!("{cluster}{below}"), uid },
            (None, Some(owner)) => {
                let uid = observed.and_then(|user| user.tags.get(crate::resource::UID_TAG)).cloned();
                Owner { path: owner.clone(), uid: uid.unwrap_or_default() }
            }
            (None, None) => Owner { path: format!("(cluster){below}"), uid },
        }
    }
}

fn credentials(rules: &Rules) -> Credentials {
    match &rules.assume_role {
        Some(role) => Credentials::Role { arn: role.role_arn.clone(), external_id: role.external_id.clone() },
        None => Credentials::Own,
    }
}

/// The user that the object has by its status.
fn known_id(object: &Object) -> Option<UserId> {
    object.live.as_ref()?.status.as_ref()?.user_id.as_deref().and_then(UserId::read)
}

/// Whether the object may have a user that its status does not name.
fn may_have_unknown_user(live: &ConnectUser) -> bool {
    let status = live.status.as_ref();
    status.is_some_and(|status| status.user_id.is_none() && status.may_have_user_since.is_some())
        || live.has_lost_status()
}

fn entry(object: &Object, instance: Option<String>, decision: Decision) -> Entry {
    let spec = object.manifest.value.get("spec");
    let username = spec.and_then(|spec| spec.get("username")).and_then(|name| name.as_str()).unwrap_or_default();
    let file = object.manifest.source.file().map(|path| path.display().to_string());
    Entry { object: object.full_name(), file, username: username.to_owned(), instance, decision }
}
