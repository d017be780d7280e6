//! Takes what a spec declares of a person out of AWS's messages, which like to repeat what they were given.

use crate::connect::ConnectError;
use crate::resource::user::{ConnectUserSpec, IdentityInfo};
use crate::user::observed::ObservedUser;
use crate::user::settings::CHANNELS;

/// The personal values of one spec.
pub(super) struct Redactor(Vec<String>);

impl Redactor {
    pub(super) fn new(spec: &ConnectUserSpec) -> Self {
        let mut values = Vec::new();
        if let Some(info) = &spec.identity_info {
            let IdentityInfo { first_name, last_name, email, secondary_email, mobile } = info;
            values.extend([first_name, last_name, email, secondary_email, mobile].into_iter().flatten().cloned());
        }
        values.extend(spec.phone_config.iter().filter_map(|phone| phone.desk_phone_number.clone()));
        values.extend(spec.phone_number_configs.iter().flatten().filter_map(|phone| phone.phone_number.clone()));
        Self(Vec::new()).and(values)
    }

    /// With what Connect has of the person, which the spec may not say.
    pub(super) fn observed(&self, user: &ObservedUser) -> Self {
        let members = user.identity.members().filter_map(|member| user.identity.get(member)).map(str::to_owned);
        let numbers = user.settings();
        let numbers = CHANNELS.into_iter().filter_map(|channel| numbers.number(channel).map(str::to_owned));
        Self(self.0.clone()).and(members.chain(numbers))
    }

    fn and(mut self, values: impl IntoIterator<Item = String>) -> Self {
        self.0.extend(values.into_iter().filter(|value| !value.is_empty()));
        // The longest first, or a last name would break up the address that contains it.
        self.0.sort_by_key(|value| std::cmp::Reverse(value.len()));
        self.0.dedup();
        self
    }

    /// The error with the values replaced where they stand as words of their own.
    pub(super) fn error(&self, error: ConnectError) -> ConnectError {
        ConnectError { message: self.text(&error.message), ..error }
    }

    fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| replace_word(&text, value))
    }
}

fn replace_word(text: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, found) = rest.split_at(at);
        let after = found.get(value.len()..).unwrap_or_default();
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        out.push_str(before);
        let whole = !inside(before.chars().next_back()) && !inside(after.chars().next());
        out.push_str(if whole { "[redacted]" } else { value });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(replace_word("FirstName 'Jan' in January", "Jan"), "FirstName '[redacted]' in January");
        assert_eq!(replace_word("nothing here", "Jan"), "nothing here");
    }
}
