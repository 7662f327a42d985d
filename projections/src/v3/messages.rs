//! `/messages`: what users are told about what failed.

use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;
use stele_core::id::{MessageId, ProjectId};
use stele_core::state::{MESSAGE_TTL_MS, Message};
use stele_core::unit::Timestamp;
use uuid::Uuid;

use super::answer::{Answer, Answered};
use super::context::{Context, Owned};
use super::fault::Fault;
use super::links::Link;
use super::page::{Collection, LIMIT_MAX, PAGING, Paging, SortValue, Sortable};
use super::policy::Rule;
use super::routes::Routes;
use super::scalar::Moment;
use super::types::invalid_filters;
use crate::query::Scope;
use crate::reader::Snapshot;

/// The version in which messages came.
const SINCE: u16 = 3;

/// The version since which the list has pages and filters.
const PAGES_SINCE: u16 = 5;

/// The version since which filters that mean nothing are refused.
const FILTERS_CHECKED_SINCE: u16 = 31;

/// The version since which a filter may name a part of a text.
const LIKE_SINCE: u16 = 34;

/// All that failed is an error.
const LEVEL: &str = "ERROR";

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("/messages", SINCE, list).get("/messages/{message}", SINCE, show).delete(
        "/messages/{message}",
        SINCE,
        delete,
    )
}

/// A message as Cinder shows it.
#[derive(Debug, Serialize)]
struct MessageView<'a> {
    id: MessageId,
    event_id: &'a str,
    user_message: &'a str,
    message_level: &'static str,
    created_at: Moment,
    guaranteed_until: Moment,
    request_id: Option<&'a str>,
    links: [Link; 2],
    resource_type: &'static str,
    resource_uuid: Uuid,
}

impl<'a> MessageView<'a> {
    fn new(message: &'a Message, context: &Context) -> Self {
        Self {
            id: message.id,
            event_id: &message.event_id,
            user_message: &message.text,
            message_level: LEVEL,
            created_at: Moment(message.created_at),
            guaranteed_until: Moment(message.created_at.plus_ms(MESSAGE_TTL_MS)),
            request_id: message.request_id.as_deref(),
            links: context.links.of("messages", &message.id.to_string()),
            resource_type: message.resource_type.name(),
            resource_uuid: message.resource,
        }
    }
}

async fn show(context: Context) -> Answered {
    let message: Message = context.find("message").await?;
    context.allow(Rule::MessageGet)?;
    Ok(Answer::ok(&json!({"message": MessageView::new(&message, &context)})))
}

async fn delete(context: Context) -> Answered {
    let message: Message = context.find("message").await?;
    context.allow(Rule::MessageDelete)?;
    context.command(&message.project, ("message", "delete"), &json!({"id": message.id})).await?;
    Ok(Answer::empty(StatusCode::NO_CONTENT))
}

/// The messages of the caller's project, also for an admin.
async fn list(context: Context) -> Answered {
    context.allow(Rule::MessageGetAll)?;
    let answer = |context: &Context, snapshot: &Snapshot| {
        let pages = context.version.has(PAGES_SINCE);
        let paging = if pages { Paging::read_for::<Message>(&context.query)? } else { everything() };
        let filters = if pages { filters(context)? } else { Vec::new() };
        let marker = paging.marker.as_deref().map(|id| context.owned::<Message>(snapshot, id)).transpose()?;
        let scope = Scope::Project(&context.caller.project);
        let page = paging.page(snapshot, scope, marker.as_ref(), |message: &Message| {
            Ok(filters.iter().all(|filter| filter.keeps(message)))
        })?;
        let views = page.items.iter().map(|message| MessageView::new(message, context)).collect();
        Ok(Answer::ok(&Collection::new(context, "messages", views, page.next.as_deref())))
    };
    context.read(answer).await
}

/// Before pages there was only the whole list.
fn everything() -> Paging {
    Paging { limit: LIMIT_MAX, marker: None, offset: 0, sort: vec![("created_at".to_owned(), false)] }
}

/// What a message must say.
struct Filter {
    name: String,
    wanted: String,
    /// Whether a part of it will do.
    part: bool,
}

impl Filter {
    fn keeps(&self, message: &Message) -> bool {
        let resource = message.resource.to_string();
        let value = match self.name.as_str() {
            "resource_uuid" => resource.as_str(),
            "resource_type" => message.resource_type.name(),
            "event_id" => &message.event_id,
            "request_id" => message.request_id.as_deref().unwrap_or_default(),
            "message_level" => LEVEL,
            _ => return false,
        };
        if self.part { value.contains(&self.wanted) } else { value == self.wanted }
    }
}

/// The filters of the query. What a message does not have, none has.
fn filters(context: &Context) -> Result<Vec<Filter>, Fault> {
    let known = ["resource_uuid", "resource_type", "event_id", "request_id", "message_level"];
    let given = context.query.iter().filter(|(name, _)| !PAGING.contains(name));
    let filters: Vec<Filter> = given
        .map(|(name, wanted)| {
            let part = context.version.has(LIKE_SINCE) && name.ends_with('~');
            let name = if part { name.trim_end_matches('~') } else { name };
            Filter { name: name.to_owned(), wanted: wanted.to_owned(), part }
        })
        .collect();
    if context.version.has(FILTERS_CHECKED_SINCE) && !context.caller.is_admin {
        // Cinder lets only the filters with a part pass that it was told of, and it was told of none.
        let unknown = |filter: &&Filter| filter.part || !known.contains(&filter.name.as_str());
        let unknown: Vec<&str> = filters
            .iter()
            .filter(unknown)
            .map(|filter| filter.name.as_str())
            .filter(|name| *name != "all_tenants")
            .collect();
        if !unknown.is_empty() {
            return Err(invalid_filters(&unknown));
        }
    }
    Ok(filters)
}

impl Owned for Message {
    fn owner(&self) -> &ProjectId {
        &self.project
    }

    fn missing(id: &str) -> Fault {
        Fault::no_such("Message", id)
    }
}

impl Sortable for Message {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        Some(match key {
            "event_id" => SortValue::text(Some(&self.event_id)),
            "request_id" => SortValue::text(self.request_id.as_ref()),
            "resource_type" => SortValue::text(Some(self.resource_type.name())),
            "resource_uuid" => SortValue::text(Some(self.resource)),
            // All of them are the same, or follow from the moment at which it was made.
            "message_level" => SortValue::Nothing,
            "expires_at" => SortValue::moment(Some(self.created_at)),
            _ => return None,
        })
    }

    fn sorts_by(key: &str) -> bool {
        let keys = ["event_id", "request_id", "resource_type", "resource_uuid", "message_level", "expires_at"];
        keys.contains(&key)
    }
}

#[cfg(test)]
mod tests;
