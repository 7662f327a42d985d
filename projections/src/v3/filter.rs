//! By what lists are filtered: which parameters are filters at all, and what they let through.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;
use stele_core::unit::Timestamp;

use super::context::Context;
use super::fault::Fault;
use super::page::PAGING;
use super::python::{Str, integer, literal, truth};
use super::resource_filters;
use super::scalar;

/// From here on, filters that a caller may not use are refused and no longer overlooked.
const GENERAL: u16 = 31;

/// From here on, `name~=part` is a filter.
const LIKE: u16 = 34;

/// What something has under a filter's key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum FilterValue<'a> {
    /// Nothing now; it may have something.
    Nothing,
    /// A text.
    Text(Cow<'a, str>),
    /// A text that is compared as it was sent, without reading it as a value first.
    Name(&'a str),
    /// A host, with or without its backend and pool.
    Host(&'a str),
    /// A number.
    Number(i64),
    /// A truth.
    Truth(bool),
    /// A moment.
    Moment(Timestamp),
    /// Keys and values.
    Pairs(Cow<'a, BTreeMap<String, String>>),
}

/// What can be filtered.
pub(crate) trait Filterable {
    /// Its name in Cinder's table of filters.
    const RESOURCE: &'static str;

    /// What everybody may filter by before 3.31.
    const BEFORE: &'static [&'static str];

    /// Filters that came with later versions, by those; before, they are overlooked.
    const ADDED: &'static [(u16, &'static str)];

    /// What it has under a key; `None` when things like it have nothing of that kind.
    fn filter_value(&self, key: &str) -> Option<FilterValue<'_>>;
}

/// The filters of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    wanted: Vec<Wanted>,
    /// Whether truths have to be written as such.
    strict: bool,
}

#[derive(Debug, Clone)]
struct Wanted {
    key: String,
    text: String,
    /// The text as a value, where it is one.
    value: Option<Value>,
    /// Comparisons of a moment.
    moments: Vec<(Comparison, Timestamp)>,
    /// Whether a part is enough.
    like: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
}

impl Filters {
    /// Reads them from a request's parameters; `besides` are parameters that mean something else.
    ///
    /// # Errors
    /// 400 for filters that the caller may not use, from 3.31 on, and for moments that are none.
    pub(crate) fn read<T: Filterable>(context: &Context, besides: &[&str]) -> Result<Self, Fault> {
        let none = |key: &str| PAGING.contains(&key) || besides.contains(&key) || key == "with_count";
        let given: Vec<(&str, &str)> = context.query.iter().filter(|(key, _)| !none(key)).collect();
        let is_admin = context.caller.is_admin;
        let mut wanted = Vec::new();
        let mut refused = Vec::new();
        for (key, text) in given {
            if key == "all_tenants" || key == "no_migration_targets" {
                continue;
            }
            if context.version.has(GENERAL) {
                if !key.is_ascii() {
                    return Err(Fault::bad_request("Filter keys can only contain ASCII characters."));
                }
                if !is_admin && !may_use::<T>(key, context.version.has(LIKE)) {
                    refused.push(key.chars().take(64).collect::<String>());
                }
            } else {
                let too_new = T::ADDED.iter().any(|(since, added)| *added == key && !context.version.has(*since));
                if too_new || (!is_admin && !T::BEFORE.contains(&key)) {
                    continue;
                }
            }
            wanted.push(Wanted::read(key, text)?);
        }
        if !refused.is_empty() {
            return Err(Fault::bad_request(format!(
                "Invalid filters {} are found in query options.",
                refused.join(",")
            )));
        }
        Ok(Self { wanted, strict: context.version.has(2) })
    }

