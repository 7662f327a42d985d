use std::str::FromStr;

use percent_encoding::percent_decode_str;
use stele_core::moment::Moment;

use super::error::{ApiError, ErrorCode};

/// The most parameters of a request: every filter once, and as many keys of metadata as a volume can have.
const PARAMETERS_MAX: usize = 160;

/// The parameters behind the `?`. Each is taken by name; what is left at the end is unknown, and said so: a misspelled
/// filter that is ignored would answer with everything.
#[derive(Debug)]
pub(super) struct Parameters {
    given: Vec<(String, String)>,
    known: Vec<&'static str>,
}

impl Parameters {
    pub(super) fn parse(query: Option<&str>) -> Result<Self, ApiError> {
        let pieces: Vec<&str> = query.unwrap_or_default().split('&').filter(|piece| !piece.is_empty()).collect();
        if pieces.len() > PARAMETERS_MAX {
            let message = format!("{} parameters are given", pieces.len());
            return Err(ApiError::invalid(message, format!("give at most {PARAMETERS_MAX}")));
        }
        let given = pieces.into_iter().map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Self { given: given.collect::<Result<_, ApiError>>()?, known: Vec::new() })
    }

    /// A parameter that may be given once.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        let mut values = self.texts(name);
        if values.len() > 1 {
            return Err(ApiError::invalid(format!("{name} is given {} times", values.len()), "give it once"));
        }
        Ok(values.pop())
    }

    /// A parameter that may be given several times.
    pub(super) fn texts(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let (taken, rest) = std::mem::take(&mut self.given).into_iter().partition(|(given, _)| given == name);
        self.given = rest;
        let taken: Vec<(String, String)> = taken;
        taken.into_iter().map(|(_, value)| value).collect()
    }

    /// A parameter that is more than text.
    pub(super) fn value<T: FromStr>(&mut self, name: &'static str, rule: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let shown: String = text.chars().take(128).collect();
        let invalid = |error: T::Err| ApiError::invalid(format!("{name}={shown} cannot be: {error}"), rule);
        text.parse().map(Some).map_err(invalid)
    }

    /// The moment as of which the answer shall be.
    pub(super) fn moment(&mut self) -> Result<Moment, ApiError> {
        const RULE: &str = "give a position, or a time in RFC 3339 (a + in it is %2B), or nothing for now";
        Ok(self.value("at", RULE)?.unwrap_or_default())
    }

    /// Refuses what nobody took.
    pub(super) fn finish(self) -> Result<(), ApiError> {
        let Some((name, _)) = self.given.first() else { return Ok(()) };
        let shown: String = name.chars().take(64).collect();
        let remedy = format!("use {}", self.known.join(", "));
        Err(ApiError::new(ErrorCode::UnknownParameter, format!("there is no parameter {shown:?} here"), remedy))
    }
}

/// The moment, where that is all that can be chosen.
pub(super) fn moment(query: Option<&str>) -> Result<Moment, ApiError> {
    let mut given = Parameters::parse(query)?;
    let moment = given.moment()?;
    given.finish()?;
    Ok(moment)
}

fn decode(text: &str) -> Result<String, ApiError> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8();
    let invalid = |_| ApiError::invalid("the parameters are not UTF-8", "percent-encode them as UTF-8");
    decoded.map(|text| text.into_owned()).map_err(invalid)
}
