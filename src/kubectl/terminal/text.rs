//! Text by the columns that it takes, and without what would act on the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Where a text was cut.
const ELLIPSIS: char = '…';

/// The columns that a text takes.
pub(in crate::kubectl) fn width(text: &str) -> usize {
    text.width()
}

/// The text on one line and without control characters: names and messages come from others, and an escape
/// sequence in them could hide lines or colour a lie. Also without what turns the direction of writing around.
pub(in crate::kubectl) fn clean(text: &str) -> String {
    let is_turn = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}');
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => ' ',
        c if c.is_control() || is_turn(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

/// The text in at most so many columns, with an ellipsis where something is missing.
pub(in crate::kubectl) fn cut(text: &str, most: usize) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut taken = 0;
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        // One column is the ellipsis's.
        if taken + 1 > most {
            break;
        }
        kept.push(c);
    }
    let mut kept = kept.trim_end().to_owned();
    if most > 0 {
        kept.push(ELLIPSIS);
    }
    kept
}

/// The text and as many spaces as it takes to fill the columns.
pub(in crate::kubectl) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Spaces, and the text at the right edge of the columns.
pub(in crate::kubectl) fn pad_left(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(width(text))))
}

/// Lines of at most so many columns, broken between words. A word that is longer, such as an ARN, stays in one
/// piece, so that it can be copied.
pub(in crate::kubectl) fn wrap(text: &str, columns: Option<usize>) -> Vec<String> {
    let Some(columns) = columns else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A time as long ago as this, coarsely, as kubectl says it.
pub(in crate::kubectl) fn ago(seconds: i64) -> String {
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A number and what is counted.
pub(in crate::kubectl) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_coarse() {
        let told = [-5, 0, 119, 120, 7_199, 7_200, 172_799, 172_800].map(ago);
        assert_eq!(told, ["0s", "0s", "119s", "2m", "119m", "2h", "47h", "2d"]);
    }

    #[test]
    fn a_cut_text_takes_no_more_than_its_columns() {
        for (text, most, expected) in [
            ("jane", 4, "jane"),
            ("jane.doe", 5, "jane…"),
            ("a b", 2, "a…"),
            ("山田太郎", 8, "山田太郎"),
            ("山田太郎", 7, "山田太…"),
            ("山田太郎", 6, "山田…"),
            ("e\u{301}te\u{301}", 3, "e\u{301}te\u{301}"),
            ("jane", 1, "…"),
            ("jane", 0, ""),
        ] {
            assert_eq!(cut(text, most), expected, "{text} in {most}");
            assert!(width(&cut(text, most)) <= most.max(width(expected)), "{text} in {most}");
        }
        assert_eq!(width(&pad("山", 5)), 5);
    }

    #[test]
    fn what_would_act_on_the_terminal_is_shown_as_unknown() {
        assert_eq!(clean("a\x1b[2Jb\n\tc\u{202e}d\u{9b}e"), "a\u{fffd}[2Jb  c\u{fffd}d\u{fffd}e");
    }

    #[test]
    fn lines_break_between_words_and_arns_nowhere() {
        let arn = "arn:aws:connect:eu-west-1:111122223333:instance/i";
        let lines = wrap(&format!("the user {arn} is not there"), Some(12));
        assert_eq!(lines, ["the user", arn, "is not there"]);
        assert_eq!(wrap("a  b", None), ["a  b"]);
    }
}
