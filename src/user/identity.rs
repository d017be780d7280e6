//! Names and addresses of a person: compared and written, never shown.

use std::fmt;

use serde::Serialize;

use crate::resource::user::IdentityInfo;

/// The members of IdentityInfo, each present only where it was said. Its Debug shows which members are
/// present, not their values.
#[derive(Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Identity {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Second e-mail address.
    pub secondary_email: Option<String>,
    /// Mobile number in E.164 form.
    pub mobile: Option<String>,
}

/// A member of [`Identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityMember {
    /// First name.
    FirstName,
    /// Last name.
    LastName,
    /// E-mail address.
    Email,
    /// Second e-mail address.
    SecondaryEmail,
    /// Mobile number.
    Mobile,
}

impl IdentityMember {
    /// Every member.
    pub const ALL: [Self; 5] = [Self::FirstName, Self::LastName, Self::Email, Self::SecondaryEmail, Self::Mobile];

    /// Its name in the spec.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstName => "firstName",
            Self::LastName => "lastName",
            Self::Email => "email",
            Self::SecondaryEmail => "secondaryEmail",
            Self::Mobile => "mobile",
        }
    }
}

impl Identity {
    /// A member's value.
    pub fn get(&self, member: IdentityMember) -> Option<&str> {
        match member {
            IdentityMember::FirstName => self.first_name.as_deref(),
            IdentityMember::LastName => self.last_name.as_deref(),
            IdentityMember::Email => self.email.as_deref(),
            IdentityMember::SecondaryEmail => self.secondary_email.as_deref(),
            IdentityMember::Mobile => self.mobile.as_deref(),
        }
    }

    /// Sets or removes a member.
    pub fn set(&mut self, member: IdentityMember, value: Option<String>) {
        let slot = match member {
            IdentityMember::FirstName => &mut self.first_name,
            IdentityMember::LastName => &mut self.last_name,
            IdentityMember::Email => &mut self.email,
            IdentityMember::SecondaryEmail => &mut self.secondary_email,
            IdentityMember::Mobile => &mut self.mobile,
        };
        *slot = value;
    }

    /// The members that are said.
    pub fn members(&self) -> impl Iterator<Item = IdentityMember> {
        IdentityMember::ALL.into_iter().filter(|member| self.get(*member).is_some())
    }
}

impl From<&IdentityInfo> for Identity {
    fn from(info: &IdentityInfo) -> Self {
        let IdentityInfo { first_name, last_name, email, secondary_email, mobile } = info;
        Self {
            first_name: first_name.clone(),
            last_name: last_name.clone(),
            email: email.clone(),
            secondary_email: secondary_email.clone(),
            mobile: mobile.clone(),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = f.debug_set();
        for member in self.members() {
            names.entry(&member.name());
        }
        names.finish()
    }
}
