//! Who is next.

use super::*;

const ANY: fn(Class) -> bool = |_| true;

fn ticket(class: Class, namespace: &str) -> Ticket {
    Ticket { class, tenant: Tenant { instance: "i".into(), namespace: namespace.into() } }
}

fn order(queue: &mut Queue, count: usize) -> Vec<u64> {
    (0..count).filter_map(|_| queue.pop(Duration::ZERO, ANY)).map(|(id, _)| id).collect()
}

#[test]
fn the_urgent_go_first_and_inside_a_line_who_came_first() {
    let mut queue = Queue::default();
    for (id, class) in [(1, Class::Background), (2, Class::Drift), (3, Class::Edit), (4, Class::Edit)] {
        queue.push(id, &ticket(class, "a"), Duration::ZERO);
    }
    assert_eq!(order(&mut queue, 5), [3, 4, 2, 1]);
    assert!(queue.is_empty());
}

#[test]
fn namespaces_take_turns_however_many_each_has() {
    let mut queue = Queue::default();
    for id in 0..10 {
        queue.push(id, &ticket(Class::Background, "a"), Duration::ZERO);
    }
    queue.push(100, &ticket(Class::Background, "b"), Duration::ZERO);
    queue.push(101, &ticket(Class::Background, "b"), Duration::ZERO);
    assert_eq!(queue.order(Class::Background)[..6], [0, 100, 1, 101, 2, 3]);
    assert_eq!(queue.order(Class::Background).len(), 12);
    assert_eq!(order(&mut queue, 6), [0, 100, 1, 101, 2, 3]);
    assert_eq!(queue.order(Class::Background), [4, 5, 6, 7, 8, 9]);
}

#[test]
fn many_edits_of_one_namespace_are_bulk_and_a_single_one_elsewhere_is_next() {
    let mut queue = Queue::default();
    for id in 0..10_000 {
        queue.push(id, &ticket(Class::Edit, "import"), Duration::ZERO);
    }
    assert_eq!((queue.waiting(Class::Edit), queue.waiting(Class::Bulk)), (0, 10_000));
    assert_eq!(queue.ahead(&ticket(Class::Edit, "a")), 0);
    assert_eq!(queue.ahead(&ticket(Class::Edit, "import")), 10_000);
    assert_eq!(queue.ahead(&ticket(Class::Background, "a")), 10_000);
    queue.push(10_001, &ticket(Class::Edit, "a"), Duration::ZERO);
    assert_eq!(queue.pop(Duration::ZERO, ANY), Some((10_001, Class::Edit)));
    assert_eq!(queue.pop(Duration::ZERO, ANY), Some((0, Class::Bulk)));
}

#[test]
fn every_fourth_turn_of_a_long_line_is_that_of_who_came_last() {
    let mut queue = Queue::default();
    for id in 0..100 {
        queue.push(id, &ticket(Class::Edit, "a"), Duration::ZERO);
    }
    assert_eq!(order(&mut queue, 8), [0, 1, 2, 99, 3, 4, 5, 98]);
    queue.push(200, &ticket(Class::Edit, "a"), Duration::ZERO);
    assert_eq!(order(&mut queue, 4), [6, 7, 8, 200]);
    // Who is in a short line, or has no hurry, comes as he came.
    assert_eq!(order(&mut queue, 68).len(), 68);
    let rest = order(&mut queue, 100);
    assert!(rest.len() == SINGLE + 1 && rest.is_sorted(), "{rest:?}");
    for id in 0..100 {
        queue.push(id, &ticket(Class::Background, "a"), Duration::ZERO);
    }
    assert!(order(&mut queue, 100).is_sorted());
}

