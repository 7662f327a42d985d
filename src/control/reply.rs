//! How an outcome finds its way back.

use bytes::Bytes;
use stele_core::id::ProjectId;

use crate::nats::{Connection, IncomingRequest, outcome_subject};

/// Where the answer to one message goes.
#[derive(Debug, Clone)]
pub(super) enum ReplyTo {
    /// To the sender of a request.
    Request(Box<IncomingRequest>),
    /// To whoever listens for the outcomes of a project's inbox commands.
    Outcomes(ProjectId),
}

impl ReplyTo {
    /// Sends an outcome. A sender that has gone away is no error: the outcome stands in the log.
    pub(super) async fn send(&self, connection: &Connection, command: stele_core::id::CommandId, payload: Vec<u8>) {
        let payload = Bytes::from(payload);
        let sent = match self {
            Self::Request(request) => request.respond(payload).await.map_err(|e| e.to_string()),
            Self::Outcomes(project) => {
                connection.publish(outcome_subject(project, command), payload).await.map_err(|e| e.to_string())
            }
        };
        if let Err(error) = sent {
            tracing::debug!(%error, "an outcome was not delivered; it stands in the log");
        }
    }
}
