//! `GET /v1/events`: the events of the log as server-sent events, from any place on and then live.
//!
//! An event is sent once the queries show it. A client that comes back names the last event that it got, and goes on
//! right behind it, within a record too: nothing is left out and nothing comes twice.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use stele_core::chain::{Chain, Link};
use stele_core::id::{ProjectId, VolumeId};
use stele_core::moment::Moment;
use stele_core::port::{Log, LogEntry, LogReader as _, goes_on_at};
use stele_core::record::Record;
use stele_core::unit::Position;
use tracing::{debug, warn};

use super::answer::ask;
use super::error::{ApiError, ErrorCode};
use super::guard::reach;
use super::parameters::Parameters;
use super::state::ApiState;
use crate::history::Concerns;
use crate::reader::Snapshot;
use crate::store::StoreError;
use crate::view::{EventActor, EventView};

/// How many messages of the log a follower holds; with records of at most 256 KiB that is 4 MiB. A client that reads
/// slowly makes its own reading slow, and nothing else.
const BATCH: usize = 16;

/// How often in a row the log may fail to answer before the stream ends. The client comes back by itself.
const TRIES_MAX: u32 = 8;
const PAUSE: Duration = Duration::from_millis(500);

/// Names an event: `<position>.<commit>.<event>`, the latter two counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct EventId {
    position: Position,
    commit: u32,
    event: u32,
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.position, self.commit, self.event)
    }
}

impl FromStr for EventId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const RULE: &str = "an event's id is <position>.<commit>.<event>";
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(RULE);
        Ok(Self {
            position: part()?.parse().map_err(|_| RULE)?,
            commit: part()?.parse().map_err(|_| RULE)?,
            event: part()?.parse().map_err(|_| RULE)?,
        })
    }
}

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
struct Filter {
    project: Option<ProjectId>,
    volume: Option<VolumeId>,
}

pub(super) async fn events<L: Log>(
    State(state): State<ApiState<L>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut given = Parameters::parse(query.as_deref())?;
    let since: Option<Position> = given.value("since", "give the position behind which to begin")?;
    let filter = Filter {
        project: given.value("project", "give the project's id")?,
        volume: given.value("volume", "give the volume's UUID")?,
    };
    given.finish()?;
    // What the client got last counts more than where it once began.
    let after = match (last_event_id(&headers)?, since) {
        (Some(id), _) => id,
        (None, since) => {
            let position = since.unwrap_or_else(|| state.progress.borrow().position);
            EventId { position, commit: u32::MAX, event: u32::MAX }
        }
    };
    reach(&state, after.position).await?;
    let chain = chain_before(&state, after).await?;
    if let Some(gone) = gone(&state, chain.position.next()).await {
        return Err(gone);
    }
    let heartbeat = KeepAlive::new().interval(state.options.heartbeat).text("heartbeat");
    let follower = Follower {
        next: chain.position.next(),
        chain,
        after,
        filter,
        reader: None,
        ready: VecDeque::new(),
        tries: 0,
        ended: false,
        state,
    };
    let events = stream::unfold(follower, Follower::next_event);
    Ok(Sse::new(events).keep_alive(heartbeat).into_response())
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<EventId>, ApiError> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    let invalid =
        |rule| ApiError::invalid(format!("Last-Event-ID: {rule}"), "send the id of the last event, as it came");
    text.parse().map(Some).map_err(invalid)
}

/// A place from which the first event behind `after` can be recognised as one of the log.
async fn chain_before<L: Log>(state: &ApiState<L>, after: EventId) -> Result<Chain, ApiError> {
    // Of a record of which something was sent, the rest may be wanted.
    let before = if after.commit == u32::MAX { after.position.0 } else { after.position.0.saturating_sub(1) };
    let find = move |snapshot: &Snapshot, _| Ok(snapshot.chain_at_or_before(Position(before))?);
    Ok(ask(state, Moment::Head, find).await?.into_body())
}

/// What is said when the log goes on and does not hold what is to be read `next`; nothing when it does, or when it does
/// not answer, which is waited for.
async fn gone<L: Log>(state: &ApiState<L>, next: Position) -> Option<ApiError> {
    let first = goes_on_at(&state.log, next).await.ok()??;
    let last_gone = Position(first.0 - 1);
    let find = move |snapshot: &Snapshot, _| Ok(snapshot.chain_at_or_after(last_gone)?.position);
    let since = match ask(state, Moment::Head, find).await {
        Ok(found) => found.into_body(),
        Err(unreadable) => return Some(unreadable),
    };
    let message = format!(
        "what is asked for is read from position {next} on, and the log begins at position {first}: what was before was \
         archived, purged or deleted. The first place that can be had is since={since}"
    );
    let remedy = format!("ask with since={since}; or start this API with --archive DIR, which names what was archived");
    Some(ApiError::new(ErrorCode::LogArchived, message, remedy))
}

/// One client's place in the log.
struct Follower<L: Log> {
    state: ApiState<L>,
    filter: Filter,
    /// Everything up to here was sent, or is not wanted.
    after: EventId,
    /// The last record that was read.
    chain: Chain,
    /// The position to be read next.
    next: Position,
    reader: Option<L::Reader>,
    ready: VecDeque<SseEvent>,
    tries: u32,
    /// What is ready are the last words.
    ended: bool,
}

