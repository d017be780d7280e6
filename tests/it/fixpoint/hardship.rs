//! New users of every shape, names that are taken, answers that are lost.

use connect_simulator::fixtures::managed as m;
use connect_simulator::{Fault, FaultKind, Mutation, Switches, UserPatch};
use connect_user_operator::connect::{ConnectError, Kind as Failure};
use connect_user_operator::plan::call::Call;
use connect_user_operator::plan::diff;
use connect_user_operator::resource::user::ConnectUserSpec;
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use connect_user_operator::user::desired::DesiredUser;
use connect_user_operator::user::ids::UserId;
use connect_user_operator::user::ownership::{Owned, Whose};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value as Json, json};

use super::specs::{self, Kind, NAME};
use super::stage::{BYSTANDER, Stage, desired};
use super::truth::{declared, facts};
use super::{check, done};

/// What came of one try to bring a user about.
#[derive(Debug, PartialEq)]
enum Try {
    /// It is as declared.
    Done(UserId),
    /// The name is somebody else's.
    Taken,
}

/// One try: create, and where the name is taken, look whose it is.
fn reconcile(stage: &Stage, desired: &DesiredUser) -> Result<Try, ConnectError> {
    match stage.execute(None, &stage.creation(desired).calls) {
        Ok(id) => return Ok(id.map_or(Try::Taken, Try::Done)),
        Err(error) if error.kind == Failure::Duplicate => {}
        Err(error) => return Err(error),
    }
    let Some(id) = stage.find(&desired.username)? else { return Ok(Try::Taken) };
    let observed = stage.observe(&id)?;
    match stage.owner.judge(&observed.tags) {
        Whose::Ours | Whose::OursByName { .. } => {
            let plan = stage.update(desired, &observed, &Owned::by(desired));
            stage.execute(Some(&id), &plan.calls)?;
            Ok(Try::Done(id))
        }
        Whose::Nobodys | Whose::Anothers { .. } => Ok(Try::Taken),
    }
}

/// A form of each of the four settings that have two, by the digits of `form` to the base of three, and of the
/// fifth; everything else that may be declared, by the bits of `rest`.
fn shape(form: u32, rest: u32) -> ConnectUserSpec {
    let digit = |place: u32| form / 3_u32.pow(place) % 3;
    let bit = |place: u32| rest >> place & 1 == 1;
    let on = bit(5);
    let limit = if on { json!({ "afterContactWorkTimeLimit": 30 }) } else { json!({ "afterContactWorkTimeLimit": 0 }) };
    let number = if on { "+493012345678" } else { "+15550100" };
    let phone = if on { "DESK_PHONE" } else { "SOFT_PHONE" };
    let mut older = json!({});
    let mut spec = json!({
        "username": NAME,
        "identityInfo": { "firstName": "Jane", "lastName": "Doe", "email": "jane@example.com" },
        "routingProfileArn": specs::arn("routing-profile", m::ROUTING_TIER_1),
        "securityProfileArns": [specs::arn("security-profile", m::SECURITY_AGENT)],
    });
    let newer = [
        json!([{ "channel": "VOICE", "autoAccept": on, "agentFirstCallbackAutoAccept": !on }, { "channel": "EMAIL", "autoAccept": !on }]),
        json!([{ "channel": "CHAT", "afterContactWorkConfig": limit }]),
        json!([{ "channel": "VOICE", "phoneType": phone, "phoneNumber": number }]),
        json!([{ "channel": "VOICE", "persistentConnection": on }]),
    ];
    let lists = ["autoAcceptConfigs", "afterContactWorkConfigs", "phoneNumberConfigs", "persistentConnectionConfigs"];
    let members = ["autoAccept", "afterContactWorkTimeLimit", "phoneType", "persistentConnection"];
    let values = [json!(on), limit["afterContactWorkTimeLimit"].clone(), json!(phone), json!(on)];
    let twins = lists.into_iter().zip(newer).zip(members.into_iter().zip(values));
    for (place, ((list, entries), (member, value))) in (0..).zip(twins) {
        match digit(place) {
            1 => older[member] = value,
            2 => spec[list] = entries,
            _ => {}
        }
    }
    if digit(2) == 1 {
        older["deskPhoneNumber"] = json!(number);
    }
    let mut say = |said: bool, pointer: &str, value: Json| {
        if said {
            spec[pointer] = value;
        }
    };
    say(older != json!({}), "phoneConfig", older);
    say(
        form >= 81,
        "voiceEnhancementConfigs",
        json!([{ "channel": "VOICE", "voiceEnhancementMode": if on { "NOISE_SUPPRESSION" } else { "NONE" } }]),
    );
    say(bit(2), "hierarchyGroupArn", json!(specs::arn("agent-group", m::GROUP_APAC)));
    say(bit(3), "tags", json!({ "team": "support", "größe": "" }));
    say(bit(4), "userProficiencies", json!([{ "attributeName": "Skill", "attributeValue": "01", "level": 5 }]));
    if bit(0) {
        spec["identityInfo"]["secondaryEmail"] = json!("jane@example.org");
    }
    if bit(1) {
        spec["identityInfo"]["mobile"] = json!("+4915112345678");
    }
    serde_json::from_value(spec).unwrap()
}

