//! What can happen, and histories of it by chance.

use std::fmt;

use connect_simulator::fixtures::managed as m;
use connect_simulator::{FaultKind, UserPatch};
use connect_user_operator::resource::user::{
    AdoptionPolicy, ConnectUserSpec, DeletionPolicy, DriftPolicy, PasswordSecretRef,
};
use harness::memory::Harm;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;

use super::dice::Dice;
use crate::fixpoint::specs;

/// Objects are told apart by slot; each has a namespace and a name of its own.
pub const SLOTS: [(&str, &str); 4] = [("a", "jane"), ("a", "jane-again"), ("b", "john"), ("b", "third")];
/// Who may be claimed. Two spellings of one name are one user.
pub const USERNAMES: [&str; 3] = ["jane.doe", "john.roe", "Jane.Doe"];
/// ConnectInstances; both speak of the one instance.
pub const INSTANCES: [&str; 2] = ["emea", "emea-too"];

/// Something that happens.
#[derive(Clone)]
pub enum Step {
    Create {
        slot: usize,
        spec: Box<ConnectUserSpec>,
    },
    /// The fields that a user is made of.
    Edit {
        slot: usize,
        spec: Box<ConnectUserSpec>,
        whole: bool,
    },
    Deletion {
        slot: usize,
        policy: DeletionPolicy,
    },
    Adoption {
        slot: usize,
        policy: AdoptionPolicy,
    },
    Drift {
        slot: usize,
        policy: DriftPolicy,
    },
    Suspend {
        slot: usize,
        on: bool,
    },
    Annotate {
        slot: usize,
        key: &'static str,
        value: Option<&'static str>,
    },
    Delete {
        slot: usize,
    },
    /// The status is lost, as after a restore from a backup.
    ForgetStatus {
        slot: usize,
    },

    Console {
        username: &'static str,
        patch: Box<UserPatch>,
    },
    ConsoleRename {
        username: &'static str,
        to: &'static str,
    },
    ConsoleDelete {
        username: &'static str,
    },
    ConsoleCreate {
        username: &'static str,
        patch: Box<UserPatch>,
    },
    /// Somebody writes other owner marks, or takes ours off.
    Retag {
        username: &'static str,
        how: Retag,
    },

    /// Makes or changes a ConnectInstance.
    Instance {
        index: usize,
        freeze: bool,
        namespaces: &'static [&'static str],
        adoption: &'static str,
        cleanup: bool,
    },
    InstanceDelete {
        index: usize,
    },

    ConnectFault {
        operation: Option<&'static str>,
        kind: FaultKind,
        skip: u32,
        times: u32,
    },
    Lag {
        millis: u64,
    },
    ApiFault {
        harm: Harm,
        writes: bool,
        plural: Option<&'static str>,
        skip: u32,
        times: u32,
    },
    DropWatches,
    Compact,
    Hold,
    Release,

    /// The process is killed and started again.
    Restart,
    /// It ends in order and is started again.
    Rollout,
    /// A second operator comes beside the first, or goes.
    Second {
        on: bool,
    },
    Wait {
        millis: u64,
    },
}

/// How marks are changed past the operator.
#[derive(Clone, Copy, Debug)]
pub enum Retag {
    Foreign,
    Stripped,
    /// Another cluster's object of this name, or an earlier object: the owner is ours, the uid is not.
    OldUid,
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let brief = |spec: &ConnectUserSpec| {
            let mut spec = json!(spec);
            spec.as_object_mut().unwrap().retain(|name, value| {
                !["instanceArn", "passwordSecretRef"].contains(&name.as_str())
                    && *value != json!(false)
                    && !value.is_null()
            });
            spec.to_string().replace(m::ARN, "…")
        };
        match self {
            Self::Create { slot, spec } => write!(f, "create {} {}", name(*slot), brief(spec)),
            Self::Edit { slot, spec, whole } => write!(f, "edit {} whole={whole} {}", name(*slot), brief(spec)),
            Self::Deletion { slot, policy } => write!(f, "{} deletionPolicy {policy:?}", name(*slot)),
            Self::Adoption { slot, policy } => write!(f, "{} adoptionPolicy {policy:?}", name(*slot)),
            Self::Drift { slot, policy } => write!(f, "{} driftPolicy {policy:?}", name(*slot)),
            Self::Suspend { slot, on } => write!(f, "{} suspend {on}", name(*slot)),
            Self::Annotate { slot, key, value } => write!(f, "{} annotation {key}={value:?}", name(*slot)),
            Self::Delete { slot } => write!(f, "delete {}", name(*slot)),
            Self::ForgetStatus { slot } => write!(f, "forget status of {}", name(*slot)),
            Self::Console { username, patch } => write!(f, "console {username} {}", json!(patch)),
            Self::ConsoleRename { username, to } => write!(f, "console renames {username} to {to}"),
            Self::ConsoleDelete { username } => write!(f, "console deletes {username}"),
            Self::ConsoleCreate { username, .. } => write!(f, "console makes {username}"),
            Self::Retag { username, how } => write!(f, "tags of {username}: {how:?}"),
            Self::Instance { index, freeze, namespaces, adoption, cleanup } => {
                write!(
                    f,
                    "ConnectInstance {} freeze={freeze} {namespaces:?} {adoption} cleanup={cleanup}",
                    INSTANCES[*index]
                )
            }
            Self::InstanceDelete { index } => write!(f, "delete ConnectInstance {}", INSTANCES[*index]),
            Self::ConnectFault { operation, kind, skip, times } => {
                write!(f, "connect fault {kind:?} on {operation:?} skip={skip} times={times}")
            }
            Self::Lag { millis } => write!(f, "lag {millis} ms"),
            Self::ApiFault { harm, writes, plural, skip, times } => {
                write!(f, "api fault {harm:?} writes={writes} on {plural:?} skip={skip} times={times}")
            }
            Self::DropWatches => f.write_str("drop watches"),
            Self::Compact => f.write_str("compact (410)"),
            Self::Hold => f.write_str("hold watches"),
            Self::Release => f.write_str("release watches"),
            Self::Restart => f.write_str("kill and restart"),
            Self::Rollout => f.write_str("stop and start"),
            Self::Second { on } => write!(f, "second operator {on}"),
            Self::Wait { millis } => write!(f, "wait {millis} ms"),
        }
    }
}

