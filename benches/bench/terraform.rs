//! The same work by Terraform's `aws_connect_user`, to compare with: where `TERRAFORM` is the path of a terraform
//! binary and `TERRAFORM_PROVIDER_DIR` a folder with the provider hashicorp/aws, laid out as a filesystem mirror.
//! Nothing is downloaded.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use connect_simulator::fixtures::managed;
use connect_simulator::{Options, Quotas, Simulator};
use tokio::net::TcpListener;

use crate::calls;
use crate::plan::Plan;
use crate::report::{Goal, Report};

/// Applies N users at the default quota, plans them again, and destroys them.
pub fn run(plan: &Plan, report: &mut Report) {
    let scenario = "terraform: default quota";
    if !plan.has(scenario) {
        return;
    }
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(terraform), Some(mirror)) = (path("TERRAFORM"), path("TERRAFORM_PROVIDER_DIR")) else {
        report.note(format!("{scenario}: skipped, since TERRAFORM and TERRAFORM_PROVIDER_DIR are not set"));
        return;
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (simulator, endpoint) = runtime.block_on(async {
        let options = Options { quotas: Some(Quotas::default_table()), users_quota: usize::MAX, ..Options::default() };
        let simulator = Simulator::new(options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(connect_simulator::serve(simulator.clone(), listener, std::future::pending()));
        (simulator, endpoint)
    });
    let count = plan.size(200, 300);
    let dir = harness::target_dir().join("bench").join("terraform");
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("main.tf"), configuration(&endpoint, count)).unwrap();
    std::fs::write(dir.join("terraform.rc"), installation(&mirror)).unwrap();
    let act = |arguments: &[&str]| {
        let begun = Instant::now();
        let output = Command::new(&terraform)
            .args(arguments)
            .current_dir(&dir)
            .env("TF_CLI_CONFIG_FILE", dir.join("terraform.rc"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        begun.elapsed().as_secs_f64()
    };
    act(&["init", "-input=false"]);
    for (what, arguments, operation) in [
        ("apply", ["apply", "-auto-approve", "-input=false"].as_slice(), "CreateUser"),
        ("plan without a change", &["plan", "-input=false"], "DescribeUser"),
        ("destroy", &["destroy", "-auto-approve", "-input=false"], "DeleteUser"),
    ] {
        simulator.clear_calls();
        let took = act(arguments);
        tell(scenario, what, operation, count, took, &simulator, report);
    }
}

fn tell(
    scenario: &str,
    what: &str,
    operation: &str,
    count: usize,
    took: f64,
    simulator: &Simulator,
    report: &mut Report,
) {
    let seen = simulator.calls();
    report.add(scenario, &format!("{what} {count}: time"), took, "s", Goal::None);
    let ratio = calls::limit(count) / took;
    report.add(scenario, &format!("{what} {count}: ratio to the limit of {operation}"), ratio, "", Goal::None);
    let each = seen.len() as f64 / count as f64;
    report.add(scenario, &format!("{what} {count}: calls per user"), each, "", Goal::None);
    report.add(scenario, &format!("{what} {count}: throttled"), calls::throttled(&seen) as f64, "", Goal::None);
    report.note(format!("{scenario}: all calls of {what}: {}", calls::text(&seen)));
}

/// Providers come from the folder and from nowhere else.
fn installation(mirror: &Path) -> String {
    format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display())
}

fn configuration(endpoint: &str, count: usize) -> String {
    let mut text = format!(
        r#"terraform {{
  required_providers {{
    aws = {{ source = "hashicorp/aws" }}
  }}
}}

provider "aws" {{
  region                      = "{}"
  access_key                  = "AKIATERRAFORM"
  secret_key                  = "example"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  skip_requesting_account_id  = true
  endpoints {{
    connect = "{endpoint}"
  }}
}}

resource "aws_connect_user" "agent" {{
  count                = {count}
  instance_id          = "{}"
  name                 = format("agent.%06d", count.index)
  password             = "Example-Passw0rd"
  routing_profile_id   = "{}"
  security_profile_ids = ["{}"]
  hierarchy_group_id   = "{}"
"#,
        managed::REGION,
        managed::ID,
        managed::ROUTING_TIER_1,
        managed::SECURITY_AGENT,
        managed::GROUP_EMEA_SUPPORT_TIER_1,
    );
    let rest = r#"
  identity_info {
    first_name = "Agent"
    last_name  = "Number ${count.index}"
    email      = "agent.${count.index}@example.com"
  }
  phone_config {
    phone_type                    = "SOFT_PHONE"
    auto_accept                   = true
    after_contact_work_time_limit = 30
  }
  tags = { team = "support" }
}
"#;
    let _ = write!(text, "{rest}");
    text
}
