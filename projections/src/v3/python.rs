//! Values as Python writes and reads them: Cinder's texts quote them so, and its clients send some.

use std::fmt::{self, Display, Write as _};

use serde_json::Value;

/// The most bytes of a value that a text quotes.
const QUOTED_BYTES_MAX: usize = 2048;

/// A value as `repr` writes it, cut where it is long.
pub(crate) struct Repr<'a>(pub(crate) &'a Value);

impl Display for Repr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&cut(repr(self.0)))
    }
}

/// A value as `str` writes it: a text is itself.
pub(crate) struct Str<'a>(pub(crate) &'a Value);

impl Display for Str<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => f.write_str(&cut(text.clone())),
            other => Repr(other).fmt(f),
        }
    }
}

/// A text as `repr` writes it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quote(&mut out, text);
    cut(out)
}

fn cut(mut text: String) -> String {
    if text.len() > QUOTED_BYTES_MAX {
        let end = (0..=QUOTED_BYTES_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("None"),
        Value::Bool(true) => out.push_str("True"),
        Value::Bool(false) => out.push_str("False"),
        Value::Number(number) => {
            let _ = write!(out, "{number}");
        }
        Value::String(text) => quote(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => {
            out.push('{');
            for (index, (key, item)) in map.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                quote(out, key);
                out.push_str(": ");
                write(out, item);
            }
            out.push('}');
        }
    }
}

fn quote(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == mark => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(mark);
}

/// A truth as `oslo_utils.strutils.bool_from_string` reads it, when it is strict.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "t" | "true" | "on" | "y" | "yes" => Some(true),
        "0" | "f" | "false" | "off" | "n" | "no" => Some(false),
        _ => None,
    }
}

/// A truth in a body that the schema let through: JSON's own, or a text that says one.
pub(crate) fn truth_of(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) => truth(text),
        _ => None,
    }
}

/// A whole number as Python's `int` reads it from a text.
pub(crate) fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// A value as `ast.literal_eval` reads it: what Python's programs send as the filter `metadata={'key': 'value'}`.
/// JSON is read as well. `None` when it is neither.
pub(crate) fn literal(text: &str) -> Option<Value> {
    let mut reader = Literal { rest: text.trim(), depth: 0 };
    let value = reader.value()?;
    reader.rest.trim().is_empty().then_some(value)
}

/// How deep values may be within each other.
const DEPTH_MAX: u32 = 16;

struct Literal<'a> {
    rest: &'a str,
    depth: u32,
}

impl Literal<'_> {
    fn value(&mut self) -> Option<Value> {
        self.rest = self.rest.trim_start();
        let first = self.rest.chars().next()?;
        match first {
            '\'' | '"' => self.text().map(Value::String),
            '{' => self.nested(Self::map),
            '[' => self.nested(|reader| reader.items(']')),
            '(' => self.nested(|reader| reader.items(')')),
            _ => self.word(),
        }
    }

    fn nested(&mut self, read: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.depth += 1;
        let value = (self.depth <= DEPTH_MAX).then(|| read(self)).flatten();
        self.depth -= 1;
        value
    }

    fn map(&mut self) -> Option<Value> {
        self.take('{')?;
        let mut map = serde_json::Map::new();
        while self.take('}').is_none() {
            let key = match self.value()? {
                Value::String(text) => text,
                other => repr(&other),
            };
            self.take(':')?;
            map.insert(key, self.value()?);
            self.separator('}')?;
        }
        Some(Value::Object(map))
    }

    fn items(&mut self, end: char) -> Option<Value> {
        self.rest = &self.rest[1..];
        let mut items = Vec::new();
        while self.take(end).is_none() {
            items.push(self.value()?);
            self.separator(end)?;
        }
        Some(Value::Array(items))
    }

    /// A comma, or the end behind it.
    fn separator(&mut self, end: char) -> Option<()> {
        self.take(',').or_else(|| self.rest.trim_start().starts_with(end).then_some(()))
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        self.rest = self.rest.trim_start();
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn text(&mut self) -> Option<String> {
        let mark = self.rest.chars().next()?;
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                c if c == mark => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                c => text.push(c),
            }
        }
        None
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c)));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let value = match word {
            "True" | "true" => Value::Bool(true),
            "False" | "false" => Value::Bool(false),
            "None" | "null" => Value::Null,
            number => serde_json::from_str::<serde_json::Number>(number).ok().map(Value::Number)?,
        };
        self.rest = rest;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_written_as_python_writes_them() {
        for (value, expected) in [
            (json!(null), "None"),
            (json!(true), "True"),
            (json!(1.5), "1.5"),
            (json!("it's"), "\"it's\""),
            (json!("a'b\"c"), "'a\\'b\"c'"),
            (json!("a\n\u{1}"), "'a\\n\\x01'"),
            (json!({"a": [1, "x"], "b": {}}), "{'a': [1, 'x'], 'b': {}}"),
        ] {
            assert_eq!(Repr(&value).to_string(), expected);
        }
        assert_eq!(Str(&json!("it's")).to_string(), "it's");
        let long = Value::String("ä".repeat(5000));
        assert!(Repr(&long).to_string().len() < QUOTED_BYTES_MAX + 8);
    }

    #[test]
    fn literals_are_read_as_python_and_json() {
        for (text, expected) in [
            ("{'Type': 'work'}", Some(json!({"Type": "work"}))),
            ("{u'a': 1}", None),
            (r#"{"a": "b", "c": null}"#, Some(json!({"a": "b", "c": null}))),
            ("{'a': True, }", Some(json!({"a": true}))),
            ("{}", Some(json!({}))),
            ("[1, (2, 'x')]", Some(json!([1, [2, "x"]]))),
            ("'it\\'s'", Some(json!("it's"))),
            ("12", Some(json!(12))),
            ("-1.5", Some(json!(-1.5))),
            ("", None),
            ("{", None),
            ("{'a'", None),
            ("{'a': }", None),
            ("[1 2]", None),
            ("'a", None),
            ("'a\\", None),
            ("work", None),
            ("{'a': 'b'} x", None),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
        assert_eq!(literal(&"[".repeat(10_000)), None);
    }

    #[test]
    fn truths_and_numbers_are_read_as_oslo_reads_them() {
        for (text, expected) in [
            ("TRUE", Some(true)),
            (" on ", Some(true)),
            ("0", Some(false)),
            ("No", Some(false)),
            ("2", None),
            ("", None),
        ] {
            assert_eq!(truth(text), expected, "{text}");
        }
        for (text, expected) in
            [("5", Some(5)), (" +7 ", Some(7)), ("-1", Some(-1)), ("", None), ("-", None), ("1.0", None), ("0x1", None)]
        {
            assert_eq!(integer(text), expected, "{text}");
        }
    }
}
