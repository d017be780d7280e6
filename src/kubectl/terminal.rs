//! What is known of the terminal, and how to write for it: whether there is one, how wide it is, whether it
//! has colours.
//!
//! A result goes to standard output in full when that is no terminal, since then a program reads it; `COLUMNS`
//! bounds it all the same.

pub(super) mod confirm;
pub(super) mod progress;
pub(super) mod table;
pub(super) mod text;

use std::io::IsTerminal;

use clap::ValueEnum;

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set or TERM is dumb.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Where something is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Screen {
    /// Whether a person looks at it.
    pub(super) is_terminal: bool,
    /// Columns; `None` is no bound.
    pub(super) width: Option<usize>,
    /// Whether colours may be used.
    pub(super) has_color: bool,
}

/// What a colour means, rather than which one it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    /// As it comes.
    #[default]
    Plain,
    /// A heading, or what the eye is to find.
    Strong,
    /// What may be passed over.
    Faint,
    /// As it should be; also what is added.
    Good,
    /// On its way, or to be looked at some time; also what is changed.
    Wait,
    /// Wrong; also what is taken away.
    Bad,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Strong => Some("1"),
            Self::Faint => Some("2"),
            Self::Good => Some("32"),
            Self::Wait => Some("33"),
            Self::Bad => Some("31"),
        }
    }
}

/// Widths that no layout is made for: somebody's COLUMNS=0 means that it is not known.
const NARROWEST: usize = 20;

impl Screen {
    /// Standard output.
    pub(super) fn stdout(color: Color) -> Self {
        let out = std::io::stdout();
        Self::of(&Surroundings::look(), color, out.is_terminal(), size(&out))
    }

    /// Standard error.
    pub(super) fn stderr(color: Color) -> Self {
        let err = std::io::stderr();
        Self::of(&Surroundings::look(), color, err.is_terminal(), size(&err))
    }

    fn of(around: &Surroundings, color: Color, is_terminal: bool, size: Option<usize>) -> Self {
        let columns = around.columns.as_deref().and_then(|columns| columns.parse().ok());
        let width = columns.or_else(|| size.filter(|_| is_terminal)).filter(|width| *width >= NARROWEST);
        let has_color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && !around.no_color && around.term.as_deref().is_none_or(|term| term != "dumb"),
        };
        Self { is_terminal, width, has_color }
    }

    /// The text in its colour, where there are colours.
    pub(super) fn paint(self, style: Style, text: &str) -> String {
        match style.code().filter(|_| self.has_color && !text.is_empty()) {
            Some(code) => format!("\x1b[{code}m{text}\x1b[0m"),
            None => text.to_owned(),
        }
    }
}

fn size(stream: &impl std::os::fd::AsFd) -> Option<usize> {
    terminal_size::terminal_size_of(stream).map(|(width, _)| usize::from(width.0))
}

/// What the environment says of the terminal.
#[derive(Default)]
struct Surroundings {
    columns: Option<String>,
    no_color: bool,
    term: Option<String>,
}

impl Surroundings {
    fn look() -> Self {
        Self {
            columns: std::env::var("COLUMNS").ok(),
            // By its convention, any value but the empty one.
            no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()),
            term: std::env::var("TERM").ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(around: &Surroundings, color: Color, is_terminal: bool) -> Screen {
        Screen::of(around, color, is_terminal, Some(100))
    }

    #[test]
    fn colours_are_for_terminals_that_have_them_and_wanted() {
        let plain = Surroundings::default();
        let refused = Surroundings { no_color: true, ..Surroundings::default() };
        let dumb = Surroundings { term: Some("dumb".to_owned()), ..Surroundings::default() };
        for (around, color, is_terminal, expected) in [
            (&plain, Color::Auto, true, true),
            (&plain, Color::Auto, false, false),
            (&refused, Color::Auto, true, false),
            (&dumb, Color::Auto, true, false),
            (&refused, Color::Always, false, true),
            (&plain, Color::Never, true, false),
        ] {
            assert_eq!(screen(around, color, is_terminal).has_color, expected, "{color:?}, terminal: {is_terminal}");
        }
    }

    #[test]
    fn what_a_program_reads_has_no_width_unless_columns_says_so() {
        let around = |columns: &str| Surroundings { columns: Some(columns.to_owned()), ..Surroundings::default() };
        assert_eq!(screen(&Surroundings::default(), Color::Auto, false).width, None);
        assert_eq!(screen(&Surroundings::default(), Color::Auto, true).width, Some(100));
        assert_eq!(screen(&around("80"), Color::Auto, false).width, Some(80));
        assert_eq!(screen(&around("80"), Color::Auto, true).width, Some(80));
        assert_eq!(screen(&around("0"), Color::Auto, true).width, None);
        assert_eq!(screen(&around("many"), Color::Auto, true).width, Some(100));
    }

    #[test]
    fn nothing_is_painted_without_colours() {
        let screen = Screen { is_terminal: false, width: None, has_color: false };
        assert_eq!(screen.paint(Style::Bad, "no"), "no");
        assert_eq!(Screen { has_color: true, ..screen }.paint(Style::Bad, "no"), "\x1b[31mno\x1b[0m");
        assert_eq!(Screen { has_color: true, ..screen }.paint(Style::Plain, "yes"), "yes");
    }
}
