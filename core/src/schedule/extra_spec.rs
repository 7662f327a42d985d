//! The operator grammar of extra specs: does a reported value meet `<in> SCSI`, `>= 10`, `<or> FC <or> iSCSI`, ...?
//!
//! The rules are those of `cinder/scheduler/filters/extra_specs_ops.py`, oddities included: `=` means at least, only
//! the first operand word is read, and a text without a known operator is compared as it stands. Where Cinder's
//! scheduler would die of a TypeError or an IndexError, the answer here is no, with the reason.

use super::capability::Capability;

/// Whether a value meets a requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It cannot, because the two do not go together; the text says why.
    NoBecause(&'static str),
}

impl From<bool> for Match {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

const NOT_A_NUMBER: Match = Match::NoBecause("not a number");

/// Compares one reported value with one requirement; a requirement of `None` is met by [`Capability::Null`] only.
///
/// Source: `match` in `cinder/scheduler/filters/extra_specs_ops.py`.
#[must_use]
pub fn matches(value: &Capability, requirement: Option<&str>) -> Match {
    let Some(requirement) = requirement else {
        return Match::from(*value == Capability::Null);
    };
    let mut words = requirement.split(is_space).filter(|word| !word.is_empty());
    let Some(operator) = words.next().and_then(Operator::parse) else {
        return Match::from(is_text(value, requirement));
    };
    if *value == Capability::Null {
        return Match::No;
    }
    match (operator, words.next()) {
        (_, None) => Match::NoBecause("the operator has no operand"),
        (Operator::Or, Some(first)) => any_equal(value, first, words),
        (Operator::In, Some(operand)) => contains(value, operand),
        (Operator::Is, Some(operand)) => Match::from(truth(value) == truth_of_text(operand)),
        (Operator::Number(compare), Some(operand)) => match (number(value), parse_float(operand)) {
            (Ok(left), Some(right)) => Match::from(compare(&left, &right)),
            (Err(reason), _) => Match::NoBecause(reason),
            (Ok(_), None) => NOT_A_NUMBER,
        },
        // Python compares unlike types for equality, but cannot order them.
        (Operator::TextEqual { wanted }, Some(operand)) => Match::from(is_text(value, operand) == wanted),
        (Operator::TextOrder(compare), Some(operand)) => match value {
            Capability::Text(text) => Match::from(compare(text, operand)),
            _ => Match::NoBecause("only a text can be ordered among texts"),
        },
    }
}

/// Reads a number as Python's `float()` does: spaces around it, `1_000`, `1e3`, `.5`, `inf`, `nan`.
///
/// Decimal digits of other scripts, which Python reads as well, are not numbers here.
#[must_use]
pub fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    if !text.contains('_') {
        return text.parse().ok();
    }
    let bytes = text.as_bytes();
    let digit = |index: Option<usize>| index.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_digit);
    let between_digits = |i: usize| digit(i.checked_sub(1)) && digit(Some(i + 1));
    let misplaced = bytes.iter().enumerate().any(|(i, byte)| *byte == b'_' && !between_digits(i));
    if misplaced { None } else { text.replace('_', "").parse().ok() }
}

/// Reads a truth as oslo's `strutils.bool_from_string` does: all that is not a word for yes is false.
#[must_use]
pub fn truth_of_text(text: &str) -> bool {
    let text = text.trim_matches(is_space);
    ["1", "t", "true", "on", "y", "yes"].iter().any(|yes| text.eq_ignore_ascii_case(yes))
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Number(fn(&f64, &f64) -> bool),
    TextEqual { wanted: bool },
    TextOrder(fn(&str, &str) -> bool),
    In,
    Is,
    Or,
}

impl Operator {
    /// `<` and `>` alone are no operators in Cinder either.
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "=" | ">=" => Self::Number(f64::ge),
            "==" => Self::Number(f64::eq),
            "!=" => Self::Number(f64::ne),
            "<=" => Self::Number(f64::le),
            "s==" => Self::TextEqual { wanted: true },
            "s!=" => Self::TextEqual { wanted: false },
            "s<" => Self::TextOrder(|left, right| left < right),
            "s<=" => Self::TextOrder(|left, right| left <= right),
            "s>" => Self::TextOrder(|left, right| left > right),
            "s>=" => Self::TextOrder(|left, right| left >= right),
            "<in>" => Self::In,
            "<is>" => Self::Is,
            "<or>" => Self::Or,
            _ => return None,
        })
    }
}

fn is_text(value: &Capability, wanted: &str) -> bool {
    matches!(value, Capability::Text(text) if text == wanted)
}

