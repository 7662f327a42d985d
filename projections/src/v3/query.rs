use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::fault::Fault;
use super::python::truth;

/// The most parameters of a request.
const PARAMETERS_MAX: usize = 256;

/// What Cinder says to bytes that are no UTF-8.
pub(super) const UNDECODABLE: &str = "Error decoding your request. Either the URL or the request body contained \
                                      characters that could not be decoded by Cinder.";

/// The parameters behind the `?`, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    given: Vec<(String, String)>,
}

impl Query {
    /// Reads them.
    ///
    /// # Errors
    /// 400 for what is not UTF-8, and for more than anybody could mean.
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, Fault> {
        let pieces: Vec<&str> = query.unwrap_or_default().split('&').filter(|piece| !piece.is_empty()).collect();
        if pieces.len() > PARAMETERS_MAX {
            return Err(Fault::bad_request(format!("More than {PARAMETERS_MAX} parameters are given.")));
        }
        let given = pieces.into_iter().map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?, decode(value)?))
        });
        Ok(Self { given: given.collect::<Result<_, Fault>>()? })
    }

    /// The value of a parameter; of one that is given several times the last.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Every parameter, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.given.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A truth; false when it is not given.
    ///
    /// # Errors
    /// 400 for what is none.
    pub(crate) fn truth(&self, name: &str) -> Result<bool, Fault> {
        let Some(text) = self.get(name) else { return Ok(false) };
        let shown: String = text.chars().take(255).collect();
        truth(text).ok_or_else(|| Fault::bad_request(format!("Value '{shown}' for '{name}' is not a boolean.")))
    }

    /// The same parameters with another one set, as they stand behind the `?` of a link.
    pub(crate) fn with(&self, name: &str, value: &str) -> String {
        let kept = self.iter().filter(|(given, _)| *given != name);
        let mut text = String::new();
        for (name, value) in kept.chain([(name, value)]) {
            if !text.is_empty() {
                text.push('&');
            }
            encode(&mut text, name);
            text.push('=');
            encode(&mut text, value);
        }
        text
    }
}

fn decode(text: &str) -> Result<String, Fault> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    percent_decode_str(&spaced).decode_utf8().map(Cow::into_owned).map_err(|_| Fault::bad_request(UNDECODABLE))
}

/// As Python's `quote_plus`: clients compare links byte by byte with what they would write themselves.
fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            byte if byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte) => out.push(char::from(byte)),
            byte => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_written_again() {
        let query =
            Query::parse(Some("limit=1&sort=id:asc,name&marker=old&metadata=%7B'a':+'2'%7D&x&limit=2")).unwrap();
        assert_eq!(query.get("limit"), Some("2"));
        assert_eq!(query.get("metadata"), Some("{'a': '2'}"));
        assert_eq!(query.get("x"), Some(""));
        assert_eq!(query.get("nope"), None);
        let link = query.with("marker", "new");
        let expected = "limit=1&sort=id%3Aasc%2Cname&metadata=%7B%27a%27%3A+%272%27%7D&x=&limit=2&marker=new";
        assert_eq!(link, expected);
        assert_eq!(Query::parse(Some(&link)).unwrap().with("marker", "new"), link);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, expected) in [
            ("name=%ff".to_owned(), UNDECODABLE),
            ("%fe=x".to_owned(), UNDECODABLE),
            ("a&".repeat(300), "More than 256 parameters are given."),
        ] {
            let told = Query::parse(Some(&text)).map_err(|fault| fault.message().to_owned());
            assert_eq!(told, Err(expected.to_owned()));
        }
        let query = Query::parse(Some("cascade=maybe&force=TRUE")).unwrap();
        assert_eq!(query.truth("force"), Ok(true));
        assert_eq!(query.truth("absent"), Ok(false));
        let told = query.truth("cascade").map_err(|fault| fault.message().to_owned());
        assert_eq!(told, Err("Value 'maybe' for 'cascade' is not a boolean.".to_owned()));
    }
}
