//! `log.set_level`.

use super::{Context, Decided, Decision};
use crate::command::LogSetLevel;
use crate::event::Event;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::LogTarget;

/// The programs that look at the levels.
const BINARIES: &[&str] = &["stele-control", "stele-api", "stele-worker"];

/// The most levels that are kept: every program looks through all of them. One for all programs replaces them all.
const LEVELS_MAX: usize = 256;

pub(super) fn set_log_level(cx: &Context<'_>, set: &LogSetLevel) -> Decision {
    if !set.binary.is_empty() && !BINARIES.contains(&set.binary.as_str()) {
        let shown: String = set.binary.chars().take(64).collect();
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            format!("Invalid input received: Invalid binary: {shown}"),
            format!("use one of {}, or none for all", BINARIES.join(", ")),
        ));
    }
    let target = LogTarget { binary: set.binary.clone(), host: set.host.clone(), prefix: set.prefix.clone() };
    if cx.state.log_levels.len() >= LEVELS_MAX && !cx.state.log_levels.contains_key(&target) && !target.is_for_all() {
        return Err(Refusal::new(
            RefusalCode::InvalidInput,
            format!("Invalid input received: {LEVELS_MAX} log levels are set already"),
            "set one for all programs, hosts and prefixes, which replaces them",
        ));
    }
    Ok(Decided::events(vec![Event::LogLevelSet { target, level: set.level }]))
}
