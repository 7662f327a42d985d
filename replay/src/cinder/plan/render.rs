//! A plan for people, and as a file of commands.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::json;

use super::{Left, LeftCode, Plan};
use crate::table::Table;

/// The version of the file of commands.
const WORKLOAD_VERSION: u32 = 1;
/// The tables whose deleted rows people ask for.
const RESOURCES: &[&str] = &["volumes", "snapshots", "groups", "backups", "volume_types"];

impl Plan {
    /// Writes what would be done.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut table = Table::new(&["kind", "rows", "to adopt", "left out"]);
        for (kind, count) in &self.counts {
            let left = count.rows - count.adopted;
            table.row([(*kind).to_owned(), count.rows.to_string(), count.adopted.to_string(), left.to_string()]);
        }
        table.render(out)?;
        let deleted = self.deleted_rows.iter().filter(|(table, _)| RESOURCES.contains(table));
        let deleted: Vec<String> = deleted.map(|(table, rows)| format!("{table} {rows}")).collect();
        if !deleted.is_empty() {
            writeln!(out, "deleted rows, which are not adopted: {}", deleted.join(", "))?;
        }
        if !self.pools.is_empty() {
            writeln!(out)?;
            let mut table = Table::new(&["cinder's host", "pool here", "volumes"]);
            for (host, count) in &self.pools {
                table.row([host.clone(), count.pool.clone().unwrap_or_default(), count.volumes.to_string()]);
            }
            table.render(out)?;
        }
        writeln!(out)?;
        let mut stages: BTreeMap<_, BTreeMap<String, usize>> = BTreeMap::new();
        for step in &self.steps {
            *stages.entry(step.stage).or_default().entry(format!("{}.{}", step.resource, step.verb)).or_default() += 1;
        }
        let mut table = Table::new(&["in this order", "commands"]);
        for (command, count) in stages.into_values().flatten() {
            table.row([command, count.to_string()]);
        }
        table.render(out)?;
        self.render_left(out)
    }

    /// Writes what is left out, and why.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render_left(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.left.is_empty() {
            return writeln!(out, "\nnothing is left out");
        }
        let mut reasons: BTreeMap<LeftCode, usize> = BTreeMap::new();
        for left in &self.left {
            *reasons.entry(left.code).or_default() += 1;
        }
        let reasons: Vec<String> = reasons.iter().map(|(code, count)| format!("{code:?} {count}")).collect();
        writeln!(out, "\nleft out: {} ({})", self.left.len(), reasons.join(", "))?;
        let mut table = Table::new(&["what", "id", "project", "name", "code", "why"]);
        for Left { kind, id, project, name, code, why } in &self.left {
            let code = format!("{code:?}");
            table.row([(*kind).to_owned(), id.clone(), project.clone(), name.clone(), code, why.clone()]);
        }
        table.render(out)
    }

    /// Writes the commands as a file of JSON lines, which can be played into a cell.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_workload(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", json!({"stele_workload": WORKLOAD_VERSION}))?;
        for step in &self.steps {
            writeln!(out, "{}", json!({"after_ms": 0, "subject": step.subject(), "body": step.body(0)}))?;
        }
        Ok(())
    }
}
