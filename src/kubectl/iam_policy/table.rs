//! Which feature needs which action, on what, and under which condition: the table behind the policies, which
//! docs/iam.md shows in full.

use clap::ValueEnum;

/// What the operator is used for beyond the least that every object needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(in crate::kubectl) enum Feature {
    /// `routingProfileName`, `securityProfileNames`, `hierarchyGroupPath`: looking names up; not needed with ARNs.
    Names,
    /// `adoptionPolicy: Adopt`, to recognise administrators.
    Adoption,
    /// `identityInfo` that changes.
    Identity,
    /// `hierarchyGroupPath`, `hierarchyGroupArn`.
    Hierarchy,
    /// Phone settings, in both forms.
    Phone,
    /// `userProficiencies`.
    Proficiencies,
    /// `tags` that are removed again.
    Tags,
    /// `deletionPolicy: Delete`.
    Delete,
    /// `deletionPolicy: Retain`.
    Retain,
    /// `quickConnectCleanup` of a ConnectInstance.
    QuickConnects,
    /// Reading the account's rates from Service Quotas.
    Quotas,
}

impl Feature {
    /// What is meant where nothing is said: everything but what has to be switched on.
    pub(in crate::kubectl) const USUAL: [Self; 9] = [
        Self::Names,
        Self::Adoption,
        Self::Identity,
        Self::Hierarchy,
        Self::Phone,
        Self::Proficiencies,
        Self::Tags,
        Self::Delete,
        Self::Retain,
    ];
}

/// What a statement is about, below an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kubectl) enum On {
    /// The instance, and everything in it.
    InstanceAndAll,
    /// The instance and its users.
    InstanceAndUsers,
    /// The instance and its quick connects.
    InstanceAndQuickConnects,
    /// Its users.
    Users,
    /// Its quick connects.
    QuickConnects,
    /// Security profiles that may be given.
    Profiles,
    /// Its routing profiles and hierarchy groups.
    RoutingAndGroups,
    /// Not of an instance at all.
    Everything,
}

/// Under which condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kubectl) enum If {
    /// None: AWS's data lists none that would work, or what is looked at may be anybody's.
    Always,
    /// The request carries this cluster's owner tag.
    Claims,
    /// The user carries this cluster's owner tag.
    Own,
}

/// One action of a statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::kubectl) struct Action {
    /// Name, with its service unless that is connect.
    pub(in crate::kubectl) name: &'static str,
    /// Any of these features needs it; none means that every object does.
    pub(in crate::kubectl) features: &'static [Feature],
}

/// One statement.
#[derive(Clone, Copy, Debug)]
pub(in crate::kubectl) struct Statement {
    /// Its name in the policy.
    pub(in crate::kubectl) sid: &'static str,
    /// On what.
    pub(in crate::kubectl) on: On,
    /// Under which condition.
    pub(in crate::kubectl) condition: If,
    /// What is allowed.
    pub(in crate::kubectl) actions: &'static [Action],
}

const fn every(name: &'static str) -> Action {
    Action { name, features: &[] }
}

const fn with(name: &'static str, features: &'static [Feature]) -> Action {
    Action { name, features }
}

/// All statements, in the order of docs/iam.md.
pub(in crate::kubectl) const STATEMENTS: [Statement; 10] = [
    Statement {
        sid: "Look",
        on: On::InstanceAndAll,
        condition: If::Always,
        actions: &[every("DescribeInstance"), every("DescribeUser"), every("ListUsers"), every("SearchUsers")],
    },
    Statement {
        sid: "LookUpNames",
        on: On::InstanceAndAll,
        condition: If::Always,
        actions: &[
            with("ListRoutingProfiles", &[Feature::Names]),
            with("ListSecurityProfiles", &[Feature::Names, Feature::Adoption]),
            with("SearchUserHierarchyGroups", &[Feature::Names]),
        ],
    },
    Statement {
        sid: "CreateWithOwner",
        on: On::Users,
        condition: If::Claims,
        actions: &[every("CreateUser"), every("TagResource")],
    },
    Statement {
        sid: "ChangeOwn",
        on: On::Users,
        condition: If::Own,
        actions: &[
            with("UpdateUserIdentityInfo", &[Feature::Identity]),
            every("UpdateUserRoutingProfile"),
            every("UpdateUserSecurityProfiles"),
            with("UpdateUserHierarchy", &[Feature::Hierarchy]),
            with("UpdateUserPhoneConfig", &[Feature::Phone]),
            with("UpdateUserConfig", &[Feature::Phone]),
            every("TagResource"),
            with("UntagResource", &[Feature::Tags, Feature::Retain]),
        ],
    },
    Statement {
        sid: "GiveProfiles",
        on: On::Profiles,
        condition: If::Always,
        actions: &[every("CreateUser"), every("UpdateUserSecurityProfiles")],
    },
    Statement {
        sid: "GiveRoutingAndGroup",
        on: On::RoutingAndGroups,
        condition: If::Always,
        actions: &[
            every("CreateUser"),
            every("UpdateUserRoutingProfile"),
            with("UpdateUserHierarchy", &[Feature::Hierarchy]),
        ],
    },
    Statement {
        sid: "Proficiencies",
        on: On::InstanceAndUsers,
        condition: If::Always,
        actions: &[
            with("ListUserProficiencies", &[Feature::Proficiencies]),
            with("AssociateUserProficiencies", &[Feature::Proficiencies]),
            with("UpdateUserProficiencies", &[Feature::Proficiencies]),
            with("DisassociateUserProficiencies", &[Feature::Proficiencies]),
        ],
    },
    Statement {
        sid: "DeleteOwn",
        on: On::Users,
        condition: If::Own,
        actions: &[with("DeleteUser", &[Feature::Delete])],
    },
    Statement {
        sid: "FindQuickConnects",
        on: On::InstanceAndQuickConnects,
        condition: If::Always,
        actions: &[with("SearchQuickConnects", &[Feature::QuickConnects])],
    },
    Statement {
        sid: "RemoveQuickConnects",
        on: On::QuickConnects,
        condition: If::Always,
        actions: &[with("DeleteQuickConnect", &[Feature::QuickConnects])],
    },
];

/// What no instance is named for.
pub(in crate::kubectl) const QUOTAS: Statement = Statement {
    sid: "ReadRates",
    on: On::Everything,
    condition: If::Always,
    actions: &[with("servicequotas:ListServiceQuotas", &[Feature::Quotas])],
};

impl Action {
    /// Whether it reads only.
    pub(in crate::kubectl) fn reads(&self) -> bool {
        let name = self.name.rsplit(':').next().unwrap_or(self.name);
        ["Describe", "List", "Search"].iter().any(|verb| name.starts_with(verb))
    }

    /// Whether any of these features needs it.
    pub(in crate::kubectl) fn is_needed(&self, features: &[Feature]) -> bool {
        self.features.is_empty() || self.features.iter().any(|feature| features.contains(feature))
    }

    /// With its service.
    pub(in crate::kubectl) fn full_name(&self) -> String {
        if self.name.contains(':') { self.name.to_owned() } else { format!("connect:{}", self.name) }
    }
}
