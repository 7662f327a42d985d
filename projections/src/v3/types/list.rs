//! `GET /types`.

use serde_json::{Map, Value};
use stele_core::state::VolumeType;
use stele_core::unit::Timestamp;

use super::view::{Shown, TypeView, may_filter_by};
use crate::v3::answer::{Answer, Answered};
use crate::v3::context::Context;
use crate::v3::fault::Fault;
use crate::v3::page::{PAGING, Paging, SortValue, Sortable};
use crate::v3::policy::Rule;
use crate::v3::python::{literal, truth};
use crate::v3::scalar::unless_empty;
use crate::v3::short_list::{self, ShortList};

/// The version since which filters that mean nothing are refused.
const FILTERS_CHECKED_SINCE: u16 = 52;

pub(super) async fn list(context: Context) -> Answered {
    context.allow(Rule::TypeGetAll)?;
    let answer = |context: &Context, snapshot: &crate::reader::Snapshot| {
        let paging = Paging::read_for::<VolumeType>(&context.query)?;
        let filter = Filter::read(context)?;
        let types = snapshot.types()?.iter().filter(|found| filter.keeps(found, context)).cloned().collect();
        let page = short_list::page(&paging, types, None)?;
        let views = page.items.iter().map(|found| TypeView::new(found, &context.caller, Shown::Read)).collect();
        let names = ("volume_types", "volume_type_links");
        Ok(Answer::ok(&ShortList::new(context, names, "types", views, page.next.as_deref())))
    };
    context.read(answer).await
}

impl Sortable for VolumeType {
    fn id(&self) -> String {
        self.id.to_string()
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn sort_value(&self, key: &str) -> Option<SortValue> {
        Some(match key {
            "name" => SortValue::text(Some(&self.name)),
            "description" => SortValue::text(unless_empty(&self.description)),
            "is_public" => SortValue::Number(self.is_public.into()),
            "updated_at" => SortValue::moment(self.updated_at),
            "qos_specs_id" => SortValue::text(self.qos),
            _ => return None,
        })
    }

    fn sorts_by(key: &str) -> bool {
        matches!(key, "name" | "description" | "is_public" | "updated_at" | "qos_specs_id")
    }
}

/// Which types are wanted.
struct Filter {
    /// `None` for public and private ones.
    is_public: Option<bool>,
    extra_specs: Map<String, Value>,
    /// What they must be, by the name of the attribute.
    attributes: Vec<(String, String)>,
    /// Nothing can be it.
    nothing: bool,
}

impl Filter {
    fn read(context: &Context) -> Result<Self, Fault> {
        let admin = context.caller.is_admin;
        let checked = context.version.has(FILTERS_CHECKED_SINCE);
        let mut filter = Self { is_public: Some(true), extra_specs: Map::new(), attributes: vec![], nothing: false };
        let mut unknown = Vec::new();
        for (name, value) in context.query.iter().filter(|(name, _)| !PAGING.contains(name)) {
            match name {
                "is_public" if admin => filter.is_public = is_public(value)?,
                "is_public" => {}
                "extra_specs" if admin || checked => filter.extra_specs = extra_specs(value)?,
                _ if admin => filter.attributes.push((name.to_owned(), value.to_owned())),
                "all_tenants" => {}
                _ => unknown.push(name),
            }
        }
        if checked && !unknown.is_empty() {
            return Err(invalid_filters(&unknown));
        }
        // Nobody learns by asking what they may not see.
        filter.nothing = filter.extra_specs.keys().any(|key| !may_filter_by(key, &context.caller));
        Ok(filter)
    }

    fn keeps(&self, found: &VolumeType, context: &Context) -> bool {
        let shared = || found.access.contains(&context.caller.project);
        let public = self.is_public.is_none_or(|wanted| found.is_public == wanted || (wanted && shared()));
        let specs = |(key, wanted): (&String, &Value)| match found.extra_specs.get(key) {
            Some(value) => wanted.as_str() == value.as_deref() && (wanted.is_string() || wanted.is_null()),
            None => false,
        };
        let attributes = |(name, wanted): &(String, String)| match name.as_str() {
            "id" => *wanted == found.id.to_string(),
            "name" => *wanted == found.name,
            "description" => *wanted == found.description,
            "qos_specs_id" => found.qos.is_some_and(|qos| *wanted == qos.to_string()),
            _ => false,
        };
        !self.nothing && public && self.extra_specs.iter().all(specs) && self.attributes.iter().all(attributes)
    }
}

/// 400 for filters that a list does not have.
pub(in crate::v3) fn invalid_filters(names: &[&str]) -> Fault {
    let shown: String = names.join(",").chars().take(255).collect();
    Fault::bad_request(format!("Invalid filters {shown} are found in query options."))
}

/// The filter `is_public`, where `None` means both.
///
/// # Errors
/// 400 for what says neither.
pub(in crate::v3) fn is_public(text: &str) -> Result<Option<bool>, Fault> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(None);
    }
    let shown: String = text.chars().take(255).collect();
    truth(text).map(Some).ok_or_else(|| Fault::bad_request(format!("Invalid is_public filter [{shown}]")))
}

fn extra_specs(text: &str) -> Result<Map<String, Value>, Fault> {
    match literal(text) {
        Some(Value::Object(map)) => Ok(map),
        _ => Err(Fault::invalid_input("extra_specs must be a dictionary such as {'key': 'value'}")),
    }
}
