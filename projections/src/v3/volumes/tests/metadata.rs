use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::{act, show};
use crate::v3::testing::{Api, Reply};

#[tokio::test]
async fn metadata_is_read_and_changed_whole_and_by_key() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let path = format!("/volumes/{id}/metadata");
    let at = |key: &str| format!("{path}/{key}");
    let set = api.post("p/member", &path, 0, json!({"metadata": {"a": "1", "b": "2"}})).await;
    assert_eq!(set.with(200), json!({"metadata": {"a": "1", "b": "2"}}));
    let added = api.post("p/member", &path, 0, json!({"metadata": {"c": "3"}})).await;
    assert_eq!(added.with(200), json!({"metadata": {"a": "1", "b": "2", "c": "3"}}));
    let one = api.put("p/member", &at("a"), 0, json!({"meta": {"a": "9"}})).await;
    assert_eq!(one.with(200), json!({"meta": {"a": "9"}}));
    assert_eq!(api.get("p/reader", &at("a"), 0).await.with(200), json!({"meta": {"a": "9"}}));
    let gone = api.delete("p/member", &at("a"), 0).await;
    assert_eq!((gone.status, gone.text.as_str()), (200, ""));
    let missing = (404, format!("Volume {id} has no metadata with key a."));
    assert_eq!(api.delete("p/member", &at("a"), 0).await.fault(), missing);
    assert_eq!(api.get("p/member", &at("a"), 0).await.fault(), missing);
    let all = api.put("p/member", &path, 0, json!({"metadata": {"z": ""}})).await;
    assert_eq!(all.with(200), json!({"metadata": {"z": ""}}));
    assert_eq!(show(&api, "p/member", &id, 0).await["metadata"], json!({"z": ""}));
    for (body, expected) in [
        (json!({"meta": {"x": "1"}}), "Request body and URI mismatch"),
        (json!({"metadata": {}}), "'meta' is a required property"),
    ] {
        assert_eq!(api.put("p/member", &at("k"), 0, body).await.fault(), (400, expected.to_owned()));
    }
}

/// Who says what it takes the metadata for changes it only while it is so.
#[tokio::test]
async fn tags_keep_two_writers_apart() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let path = format!("/volumes/{id}/metadata");
    assert_eq!(api.get("p/member", &path, 14).await.header("etag"), None);
    let tag = api.get("p/member", &path, 15).await.header("etag").unwrap().to_owned();
    let put = |path: String, tag: String, minor: u16, body: Value| {
        let api = &api;
        async move {
            let request = Request::put(format!("/v3/p{path}"))
                .header("x-auth-token", Api::token("p/member"))
                .header("openstack-api-version", format!("volume 3.{minor}"))
                .header("content-type", "application/json")
                .header("if-match", tag)
                .body(Body::from(body.to_string()));
            let reply: Reply = api.send(request.unwrap()).await;
            (reply.status, reply.text)
        }
    };
    let changed = put(path.clone(), tag.clone(), 15, json!({"metadata": {"a": "1"}})).await;
    assert_eq!(changed, (200, r#"{"metadata":{"a":"1"}}"#.to_owned()));
    let refused = (412, String::new());
    assert_eq!(put(path.clone(), tag.clone(), 15, json!({"metadata": {"a": "2"}})).await, refused);
    assert_eq!(put(format!("{path}/a"), tag.clone(), 15, json!({"meta": {"a": "2"}})).await, refused);
    // Before, nobody looks at it.
    assert_eq!(put(format!("{path}/a"), tag, 14, json!({"meta": {"a": "2"}})).await.0, 200);
    let tag = api.get("p/member", &path, 15).await.header("etag").unwrap().to_owned();
    assert_eq!(put(format!("{path}/a"), format!("\"{tag}\""), 15, json!({"meta": {"a": "3"}})).await.0, 200);
    assert_eq!(show(&api, "p/member", &id, 0).await["metadata"], json!({"a": "3"}));
}

#[tokio::test]
async fn image_metadata_is_kept_beside() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let path = format!("/volumes/{id}/action");
    let none = (404, format!("Glance metadata for volume/snapshot {id} cannot be found."));
    assert_eq!(act(&api, "p/member", &id, 0, json!({"os-show_image_metadata": null})).await, none);
    let set = json!({"os-set_image_metadata": {"metadata": {"image_name": "cirros"}}});
    let expected = json!({"metadata": {"image_name": "cirros"}});
    assert_eq!(api.post("p/member", &path, 0, set).await.with(200), expected);
    let shown = json!({"os-show_image_metadata": null});
    assert_eq!(api.post("p/reader", &path, 0, shown).await.with(200), expected);
    assert_eq!(show(&api, "p/member", &id, 0).await["volume_image_metadata"], json!({"image_name": "cirros"}));
    let unset = |key: &str| json!({"os-unset_image_metadata": {"key": key}});
    assert_eq!(act(&api, "p/member", &id, 0, unset("nope")).await, none);
    assert_eq!(act(&api, "p/member", &id, 0, unset("image_name")).await, (200, String::new()));
    assert!(show(&api, "p/member", &id, 0).await.get("volume_image_metadata").is_none());
}
