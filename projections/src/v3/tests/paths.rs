use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::v3::testing::Api;

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(method).uri(path).header("host", "cell:8776")
}

#[tokio::test]
async fn versions_are_announced() {
    let api = Api::start().await;
    let root = api.send(request("GET", "/").body(Body::empty()).unwrap()).await;
    let document = root.with(300);
    let version = &document["versions"][0];
    assert_eq!((&version["version"], &version["min_version"]), (&json!("3.71"), &json!("3.0")));
    assert_eq!(version["links"][1], json!({"rel": "self", "href": "http://cell:8776/v3/"}));
    for path in ["/v3", "/v3/"] {
        let unknown = api.send(request("GET", path).body(Body::empty()).unwrap()).await;
        assert_eq!(unknown.status, 401);
        let known = request("GET", path).header("x-auth-token", Api::token("p/reader"));
        assert_eq!(api.send(known.body(Body::empty()).unwrap()).await.with(200), document);
    }
}

/// What is wrong with a request before its route is asked, in the order in which it is found.
#[tokio::test]
async fn wrong_requests_are_told_apart_as_in_cinder() {
    let api = Api::start().await;
    let action = "There is no such action";
    let hint = "Verify the request body and Content-Type header and try again.";
    let nothing = "The resource could not be found.".to_owned();
    let malformed = "Malformed request body".to_owned();
    let json_type = Some("application/json");
    for (method, path, version, kind, body, expected) in [
        ("GET", "/v3/q/volumes", "3.0", None, "", (400, "Malformed request url".to_owned())),
        ("GET", "/v3/p/volumes/summary", "3.11", None, "", (404, nothing.clone())),
        ("POST", "/v3/p/volumes", "3.0", json_type, "{", (400, malformed.clone())),
        ("POST", "/v3/p/volumes", "3.0", json_type, "", (400, "None is not of type 'object'".to_owned())),
        ("POST", "/v3/p/volumes", "3.0", json_type, "[]", (400, "[] is not of type 'object'".to_owned())),
        ("POST", "/v3/p/volumes", "3.0", Some("text/xml"), "{}", (415, "Unsupported Content-Type".to_owned())),
        ("POST", "/v3/p/volumes", "3.0", None, "{}", (415, "Unsupported Content-Type".to_owned())),
        ("POST", "/v3/p/volumes/x/action", "3.0", json_type, "", (400, format!("{action}: None. {hint}"))),
        ("POST", "/v3/p/volumes/x/action", "3.0", json_type, "{}", (400, malformed.clone())),
        ("POST", "/v3/p/volumes/x/action", "3.0", json_type, r#"{"a":1,"b":2}"#, (400, malformed.clone())),
        ("POST", "/v3/p/volumes/x/action", "3.0", json_type, "null", (404, nothing.clone())),
        (
            "POST",
            "/v3/p/volumes/x/action",
            "3.0",
            json_type,
            r#"{"os-bogus":{}}"#,
            (400, format!("{action}: os-bogus. {hint}")),
        ),
        ("POST", "/v3/p/volumes/x/action", "3.39", json_type, r#"{"revert":{}}"#, (404, nothing.clone())),
        (
            "GET",
            "/v3/p/volumes",
            "3.72",
            None,
            "",
            (406, "Version 3.72 is not supported by the API. Minimum is 3.0 and maximum is 3.71.".to_owned()),
        ),
    ] {
        let mut sent = request(method, path)
            .header("x-auth-token", Api::token("p/member"))
            .header("openstack-api-version", format!("volume {version}"));
        if let Some(kind) = kind {
            sent = sent.header("content-type", kind);
        }
        let reply = api.send(sent.body(Body::from(body)).unwrap()).await;
        assert_eq!(reply.fault(), expected, "{method} {path} {version} {body}");
        assert_eq!(reply.header("openstack-api-version"), Some(format!("volume {version}").as_str()));
        assert_eq!(reply.header("content-type"), Some("application/json"));
        let id = reply.header("x-openstack-request-id");
        assert!(id.is_some_and(|id| id.starts_with("req-")) && id == reply.header("x-compute-request-id"));
    }
}

#[tokio::test]
async fn paths_that_lead_nowhere_get_the_router_s_answer() {
    let api = Api::start().await;
    for (method, path) in [
        ("GET", "/v3/p/bogus"),
        ("GET", "/v3/p"),
        ("GET", "/v3/p/volumes/"),
        ("DELETE", "/v3/p/volumes/"),
        ("PATCH", "/v3/p/volumes"),
        ("HEAD", "/v3/p/volumes"),
        ("GET", "/v3//volumes"),
        ("GET", "/v3/p/p/volumes"),
    ] {
        let sent = request(method, path).header("x-auth-token", Api::token("p/member"));
        let reply = api.send(sent.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, 404, "{method} {path}");
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=UTF-8"), "{method} {path}");
        let sent = api.send(request(method, path).body(Body::empty()).unwrap()).await;
        assert_eq!(sent.status, 401, "{method} {path}");
    }
}

/// The project in the path may be left out; then the links have none either.
#[tokio::test]
async fn paths_work_with_and_without_the_project() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    for (path, base) in [("/v3/p/volumes", "http://cell:8776/v3/p"), ("/v3/volumes", "http://cell:8776/v3")] {
        let sent = request("GET", &format!("{path}?limit=1")).header("x-auth-token", Api::token("p/member"));
        let list = api.send(sent.body(Body::empty()).unwrap()).await.with(200);
        assert_eq!(list["volumes"][0]["links"][0]["href"], format!("{base}/volumes/{id}"));
        assert_eq!(list["volumes_links"][0]["href"], format!("{base}/volumes?limit=1&marker={id}"));
    }
}

/// The log knows a command by the request that it came with.
#[tokio::test]
async fn the_request_s_id_is_in_the_log() {
    let api = Api::start().await;
    let reply = api.post("p/member", "/volumes", 0, json!({"volume": {"size": 1}})).await;
    let id = reply.header("x-openstack-request-id").unwrap().to_owned();
    let logged =
        api.cell(|cell| cell.entries.iter().any(|entry| String::from_utf8_lossy(&entry.payload).contains(&id))).await;
    assert!(logged, "{id}");
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_looked_at() {
    let api = Api::start().await;
    let sent = request("POST", "/v3/p/volumes")
        .header("x-auth-token", Api::token("p/member"))
        .header("content-type", "application/json");
    let reply = api.send(sent.body(Body::from(vec![b' '; 200_000])).unwrap()).await;
    assert_eq!(reply.fault(), (413, "Request is too large.".to_owned()));
    assert_eq!(reply.header("retry-after"), None);
}
