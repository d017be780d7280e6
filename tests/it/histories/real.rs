//! Short histories on the real control plane: the operator's own process under the shipped rights, killed and
//! started again between whatever people and Connect do. The rules are those of the histories in memory, as
//! far as they can be seen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use connect_simulator::fixtures::managed as m;
use connect_simulator::user::{IdentityInfo, User};
use connect_simulator::{Fault, FaultKind, Mutation, UserPatch};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use futures::future::join_all;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::dice::Dice;
use crate::support::{Options, Stage, managed};

const SEEDS: u64 = 24;
/// Operators at one time: each is a process.
const ABREAST: usize = 6;
const STEPS: usize = 16;
const OBJECTS: [&str; 3] = ["ann", "bob", "cid"];
/// Somebody else's, whom nothing may change.
const BYSTANDER: &str = "bystander";

/// One history.
struct History {
    seed: u64,
    dice: Dice,
    stage: Stage,
    course: Vec<String>,
    before: User,
}

#[tokio::test(flavor = "multi_thread")]
async fn dozens_of_histories_on_the_real_control_plane_come_to_rest() {
    let first: u64 = std::env::var("FIRST_HISTORY").ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    let seeds: Vec<u64> = (first..first + SEEDS).collect();
    for seeds in seeds.chunks(ABREAST) {
        join_all(seeds.iter().map(|seed| async {
            let mut history = History::begin(*seed).await;
            for _ in 0..STEPS {
                history.step().await;
                history.rules();
            }
            history.rest().await;
        }))
        .await;
    }
}

impl History {
    async fn begin(seed: u64) -> Self {
        let options = Options { sweep: "1s", search: "2s", grace: "1s", ..Options::default() };
        let stage = Stage::with(&format!("history-{seed}"), options).await;
        stage.administrator();
        let (instance_id, set) = (m::ID.to_owned(), Box::default());
        stage.simulator.mutate(Mutation::CreateUser { instance_id, username: BYSTANDER.to_owned(), set }).unwrap();
        let before = stage.user(BYSTANDER).unwrap();
        Self { seed, dice: Dice::new(seed), stage, course: Vec::new(), before }
    }

    async fn step(&mut self) {
        let name = *self.dice.pick::<&str>(&OBJECTS);
        let username = format!("{name}.agent");
        let object = self.stage.api().get_opt(name).await.unwrap();
        let is_living = object.as_ref().is_some_and(|object| object.metadata.deletion_timestamp.is_none());
        let roll = self.dice.below(100);
        let told = match roll {
            0..30 if object.is_none() => {
                let mut object = managed(name, &username);
                object["spec"]["adoptionPolicy"] = json!(self.dice.pick::<&str>(&["Adopt", "Refuse"]));
                object["spec"]["tags"] = json!({ "team": self.dice.pick::<&str>(&["red", "blue"]) });
                self.stage.create(&object).await;
                format!("create {name}")
            }
            0..50 if is_living => {
                let spec = self.change();
                let told = format!("edit {name} {spec}");
                self.stage.edit(name, spec).await;
                told
            }
            50..62 if is_living => {
                self.stage.delete(name).await;
                format!("delete {name}")
            }
            62..76 => {
                let patch = UserPatch {
                    routing_profile_id: Some(m::ROUTING_NIGHT.to_owned()),
                    identity_info: Some(IdentityInfo { last_name: Some("Console".to_owned()), ..Default::default() }),
                    ..UserPatch::default()
                };
                self.mutate(Mutation::UpdateUser {
                    instance_id: m::ID.to_owned(),
                    user: username.clone(),
                    set: Box::new(patch),
                });
                format!("console changes {username}")
            }
            76..82 => {
                self.mutate(Mutation::DeleteUser { instance_id: m::ID.to_owned(), user: username.clone() });
                format!("console deletes {username}")
            }
            82..92 => {
                let kind = match self.dice.below(4) {
                    0 => FaultKind::Throttle,
                    1 => FaultKind::LostAnswer,
                    2 => FaultKind::LostRequest,
                    _ => FaultKind::MalformedAnswer,
                };
                let told = format!("fault {kind:?}");
                self.stage.simulator.inject(Fault::new(kind).times(self.dice.between(1, 3) as u32));
                told
            }
            _ => {
                self.stage.kill_operator();
                self.stage.start_operator().await;
                "kill and start".to_owned()
            }
        };
        self.course.push(told);
        tokio::time::sleep(Duration::from_millis(self.dice.between(0, 400) as u64)).await;
    }

