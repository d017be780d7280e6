//! Tasks that wait for their turn, in paused time: who is next, and that nobody is lost or starved.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_user_operator::pace::budget::Verdict;
use connect_user_operator::pace::gate::{Entry, Gate};
use connect_user_operator::pace::limits::{Limits, Place};
use connect_user_operator::pace::queue::{Class, Tenant, Ticket};
use connect_user_operator::pace::{Key, Pace, Permit, Turn};
use tokio::time::{Instant, sleep, timeout};

use super::door::Door;

fn key() -> Key {
    let place = Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() };
    Key { place, operation: "CreateUser" }
}

fn ticket(class: Class, namespace: &str) -> Ticket {
    Ticket { class, tenant: Tenant { instance: "i".into(), namespace: namespace.into() } }
}

/// A pace at AWS's defaults whose buckets are full, and the log of what happened: label and time.
struct Scene {
    pace: Pace,
    done: Arc<Mutex<Vec<(String, Duration)>>>,
    begun: Instant,
}

impl Scene {
    async fn new() -> Self {
        let pace = Pace::new(Limits::default(), 64, Arc::new(|_, _| ()));
        sleep(Duration::from_secs(60)).await;
        Self { pace, done: Arc::default(), begun: Instant::now() }
    }

    /// A task that waits for its turn and makes a call of 50 ms.
    fn call(&self, label: &str, class: Class, namespace: &str) -> tokio::task::JoinHandle<()> {
        let (pace, done, begun) = (self.pace.clone(), Arc::clone(&self.done), self.begun);
        let (label, ticket) = (label.to_owned(), ticket(class, namespace));
        tokio::spawn(async move {
            let permit = pace.acquire(&key(), &ticket).await;
            done.lock().unwrap().push((label, begun.elapsed()));
            sleep(Duration::from_millis(50)).await;
            permit.told(Verdict::Counted);
        })
    }

