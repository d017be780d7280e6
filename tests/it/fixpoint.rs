//! Properties of the core, with the real adapter over the simulator: a plan that was carried out leaves
//! nothing to do, what is declared holds, what is no longer declared is gone, and what is somebody else's is as
//! it was; whichever way Connect does what it does not document.
//!
//! Where a reading leaves no call that could take something away ([`impossible`]), the promise is less: nobody
//! tries for ever, since the record of what is owned no longer holds it after the first try.

mod hardship;
pub mod in_process;
pub mod specs;
mod stage;
pub mod truth;

use std::cell::RefCell;
use std::collections::BTreeSet;

use connect_simulator::{Switches, UserPatch};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use connect_user_operator::user::ownership::{Owned, Whose};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};

use self::specs::{Case, Kind, NAME};
use self::stage::{BYSTANDER, Stage, desired};
use self::truth::{Facts, declared, facts};

/// Runs a property on arbitrary input, `cases` times. The input is the same at every run, so that the gate says the
/// same twice; with PROPTEST_CASES set, which is then the number for 256, it is new at every run.
pub fn holds<S: Strategy>(cases: u32, input: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let config = Config::default();
    let config = Config { cases: (config.cases * cases).div_ceil(256), failure_persistence: None, ..config };
    let fixed = || TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let is_search = std::env::var_os("PROPTEST_CASES").is_some();
    let mut runner = if is_search { TestRunner::new(config) } else { TestRunner::new_with_rng(config, fixed()) };
    if let Err(failure) = runner.run(input, property) {
        panic!("{failure}");
    }
}

/// The same on a stage, which is made once.
fn check<S: Strategy>(cases: u32, input: &S, property: impl Fn(&mut Stage, S::Value) -> TestCaseResult) {
    let stage = RefCell::new(Stage::new());
    holds(cases, input, |value| property(&mut stage.borrow_mut(), value));
}

/// A result that a property needs.
fn done<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(format!("{what}: {error}")))
}

/// What no call of Connect can do under a reading; there it is enough that nobody tries for ever.
fn impossible(name: &str, kind: Kind, switches: Switches) -> bool {
    // Members that are left out are kept: nothing takes them away.
    // With a directory, the block that is left may be empty, which says nothing either.
    ((!switches.identity_absent_clears || kind == Kind::Directory) && name.starts_with("identityInfo."))
        // `{}` keeps the group.
        || (switches.hierarchy_empty_body_keeps && name == "hierarchyGroup")
}

fn converges(stage: &mut Stage, case: Case, switches: Switches) -> TestCaseResult {
    let Case { kind, first, patch, second, rebuilt, crash } = case;
    stage.reset(kind, switches);
    let bystander = stage.user(BYSTANDER);
    let old = first.as_ref().map(desired);
    let before = first.as_ref().map(declared).unwrap_or_default();
    let owned = old.as_ref().map(Owned::by).unwrap_or_default();

    let id = match &old {
        Some(old) => {
            let made = done("creation", stage.execute(None, &stage.creation(old).calls))?;
            made.ok_or_else(|| TestCaseError::fail("CreateUser answered no id"))?
        }
        None => stage.make(NAME, UserPatch::default()),
    };
    if let Some(old) = &old {
        let plan = done("reading", stage.plan(old, &id, &owned))?;
        prop_assert!(plan.is_empty() && plan.differences.is_empty(), "a new user is not as declared: {:?}", plan);
    }
    let mut tags = stage.user(NAME).tags;
    if let Some(others) = patch.tags {
        tags.retain(|key, _| key == OWNER_TAG || key == UID_TAG);
        tags.extend(others);
    }
    if rebuilt && old.is_some() {
        tags.insert(UID_TAG.to_owned(), "uid-0".to_owned());
    }
    stage.patch(UserPatch { tags: Some(tags), ..patch });

    let found = stage.user(NAME);
    let new = desired(&second);
    let names: BTreeSet<String> = Owned::by(&new).to_record(None).fields.iter().cloned().collect();
    let said = declared(&second);
    prop_assert!(said.keys().filter(|name| !name.contains("tags[") && !name.contains("Proficiencies[")).eq(&names));

    // A crash on the way, after as many calls as chance has it: what was done is seen, the rest is done.
    let both = owned.union(&Owned::by(&new));
    let plan = done("reading", stage.plan(&new, &id, &both))?;
    prop_assert_eq!(plan.is_empty(), plan.differences.is_empty());
    let part = &plan.calls[..crash.index(plan.calls.len() + 1)];
    done("the first calls of the plan", stage.execute(Some(&id), part))?;
    let rest = done("reading", stage.plan(&new, &id, &both))?;
    prop_assert!(rest.calls.len() <= plan.calls.len(), "{:?} after {:?}", rest, plan);
    done("the rest of the plan", stage.execute(Some(&id), &rest.calls))?;

    let result = stage.user(NAME);
    let (seen, was) = (facts(&result), facts(&found));
    let ours = |name: &str| before.contains_key(name) || said.contains_key(name) || name.contains("contactops.dev/");
    for (name, value) in &said {
        prop_assert_eq!(seen.get(name), value.as_ref(), "{} is declared", name);
    }
    for name in before.keys().filter(|name| !said.contains_key(*name) && !impossible(name, kind, switches)) {
        if name == "directoryUserId" {
            continue;
        }
        prop_assert_eq!(seen.get(name), None, "{} is no longer declared", name);
    }
    let foreign = |facts: &Facts| {
        facts.iter().filter(|(name, _)| !ours(name)).map(|(k, v)| (k.clone(), v.clone())).collect::<Facts>()
    };
    prop_assert_eq!(foreign(&seen), foreign(&was), "somebody else's");
    prop_assert_eq!(stage.owner.judge(&result.tags), Whose::Ours);

    // Nothing is left to do: neither while the record still holds what was owned before, unless that cannot be
    // taken away, nor afterwards.
    let observed = done("reading", stage.observe(&id))?;
    if !before.keys().any(|name| !said.contains_key(name) && seen.contains_key(name)) {
        let plan = stage.update(&new, &observed, &both);
        prop_assert!(plan.is_empty(), "no fixpoint: {:?} after {:?}", plan, rest);
    }
    let plan = stage.update(&new, &observed, &Owned::by(&new));
    prop_assert!(plan.is_empty(), "no fixpoint: {:?} after {:?}", plan, rest);

    let calls = stage.simulator.calls();
    let strays = calls.iter().filter(|call| call.write && call.user_id.as_deref() != Some(id.as_str()));
    prop_assert_eq!(strays.count(), 0, "a write to somebody else");
    prop_assert_eq!(stage.user(BYSTANDER), bystander);
    prop_assert_eq!(stage.users(), 1);
    Ok(())
}

#[test]
fn plans_reach_a_fixpoint_in_the_most_plausible_reading() {
    check(256, &specs::case(), |stage, case| converges(stage, case, Switches::default()));
}

#[test]
fn plans_reach_a_fixpoint_with_everything_the_other_way_round() {
    check(256, &specs::case(), |stage, case| converges(stage, case, Switches::all_flipped()));
}

#[test]
fn plans_reach_a_fixpoint_with_each_behaviour_the_other_way_round() {
    let cases = specs::case();
    for (_, switches) in Switches::each_flipped() {
        check(8, &cases, |stage, case| converges(stage, case, switches));
    }
}

#[test]
fn plans_reach_a_fixpoint_in_every_mixture_of_readings() {
    check(256, &(specs::case(), specs::switches()), |stage, (case, switches)| converges(stage, case, switches));
}
