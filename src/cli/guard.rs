//! `connect-user-operator guard`: refuses an uninstallation that would leave objects behind which nobody can
//! delete any more.
//!
//! Objects with our finalizer wait for the operator when they are deleted, and so do their namespaces. The
//! chart runs this before it takes the operator away.

use std::time::Duration;

use clap::Args;
use kube::api::{Api, ListParams, PartialObjectMeta};
use kube::{Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::run::{self, client};
use super::values::duration;
use crate::resource::instance::ConnectInstance;
use crate::resource::user::ConnectUser;
use crate::resource::{FINALIZER, INSTANCE_FINALIZER};

/// Objects in one page of a list.
const PAGE: u32 = 500;
/// How many are named.
const NAMED: usize = 5;
/// Between two looks.
const PAUSE: Duration = Duration::from_secs(2);

#[derive(Args)]
pub(super) struct GuardArguments {
    /// Look only into these namespaces, separated by commas, as the operator does; by default all, and at
    /// ConnectInstances, too.
    #[arg(long, value_name = "NAMESPACE", value_delimiter = ',')]
    watch_namespaces: Vec<String>,

    /// Look only at ConnectUsers with these labels, as the operator does, and at no ConnectInstances.
    #[arg(long, value_name = "SELECTOR")]
    watch_selector: Option<String>,

    /// How long to wait for objects that are being deleted.
    #[arg(long, default_value = "1m", value_name = "DURATION", value_parser = duration)]
    within: Duration,
}

/// Why an uninstallation should not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The way to the API server.
    #[error(transparent)]
    Kubernetes(#[from] run::Error),
    /// A list.
    #[error("cannot list {0}, so it is not known whether any need the operator: check the rights of the guard")]
    List(&'static str, #[source] Box<kube::Error>),
    /// Objects are held.
    #[error(
        "not uninstalled, since {0} would be left behind with a finalizer that only the operator removes: they, and \
         their namespaces, could not be deleted. Delete them and wait until they are gone (a user with \
         spec.deletionPolicy Retain stays in Amazon Connect), or annotate each with \
         contactops.dev/release-deletion=retain and delete it. If they shall wait for another installation of the \
         operator, uninstall without the guard: helm uninstall --no-hooks"
    )]
    Held(String),
}

/// Objects that have our finalizer.
#[derive(Default)]
struct Held {
    names: Vec<String>,
    /// How many of them are on their way out.
    going: usize,
}

pub(super) async fn run(arguments: GuardArguments, output: &mut dyn std::io::Write) -> Result<(), super::Error> {
    // Of the two crates that rustls could take its provider from, it does not choose by itself.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let (client, _) = client().await?;
    let deadline = Instant::now() + arguments.within;
    let mut told = false;
    loop {
        let (users, instances) = look(&client, &arguments).await?;
        let all = users.names.len() + instances.names.len();
        if all == 0 {
            writeln!(output, "no object needs the operator any more")?;
            return Ok(());
        }
        // An instance lets go by itself once its last user is gone.
        let waits = users.going == users.names.len();
        if !waits || Instant::now() + PAUSE > deadline {
            return Err(Error::Held(sentence(&users, &instances)).into());
        }
        if !std::mem::replace(&mut told, true) {
            writeln!(output, "waiting for {}", sentence(&users, &instances))?;
        }
        sleep(PAUSE).await;
    }
}

async fn look(client: &Client, arguments: &GuardArguments) -> Result<(Held, Held), Error> {
    let (namespaces, selector) = (&arguments.watch_namespaces, arguments.watch_selector.as_deref());
    let mut users = Held::default();
    for namespace in namespaces {
        held(
            &Api::<ConnectUser>::namespaced(client.clone(), namespace),
            (FINALIZER, selector),
            "ConnectUsers",
            &mut users,
        )
        .await?;
    }
    let mut instances = Held::default();
    if namespaces.is_empty() {
        held(&Api::<ConnectUser>::all(client.clone()), (FINALIZER, selector), "ConnectUsers", &mut users).await?;
    }
    // What an instance waits for may be another operator's, which then lets go of it.
    if namespaces.is_empty() && selector.is_none() {
        let all = Api::<ConnectInstance>::all(client.clone());
        held(&all, (INSTANCE_FINALIZER, None), "ConnectInstances", &mut instances).await?;
    }
    Ok((users, instances))
}

/// Adds those of a kind that have the finalizer. A kind that does not exist has no objects.
async fn held<K>(
    api: &Api<K>,
    (finalizer, selector): (&str, Option<&str>),
    kind: &'static str,
    into: &mut Held,
) -> Result<(), Error>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug,
{
    let mut page = ListParams { label_selector: selector.map(str::to_owned), ..ListParams::default() }.limit(PAGE);
    loop {
        let list = match api.list_metadata(&page).await {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
            Err(error) => return Err(Error::List(kind, Box::new(error))),
        };
        for object in list.items.iter().filter(|object| object.finalizers().iter().any(|other| other == finalizer)) {
            into.going += usize::from(object.meta().deletion_timestamp.is_some());
            into.names.push(name(object));
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page.continue_token = Some(token),
            None => return Ok(()),
        }
    }
}

fn name<K>(object: &PartialObjectMeta<K>) -> String
where
    K: Resource<DynamicType = ()>,
{
    let name = object.name_any();
    object.namespace().map_or_else(|| name.clone(), |namespace| format!("{namespace}/{name}"))
}

fn sentence(users: &Held, instances: &Held) -> String {
    let parts = [("ConnectUser", users), ("ConnectInstance", instances)].into_iter().filter_map(|(kind, held)| {
        let names = held.names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = held.names.len().saturating_sub(NAMED);
        let plural = if held.names.len() == 1 { "" } else { "s" };
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (!held.names.is_empty()).then(|| format!("{} {kind}{plural} ({names}{more})", held.names.len()))
    });
    parts.collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize) -> Held {
        Held { names: (0..count).map(|at| format!("emea/user-{at}")).collect(), going: 0 }
    }

    #[test]
    fn some_are_named_and_all_are_counted() {
        let none = Held::default();
        assert_eq!(sentence(&some(1), &none), "1 ConnectUser (emea/user-0)");
        assert_eq!(
            sentence(&some(7), &Held { names: vec!["emea".to_owned()], going: 0 }),
            "7 ConnectUsers (emea/user-0, emea/user-1, emea/user-2, emea/user-3, emea/user-4 and 2 more) and \
             1 ConnectInstance (emea)"
        );
    }
}
