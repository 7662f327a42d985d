//! An explanation as text and as JSON.

use std::io::{self, Write};

use stele_core::schedule::{Candidate, Decision, Purpose, SchedulerConfig, Weight};

use super::{Explained, Explanation, Recomputed, Summary};
use crate::table::{Table, plain};

/// Writes one explained commit for people.
///
/// # Errors
/// What the writer says.
pub fn render_explained(explained: &Explained, out: &mut dyn Write) -> io::Result<()> {
    let Explained { position, at, because, settings, decisions, outcome, recomputed, .. } = explained;
    writeln!(out, "position {position}, {at}: {}", plain(because))?;
    if !decisions.is_empty() {
        writeln!(out, "  settings in force: {}", in_force(settings))?;
    } else if explained.refused.is_some() {
        writeln!(out, "  the scheduler was not asked")?;
    }
    for explanation in decisions {
        decision(explanation, out)?;
    }
    for line in outcome {
        writeln!(out, "  {}", plain(line).trim_end())?;
    }
    match recomputed {
        Recomputed::Same => writeln!(out, "  recomputed: the same")?,
        Recomputed::NoCommand => writeln!(out, "  recomputed: nothing, the message is no command")?,
        Recomputed::Differs(differing) => {
            writeln!(out, "  recomputed: NOT what is in the log")?;
            for differing in differing {
                let (recorded, recomputed) = (differing.recorded.to_string(), differing.recomputed.to_string());
                writeln!(out, "    {}", plain(&differing.what))?;
                writeln!(out, "      in the log: {}", plain(&recorded))?;
                writeln!(out, "      recomputed: {}", plain(&recomputed))?;
            }
        }
    }
    Ok(())
}

/// Writes one explained commit as a line of JSON.
///
/// # Errors
/// What the writer says.
pub fn render_explained_json(explained: &Explained, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer(&mut *out, explained)?;
    out.write_all(b"\n")
}

impl Summary {
    /// Writes it for people.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        for bad in &self.damage {
            writeln!(out, "DAMAGED at position {}: {}", bad.position, plain(&bad.what))?;
        }
        let Self { explained, decisions, differing, position, .. } = self;
        let count = |number: u64, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
        let (asked, commits) = (count(*decisions, "question"), count(*explained, "commit"));
        writeln!(out, "read to position {position}: {asked} to the scheduler in {commits}, decided again")?;
        match differing.as_slice() {
            [] => writeln!(out, "recomputed: everything the same"),
            positions => {
                let positions: Vec<String> = positions.iter().map(ToString::to_string).collect();
                writeln!(out, "recomputed: NOT what is in the log at position {}", positions.join(", "))
            }
        }
    }

    /// Writes it as a line of JSON.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer(&mut *out, &serde_json::json!({ "summary": self }))?;
        out.write_all(b"\n")
    }
}

fn in_force(settings: &SchedulerConfig) -> String {
    let filters: Vec<&str> = settings.filters.iter().map(|filter| filter.as_str()).collect();
    let weigher = |(name, multiplier): &(_, f64)| format!("{} x {multiplier}", weigher_name(*name));
    let weighers: Vec<String> = settings.weighers.iter().map(weigher).collect();
    format!(
        "filters {}; weighers {}; at most {} attempts; a service is down after {} s; thin pools that report no ratio \
         promise {} times what they have; hash {}",
        filters.join(", "),
        weighers.join(", "),
        settings.attempts_max,
        settings.service_down_ms / 1000,
        settings.max_over_subscription_ratio_default,
        settings.hash().to_string().chars().take(12).collect::<String>(),
    )
}