fn name(slot: usize) -> String {
    let (namespace, name) = SLOTS[slot];
    format!("{namespace}/{name}")
}

/// Draws histories. The strategies are made once; making them is dear.
pub struct Author {
    specs: BoxedStrategy<ConnectUserSpec>,
    patches: BoxedStrategy<UserPatch>,
}

impl Author {
    pub fn new() -> Self {
        Self { specs: specs::spec(specs::Kind::Managed), patches: specs::patch(specs::Kind::Managed) }
    }

    /// The history of a seed.
    pub fn history(&self, seed: u64) -> Vec<Step> {
        let mut dice = Dice::new(seed);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
        let mut steps = Vec::new();
        // Most of what follows needs somebody to happen to.
        for slot in 0..2 {
            steps.push(Step::Create { slot, spec: self.spec(&mut dice, &mut runner) });
            steps.push(Step::Wait { millis: pause(&mut dice).min(5_000) });
        }
        for _ in 0..dice.between(5, 22) {
            steps.push(self.step(&mut dice, &mut runner));
            steps.push(Step::Wait { millis: pause(&mut dice) });
        }
        steps
    }

    fn spec(&self, dice: &mut Dice, runner: &mut TestRunner) -> Box<ConnectUserSpec> {
        let mut spec = self.specs.new_tree(runner).unwrap().current();
        spec.username = (*dice.pick(&USERNAMES)).to_owned();
        spec.password_secret_ref =
            Some(PasswordSecretRef { name: "password".to_owned(), key: "password".to_owned(), generate: None });
        if let Some(list) = &mut spec.user_proficiencies {
            list.retain(|one| possible(&one.attribute_value));
            if list.is_empty() {
                spec.user_proficiencies = None;
            }
        }
        // A number without a kind cannot be taken away while somebody's DESK_PHONE needs it.
        if let Some(phone) = &mut spec.phone_config
            && phone.phone_type.is_none()
        {
            phone.desk_phone_number = None;
            if json!(phone) == json!({}) {
                spec.phone_config = None;
            }
        }
        if dice.one_in(3) {
            spec.adoption_policy = AdoptionPolicy::Adopt;
        }
        if dice.one_in(6) {
            spec.deletion_policy = DeletionPolicy::Retain;
        }
        if dice.one_in(6) {
            spec.drift_policy = DriftPolicy::Report;
        }
        Box::new(spec)
    }

    fn patch(&self, runner: &mut TestRunner) -> Box<UserPatch> {
        let mut patch = self.patches.new_tree(runner).unwrap().current();
        patch.tags = None;
        if let Some(list) = &mut patch.user_proficiencies {
            list.retain(|one| possible(&one.attribute_value));
        }
        Box::new(patch)
    }

