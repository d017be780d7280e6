//! Takes what a spec declares of a person out of AWS's messages, which like to repeat what they were given.

use crate::connect::ConnectError;
use crate::resource::user::{ConnectUserSpec, IdentityInfo};
use crate::user::observed::ObservedUser;
use crate::user::settings::CHANNELS;

/// The personal values of one spec.
pub(crate) struct Redactor(Vec<String>);

impl Redactor {
    pub(super) fn new(spec: &ConnectUserSpec) -> Self {
        let mut values = Vec::new();
        if let Some(info) = &spec.identity_info {
            let IdentityInfo { first_name, last_name, email, secondary_email, mobile } = info;
            values.extend([first_name, last_name, email, secondary_email, mobile].into_iter().flatten().cloned());
        }
        values.extend(spec.phone_config.iter().filter_map(|phone| phone.desk_phone_number.clone()));
        values.extend(spec.phone_number_configs.iter().flatten().filter_map(|phone| phone.phone_number.clone()));
        Self::of(values)
    }

    /// Of these values, wherever they come from.
    pub(crate) fn of(values: impl IntoIterator<Item = String>) -> Self {
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

    /// The text with the values replaced where they stand as words of their own.
    pub(crate) fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, value| replace_word(&text, value))
    }
}

/// Services repeat a value as they store it, which may be in lower case; so case is of no account.
fn replace_word(text: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut before) = (text, None);
    while let Some(first) = rest.chars().next() {
        let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let after = after_value(rest, value).filter(|after| !inside(before) && !inside(after.chars().next()));
        match after {
            Some(after) => {
                out.push_str("[redacted]");
                (rest, before) = (after, None);
            }
            None => {
                out.push(first);
                (rest, before) = (rest.get(first.len_utf8()..).unwrap_or_default(), Some(first));
            }
        }
    }
    out
}

/// What follows the value, if the text begins with it in any case.
fn after_value<'a>(text: &'a str, value: &str) -> Option<&'a str> {
    let mut chars = text.chars();
    let same = |c: char, d: char| c == d || c.to_lowercase().eq(d.to_lowercase());
    let begins = value.chars().all(|wanted| chars.next().is_some_and(|found| same(found, wanted)));
    begins.then_some(chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_replaced() {
        assert_eq!(replace_word("FirstName 'Jan' in January", "Jan"), "FirstName '[redacted]' in January");
        assert_eq!(replace_word("nothing here", "Jan"), "nothing here");
    }

    #[test]
    fn case_is_of_no_account() {
        assert_eq!(
            replace_word("'jürgen' and JÜRGEN, not jürgens", "Jürgen"),
            "'[redacted]' and [redacted], not jürgens"
        );
        assert_eq!(replace_word("Jan", "Janet"), "Jan");
    }
}