    fn count(&self, label: &str) -> usize {
        self.done.lock().unwrap().iter().filter(|(other, _)| other == label).count()
    }
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_take_no_longer_than_the_quota_demands() {
    let scene = Scene::new().await;
    let tasks: Vec<_> = (0..10_000).map(|_| scene.call("import", Class::Edit, "import")).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let ratio = (10_000.0 - 5.0) / 2.0 / scene.begun.elapsed().as_secs_f64();
    println!("10000 tasks at 2/s: ratio {ratio:.4}");
    assert!(ratio >= 0.98, "{ratio}");
}

#[tokio::test(start_paused = true)]
async fn an_edit_is_next_however_many_wait() {
    let scene = Scene::new().await;
    for _ in 0..10_000 {
        scene.call("import", Class::Edit, "import");
    }
    sleep(Duration::from_secs(100)).await;
    for namespace in ["a", "b", "c"] {
        let asked = scene.begun.elapsed();
        timeout(Duration::from_secs(60), scene.call("edit", Class::Edit, namespace)).await.unwrap().unwrap();
        let at = scene.done.lock().unwrap().iter().rev().find(|(label, _)| label == "edit").unwrap().1;
        let waited = at - asked;
        println!("an edit waited {waited:?} behind an import of 10000");
        assert!(waited <= Duration::from_secs(2), "{waited:?}");
    }
    assert!(scene.count("import") < 500, "the import was to be waiting all the while");
}

#[tokio::test(start_paused = true)]
async fn namespaces_share_and_a_small_import_does_not_wait_for_a_large_one() {
    let scene = Scene::new().await;
    for _ in 0..5000 {
        scene.call("large", Class::Bulk, "large");
    }
    sleep(Duration::from_secs(10)).await;
    let before = scene.count("large");
    let small: Vec<_> = (0..100).map(|_| scene.call("small", Class::Bulk, "small")).collect();
    for task in small {
        task.await.unwrap();
    }
    let meanwhile = scene.count("large") - before;
    assert!((95..=105).contains(&meanwhile), "{meanwhile} of the large one while 100 of the small one");
}

#[tokio::test(start_paused = true)]
async fn under_endless_edits_every_class_gets_its_floor() {
    let scene = Scene::new().await;
    for class in [Class::Bulk, Class::Drift, Class::Background] {
        for _ in 0..2000 {
            scene.call(class.name(), class, "n");
        }
    }
    // Always some edits waiting, from several namespaces.
    let mut pushed = 0;
    while scene.begun.elapsed() < Duration::from_secs(1000) {
        while pushed - scene.count("edit") < 15 {
            scene.call("edit", Class::Edit, ["a", "b", "c"][pushed % 3]);
            pushed += 1;
        }
        sleep(Duration::from_millis(100)).await;
    }
    let total = scene.done.lock().unwrap().len() as f64;
    let shares: BTreeMap<_, _> =
        Class::ALL.into_iter().map(|class| (class.name(), scene.count(class.name()) as f64 / total)).collect();
    println!("shares under endless edits: {shares:?}");
    for (class, least) in [("bulk", 0.19), ("drift", 0.09), ("background", 0.09), ("edit", 0.58)] {
        assert!(shares[class] >= least, "{shares:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_stops_waiting_leaks_no_turn_and_blocks_nobody() {
    let scene = Scene::new().await;
    let waiting: Vec<_> = (0..1000).map(|_| scene.call("gone", Class::Edit, "a")).collect();
    sleep(Duration::from_secs(1)).await;
    for task in &waiting {
        task.abort();
    }
    let before = scene.begun.elapsed();
    let tasks: Vec<_> = (0..100).map(|_| scene.call("stays", Class::Edit, "b")).collect();
    for task in tasks {
        timeout(Duration::from_secs(600), task).await.unwrap().unwrap();
    }
    let took = (scene.begun.elapsed() - before).as_secs_f64();
    assert!((47.0..=51.0).contains(&took), "{took}");
    assert_eq!(scene.pace.waiting(Class::Edit) + scene.pace.waiting(Class::Bulk), 0);
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_comes_as_its_taker_leaves_is_given_back() {
    let scene = Scene::new().await;
    let (key, ticket) = (key(), ticket(Class::Edit, "a"));
    let mut under_way = Vec::new();
    for _ in 0..4 {
        under_way.push(scene.pace.acquire(&key, &ticket).await);
    }
    // Three wait; then there are turns for all of them, which they leave without having looked.
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(scene.pace.acquire(&key, &ticket))).collect();
    for waits in &mut waiting {
        assert!(futures::poll!(waits).is_pending());
    }
    for permit in under_way {
        permit.told(Verdict::Counted);
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(scene.pace.waiting(Class::Edit), 0, "they have their turns");
    drop(waiting);
    let before = scene.begun.elapsed();
    let mut permits: Vec<Permit> = Vec::new();
    for _ in 0..4 {
        permits.push(scene.pace.acquire(&key, &ticket).await);
    }
    assert_eq!(scene.begun.elapsed(), before, "turns that nobody used are lost");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_is_not_taken_after_all_costs_nothing() {
    let scene = Scene::new().await;
    let (key, ticket) = (key(), ticket(Class::Edit, "a"));
    for _ in 0..100 {
        drop(scene.pace.turn(&key, &ticket).await);
    }
    let turn = scene.pace.turn(&key, &ticket).await;
    assert_eq!(scene.begun.elapsed(), Duration::ZERO, "turns that nobody used are lost");
    for _ in 0..4 {
        turn_into_call(scene.pace.turn(&key, &ticket)).await;
    }
    drop(turn.begin());
    let before = scene.begun.elapsed();
    assert!(before >= Duration::from_millis(100), "a turn that is held counts: {before:?}");
}

async fn turn_into_call(turn: impl Future<Output = Turn>) {
    turn.await.begin().told(Verdict::Counted);
}

#[tokio::test(start_paused = true)]
async fn a_throttle_holds_back_the_next_call_by_itself() {
    let scene = Scene::new().await;
    let permit = scene.pace.acquire(&key(), &ticket(Class::Edit, "a")).await;
    permit.told(Verdict::Throttled { retry_after: Some(Duration::from_secs(7)) });
    let before = scene.begun.elapsed();
    scene.call("next", Class::Edit, "a").await.unwrap();
    let at = scene.done.lock().unwrap()[0].1;
    assert!((at - before).as_secs_f64() >= 7.0, "{at:?}");
    let view = scene.pace.view();
    assert_eq!(view.len(), 1);
    assert_eq!(view[0].throttled, 1);
    assert!(view[0].rate < 1.6, "{view:?}");
}

#[tokio::test(start_paused = true)]
async fn the_outlook_says_how_many_are_before_and_how_long_it_takes() {
    let scene = Scene::new().await;
    for _ in 0..1000 {
        scene.call("import", Class::Edit, "import");
    }
    sleep(Duration::from_millis(10)).await;
    let outlook = scene.pace.outlook(&key(), &ticket(Class::Edit, "import"));
    assert!((990..=1000).contains(&outlook.ahead), "{outlook:?}");
    assert!((490..=510).contains(&outlook.wait.as_secs()), "{outlook:?}");
    assert_eq!(scene.pace.outlook(&key(), &ticket(Class::Edit, "other")).ahead, 0);
}

#[tokio::test(start_paused = true)]
async fn what_an_account_is_found_to_have_holds_at_once() {
    let scene = Scene::new().await;
    let tasks: Vec<_> = (0..1000).map(|_| scene.call("import", Class::Edit, "import")).collect();
    sleep(Duration::from_secs(5)).await;
    scene.pace.found(&key().place, "CreateUser", 20.0);
    for task in tasks {
        task.await.unwrap();
    }
    let took = scene.begun.elapsed().as_secs_f64();
    assert!((50.0..=56.0).contains(&took), "{took}");
}

// === the gate

/// Fills the gate: reconciles that stay at work until their entry is dropped.
async fn fill(door: &Door, class: Class, count: usize) -> Arc<Mutex<Vec<Entry>>> {
    let inside: Arc<Mutex<Vec<Entry>>> = Arc::default();
    for number in 0..count {
        let (door, inside) = (door.clone(), Arc::clone(&inside));
        tokio::spawn(async move {
            let entry = door.enter(&format!("{class:?}{number}"), ticket(class, "import")).await;
            inside.lock().unwrap().push(entry);
        });
    }
    sleep(Duration::from_secs(1)).await;
    inside
}

#[tokio::test(start_paused = true)]
async fn there_is_room_for_an_edit_beside_ten_thousand_others() {
    let gate = Gate::new(64);
    let door = Door::of(&gate);
    let bulk = fill(&door, Class::Bulk, 10_000).await;
    let looks = fill(&door, Class::Background, 10_000).await;
    let (at_work, looking) = (bulk.lock().unwrap().len(), looks.lock().unwrap().len());
    assert_eq!((at_work, looking), (40, 8), "the import leaves a part to looks and another to edits");
    for number in 0..16 {
        let name = format!("edit{number}");
        let entry = door.enter(&name, ticket(Class::Edit, "a"));
        let entry = timeout(Duration::from_secs(1), entry).await.expect("an edit waits for others");
        assert_eq!(entry.class(), Class::Edit);
        std::mem::forget(entry);
    }
    assert_eq!((gate.waiting(Class::Bulk), gate.waiting(Class::Background)), (9960, 9992));
    assert!(timeout(Duration::from_secs(1), door.enter("more", ticket(Class::Edit, "a"))).await.is_err());
    assert_eq!(gate.waiting(Class::Edit), 0, "who stops waiting is not counted");
    bulk.lock().unwrap().pop();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(gate.waiting(Class::Bulk), 9959);
}

/// A reconcile that has one call to make, of an operation that may be made twice a second.
fn work(pace: &Pace, door: &Door, number: usize, operation: &'static str) -> tokio::task::JoinHandle<Instant> {
    let (pace, door) = (pace.clone(), door.clone());
    tokio::spawn(async move {
        // As the controller keeps them apart.
        let instance = if operation == "CreateUser" { "create i" } else { "change i" };
        let tenant = Tenant { instance: instance.into(), namespace: "agents".into() };
        let object = format!("{operation} {number}");
        let entry = door.enter(&object, Ticket { class: Class::Edit, tenant: tenant.clone() }).await;
        let ticket = Ticket { class: entry.class(), tenant };
        let permit = pace.acquire(&Key { operation, ..key() }, &ticket).await;
        sleep(Duration::from_millis(50)).await;
        permit.told(Verdict::Counted);
        Instant::now()
    })
}

#[tokio::test(start_paused = true)]
async fn changes_do_not_wait_for_creations_to_make_room() {
    let scene = Scene::new().await;
    let door = Door::of(scene.pace.gate());
    let creations: Vec<_> = (0..500).map(|number| work(&scene.pace, &door, number, "CreateUser")).collect();
    sleep(Duration::from_secs(20)).await;
    let (came, quota) = (Instant::now(), (200.0 - 5.0) / 2.0);
    let changes: Vec<_> = (0..200).map(|number| work(&scene.pace, &door, number, "UpdateUserRoutingProfile")).collect();
    sleep(Duration::from_secs(10)).await;
    let edited = Instant::now();
    let edit = work(&scene.pace, &door, 1000, "UpdateUserIdentityInfo").await.unwrap() - edited;
    println!("an edit among 200 changes waited {edit:?}");
    assert!(edit <= Duration::from_millis(2500), "{edit:?}");
    for change in changes {
        change.await.unwrap();
    }
    let ratio = quota / came.elapsed().as_secs_f64();
    println!("200 changes during an onboarding: ratio {ratio:.4}");
    assert!(ratio >= 0.97, "{ratio}");
    for creation in creations {
        creation.await.unwrap();
    }
    let ratio = (500.0 - 5.0) / 2.0 / scene.begun.elapsed().as_secs_f64();
    assert!(ratio >= 0.98, "the creations lost by it: {ratio}");
}

#[tokio::test(start_paused = true)]
async fn an_object_that_waits_is_let_in_when_it_becomes_urgent() {
    let gate = Gate::new(64);
    let _looks = fill(&Door::of(&gate), Class::Background, 10_000).await;
    let (look, edit) = (ticket(Class::Background, "a"), ticket(Class::Edit, "a"));
    let asked = gate.ask("changed", &look);
    assert!(asked.entry.is_none() && asked.is_new);
    let asked = gate.ask("changed", &look);
    assert!(asked.entry.is_none() && !asked.is_new, "it waits already");
    let asked = gate.ask("changed", &edit);
    assert_eq!(asked.entry.expect("it waits still").class(), Class::Edit);
    assert!(!asked.is_new);
}

#[tokio::test(start_paused = true)]
async fn a_place_that_nobody_takes_is_given_to_others() {
    let gate = Gate::new(1);
    let calls: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&calls);
    gate.on_call(move |object| {
        told.lock().unwrap().push(object.to_owned());
        !object.starts_with("gone")
    });
    let ask = |object: &str| gate.ask(object, &ticket(Class::Edit, "a")).entry;
    let first = ask("first").unwrap();
    // Gone before they are called, after it, or without a word.
    let waiting = ["gone 1", "gone 2", "left", "deleted", "silent", "last", "more"];
    assert!(waiting.iter().all(|object| ask(object).is_none()));
    gate.leave("left");
    drop(first);
    assert_eq!(*calls.lock().unwrap(), ["gone 1", "gone 2", "deleted"]);
    gate.leave("deleted");
    assert_eq!(calls.lock().unwrap().last().unwrap(), "silent");
    // The place is kept for who was called.
    assert!(ask("other").is_none());
    sleep(Duration::from_secs(31)).await;
    assert!(ask("another").is_none());
    assert_eq!(calls.lock().unwrap().last().unwrap(), "last");
    let last = ask("last").unwrap();
    assert!(last.waited() == Duration::from_secs(31), "{:?}", last.waited());
    assert!(ask("silent").is_none(), "it has lost its place, and waits as all others do");
    drop(last);
    assert_eq!(calls.lock().unwrap().last().unwrap(), "more");
    assert_eq!(gate.waiting(Class::Edit), 3);
}

#[tokio::test(start_paused = true)]
async fn everybody_gets_through_the_gate_and_never_more_than_fit() {
    let gate = Gate::new(10);
    let door = Door::of(&gate);
    // Whoever is inside holds it, however he leaves.
    let inside = Arc::new(());
    let most = Arc::new(Mutex::new(0));
    let tasks: Vec<_> = (0..2000_usize)
        .map(|number| {
            let (door, inside, most) = (door.clone(), Arc::downgrade(&inside), Arc::clone(&most));
            tokio::spawn(async move {
                let ticket = ticket(Class::ALL[number % 4], ["a", "b", "c"][number % 3]);
                let _entry = door.enter(&number.to_string(), ticket).await;
                let inside = inside.upgrade().unwrap();
                let count = Arc::strong_count(&inside) - 1;
                let most_so_far = *most.lock().unwrap();
                *most.lock().unwrap() = count.max(most_so_far);
                sleep(Duration::from_millis(1 + number as u64 % 7)).await;
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        if number % 10 == 0 {
            task.abort();
        } else {
            task.await.unwrap();
        }
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(*most.lock().unwrap(), 10);
    assert!(Class::ALL.into_iter().all(|class| gate.waiting(class) == 0));
}
