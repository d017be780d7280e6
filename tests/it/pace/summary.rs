//! The line in the log while many wait, in paused time.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use connect_user_operator::pace::limits::Limits;
use connect_user_operator::pace::queue::{Class, Tenant, Ticket};
use connect_user_operator::pace::{Pace, watch};
use tokio::time::{Instant, sleep};

use super::door::Door;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.contains("wait for their turn")).map(str::to_owned).collect()
    }
}

/// The value of a field of a line.
fn field(line: &str, name: &str) -> f64 {
    let value = line.split(&format!("{name}=")).nth(1).unwrap_or_else(|| panic!("{line}"));
    value.trim_start_matches('"').split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap().parse().unwrap()
}

/// Reconciles at work one after the other, two a second, as an import; while each of those at work makes
/// calls that wait as well.
#[tokio::test(start_paused = true)]
async fn while_more_than_a_hundred_wait_a_line_tells_how_long_they_will() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let pace = Pace::new(Limits::default(), 4, Arc::new(|_, _| ()));
    let door = Door::of(pace.gate());
    let ticket = Ticket { class: Class::Bulk, tenant: Tenant { instance: "i".into(), namespace: "n".into() } };
    let tasks: Vec<_> = (0..1000)
        .map(|number| {
            let (door, ticket) = (door.clone(), ticket.clone());
            tokio::spawn(async move {
                let _entry = door.enter(&number.to_string(), ticket).await;
                sleep(Duration::from_millis(1500)).await;
            })
        })
        .collect();
    let told = pace.clone();
    let begun = Instant::now();
    tokio::spawn(async move { told.tell(watch::EVERY).await });
    for task in tasks {
        task.await.unwrap();
    }
    let took = begun.elapsed();
    let lines = log.lines();
    // Three of the four places are left to bulk, each for a second and a half: two a second, so 500 s.
    assert!((490..=510).contains(&took.as_secs()), "{took:?}");
    assert_eq!(lines.len(), 14, "one every half a minute until a hundred wait: {lines:#?}");
    for (number, line) in lines.iter().enumerate() {
        let at = 30.0 * (number + 1) as f64;
        let left = (took.as_secs_f64() - at) / 60.0;
        assert!((56.0..=62.0).contains(&field(line, "done")), "{line}");
        assert!((field(line, "waiting") - (1000.0 - 2.0 * at)).abs() < 6.0, "{line}");
        assert!((field(line, "minutes_left") - left).abs() <= 1.5, "{left} minutes are left: {line}");
    }
    sleep(Duration::from_secs(300)).await;
    assert_eq!(log.lines().len(), lines.len(), "nobody waits any more");
}
