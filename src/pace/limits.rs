//! What Amazon Connect allows: calls a second by operation, for each account and Region.

use std::collections::BTreeMap;
use std::str::FromStr;

/// A token bucket as Connect has one for each operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls a second.
    pub per_second: f64,
    /// Calls at once.
    pub burst: f64,
}

impl Rate {
    /// A rate with the burst that Connect has beside it: 5 beside 2/s and 15 beside 10/s are documented, the
    /// rest lies on that line.
    pub fn of(per_second: f64) -> Self {
        let burst = if per_second <= 2.0 { 2.5 * per_second } else { (1.5 * per_second).max(5.0) };
        Self { per_second, burst: burst.max(1.0) }
    }

    fn times(self, share: f64) -> Self {
        Self { per_second: self.per_second * share, burst: (self.burst * share).max(1.0) }
    }
}

/// Operations that are called, with AWS's default rate and the code of the quota in Service Quotas, where
/// it is known. What is not here has 2 calls a second, which is also what the documentation falls back to.
const DEFAULTS: [(&str, f64, &str); 23] = [
    ("CreateUser", 2.0, "L-CBDEE3E4"),
    ("DeleteUser", 2.0, "L-30488271"),
    ("UpdateUserIdentityInfo", 2.0, "L-66B5F86E"),
    ("UpdateUserPhoneConfig", 2.0, "L-5D8210C3"),
    ("UpdateUserHierarchy", 2.0, "L-AEAF5C4B"),
    ("UpdateUserSecurityProfiles", 2.0, "L-64B27051"),
    ("UpdateUserRoutingProfile", 2.0, "L-418ABD80"),
    ("AssociateUserProficiencies", 2.0, "L-2CCBA953"),
    ("DisassociateUserProficiencies", 2.0, "L-53E03705"),
    ("UpdateUserProficiencies", 2.0, "L-5A3065E6"),
    ("TagResource", 2.0, "L-EA358306"),
    ("UntagResource", 2.0, "L-26D9F60B"),
    ("DescribeUser", 10.0, "L-EE6F0D82"),
    ("ListUsers", 10.0, "L-CCC38177"),
    ("ListUserProficiencies", 10.0, "L-A59C54EE"),
    ("SearchUsers", 2.0, "L-E2C35CCE"),
    ("ListRoutingProfiles", 10.0, "L-30929A21"),
    ("ListSecurityProfiles", 2.0, "L-A408782D"),
    ("DescribeInstance", 2.0, "L-D14CF86E"),
    ("DeleteQuickConnect", 2.0, "L-EC633E57"),
    ("UpdateUserConfig", 2.0, ""),
    ("SearchUserHierarchyGroups", 2.0, ""),
    ("SearchQuickConnects", 2.0, ""),
];

/// Where nothing is known.
const UNKNOWN: f64 = 2.0;

/// The operation that a quota of Service Quotas speaks of.
pub fn operation_of(code: &str, name: &str) -> Option<&'static str> {
    let named = name.strip_prefix("Rate of ").and_then(|name| name.strip_suffix(" API requests"));
    let speaks = |(operation, _, other): &&(&str, f64, &str)| *other == code || named == Some(*operation);
    DEFAULTS.iter().find(speaks).map(|(operation, _, _)| *operation)
}

/// Whose calls share a quota.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// AWS account.
    pub account: String,
    /// Region.
    pub region: String,
}

/// A rate that a person sets: `Operation=RATE` or `Operation=RATE/BURST`; `*` is every operation that is not named.
#[derive(Clone, Debug, PartialEq)]
pub struct Override {
    /// Name of the operation, or `*`.
    pub operation: String,
    /// Its rate.
    pub rate: Rate,
}

