//! `stele replay heal`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use serde_json::json;
use stele_replay::heal::{HealError, assess, heal};

use super::Bar;
use crate::archive::CellLog;
use crate::cli::Session;
use crate::cli::output::{self, line, stdout};
use crate::control::{JOURNAL_FILE, Journal};
use crate::failure::Failure;

pub(super) async fn run(session: &Session, log: &CellLog, folder: &Path, yes: bool) -> Result<(), Failure> {
    let path = folder.join(JOURNAL_FILE);
    if !path.is_file() {
        let remedy = "name the data folder of the control that led last, with --journal";
        return Err(Failure::new("JournalMissing", format!("there is no {}", path.display()), remedy));
    }
    let unusable = |e: crate::control::JournalError| {
        Failure::new("JournalUnusable", e.to_string(), "stop the control that uses this folder, then say it again")
    };
    let journal = Journal::open(&path, true).and_then(|journal| journal.records()).map_err(unusable)?;
    let loss = match assess(log, &journal, &mut Bar::new("comparing")).await {
        Ok(loss) => loss,
        Err(error) => return Err(failed(session, &error)),
    };
    if !session.json {
        loss.render(&mut stdout())?;
    }
    if loss.is_none() {
        return if session.json { output::json(&json!({"loss": loss, "healed": false})) } else { Ok(()) };
    }
    if !yes && !asked(session)? {
        let remedy = "say --yes to append them; until then no control that has this journal leads";
        let what = format!("{} records are missing, and nothing was changed", loss.missing.len());
        return Err(Failure::new("NotConfirmed", what, remedy));
    }
    let end = heal(log, &loss, &mut Bar::new("appending")).await.map_err(|error| failed(session, &error))?;
    if session.json {
        return output::json(&json!({"loss": loss, "healed": true, "position": end}));
    }
    line(&format!(
        "the log ends at position {end} again; start the controls, and verify it with `stele replay verify`"
    ));
    Ok(())
}

/// Asks whoever sits there; nobody is asked in a script.
fn asked(session: &Session) -> io::Result<bool> {
    if session.json || !io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(stdout(), "append them, each where it stood? [yes/no] ")?;
    stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

fn failed(session: &Session, error: &HealError) -> Failure {
    let (code, remedy) = match error {
        HealError::Diverged(parted) => {
            if !session.json {
                // What cannot be printed is in the message as well.
                parted.render(&mut stdout()).ok();
            }
            (
                "LogDiverged",
                "nothing was changed. Keep the journal and a copy of the stream; which of both is true is yours to say",
            )
        }
        HealError::NothingKept | HealError::NoRecord { .. } | HealError::Gap { .. } => (
            "JournalTooShort",
            "look for the data folder of another control that led, or restore a backup of the stream",
        ),
        HealError::Conflict(_) => ("LogBusy", "stop all controls of the cell, then say it again"),
        HealError::Refused { .. } => ("LogRefused", "see the stream's limits with `nats stream info`"),
        HealError::Source(_) => ("LogUnreadable", "`stele replay verify` says what is wrong with the log"),
        HealError::Unavailable(_) => ("Unavailable", "see whether nats-server runs, and say it again"),
    };
    Failure::new(code, error.to_string(), remedy)
}