    /// The filters of snapshots that are about their volumes.
    ///
    /// # Errors
    /// As of [`Self::read`].
    pub(crate) fn of_volume(context: &Context, keys: &[&str]) -> Result<Self, Fault> {
        let given = context.query.iter().filter(|(key, _)| keys.contains(key));
        let wanted = given.map(|(key, text)| Wanted::read(key, text)).collect::<Result<_, Fault>>()?;
        Ok(Self { wanted, strict: true })
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The value of one that wants exactly a text.
    pub(crate) fn exact(&self, key: &str) -> Option<&str> {
        self.wanted.iter().find(|wanted| wanted.key == key && !wanted.like).map(|wanted| wanted.text.as_str())
    }

    /// Checks what can be wrong with the filters before anything is looked at.
    ///
    /// # Errors
    /// 400 for a truth that is none.
    pub(crate) fn check(&self, truths: &[&str]) -> Result<(), Fault> {
        for wanted in self.wanted.iter().filter(|wanted| truths.contains(&wanted.key.as_str())) {
            self.truth(wanted)?;
        }
        Ok(())
    }

    /// Whether something passes all of them.
    ///
    /// # Errors
    /// 400 for a truth that is none.
    pub(crate) fn pass<T: Filterable>(&self, item: &T) -> Result<bool, Fault> {
        for wanted in &self.wanted {
            let Some(value) = item.filter_value(&wanted.key) else { return Ok(false) };
            let passes = match &value {
                FilterValue::Truth(truth) => self.truth(wanted)? == *truth,
                value => wanted.fits(value),
            };
            if !passes {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn truth(&self, wanted: &Wanted) -> Result<bool, Fault> {
        if self.strict {
            let shown: String = wanted.text.chars().take(255).collect();
            return truth(&wanted.text).ok_or_else(|| Fault::invalid_input(format!("'{} = {shown}'", wanted.key)));
        }
        // Before 3.2 everything was true but these.
        Ok(!matches!(wanted.text.as_str(), "False" | "false" | "FALSE" | ""))
    }
}

fn may_use<T: Filterable>(key: &str, like: bool) -> bool {
    let allowed = resource_filters::allowed(T::RESOURCE);
    allowed.contains(&key) || (like && allowed.iter().any(|known| known.strip_suffix('~') == Some(key)))
}

impl Wanted {
    fn read(key: &str, text: &str) -> Result<Self, Fault> {
        let like = key.ends_with('~');
        let moments = match key {
            "created_at" | "updated_at" => moments(key, text)?,
            _ => Vec::new(),
        };
        let key = key.trim_end_matches('~').to_owned();
        Ok(Self { key, value: literal(text), text: text.to_owned(), moments, like })
    }

    fn fits(&self, value: &FilterValue<'_>) -> bool {
        match value {
            FilterValue::Nothing => self.value == Some(Value::Null),
            FilterValue::Text(text) if self.like => contains(text, &self.text),
            FilterValue::Name(text) | FilterValue::Host(text) if self.like => contains(text, &self.text),
            FilterValue::Text(text) => self.is(text),
            FilterValue::Name(name) => self.text == **name,
            FilterValue::Host(host) => {
                let rest = host.strip_prefix(self.text.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['@', '#']))
            }
            FilterValue::Number(number) => integer(&self.text) == Some(i128::from(*number)),
            FilterValue::Truth(_) => false,
            FilterValue::Moment(moment) => {
                !self.moments.is_empty() && self.moments.iter().all(|(comparison, than)| comparison.holds(moment, than))
            }
            FilterValue::Pairs(pairs) => match &self.value {
                Some(Value::Object(map)) => {
                    map.iter().all(|(key, value)| pairs.get(key).is_some_and(|own| *own == Str(value).to_string()))
                }
                _ => false,
            },
        }
    }

    /// Whether it is this text: as it was sent, as the value that was sent, or one of several.
    fn is(&self, text: &str) -> bool {
        let same = |value: &Value| value.as_str() == Some(text);
        match &self.value {
            Some(Value::Array(values)) => values.iter().any(same),
            Some(value) if same(value) => true,
            _ => self.text == text,
        }
    }
}

/// As databases compare with `LIKE`: whatever the case.
fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

impl Comparison {
    fn holds(self, own: &Timestamp, than: &Timestamp) -> bool {
        match self {
            Self::Greater => own > than,
            Self::GreaterOrEqual => own >= than,
            Self::Equal => own == than,
            Self::NotEqual => own != than,
            Self::Less => own < than,
            Self::LessOrEqual => own <= than,
        }
    }
}

/// `gt:2016-01-01T00:00:00,lt:2017-01-01`.
fn moments(key: &str, text: &str) -> Result<Vec<(Comparison, Timestamp)>, Fault> {
    let shown = |text: &str| text.chars().take(64).collect::<String>();
    let parts = text.split(',').take(16).map(|part| {
        let (operator, time) = part.split_once(':').unwrap_or((part, ""));
        let comparison = match operator {
            "gt" => Comparison::Greater,
            "gte" => Comparison::GreaterOrEqual,
            "eq" => Comparison::Equal,
            "neq" => Comparison::NotEqual,
            "lt" => Comparison::Less,
            "lte" => Comparison::LessOrEqual,
            other => return Err(Fault::bad_request(format!("Invalid {} operator", shown(other)))),
        };
        let named = if time.is_empty() { key } else { time };
        let moment = scalar::moment(time).ok_or_else(|| Fault::bad_request(format!("Invalid {} value", shown(named))));
        Ok((comparison, moment?))
    });
    parts.collect()
}
