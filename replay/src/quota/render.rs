//! A proof as text.

use std::io::{self, Write};

use stele_core::state::UsageLine;

use super::{Holding, Proof, Refused, Resource};
use crate::table::{NOTHING, Table, plain};

impl Proof {
    /// Writes it for people: the sums, then for each resource in use who holds it, then what was refused last.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "quota of project {} at position {}, written {}", self.project, self.position, self.at)?;
        self.sums().render(out)?;
        let full = self.resources.iter().filter(|resource| resource.at_limit);
        let full: Vec<String> = full
            .map(|Resource { resource, counted, limit, .. }| {
                format!("{resource} ({} of {limit})", counted.in_use + counted.reserved)
            })
            .collect();
        if !full.is_empty() {
            writeln!(out, "at its limit: {}", full.join(", "))?;
        }
        for resource in self.resources.iter().filter(|resource| is_told(resource)) {
            told(resource, out)?;
        }
        self.refusals(out)?;
        for finding in &self.findings {
            writeln!(out, "\nWRONG at position {}: {} ({:?})", finding.position, plain(&finding.what), finding.code)?;
        }
        if self.ok {
            let api = if self.compared_with_api {
                "; the API says the same at this position"
            } else {
                "; the API was not asked"
            };
            writeln!(out, "\nproved: behind every commit the units sum to the counters{api}")?;
        }
        Ok(())
    }

    fn sums(&self) -> Table {
        let mut table = Table::new(&[
            "resource",
            "limit",
            "in use",
            "reserved",
            "left",
            "units",
            "held",
            "api in use",
            "api reserved",
        ]);
        for resource in &self.resources {
            let Resource { resource: name, limit, counted, proved, api, .. } = resource;
            let said =
                |of: fn(&UsageLine) -> i64| api.as_ref().map_or_else(|| NOTHING.to_owned(), |api| of(api).to_string());
            let left =
                if *limit < 0 { NOTHING.to_owned() } else { (limit - counted.in_use - counted.reserved).to_string() };
            table.row([
                name.clone(),
                if *limit < 0 { "unlimited".to_owned() } else { limit.to_string() },
                counted.in_use.to_string(),
                counted.reserved.to_string(),
                left,
                proved.in_use.to_string(),
                proved.reserved.to_string(),
                said(|line| line.in_use),
                said(|line| line.reserved),
            ]);
        }
        table
    }

    fn refusals(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.refused.is_empty() {
            return writeln!(out, "\nnothing was ever refused for quota");
        }
        writeln!(out, "\nrefused for quota: {} in all, newest first", self.refused_total)?;
        for Refused { position, at, asked, code, message, remedy } in &self.refused {
            // Cinder's messages for quotas begin with the code.
            let code = code.as_str();
            let message =
                message.strip_prefix(code).map_or(message.as_str(), |rest| rest.trim_start_matches([':', ' ']));
            writeln!(out, "  {position:>6}  {at}  {}", plain(asked))?;
            writeln!(out, "          {code}: {}", plain(message))?;
            writeln!(out, "          what would make it pass: {}", plain(remedy))?;
        }
        Ok(())
    }
}

/// What is used. Lines per type only count for people where the type has a limit.
fn is_told(resource: &Resource) -> bool {
    let is_used = !resource.holders.is_empty() || !resource.reservations.is_empty();
    let is_plain = !resource.resource.contains('_');
    is_used && (is_plain || resource.limit >= 0 || resource.counted != resource.proved)
}

fn told(resource: &Resource, out: &mut dyn Write) -> io::Result<()> {
    let Resource { resource: name, limit, counted, holders, reservations, .. } = resource;
    let taken = counted.in_use + counted.reserved;
    let limit = match limit {
        ..0 => "unlimited".to_owned(),
        limit if resource.at_limit => format!("limit {limit}: AT ITS LIMIT"),
        limit => format!("limit {limit}"),
    };
    writeln!(out, "\n{name}: {taken} taken, {limit}")?;
    let mut table = Table::new(&["amount", "held by", "name", "status", "taken at", "time", "by", "user"]);
    for Holding { holder, name, status, units, .. } in holders {
        for unit in units {
            let cause = &unit.cause;
            table.row([
                unit.amount.to_string(),
                holder.to_string(),
                name.clone(),
                status.clone(),
                cause.position.to_string(),
                cause.at.to_string(),
                cause.event.to_owned(),
                cause.user.clone(),
            ]);
        }
    }
    for reserving in reservations {
        let cause = &reserving.cause;
        table.row([
            reserving.amount.to_string(),
            reserving.holder.to_string(),
            String::new(),
            format!("reserved by flow {}", reserving.flow),
            cause.position.to_string(),
            cause.at.to_string(),
            cause.event.to_owned(),
            cause.user.clone(),
        ]);
    }
    table.render(out)
}
