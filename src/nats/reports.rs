//! Reports and asked commands: core requests whose reply comes when the log has the outcome.

use std::fmt;
use std::time::Duration;

use async_nats::{Client, Request, Subject, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{SelectAll, select_all};
use stele_core::id::BackendName;
use stele_core::port::{Reporter, Unavailable};
use stele_core::task::{Report, ReportReply};

use super::connect::Connection;
use super::patience::unavailable;
use super::subject::{ASK_SUBJECTS, REPORT_SUBJECTS, report_subject};

/// How long a worker waits for control before it sends the report again: a report that was sent to a control that died
/// must not keep all later ones waiting. One that arrives twice changes nothing.
const REPLY_WITHIN: Duration = Duration::from_secs(2);

/// A worker's way to control.
#[derive(Clone)]
pub struct NatsReporter {
    client: Client,
    subject: String,
    reply_within: Duration,
}

impl fmt::Debug for NatsReporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsReporter").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl NatsReporter {
    /// The reporter of one backend's worker.
    #[must_use]
    pub fn new(connection: &Connection, backend: &BackendName) -> Self {
        let client = connection.client().clone();
        Self { client, subject: report_subject(backend), reply_within: REPLY_WITHIN }
    }
}

impl Reporter for NatsReporter {
    async fn report(&self, report: &Report) -> Result<ReportReply, Unavailable> {
        let what = || format!("control ({})", self.subject);
        let payload = serde_json::to_vec(report).map_err(|e| unavailable(what(), e))?;
        let request = Request::new().payload(payload.into()).timeout(Some(self.reply_within));
        let reply =
            self.client.send_request(self.subject.clone(), request).await.map_err(|e| unavailable(what(), e))?;
        serde_json::from_slice(&reply.payload).map_err(|e| unavailable(what(), format!("reply not understood: {e}")))
    }
}

/// Control's ear for reports and asked commands. Only the writer listens; a request reaches everybody who does.
pub struct RequestListener {
    client: Client,
    arrivals: SelectAll<Subscriber>,
}

impl fmt::Debug for RequestListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestListener")
    }
}

impl RequestListener {
    /// Listens on `stele.report.*` and `stele.ask.>`; when this returns, the server knows.
    ///
    /// # Errors
    /// [`Unavailable`] when the server cannot be told.
    pub async fn listen(connection: &Connection) -> Result<Self, Unavailable> {
        let client = connection.client().clone();
        let mut subscribers = Vec::new();
        for subject in [REPORT_SUBJECTS, ASK_SUBJECTS] {
            subscribers.push(client.subscribe(subject).await.map_err(|e| unavailable(subject, e))?);
        }
        connection.flush().await?;
        Ok(Self { client, arrivals: select_all(subscribers) })
    }

    /// The next request; `None` when the connection is closed for good.
    pub async fn next(&mut self) -> Option<IncomingRequest> {
        let message = self.arrivals.next().await?;
        Some(IncomingRequest {
            subject: message.subject.into_string(),
            payload: message.payload,
            reply: message.reply,
            client: self.client.clone(),
        })
    }
}

/// A request that waits for its reply.
#[derive(Clone)]
pub struct IncomingRequest {
    /// The subject, such as `stele.ask.<project>.<resource>.<verb>`.
    pub subject: String,
    /// The bytes as sent.
    pub payload: Bytes,
    reply: Option<Subject>,
    client: Client,
}

impl fmt::Debug for IncomingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingRequest")
            .field("subject", &self.subject)
            .field("reply", &self.reply)
            .finish_non_exhaustive()
    }
}

/// Why a reply was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplyRefused {
    /// The sender did not ask for one.
    #[error("the sender of {0} did not ask for a reply")]
    NotWanted(String),
    /// The reply would go where only Stele or the server may publish, such as into the log.
    #[error("the sender wants its reply on {0}, where replies must not go")]
    Forbidden(String),
    /// The client is closed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl IncomingRequest {
    /// Where the reply is wanted.
    #[must_use]
    pub fn reply_subject(&self) -> Option<&str> {
        self.reply.as_deref()
    }

    /// Sends the reply.
    ///
    /// # Errors
    /// [`ReplyRefused`]; a sender that goes away is no error.
    pub async fn respond(&self, payload: Bytes) -> Result<(), ReplyRefused> {
        let Some(reply) = &self.reply else { return Err(ReplyRefused::NotWanted(self.subject.clone())) };
        if !may_reply_to(reply) {
            return Err(ReplyRefused::Forbidden(reply.to_string()));
        }
        let sent = self.client.publish(reply.clone(), payload).await;
        sent.map_err(|e| unavailable("NATS", e).into())
    }
}

/// Control may publish everywhere, its clients may not: a reply subject like `stele.log.0` would borrow its rights.
fn may_reply_to(subject: &str) -> bool {
    !subject.starts_with("stele.") && !subject.starts_with('$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_never_go_into_streams() {
        for (subject, allowed) in [
            ("_INBOX.a.b", true),
            ("_INBOX_worker.x", true),
            ("stele.log.0", false),
            ("stele.cmd.p.a.b", false),
            ("$JS.API.INFO", false),
        ] {
            assert_eq!(may_reply_to(subject), allowed, "{subject}");
        }
    }
}
