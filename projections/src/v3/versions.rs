use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::IntoResponse;
use serde::Serialize;

use super::answer::{Answer, Answered};
use super::context::Context;
use super::links::{Link, origin};
use super::routes::Routes;
use super::version::{NEWEST, Version};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get("", 0, show)
}

#[derive(Serialize)]
struct Document {
    versions: [Entry; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    id: &'static str,
    status: &'static str,
    version: String,
    #[serde(rename = "min_version")]
    min_version: String,
    updated: &'static str,
    links: (Described, Link),
    media_types: [MediaType; 1],
}

#[derive(Serialize)]
struct Described {
    rel: &'static str,
    r#type: &'static str,
    href: &'static str,
}

#[derive(Serialize)]
struct MediaType {
    base: &'static str,
    r#type: &'static str,
}

/// `GET /`: what versions there are, for anybody.
pub(super) async fn root(headers: HeaderMap, uri: Uri) -> impl IntoResponse {
    Answer::json(StatusCode::MULTIPLE_CHOICES, &document(&origin(&headers, &uri)))
}

/// The same below `/v3`.
pub(super) fn versions(headers: &HeaderMap, uri: &Uri) -> Answer {
    Answer::ok(&document(&origin(headers, uri)))
}

async fn show(context: Context) -> Answered {
    let base = context.links.base.clone();
    Ok(Answer::ok(&document(base.strip_suffix("/v3").unwrap_or(&base))))
}

fn document(origin: &str) -> Document {
    let described = Described {
        rel: "describedby",
        r#type: "text/html",
        href: "https://docs.openstack.org/api-ref/block-storage/",
    };
    let own = Link { rel: "self", href: format!("{origin}/v3/") };
    let media = MediaType { base: "application/json", r#type: "application/vnd.openstack.volume+json;version=3" };
    Document {
        versions: [Entry {
            id: "v3.0",
            status: "CURRENT",
            version: Version(NEWEST).to_string(),
            min_version: Version::OLDEST.to_string(),
            updated: "2023-08-31T00:00:00Z",
            links: (described, own),
            media_types: [media],
        }],
    }
}
