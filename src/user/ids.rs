//! Identities: bare ids, whatever form they arrive in, and the ARN of an instance taken apart.
//!
//! Connect accepts ids and ARNs wherever it says Id and answers bare ids, so both are brought to one
//! form here, once, before anything is compared.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a bare id or an ARN, of which the last segment is the id.
            pub fn new(id_or_arn: &str) -> Self {
                Self(bare_id(id_or_arn).to_owned())
            }

            /// The bare id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Id of an instance.
    InstanceId
);
id!(
    /// Id of a user.
    UserId
);
id!(
    /// Id of a routing profile.
    RoutingProfileId
);
id!(
    /// Id of a security profile.
    SecurityProfileId
);
id!(
    /// Id of a hierarchy group.
    HierarchyGroupId
);

impl UserId {
    /// Reads an id that somebody else may have written: `None` unless it could be one. It becomes part of a path, and
    /// `..` or a slash in it would lead elsewhere.
    pub fn read(text: &str) -> Option<Self> {
        let id = bare_id(text);
        is_plain(id).then(|| Self(id.to_owned()))
    }
}

/// Whether a text is letters, digits and hyphens, and therefore harmless in paths and host names.
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn bare_id(id_or_arn: &str) -> &str {
    if id_or_arn.starts_with("arn:") { id_or_arn.rsplit('/').next().unwrap_or(id_or_arn) } else { id_or_arn }
}

/// An Amazon Connect instance: partition, Region, account and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instance {
    partition: String,
    region: String,
    account: String,
    id: InstanceId,
}

/// Why a text is not the ARN of an instance.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an instance ARN: expected arn:aws:connect:<region>:<account>:instance/<id>")]
pub struct InvalidArn(String);

impl Instance {
    /// Parses `arn:<partition>:connect:<region>:<account>:instance/<id>`.
    ///
    /// # Errors
    /// If the text has another form.
    pub fn parse(arn: &str) -> Result<Self, InvalidArn> {
        let mut parts = arn.splitn(6, ':');
        match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("arn"), Some(partition), Some("connect"), Some(region), Some(account), Some(resource)) => {
                let id = resource.strip_prefix("instance/").map(|rest| rest.split('/').next().unwrap_or(rest));
                match id {
                    // The Region becomes part of a host name and the id of a path. Admission sees to that, too; an
                    // ARN that came past it must not lead elsewhere.
                    Some(id) if [partition, region, id].into_iter().all(is_plain) && account.len() == 12 => Ok(Self {
                        partition: partition.to_owned(),
                        region: region.to_owned(),
                        account: account.to_owned(),
                        id: InstanceId::new(id),
                    }),
                    _ => Err(InvalidArn(arn.to_owned())),
                }
            }
            _ => Err(InvalidArn(arn.to_owned())),
        }
    }

    /// The Region, which decides the endpoint and the signature.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The AWS account.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The instance's id.
    pub fn id(&self) -> &InstanceId {
        &self.id
    }

    /// Whether both are one instance for Connect. Partition and account are not sent, and the replica of an instance in
    /// another Region has its id; so neither these nor the case of the id are a way around what is said of an instance.
    pub fn is_same_for_connect(&self, other: &Self) -> bool {
        self.id.as_str().eq_ignore_ascii_case(other.id.as_str())
    }

    /// ARN of a user of this instance.
    pub fn user_arn(&self, user: &UserId) -> String {
        format!("{self}/agent/{user}")
    }
}

impl fmt::Display for Instance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { partition, region, account, id } = self;
        write!(f, "arn:{partition}:connect:{region}:{account}:instance/{id}")
    }
}

/// A login name. Connect holds it unique in an instance; whether it does so without regard to case
/// is not documented, so two names count as the same user when their folded forms are equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Username(String);

impl Username {
    /// Takes a login name as it is written.
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which names are compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }

    /// Whether both name the same user.
    pub fn same_user(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_and_its_arn_are_the_same() {
        assert_eq!(
            RoutingProfileId::new("arn:aws:connect:eu-west-1:111122223333:instance/i/routing-profile/r"),
            RoutingProfileId::new("r")
        );
    }

    #[test]
    fn an_instance_arn_survives_the_round_trip() {
        let arn = "arn:aws-us-gov:connect:us-gov-west-1:111122223333:instance/1234-ab";
        let instance = Instance::parse(arn).unwrap();
        assert_eq!(instance.to_string(), arn);
        assert_eq!(instance.region(), "us-gov-west-1");
        assert_eq!(instance.user_arn(&UserId::new("u")), format!("{arn}/agent/u"));
    }

    #[test]
    fn a_user_arn_tells_its_instance() {
        let instance = Instance::parse("arn:aws:connect:eu-west-1:111122223333:instance/i/agent/u").unwrap();
        assert_eq!(instance.id().as_str(), "i");
    }

    #[test]
    fn an_id_that_leads_elsewhere_is_none() {
        for text in ["", ".", "..", "a/b", "a%2fb", "a b", "a?b", "a\r\nb", "a\0b", "arn:x/.."] {
            assert_eq!(UserId::read(text), None, "{text:?}");
        }
        assert_eq!(UserId::read("arn:aws:connect:eu-west-1:1:instance/i/agent/u-1"), Some(UserId::new("u-1")));
    }

    #[test]
    fn neither_account_nor_region_nor_case_makes_another_instance_of_it() {
        let parse = |arn: &str| Instance::parse(arn).unwrap();
        let instance = parse("arn:aws:connect:eu-west-1:111122223333:instance/ab");
        assert!(instance.is_same_for_connect(&parse("arn:aws-x:connect:eu-west-2:999999999999:instance/AB")));
        assert!(!instance.is_same_for_connect(&parse("arn:aws:connect:eu-west-1:111122223333:instance/abc")));
    }

    #[test]
    fn what_is_no_instance_arn_is_refused() {
        for text in [
            "",
            "i",
            "arn:aws:connect:eu-west-1:111122223333:queue/q",
            "arn:aws:s3:::bucket",
            "arn:aws:connect::1:instance/i",
            "arn:aws:connect:eu-west-1:111122223333:instance/..",
            "arn:aws:connect:eu-west-1:111122223333:instance/i?x",
            "arn:aws:connect:example.com/:111122223333:instance/i",
        ] {
            assert!(Instance::parse(text).is_err(), "{text}");
        }
    }
}
