//! Who may talk to the API server, and with what: tokens, client configurations, kubeconfigs.

use std::io::Read;
use std::path::Path;

use k8s_openapi::ByteString;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;

use super::settings::{Identity, Settings, User};
use crate::Error;

/// The tokens of one control plane. They differ from run to run.
#[derive(Debug)]
pub(super) struct Tokens {
    users: Vec<User>,
    secret: String,
}

impl Tokens {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut users = vec![
            User { name: Identity::Admin.name().to_owned(), groups: vec!["system:masters".to_owned()] },
            User {
                name: Identity::OPERATOR.to_owned(),
                groups: ["system:serviceaccounts", "system:serviceaccounts:connect", "system:authenticated"]
                    .map(str::to_owned)
                    .to_vec(),
            },
        ];
        users.extend(settings.users.iter().cloned());
        Ok(Self { users, secret: random_hex()? })
    }

    /// The file for `--token-auth-file`.
    pub(super) fn csv(&self) -> String {
        let line = |user: &User| {
            format!("{},{},{},\"{}\"\n", self.token(&user.name), user.name, user.name, user.groups.join(","))
        };
        self.users.iter().map(line).collect()
    }

    fn token(&self, name: &str) -> String {
        format!("{name}-{}", self.secret)
    }

    pub(super) fn of(&self, identity: &Identity) -> Result<String, Error> {
        match self.users.iter().find(|user| user.name == identity.name()) {
            Some(user) => Ok(self.token(&user.name)),
            None => Err(Error::UnknownIdentity(identity.name().to_owned())),
        }
    }
}

/// Sixteen random bytes: loopback is open to everybody on the machine.
pub(super) fn random_hex() -> Result<String, Error> {
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(Error::io("cannot read /dev/urandom"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A client configuration that trusts `ca` and does not retry behind the caller's back.
///
/// Connecting and writing time out after seconds; reading does not, because watches are quiet for
/// long.
pub(super) fn config(url: &str, ca: &str, identity: &Identity, token: &str) -> Result<kube::Config, Error> {
    let roots = CertificateDer::pem_slice_iter(ca.as_bytes())
        .map(|cert| cert.map(|cert| cert.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Error::Credentials(format!("the API server's certificate: {error:?}")))?;
    let mut config = kube::Config::new(url.parse().map_err(|error| Error::Credentials(format!("{url}: {error}")))?);
    config.root_cert = Some(roots);
    config.auth_info = serde_json::from_value(json!({ "token": token }))
        .map_err(|error| Error::Credentials(format!("the token: {error}")))?;
    config.default_namespace = identity.namespace().to_owned();
    config.default_retry = false;
    config.connect_timeout = Some(std::time::Duration::from_secs(5));
    config.write_timeout = Some(std::time::Duration::from_secs(10));
    Ok(config)
}

/// A kubeconfig as JSON, which is YAML too.
pub(super) fn kubeconfig(url: &str, ca: &str, identity: &Identity, token: &str) -> Result<String, Error> {
    // ByteString's JSON is base64, which is what a kubeconfig wants.
    let text = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{
            "name": "test",
            "cluster": { "server": url, "certificate-authority-data": ByteString(ca.as_bytes().to_vec()) },
        }],
        "users": [{ "name": identity.name(), "user": { "token": token } }],
        "contexts": [{
            "name": "test",
            "context": { "cluster": "test", "user": identity.name(), "namespace": identity.namespace() },
        }],
        "current-context": "test",
    });
    serde_json::to_string_pretty(&text).map_err(|error| Error::Credentials(error.to_string()))
}

/// Writes a file that only we may read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(Error::path("create", dir))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(path).map_err(Error::path("write", path))?;
    file.write_all(text.as_bytes()).map_err(Error::path("write", path))
}
