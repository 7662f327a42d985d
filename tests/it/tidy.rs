//! Rules of the house that no compiler checks.

use std::path::{Path, PathBuf};

/// A file longer than this hides its structure.
const FILE_LINES_MAX: usize = 500;
/// A function longer than this does not fit on a screen.
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn files_and_functions_stay_short() {
    let mut too_long = Vec::new();
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > FILE_LINES_MAX {
            too_long.push(format!("{}: {} lines", file.display(), lines.len()));
        }
        for (start, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                too_long.push(format!("{}:{}: a function of {length} lines", file.display(), start + 1));
            }
        }
    }
    assert!(too_long.is_empty(), "\n{}", too_long.join("\n"));
}

#[test]
fn only_the_nats_module_knows_the_nats_client() {
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let inside = file.starts_with(root().join("src/nats")) || file.starts_with(root().join("tests"));
        assert!(inside || !text.contains("async_nats"), "{} names async_nats", file.display());
    }
}

#[test]
fn only_the_runner_and_the_cells_spawn_processes() {
    let allowed = ["workers/src/runner.rs", "src/nats/server_process.rs", "src/bench/cell.rs"];
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let spawns = text.contains("process::Command") || text.contains("process::{Child, Command}");
        assert!(!spawns || name.starts_with("tests/") || allowed.contains(&name.as_str()), "{name} spawns a process");
    }
}

#[test]
fn only_the_archive_command_purges_the_log() {
    let word = ["purge", "_archived"].concat();
    for file in rust_files() {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.strip_prefix(root()).unwrap().display().to_string();
        let allowed = ["src/nats/log.rs", "src/cli/replay/archive.rs"].contains(&name.as_str());
        assert!(allowed || !text.contains(&word), "{name} purges the log");
        // The stream's name beside the call that purges any.
        let call = ["inbox::purge(", "&self.context, LOG_STREAM"].concat();
        assert!(name == "src/nats/log.rs" || !text.contains(&call), "{name} purges the log");
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders: Vec<PathBuf> =
        ["core", "projections", "workers", "replay", "src", "tests"].iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The functions of formatted code: from the line with `fn` to the first line with its indentation and a `}`.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let indent = line.len() - line.trim_start().len();
        let code = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "async fn ",
            "pub async fn ",
            "pub(super) fn ",
            "pub(super) async fn ",
            "pub(crate) fn ",
        ]
        .iter()
        .any(|prefix| code.starts_with(prefix));
        if !is_function || code.ends_with(';') {
            continue;
        }
        let end = lines[start..].iter().position(|line| line.len() == indent + 1 && line.ends_with('}'));
        if let Some(length) = end {
            found.push((start, length + 1));
        }
    }
    found
}
