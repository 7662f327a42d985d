use std::fmt;
use std::sync::Arc;

use axum::body::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use stele_core::id::ProjectId;
use stele_core::port::{Ask, Unavailable};
use stele_core::record::Outcome;

type Asked = BoxFuture<'static, Result<Outcome, Unavailable>>;

/// Any [`Ask`]: so that the routes need not name whose it is. A clone costs a reference count.
#[derive(Clone)]
pub struct Asker(Arc<dyn Fn(ProjectId, &'static str, &'static str, Bytes) -> Asked + Send + Sync>);

impl fmt::Debug for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

impl Asker {
    /// Commands go to `port`.
    pub fn new(port: impl Ask) -> Self {
        Self(Arc::new(move |project, resource, verb, body| {
            let port = port.clone();
            async move { port.ask(&project, resource, verb, body).await }.boxed()
        }))
    }

    pub(super) async fn ask(
        &self,
        project: &ProjectId,
        resource: &'static str,
        verb: &'static str,
        body: Bytes,
    ) -> Result<Outcome, Unavailable> {
        (self.0)(project.clone(), resource, verb, body).await
    }
}
