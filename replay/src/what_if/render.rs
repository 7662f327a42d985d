//! Differences and their sum as text and as JSON.

use std::io::{self, Write};

use serde_json::json;

use super::chart;
use super::difference::{Difference, Ended, What};
use super::series::{Both, Fill};
use super::summary::{PoolEnd, Summary};
use crate::table::{Table, plain};

/// How wide the line of a chart is, without its name and its figures.
const CHART_COLUMNS: usize = 56;

impl Difference {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let project = self.project.as_ref().map(|project| format!(" of project {project}")).unwrap_or_default();
        write!(out, "{:>8}  {}  {}{project}: ", self.position, self.at, self.command)?;
        match &self.what {
            What::Placement { volume, name, size_gib, attempt, pool, why } => {
                let name = if name.is_empty() { String::new() } else { format!(" {name:?}") };
                let attempt = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
                writeln!(out, "{}", plain(&format!("volume {volume}{name}, {size_gib} GiB{attempt}")))?;
                let shown = pool.map(|pool| pool.as_ref().map_or("no pool", |pool| pool.as_str()));
                writeln!(out, "{:10}{} -> {}", "", shown.recorded, shown.other)?;
                for part in why.split("; ").filter(|part| !part.is_empty()) {
                    writeln!(out, "{:10}{}", "", plain(part))?;
                }
                Ok(())
            }
            What::Outcome { subject, outcome, pool } => {
                writeln!(out, "{}", plain(subject.as_deref().unwrap_or("nothing that the log names")))?;
                let pool = pool.as_ref().map(|pool| format!(", on {pool}")).unwrap_or_default();
                let words = |ended: &Ended| match ended {
                    Ended::Accepted => format!("accepted{pool}"),
                    Ended::Refused { code, message } => format!("refused, {message} ({code})"),
                    Ended::Failed { message } => format!("accepted and failed, {message}"),
                };
                writeln!(out, "{:10}recorded: {}", "", plain(&words(&outcome.recorded)))?;
                writeln!(out, "{:10}other: {}", "", plain(&words(&outcome.other)))
            }
        }
    }

    /// Writes it as one JSON object on a line.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, self)?;
        writeln!(out)
    }
}

