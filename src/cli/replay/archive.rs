//! `stele replay archive`: the beginning of the log leaves the stream, step by step; any step may be cut short.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use stele_core::port::Log as _;
use stele_core::unit::{Position, Timestamp};
use stele_projections::projection::{HISTORY_DEFAULT, Projection};
use stele_projections::rebuild::rebuild_through;
use stele_projections::view::LogHead;
use stele_replay::archive::{
    Archive, CHECKPOINTS_FILE, Described, Named, Plan, Wish, Writing, cover, is_purged, plan, purged, snapshot_file,
    verify_through, write,
};
use stele_replay::checkpoint::Checkpoint;
use stele_replay::export::Exported;

use super::{Bar, checkpoint, show_rebuild};
use crate::archive::{CellLog, cell_log, is_described};
use crate::args::ArchiveArgs;
use crate::cli::Session;
use crate::cli::output::{json, line, stdout};
use crate::clock::now;
use crate::failure::Failure;
use crate::nats::{Connection, LOG_STREAM};

const NAMED: Named<'static> = Named { stream: LOG_STREAM, shard: 0 };

/// What a run did.
#[derive(Debug, Serialize)]
struct Ran {
    archive: PathBuf,
    #[serde(flatten)]
    plan: Plan,
    /// The file that was written now; none when files held all of it.
    written: Option<Exported>,
    /// The head and the state at its end.
    state: Described,
    /// The projection at its end.
    projection: PathBuf,
    /// The positions of older projections that it makes needless; they are gone.
    projections_removed: Vec<Position>,
    /// Until when commands that are archived may come again and get their first outcome from the archive alone.
    may_come_again_until: Option<Timestamp>,
    /// Whose signature there is, by its public key.
    signed_by: Option<String>,
    /// Whether the stream begins behind it now.
    purged: bool,
}

pub(super) async fn run(session: &Session, connection: &Connection, args: &ArchiveArgs) -> Result<(), Failure> {
    let folder = args.to.as_ref().or(session.settings.archive.as_ref().map(|from| &from.value));
    let folder = folder.ok_or_else(|| Failure::new("NoArchive", "no folder is named", "name it with --to DIR"))?;
    // The key first: what it is about may take hours.
    let key = args.key.as_deref().map(checkpoint::read_key).transpose()?;
    let writing = Writing::begin(folder)?;
    let log = cell_log(connection, Some(Archive::open(folder)?));
    log.join().await?;
    let Some(archive) = log.archive() else { return Ok(()) };
    let tail = log.tail().await?;
    let wish = Wish { until: args.until, keep: args.keep };
    let Some(plan) = plan(archive, tail, wish)? else {
        return nothing(
            session,
            &format!("the log has {tail} positions, and {} stay: there is nothing to archive", args.keep),
        );
    };
    if plan.new_from.is_none() && is_purged(log.live(), plan.through).await? {
        return nothing(
            session,
            &format!("positions 1 to {} are archived, and the stream begins behind them", plan.through),
        );
    }
    nobody_is_behind(session, plan.through).await?;
    let found = verify_through(&log, &plan, &mut Bar::new("verifying")).await?;
    let Some(state) = Described::of(&found, plan.through) else { return super::say_verified(session, &found) };
    let written = write(&log, &plan, &found, &writing, NAMED, &mut Bar::new("writing")).await?;
    // What it holds is said first: a projection of which nobody says that is of no use.
    state.write(folder)?;
    let projection = snapshot(&log, folder, &state).await?;
    let projections_removed = archive.drop_old_snapshots(state.through, &writing)?;
    let may_come_again_until = may_come_again_until(&projection, &state)?;
    let signed_by = key.map(|key| sign(folder, &key, &state)).transpose()?;
    let mut ran = Ran {
        archive: folder.clone(),
        plan,
        written,
        state,
        projection,
        projections_removed,
        may_come_again_until,
        signed_by,
        purged: false,
    };
    if !session.json {
        ran.render(&mut stdout())?;
    }
    let covered = cover(&log, &plan, &found, &mut Bar::new("comparing")).await?;
    let stay = tail.0 - plan.through.0;
    if !args.yes && !asked(session, plan.through)? {
        let what = format!("the stream still holds positions up to {}: nothing was purged", plan.through);
        let remedy = format!(
            "say it again with --until {} and --yes to purge them; {stay} positions stay, and the files hold the rest",
            plan.through
        );
        return Err(Failure::new("NotConfirmed", what, remedy));
    }
    log.live().purge_archived(&covered).await?;
    purged(&log, &covered).await?;
    ran.purged = true;
    if session.json {
        return json(&ran);
    }
    line(&format!("purged     the stream begins with position {}; {stay} positions stay", plan.through.next()));
    line(&format!("keep copies of {0}, and name it to every control, API and tool: --archive {0}", folder.display()));
    Ok(())
}