fn weigher_name(name: stele_core::schedule::WeigherName) -> String {
    // A WeigherName has one name, in JSON.
    serde_json::to_value(name).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

fn decision(explanation: &Explanation, out: &mut dyn Write) -> io::Result<()> {
    let decision = &explanation.decision;
    writeln!(out, "  volume {}, {}", explanation.volume, wanted(decision))?;
    match &decision.chosen {
        Some(pool) => writeln!(out, "  chosen: {pool}. {}", plain(&decision.reason))?,
        None => writeln!(out, "  no valid pool: {}", plain(&decision.reason))?,
    }
    let table = candidates(decision);
    if table.is_empty() {
        return Ok(());
    }
    let mut text = Vec::new();
    table.render(&mut text)?;
    for line in String::from_utf8_lossy(&text).lines() {
        writeln!(out, "    {line}")?;
    }
    Ok(())
}

/// What was looked for, in words.
fn wanted(decision: &Decision) -> String {
    let request = &decision.request;
    let mut words = match request.purpose {
        Purpose::Create => format!("attempt {}: room for {} GiB", decision.attempt, request.size_gib),
        Purpose::Extend { attached } => {
            let how = if attached { ", attached" } else { "" };
            format!("room for {} GiB more, beside {} GiB{how}", request.size_gib, request.current_size_gib)
        }
        Purpose::Snapshot => format!("room for a snapshot of {} GiB", request.size_gib),
        Purpose::Retype => format!("may {} GiB that are there have this type", request.size_gib),
    };
    let mut add = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            words.push_str(&format!("; {name} {}", values.join(", ")));
        }
    };
    add("zone", request.availability_zones.clone());
    let specs = request.extra_specs.iter().map(|(key, value)| match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    });
    add("extra specs", specs.collect());
    add("on no other pool than", request.only_pool.iter().map(ToString::to_string).collect());
    add("tried before", request.tried_pools.iter().map(ToString::to_string).collect());
    if let Some(hints) = &request.hints {
        let volumes =
            |ids: &std::collections::BTreeSet<_>| ids.iter().map(ToString::to_string).collect::<Vec<String>>();
        add("same host as", volumes(&hints.same_host));
        add("another host than", volumes(&hints.different_host));
        add("query", hints.query.iter().cloned().collect());
    }
    plain(&words)
}

/// A row for each check and each weight of each pool; what a row has in common with the one above it is left away.
fn candidates(decision: &Decision) -> Table {
    let mut table = Table::new(&["pool", "is", "by", "answer", "has", "needs"]);
    for candidate in &decision.candidates {
        let mut rows: Vec<[String; 4]> = candidate
            .checks
            .iter()
            .map(|check| {
                let rejected = candidate.rejection() == Some(check);
                let answer = if rejected { "rejected" } else { "passed" };
                [check.filter.to_string(), answer.to_owned(), check.observed.clone(), check.required.clone()]
            })
            .collect();
        rows.extend(candidate.weights.iter().map(weight));
        let is = match (decision.chosen.as_ref() == Some(&candidate.pool), candidate.weight) {
            (true, _) => "chosen",
            (false, Some(_)) => "passed",
            (false, None) => "rejected",
        };
        let first = std::iter::once((candidate.pool.to_string(), is.to_owned()));
        // A blank is no empty cell, which would show a dash.
        let first = first.chain(std::iter::once((seen(candidate), " ".to_owned())));
        let heads = first.chain(std::iter::repeat_with(|| (" ".to_owned(), " ".to_owned())));
        let blank = [" ".to_owned(), " ".to_owned(), " ".to_owned(), " ".to_owned()];
        let count = rows.len().max(2);
        rows.resize(count, blank);
        for ((pool, is), [by, answer, has, needs]) in heads.zip(rows) {
            table.row([pool, is, by, answer, has, needs]);
        }
    }
    table
}

/// By what report the pool was judged.
fn seen(candidate: &Candidate) -> String {
    match candidate.claimed_gib {
        0 => format!("  report at {}", candidate.stats_position),
        claimed => format!("  report at {}, {claimed} GiB given away since", candidate.stats_position),
    }
}

fn weight(weight: &Weight) -> [String; 4] {
    let counts = weight.multiplier * weight.normalised;
    [
        format!("weigher {}", weigher_name(weight.weigher)),
        format!("{counts:.3}"),
        format!("{:.2}, brought to 0..1 over the pools that passed: {:.3}", weight.raw, weight.normalised),
        format!("x {}", weight.multiplier),
    ]
}
