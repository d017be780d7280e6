//! `kubectl connect status`: how all objects are, or one of them in detail.

mod detail;
mod overview;
mod quota;
mod screen;

use std::io::Write;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use k8s_openapi::jiff::Timestamp;

use self::overview::Overview;
use self::quota::{Quota, Reading};
use super::cluster::operator::{Whereabouts, metrics};
use super::cluster::{Cluster, Scope};
use super::terminal::{Color, Screen};
use super::{Ended, Error};
use crate::cli::values::duration;

/// Between the two readings of the metrics that tell how fast the operator calls.
const SAMPLE: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "Examples:
  # Everything in all namespaces, again every five seconds
  kubectl connect status -A --watch

  # One object: its conditions, what differs, and what happened of late
  kubectl connect status jane-doe -n emea-support

  # Objects that need a person
  kubectl connect status -A -o json | jq '.waiting[] | select(.isStalled)'

Reasons and what to do about them are in docs/troubleshooting.md. The reason NotSeen stands for objects of which the \
operator has not told anything since they were last edited: it has not come to them yet, or it does not run.";

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Show how users are, and what waits.
///
/// Without a name: the objects of each instance by reason, what is not as declared and for how long, deletions that are
/// held, drift, unmanaged users, the last sweep, and how much of the quota is used. With a name: that object with its
/// conditions and recent events. Nothing is written, and Amazon Connect is not called.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Name of a ConnectUser.
    #[arg(conflicts_with_all = ["all_namespaces", "selector"])]
    name: Option<String>,

    /// Form of the output.
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    output: Format,

    /// Show it again and again until interrupted.
    #[arg(short, long, conflicts_with = "output")]
    watch: bool,

    /// How often, with --watch.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    interval: Duration,

    /// Do not ask the operator for its metrics.
    #[arg(long)]
    no_metrics: bool,

    /// What time it is, for tests.
    #[arg(long, value_name = "TIME", hide = true)]
    now: Option<Timestamp>,

    #[command(flatten)]
    scope: Scope,

    #[command(flatten)]
    place: Whereabouts,
}

pub(super) async fn run(arguments: Arguments, color: Color) -> Result<Ended, Error> {
    let (cluster, screen) = (Cluster::open(&arguments.scope.connection).await?, Screen::stdout(color));
    let mut readings = Readings::default();
    loop {
        let text = look(&cluster, &arguments, screen, &mut readings).await?;
        let mut out = std::io::stdout().lock();
        if arguments.watch && screen.is_terminal {
            // Written over rather than cleared, so that it does not flicker.
            let lines = text.replace('\n', "\x1b[K\n");
            write!(out, "\x1b[H{lines}\x1b[J")?;
        } else {
            out.write_all(text.as_bytes())?;
        }
        out.flush()?;
        drop(out);
        if !arguments.watch {
            return Ok(Ended::Well);
        }
        tokio::time::sleep(arguments.interval).await;
        if !screen.is_terminal {
            writeln!(std::io::stdout())?;
        }
    }
}

async fn look(
    cluster: &Cluster,
    arguments: &Arguments,
    screen: Screen,
    readings: &mut Readings,
) -> Result<String, Error> {
    let now = || arguments.now.unwrap_or_else(Timestamp::now);
    if let Some(name) = &arguments.name {
        let detail = detail::Detail::read(cluster, &arguments.scope, name).await?;
        return Ok(match arguments.output {
            Format::Text => detail.render(now(), screen),
            Format::Json => json(&detail)?,
        });
    }
    let users = cluster.users(&arguments.scope).await?;
    let (instances, note) = cluster.instances_if_allowed().await?;
    let mut overview = Overview::of(&users.known, &instances);
    overview.namespace = cluster.namespace_of(&arguments.scope).map(str::to_owned);
    if !arguments.scope.all_namespaces {
        // Of instances that this namespace has nothing to do with, others may want to know.
        overview.instances.retain(|instance| instance.objects > 0);
    }
    overview.notes.extend(note);
    if !users.unknown.is_empty() {
        let names = users.unknown.join(", ");
        overview.notes.push(format!("not understood by this version, and not counted: {names}"));
    }
    if !arguments.no_metrics {
        match readings.quota(cluster, &arguments.place).await {
            Ok(quota) => overview.quota = Some(quota),
            Err(why) => overview
                .notes
                .push(format!("nothing is told of the quota, since the operator's metrics cannot be read ({why})")),
        }
    }
    Ok(match arguments.output {
        Format::Text => screen::render(&overview, now(), screen),
        Format::Json => json(&overview)?,
    })
}

/// The value as JSON for people, with a line's end.
pub(super) fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::Output(error.into()))?;
    Ok(format!("{text}\n"))
}

/// The last reading, if there is one.
#[derive(Default)]
struct Readings(Option<(Instant, Reading)>);

impl Readings {
    async fn quota(&mut self, cluster: &Cluster, place: &Whereabouts) -> Result<Quota, String> {
        let (at, before) = match self.0.take() {
            Some(last) => last,
            None => {
                let first = (Instant::now(), Reading::of(&metrics(cluster, place).await?));
                tokio::time::sleep(SAMPLE).await;
                first
            }
        };
        let now = Reading::of(&metrics(cluster, place).await?);
        let quota = Quota::between(&before, &now, at.elapsed());
        self.0 = Some((Instant::now(), now));
        Ok(quota)
    }
}