    fn step(&self, dice: &mut Dice, runner: &mut TestRunner) -> Step {
        let slot = if dice.one_in(3) { dice.below(SLOTS.len()) } else { dice.below(2) };
        let username = *dice.pick(&USERNAMES[..2]);
        let (skip, times) = (dice.below(4) as u32, 1 + dice.below(3) as u32);
        match dice.below(100) {
            0..13 => Step::Create { slot, spec: self.spec(dice, runner) },
            13..25 => Step::Edit { slot, spec: self.spec(dice, runner), whole: dice.one_in(4) },
            25..28 => Step::Deletion { slot, policy: *dice.pick(&[DeletionPolicy::Delete, DeletionPolicy::Retain]) },
            28..31 => Step::Adoption { slot, policy: *dice.pick(&[AdoptionPolicy::Adopt, AdoptionPolicy::Refuse]) },
            31..33 => Step::Drift { slot, policy: *dice.pick(&[DriftPolicy::Correct, DriftPolicy::Report]) },
            33..38 => Step::Suspend { slot, on: dice.one_in(2) },
            38..41 => {
                let (key, value) = *dice.pick(&[
                    ("contactops.dev/suspend", Some("true")),
                    ("contactops.dev/suspend", None),
                    ("contactops.dev/reconcile-requested-at", Some("now")),
                    ("contactops.dev/release-deletion", Some("retain")),
                ]);
                Step::Annotate { slot, key, value }
            }
            41..51 => Step::Delete { slot },
            51..53 => Step::ForgetStatus { slot },
            53..59 => Step::Console { username, patch: self.patch(runner) },
            59..60 => Step::ConsoleRename { username, to: dice.pick::<&str>(&["renamed", "john.roe", "jane.doe"]) },
            60..63 => Step::ConsoleDelete { username },
            63..66 => Step::ConsoleCreate { username, patch: self.patch(runner) },
            66..69 => Step::Retag { username, how: *dice.pick(&[Retag::Foreign, Retag::Stripped, Retag::OldUid]) },
            69..73 => Step::Instance {
                index: if dice.one_in(4) { 1 } else { 0 },
                freeze: dice.one_in(4),
                namespaces: if dice.one_in(3) { &["a"] } else { &["*"] },
                adoption: dice.pick::<&str>(&["Forbidden", "Allowed"]),
                cleanup: dice.one_in(3),
            },
            73..75 => Step::InstanceDelete { index: dice.below(2) },
            75..83 => {
                Step::ConnectFault { operation: dice.pick_or_none(&OPERATIONS), kind: connect_fault(dice), skip, times }
            }
            83..85 => Step::Lag { millis: *dice.pick(&[0, 0, 500, 5_000, 40_000]) },
            85..89 => Step::ApiFault {
                harm: *dice.pick(&[
                    Harm::Refused(409),
                    Harm::Refused(500),
                    Harm::Refused(429),
                    Harm::AnsweredWrongly(500),
                    Harm::Lost,
                    Harm::AnswerLost,
                ]),
                writes: !dice.one_in(4),
                plural: dice.pick_or_none(&["connectusers", "connectinstances", "configmaps", "secrets"]),
                skip,
                times,
            },
            89..90 => Step::DropWatches,
            90..91 => Step::Compact,
            91..93 => Step::Hold,
            93..94 => Step::Release,
            94..96 => Step::Restart,
            96..97 => Step::Rollout,
            _ => Step::Second { on: !dice.one_in(3) },
        }
    }
}

/// A user has at most ten proficiencies; of these eight values all may come together.
fn possible(skill: &str) -> bool {
    specs::SKILLS[..8].contains(&skill)
}

fn pause(dice: &mut Dice) -> u64 {
    match dice.below(10) {
        0..2 => 0,
        2..5 => dice.between(1, 400) as u64,
        5..8 => dice.between(400, 5_000) as u64,
        8 => dice.between(5_000, 100_000) as u64,
        _ => dice.between(100_000, 3_000_000) as u64,
    }
}

const OPERATIONS: [&str; 14] = [
    "CreateUser",
    "CreateUser",
    "CreateUser",
    "DeleteUser",
    "DeleteUser",
    "DescribeUser",
    "DescribeUser",
    "ListUsers",
    "SearchUsers",
    "TagResource",
    "UpdateUserIdentityInfo",
    "UpdateUserSecurityProfiles",
    "AssociateUserProficiencies",
    "DescribeInstance",
];

fn connect_fault(dice: &mut Dice) -> FaultKind {
    let error =
        |status, code: &str| FaultKind::ErrorBeforeEffect { status, code: code.into(), message: "injected".into() };
    match dice.below(10) {
        0..2 => FaultKind::LostAnswer,
        2 => FaultKind::LostRequest,
        3 => FaultKind::Throttle,
        4 => FaultKind::ThrottleWithRetryAfter { seconds: 20 },
        5 => error(500, "InternalServiceException"),
        6 => FaultKind::ErrorAfterEffect {
            status: 500,
            code: "InternalServiceException".into(),
            message: "injected".into(),
        },
        7 => error(404, "ResourceNotFoundException"),
        8 => error(403, "AccessDeniedException"),
        _ => FaultKind::MalformedAnswer,
    }
}
