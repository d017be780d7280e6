//! A folder with Terraform's configuration for N users, and the program that works in it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Instant;

use connect_simulator::fixtures::managed;

use crate::processes::process::children_time;

/// Where Terraform and its provider are.
pub struct Tools {
    terraform: PathBuf,
    mirror: PathBuf,
}

/// What a run of it took.
pub struct Took {
    /// From its start to its end.
    pub seconds: f64,
    /// Of processors, with its provider's.
    pub processor: f64,
}

/// A folder that Terraform works in.
pub struct Workspace {
    terraform: PathBuf,
    endpoint: String,
    dir: PathBuf,
}

impl Tools {
    /// As the environment says, if it does.
    pub fn from_env() -> Option<Self> {
        let path = |name| std::env::var_os(name).filter(|path| !path.is_empty()).map(PathBuf::from);
        Some(Self { terraform: path("TERRAFORM")?, mirror: path("TERRAFORM_PROVIDER_DIR")? })
    }

    /// A new folder for so many users, ready to be worked in.
    pub fn workspace(&self, name: &str, endpoint: &str, count: usize) -> Workspace {
        let dir = harness::target_dir().join("bench").join(name);
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("main.tf"), configuration(count)).unwrap();
        std::fs::write(dir.join("terraform.rc"), installation(&self.mirror)).unwrap();
        let workspace = Workspace { terraform: self.terraform.clone(), endpoint: endpoint.to_owned(), dir };
        workspace.run(&["init", "-input=false"]);
        workspace
    }
}

impl Workspace {
    /// The versions of Terraform and its provider.
    pub fn versions(&self) -> String {
        let version = String::from_utf8(self.output(&["version"]).stdout).unwrap();
        let lines = version.lines().filter(|line| line.starts_with("Terraform v") || line.contains("hashicorp/aws"));
        lines.map(|line| line.trim_start_matches("+ ")).collect::<Vec<_>>().join(", ")
    }

    /// Creates or changes what differs.
    pub fn apply(&self) -> Took {
        self.run(&["apply", "-auto-approve", "-input=false"])
    }

    /// Looks for what differs, and finds nothing.
    pub fn plan(&self) -> Took {
        // With this option, its exit status tells whether there is anything to do.
        self.run(&["plan", "-input=false", "-detailed-exitcode"])
    }

    /// Deletes everything.
    pub fn destroy(&self) -> Took {
        self.run(&["destroy", "-auto-approve", "-input=false"])
    }

    fn run(&self, arguments: &[&str]) -> Took {
        let (begun, busy) = (Instant::now(), children_time());
        let output = self.output(arguments);
        let told = || [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned()).concat();
        assert!(output.status.success(), "{arguments:?}: {}: {}", output.status, told());
        let processor = (children_time() - busy).as_secs_f64();
        Took { seconds: begun.elapsed().as_secs_f64(), processor }
    }

    fn output(&self, arguments: &[&str]) -> Output {
        Command::new(&self.terraform)
            .args(arguments)
            .current_dir(&self.dir)
            .env("TF_CLI_CONFIG_FILE", self.dir.join("terraform.rc"))
            .env("TF_IN_AUTOMATION", "1")
            // It would ask for news of itself.
            .env("CHECKPOINT_DISABLE", "1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            // Not by an endpoints block in the configuration: nobody has one who talks to AWS, and the provider takes
            // three seconds to check it each time that it starts.
            .env("AWS_ENDPOINT_URL_CONNECT", &self.endpoint)
            .output()
            .unwrap()
    }
}

/// Providers come from the folder and from nowhere else.
fn installation(mirror: &Path) -> String {
    format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display())
}

fn configuration(count: usize) -> String {
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
