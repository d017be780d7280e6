//! Somebody who edits one user all the time, and looks how long Amazon Connect takes to have it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::tell::amazon::Amazon;
use harness::tell::story::Failure;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::world::{NAMESPACE, RELEASE, World};

/// The object that is edited, and its user.
const OBJECT: &str = "lena-vogt";
const USERNAME: &str = "lena.vogt";
/// Tag that is edited. Nothing else writes it.
const TAG: &str = "e2e-edit";
/// After this it will not come any more.
const GIVE_UP: Duration = Duration::from_secs(90);

/// What was seen meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Edits that reached Amazon Connect.
    pub(crate) edits: usize,
    /// The longest that one took.
    pub(crate) longest: Duration,
    /// The fewest replicas that were available.
    pub(crate) fewest: i32,
}

/// The editor at work.
pub(crate) struct Edits {
    stop: Arc<AtomicBool>,
    work: JoinHandle<Result<Seen, Failure>>,
}

impl Edits {
    /// Begins; the first edit is on its way when this returns.
    pub(crate) fn begin(world: &World) -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let amazon =
            Amazon::new(world.amazon.url()).map_err(|seen| Failure::new("a client for the simulator", seen))?;
        let editor = Editor {
            amazon,
            users: world.users(),
            deployments: Api::namespaced(world.client.clone(), NAMESPACE),
            began: Instant::now(),
        };
        let work = tokio::spawn(editor.edit_until(Arc::clone(&stop)));
        Ok(Self { stop, work })
    }

    /// Ends after the edit that is under way.
    pub(crate) async fn end(self) -> Result<Seen, Failure> {
        self.stop.store(true, Ordering::Release);
        self.work.await.map_err(|error| Failure::new("an end of the edits", error))?
    }
}

struct Editor {
    amazon: Amazon,
    users: Api<DynamicObject>,
    deployments: Api<Deployment>,
    began: Instant,
}

impl Editor {
    async fn edit_until(self, stop: Arc<AtomicBool>) -> Result<Seen, Failure> {
        let mut seen = Seen { fewest: i32::MAX, ..Seen::default() };
        while !stop.load(Ordering::Acquire) {
            let value = format!("{}-{}", seen.edits, self.began.elapsed().as_millis());
            let since = Instant::now();
            self.edit(&value).await?;
            loop {
                let arrived = self.look(&value, &mut seen).await;
                match arrived {
                    Ok(()) => break,
                    Err(instead) if since.elapsed() > GIVE_UP => {
                        return Err(Failure::new("an edit that reaches Amazon Connect", instead));
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
            seen.edits += 1;
            seen.longest = seen.longest.max(since.elapsed());
        }
        Ok(seen)
    }

    /// Whether the user has the edit.
    async fn look(&self, value: &str, seen: &mut Seen) -> Result<(), String> {
        seen.fewest = seen.fewest.min(self.available().await?);
        let user = self.amazon.user(USERNAME).await?;
        let tag = user.pointer(&format!("/Tags/{TAG}")).and_then(Value::as_str);
        if tag == Some(value) { Ok(()) } else { Err(format!("the user has {tag:?} instead of {value:?}")) }
    }

    async fn edit(&self, value: &str) -> Result<(), Failure> {
        let patch = Patch::Merge(json!({ "spec": { "tags": { TAG: value } } }));
        let edited = self.users.patch(OBJECT, &PatchParams::default(), &patch).await;
        edited.map(|_| ()).map_err(|error| Failure::new(format!("an edit of {OBJECT}"), error))
    }

    async fn available(&self) -> Result<i32, String> {
        let deployment = self.deployments.get(RELEASE).await.map_err(|error| error.to_string())?;
        Ok(deployment.status.and_then(|status| status.available_replicas).unwrap_or_default())
    }
}
