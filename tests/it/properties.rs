//! Every property on its way to Connect: at creation, at a change, at its removal.

mod creation;
mod edits;
mod removal;
mod settings;

use connect_simulator::user::{Channel, PhoneType, User, VoiceEnhancementMode};
use connect_simulator::{CallRecord, Switches};
use connect_user_operator::resource::{OWNER_TAG, UID_TAG};
use serde_json::{Map, Value, json};

use crate::support::{Options, Stage};

/// A user as it is in Connect, in one form whichever way its settings were written: what is neutral or
/// absent is left out, and the marks of the operator are shown as the owner.
fn state(user: &User) -> Value {
    let identity = &user.identity_info;
    let identity = [
        ("firstName", &identity.first_name),
        ("lastName", &identity.last_name),
        ("email", &identity.email),
        ("secondaryEmail", &identity.secondary_email),
        ("mobile", &identity.mobile),
    ];
    let identity: Map<_, _> =
        identity.into_iter().filter_map(|(member, value)| Some((member.to_owned(), json!(value.as_ref()?)))).collect();
    let mut security = user.security_profile_ids.clone();
    security.sort();
    let tags: Map<_, _> = user
        .tags
        .iter()
        .filter(|(key, _)| *key != OWNER_TAG && *key != UID_TAG)
        .map(|(key, value)| (key.clone(), json!(value)))
        .collect();
    let levels = user.user_proficiencies.iter();
    let levels: Map<_, _> =
        levels.map(|one| (format!("{}={}", one.attribute_name, one.attribute_value), json!(one.level))).collect();
    let mut state = json!({
        "username": user.username,
        "identity": identity,
        "directoryUserId": user.directory_user_id,
        "routing": user.routing_profile_id,
        "security": security,
        "group": user.hierarchy_group_id,
        "settings": settings_of(user),
        "tags": tags,
        "proficiencies": levels,
        "owner": user.tags.get(OWNER_TAG),
        "uid": user.tags.get(UID_TAG),
    });
    state.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    state
}

/// What holds for each channel: the entry of a list, or what PhoneConfig says where the list is empty.
fn settings_of(user: &User) -> Map<String, Value> {
    const ALL: [Channel; 4] = [Channel::Voice, Channel::Chat, Channel::Task, Channel::Email];
    let name = |channel: Channel| json!(channel).as_str().unwrap().to_owned();
    let (lists, phone) = (&user.channels, user.phone_config.clone().unwrap_or_default());
    let mut all = Map::new();
    let mut say = |channel: Channel, what: &str, value: Value, neutral: Value| {
        if value != neutral {
            all.insert(format!("{} {what}", name(channel)), value);
        }
    };
    let voice = Channel::Voice;
    if lists.auto_accept_configs.is_empty() {
        say(voice, "accept", json!(phone.auto_accept.unwrap_or_default()), json!(false));
    }
    for one in &lists.auto_accept_configs {
        say(one.channel, "accept", json!(one.auto_accept), json!(false));
        say(one.channel, "first accept", json!(one.agent_first_callback_auto_accept.unwrap_or_default()), json!(false));
    }
    if lists.after_contact_work_configs.is_empty() {
        for channel in ALL {
            say(channel, "work", json!(phone.after_contact_work_time_limit.unwrap_or_default()), json!(0));
        }
    }
    for one in &lists.after_contact_work_configs {
        let limit = |config: &connect_simulator::user::AfterContactWorkConfig| {
            json!(config.after_contact_work_time_limit.unwrap_or_default())
        };
        say(one.channel, "work", limit(&one.after_contact_work_config), json!(0));
        let first = one.agent_first_callback_after_contact_work_config.as_ref();
        say(one.channel, "first work", first.map_or_else(|| json!(0), limit), json!(0));
    }
    if lists.phone_number_configs.is_empty() {
        say(voice, "phone", json!(phone.phone_type.unwrap_or(PhoneType::SoftPhone)), json!("SOFT_PHONE"));
        say(voice, "number", json!(phone.desk_phone_number), Value::Null);
    }
    for one in &lists.phone_number_configs {
        say(one.channel, "phone", json!(one.phone_type), json!("SOFT_PHONE"));
        say(one.channel, "number", json!(one.phone_number), Value::Null);
    }
    if lists.persistent_connection_configs.is_empty() {
        say(voice, "persistent", json!(phone.persistent_connection.unwrap_or_default()), json!(false));
    }
    for one in &lists.persistent_connection_configs {
        say(one.channel, "persistent", json!(one.persistent_connection), json!(false));
    }
    for one in &lists.voice_enhancement_configs {
        say(one.channel, "enhancement", json!(one.voice_enhancement_mode), json!(VoiceEnhancementMode::None));
    }
    all
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => {
            for (key, value) in patch {
                if value.is_null() {
                    target.remove(key);
                } else {
                    merge(target.entry(key.clone()).or_insert_with(|| json!({})), value);
                }
            }
        }
        (target, patch) => *target = patch.clone(),
    }
}

