//! The two instances that every simulator starts with, and the ids of what is in them.

use crate::timestamp::Timestamp;

/// When the fixtures were made (2025-01-01T00:00:00Z); no LastModifiedTime lies before it.
pub const EPOCH: Timestamp = Timestamp(1_735_689_600_000);

macro_rules! instance {
    ($(#[doc = $doc:literal])+ $module:ident, $digit:literal, $id:literal, $region:literal, $account:literal, $kind:literal, $alias:literal) => {
        $(#[doc = $doc])+
        #[allow(missing_docs)]
        pub mod $module {
            pub const ID: &str = $id;
            pub const REGION: &str = $region;
            pub const ACCOUNT: &str = $account;
            pub const IDENTITY_MANAGEMENT_TYPE: &str = $kind;
            pub const ALIAS: &str = $alias;
            pub const ARN: &str = concat!("arn:aws:connect:", $region, ":", $account, ":instance/", $id);
            pub const ROUTING_BASIC: &str = concat!($digit, "a000001-0000-4000-8000-0000000000a1");
            pub const ROUTING_TIER_1: &str = concat!($digit, "a000002-0000-4000-8000-0000000000a2");
            pub const ROUTING_TIER_2: &str = concat!($digit, "a000003-0000-4000-8000-0000000000a3");
            pub const ROUTING_NIGHT: &str = concat!($digit, "a000004-0000-4000-8000-0000000000a4");
            pub const SECURITY_ADMIN: &str = concat!($digit, "b000001-0000-4000-8000-0000000000b1");
            pub const SECURITY_AGENT: &str = concat!($digit, "b000002-0000-4000-8000-0000000000b2");
            pub const SECURITY_MANAGER: &str = concat!($digit, "b000003-0000-4000-8000-0000000000b3");
            pub const SECURITY_QUALITY: &str = concat!($digit, "b000004-0000-4000-8000-0000000000b4");
            pub const GROUP_ROOT: &str = concat!($digit, "c000000-0000-4000-8000-0000000000c0");
            pub const GROUP_EMEA: &str = concat!($digit, "c000001-0000-4000-8000-0000000000c1");
            pub const GROUP_EMEA_SUPPORT: &str = concat!($digit, "c000002-0000-4000-8000-0000000000c2");
            pub const GROUP_EMEA_SUPPORT_TIER_1: &str = concat!($digit, "c000003-0000-4000-8000-0000000000c3");
            pub const GROUP_EMEA_SUPPORT_TIER_2: &str = concat!($digit, "c000004-0000-4000-8000-0000000000c4");
            pub const GROUP_EMEA_SALES: &str = concat!($digit, "c000005-0000-4000-8000-0000000000c5");
            pub const GROUP_EMEA_SALES_TIER_1: &str = concat!($digit, "c000006-0000-4000-8000-0000000000c6");
            pub const GROUP_APAC: &str = concat!($digit, "c000007-0000-4000-8000-0000000000c7");
            pub const GROUP_APAC_SUPPORT: &str = concat!($digit, "c000008-0000-4000-8000-0000000000c8");
            pub const QUICK_CONNECT_BILLING: &str = concat!($digit, "d000001-0000-4000-8000-0000000000d1");
            pub const QUICK_CONNECT_RETURNS: &str = concat!($digit, "d000002-0000-4000-8000-0000000000d2");
            /// A USER quick connect left behind by a user that is gone.
            pub const QUICK_CONNECT_GONE_USER: &str = concat!($digit, "d000003-0000-4000-8000-0000000000d3");
            pub const GONE_USER: &str = concat!($digit, "e000001-0000-4000-8000-0000000000e1");
            pub const CONTACT_FLOW: &str = concat!($digit, "f000001-0000-4000-8000-0000000000f1");
            pub const QUEUE_BILLING: &str = concat!($digit, "f000002-0000-4000-8000-0000000000f2");
            pub const QUEUE_RETURNS: &str = concat!($digit, "f000003-0000-4000-8000-0000000000f3");

            pub(crate) fn instance() -> crate::instance::Instance {
                use crate::instance::{Group, Instance, Named, QuickConnect};
                let mut instance = Instance::new(ID, REGION, ACCOUNT, IDENTITY_MANAGEMENT_TYPE, ALIAS);
                for (id, name) in [
                    (ROUTING_BASIC, "Basic Routing Profile"),
                    (ROUTING_TIER_1, "Tier 1"),
                    (ROUTING_TIER_2, "Tier 2"),
                    (ROUTING_NIGHT, "Night Shift"),
                ] {
                    instance.routing_profiles.push(Named::new(id, name));
                }
                for (id, name) in [
                    (SECURITY_ADMIN, "Admin"),
                    (SECURITY_AGENT, "Agent"),
                    (SECURITY_MANAGER, "CallCenterManager"),
                    (SECURITY_QUALITY, "QualityAnalyst"),
                ] {
                    instance.security_profiles.push(Named::new(id, name));
                }
                for (id, name, parent) in [
                    (GROUP_EMEA, "EMEA", None),
                    (GROUP_EMEA_SUPPORT, "Support", Some(GROUP_EMEA)),
                    (GROUP_EMEA_SUPPORT_TIER_1, "Tier 1", Some(GROUP_EMEA_SUPPORT)),
                    (GROUP_EMEA_SUPPORT_TIER_2, "Tier 2", Some(GROUP_EMEA_SUPPORT)),
                    (GROUP_EMEA_SALES, "Sales", Some(GROUP_EMEA)),
                    (GROUP_EMEA_SALES_TIER_1, "Tier 1", Some(GROUP_EMEA_SALES)),
                    (GROUP_APAC, "APAC", None),
                    (GROUP_APAC_SUPPORT, "Support", Some(GROUP_APAC)),
                ] {
                    instance.groups.push(Group { named: Named::new(id, name), parent: parent.map(str::to_owned) });
                }
                for (name, values) in
                    [("Language", ["English", "German", "French"].as_slice()), ("Skill", ["Billing", "Returns"].as_slice())]
                {
                    let values = values.iter().map(|&value| value.to_owned()).collect();
                    instance.attributes.insert(name.to_owned(), values);
                }
                for (id, name, config) in [
                    (QUICK_CONNECT_BILLING, "Billing", crate::user::QuickConnectConfig::queue(QUEUE_BILLING, CONTACT_FLOW)),
                    (QUICK_CONNECT_RETURNS, "Returns", crate::user::QuickConnectConfig::queue(QUEUE_RETURNS, CONTACT_FLOW)),
                    (QUICK_CONNECT_GONE_USER, "Someone who left", crate::user::QuickConnectConfig::user(GONE_USER, CONTACT_FLOW)),
                ] {
                    instance.quick_connects.push(QuickConnect { named: Named::new(id, name), config });
                }
                instance.root_group = GROUP_ROOT.to_owned();
                instance
            }
        }
    };
}

instance!(
    /// A CONNECT_MANAGED instance in eu-west-1.
    managed, "1", "11111111-1111-4111-8111-111111111111", "eu-west-1", "111122223333", "CONNECT_MANAGED", "emea-managed"
);
instance!(
    /// A SAML instance in us-east-1, in another account.
    saml, "2", "22222222-2222-4222-8222-222222222222", "us-east-1", "444455556666", "SAML", "us-saml"
);

/// ARN of something in an instance; `kind` is `agent`, `routing-profile`, `security-profile`, `agent-group` or
/// `transfer-destination`.
#[must_use]
pub fn arn(instance_arn: &str, kind: &str, id: &str) -> String {
    format!("{instance_arn}/{kind}/{id}")
}
