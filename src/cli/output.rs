//! Tables for people, JSON for machines; both on stdout.

use std::io::{self, Write};

use comfy_table::{ContentArrangement, Table, TableComponent, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use crate::failure::Failure;

/// Stdout of a command that answers. When whoever reads it has seen enough (`| head`), the command ends and says nothing.
pub(super) struct Stdout(io::Stdout);

/// See [`Stdout`].
pub(super) fn stdout() -> Stdout {
    Stdout(io::stdout())
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(end_if_closed)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(end_if_closed)
    }
}

fn end_if_closed(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    error
}

/// Prints a value as JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::new("Json", e.to_string(), ""))?;
    Ok(writeln!(stdout(), "{text}")?)
}

/// Prints rows under headings.
pub(super) fn table(headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    for line in [TableComponent::HorizontalLines, TableComponent::MiddleIntersections] {
        table.remove_style(line);
    }
    table.set_header(headings.to_vec());
    for row in rows {
        table.add_row(row);
    }
    line(&table.to_string());
}

/// Prints names with their values.
pub(super) fn pairs(rows: impl IntoIterator<Item = (&'static str, String)>) {
    table(&["field", "value"], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
}

/// Prints a line for people.
pub(super) fn line(text: &str) {
    // A full disk behind a redirection: there is nowhere to say so but stderr.
    if let Err(error) = writeln!(stdout(), "{text}") {
        tracing::error!(%error, "the answer could not be written");
    }
}

/// A value that may be absent.
pub(super) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
