use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value};
use stele_core::id::{ADMIN_PROJECT, ProjectId};

use super::auth::Caller;
use super::fault::Fault;
use super::gateway::{Accepted, Gateway};
use super::links::Links;
use super::policy::{self, Rule};
use super::query::Query;
use super::schema::Schema;
use super::version::Version;
use crate::query::Stored;
use crate::reader::Snapshot;

/// One request, as far as every route needs it. A clone costs a reference count.
#[derive(Clone)]
pub(crate) struct Context(Arc<Parts>);

/// What a request consists of.
pub(crate) struct Parts {
    /// The way to the cell.
    pub(super) gateway: Gateway,
    /// Who asks.
    pub(crate) caller: Caller,
    /// The version that is asked for.
    pub(crate) version: Version,
    /// The request's id, `req-...`; the same in the answer's headers and in the log.
    pub(crate) request_id: String,
    /// The parameters behind the `?`.
    pub(crate) query: Query,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// What links begin with.
    pub(crate) links: Links,
    /// What the path's placeholders stand for.
    pub(super) parameters: Vec<(&'static str, String)>,
    /// The body; nothing where there is none.
    pub(super) body: Value,
}

impl Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

/// Something that belongs to a project.
pub(crate) trait Owned: Stored + Send + 'static {
    /// Its project.
    fn owner(&self) -> &ProjectId;

    /// What Cinder says when there is none of an id.
    fn missing(id: &str) -> Fault;
}

impl Context {
    pub(super) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// What a placeholder of the path stands for.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| *known == name).map_or("", |(_, text)| text)
    }

    /// The body, when it fits a schema.
    ///
    /// # Errors
    /// 400 with the schema's text.
    pub(crate) fn body(&self, schema: &Schema) -> Result<&Map<String, Value>, Fault> {
        schema.check(&self.body)?;
        self.body.as_object().ok_or_else(Fault::malformed)
    }

    /// What is under a key of the body, when the body fits a schema and there is an object under the key.
    ///
    /// # Errors
    /// 400 with the schema's text.
    pub(crate) fn body_of(&self, schema: &Schema, key: &str) -> Result<&Map<String, Value>, Fault> {
        self.body(schema)?.get(key).and_then(Value::as_object).ok_or_else(Fault::malformed)
    }

    /// Whether a list is to have every project's things: an admin asks for it. Clients send the parameter in any case.
    ///
    /// # Errors
    /// 400 for an admin's `all_tenants` that is no truth.
    pub(crate) fn all_tenants(&self) -> Result<bool, Fault> {
        let given = self.query.get("all_tenants").is_some_and(|text| !text.is_empty());
        Ok(self.caller.is_admin && given && self.query.truth("all_tenants")?)
    }

    /// Whether the caller may do what a rule is about.
    ///
    /// # Errors
    /// 403.
    pub(crate) fn allow(&self, rule: Rule) -> Result<(), Fault> {
        policy::check(&self.caller, rule).map_err(Fault::from)
    }

    /// The same where something is left out and not refused.
    pub(crate) fn allows(&self, rule: Rule) -> bool {
        policy::allows(&self.caller, rule)
    }

    /// Asks the projection, where blocking hurts nobody.
    ///
    /// # Errors
    /// What `query` gives; 500 when the file cannot be read, 503 when it is not served.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Self, &Snapshot) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let context = self.clone();
        self.gateway.read(move |snapshot| query(&context, snapshot)).await
    }

    /// Asks the projection again and again, until there is an answer; `None` when there is none within `patience`.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub(crate) async fn wait<T: Send + 'static>(
        &self,
        patience: Duration,
        look: impl Fn(&Self, &Snapshot) -> Result<Option<T>, Fault> + Send + Sync + 'static,
    ) -> Result<Option<T>, Fault> {
        let context = self.clone();
        self.gateway.wait(patience, move |snapshot| look(&context, snapshot)).await
    }

    /// Something of the caller's project, or of any project for an admin, by the id in the client's words.
    ///
    /// # Errors
    /// 404 when there is none, and when it is another project's.
    pub(crate) fn owned<T>(&self, snapshot: &Snapshot, id: &str) -> Result<T, Fault>
    where
        T: Owned,
        T::Id: FromStr,
    {
        let found = id.parse().ok().map(|id| snapshot.find::<T>(&id)).transpose()?.flatten();
        found.filter(|found| self.caller.sees(found.owner())).ok_or_else(|| T::missing(id))
    }

    /// [`Self::owned`] on its own, for what a placeholder of the path names.
    ///
    /// # Errors
    /// As of [`Self::owned`].
    pub(crate) async fn find<T>(&self, placeholder: &'static str) -> Result<T, Fault>
    where
        T: Owned,
        T::Id: FromStr,
    {
        self.read(move |context, snapshot| context.owned(snapshot, context.path(placeholder))).await
    }

    /// Sends a command about something that belongs to `owner`: on the caller's own subjects, or, where an admin deals
    /// with another project's things, on those of the operators. `what` is the resource and the verb. What comes back
    /// is in the log and can be read.
    ///
    /// # Errors
    /// The refusal, with Cinder's status for it; 503 when no control answers.
    pub(crate) async fn command(
        &self,
        owner: &ProjectId,
        what: (&'static str, &'static str),
        content: &impl Serialize,
    ) -> Result<Accepted, Fault> {
        let foreign = self.caller.is_admin && *owner != self.caller.project;
        if foreign { self.operate(what, content).await } else { self.ask(&self.caller.project, what, content).await }
    }

    /// Sends a command that concerns the whole cell, or that only operators may send.
    ///
    /// # Errors
    /// As of [`Self::command`]; 403 for a caller who is no admin.
    pub(crate) async fn operate(
        &self,
        what: (&'static str, &'static str),
        content: &impl Serialize,
    ) -> Result<Accepted, Fault> {
        let operators = ProjectId::new(ADMIN_PROJECT).map_err(|_| Fault::malformed())?;
        if !self.caller.is_admin && !self.caller.is_service {
            return Err(Fault::new(axum::http::StatusCode::FORBIDDEN, "User does not have admin privileges"));
        }
        self.ask(&operators, what, content).await
    }

    async fn ask(
        &self,
        subject: &ProjectId,
        what: (&'static str, &'static str),
        content: &impl Serialize,
    ) -> Result<Accepted, Fault> {
        let actor = self.caller.actor(subject, &self.request_id);
        self.gateway.command(actor, subject, what, content).await
    }
}
