//! Does the pool fulfil the query of a hint? (`cinder/scheduler/filters/json_filter.py`)
//!
//! A query is a list: an operator, then its arguments, which may be lists themselves. A text that begins with `$` stands
//! for what the pool says; what it does not say is left out of the arguments. Values are compared and taken for true
//! or false as Python does it, because that is what Cinder's users wrote their queries for.

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::schedule::decision::{Check, CheckName};
use crate::schedule::free_space::round2;
use crate::schedule::place::PoolView;
use crate::schedule::stats::PoolStats;
use crate::schedule::{Amount, Capability};

/// How much of a query and of a value is shown.
const SHOWN_CHARS_MAX: usize = 160;
/// How many variables a check shows.
const VARIABLES_SHOWN: usize = 6;

/// A query whose form is right.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    text: String,
    value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    Greater,
    In,
    LessOrEqual,
    GreaterOrEqual,
    Not,
    Or,
    And,
}

const OPERATORS: &[(&str, Operator)] = &[
    ("=", Operator::Equal),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("in", Operator::In),
    ("<=", Operator::LessOrEqual),
    (">=", Operator::GreaterOrEqual),
    ("not", Operator::Not),
    ("or", Operator::Or),
    ("and", Operator::And),
];

/// What a query may ask a pool, besides its capabilities behind `$capabilities.`.
const VARIABLES: &[&str] = &[
    "volume_backend_name",
    "vendor_name",
    "driver_version",
    "storage_protocol",
    "QoS_support",
    "reserved_percentage",
    "max_over_subscription_ratio",
    "thin_provisioning_support",
    "thick_provisioning_support",
    "multiattach",
    "filter_function",
    "goodness_function",
];

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
        check_form(&value)?;
        Ok(Self { text: text.to_owned(), value })
    }
}

fn check_form(value: &Value) -> Result<(), String> {
    if !is_true(value) {
        return Ok(());
    }
    let Value::Array(list) = value else { return Err("it is not a list".to_owned()) };
    operator(list)?;
    list.iter().skip(1).filter(|part| part.is_array()).try_for_each(check_form)
}

fn operator(list: &[Value]) -> Result<Operator, String> {
    let first = list.first().and_then(Value::as_str);
    let known = first.and_then(|first| OPERATORS.iter().find(|(name, _)| *name == first));
    known.map(|(_, operator)| *operator).ok_or_else(|| {
        let names: Vec<&str> = OPERATORS.iter().map(|(name, _)| *name).collect();
        let found = list.first().map_or_else(String::new, |found| cut(&found.to_string()));
        format!("a list begins with {found}, which is none of {}", names.join(", "))
    })
}

/// Passes the pools for which the query is true. One whose values cannot be compared is rejected with the reason.
#[must_use]
pub fn check(query: &Query, pool: &PoolView<'_>, stats: &PoolStats) -> Check {
    let mut seen: Vec<(String, Option<Value>)> = Vec::new();
    let answer = evaluate(&query.value, &mut |name| {
        let value = variable(name, pool, stats);
        if !seen.iter().any(|(known, _)| known == name) {
            seen.push((name.to_owned(), value.clone()));
        }
        value
    });
    let mut observed = String::new();
    for (name, value) in seen.iter().take(VARIABLES_SHOWN) {
        let value = value.as_ref().map_or_else(|| "not reported".to_owned(), |value| cut(&value.to_string()));
        let separator = if observed.is_empty() { "" } else { "; " };
        // Writing to a String cannot fail.
        let _ = write!(observed, "{separator}{} is {value}", cut(name));
    }
    let passed = match answer {
        // What `not` gives is a list, of which one true element is enough.
        Ok(Value::Array(list)) => list.iter().any(is_true),
        Ok(value) => is_true(&value),
        Err(why) => {
            observed = why;
            false
        }
    };
    if observed.is_empty() {
        observed = "nothing of the pool is asked for".to_owned();
    }
    Check::new(CheckName::Query, passed, observed, cut(&query.text))
}

fn evaluate(value: &Value, variable: &mut dyn FnMut(&str) -> Option<Value>) -> Result<Value, String> {
    let Value::Array(list) = value else { return Ok(Value::Bool(true)) };
    if list.is_empty() {
        return Ok(Value::Bool(true));
    }
    let operator = operator(list)?;
    let mut arguments = Vec::with_capacity(list.len());
    for argument in &list[1..] {
        match argument {
            Value::Array(_) => arguments.push(evaluate(argument, variable)?),
            Value::String(text) if text.starts_with('$') => arguments.extend(variable(text)),
            Value::String(text) if text.is_empty() => {}
            Value::Null => {}
            plain => arguments.push(plain.clone()),
        }
    }
    apply(operator, &arguments)
}

