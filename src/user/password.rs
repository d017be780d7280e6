//! A password on its way from a Secret to CreateUser: wiped when dropped, never shown.

use std::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

/// A password. Debug, Display and Serialize print a placeholder; [`Password::reveal`] is the one way in.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

const PLACEHOLDER: &str = "[redacted]";

impl Password {
    /// Takes hold of a password.
    pub fn new(password: String) -> Self {
        Self(Zeroizing::new(password))
    }

    /// The password itself, for the request to Connect only.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it meets Connect's rule: 8 to 64 characters without white space, among them a lower-case
    /// letter, an upper-case letter and a digit.
    pub fn is_acceptable(&self) -> bool {
        let length = self.0.chars().count();
        (8..=64).contains(&length)
            && self.0.chars().any(|c| c.is_ascii_lowercase())
            && self.0.chars().any(|c| c.is_ascii_uppercase())
            && self.0.chars().any(|c| c.is_ascii_digit())
            && !self.0.chars().any(char::is_whitespace)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PLACEHOLDER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::new("Sentinel-1".to_owned());
        assert_eq!(format!("{password:?}"), PLACEHOLDER);
        assert_eq!(serde_json::to_string(&password).unwrap(), "\"[redacted]\"");
    }

    #[test]
    fn the_rule_is_that_of_connect() {
        for (password, acceptable) in [
            ("Abcdefg1", true),
            ("Abcdef1", false),
            ("abcdefg1", false),
            ("ABCDEFG1", false),
            ("Abcdefgh", false),
            ("Abc efg1", false),
        ] {
            assert_eq!(Password::new(password.to_owned()).is_acceptable(), acceptable, "{password}");
        }
        assert!(!Password::new(format!("Aa1{}", "x".repeat(62))).is_acceptable());
    }
}
