//! Tables for people, JSON for machines; both on stdout.

use comfy_table::{ContentArrangement, Table, TableComponent, presets::UTF8_HORIZONTAL_ONLY};
use serde::Serialize;

use crate::failure::Failure;

/// Prints a value as JSON.
#[expect(clippy::print_stdout, reason = "the answer")]
pub(super) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|e| Failure::new("Json", e.to_string(), ""))?;
    println!("{text}");
    Ok(())
}

/// Prints rows under headings.
#[expect(clippy::print_stdout, reason = "the answer")]
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
    println!("{table}");
}

/// Prints names with their values.
pub(super) fn pairs(rows: impl IntoIterator<Item = (&'static str, String)>) {
    table(&["field", "value"], rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]));
}

/// Prints a line for people.
#[expect(clippy::print_stdout, reason = "the answer")]
pub(super) fn line(text: &str) {
    println!("{text}");
}

/// A value that may be absent.
pub(super) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
