//! Operations and their URIs, as in the service model.

use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;

macro_rules! operations {
    ($($name:ident $method:ident $pattern:literal $effect:ident;)+) => {
        /// Every operation that the simulator answers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Operation { $($name,)+ }

        /// Names of all operations.
        pub const OPERATIONS: &[&str] = &[$(stringify!($name),)+];

        impl Operation {
            const ROUTES: &[(Self, &str, &str)] = &[$((Self::$name, stringify!($method), $pattern),)+];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// Whether it changes something.
            pub(crate) fn is_write(self) -> bool {
                let effect = match self { $(Self::$name => stringify!($effect),)+ };
                effect == "write"
            }
        }
    };
}

operations! {
    CreateUser PUT "/users/{InstanceId}" write;
    DescribeUser GET "/users/{InstanceId}/{UserId}" read;
    ListUsers GET "/users-summary/{InstanceId}" read;
    SearchUsers POST "/search-users" read;
    DeleteUser DELETE "/users/{InstanceId}/{UserId}" write;
    UpdateUserIdentityInfo POST "/users/{InstanceId}/{UserId}/identity-info" write;
    UpdateUserPhoneConfig POST "/users/{InstanceId}/{UserId}/phone-config" write;
    UpdateUserConfig POST "/users/{InstanceId}/{UserId}/config" write;
    UpdateUserRoutingProfile POST "/users/{InstanceId}/{UserId}/routing-profile" write;
    UpdateUserSecurityProfiles POST "/users/{InstanceId}/{UserId}/security-profiles" write;
    UpdateUserHierarchy POST "/users/{InstanceId}/{UserId}/hierarchy" write;
    AssociateUserProficiencies POST "/users/{InstanceId}/{UserId}/associate-proficiencies" write;
    UpdateUserProficiencies POST "/users/{InstanceId}/{UserId}/proficiencies" write;
    DisassociateUserProficiencies POST "/users/{InstanceId}/{UserId}/disassociate-proficiencies" write;
    ListUserProficiencies GET "/users/{InstanceId}/{UserId}/proficiencies" read;
    TagResource POST "/tags/{resourceArn}" write;
    UntagResource DELETE "/tags/{resourceArn}" write;
    ListTagsForResource GET "/tags/{resourceArn}" read;
    DescribeInstance GET "/instance/{InstanceId}" read;
    ListRoutingProfiles GET "/routing-profiles-summary/{InstanceId}" read;
    SearchRoutingProfiles POST "/search-routing-profiles" read;
    DescribeRoutingProfile GET "/routing-profiles/{InstanceId}/{RoutingProfileId}" read;
    ListSecurityProfiles GET "/security-profiles-summary/{InstanceId}" read;
    SearchSecurityProfiles POST "/search-security-profiles" read;
    ListUserHierarchyGroups GET "/user-hierarchy-groups-summary/{InstanceId}" read;
    SearchUserHierarchyGroups POST "/search-user-hierarchy-groups" read;
    DescribeUserHierarchyGroup GET "/user-hierarchy-groups/{InstanceId}/{HierarchyGroupId}" read;
    ListQuickConnects GET "/quick-connects/{InstanceId}" read;
    SearchQuickConnects POST "/search-quick-connects" read;
    DescribeQuickConnect GET "/quick-connects/{InstanceId}/{QuickConnectId}" read;
    DeleteQuickConnect DELETE "/quick-connects/{InstanceId}/{QuickConnectId}" write;
}

/// Labels of a matched path, decoded.
pub(crate) type Labels = BTreeMap<&'static str, String>;

/// The operation that a method and an (encoded) path mean.
pub(crate) fn route(method: &str, path: &str) -> Option<(Operation, Labels)> {
    let candidates = Operation::ROUTES.iter().filter(|(_, verb, _)| *verb == method);
    candidates.into_iter().find_map(|(operation, _, pattern)| Some((*operation, labels(pattern, path)?)))
}

fn labels(pattern: &'static str, path: &str) -> Option<Labels> {
    let mut labels = Labels::new();
    let mut segments = path.split('/');
    for expected in pattern.split('/') {
        let segment = segments.next()?;
        match expected.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
            Some(label) => {
                let value = percent_decode_str(segment).decode_utf8().ok().filter(|value| !value.is_empty())?;
                labels.insert(label, value.into_owned());
            }
            None if expected != segment => return None,
            None => {}
        }
    }
    segments.next().is_none().then_some(labels)
}

/// Name and value pairs of a query string, decoded.
pub(crate) fn query_pairs(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let (operation, labels) = route("DELETE", "/tags/arn%3Aaws%3Aconnect%2Fx").unwrap_or_else(|| unreachable!());
        assert_eq!(operation, Operation::UntagResource);
        assert_eq!(labels.get("resourceArn").map(String::as_str), Some("arn:aws:connect/x"));
        assert!(route("GET", "/users/i/").is_none());
        assert!(route("GET", "/users/i/u/x").is_none());
        assert!(route("PATCH", "/users/i").is_none());
        assert_eq!(
            query_pairs("tagKeys=a%2Fb&tagKeys=c%20d&x"),
            [("tagKeys".into(), "a/b".into()), ("tagKeys".into(), "c d".into()), ("x".into(), String::new())]
        );
    }
}
