//! What was found, for people.

use std::io::{self, Write};

use super::{Check, Line, Underway};
use crate::table::{NOTHING, Table};

impl Check {
    /// Writes it: counters with findings, with `all` the others as well; then what is underway.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, all: bool, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Cinder's quota as of {}: {} projects, {} counters", self.as_of, self.projects, self.counters)?;
        let deleted: Vec<String> = ["volumes", "snapshots", "backups"]
            .iter()
            .filter_map(|table| self.deleted_rows.get(table).map(|rows| format!("{table} {rows}")))
            .collect();
        if !deleted.is_empty() {
            writeln!(out, "deleted rows, which count for nothing: {}", deleted.join(", "))?;
        }
        let mut table = Table::new(&[
            "project",
            "resource",
            "limit",
            "counter",
            "rows",
            "difference",
            "reserved",
            "held",
            "expired",
            "findings",
        ]);
        for line in self.lines.iter().filter(|line| all || !line.findings.is_empty()) {
            table.row(cells(line));
        }
        if !table.is_empty() {
            writeln!(out)?;
            table.render(out)?;
        }
        self.underway(out)?;
        if self.ok {
            return writeln!(out, "\nno drift: every counter is what its rows sum to");
        }
        let (high, low) = self.plain_sums();
        writeln!(out, "\ndrift: {} of {} counters", self.drifted, self.counters)?;
        writeln!(out, "  volumes that are counted and not there: {high}; volumes that are there and not counted: {low}")
    }

    fn underway(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.underway.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nin a status in which somebody must be at work:")?;
        let mut table = Table::new(&["what", "id", "project", "name", "status", "since", "for"]);
        for Underway { kind, id, project, name, status, since, for_s } in &self.underway {
            table.row([
                (*kind).to_owned(),
                id.clone(),
                project.clone(),
                name.clone(),
                status.clone(),
                since.map_or_else(String::new, |since| since.to_string()),
                for_s.map_or_else(String::new, duration),
            ]);
        }
        table.render(out)
    }

    /// Volumes too many and too few, over all projects.
    fn plain_sums(&self) -> (i64, i64) {
        let volumes = self.lines.iter().filter(|line| line.resource == "volumes");
        volumes.fold((0, 0), |(high, low), line| (high + line.difference.max(0), low - line.difference.min(0)))
    }
}

fn cells(line: &Line) -> [String; 10] {
    let limit = match line.limit {
        None => NOTHING.to_owned(),
        Some(..0) => "unlimited".to_owned(),
        Some(limit) => limit.to_string(),
    };
    let findings: Vec<String> = line.findings.iter().map(|finding| format!("{finding:?}")).collect();
    [
        line.project.clone(),
        line.resource.clone(),
        limit,
        line.in_use.map_or_else(String::new, |in_use| in_use.to_string()),
        line.rows.to_string(),
        if line.difference == 0 { "0".to_owned() } else { format!("{:+}", line.difference) },
        line.reserved.to_string(),
        line.reservations.to_string(),
        line.expired.to_string(),
        findings.join(", "),
    ]
}

/// Seconds as people say them.
fn duration(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
