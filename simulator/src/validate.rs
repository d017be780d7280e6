//! The documented constraints of a user, each with a message that says what is wrong.

use crate::error::Refusal;
use crate::instance::Instance;
use crate::switches::Switches;
use crate::user::{IdentityInfo, Proficiency, Tags};
use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::is_nfc;

pub(crate) type Valid = Result<(), Refusal>;

pub(crate) fn ensure(valid: bool, message: impl Into<String>) -> Valid {
    if valid { Ok(()) } else { Err(Refusal::mistake(message)) }
}

fn length(what: &str, text: &str, min: usize, max: usize) -> Valid {
    let count = text.chars().count();
    ensure((min..=max).contains(&count), format!("{what} must have {min} to {max} characters, it has {count}."))
}

pub(crate) fn username(instance: &Instance, username: &str) -> Valid {
    length("Username", username, 1, if instance.is_saml() { 64 } else { 20 })?;
    let allowed = username.chars().all(|c| c.is_ascii_alphanumeric() || "_-.@".contains(c));
    ensure(allowed, "Username may hold only [a-zA-Z0-9_-.@].")?;
    ensure(!username.contains('@') || is_email(username), "Username may hold @ only in the form of an e-mail address.")
}

pub(crate) fn password(instance: &Instance, password: Option<&str>) -> Valid {
    let Some(password) = password else {
        return ensure(!instance.is_managed(), "Password is required for an instance with CONNECT_MANAGED identities.");
    };
    ensure(instance.is_managed(), "Password is not allowed for an instance that does not manage identities itself.")?;
    let has = |class: fn(char) -> bool| password.chars().any(class);
    let strong = has(|c| c.is_ascii_lowercase()) && has(|c| c.is_ascii_uppercase()) && has(|c| c.is_ascii_digit());
    let fits = (8..=64).contains(&password.chars().count()) && !has(char::is_whitespace);
    ensure(
        strong && fits,
        "Password must have 8 to 64 characters without white space, with a lower-case letter, an upper-case letter and a digit.",
    )
}

/// The whole block as it will be stored.
pub(crate) fn identity(instance: &Instance, identity: &IdentityInfo, switches: Switches) -> Valid {
    let last_max = if instance.is_saml() { 300 } else { 256 };
    let names = [("FirstName", &identity.first_name, 255), ("LastName", &identity.last_name, last_max)];
    for (what, name, max) in names {
        let by_directory = !instance.is_saml() && !instance.is_managed();
        let Some(name) = name.as_deref().or(Some("")).filter(|name| !by_directory || !name.is_empty()) else {
            continue;
        };
        ensure(!name.is_empty(), format!("{what} is required for {} identities.", instance.identity_management_type))?;
        length(what, name, 1, max)?;
        ensure(is_nfc(name), format!("{what} must be in Unicode normalisation form C."))?;
    }
    match identity.email.as_deref() {
        None | Some("") => ensure(!instance.is_managed(), "Email is required for CONNECT_MANAGED identities.")?,
        Some(_) if instance.is_saml() && !switches.saml_email_accepted => {
            return Err(Refusal::mistake("Email is not allowed for SAML identities."));
        }
        Some(email) => ensure(is_email(email), "Email is not an e-mail address.")?,
    }
    let secondary = identity.secondary_email.as_deref();
    ensure(secondary.is_none_or(is_email), "SecondaryEmail is not an e-mail address.")?;
    ensure(identity.mobile.as_deref().is_none_or(is_e164), "Mobile is not a phone number in E.164 format.")
}

/// `[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,63}`, at most 265 characters.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let Some((host, top)) = domain.rsplit_once('.') else { return false };
    let all = |text: &str, extra: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(c))
    };
    let top_level = (2..=63).contains(&top.len()) && top.chars().all(|c| c.is_ascii_alphabetic());
    text.len() <= 265 && all(local, "._%+-") && all(host, ".-") && top_level
}

/// `\+[1-9]\d{1,14}`
pub(crate) fn is_e164(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (2..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.chars().all(|c| c.is_ascii_digit())
}

pub(crate) fn tag_key(key: &str) -> Valid {
    length("A tag key", key, 1, 128)?;
    ensure(!key.starts_with("aws:"), "Tag keys that start with aws: are reserved.")?;
    ensure(key.chars().all(is_tag_char), format!("Tag key {key:?} holds a character that is not allowed."))
}

fn is_tag_char(c: char) -> bool {
    use GeneralCategory as G;
    "_.:/=+-@".contains(c)
        || matches!(
            get_general_category(c),
            G::UppercaseLetter
                | G::LowercaseLetter
                | G::TitlecaseLetter
                | G::ModifierLetter
                | G::OtherLetter
                | G::SpaceSeparator
                | G::LineSeparator
                | G::ParagraphSeparator
                | G::DecimalNumber
                | G::LetterNumber
                | G::OtherNumber
        )
}

/// A TagMap of a request: 1 to 50 entries.
pub(crate) fn tags(tags: &Tags) -> Valid {
    ensure(!tags.is_empty(), "A tag map must have at least one entry; leave it out instead.")?;
    ensure(tags.len() <= 50, "At most 50 tags are allowed.")?;
    for (key, value) in tags {
        tag_key(key)?;
        length(&format!("The value of tag {key:?}"), value, 0, 256)?;
    }
    Ok(())
}

/// The pairs must be predefined attributes of the instance.
pub(crate) fn proficiency_key(instance: &Instance, name: &str, value: &str) -> Valid {
    length("AttributeName", name, 1, 100)?;
    length("AttributeValue", value, 1, 100)?;
    let values = instance.attributes.get(name);
    let values = values.ok_or_else(|| Refusal::missing(format!("Predefined attribute {name} does not exist.")))?;
    if values.iter().any(|other| other == value) {
        return Ok(());
    }
    Err(Refusal::missing(format!("Predefined attribute {name} has no value {value}.")))
}

pub(crate) fn proficiencies(instance: &Instance, proficiencies: &[Proficiency]) -> Valid {
    ensure(!proficiencies.is_empty(), "UserProficiencies must have at least one entry.")?;
    for (index, one) in proficiencies.iter().enumerate() {
        proficiency_key(instance, &one.attribute_name, &one.attribute_value)?;
        let whole = (1.0..=5.0).contains(&one.level) && one.level.fract() == 0.0;
        ensure(whole, format!("Level of {}={} must be 1, 2, 3, 4 or 5.", one.attribute_name, one.attribute_value))?;
        let twice = proficiencies.iter().take(index).any(|other| same_key(one, other));
        ensure(!twice, format!("{}={} is given twice.", one.attribute_name, one.attribute_value))?;
    }
    Ok(())
}

pub(crate) fn same_key(one: &Proficiency, other: &Proficiency) -> bool {
    one.attribute_name == other.attribute_name && one.attribute_value == other.attribute_value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats() {
        assert!(is_email("a.b+c@x-y.example.com"));
        assert!(["a@example", "@x.com", "a@b.c", "a b@x.com", "a@x.c0m", "a@@x.com"].iter().all(|bad| !is_email(bad)));
        assert!(is_e164("+4930123456"));
        assert!(["4930", "+0123", "+1", "+1234567890123456", "+12a", ""].iter().all(|bad| !is_e164(bad)));
        assert!(["Kostenstelle", "a b", "x_.:/=+-@9", "größe", "名前"].iter().all(|good| tag_key(good).is_ok()));
        assert!(["aws:x", "", "a#b", "a\tb"].iter().all(|bad| tag_key(bad).is_err()));
        assert!(tag_key(&"k".repeat(129)).is_err());
    }
}
