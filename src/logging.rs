//! What the process logs, and changing it while it runs.
//!
//! Logs go to stderr: stdout is for answers. RUST_LOG chooses at the start; `log.set_level` (Cinder's `set-log`) changes
//! it for the processes that follow the log, control and api, and for workers by the answers to their heartbeats.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use stele_core::state::{LogLevel, LogTarget};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry, fmt, reload};

/// The crates of this program: a level without a prefix is for them.
const CRATES: [&str; 5] = ["stele", "stele_core", "stele_projections", "stele_replay", "stele_workers"];

/// The program's name in log levels, by role.
pub const CONTROL: &str = "stele-control";
/// The program's name in log levels, by role.
pub const API: &str = "stele-api";
/// The program's name in log levels, by role.
pub const WORKER: &str = "stele-worker";

static FILTER: OnceLock<Filter> = OnceLock::new();

struct Filter {
    handle: reload::Handle<EnvFilter, Registry>,
    base: String,
    /// By program: `stele dev` is all of them in one process, and logs by what was chosen for any.
    chosen: Mutex<BTreeMap<&'static str, Vec<(String, LogLevel)>>>,
}

/// Begins to log; `default` holds when RUST_LOG says nothing.
pub fn init(default: &str) {
    let given = std::env::var("RUST_LOG").ok().filter(|text| EnvFilter::try_new(text).is_ok());
    let base = given.unwrap_or_else(|| default.to_owned());
    let (filter, handle) = reload::Layer::new(EnvFilter::new(&base));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    tracing_subscriber::registry().with(filter).with(lines).init();
    // The subscriber is set once in a process, and so is this.
    let _ = FILTER.set(Filter { handle, base, chosen: Mutex::default() });
}

/// The levels that operators chose for a program on a host, by module prefix; `levels` in the order of their targets.
#[must_use]
pub fn levels_of<'a>(
    levels: impl IntoIterator<Item = (&'a LogTarget, &'a LogLevel)>,
    binary: &str,
    host: &str,
) -> Vec<(String, LogLevel)> {
    let meant = |target: &&LogTarget| {
        (target.binary.is_empty() || target.binary == binary) && (target.host.is_empty() || target.host == host)
    };
    // In the order of the map a target for all comes before one for this program or host, which therefore wins.
    let chosen = levels.into_iter().filter(|(target, _)| meant(target));
    chosen.map(|(target, level)| (target.prefix.clone(), *level)).collect()
}

/// Makes the process log by what operators chose for it; cheap when nothing changed.
pub fn follow<'a>(levels: impl IntoIterator<Item = (&'a LogTarget, &'a LogLevel)>, binary: &'static str, host: &str) {
    apply(binary, levels_of(levels, binary, host));
}

/// Makes the process log by `levels` from here on, as `binary`.
pub fn apply(binary: &'static str, levels: Vec<(String, LogLevel)>) {
    let Some(filter) = FILTER.get() else { return };
    let mut chosen = filter.chosen.lock().unwrap_or_else(PoisonError::into_inner);
    if chosen.get(binary).map_or(levels.is_empty(), |before| *before == levels) {
        return;
    }
    chosen.insert(binary, levels);
    let text = directives(&filter.base, chosen.values().flatten());
    match EnvFilter::try_new(&text) {
        Ok(new) => {
            if filter.handle.reload(new).is_ok() {
                tracing::info!(filter = text, "the log levels were changed");
            }
        }
        Err(error) => tracing::warn!(filter = text, %error, "these log levels cannot be used"),
    }
}

fn directives<'a>(base: &str, levels: impl IntoIterator<Item = &'a (String, LogLevel)>) -> String {
    let mut text = base.to_owned();
    for (prefix, level) in levels {
        let level = match level {
            LogLevel::Debug => "debug",
            LogLevel::Info => "info",
            LogLevel::Warning => "warn",
            LogLevel::Error => "error",
        };
        let prefixes = if prefix.is_empty() { CRATES.to_vec() } else { vec![prefix.as_str()] };
        for prefix in prefixes {
            text.push_str(&format!(",{prefix}={level}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(binary: &str, host: &str, prefix: &str) -> LogTarget {
        LogTarget { binary: binary.to_owned(), host: host.to_owned(), prefix: prefix.to_owned() }
    }

    #[test]
    fn the_narrower_choice_wins() {
        let levels: std::collections::BTreeMap<LogTarget, LogLevel> = [
            (target("", "", ""), LogLevel::Error),
            (target("stele-api", "", ""), LogLevel::Debug),
            (target("stele-api", "n2", "stele::nats"), LogLevel::Info),
            (target("stele-control", "", ""), LogLevel::Warning),
        ]
        .into_iter()
        .collect();
        let of = |binary, host| levels_of(&levels, binary, host);
        let everywhere = (String::new(), LogLevel::Error);
        assert_eq!(of("stele-worker", "n1"), std::slice::from_ref(&everywhere));
        assert_eq!(of("stele-api", "n1"), [everywhere, (String::new(), LogLevel::Debug)]);
        assert_eq!(of("stele-api", "n2").len(), 3);
        let text = directives("warn", [&(String::new(), LogLevel::Debug), &("a::b".to_owned(), LogLevel::Error)]);
        assert!(text.starts_with("warn,stele=debug,") && text.ends_with(",a::b=error"), "{text}");
        assert!(EnvFilter::try_new(&text).is_ok());
    }
}
