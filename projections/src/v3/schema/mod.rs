//! What a request's body must look like: Cinder's JSON schemas as tables, with the texts that its checker has.
//!
//! A schema is a list of rules, looked at in the order in which they stand; the first one that is broken is told. So
//! `Kind` stands first, and `Closed` where Cinder has `additionalProperties`.

mod kind;

use serde_json::{Map, Value};

use super::fault::Fault;
use super::python::{Repr, Str, quoted};

pub(crate) use kind::*;

/// Rules for one value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema(pub(crate) &'static [Rule]);

/// One rule for a value. All but `Kind`, `OneOf`, `Any`, `One` and `Format` let values of other kinds pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// It is of one of these kinds.
    Kind(&'static [Kind]),
    /// These keys, where they are there, have values that fit.
    Keys(&'static [(&'static str, Schema)]),
    /// Keys that this pattern fits have values that fit.
    Pattern(Pattern, Schema),
    /// These keys are there.
    Required(&'static [&'static str]),
    /// There are no keys but those of `Keys` and `Pattern` in the same schema.
    Closed,
    /// There are at least so many keys.
    KeysMin(usize),
    /// There are at most so many keys.
    KeysMax(usize),
    /// The text has at least so many characters.
    CharsMin(usize),
    /// The text has at most so many characters.
    CharsMax(usize),
    /// The pattern fits the text.
    Text(Pattern),
    /// The number, also one in a text, is not smaller.
    Min(i64),
    /// The number, also one in a text, is not larger.
    Max(i64),
    /// It is one of these.
    OneOf(&'static [Constant]),
    /// At least one of these fits.
    Any(&'static [Schema]),
    /// Exactly one of these fits.
    One(&'static [Schema]),
    /// Every item of the list fits.
    Items(Schema),
    /// The list has at least so many items.
    ItemsMin(usize),
    /// No two items of the list are the same.
    Unique,
    /// What no other rule can say.
    Format(fn(&Value) -> Result<(), Misfit>),
}

/// The kinds of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Integer,
    Boolean,
    Null,
}

/// A regular expression as Cinder shows it, and what it means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    /// As it is shown.
    pub(crate) shown: &'static str,
    /// Whether it fits.
    pub(crate) fits: fn(&str) -> bool,
}

/// A value that can stand in a table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Constant {
    Text(&'static str),
    Boolean(bool),
}

/// What a format finds wrong.
#[derive(Debug)]
pub(crate) enum Misfit {
    /// It is not a thing of that name: "'x' is not a 'uuid'".
    NotA(&'static str),
    /// Something that is told as it is.
    Says(String),
}

/// A rule that is broken.
struct Broken {
    /// The last key or index on the way there.
    at: Option<String>,
    /// What is wrong, or all that is to be told when there is no value.
    message: String,
    /// The value.
    value: Option<String>,
}

impl Schema {
    /// Checks a value.
    ///
    /// # Errors
    /// 400 with the text of Cinder's checker.
    pub(crate) fn check(&self, value: &Value) -> Result<(), Fault> {
        self.broken(value, None).map_err(|broken| {
            Fault::bad_request(match (broken.at, broken.value) {
                (Some(at), Some(value)) => {
                    format!("Invalid input for field/attribute {at}. Value: {value}. {}", broken.message)
                }
                _ => broken.message,
            })
        })
    }

    fn fits(&self, value: &Value) -> bool {
        self.broken(value, None).is_ok()
    }

    fn broken(&self, value: &Value, at: Option<&str>) -> Result<(), Broken> {
        self.0.iter().try_for_each(|rule| {
            let broken = |message: String| Broken {
                at: at.map(|at| at.chars().take(255).collect()),
                message,
                value: Some(Str(value).to_string()),
            };
            match (rule, value) {
                (Rule::Keys(keys), Value::Object(map)) => {
                    let given = keys.iter().filter_map(|(key, schema)| Some((key, schema, map.get(*key)?)));
                    given.into_iter().try_for_each(|(key, schema, item)| schema.broken(item, Some(key)))
                }
                (Rule::Pattern(pattern, schema), Value::Object(map)) => {
                    let mut fitting = map.iter().filter(|(key, _)| (pattern.fits)(key));
                    fitting.try_for_each(|(key, item)| schema.broken(item, Some(key)))
                }
                (Rule::Items(schema), Value::Array(items)) => {
                    let mut items = items.iter().enumerate();
                    items.try_for_each(|(index, item)| schema.broken(item, Some(&index.to_string())))
                }
                (Rule::Closed, Value::Object(map)) => self.closed(map).map_err(broken),
                (Rule::Format(check), value) => check(value).map_err(|misfit| match misfit {
                    Misfit::NotA(name) => broken(format!("{} is not a {}", Repr(value), quoted(name))),
                    Misfit::Says(text) => Broken { at: None, message: text, value: None },
                }),
                (rule, value) => rule.check(value).map_err(broken),
            }
        })
    }