impl<L: Log> Follower<L> {
    async fn next_event(mut self) -> Option<(Result<SseEvent, Infallible>, Self)> {
        let mut stop = self.state.stop.clone();
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            if self.ended {
                return None;
            }
            let goes_on = tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => false,
                goes_on = self.read() => goes_on,
            };
            if !goes_on {
                return None;
            }
        }
    }

    /// Reads the next messages; false when the stream has to end.
    async fn read(&mut self) -> bool {
        let batch = match self.next_batch().await {
            Ok(batch) => batch,
            Err(trouble) => {
                debug!(%trouble, "the log does not answer a follower of events");
                self.reader = None;
                self.tries += 1;
                if let Some(gone) = gone(&self.state, self.next).await {
                    self.ready.push_back(last_words(gone));
                    self.ended = true;
                    return true;
                }
                tokio::time::sleep(PAUSE).await;
                return self.tries < TRIES_MAX;
            }
        };
        self.tries = 0;
        let Some(last) = batch.last().map(|entry| entry.position) else { return true };
        self.next = last.next();
        // What is sent here must be found by the query that the client makes next.
        let mut progress = self.state.progress.clone();
        let reached = progress.wait_for(|progress| progress.position >= last || progress.failure.is_some()).await;
        if reached.map_or(true, |progress| progress.failure.is_some()) {
            return false;
        }
        let (reader, mut chain, after, filter) =
            (self.state.reader.clone(), self.chain, self.after, self.filter.clone());
        let work = move || {
            let snapshot = reader.snapshot()?;
            let events = convert(&snapshot, &mut chain, &batch, after, &filter)?;
            Ok::<_, StoreError>((events, chain))
        };
        match tokio::task::spawn_blocking(work).await {
            Ok(Ok((Some(events), chain))) => {
                self.ready = events;
                self.chain = chain;
                true
            }
            Ok(Ok((None, _))) => false,
            Ok(Err(error)) => {
                warn!(?error, "the projection cannot be read for a follower of events");
                false
            }
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }

    async fn next_batch(&mut self) -> Result<Vec<LogEntry>, stele_core::port::Unavailable> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => none.insert(self.state.log.read_from(self.next).await?),
        };
        reader.next_batch(BATCH).await
    }
}

/// The wanted events of some messages; `None` when one of them cannot be understood.
fn convert(
    snapshot: &Snapshot,
    chain: &mut Chain,
    batch: &[LogEntry],
    after: EventId,
    filter: &Filter,
) -> Result<Option<VecDeque<SseEvent>>, StoreError> {
    let mut events = VecDeque::new();
    let mut concerns = Concerns::new(snapshot);
    for entry in batch {
        match chain.link(entry) {
            Ok(Link::Stray(_)) => {}
            Ok(Link::Record(record, hash)) => {
                chain.advance(&record.head, entry.position, hash);
                for view in views(&mut concerns, &record, entry.position, after)? {
                    if filter.admits(&view) {
                        events.push_back(message(&view));
                    }
                }
            }
            Err(error) => {
                warn!(%error, "a follower of events ends here");
                return Ok(None);
            }
        }
    }
    Ok(Some(events))
}

fn views(
    concerns: &mut Concerns<'_>,
    record: &Record,
    position: Position,
    after: EventId,
) -> Result<Vec<EventView>, StoreError> {
    let mut views = Vec::new();
    for (commit, commit_index) in record.commits.iter().zip(0_u32..) {
        for (event, event_index) in commit.events.iter().zip(0_u32..) {
            if (EventId { position, commit: commit_index, event: event_index }) <= after {
                continue;
            }
            let concern = concerns.of(commit, event)?;
            views.push(EventView {
                position,
                commit: commit_index,
                index: event_index,
                at: commit.at,
                command_id: commit.id,
                source: commit.source,
                project: concern.project,
                volume_id: concern.volume,
                flow_id: concern.flow,
                actor: EventActor { user: commit.actor.user.clone(), request_id: commit.actor.request_id.clone() },
                name: event.name().to_owned(),
                event: event.clone(),
            });
        }
    }
    Ok(views)
}

impl Filter {
    fn admits(&self, view: &EventView) -> bool {
        self.project.as_ref().is_none_or(|project| view.project.as_ref() == Some(project))
            && self.volume.is_none_or(|volume| view.volume_id == Some(volume))
    }
}

fn message(view: &EventView) -> SseEvent {
    let id = EventId { position: view.position, commit: view.commit, event: view.index };
    // Texts, numbers and maps with text keys: serialising cannot fail.
    let data = serde_json::to_string(view).unwrap_or_default();
    SseEvent::default().id(id.to_string()).event(&view.name).data(data)
}

/// Why a stream ends, as the answer to the next request would say it. It has no id: the client's place stays.
fn last_words(error: ApiError) -> SseEvent {
    SseEvent::default().event("error").data(serde_json::to_string(&error.into_answer()).unwrap_or_default())
}
