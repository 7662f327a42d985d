use serde_json::Value;
use uuid::Uuid;

use super::{Constant, Kind, Misfit, Pattern, Rule, Schema};

/// A body that has one key, and what is under it: `under!("os-extend", EXTEND)`.
macro_rules! under {
    ($key:literal, $schema:expr) => {
        $crate::v3::schema::Schema(&[
            $crate::v3::schema::Rule::Kind(&[$crate::v3::schema::Kind::Object]),
            $crate::v3::schema::Rule::Keys(&[($key, $schema)]),
            $crate::v3::schema::Rule::Required(&[$key]),
            $crate::v3::schema::Rule::Closed,
        ])
    };
}
pub(crate) use under;

/// An object with these keys and no others: `object!({ "a" => TEXT, "b" => BOOLEAN } required ["a"])`.
macro_rules! object {
    ({ $($key:literal => $schema:expr),* $(,)? } $(required [$($required:literal),+])?) => {
        $crate::v3::schema::Schema(&[
            $crate::v3::schema::Rule::Kind(&[$crate::v3::schema::Kind::Object]),
            $crate::v3::schema::Rule::Keys(&[$(($key, $schema)),*]),
            $($crate::v3::schema::Rule::Required(&[$($required),+]),)?
            $crate::v3::schema::Rule::Closed,
        ])
    };
}
pub(crate) use object;

/// The most that a size, an offset or a quota can be.
pub(crate) const INTEGER_MAX: i64 = i32::MAX as i64;

/// Anything.
pub(crate) const ANYTHING: Schema = Schema(&[]);

/// A text, or nothing, of at most 255 characters.
pub(crate) const TEXT_OR_NULL: Schema = Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::CharsMax(255)]);

/// A text.
pub(crate) const TEXT: Schema = Schema(&[Rule::Kind(&[Kind::Text])]);

/// A name that is there: Cinder's `name`.
pub(crate) const NAME: Schema =
    Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMin(1), Rule::CharsMax(255), Rule::Format(name)]);

/// A description: Cinder's `description`.
pub(crate) const DESCRIPTION: Schema =
    Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::CharsMax(255), Rule::Format(printable)]);

/// A truth in any of its spellings.
pub(crate) const BOOLEAN: Schema = Schema(&[Rule::Kind(&[Kind::Boolean, Kind::Text]), Rule::OneOf(TRUTHS)]);

/// A truth or nothing.
pub(crate) const BOOLEAN_OR_NULL: Schema = Schema(&[Rule::One(&[NULL, BOOLEAN])]);

/// Nothing.
pub(crate) const NULL: Schema = Schema(&[Rule::Kind(&[Kind::Null])]);

/// An id.
pub(crate) const UUID: Schema = Schema(&[Rule::Kind(&[Kind::Text]), Rule::Format(uuid)]);

/// An id or nothing.
pub(crate) const UUID_OR_NULL: Schema = Schema(&[Rule::One(&[UUID, NULL])]);

/// A size in GiB, as a number or a text of digits.
pub(crate) const SIZE: Schema =
    Schema(&[Rule::Kind(&[Kind::Integer, Kind::Text]), Rule::Text(DIGITS), Rule::Min(1), Rule::Max(INTEGER_MAX)]);

/// A size or nothing.
pub(crate) const SIZE_OR_NULL: Schema = Schema(&[
    Rule::Kind(&[Kind::Integer, Kind::Text, Kind::Null]),
    Rule::Text(DIGITS),
    Rule::Min(1),
    Rule::Max(INTEGER_MAX),
]);

/// Metadata or extra specs: keys of a few plain characters with short texts.
pub(crate) const PAIRS: Schema = Schema(&[
    Rule::Kind(&[Kind::Object]),
    Rule::Pattern(KEY, Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(255)])),
    Rule::Closed,
]);

/// The same, or nothing.
pub(crate) const PAIRS_OR_NULL: Schema = Schema(&[
    Rule::Kind(&[Kind::Object, Kind::Null]),
    Rule::Pattern(KEY, Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(255)])),
    Rule::Closed,
]);

/// One pair of metadata.
pub(crate) const PAIR: Schema = Schema(&[
    Rule::Kind(&[Kind::Object]),
    Rule::Pattern(KEY, Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(255)])),
    Rule::Closed,
    Rule::KeysMin(1),
    Rule::KeysMax(1),
]);

/// A name that may be missing, be nothing or be empty; spaces around it do not count.
pub(crate) const TRIMMED_NAME: Schema =
    Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::Format(|value| trimmed(value, "name"))]);

