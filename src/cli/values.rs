//! What the values of arguments may be.

use std::time::Duration;

use crate::policy::{Brake, Tenancy};
use crate::serve::telemetry::Format;

/// Longest cluster name: the owner tag `<cluster>/<namespace>/<name>` must fit into the 256 characters of a tag value.
const LONGEST_CLUSTER_NAME: usize = 40;

pub(crate) fn cluster_name(text: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_CLUSTER_NAME).contains(&text.chars().count());
    if fits && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be 1 to {LONGEST_CLUSTER_NAME} letters, digits, `-`, `_` or `.`"))
    }
}

/// The API server knows selectors better than we do, and is asked at the start; an empty one would select all.
pub(super) fn selector(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        Err("must not be empty: leave it out to watch all objects".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

pub(super) fn tenancy(text: &str) -> Result<Tenancy, String> {
    match text {
        "open" => Ok(Tenancy::Open),
        "restricted" => Ok(Tenancy::Restricted),
        _ => Err("must be open or restricted".to_owned()),
    }
}

pub(crate) fn part(text: &str) -> Result<f64, String> {
    let part = text.parse().ok().filter(|part| *part > 0.0 && *part <= 1.0);
    part.ok_or_else(|| "must be more than 0 and at most 1, such as 0.5".to_owned())
}

pub(super) fn format(text: &str) -> Result<Format, String> {
    match text {
        "text" => Ok(Format::Text),
        "json" => Ok(Format::Json),
        _ => Err("must be text or json".to_owned()),
    }
}

pub(crate) fn brake(text: &str) -> Result<Brake, String> {
    let form = || "must be a count and a duration, such as 100/1h".to_owned();
    let (most, window) = text.split_once('/').ok_or_else(form)?;
    Ok(Brake { most: most.parse().map_err(|_| form())?, window: duration(window)? })
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().map_err(|_| "must be a number with a unit, such as 90s, 10m or 1h".to_owned())?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        "h" => Duration::from_secs(number.saturating_mul(3600)),
        _ => return Err("must have a unit: ms, s, m or h".to_owned()),
    };
    let longest = Duration::from_secs(7 * 24 * 3600);
    if duration.is_zero() || duration > longest {
        Err("must be more than nothing and at most 168h".to_owned())
    } else {
        Ok(duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        for text in ["", "10", "s", "0s", "-1s", "1d", "99999999999999999999h", "999999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_a_part_of_the_whole() {
        assert_eq!((part("1"), part("0.25")), (Ok(1.0), Ok(0.25)));
        for text in ["0", "-1", "1.1", "NaN", "all", ""] {
            assert!(part(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_cluster_name_fits_into_a_tag() {
        assert!(cluster_name("emea-prod.1").is_ok());
        for text in ["", "a/b", "a b", &"x".repeat(41)] {
            assert!(cluster_name(text).is_err(), "{text}");
        }
    }
}
