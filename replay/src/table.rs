//! Columns for people: aligned, without colour, without lines.

use std::io::{self, Write};

/// Rows under headers. Columns whose cells are all numbers stand to the right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    headers: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// What stands in a cell that has nothing to say.
pub(crate) const NOTHING: &str = "-";

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(headers: &[&'static str]) -> Self {
        Self { headers: headers.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; empty cells show a dash.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells = cells.into_iter().map(|cell| if cell.is_empty() { NOTHING.to_owned() } else { plain(&cell) });
        self.rows.push(cells.collect());
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True when it has no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let widths: Vec<usize> = (0..self.headers.len()).map(|column| self.width(column)).collect();
        let right: Vec<bool> = (0..self.headers.len()).map(|column| self.is_numeric(column)).collect();
        let headers: Vec<String> = self.headers.iter().map(|header| header.to_uppercase()).collect();
        for row in std::iter::once(&headers).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&right) {
                let gap = if line.is_empty() { "" } else { "  " };
                line.push_str(gap);
                line.push_str(&if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") });
            }
            writeln!(out, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &String> {
        self.rows.iter().filter_map(move |row| row.get(column))
    }

    fn width(&self, column: usize) -> usize {
        let header = self.headers.get(column).map_or(0, |header| header.chars().count());
        self.cells(column).map(|cell| cell.chars().count()).max().unwrap_or(0).max(header)
    }

    fn is_numeric(&self, column: usize) -> bool {
        let mut cells = self.cells(column).filter(|cell| *cell != NOTHING).peekable();
        cells.peek().is_some() && cells.all(|cell| cell.parse::<f64>().is_ok())
    }
}

/// A text that stays on its line: what users wrote may hold control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_numbers_stand_right() {
        let mut table = Table::new(&["name", "gib", "why"]);
        table.row(["a".to_owned(), "5".to_owned(), String::new()]);
        table.row(["größer".to_owned(), "1000".to_owned(), "two\nlines".to_owned()]);
        let mut out = Vec::new();
        table.render(&mut out).unwrap();
        let expected = "NAME     GIB  WHY\na          5  -\ngrößer  1000  two lines\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
