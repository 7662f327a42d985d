use std::fmt;

use axum::http::{HeaderMap, HeaderValue};

use super::fault::Fault;

/// The newest minor version that is served; `docs/cinder-compatibility.md` says what it contains.
pub(crate) const NEWEST: u16 = 71;

/// The header by which a client asks for a version and is told it.
pub(crate) const VERSION_HEADER: &str = "openstack-api-version";

const SERVICE: &str = "volume";

/// A microversion: the N of 3.N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u16);

impl Version {
    /// What a client gets that asks for none.
    pub(crate) const OLDEST: Self = Self(0);

    /// Whether it has what came with 3.`minor`.
    pub(crate) fn has(self, minor: u16) -> bool {
        self.0 >= minor
    }

    /// As in the answer's header.
    pub(crate) fn header(self) -> HeaderValue {
        // Ascii letters and digits always make a header.
        HeaderValue::try_from(format!("{SERVICE} {self}")).unwrap_or_else(|_| HeaderValue::from_static(SERVICE))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "3.{}", self.0)
    }
}

/// What is wrong with the version that a client asks for.
#[derive(Debug)]
pub(crate) struct Unsupported {
    /// The answer.
    pub(crate) fault: Fault,
    /// What the answer's version header says: what was asked for, when that is a version at all.
    pub(crate) asked: Option<HeaderValue>,
}

/// The version that the headers ask for.
pub(crate) fn asked(headers: &HeaderMap) -> Result<Version, Unsupported> {
    let Some(header) = headers.get(VERSION_HEADER) else { return Ok(Version::OLDEST) };
    let header = header.to_str().unwrap_or_default();
    let entry = header.split(',').find(|entry| entry.to_ascii_lowercase().contains(SERVICE));
    let Some(text) = entry.and_then(|entry| entry.split_whitespace().nth(1)) else {
        return Err(Unsupported { fault: Fault::malformed(), asked: None });
    };
    if text == "latest" {
        return Ok(Version(NEWEST));
    }
    let Some((major, minor)) = numbers(text) else {
        let shown: String = text.chars().take(64).collect();
        let text = format!("API Version String {shown} is of invalid format. Must be of format MajorNum.MinorNum.");
        return Err(Unsupported { fault: Fault::bad_request(text), asked: None });
    };
    match u16::try_from(minor) {
        Ok(minor) if major == 3 && minor <= NEWEST => Ok(Version(minor)),
        _ => {
            let text = format!(
                "Version {major}.{minor} is not supported by the API. Minimum is {} and maximum is {}.",
                Version::OLDEST,
                Version(NEWEST)
            );
            let asked = HeaderValue::try_from(format!("{SERVICE} {major}.{minor}")).ok();
            Err(Unsupported { fault: Fault::not_acceptable(text), asked })
        }
    }
}

/// Two numbers as Cinder reads them: `([1-9]\d*)\.([1-9]\d*|0)`.
fn numbers(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.split_once('.')?;
    let number = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        plain.then(|| text.parse::<u32>().ok()).flatten()
    };
    number(major).filter(|major| *major > 0).zip(number(minor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_cinder_reads_them() {
        let malformed = "The server could not comply with the request since it is either malformed or otherwise \
                         incorrect.";
        let format = |text: &str| {
            format!("API Version String {text} is of invalid format. Must be of format MajorNum.MinorNum.")
        };
        let unsupported =
            |text: &str| format!("Version {text} is not supported by the API. Minimum is 3.0 and maximum is 3.71.");
        for (header, expected) in [
            ("volume 3.0", Ok(0)),
            ("volume 3.71", Ok(71)),
            ("volume latest", Ok(71)),
            ("compute 2.1, volume 3.5", Ok(5)),
            ("volume 3.5, volume 3.6", Ok(5)),
            ("Volume 3.8", Ok(8)),
            ("volume  3.8 ", Ok(8)),
            ("compute 2.1", Err((400, malformed.to_owned()))),
            ("volume", Err((400, malformed.to_owned()))),
            ("", Err((400, malformed.to_owned()))),
            ("volume bogus", Err((400, format("bogus")))),
            ("volume 3.05", Err((400, format("3.05")))),
            ("volume 3", Err((400, format("3")))),
            ("volume 3.-1", Err((400, format("3.-1")))),
            ("volume 3.99999999999999999999", Err((400, format("3.99999999999999999999")))),
            ("volume 3.72", Err((406, unsupported("3.72")))),
            ("volume 2.0", Err((406, unsupported("2.0")))),
            ("volume 3.70000", Err((406, unsupported("3.70000")))),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(VERSION_HEADER, HeaderValue::try_from(header).unwrap());
            let read = asked(&headers).map(|version| version.0).map_err(|unsupported| {
                assert_eq!(unsupported.asked.is_some(), unsupported.fault.status() == 406);
                (unsupported.fault.status().as_u16(), unsupported.fault.message().to_owned())
            });
            assert_eq!(read, expected, "{header}");
        }
        assert_eq!(asked(&HeaderMap::new()).map(|version| version.0).map_err(|_| ()), Ok(0));
    }
}
