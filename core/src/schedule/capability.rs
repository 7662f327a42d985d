//! What backends report about themselves, as values that keep the types that JSON gave them.
//!
//! In JSON these are what Cinder's drivers report (`"free_capacity_gb": "infinite"`); in bincode, which does not
//! describe itself, they are enums. The private `*Binary` mirrors below are that second form.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The longest text of a capability that goes into a decision, in characters.
const SHOWN_CHARS_MAX: usize = 160;

/// The largest capacity in GiB and the largest ratio that a report may hold: 2^53, beyond which not every whole number
/// has an f64. It keeps every weight finite, and so readable when it comes back from JSON.
pub(super) const REPORTED_MAX: f64 = 9_007_199_254_740_992.0;

/// A capacity in GiB. Drivers that cannot measure say `"infinite"` or `"unknown"`; Cinder treats both alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many GiB; from 0 to 2^53 when it came from JSON.
    Number(f64),
    /// More than anybody can ask for.
    Infinite,
    /// The driver cannot tell.
    Unknown,
}

impl Amount {
    /// The number of GiB, when there is one.
    #[must_use]
    pub fn gib(self) -> Option<f64> {
        match self {
            Self::Number(gib) => Some(gib),
            Self::Infinite | Self::Unknown => None,
        }
    }

    /// The amount as a capability, for extra specs that ask for it.
    #[must_use]
    pub fn to_capability(self) -> Capability {
        match self {
            Self::Number(gib) => Capability::Float(gib),
            Self::Infinite => Capability::Text("infinite".into()),
            Self::Unknown => Capability::Text("unknown".into()),
        }
    }
}

/// A max_over_subscription_ratio: a number, or `"auto"` to follow what the pool has used so far.
///
/// JSON may hold the number as text as well, because Cinder's drivers report it as `"20.0"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ratio {
    /// A fixed ratio; from 0 to 2^53 when it came from JSON.
    Number(f64),
    /// 1 + provisioned / (used + 1), see `cinder/scheduler/sched_utils.py`, `calculate_max_over_subscription_ratio`.
    Auto,
}

/// Everything a backend says about itself apart from capacities, by name.
pub type Capabilities = BTreeMap<String, Capability>;

/// One reported value. Its type matters: to an extra spec without an operator the number 10 is not the text `10`.
#[derive(Debug, Clone, PartialEq)]
pub enum Capability {
    /// Reported, but without a value.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number within 64 bits.
    Int(i64),
    /// Any other number; always finite when it came from JSON.
    Float(f64),
    /// A text.
    Text(String),
    /// Several values; an extra spec is met when any of them meets it.
    List(Vec<Capability>),
    /// Named values, which extra specs reach as `capabilities:outer:inner`.
    Map(BTreeMap<String, Capability>),
}

/// The value as people write it: texts in quotes, lists and maps as in JSON, cut after 160 characters.
impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => match text.char_indices().nth(SHOWN_CHARS_MAX) {
                Some((end, _)) => write!(f, "{:?}…", &text[..end]),
                None => write!(f, "{text:?}"),
            },
            Self::List(_) | Self::Map(_) => {
                let text = serde_json::to_string(self).map_err(|_| fmt::Error)?;
                match text.char_indices().nth(SHOWN_CHARS_MAX) {
                    Some((end, _)) => write!(f, "{}…", &text[..end]),
                    None => f.write_str(&text),
                }
            }
        }
    }
}

// ---- JSON and bincode ----

#[derive(Serialize, Deserialize)]
#[serde(remote = "Amount", rename_all = "snake_case")]
enum AmountBinary {
    Number(f64),
    Infinite,
    Unknown,
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return AmountBinary::serialize(self, serializer);
        }
        match self {
            Self::Number(gib) => finite(*gib, serializer),
            Self::Infinite => serializer.serialize_str("infinite"),
            Self::Unknown => serializer.serialize_str("unknown"),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return AmountBinary::deserialize(deserializer);
        }
        match Capability::deserialize(deserializer)? {
            Capability::Text(text) if text == "infinite" => Ok(Self::Infinite),
            Capability::Text(text) if text == "unknown" => Ok(Self::Unknown),
            value => not_negative(&value).map(Self::Number).ok_or_else(|| {
                D::Error::custom(format_args!(
                    "a capacity is a number of GiB from 0 to 2^53, \"infinite\" or \"unknown\", not {value}"
                ))
            }),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Ratio", rename_all = "snake_case")]
enum RatioBinary {
    Number(f64),
    Auto,
}

impl Serialize for Ratio {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return RatioBinary::serialize(self, serializer);
        }
        match self {
            Self::Number(ratio) => finite(*ratio, serializer),
            Self::Auto => serializer.serialize_str("auto"),
        }
    }
}

