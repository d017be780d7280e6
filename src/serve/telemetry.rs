//! The log: text or JSON on standard error, levels by `RUST_LOG`, and a lid on those libraries that print
//! what must not be printed. While traces are on, every line inside of one has its id.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::Event;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt, LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

use super::traces::Traces;

/// Form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For log collectors.
    Json,
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The levels cannot be read.
    #[error("RUST_LOG cannot be read; example: RUST_LOG=info,connect_user_operator=debug")]
    Levels(#[from] tracing_subscriber::filter::ParseError),
    /// The SDK would print passwords.
    #[error(
        "LOG_SENSITIVE_BODIES is set: it makes the AWS SDK print whole answers with personal data, so the operator does not start; unset it"
    )]
    SensitiveBodies,
    /// Something else has set up a log before.
    #[error("setting up the log failed")]
    Twice(#[from] tracing::subscriber::SetGlobalDefaultError),
}

/// The crates that print requests and answers below their `info` level: at `trace` the SDK prints the
/// body of CreateUser, password included. The lid is here and not in the default of `RUST_LOG`, so that
/// no configuration lifts it.
const CAPPED: [&str; 13] = [
    "aws_config",
    "aws_credential_types",
    "aws_runtime",
    "aws_sdk_connect",
    "aws_sigv4",
    "aws_smithy",
    "aws_types",
    "h2",
    "hyper",
    "hyper_util",
    "kube_client",
    "opentelemetry",
    "tower",
];

/// The controller runtime wraps every line into a span that says again what ours says.
const DEFAULT_LEVELS: &str = "info,kube_runtime=warn";

/// Reads `RUST_LOG`, `info` by default.
///
/// # Errors
/// If it cannot be read, or if the environment asks the SDK to print bodies.
pub fn levels(rust_log: Option<&str>, sensitive_bodies: bool) -> Result<EnvFilter, Error> {
    if sensitive_bodies {
        return Err(Error::SensitiveBodies);
    }
    Ok(EnvFilter::builder().parse(rust_log.filter(|levels| !levels.is_empty()).unwrap_or(DEFAULT_LEVELS))?)
}

/// The subscriber.
pub fn subscriber<W>(levels: EnvFilter, format: Format, writer: W) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(log(levels, format, writer))
}

fn log<S, W>(levels: EnvFilter, format: Format, writer: W) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lid =
        Targets::new().with_default(LevelFilter::TRACE).with_targets(CAPPED.map(|target| (target, LevelFilter::INFO)));
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer);
    let layer = match format {
        Format::Text => layer.with_target(false).map_event_format(Traced).boxed(),
        Format::Json => layer.json().flatten_event(true).map_event_format(Traced).boxed(),
    };
    layer.with_filter(levels.and(lid))
}

/// A form of lines, and the id of the trace beside it.
struct Traced<F>(F);

impl<S, N, F> FormatEvent<S, N> for Traced<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, cx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        // Of the trace and not of a span of the log: its levels may leave the spans out.
        let context = Context::current();
        let span = context.span().span_context().clone();
        if !span.is_valid() {
            return self.0.format_event(cx, writer, event);
        }
        let mut line = String::new();
        self.0.format_event(cx, Writer::new(&mut line), event)?;
        match line.strip_prefix('{') {
            Some(members) => write!(writer, "{{\"trace_id\":\"{}\",{members}", span.trace_id()),
            None => writeln!(writer, "{} trace_id={}", line.trim_end_matches('\n'), span.trace_id()),
        }
    }
}

/// The subscriber, with traces beside the log.
pub fn traced_subscriber<W>(
    levels: EnvFilter,
    format: Format,
    writer: W,
    traces: &Traces,
) -> impl tracing::Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    tracing_subscriber::registry().with(traces.layer()).with(log(levels, format, writer))
}

/// Makes it the log of the process, on standard error.
///
/// # Errors
/// If there is one already.
pub fn install(levels: EnvFilter, format: Format, traces: Option<&Traces>) -> Result<(), Error> {
    match traces {
        Some(traces) => {
            let subscriber = traced_subscriber(levels, format, std::io::stderr, traces);
            Ok(tracing::subscriber::set_global_default(subscriber)?)
        }
        None => Ok(tracing::subscriber::set_global_default(subscriber(levels, format, std::io::stderr))?),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_configuration_lifts_the_lid() {
        for format in [Format::Text, Format::Json] {
            let buffer = Buffer::default();
            let writer = buffer.clone();
            let levels = levels(Some("trace,aws_smithy_runtime=trace,hyper=trace"), false).unwrap();
            tracing::subscriber::with_default(subscriber(levels, format, move || writer.clone()), || {
                tracing::trace!(target: "aws_smithy_runtime::client::orchestrator", "Sentinel-1");
                tracing::debug!(target: "hyper::proto", "Sentinel-2");
                tracing::trace!(target: "connect_user_operator::controller", "ours");
            });
            let text = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
            assert!(text.contains("ours"), "{text}");
            assert!(!text.contains("Sentinel"), "{text}");
        }
    }

    #[test]
    fn the_environment_cannot_ask_for_bodies() {
        assert!(matches!(levels(None, true), Err(Error::SensitiveBodies)));
    }
}