    fn change(&mut self) -> Value {
        match self.dice.below(4) {
            0 => json!({ "identityInfo": { "lastName": self.dice.pick::<&str>(&["Doe", "Roe", "Poe"]) } }),
            1 => {
                let profile = self.dice.pick::<&str>(&[m::ROUTING_BASIC, m::ROUTING_TIER_1]);
                json!({ "routingProfileArn": format!("{}/routing-profile/{profile}", m::ARN) })
            }
            2 => json!({ "tags": { "team": self.dice.pick::<&str>(&["red", "blue"]) } }),
            _ => json!({ "deletionPolicy": "Delete", "driftPolicy": "Correct" }),
        }
    }

    /// There may be nobody of that name at the moment.
    fn mutate(&self, mutation: Mutation) {
        self.stage.simulator.mutate_at(mutation, std::time::SystemTime::now()).ok();
    }

    /// What holds at every moment.
    fn rules(&self) {
        let users = self.stage.simulator.users(m::ID);
        let mut by_uid: BTreeMap<&String, usize> = BTreeMap::new();
        for uid in users.iter().filter_map(|user| user.tags.get(UID_TAG)) {
            *by_uid.entry(uid).or_default() += 1;
        }
        assert!(by_uid.values().all(|count| *count == 1), "an object has two users: {}", self.told());
        assert_eq!(self.stage.user(BYSTANDER).as_ref(), Some(&self.before), "{}", self.told());
    }

    /// What holds in the end: every object has its user as declared, and there is nobody else.
    async fn rest(self) {
        self.stage.simulator.clear_faults();
        let mut expected: BTreeSet<String> = ["administrator", BYSTANDER].map(str::to_owned).into();
        for name in OBJECTS {
            let username = format!("{name}.agent");
            let object = self.stage.api().get_opt(name).await.unwrap();
            if object.as_ref().is_none_or(|object| object.metadata.deletion_timestamp.is_some()) {
                self.stage.gone(name).await;
                continue;
            }
            expected.insert(username.clone());
            let spec = object.unwrap().spec;
            let is_so = self.stage.eventually(|| async {
                let object = self.stage.ready(name).await;
                let user = self.stage.user(&username)?;
                let uid = user.tags.get(UID_TAG) == object.uid().as_ref();
                let owner = user.tags.get(OWNER_TAG) == Some(&format!("test/{}/{name}", self.stage.namespace));
                let identity = user.identity_info.last_name == spec.identity_info.as_ref().unwrap().last_name;
                let routing = spec.routing_profile_arn.as_ref().unwrap().ends_with(&user.routing_profile_id);
                let tags = spec.tags.iter().flatten().all(|(key, value)| user.tags.get(key) == Some(value));
                (uid && owner && identity && routing && tags).then_some(())
            });
            assert!(
                is_so.await.is_some(),
                "{name} is not as declared: {:?}; {}",
                self.stage.user(&username),
                self.told()
            );
        }
        let users: BTreeSet<String> = self.stage.simulator.users(m::ID).into_iter().map(|user| user.username).collect();
        assert_eq!(users, expected, "{}", self.told());
        self.rules();
        self.stage.stop_operator().await;
    }

    fn told(&self) -> String {
        format!("history {}: {}", self.seed, self.course.join("; "))
    }
}
