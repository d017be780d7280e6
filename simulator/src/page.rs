//! Pages and their opaque tokens.

use crate::error::Refusal;
use crate::switches::Switches;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write;

/// What a caller asked for.
pub(crate) struct Paging<'a> {
    /// Operation, instance and filter: a token is good only for the listing it came from.
    pub(crate) scope: String,
    pub(crate) token: Option<&'a str>,
    pub(crate) size: usize,
    pub(crate) switches: Switches,
}

/// These bytes encode as `++++////`, so that every token holds the characters that careless clients do not encode.
const PREFIX: [u8; 6] = [0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff];

impl Paging<'_> {
    /// Cuts one page out of `items`, in the order of their keys.
    pub(crate) fn cut<T>(&self, mut items: Vec<(String, T)>) -> Result<(Vec<T>, Option<String>), Refusal> {
        let by_key = |(a, _): &(String, T), (b, _): &(String, T)| a.cmp(b);
        let position = self.token.map(|token| self.position(token)).transpose()?;
        let mut start = 0;
        match position {
            None => {}
            Some(at) if self.switches.pages_by_position => {
                start = at.parse().map_err(|_| expired())?;
                items.sort_unstable_by(by_key);
                items.drain(..start.min(items.len()));
            }
            Some(key) => items.retain(|(other, _)| *other > key),
        }
        let size = if self.switches.pages_are_short { self.size.div_ceil(2) } else { self.size };
        let is_last = items.len() <= size;
        if !is_last {
            // Not all of them are sorted for every page: a hundred thousand have a hundred pages.
            items.select_nth_unstable_by(size, by_key);
            items.truncate(size);
        }
        items.sort_unstable_by(by_key);
        let last = items.last().filter(|_| !is_last);
        let end = start.saturating_add(items.len()).to_string();
        let token = last.map(|(key, _)| self.encode(if self.switches.pages_by_position { &end } else { key }));
        Ok((items.into_iter().map(|(_, item)| item).collect(), token))
    }

    fn encode(&self, position: &str) -> String {
        let mut text = format!("{:016x}{position}", checksum(&self.scope, position));
        // One byte over a multiple of three makes the token end in `=`.
        while (PREFIX.len() + text.len()) % 3 != 1 {
            text.push('\0');
        }
        STANDARD.encode([PREFIX.as_slice(), text.as_bytes()].concat())
    }

    fn position(&self, token: &str) -> Result<String, Refusal> {
        let bytes = STANDARD.decode(token).map_err(|_| expired())?;
        let text = bytes.strip_prefix(&PREFIX).and_then(|rest| std::str::from_utf8(rest).ok()).ok_or_else(expired)?;
        let (sum, position) = text.split_at_checked(16).ok_or_else(expired)?;
        let position = position.trim_end_matches('\0');
        let mut expected = String::new();
        let _ = write!(expected, "{:016x}", checksum(&self.scope, position));
        if sum == expected { Ok(position.to_owned()) } else { Err(expired()) }
    }
}

pub(crate) fn expired() -> Refusal {
    Refusal::mistake("NextToken is not valid, has expired, or belongs to another request.")
}

fn checksum(scope: &str, position: &str) -> u64 {
    let bytes = scope.bytes().chain([0]).chain(position.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paging<'a>(scope: &str, token: Option<&'a str>, switches: Switches) -> Paging<'a> {
        Paging { scope: scope.into(), token, size: 2, switches }
    }

    fn items(keys: &[&str]) -> Vec<(String, String)> {
        keys.iter().map(|&key| (key.to_owned(), key.to_owned())).collect()
    }

    #[test]
    fn tokens_are_opaque_and_bound_to_their_listing() {
        let (page, token) = paging("s", None, Switches::default()).cut(items(&["c", "a", "b"])).unwrap_or_default();
        assert_eq!(page, ["a", "b"]);
        let token = token.unwrap_or_default();
        assert!(['+', '/', '='].iter().all(|&c| token.contains(c)), "{token}");
        assert!(paging("other", Some(&token), Switches::default()).cut(items(&["c"])).is_err());
        assert!(paging("s", Some("nonsense"), Switches::default()).cut(items(&["c"])).is_err());
        // `a` is deleted meanwhile: by key nothing is missed, by position one item is.
        let (page, next) = paging("s", Some(&token), Switches::default()).cut(items(&["b", "c"])).unwrap_or_default();
        assert_eq!((page.as_slice(), next), (["c".to_owned()].as_slice(), None));
        let by_position = Switches { pages_by_position: true, ..Switches::default() };
        let (_, token) = paging("s", None, by_position).cut(items(&["a", "b", "c"])).unwrap_or_default();
        let (page, _) = paging("s", token.as_deref(), by_position).cut(items(&["b", "c"])).unwrap_or_default();
        assert!(page.is_empty());
    }

    #[test]
    fn short_pages_have_successors() {
        let short = Switches { pages_are_short: true, ..Switches::default() };
        let (page, token) = paging("s", None, short).cut(items(&["a", "b"])).unwrap_or_default();
        assert_eq!((page.len(), token.is_some()), (1, true));
    }
}