/// Every form of every setting with every form of every other; the rest of the properties take turns.
#[test]
fn a_new_user_of_any_shape_is_as_declared() {
    let mut stage = Stage::new();
    for switches in [Switches::default(), Switches::all_flipped()] {
        stage.reset(Kind::Managed, switches);
        for form in 0..162 {
            // 37 has no factor in common with 64, so that all subsets of the rest have their turn.
            let spec = shape(form, form * 37 % 64);
            let desired = desired(&spec);
            let id = stage.execute(None, &stage.creation(&desired).calls).unwrap().unwrap();
            let plan = stage.plan(&desired, &id, &Owned::by(&desired)).unwrap();
            assert!(plan.is_empty() && plan.differences.is_empty(), "{plan:?} for {spec:?}");
            let seen = facts(&stage.user(NAME));
            for (name, value) in declared(&spec) {
                assert_eq!(seen.get(&name), value.as_ref(), "{name} of {spec:?}");
            }
            stage.execute(Some(&id), &[Call::DeleteUser]).unwrap();
        }
    }
}

/// Marks that are not those of our object, in every way in which they may not be.
fn foreign_marks() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    select(vec![
        vec![],
        vec![(OWNER_TAG, "prod/emea/john-roe"), (UID_TAG, "uid-2")],
        vec![(OWNER_TAG, "prod/emea/john-roe"), (UID_TAG, "uid-1")],
        vec![(OWNER_TAG, "stage/emea/jane-doe"), (UID_TAG, "uid-1")],
        vec![(OWNER_TAG, "prod/emea/john-roe")],
        vec![(UID_TAG, "uid-1")],
        vec![(OWNER_TAG, ""), (UID_TAG, "uid-1")],
        vec![(OWNER_TAG, "prod/emea/jane-doe/"), (UID_TAG, "uid-1")],
    ])
}

#[test]
fn a_user_of_somebody_else_is_never_written() {
    let input = specs::kind().prop_flat_map(|kind| {
        (Just(kind), specs::spec(kind), specs::patch(kind), foreign_marks(), specs::switches(), any::<bool>())
    });
    check(128, &input, |stage, (kind, spec, patch, marks, switches, in_capitals)| {
        stage.reset(kind, switches);
        // In another case it is the same name only where Connect takes it for the same.
        let name = if in_capitals && switches.usernames_ignore_case { NAME.to_uppercase() } else { NAME.to_owned() };
        let marks = marks.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
        let tags = patch.tags.clone().unwrap_or_default().into_iter().chain(marks).collect();
        stage.make(&name, UserPatch { tags: Some(tags), ..patch });
        let before = (stage.user(NAME), stage.user(BYSTANDER));
        for _ in 0..2 {
            let tried = done("a try", reconcile(stage, &desired(&spec)))?;
            prop_assert_eq!(tried, Try::Taken);
        }
        prop_assert_eq!((stage.user(NAME), stage.user(BYSTANDER)), before);
        prop_assert_eq!(stage.users(), 1);
        let writes = stage.simulator.calls().into_iter().filter(|call| call.write && call.status == 200);
        prop_assert_eq!(writes.count(), 0);
        Ok(())
    });
}

fn fault() -> impl Strategy<Value = Fault> {
    let error = |after: bool| {
        let (status, code, message) = (500, "InternalServiceException".to_owned(), String::new());
        if after {
            FaultKind::ErrorAfterEffect { status, code, message }
        } else {
            FaultKind::ErrorBeforeEffect { status, code, message }
        }
    };
    let kinds = vec![
        FaultKind::LostAnswer,
        FaultKind::LostRequest,
        FaultKind::MalformedAnswer,
        FaultKind::EmptyAnswer,
        FaultKind::Throttle,
        FaultKind::ThrottleWithRetryAfter { seconds: 1 },
        error(true),
        error(false),
    ];
    (select(kinds), 0..16_u32, 1..=2_u32, option::of(any::<bool>())).prop_map(|(kind, skip, times, write)| {
        // Of a listing, an answer without a body is read as one without entries, and the plan made of that may be
        // refused; which the next reading heals, but it is no failure that says so.
        let write = if kind == FaultKind::EmptyAnswer { Some(true) } else { write };
        Fault { times: Some(times), skip, write, ..Fault::new(kind) }
    })
}

