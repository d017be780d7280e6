//! The flags of `connect-user-operator run`, each with a variable of the environment.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{ArgAction, Args};

use crate::cli::election::ElectionArguments;
use crate::cli::values::{brake, cluster_name, duration, format, part, selector, tenancy};
use crate::pace::limits::Override;
use crate::policy::{Brake, Tenancy};
use crate::serve::telemetry::Format;

#[derive(Args)]
pub(in crate::cli) struct RunArguments {
    /// Address for /healthz, /readyz and /metrics.
    #[arg(long, env = "CONNECT_USER_OPERATOR_LISTEN", default_value = "0.0.0.0:8080", value_name = "ADDR")]
    pub(in crate::cli) listen: SocketAddr,

    /// Name of this cluster in the owner tag of every user; at most 40 characters. By default the uid of
    /// the namespace kube-system. Give a name of your own if a rebuilt cluster is to find its users again.
    #[arg(long, env = "CONNECT_USER_OPERATOR_CLUSTER_NAME", value_name = "NAME", value_parser = cluster_name)]
    pub(in crate::cli) cluster_name: Option<String>,

    /// Watch only these namespaces, separated by commas; by default all.
    #[arg(long, env = "CONNECT_USER_OPERATOR_WATCH_NAMESPACES", value_name = "NAMESPACE", value_delimiter = ',')]
    pub(in crate::cli) watch_namespaces: Vec<String>,

    /// Watch only objects that this label selector selects, such as `shard=a` or `shard notin (a, b)`, so that
    /// several operators share the work; by default all.
    #[arg(long, env = "CONNECT_USER_OPERATOR_WATCH_SELECTOR", value_name = "SELECTOR", value_parser = selector)]
    pub(in crate::cli) watch_selector: Option<String>,

    /// Write nothing to Amazon Connect, and tell in the status of each object what would be written.
    #[arg(long, env = "CONNECT_USER_OPERATOR_READ_ONLY", default_value_t = false, value_name = "BOOL", action = ArgAction::Set, default_missing_value = "true", num_args = 0..=1)]
    pub(in crate::cli) read_only: bool,

    #[command(flatten)]
    pub(in crate::cli) election: ElectionArguments,

    /// How often all users of an instance are listed (one ListUsers call per thousand) to find those that
    /// somebody has changed, such as 90s, 5m or 1h.
    #[arg(long, env = "CONNECT_USER_OPERATOR_SWEEP_INTERVAL", default_value = "5m", value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) sweep_interval: Duration,

    /// How often the index of users is compared with what is declared (one SearchUsers call per 500), for
    /// changes that the listing does not date, such as tags.
    #[arg(long, env = "CONNECT_USER_OPERATOR_SEARCH_INTERVAL", default_value = "1h", value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) search_interval: Duration,

    /// How often each user is read by itself even if nothing speaks of a change (one DescribeUser call, two
    /// with proficiencies): the only way to notice that somebody has changed a proficiency.
    #[arg(long, env = "CONNECT_USER_OPERATOR_RESYNC_INTERVAL", default_value = "12h", value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) resync_interval: Duration,

    /// How long a user that was just made may be invisible before it counts as gone, and the longest that
    /// a deletion waits for certainty. Amazon Connect documents "several minutes".
    #[arg(long, env = "CONNECT_USER_OPERATOR_CONSISTENCY_GRACE", default_value = "5m", value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) consistency_grace: Duration,

    /// Longest delay between two tries after failures.
    #[arg(long, env = "CONNECT_USER_OPERATOR_MAX_RETRY_INTERVAL", default_value = "150s", value_name = "DURATION", value_parser = duration)]
    pub(in crate::cli) max_retry_interval: Duration,

    /// Calls a second, and at once, that Amazon Connect allows for an operation in each account and Region,
    /// where they are not AWS's defaults; repeat it or separate by commas. `*` is every operation not named.
    #[arg(
        long,
        env = "CONNECT_USER_OPERATOR_RATE_LIMIT",
        value_name = "OPERATION=RATE[/BURST]",
        value_delimiter = ','
    )]
    pub(in crate::cli) rate_limit: Vec<Override>,

    /// The part of every rate that this operator may use, more than 0 and at most 1; the rest is for other
    /// tools, or for other operators in the same account and Region.
    #[arg(long, env = "CONNECT_USER_OPERATOR_QUOTA_SHARE", default_value = "1", value_name = "PART", value_parser = part)]
    pub(in crate::cli) quota_share: f64,

    /// Ask Service Quotas for the rates of the account, where the credentials allow it. A rate set by hand wins.
    #[arg(long, env = "CONNECT_USER_OPERATOR_DISCOVER_QUOTAS", default_value_t = true, value_name = "BOOL", action = ArgAction::Set)]
    pub(in crate::cli) discover_quotas: bool,

    /// Who may use instances that no ConnectInstance speaks of: `open` is everybody, with the operator's own
    /// AWS identity; `restricted` is nobody.
    #[arg(long, env = "CONNECT_USER_OPERATOR_TENANCY", default_value = "open", value_name = "TENANCY", value_parser = tenancy)]
    pub(in crate::cli) tenancy: Tenancy,

    /// Most users of one instance that are deleted, or made again after they vanished, in a window of time;
    /// more wait for a person. A ConnectInstance can have a brake of its own. Form: COUNT/DURATION.
    #[arg(long, env = "CONNECT_USER_OPERATOR_DELETION_BRAKE", default_value = "100/1h", value_name = "BRAKE", value_parser = brake)]
    pub(in crate::cli) deletion_brake: Brake,

    /// Form of the log, `text` or `json`; its levels are set by RUST_LOG (info by default).
    #[arg(long, env = "CONNECT_USER_OPERATOR_LOG_FORMAT", default_value = "text", value_name = "FORMAT", value_parser = format)]
    pub(in crate::cli) log_format: Format,
}
