//! `stele replay explain`: why a pool was chosen, decided again.

use stele_core::port::Log;
use stele_replay::explain::{explain, render_explained, render_explained_json};
use stele_replay::show::Subject;

use super::{Bar, nothing_known};
use crate::args::ExplainWhat;
use crate::cli::Session;
use crate::cli::output::stdout;
use crate::failure::Failure;

pub(super) async fn run<L: Log>(session: &Session, log: &L, what: ExplainWhat, id: &str) -> Result<(), Failure> {
    let subject = match what {
        ExplainWhat::Volume => Subject::volume(id)?,
        ExplainWhat::Request => Subject::request(id),
    };
    let mut progress = Bar::new("deciding");
    let (bar, as_json) = (progress.0.clone(), session.json);
    let mut each = |explained| {
        bar.suspend(|| {
            let mut out = stdout();
            if as_json { render_explained_json(&explained, &mut out) } else { render_explained(&explained, &mut out) }
        })
    };
    let summary = explain(log, subject, &mut progress, &mut each).await?;
    if summary.explained == 0 && summary.is_sound() {
        return Err(nothing_known(id, summary.position));
    }
    let mut out = stdout();
    if as_json { summary.render_json(&mut out) } else { summary.render(&mut out) }?;
    if !summary.damage.is_empty() {
        return Err(Failure::new("LogNotSound", "the log was damaged", "see `stele replay verify`"));
    }
    if !summary.differing.is_empty() {
        return Err(Failure::new(
            "DecisionDiffers",
            format!("decided again, {} of {} come out otherwise", summary.differing.len(), summary.explained),
            "was the log written by another release? Else it was changed: see `stele replay verify`",
        ));
    }
    Ok(())
}
