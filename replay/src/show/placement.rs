//! A placement decision in words: one line for each candidate.

use stele_core::schedule::{Candidate, Decision, Purpose};

use super::words::Words;

pub(super) fn words(decision: &Decision) -> Words {
    let request = &decision.request;
    let what = match request.purpose {
        Purpose::Create => format!("{} GiB", request.size_gib),
        Purpose::Extend { .. } => format!("{} GiB more", request.size_gib),
        Purpose::Snapshot => format!("a snapshot of {} GiB", request.size_gib),
        Purpose::Retype => format!("{} GiB of another type", request.current_size_gib.max(request.size_gib)),
    };
    let attempt = if decision.attempt > 1 { format!(", attempt {}", decision.attempt) } else { String::new() };
    let text = match &decision.chosen {
        Some(pool) => format!("placed {what} on {pool}{attempt}: {}", decision.reason),
        None => format!("no pool for {what}{attempt}: {}", decision.reason),
    };
    Words::control(text).with(lines(decision))
}

fn lines(decision: &Decision) -> Vec<String> {
    let mut rows: Vec<[String; 3]> = decision.candidates.iter().map(|candidate| row(decision, candidate)).collect();
    let shown = decision.candidates.iter().filter(|candidate| candidate.rejection().is_none()).count();
    let hidden = usize::try_from(decision.passed_total).unwrap_or(usize::MAX).saturating_sub(shown);
    if hidden > 0 {
        rows.push(["passed".to_owned(), format!("{hidden} more"), "with less weight".to_owned()]);
    }
    for group in &decision.rejected_groups {
        let examples: Vec<&str> = group.examples.iter().map(|pool| pool.as_str()).collect();
        let why = format!("by {}: {} (such as {})", group.filter, group.reason, examples.join(", "));
        rows.push(["rejected".to_owned(), format!("{} more", group.count), why]);
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (verdicts, pools) = (width(0), width(1));
    rows.iter().map(|[verdict, pool, why]| format!("{verdict:<verdicts$}  {pool:<pools$}  {why}")).collect()
}

fn row(decision: &Decision, candidate: &Candidate) -> [String; 3] {
    let pool = candidate.pool.to_string();
    let seen = match candidate.claimed_gib {
        0 => format!("report at position {}", candidate.stats_position),
        claimed => format!("report at position {}, {claimed} GiB given away since", candidate.stats_position),
    };
    if let Some(check) = candidate.rejection() {
        return ["rejected".to_owned(), pool, format!("by {}: {}; {seen}", check.filter, check.reason())];
    }
    let weights: Vec<String> = candidate
        .weights
        .iter()
        .map(|weight| {
            // A WeigherName has one name, in JSON.
            let name = serde_json::to_value(weight.weigher).ok();
            let name = name.as_ref().and_then(|name| name.as_str()).unwrap_or_default();
            format!("{name} {:.2} -> {:.3} x {}", weight.raw, weight.normalised, weight.multiplier)
        })
        .collect();
    let weighed = if weights.is_empty() { String::new() } else { format!(" ({})", weights.join(", ")) };
    let verdict = if decision.chosen.as_ref() == Some(&candidate.pool) { "chosen" } else { "passed" };
    let weight = candidate.weight.unwrap_or_default();
    [verdict.to_owned(), pool, format!("weight {weight:.3}{weighed}; {seen}")]
}
