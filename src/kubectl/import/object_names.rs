//! Names of objects from usernames: valid, unique, and the same at every import of the same users.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

/// As much as becomes part of the owner tag.
const LONGEST: usize = 150;

/// A name that was chosen, with the others that would have been called the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    pub(super) name: String,
    /// What it would have been called if nobody else were.
    pub(super) instead_of: Option<String>,
}

/// A name for each username, of which no two may be equal without regard to case. `taken` are names that are in use.
///
/// A username that is a valid name as it is keeps it whoever else would like it; the others get a mark made from
/// their username, so that one does not depend on who else is there.
pub(super) fn choose(usernames: &[&str], taken: &BTreeSet<String>) -> Vec<Chosen> {
    let wanted: Vec<String> = usernames.iter().map(|username| normal(username)).collect();
    let mut claims: BTreeMap<&str, usize> = BTreeMap::new();
    for name in &wanted {
        *claims.entry(name).or_default() += 1;
    }
    let keeps = |username: &str, name: &str| {
        let is_alone = claims.get(name).is_none_or(|claims| *claims == 1);
        !taken.contains(name) && (is_alone || username.to_lowercase() == name)
    };
    let mut used: BTreeSet<String> = taken.iter().cloned().collect();
    used.extend(wanted.iter().cloned());
    let mut order: Vec<(usize, &&str)> = usernames.iter().enumerate().collect();
    order.sort_by_key(|(_, username)| username.to_lowercase());
    let mut chosen = BTreeMap::new();
    for (at, username) in order {
        let Some(name) = wanted.get(at) else { continue };
        if keeps(username, name) {
            chosen.insert(at, Chosen { name: name.clone(), instead_of: None });
            continue;
        }
        let mark = format!("{:016x}", hash(&username.to_lowercase()));
        let marked = (6..=mark.len()).filter_map(|length| {
            let mark = mark.get(..length)?;
            Some(format!("{}-{mark}", cut(name, LONGEST - 1 - length)))
        });
        // Sixteen digits that are taken, too, are no accident, and the API server would tell.
        let name_of_its_own = marked.into_iter().find(|marked| !used.contains(marked)).unwrap_or_else(|| mark.clone());
        used.insert(name_of_its_own.clone());
        chosen.insert(at, Chosen { name: name_of_its_own, instead_of: Some(name.clone()) });
    }
    chosen.into_values().collect()
}

/// Letters and digits of ASCII in lower case, `.` where the username has it, and `-` for everything else.
pub(super) fn normal(username: &str) -> String {
    let mut name = String::new();
    for c in username.nfkd().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => name.push(c),
            'ß' => name.push_str("ss"),
            'æ' => name.push_str("ae"),
            'ø' => name.push('o'),
            'ł' => name.push('l'),
            // What was an accent of the letter before.
            c if unicode_normalization::char::is_combining_mark(c) => {}
            // Every part between dots must begin and end with a letter or digit.
            '.' if name.ends_with(|c: char| c.is_ascii_alphanumeric()) => name.push('.'),
            _ if name.ends_with(|c: char| c.is_ascii_alphanumeric()) => name.push('-'),
            '-' if name.ends_with('-') => name.push('-'),
            _ => {}
        }
    }
    let name = cut(&name, LONGEST);
    if name.is_empty() { "user".to_owned() } else { name }
}

fn cut(name: &str, longest: usize) -> String {
    let cut: String = name.chars().take(longest).collect();
    cut.trim_end_matches(['-', '.']).to_owned()
}

/// FNV-1a: the same at every time, on every machine.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::super::super::manifests::is_subdomain;
    use super::*;

    fn names(usernames: &[&str], taken: &[&str]) -> Vec<String> {
        let taken = taken.iter().map(|name| (*name).to_owned()).collect();
        choose(usernames, &taken).into_iter().map(|chosen| chosen.name).collect()
    }

    #[test]
    fn usernames_become_names() {
        for (username, name) in [
            ("jane.doe", "jane.doe"),
            ("Jane_Doe", "jane-doe"),
            ("jane.doe@example.com", "jane.doe-example.com"),
            ("José.Ñandú", "jose.nandu"),
            ("Straße", "strasse"),
            ("ΑΒΓ", "user"),
            ("山田.1", "1"),
            ("__x__", "x"),
            ("a..b", "a.b"),
            ("a.-b", "a.b"),
            ("a-.b", "a-b"),
            ("a--b", "a--b"),
            ("-.", "user"),
            ("ﬁnn", "finn"),
        ] {
            assert_eq!(normal(username), name, "{username}");
            assert!(is_subdomain(&normal(username)), "{username}");
        }
        assert_eq!(normal(&"x".repeat(300)).len(), LONGEST);
    }

    #[test]
    fn whoever_is_called_so_keeps_the_name_and_the_others_get_a_mark() {
        let all = names(&["jane_doe", "jane-doe", "Jane@Doe", "john"], &[]);
        assert_eq!((all[1].as_str(), all[3].as_str()), ("jane-doe", "john"));
        assert!(all[0].starts_with("jane-doe-") && all[2].starts_with("jane-doe-") && all[0] != all[2], "{all:?}");
        // Neither the order nor who else is there changes a name.
        let mut turned = names(&["john", "Jane@Doe", "jane-doe", "someone", "jane_doe"], &[]);
        turned.remove(3);
        turned.reverse();
        assert_eq!(turned, [&all[0], &all[1], &all[2], &all[3]].map(Clone::clone));
        assert_ne!(names(&["john"], &["john"]), ["john"]);
    }

    #[test]
    fn many_odd_usernames_get_names_that_are_valid_and_differ() {
        let odd = ["_", "__", ".", "@", "é", "e", "E.", "日本", "日本語", "a_b", "a-b", "a@b", "a b", "a+b"];
        let all = names(&odd, &["user", "a-b-000000"]);
        let distinct: BTreeSet<&String> = all.iter().collect();
        assert_eq!(distinct.len(), odd.len(), "{all:?}");
        assert!(all.iter().all(|name| is_subdomain(name) && name.len() <= LONGEST), "{all:?}");
    }
}