/// `<or> first <or> b <or> c`: what stands where an `<or>` should is skipped unread.
fn any_equal<'a>(value: &Capability, first: &str, mut words: impl Iterator<Item = &'a str>) -> Match {
    let mut found = is_text(value, first);
    while let Some(word) = words.nth(1).filter(|_| !found) {
        found = is_text(value, word);
    }
    Match::from(found)
}

fn contains(value: &Capability, operand: &str) -> Match {
    match value {
        Capability::Text(text) => Match::from(text.contains(operand)),
        Capability::List(list) => Match::from(list.iter().any(|item| is_text(item, operand))),
        Capability::Map(map) => Match::from(map.contains_key(operand)),
        Capability::Null | Capability::Bool(_) | Capability::Int(_) | Capability::Float(_) => {
            Match::NoBecause("<in> needs a text or a list to look into")
        }
    }
}

fn truth(value: &Capability) -> bool {
    match value {
        Capability::Bool(value) => *value,
        Capability::Int(value) => *value == 1,
        Capability::Text(text) => truth_of_text(text),
        // Python writes these as "1.0", "['a']", ...: none is a word for yes.
        Capability::Null | Capability::Float(_) | Capability::List(_) | Capability::Map(_) => false,
    }
}

#[expect(clippy::cast_precision_loss, reason = "Python's float() rounds in the same way")]
fn number(value: &Capability) -> Result<f64, &'static str> {
    match value {
        Capability::Bool(value) => Ok(f64::from(u8::from(*value))),
        Capability::Int(value) => Ok(*value as f64),
        Capability::Float(value) => Ok(*value),
        Capability::Text(text) => parse_float(text).ok_or("not a number"),
        Capability::Null | Capability::List(_) | Capability::Map(_) => Err("a list or map is not a number"),
    }
}

/// Python's whitespace has four separators that Unicode's White_Space lacks.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Row {
        id: String,
        value: Capability,
        requirement: Option<String>,
        expected: String,
    }

    /// Made from the cases of Cinder's `ExtraSpecsOpsTestCase` (U) and from runs of its `match` (X).
    #[test]
    fn operators_conform() {
        let rows: Vec<Row> = serde_json::from_str(include_str!("testdata/operators.json")).unwrap();
        assert_eq!(rows.len(), 62);
        for row in rows {
            let got = matches(&row.value, row.requirement.as_deref());
            let fits = match row.expected.as_str() {
                "match" => got == Match::Yes,
                "no_match" => got != Match::Yes,
                "raises" => matches!(got, Match::NoBecause(_)),
                other => panic!("{other}"),
            };
            assert!(fits, "{}: {:?} {:?} -> {got:?}", row.id, row.value, row.requirement);
        }
    }

    #[test]
    fn numbers_are_pythons() {
        for (text, number) in
            [(" 1e3 ", 1000.0), ("1_000", 1000.0), (".5", 0.5), ("5.", 5.0), ("+Inf", f64::INFINITY), ("1E+2", 100.0)]
        {
            assert_eq!(parse_float(text), Some(number), "{text}");
        }
        assert!(parse_float("NaN").is_some_and(f64::is_nan));
        for text in ["", " ", "_1", "1_", "1__0", "1_e3", "0x10", "1,5", "1 2", "ten", "in_f", "."] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }

    #[test]
    fn unlike_types_answer_without_dying() {
        use Capability::{Bool, Float, Int, List, Map, Text};
        let list = List(vec![Text("a".into())]);
        for (value, requirement, expected) in [
            (Int(5), "s== 5", Match::No),
            (Int(5), "s!= 5", Match::Yes),
            (Int(5), "s< 6", Match::NoBecause("only a text can be ordered among texts")),
            (list.clone(), ">= 1", Match::NoBecause("a list or map is not a number")),
            (list, "<is> false", Match::Yes),
            (Bool(true), "== 1", Match::Yes),
            (Float(1.0), "<is> true", Match::No),
            (Map([("k".to_owned(), Int(1))].into()), "<in> k", Match::Yes),
            (Text("nan".into()), "== nan", Match::No),
            (Text("nan".into()), "!= nan", Match::Yes),
            (Text("5".into()), ">= x", Match::NoBecause("not a number")),
            (Text("b".into()), "<or> a x b", Match::Yes),
            (Text("x".into()), "<or> a x b", Match::No),
            (Text("a".into()), " a", Match::No),
            (Text("abc".into()), "\t<in>\u{1c}b", Match::Yes),
        ] {
            assert_eq!(matches(&value, Some(requirement)), expected, "{value} {requirement}");
        }
    }
}
