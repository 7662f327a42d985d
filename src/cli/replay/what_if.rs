//! `stele replay what-if`: history under another configuration.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use stele_core::port::Log;
use stele_replay::what_if::{Changes, Difference, PlotFormat, what_if};
use stele_replay::workload::write;

use super::Bar;
use crate::args::WhatIf;
use crate::cli::Session;
use crate::cli::output::{json, line, stdout};
use crate::failure::Failure;

pub(super) async fn run<L: Log>(session: &Session, log: &L, args: &WhatIf) -> Result<(), Failure> {
    if let Some(path) = &args.workload {
        return workload(session, log, args, path).await;
    }
    let plot = args.plot.as_deref().map(|path| Ok::<_, Failure>((path, format_of(path)?))).transpose()?;
    let changes = Changes::read(&args.set, &args.without_pool, &args.with_pool)?;
    let mut progress = Bar::new("deciding");
    let (bar, as_json) = (progress.0.clone(), session.json);
    let mut each = |difference: Difference| {
        bar.suspend(|| {
            let mut out = stdout();
            if as_json { difference.render_json(&mut out) } else { difference.render(&mut out) }
        })
    };
    let summary = what_if(log, changes, args.to, &mut progress, &mut each).await?;
    let mut out = stdout();
    if as_json { summary.render_json(&mut out) } else { summary.render(&mut out) }?;
    if let Some((path, format)) = plot {
        let mut file = BufWriter::new(created(path)?);
        let drawn = summary.plot(format, &mut file).and_then(|()| file.flush());
        drawn.map_err(|error| unwritable(path, &error))?;
    }
    if !summary.damage.is_empty() {
        return Err(Failure::new("LogNotSound", "the log was damaged", "see `stele replay verify`"));
    }
    if !summary.unmet.is_empty() {
        let remedy = "nothing was changed by it; name what the log knows";
        return Err(Failure::new("NothingToChange", summary.unmet.join("; "), remedy));
    }
    Ok(())
}

fn format_of(path: &Path) -> Result<PlotFormat, Failure> {
    PlotFormat::of(path).ok_or_else(|| {
        let why = format!("{} ends neither in .svg nor in .png", path.display());
        Failure::new("UnknownFormat", why, "name a file that does: its end says the form")
    })
}

/// Writes the commands instead of deciding them again.
async fn workload<L: Log>(session: &Session, log: &L, args: &WhatIf, path: &Path) -> Result<(), Failure> {
    let mut file = BufWriter::new(created(path)?);
    let written = write(log, (args.from, args.to), &mut file, &mut Bar::new("writing")).await?;
    file.flush().map_err(|error| unwritable(path, &error))?;
    if session.json {
        return json(&written);
    }
    let (seconds, millis) = (written.takes_ms / 1000, written.takes_ms % 1000);
    let what = format!("{} holds the {} commands of positions", path.display(), written.commands);
    line(&format!("{what} {} to {}, which took {seconds}.{millis:03} s", written.from, written.to));
    if written.left_out > 0 {
        line(&format!(
            "{} messages are left out: the log does not hold all of them (no JSON, or too large)",
            written.left_out
        ));
    }
    Ok(())
}

fn created(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new("InputOutput", format!("{} cannot be written: {error}", path.display()), "name another file")
}