impl Summary {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        if let (Some(from), Some(to)) = (self.from, self.to) {
            writeln!(out, "read      positions 1 to {}, from {from} to {to}", self.position)?;
        }
        if self.identical {
            writeln!(
                out,
                "same      the other history is the recorded one: both states have sha256 {}",
                self.digest.other
            )?;
        }
        self.numbers().render(out)?;
        self.refusals(out)?;
        self.assumptions(out)?;
        let pools = self.ends();
        if !pools.is_empty() {
            writeln!(out, "\npools at the end, GiB")?;
            pools.render(out)?;
            let start = self.series.start.map(|at| at.to_string()).unwrap_or_default();
            let end = self.series.points.last().map(|point| point.at.to_string()).unwrap_or_default();
            writeln!(out, "\nGiB over time, from {start} to {end}")?;
            for pool in &self.pools {
                self.chart(pool, out)?;
            }
            chart::lines(out, "imbalance", &self.series.imbalance(), None, "%", CHART_COLUMNS)?;
            for part in self.imbalance.measure.split("; ") {
                writeln!(out, "  {part}")?;
            }
        }
        for unmet in &self.unmet {
            writeln!(out, "unmet     {}", plain(unmet))?;
        }
        if self.strays > 0 {
            writeln!(out, "strays    {}", self.strays)?;
        }
        Ok(())
    }

    /// Writes it as one JSON object on a line, under `summary`.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &json!({ "summary": self }))?;
        writeln!(out)
    }

    /// What is taken of a pool over time, and of a thin one what was promised.
    fn chart(&self, pool: &PoolEnd, out: &mut dyn Write) -> io::Result<()> {
        let fill = pool.fill.other.or(pool.fill.recorded);
        let total = fill.map(|fill| fill.total_gib);
        let of_total = total.map(|total| format!(" of {total:.1} GiB")).unwrap_or_default();
        let mut line = |what: &str, look: fn(&Fill) -> f64| {
            let title = format!("{}, {what}{of_total}", pool.pool);
            chart::lines(out, &title, &self.series.of(&pool.pool, look), total, "GiB", CHART_COLUMNS)
        };
        line("claimed", |fill| fill.claimed_gib)?;
        if fill.is_some_and(|fill| fill.thin) {
            line("promised", |fill| fill.provisioned_gib)?;
        }
        Ok(())
    }

    fn numbers(&self) -> Table {
        let mut table = Table::new(&["", "recorded", "other"]);
        let mut row = |what: &str, of: Both<String>| table.row([what.to_owned(), of.recorded, of.other]);
        let count = |of: &Both<u64>| of.map(ToString::to_string);
        let percent =
            |of: &Both<Option<f64>>| of.map(|value| value.map_or_else(String::new, |value| format!("{value:.2}")));
        row("commands accepted", count(&self.counts.accepted));
        row("commands refused", self.counts.refused.map(|codes| codes.values().sum::<u64>().to_string()));
        row("places looked for, for new volumes", count(&self.counts.placements));
        row("of which none was found", count(&self.counts.without_place));
        row("volumes at the end", count(&self.volumes.count));
        row("their GiB", count(&self.volumes.gib));
        row("imbalance in the mean, %", percent(&self.imbalance.mean));
        row("imbalance at most, %", percent(&self.imbalance.max));
        row("imbalance at the end, %", percent(&self.imbalance.end));
        row("fullest less emptiest pool at the end, %", percent(&self.imbalance.spread_end));
        table
    }

    fn refusals(&self, out: &mut dyn Write) -> io::Result<()> {
        let counts = &self.counts;
        let (recorded, other) = (&counts.refused.recorded, &counts.refused.other);
        let codes: std::collections::BTreeSet<_> = recorded.keys().chain(other.keys()).collect();
        let mut table = Table::new(&["refused with", "recorded", "other"]);
        for code in codes {
            let of = |codes: &std::collections::BTreeMap<&str, u64>| codes.get(code).copied().unwrap_or(0).to_string();
            table.row([(*code).to_string(), of(recorded), of(other)]);
        }
        if !table.is_empty() {
            writeln!(out)?;
            table.render(out)?;
        }
        writeln!(out)?;
        let lines = [
            (counts.refused_there, "commands that were accepted are refused in the other history"),
            (counts.accepted_there, "commands that were refused are accepted in the other history"),
            (counts.skipped, "commands are skipped there: what they name was refused before"),
            (counts.placed_elsewhere, "placements come out otherwise"),
            (self.volumes.elsewhere, "volumes lie on another pool at the end"),
            (self.volumes.only_recorded, "volumes at the end are in the recorded history only"),
            (self.volumes.only_other, "volumes at the end are in the other history only"),
        ];
        lines.iter().try_for_each(|(count, what)| writeln!(out, "{count:>8}  {what}"))
    }

    fn assumptions(&self, out: &mut dyn Write) -> io::Result<()> {
        let counts = &self.counts;
        let lines = [
            (counts.assumed_outcomes, "outcomes of tasks are assumed"),
            (counts.reports_left_out, "reports of tasks are left out: the other history has no such tasks"),
            (counts.figures_changed, "reports of pools have other figures there"),
            (counts.inventories_left_out, "inventories are left out: something else lies there"),
        ];
        let told = lines.iter().filter(|(count, _)| *count > 0);
        told.clone().try_for_each(|(count, what)| writeln!(out, "{count:>8}  {what}"))
    }

    fn ends(&self) -> Table {
        let columns = ["pool", "total", "claimed", "other", "promised", "other", "at most", "other"];
        let mut table = Table::new(&columns);
        for pool in &self.pools {
            let gib = |look: fn(&Fill) -> f64| pool.fill.map(|fill| fill.map(|fill| look(&fill)));
            let text = |value: Option<f64>| value.map_or_else(String::new, |gib| format!("{gib:.1}"));
            let total = gib(|fill| fill.total_gib);
            let (claimed, promised) = (gib(|fill| fill.claimed_gib), gib(|fill| fill.provisioned_gib));
            table.row([
                pool.pool.to_string(),
                text(total.other.or(total.recorded)),
                text(claimed.recorded),
                text(claimed.other),
                text(promised.recorded),
                text(promised.other),
                text(Some(pool.held_gib_max.recorded)),
                text(Some(pool.held_gib_max.other)),
            ]);
        }
        table
    }
}