#[test]
fn who_has_the_fewest_at_work_is_next() {
    let mut queue = Queue::default();
    let other =
        Ticket { tenant: Tenant { instance: "other".into(), namespace: "a".into() }, ..ticket(Class::Background, "a") };
    for id in 0..10 {
        queue.push(id, &ticket(Class::Background, ["a", "b"][id as usize % 2]), Duration::ZERO);
        queue.push(100 + id, &other, Duration::ZERO);
    }
    let mut at_work: BTreeMap<Arc<str>, usize> = BTreeMap::from([("i".into(), 3)]);
    let mut order = Vec::new();
    for _ in 0..9 {
        let count = |_: Class, instance: &str| at_work.get(instance).copied().unwrap_or_default();
        let (id, _, instance) = queue.pop_evenly(Duration::ZERO, ANY, count).unwrap();
        *at_work.entry(instance).or_default() += 1;
        order.push(id);
    }
    assert_eq!(order, [100, 101, 102, 0, 103, 1, 104, 2, 105]);
}

#[test]
fn every_class_has_its_floor_under_endless_edits() {
    let mut queue = Queue::default();
    let mut served: BTreeMap<Class, i32> = BTreeMap::new();
    for class in Class::ALL.into_iter().skip(1) {
        for id in 0..1000 {
            queue.push(1_000_000 * class as u64 + id, &ticket(class, "a"), Duration::ZERO);
        }
    }
    for id in 0..1000 {
        if queue.waiting(Class::Edit) < 10 {
            queue.push(id, &ticket(Class::Edit, "edits"), Duration::ZERO);
        }
        let (_, class) = queue.pop(Duration::ZERO, ANY).unwrap();
        *served.entry(class).or_insert(0) += 1;
    }
    // One less where the last claim is still to be honoured.
    for (class, least) in [(Class::Bulk, 199), (Class::Drift, 99), (Class::Background, 99), (Class::Edit, 600)] {
        assert!(served[&class] >= least, "{served:?}");
    }
}

#[test]
fn patience_ends_after_half_a_minute_however_low_the_rate() {
    let mut queue = Queue::default();
    queue.push(1, &ticket(Class::Background, "a"), Duration::ZERO);
    for id in 10..20 {
        queue.push(id, &ticket(Class::Edit, "edits"), Duration::ZERO);
    }
    let at = |seconds| Duration::from_secs(seconds);
    assert_eq!(queue.pop(at(20), ANY), Some((10, Class::Edit)));
    assert_eq!(queue.pop(at(31), ANY), Some((1, Class::Background)));
    // Not two in a row.
    queue.push(2, &ticket(Class::Background, "a"), at(31));
    queue.push(3, &ticket(Class::Drift, "a"), at(31));
    assert_eq!(queue.pop(at(90), ANY), Some((11, Class::Edit)));
    assert!(queue.pop(at(90), ANY).is_some_and(|(_, class)| class != Class::Edit));
    assert_eq!(queue.pop(at(90), ANY), Some((12, Class::Edit)));
}

#[test]
fn who_leaves_is_never_served_and_leaves_no_trace() {
    let mut queue = Queue::default();
    for id in 0..30 {
        queue.push(id, &ticket(Class::Edit, "a"), Duration::ZERO);
    }
    assert_eq!(queue.waiting(Class::Bulk), 30);
    for id in 0..30 {
        assert!(queue.cancel(id, Duration::ZERO));
        assert!(!queue.cancel(id, Duration::ZERO));
    }
    assert_eq!((queue.len(), queue.waiting(Class::Bulk), queue.waiting(Class::Edit)), (0, 0, 0));
    assert!(queue.lines.is_empty() && queue.edit.rings.is_empty() && queue.bulk.rings.is_empty());
    assert_eq!(queue.pop(Duration::ZERO, ANY), None);
}

#[test]
fn a_class_that_may_not_go_is_passed_over() {
    let mut queue = Queue::default();
    queue.push(1, &ticket(Class::Background, "a"), Duration::ZERO);
    assert_eq!(queue.pop(Duration::ZERO, |class| class == Class::Edit), None);
    queue.push(2, &ticket(Class::Edit, "a"), Duration::ZERO);
    assert_eq!(queue.pop(Duration::ZERO, |class| class != Class::Edit), Some((1, Class::Background)));
}