fn apply(operator: Operator, arguments: &[Value]) -> Result<Value, String> {
    let orders = |fits: fn(Ordering) -> bool| compare(arguments, |first, other| order(first, other).map(fits));
    Ok(Value::Bool(match operator {
        Operator::Equal => compare(arguments, |first, other| Ok(is_equal(first, other)))?,
        Operator::Less => orders(Ordering::is_lt)?,
        Operator::Greater => orders(Ordering::is_gt)?,
        Operator::LessOrEqual => orders(Ordering::is_le)?,
        Operator::GreaterOrEqual => orders(Ordering::is_ge)?,
        Operator::In => arguments.split_first().is_some_and(|(first, rest)| rest.iter().any(|r| is_equal(first, r))),
        Operator::Or => arguments.iter().any(is_true),
        Operator::And => arguments.iter().all(is_true),
        Operator::Not => return Ok(arguments.iter().map(|argument| Value::Bool(!is_true(argument))).collect()),
    }))
}

/// The first argument with each of the others; false when there is nothing to compare it with.
fn compare(arguments: &[Value], holds: impl Fn(&Value, &Value) -> Result<bool, String>) -> Result<bool, String> {
    let Some((first, rest)) = arguments.split_first() else { return Ok(false) };
    for other in rest {
        if !holds(first, other)? {
            return Ok(false);
        }
    }
    Ok(!rest.is_empty())
}

fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    let order = match (number(a), number(b), a.as_str(), b.as_str()) {
        (Some(a), Some(b), ..) => a.partial_cmp(&b),
        (_, _, Some(a), Some(b)) => Some(a.cmp(b)),
        _ => None,
    };
    order.ok_or_else(|| format!("{} and {} cannot be compared", cut(&a.to_string()), cut(&b.to_string())))
}

fn is_equal(a: &Value, b: &Value) -> bool {
    match (number(a), number(b)) {
        (Some(a), Some(b)) => a.partial_cmp(&b) == Some(Ordering::Equal),
        _ => a == b,
    }
}

/// In Python true and false are the numbers 1 and 0.
fn number(value: &Value) -> Option<f64> {
    value.as_bool().map(|flag| f64::from(u8::from(flag))).or_else(|| value.as_f64())
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        other => number(other).is_some_and(|number| number != 0.0),
    }
}

/// What the pool says behind `$name.key`; Cinder's `BackendState` has these names.
fn variable(name: &str, pool: &PoolView<'_>, stats: &PoolStats) -> Option<Value> {
    let mut path = name.trim_start_matches('$').split('.');
    let view = stats.capabilities_view().or_allocated_gib(pool.allocated_gib);
    #[expect(clippy::cast_precision_loss, reason = "no pool has 2^53 GiB")]
    let claimed_gib = pool.claimed_gib as f64;
    let mut value = match path.next()? {
        "host" | "backend_id" => json!(pool.pool),
        "pool_name" => json!(pool.pool.pool()),
        // As Cinder's, these contain what was given away since the last report.
        "free_capacity_gb" => match stats.free_capacity_gb? {
            Amount::Number(free) => json!(round2(free - claimed_gib)),
            other => of(&other.to_capability()),
        },
        "provisioned_capacity_gb" => json!(stats.provisioned_capacity_gb + claimed_gib),
        "allocated_capacity_gb" => json!(pool.allocated_gib),
        "total_capacity_gb" => of(&stats.total_capacity_gb.to_capability()),
        "capabilities" => of(view.get(path.next()?)?.as_ref()),
        known if VARIABLES.contains(&known) => of(view.get(known)?.as_ref()),
        _ => return None,
    };
    for key in path {
        value = value.get_mut(key)?.take();
    }
    (!value.is_null()).then_some(value)
}

fn of(capability: &Capability) -> Value {
    match capability {
        Capability::Null => Value::Null,
        Capability::Bool(flag) => json!(flag),
        Capability::Int(number) => json!(number),
        Capability::Float(number) => json!(number),
        Capability::Text(text) => json!(text),
        Capability::List(values) => values.iter().map(of).collect(),
        Capability::Map(values) => values.iter().map(|(key, value)| (key.clone(), of(value))).collect(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
