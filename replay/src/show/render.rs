//! Entries as lines: for people, and for programs.

use std::io::{self, Write};

use super::Entry;
use crate::table::plain;

/// Writes an entry for people: position, time, time since its flow began, what happened.
///
/// # Errors
/// What the writer says.
pub fn render_entry(entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    /// Where what happened begins: behind the columns before it and their gaps.
    const INDENT: usize = 8 + 2 + 24 + 2 + 11 + 2 + 2;
    let at = entry.at.to_string();
    // Six digits are in the log; three are what people can use.
    let at = format!("{}Z", at.get(..23).unwrap_or(&at).replace('T', " "));
    let after = entry.after_ms.map(|ms| format!("+{}.{:03}s", ms / 1000, ms % 1000)).unwrap_or_default();
    writeln!(out, "{:>8}  {at:<24}  {after:>11}  {}", entry.position.0, plain(&entry.text))?;
    for line in &entry.lines {
        writeln!(out, "{:INDENT$}{}", "", plain(line).trim_end())?;
    }
    Ok(())
}

/// Writes an entry as one line of JSON.
///
/// # Errors
/// What the writer says.
pub fn render_json(entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, entry)?;
    out.write_all(b"\n")
}