impl<'de> Deserialize<'de> for Ratio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return RatioBinary::deserialize(deserializer);
        }
        let value = Capability::deserialize(deserializer)?;
        let number = match &value {
            Capability::Text(text) if text == "auto" => return Ok(Self::Auto),
            Capability::Text(text) => {
                super::extra_spec::parse_float(text).and_then(|n| not_negative(&Capability::Float(n)))
            }
            other => not_negative(other),
        };
        number.map(Self::Number).ok_or_else(|| {
            D::Error::custom(format_args!(
                "max_over_subscription_ratio is a number from 0 to 2^53 or \"auto\", not {value}"
            ))
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Capability", rename_all = "snake_case")]
enum CapabilityBinary {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Capability>),
    Map(BTreeMap<String, Capability>),
}

impl Serialize for Capability {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return CapabilityBinary::serialize(self, serializer);
        }
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => finite(*value, serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => values.serialize(serializer),
            Self::Map(values) => values.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Capability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(AnyJson)
        } else {
            CapabilityBinary::deserialize(deserializer)
        }
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Capability;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value whose whole numbers fit 64 bits")
    }

    fn visit_unit<E>(self) -> Result<Capability, E> {
        Ok(Capability::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Capability, E> {
        Ok(Capability::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Capability, E> {
        Ok(Capability::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Capability, E> {
        i64::try_from(value)
            .map(Capability::Int)
            .map_err(|_| E::custom(format_args!("{value} is above 2^63-1, the largest whole number of a capability")))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Capability, E> {
        Ok(Capability::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Capability, E> {
        Ok(Capability::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Capability, E> {
        Ok(Capability::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Capability, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Capability::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<Capability, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = items.next_entry::<String, _>()? {
            if map.contains_key(&name) {
                return Err(A::Error::custom(format_args!("{name:?} is there twice")));
            }
            map.insert(name, value);
        }
        Ok(Capability::Map(map))
    }
}

/// serde_json would write NaN and infinities as null, which reads back as something else.
fn finite<S: Serializer>(number: f64, serializer: S) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        serializer.serialize_f64(number)
    } else {
        Err(S::Error::custom(format_args!("{number} cannot be written as JSON")))
    }
}

/// A reported number that the scheduler computes with: finite, from 0 to [`REPORTED_MAX`].
#[expect(clippy::cast_precision_loss, reason = "what loses precision is refused")]
fn not_negative(value: &Capability) -> Option<f64> {
    let number = match value {
        Capability::Int(value) => *value as f64,
        Capability::Float(value) => *value,
        _ => return None,
    };
    is_computable(number).then_some(number)
}

pub(super) fn is_computable(number: f64) -> bool {
    (0.0..=REPORTED_MAX).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_ratios_read_what_drivers_report() {
        let amount = |text| serde_json::from_str::<Amount>(text).map_err(|error| error.to_string());
        assert_eq!(amount("12.5"), Ok(Amount::Number(12.5)));
        assert_eq!(amount("0"), Ok(Amount::Number(0.0)));
        assert_eq!(amount("\"infinite\""), Ok(Amount::Infinite));
        assert_eq!(amount("\"unknown\""), Ok(Amount::Unknown));
        for (bad, shown) in [("-1", "-1"), ("\"12\"", "\"12\""), ("null", "null"), ("true", "true"), ("1e300", "1e300")]
        {
            assert_eq!(
                amount(bad),
                Err(format!("a capacity is a number of GiB from 0 to 2^53, \"infinite\" or \"unknown\", not {shown}"))
            );
        }
        let ratio = |text| serde_json::from_str::<Ratio>(text).map_err(|error| error.to_string());
        assert_eq!(ratio("\"20.0\""), Ok(Ratio::Number(20.0)));
        assert_eq!(ratio("1.5"), Ok(Ratio::Number(1.5)));
        assert_eq!(ratio("\"auto\""), Ok(Ratio::Auto));
        for bad in ["\"nan\"", "\"inf\"", "1e300", "-1", "\"many\"", "false"] {
            assert!(ratio(bad).unwrap_err().contains("a number from 0 to 2^53 or \"auto\""), "{bad}");
        }
    }

    #[test]
    fn capabilities_keep_their_json_types() {
        let text = r#"{"a":null,"b":true,"c":-3,"d":1.0,"e":"10","f":["iSCSI",1],"g":{"h":{}}}"#;
        let read: Capabilities = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), text);
        assert_eq!(read["d"], Capability::Float(1.0));
        assert_eq!(read["f"].to_string(), r#"["iSCSI",1]"#);
        let bytes = bincode::serde::encode_to_vec(&read, bincode::config::standard()).unwrap();
        let (back, _): (Capabilities, _) =
            bincode::serde::decode_from_slice(&bytes, bincode::config::standard()).unwrap();
        assert_eq!(back, read);
    }

    #[test]
    fn nothing_is_lost_silently() {
        let error = |text| serde_json::from_str::<Capability>(text).unwrap_err().to_string();
        assert!(error("18446744073709551615").contains("above 2^63-1"));
        assert!(error(r#"{"a":1,"a":2}"#).contains("\"a\" is there twice"));
        assert!(serde_json::to_string(&Capability::Float(f64::NAN)).is_err());
        assert!(serde_json::to_string(&Amount::Number(f64::INFINITY)).is_err());
        assert_eq!(Capability::Text("x".repeat(500)).to_string().chars().count(), 163);
    }
}