impl FromStr for Override {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || format!("`{text}` must be Operation=RATE or Operation=RATE/BURST, such as CreateUser=4/10");
        let (operation, rate) = text.split_once('=').ok_or_else(form)?;
        let named = operation == "*" || (!operation.is_empty() && operation.chars().all(char::is_alphanumeric));
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| (0.001..=100_000.0).contains(number));
        let rate = match rate.split_once('/') {
            None => number(rate).map(Rate::of),
            Some((rate, burst)) => number(rate).zip(number(burst).filter(|burst| *burst >= 1.0)).map(pair),
        };
        match rate {
            Some(rate) if named => Ok(Self { operation: operation.to_owned(), rate }),
            _ => Err(form()),
        }
    }
}

fn pair((per_second, burst): (f64, f64)) -> Rate {
    Rate { per_second, burst }
}

/// The rate of every operation: what a person has set, else what the account was found to have, else
/// AWS's defaults; and of that the share that is this process's.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    set: BTreeMap<String, Rate>,
    found: BTreeMap<(Place, &'static str), Rate>,
    share: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self::new([], 1.0)
    }
}

impl Limits {
    /// Limits with these exceptions; `share` is from 0 to 1.
    pub fn new(set: impl IntoIterator<Item = Override>, share: f64) -> Self {
        let set = set.into_iter().map(|Override { operation, rate }| (operation, rate)).collect();
        Self { set, found: BTreeMap::new(), share }
    }

    /// Takes over what Service Quotas says of an account.
    pub fn found(&mut self, place: &Place, operation: &'static str, per_second: f64) {
        if per_second > 0.0 {
            self.found.insert((place.clone(), operation), Rate::of(per_second));
        }
    }

    /// What this process may use of an operation's rate.
    pub fn rate(&self, place: &Place, operation: &'static str) -> Rate {
        let default = || DEFAULTS.iter().find(|(name, _, _)| *name == operation).map_or(UNKNOWN, |(_, rate, _)| *rate);
        let found = || self.found.get(&(place.clone(), operation)).copied();
        let set = self.set.get(operation).or_else(|| self.set.get("*")).copied();
        set.or_else(found).unwrap_or_else(|| Rate::of(default())).times(self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { account: "111122223333".to_owned(), region: "eu-west-1".to_owned() }
    }

    #[test]
    fn rates_are_those_of_aws_until_something_is_known_or_set() {
        let mut limits = Limits::default();
        assert_eq!(limits.rate(&place(), "CreateUser"), Rate { per_second: 2.0, burst: 5.0 });
        assert_eq!(limits.rate(&place(), "DescribeUser"), Rate { per_second: 10.0, burst: 15.0 });
        assert_eq!(limits.rate(&place(), "UpdateUserConfig"), Rate { per_second: 2.0, burst: 5.0 });
        limits.found(&place(), "CreateUser", 4.0);
        assert_eq!(limits.rate(&place(), "CreateUser"), Rate { per_second: 4.0, burst: 6.0 });
        let elsewhere = Place { region: "us-east-1".to_owned(), ..place() };
        assert_eq!(limits.rate(&elsewhere, "CreateUser").per_second, 2.0, "a quota is that of a Region");
    }

    #[test]
    fn what_a_person_sets_wins_and_the_share_applies_to_all() {
        let set = ["CreateUser=6/12", "*=100"].map(|text| text.parse().unwrap());
        let mut limits = Limits::new(set, 0.5);
        limits.found(&place(), "CreateUser", 4.0);
        assert_eq!(limits.rate(&place(), "CreateUser"), Rate { per_second: 3.0, burst: 6.0 });
        assert_eq!(limits.rate(&place(), "DescribeUser"), Rate { per_second: 50.0, burst: 75.0 });
        let tiny = Limits::new([], 0.01);
        assert_eq!(tiny.rate(&place(), "CreateUser").burst, 1.0, "less than one call at once would be none at all");
    }

    #[test]
    fn a_rate_that_says_nothing_is_refused() {
        for text in
            ["", "CreateUser", "CreateUser=", "CreateUser=0", "=2", "CreateUser=2/0", "Create User=2", "A=NaN", "A=inf"]
        {
            assert!(text.parse::<Override>().is_err(), "{text}");
        }
    }
}
