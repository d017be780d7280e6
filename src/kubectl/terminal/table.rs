//! Tables that fit into a width: what may be cut is cut where it is widest, what may be left out is left out.

use super::text::{clean, cut, pad, pad_left, width};
use super::{Screen, Style};

/// Columns between two columns.
const GAP: usize = 3;

/// One column.
#[derive(Clone, Copy, Debug)]
pub(in crate::kubectl) struct Column {
    head: &'static str,
    is_number: bool,
    /// How narrow it may become; `None` is not at all.
    least: Option<usize>,
    is_optional: bool,
}

impl Column {
    /// One that is shown in full.
    pub(in crate::kubectl) fn whole(head: &'static str) -> Self {
        Self { head, is_number: false, least: None, is_optional: false }
    }

    /// Numbers, at the right edge, in full.
    pub(in crate::kubectl) fn number(head: &'static str) -> Self {
        Self { is_number: true, ..Self::whole(head) }
    }

    /// Text that may be cut, but not to less than this.
    pub(in crate::kubectl) fn text(head: &'static str, least: usize) -> Self {
        Self { least: Some(least), ..Self::whole(head) }
    }

    /// The same column, which is left out where there is no room. The last such goes first.
    #[must_use]
    pub(in crate::kubectl) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }
}

/// One cell.
#[derive(Clone, Debug, Default)]
pub(in crate::kubectl) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A text in a colour.
    pub(in crate::kubectl) fn new(style: Style, text: impl AsRef<str>) -> Self {
        Self { text: clean(text.as_ref()), style }
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}

/// A table.
#[derive(Clone, Debug)]
pub(in crate::kubectl) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// One without rows.
    pub(in crate::kubectl) fn new(columns: impl IntoIterator<Item = Column>) -> Self {
        Self { columns: columns.into_iter().collect(), rows: Vec::new() }
    }

    /// Adds a row, a cell for each column.
    pub(in crate::kubectl) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, each with its end.
    pub(in crate::kubectl) fn render(&self, screen: Screen) -> String {
        let widths = self.widths(screen.width);
        let heads: Vec<_> = self.columns.iter().map(|column| Cell::new(Style::Strong, column.head)).collect();
        let mut rendered = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            let mut missing = 0;
            for ((column, width), cell) in self.columns.iter().zip(&widths).zip(row) {
                let Some(columns) = *width else { continue };
                // Spaces are owed until something follows them: no line ends with any, and none is painted.
                line.push_str(&" ".repeat(missing));
                let text = cut(&cell.text, columns);
                let padded = if column.is_number { pad_left(&text, columns) } else { pad(&text, columns) };
                let (before, after) = padded.split_at(padded.len() - padded.trim_start_matches(' ').len());
                let inner = after.trim_end_matches(' ');
                line.push_str(before);
                line.push_str(&screen.paint(cell.style, inner));
                missing = after.len() - inner.len() + GAP;
            }
            rendered.push_str(line.trim_end());
            rendered.push('\n');
        }
        rendered
    }

    /// The width of each column; `None` is left out.
    fn widths(&self, most: Option<usize>) -> Vec<Option<usize>> {
        let cells = |at: usize| self.rows.iter().filter_map(move |row| row.get(at)).map(|cell| width(&cell.text));
        let wants = self
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| cells(at).fold(width(column.head), usize::max))
            .map(Some);
        let mut widths: Vec<Option<usize>> = wants.collect();
        let Some(most) = most else { return widths };
        let total = |widths: &[Option<usize>]| {
            let shown = widths.iter().flatten();
            shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
        };
        // By what is left when all that may be cut is cut, whole columns have to go first.
        let least = |column: &Column, width: usize| column.least.map_or(width, |least| width.min(least));
        let narrowest = |widths: &[Option<usize>]| -> Vec<Option<usize>> {
            self.columns.iter().zip(widths).map(|(column, width)| width.map(|width| least(column, width))).collect()
        };
        for at in (0..self.columns.len()).rev() {
            if total(&narrowest(&widths)) > most
                && self.columns.get(at).is_some_and(|column| column.is_optional)
                && let Some(width) = widths.get_mut(at)
            {
                *width = None;
            }
        }
        loop {
            let over = total(&widths).saturating_sub(most);
            let narrowest = narrowest(&widths);
            let widest = widths.iter_mut().zip(narrowest).filter_map(|(width, least)| Some((width.as_mut()?, least?)));
            let widest = widest.filter(|(width, least)| **width > *least).max_by_key(|(width, _)| **width);
            match widest {
                Some((width, _)) if over > 0 => *width -= 1,
                _ => return widths,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(width: usize) -> Screen {
        Screen { is_terminal: false, width: Some(width), has_color: false }
    }

    fn table() -> Table {
        let mut table = Table::new([
            Column::text("NAME", 6),
            Column::number("AGE"),
            Column::whole("REASON").optional(),
            Column::text("MESSAGE", 8),
        ]);
        table.row(["jane-doe".into(), "5m".into(), "InSync".into(), "as declared".into()]);
        table.row(["山田太郎-object".into(), "120m".into(), Cell::new(Style::Bad, "InvalidSpec"), "no".into()]);
        table
    }

    #[test]
    fn it_takes_what_it_needs_and_no_more() {
        let lines = table().render(Screen { width: None, ..screen(0) });
        let expected = "NAME               AGE   REASON        MESSAGE\n\
                        jane-doe            5m   InSync        as declared\n\
                        山田太郎-object   120m   InvalidSpec   no\n";
        assert_eq!(lines, expected);
    }

    #[test]
    fn it_fits_whatever_the_width_down_to_its_least() {
        for most in 24..60 {
            for line in table().render(screen(most)).lines() {
                assert!(width(line) <= most, "{line} is wider than {most}");
                assert_eq!(line, line.trim_end());
            }
        }
        assert!(!table().render(screen(30)).contains("REASON"), "an optional column is left out");
        assert!(table().render(screen(44)).contains("REASON"), "and only where it has to be");
    }

    #[test]
    fn colours_take_no_columns() {
        let plain = table().render(screen(50));
        let painted = table().render(Screen { has_color: true, ..screen(50) });
        assert!(painted.contains("\x1b[31mInvalidSpec\x1b[0m"), "{painted}");
        let mut bare = painted;
        for code in ["\x1b[31m", "\x1b[1m", "\x1b[0m"] {
            bare = bare.replace(code, "");
        }
        assert_eq!(bare, plain);
    }
}
