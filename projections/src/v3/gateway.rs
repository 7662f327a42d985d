use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;
use stele_core::chap::ChapKey;
use stele_core::command::{Actor, COMMAND_VERSION};
use stele_core::id::{CommandId, ProjectId};
use stele_core::record::{OutcomeResult, Subjects};
use stele_core::unit::{Position, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::warn;
use uuid::Uuid;

use super::asker::Asker;
use super::auth::Authenticator;
use super::fault::Fault;
use super::routes::Routes;
use crate::follow::Progress;
use crate::http::Clock;
use crate::reader::{Reader, Snapshot};

/// How long an answer to a command waits for the local projection to contain it.
const REACH_WITHIN: Duration = Duration::from_secs(60);

/// What stands between Cinder's API and the cell: reads come from the projection, writes are commands.
///
/// A clone costs a reference count.
#[derive(Clone)]
pub struct Gateway(Arc<Parts>);

struct Parts {
    reader: Reader,
    progress: watch::Receiver<Progress>,
    clock: Clock,
    authenticator: Authenticator,
    chap_key: Option<ChapKey>,
    asker: Asker,
    routes: Routes,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("authenticator", &self.0.authenticator).finish_non_exhaustive()
    }
}

/// A command that the log holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Accepted {
    /// What it is about.
    pub(crate) subjects: Subjects,
}

#[derive(Serialize)]
struct Envelope<'a, C> {
    v: u32,
    id: CommandId,
    actor: Actor,
    #[serde(flatten)]
    content: Content<'a, C>,
}

/// The command itself, under the name of its resource.
struct Content<'a, C>(&'static str, &'a C);

impl<C: Serialize> Serialize for Content<'_, C> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, self.1)])
    }
}

impl Gateway {
    /// `progress` is that of the follower of the reader's projection; commands go to `asker`. Without `chap_key`
    /// connections are shown without their passwords.
    pub fn new(
        reader: Reader,
        progress: watch::Receiver<Progress>,
        clock: Clock,
        authenticator: Authenticator,
        chap_key: Option<ChapKey>,
        asker: Asker,
    ) -> Self {
        let routes = super::routes();
        Self(Arc::new(Parts { reader, progress, clock, authenticator, chap_key, asker, routes }))
    }

    /// The key of the secrets by which hosts log in, where this API has it.
    pub(super) fn chap_key(&self) -> Option<&ChapKey> {
        self.0.chap_key.as_ref()
    }

    pub(super) fn authenticator(&self) -> &Authenticator {
        &self.0.authenticator
    }

    pub(super) fn routes(&self) -> &Routes {
        &self.0.routes
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Timestamp {
        (self.0.clock)()
    }

    /// Asks a snapshot where blocking hurts nobody.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Snapshot) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        self.serving()?;
        let reader = self.0.reader.clone();
        match tokio::task::spawn_blocking(move || query(&reader.snapshot()?)).await {
            Ok(found) => found,
            Err(failed) => std::panic::resume_unwind(failed.into_panic()),
        }
    }

    /// Sends a command on a project's subject. What comes back is in the log and in the local projection.
    pub(super) async fn command(
        &self,
        actor: Actor,
        subject: &ProjectId,
        (resource, verb): (&'static str, &'static str),
        content: &impl Serialize,
    ) -> Result<Accepted, Fault> {
        let id = CommandId(Uuid::now_v7());
        let body = Envelope { v: COMMAND_VERSION, id, actor, content: Content(resource, content) };
        // Maps with text keys, texts, numbers: serialising cannot fail.
        let body = Bytes::from(serde_json::to_vec(&body).unwrap_or_default());
        let outcome = self.0.asker.ask(subject, resource, verb, body).await.map_err(|unavailable| {
            warn!(%unavailable, command = %id, "no control answered a command in time");
            Fault::unavailable(
                "The control service does not answer. The request may still be carried out: look before asking again.",
            )
        })?;
        match (outcome.result, outcome.position) {
            (OutcomeResult::Accepted(subjects), Some(position)) => {
                self.reach(position).await?;
                Ok(Accepted { subjects })
            }
            (OutcomeResult::Refused(refusal), _) => Err(refusal.into()),
            (OutcomeResult::Accepted(_), None) => {
                Err(Fault::unavailable("The control service did not say where the request stands in the log."))
            }
        }
    }

    /// Waits until the projection has a position.
    async fn reach(&self, wanted: Position) -> Result<(), Fault> {
        let mut progress = self.0.progress.clone();
        let arrived = progress.wait_for(|progress| progress.position >= wanted || progress.failure.is_some());
        match tokio::time::timeout(REACH_WITHIN, arrived).await {
            Ok(Ok(_)) => self.serving(),
            // Nobody follows any more, or not in time.
            _ => Err(Fault::unavailable("The request is carried out, and this server does not see it yet.")),
        }
    }

    /// Waits until `look` finds something in the projection; `None` when it did not within `patience`.
    pub(super) async fn wait<T: Send + 'static>(
        &self,
        patience: Duration,
        look: impl Fn(&Snapshot) -> Result<Option<T>, Fault> + Send + Sync + 'static,
    ) -> Result<Option<T>, Fault> {
        let deadline = Instant::now() + patience;
        let look = Arc::new(look);
        let mut progress = self.0.progress.clone();
        loop {
            progress.mark_unchanged();
            let look = Arc::clone(&look);
            if let Some(found) = self.read(move |snapshot| look(snapshot)).await? {
                return Ok(Some(found));
            }
            if !matches!(timeout_at(deadline, progress.changed()).await, Ok(Ok(()))) {
                return Ok(None);
            }
        }
    }

    fn serving(&self) -> Result<(), Fault> {
        match &self.0.progress.borrow().failure {
            None => Ok(()),
            Some(failure) => {
                warn!(failure, "nothing is served: the projection no longer follows the log");
                Err(Fault::unavailable("This server no longer follows the log; its operator has to look."))
            }
        }
    }
}