    fn closed(&self, map: &Map<String, Value>) -> Result<(), String> {
        let mut pattern = None;
        let known = |key: &str, pattern: &mut Option<Pattern>| {
            self.0.iter().any(|rule| match rule {
                Rule::Keys(keys) => keys.iter().any(|(known, _)| *known == key),
                Rule::Pattern(found, _) => {
                    *pattern = Some(*found);
                    (found.fits)(key)
                }
                _ => false,
            })
        };
        let extra: Vec<String> = map.keys().filter(|key| !known(key, &mut pattern)).map(|key| quoted(key)).collect();
        match (extra.len(), pattern) {
            (0, _) => Ok(()),
            (count, Some(pattern)) => {
                let verb = if count == 1 { "does" } else { "do" };
                let pattern = quoted(pattern.shown);
                Err(format!("{} {verb} not match any of the regexes: {pattern}", extra.join(", ")))
            }
            (count, None) => {
                let verb = if count == 1 { "was" } else { "were" };
                Err(format!("Additional properties are not allowed ({} {verb} unexpected)", extra.join(", ")))
            }
        }
    }
}

impl Rule {
    /// The rules that look at one value only.
    fn check(&self, value: &Value) -> Result<(), String> {
        let shown = Repr(value);
        let ensure = |fits: bool, message: String| if fits { Ok(()) } else { Err(message) };
        match (self, value) {
            (Self::Kind(kinds), value) => {
                let names: Vec<String> = kinds.iter().map(|kind| quoted(kind.name())).collect();
                ensure(kinds.iter().any(|kind| kind.has(value)), format!("{shown} is not of type {}", names.join(", ")))
            }
            (Self::Required(keys), Value::Object(map)) => match keys.iter().find(|key| !map.contains_key(**key)) {
                Some(missing) => Err(format!("{} is a required property", quoted(missing))),
                None => Ok(()),
            },
            (Self::KeysMin(least), Value::Object(map)) => {
                let fault = if *least == 1 { "should be non-empty" } else { "does not have enough properties" };
                ensure(map.len() >= *least, format!("{shown} {fault}"))
            }
            (Self::KeysMax(most), Value::Object(map)) => {
                ensure(map.len() <= *most, format!("{shown} has too many properties"))
            }
            (Self::ItemsMin(least), Value::Array(items)) => {
                let fault = if *least == 1 { "should be non-empty" } else { "is too short" };
                ensure(items.len() >= *least, format!("{shown} {fault}"))
            }
            (Self::CharsMin(least), Value::String(text)) => {
                let fault = if *least == 1 { "should be non-empty" } else { "is too short" };
                ensure(text.chars().count() >= *least, format!("{shown} {fault}"))
            }
            (Self::CharsMax(most), Value::String(text)) => {
                ensure(text.chars().count() <= *most, format!("{shown} is too long"))
            }
            (Self::Text(pattern), Value::String(text)) => {
                ensure((pattern.fits)(text), format!("{shown} does not match {}", quoted(pattern.shown)))
            }
            (Self::Min(least), value) => bound(value, |number| number < f64_of(*least))
                .map_or(Ok(()), |number| Err(format!("{number} is less than the minimum of {least}"))),
            (Self::Max(most), value) => bound(value, |number| number > f64_of(*most))
                .map_or(Ok(()), |number| Err(format!("{number} is greater than the maximum of {most}"))),
            (Self::OneOf(constants), value) => {
                let names: Vec<String> = constants.iter().map(|constant| constant.repr()).collect();
                let fits = constants.iter().any(|constant| constant.is(value));
                ensure(fits, format!("{shown} is not one of [{}]", names.join(", ")))
            }
            (Self::Any(schemas), value) => ensure(
                schemas.iter().any(|schema| schema.fits(value)),
                format!("{shown} is not valid under any of the given schemas"),
            ),
            (Self::One(schemas), value) => match schemas.iter().filter(|schema| schema.fits(value)).count() {
                1 => Ok(()),
                0 => Err(format!("{shown} is not valid under any of the given schemas")),
                _ => Err(format!("{shown} is valid under each of the given schemas")),
            },
            (Self::Unique, Value::Array(items)) => {
                let twice = items.iter().enumerate().any(|(index, item)| items[..index].contains(item));
                ensure(!twice, format!("{shown} has non-unique elements"))
            }
            _ => Ok(()),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bounds are small, and numbers beyond them need no precision")]
fn f64_of(bound: i64) -> f64 {
    bound as f64
}

/// The number in a value, also one in a text, when it is out of bounds.
fn bound(value: &Value, is_out: impl Fn(f64) -> bool) -> Option<String> {
    let (number, shown) = match value {
        Value::Number(number) => (number.as_f64()?, number.to_string()),
        Value::String(text) => (text.trim().parse().ok()?, text.trim().to_owned()),
        _ => return None,
    };
    is_out(number).then(|| shown.chars().take(64).collect())
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Array => "array",
            Self::Text => "string",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Null => "null",
        }
    }

    fn has(self, value: &Value) -> bool {
        match self {
            Self::Object => value.is_object(),
            Self::Array => value.is_array(),
            Self::Text => value.is_string(),
            // A number too large for 64 bits is kept as one with a fraction, and stays outside every bound.
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Boolean => value.is_boolean(),
            Self::Null => value.is_null(),
        }
    }
}

impl Constant {
    fn is(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text),
            Self::Boolean(truth) => value.as_bool() == Some(*truth),
        }
    }

    fn repr(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Boolean(true) => "True".to_owned(),
            Self::Boolean(false) => "False".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