fn nothing(session: &Session, why: &str) -> Result<(), Failure> {
    if session.json {
        return json(&serde_json::json!({"written": null, "purged": false, "why": why}));
    }
    line(why);
    Ok(())
}

/// The API at hand must have read all that goes. One that does not answer is protected by what stays.
async fn nobody_is_behind(session: &Session, through: Position) -> Result<(), Failure> {
    let Ok(head) = session.api.get::<LogHead>("/v1/log/head", &[], None).await else { return Ok(()) };
    if head.seen > through {
        return Ok(());
    }
    let what =
        format!("the API at {} has read up to position {}, and needs what goes", session.settings.url.value, head.seen);
    Err(Failure::new("ReaderBehind", what, "wait until it has caught up, or give it the archive and start it again"))
}

/// Makes the projection that is folded exactly so far, unless it lies there already.
async fn snapshot(log: &CellLog, folder: &Path, state: &Described) -> Result<PathBuf, Failure> {
    let path = folder.join(snapshot_file(state.through));
    if path.try_exists()? && is_described(&path, state).is_ok() {
        return Ok(path);
    }
    let bar = crate::progress::bar("folding", state.through.0);
    rebuild_through(log, &path, state.through, HISTORY_DEFAULT, |progress| show_rebuild(&bar, progress)).await?;
    bar.finish_and_clear();
    is_described(&path, state).map_err(|why| {
        Failure::new("SnapshotDiffers", format!("{}: {why}", path.display()), "nothing was purged; report this")
    })?;
    Ok(path)
}

/// Until when the newest of the archived commands may be sent again and get its first outcome; `None` when that is past.
///
/// It is no reason not to purge: a control that is started needs the archive anyway, and finds the outcome in it. Only one
/// that still runs without it cannot answer, and does nothing twice all the same.
fn may_come_again_until(projection: &Path, state: &Described) -> Result<Option<Timestamp>, Failure> {
    let unreadable =
        |why: String| Failure::new("StoreUnreadable", why, "see whether the disk is sound, and say it again");
    let opened = Projection::open(projection)?;
    let snapshot = opened.reader().snapshot().map_err(|e| unreadable(e.to_string()))?;
    let kept_ms = snapshot.configuration().map_err(|e| unreadable(e.to_string()))?.idempotency_ms;
    let until = state.at.plus_ms(kept_ms);
    Ok((until > now()).then_some(until))
}

/// Signs the end of the archive, unless this key has; gives its public half.
fn sign(folder: &Path, key: &stele_replay::checkpoint::PrivateKey, state: &Described) -> Result<String, Failure> {
    let file = folder.join(CHECKPOINTS_FILE);
    let Described { position, hash, digest, at, .. } = *state;
    let made = Checkpoint::sign(key, position, hash, digest, at);
    let there = if file.try_exists()? { checkpoint::read(&file)? } else { Vec::new() };
    if !there.contains(&made) {
        checkpoint::append(&file, &made)?;
    }
    Ok(made.key.to_string())
}

/// Asks whoever sits there; nobody is asked in a script.
fn asked(session: &Session, through: Position) -> io::Result<bool> {
    if session.json || !io::stdin().is_terminal() {
        return Ok(false);
    }
    write!(stdout(), "purge positions up to {through} from the stream? [yes/no] ")?;
    stdout().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}

impl Ran {
    fn render(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let Described { through, position, hash, at, digest, .. } = &self.state;
        writeln!(out, "verified   positions 1 to {through}; the log ends at {}", self.plan.tail)?;
        match &self.written {
            Some(Exported { path, first, file_bytes, sha256, footer, .. }) => {
                writeln!(out, "written    {}, positions {first} to {}", path.display(), footer.last)?;
                writeln!(out, "           {file_bytes} bytes of {}, sha256 {sha256}, read back", footer.bytes)?;
            }
            None => writeln!(out, "written    nothing: the files hold all of it")?,
        }
        writeln!(out, "head       position {position}, written {at}")?;
        writeln!(out, "           sha256 {hash}")?;
        writeln!(out, "state      sha256 {digest}")?;
        writeln!(out, "projection {}", self.projection.display())?;
        for removed in &self.projections_removed {
            writeln!(out, "           that of position {removed} is needed no more, and removed")?;
        }
        if let Some(key) = &self.signed_by {
            writeln!(out, "signed     by {key}, in {}", self.archive.join(CHECKPOINTS_FILE).display())?;
        }
        if let Some(until) = self.may_come_again_until {
            writeln!(
                out,
                "note       commands up to there may be sent again until {until} (idempotency_ms): a control that runs"
            )?;
            writeln!(out, "           without --archive does nothing twice, but cannot tell their outcome again")?;
        }
        Ok(())
    }
}
