//! What AWS does not document, as switches. `Default` is the most plausible reading.

use serde::{Deserialize, Serialize};

macro_rules! switches {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:literal;)+) => {
        /// One boolean for each behaviour of Connect that nobody documents (the `?` of connect-api.md and the U of
        /// reliability.md section 6). Tests run with each flipped alone and with all flipped together.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        pub struct Switches {
            $($(#[doc = $doc])+ pub $name: bool,)+
        }

        impl Default for Switches {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Switches {
            /// Name, default and meaning of every switch.
            pub const TABLE: &'static [(&'static str, bool, &'static str)] =
                &[$((stringify!($name), $default, concat!($($doc),+)),)+];

            /// Every behaviour the other way round.
            #[must_use]
            pub fn all_flipped() -> Self {
                Self { $($name: !$default,)+ }
            }

            /// For each switch: its name, and the default with only that one flipped.
            #[must_use]
            pub fn each_flipped() -> Vec<(&'static str, Self)> {
                vec![$((stringify!($name), Self { $name: !$default, ..Self::default() }),)+]
            }
        }
    };
}

switches! {
    /// A value written through PhoneConfig also shows in the channel lists, and the other way round (?).
    phone_config_mirrored = true;
    /// UpdateUserConfig: a list that is absent is emptied; otherwise kept (U3).
    config_absent_list_clears = false;
    /// UpdateUserConfig: `[]` empties the list; otherwise it is kept (U3).
    config_empty_list_clears = true;
    /// UpdateUserConfig: a list replaces the stored one; otherwise it is merged channel by channel (?).
    config_list_replaces = true;
    /// UpdateUserIdentityInfo: absent members are cleared; otherwise kept (?).
    identity_absent_clears = true;
    /// UpdateUserIdentityInfo: `""` for SecondaryEmail or Mobile is refused; otherwise it clears (?).
    identity_empty_string_refused = false;
    /// UpdateUserHierarchy: `{}` keeps the group; otherwise it clears it (U1).
    hierarchy_empty_body_keeps = false;
    /// UpdateUserPhoneConfig: absent members keep their value; otherwise they are reset to false, 0, none (U2).
    phone_config_absent_keeps = false;
    /// An AfterContactWorkConfig without AfterContactWorkTimeLimit is refused; otherwise it means 0 (U2).
    acw_without_limit_refused = false;
    /// UpdateUserConfig: an AfterContactWorkConfig without a limit keeps the channel's value; otherwise 0 (U2).
    acw_without_limit_keeps = false;
    /// TagResource and UntagResource move the user's LastModifiedTime (U4).
    tags_move_last_modified = false;
    /// A change of proficiencies moves the user's LastModifiedTime, not only their own (U4).
    proficiencies_move_last_modified = false;
    /// AssociateUserProficiencies with a pair that the user has sets its level; otherwise it is refused (?).
    associate_existing_upserts = false;
    /// Usernames that differ only in case are the same (U7).
    usernames_ignore_case = true;
    /// A mistake is answered with InvalidRequestException; otherwise with InvalidParameterException (?).
    mistakes_are_invalid_request = false;
    /// A missing reference is answered with InvalidParameterException; otherwise ResourceNotFoundException (?).
    missing_reference_is_invalid_parameter = false;
    /// An unknown instance is answered with AccessDeniedException; otherwise ResourceNotFoundException (?).
    unknown_instance_is_access_denied = false;
    /// A throttled call is answered with ThrottlingException; otherwise TooManyRequestsException (?).
    throttle_is_throttling_exception = false;
    /// A throttled call costs a token (U6).
    throttled_calls_cost_tokens = false;
    /// A throttled call is answered with Retry-After, and x-amz-retry-after in milliseconds (U6).
    retry_after_sent = false;
    /// The error code is in the body as `__type`; otherwise in the header x-amzn-errortype (U6).
    error_code_in_body = false;
    /// The error code in the header is followed by `:http://…` as older services do (U6).
    error_code_has_suffix = false;
    /// DeleteUser is refused while a USER quick connect points at the user; otherwise that is orphaned (U8).
    delete_refused_by_quick_connect = false;
    /// Email is accepted on a SAML instance; otherwise it is an error (U10).
    saml_email_accepted = false;
    /// A CreateUser refused for its tags or hierarchy group leaves the user behind without them (U11).
    create_leaves_user_behind = false;
    /// Pages are cut by position, so that a deletion between two pages hides a user; otherwise by key (U12).
    pages_by_position = false;
    /// Pages are shorter than asked for and still have a successor (seen; how often is not known).
    pages_are_short = false;
    /// Users are listed by username; otherwise in order of creation (?).
    list_order_by_username = false;
    /// DescribeUser shows `"DeskPhoneNumber": ""` and `"Tags": {}` where there are none (seen, not documented).
    describe_shows_empty = true;
    /// SecurityProfileIds come back sorted; otherwise as sent (seen, not documented).
    security_profiles_reordered = true;
    /// SearchUsers compares with regard to case (?).
    search_is_case_exact = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_switch() {
        let readme = include_str!("../README.md");
        let names = serde_json::to_value(Switches::default()).unwrap_or_default();
        for (name, default) in names.as_object().into_iter().flatten() {
            assert!(readme.contains(&format!("| `{name}` | {default} |")), "{name}");
        }
        for (name, _, meaning) in Switches::TABLE {
            assert!(readme.contains(meaning.trim()), "{name}");
        }
    }

    #[test]
    fn each_flipped_changes_exactly_one() {
        let default = serde_json::to_value(Switches::default()).unwrap_or_default();
        for (name, flipped) in Switches::each_flipped() {
            let flipped = serde_json::to_value(flipped).unwrap_or_default();
            let differing =
                default.as_object().into_iter().flatten().filter(|(k, v)| flipped.get(k.as_str()) != Some(v));
            assert_eq!(differing.count(), 1, "{name}");
        }
    }
}
