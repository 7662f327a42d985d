use axum::http::{HeaderMap, Uri, header};
use serde::Serialize;

/// Where the client reached us, for the links in answers.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    /// Such as `http://host:8776/v3/<project>`; without the project where the client's path has none.
    pub(crate) base: String,
    /// The same without the `/v3`.
    bookmark: String,
}

/// One link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Link {
    /// What it is.
    pub(crate) rel: &'static str,
    /// Where it leads.
    pub(crate) href: String,
}

/// The scheme, host and port by which a client reached us, such as `http://host:8776`.
pub(crate) fn origin(headers: &HeaderMap, uri: &Uri) -> String {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // Of several proxies the last one wrote last; Cinder takes the same.
    let forwarded = text("x-forwarded-host").and_then(|hosts| hosts.rsplit(',').next()).map(str::trim);
    let own = || text(header::HOST.as_str()).or_else(|| uri.authority().map(|authority| authority.as_str()));
    let host = forwarded.filter(|host| !host.is_empty()).or_else(own).unwrap_or("localhost");
    let scheme = text("x-forwarded-proto").filter(|scheme| *scheme == "https").unwrap_or("http");
    format!("{scheme}://{host}")
}

impl Links {
    /// Links to what the client reached at `origin`, with the project when its path had one.
    pub(crate) fn new(origin: &str, project: Option<&str>) -> Self {
        let project = project.map(|project| format!("/{project}")).unwrap_or_default();
        Self { base: format!("{origin}/v3{project}"), bookmark: format!("{origin}{project}") }
    }

    /// The two links of every resource.
    pub(crate) fn of(&self, collection: &str, id: &str) -> [Link; 2] {
        [
            Link { rel: "self", href: format!("{}/{collection}/{id}", self.base) },
            Link { rel: "bookmark", href: format!("{}/{collection}/{id}", self.bookmark) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_where_the_client_came_from() {
        for (headers, expected) in [
            (vec![], "http://localhost"),
            (vec![("host", "cell:8776")], "http://cell:8776"),
            (vec![("host", "cell:8776"), ("x-forwarded-host", "a, b"), ("x-forwarded-proto", "https")], "https://b"),
            (vec![("host", "cell"), ("x-forwarded-proto", "javascript")], "http://cell"),
        ] {
            let headers: HeaderMap =
                headers.into_iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            assert_eq!(origin(&headers, &Uri::from_static("/v3")), expected);
        }
        let [own, bookmark] = Links::new("http://cell", Some("p")).of("volumes", "1");
        assert_eq!((own.href.as_str(), own.rel), ("http://cell/v3/p/volumes/1", "self"));
        assert_eq!((bookmark.href.as_str(), bookmark.rel), ("http://cell/p/volumes/1", "bookmark"));
        assert_eq!(Links::new("http://cell", None).of("volumes", "1")[0].href, "http://cell/v3/volumes/1");
    }
}