/// A call that a step expects: of a write also what it carries.
type Act = (String, Value);

fn read(operation: &str) -> Act {
    (operation.to_owned(), Value::Null)
}

fn write(operation: &str, body: Value) -> Act {
    (operation.to_owned(), body)
}

/// The calls so far in the form of [`Act`].
fn acts(calls: &[CallRecord]) -> Vec<Act> {
    calls
        .iter()
        .map(|call| {
            let body = match call.operation.as_str() {
                "UntagResource" => {
                    let pairs = call.query.split('&').filter_map(|pair| pair.strip_prefix("tagKeys="));
                    json!(pairs.collect::<Vec<_>>())
                }
                _ if call.write => call.body.clone(),
                _ => Value::Null,
            };
            (call.operation.clone(), body)
        })
        .collect()
}

/// One edit of the spec, and what it must bring about.
struct Step {
    what: &'static str,
    /// Merge patch of the spec.
    edit: Value,
    /// Merge patch of [`state`].
    becomes: Value,
    /// The same where every undocumented behaviour is the other way round, if Connect leaves no way then.
    flipped: Option<Value>,
    /// All calls, in order.
    calls: Vec<Act>,
}

fn step(what: &'static str, edit: Value, becomes: Value, calls: Vec<Act>) -> Step {
    Step { what, edit, becomes, flipped: None, calls }
}

impl Step {
    /// Where everything is flipped, Connect has no call that brings this about: the value stays.
    fn impossible_when_flipped(self) -> Self {
        self.flipped(json!({}))
    }

    fn flipped(self, becomes: Value) -> Self {
        Self { flipped: Some(becomes), ..self }
    }
}

/// Carries out the steps one after the other on object and user `jane`; the whole state is compared after
/// each, so that nothing else moves, and the calls too unless everything is flipped.
async fn play(stage: &Stage, steps: Vec<Step>) {
    let is_flipped = stage.simulator.switches() == Switches::all_flipped();
    let mut expected = state(&stage.user("jane.doe").unwrap());
    for Step { what, edit, becomes, flipped, calls } in steps {
        stage.simulator.clear_calls();
        stage.edit("jane", edit).await;
        let object = stage.ready("jane").await;
        let status = object.status.unwrap();
        assert_eq!(status.applied.unwrap().generation, object.metadata.generation, "{what}");
        merge(&mut expected, if is_flipped { flipped.as_ref().unwrap_or(&becomes) } else { &becomes });
        assert_eq!(state(&stage.user("jane.doe").unwrap()), expected, "{what}: {:?}", acts(&stage.calls()));
        if !is_flipped {
            assert_eq!(acts(&stage.calls()), calls, "{what}");
        }
    }
    stage.settled("jane").await;
}

/// A stage on which Connect behaves in a certain way.
async fn stage(name: &str, switches: Switches) -> Stage {
    let simulator = connect_simulator::Options { switches, ..Default::default() };
    Stage::with(name, Options { simulator, ..Options::default() }).await
}

/// Reads the user again, and tells which calls that took.
async fn looked_at_again(stage: &Stage) -> Vec<String> {
    stage.simulator.clear_calls();
    stage.annotate("jane", "contactops.dev/reconcile-requested-at", "again").await;
    stage
        .until("jane", "read again", |object| {
            object.status.as_ref().unwrap().last_handled_reconcile_at.as_deref() == Some("again")
        })
        .await;
    stage.operations()
}