/// Tries until one is done; each failure is one that the next try may heal.
fn persevere(mut attempt: impl FnMut() -> Result<Try, ConnectError>) -> TestCaseResult {
    for _ in 0..8 {
        match attempt() {
            Ok(Try::Done(_)) => return Ok(()),
            Ok(Try::Taken) => return Err(TestCaseError::fail("our own user is taken for somebody else's")),
            Err(error) if [Failure::Unavailable, Failure::Throttled].contains(&error.kind) => {}
            Err(error) => return Err(TestCaseError::fail(format!("a fault became something else: {error}"))),
        }
    }
    Err(TestCaseError::fail("no end of it"))
}

#[test]
fn whatever_is_lost_on_the_way_there_is_one_user_and_it_is_as_declared() {
    let input = specs::kind().prop_flat_map(|kind| {
        let faults = proptest::collection::vec(fault(), 1..=3);
        (Just(kind), specs::spec(kind), specs::spec(kind), faults, specs::switches())
    });
    check(128, &input, |stage, (kind, first, mut second, faults, switches)| {
        stage.reset(kind, switches);
        let bystander = stage.user(BYSTANDER);
        // What a spec no longer declares is the matter of other tests.
        second.identity_info.clone_from(&first.identity_info);
        let (old, new) = (desired(&first), desired(&second));
        faults.into_iter().for_each(|fault| stage.simulator.inject(fault));
        persevere(|| reconcile(stage, &old))?;
        prop_assert_eq!(stage.users(), 1);
        let seen = facts(&stage.user(NAME));
        for (name, value) in declared(&first) {
            prop_assert_eq!(seen.get(&name), value.as_ref(), "{} is declared", name);
        }

        let id = UserId::new(&stage.user(NAME).id);
        let both = Owned::by(&old).union(&Owned::by(&new));
        persevere(|| {
            let plan = stage.plan(&new, &id, &both)?;
            stage.execute(Some(&id), &plan.calls)?;
            Ok(Try::Done(id.clone()))
        })?;
        let seen = facts(&stage.user(NAME));
        for (name, value) in declared(&second) {
            prop_assert_eq!(seen.get(&name), value.as_ref(), "{} is declared", name);
        }
        prop_assert_eq!(stage.users(), 1);
        prop_assert_eq!(stage.user(BYSTANDER), bystander);
        Ok(())
    });
}

#[test]
fn a_released_user_keeps_everything_but_our_marks() {
    let input = specs::kind().prop_flat_map(|kind| (Just(kind), specs::spec(kind), specs::patch(kind)));
    check(32, &input, |stage, (kind, spec, patch)| {
        stage.reset(kind, Switches::default());
        let made = done("creation", stage.execute(None, &stage.creation(&desired(&spec)).calls))?;
        let mut tags = stage.user(NAME).tags;
        tags.extend(patch.tags.clone().unwrap_or_default());
        stage.patch(UserPatch { tags: Some(tags), ..patch });
        let mut expected = facts(&stage.user(NAME));
        let release = diff::release(&stage.owner);
        done("release", stage.execute(made.as_ref(), &[release]))?;
        expected.retain(|name, _| !name.contains("contactops.dev/"));
        prop_assert_eq!(facts(&stage.user(NAME)), expected);
        prop_assert_eq!(stage.owner.judge(&stage.user(NAME).tags), Whose::Nobodys);
        Ok(())
    });
}

#[test]
fn a_user_made_in_the_console_after_ours_is_not_ours() {
    let mut stage = Stage::new();
    stage.reset(Kind::Managed, Switches::default());
    let desired = desired(&shape(0, 0));
    assert!(matches!(reconcile(&stage, &desired), Ok(Try::Done(_))));
    let (instance_id, user) = (stage.instance.id().to_string(), NAME.to_owned());
    stage.mutate(Mutation::DeleteUser { instance_id, user });
    stage.make(NAME, UserPatch::default());
    assert_eq!(reconcile(&stage, &desired), Ok(Try::Taken));
    assert_eq!(stage.users(), 1);
}