/// The same of a description.
pub(crate) const TRIMMED_DESCRIPTION: Schema =
    Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::Format(|value| trimmed(value, "description"))]);

/// An availability zone or nothing.
pub(crate) const ZONE: Schema =
    Schema(&[Rule::Kind(&[Kind::Text, Kind::Null]), Rule::CharsMin(1), Rule::CharsMax(255)]);

/// Metadata of images, whose values may be longer.
pub(crate) const IMAGE_PAIRS: Schema = Schema(&[
    Rule::Kind(&[Kind::Object]),
    Rule::Pattern(KEY, Schema(&[Rule::Kind(&[Kind::Text]), Rule::CharsMax(65_535)])),
    Rule::Closed,
]);

/// The keys of metadata and extra specs.
pub(crate) const KEY: Pattern = Pattern {
    shown: "^[a-zA-Z0-9-_:. /]{1,255}$",
    fits: |text| (1..=255).contains(&text.len()) && text.bytes().all(|b| is_plain(b) || b == b' ' || b == b'/'),
};

/// The keys of specs that have no spaces and no slashes.
pub(crate) const KEY_WITHOUT_SPACES: Pattern = Pattern {
    shown: "^[a-zA-Z0-9-_:.]{1,255}$",
    fits: |text| (1..=255).contains(&text.len()) && text.bytes().all(is_plain),
};

const DIGITS: Pattern =
    Pattern { shown: "^[0-9]+$", fits: |text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) };

/// The spellings of a truth, in Cinder's order.
const TRUTHS: &[Constant] = &[
    Constant::Boolean(true),
    Constant::Text("True"),
    Constant::Text("TRUE"),
    Constant::Text("true"),
    Constant::Text("1"),
    Constant::Text("ON"),
    Constant::Text("On"),
    Constant::Text("on"),
    Constant::Text("YES"),
    Constant::Text("Yes"),
    Constant::Text("yes"),
    Constant::Text("y"),
    Constant::Text("t"),
    Constant::Boolean(false),
    Constant::Text("False"),
    Constant::Text("FALSE"),
    Constant::Text("false"),
    Constant::Text("0"),
    Constant::Text("OFF"),
    Constant::Text("Off"),
    Constant::Text("off"),
    Constant::Text("NO"),
    Constant::Text("No"),
    Constant::Text("no"),
    Constant::Text("n"),
    Constant::Text("f"),
];

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_:.".contains(&byte)
}

/// A name in words: Cinder's format `name`.
fn name(value: &Value) -> Result<(), Misfit> {
    match value.as_str() {
        Some(text) if !text.is_empty() && text.trim().is_empty() => {
            Err(Misfit::Says("An invalid 'name' value was provided. The 'name' can not be empty.".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Characters that can be shown. Cinder's own pattern is thousands of characters long; its text is not repeated.
fn printable(value: &Value) -> Result<(), Misfit> {
    match value.as_str() {
        Some(text) if text.chars().any(char::is_control) => Err(Misfit::NotA("printable text")),
        _ => Ok(()),
    }
}

fn uuid(value: &Value) -> Result<(), Misfit> {
    let fits = value.as_str().is_some_and(is_uuid);
    if fits { Ok(()) } else { Err(Misfit::NotA("uuid")) }
}

/// Whether a text is an id, with or without dashes.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() <= 64 && Uuid::parse_str(text.trim()).is_ok()
}

/// At most 255 characters without the spaces around them.
pub(crate) fn trimmed(value: &Value, what: &str) -> Result<(), Misfit> {
    let chars = value.as_str().map_or(0, |text| text.trim().chars().count());
    if chars > 255 {
        let text = format!("Invalid input received: {what} has {chars} characters, more than 255.");
        return Err(Misfit::Says(text));
    }
    Ok(())
}

/// A status by its name, where one is given; Cinder shows those that there are in a tuple or a list.
pub(crate) fn stated(value: &Value, what: &str, statuses: &[&str], (open, close): (char, char)) -> Result<(), Misfit> {
    let Some(given) = value.as_str().filter(|text| !text.is_empty()) else { return Ok(()) };
    if statuses.contains(&given.to_lowercase().as_str()) {
        return Ok(());
    }
    let known: Vec<String> = statuses.iter().map(|status| super::quoted(status)).collect();
    let shown: String = given.chars().take(255).collect();
    let text = format!("{what}: {shown} is invalid, valid statuses are: {open}{}{close}.", known.join(", "));
    Err(Misfit::Says(text))
}
