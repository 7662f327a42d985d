use std::future::Future;

use bytes::Bytes;

use super::Unavailable;
use crate::id::ProjectId;
use crate::record::Outcome;

/// Commands by request and reply: the way in for gateways such as HTTP.
pub trait Ask: Clone + Send + Sync + 'static {
    /// Sends a command on a project's subject and waits for its outcome.
    ///
    /// The body must carry a command id: it is sent again when no reply came, and an outcome that was not recorded
    /// (`position` is absent) means that nothing happened.
    ///
    /// # Errors
    /// [`Unavailable`] when no control answered in time. The command may be in the log, or get there still.
    fn ask(
        &self,
        project: &ProjectId,
        resource: &str,
        verb: &str,
        body: Bytes,
    ) -> impl Future<Output = Result<Outcome, Unavailable>> + Send;
}
