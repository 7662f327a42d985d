use serde_json::{Value, json};

use crate::v3::testing::Api;

const NOWHERE: &str = "00000000-0000-4000-8000-00000000abcd";

#[tokio::test]
async fn a_group_type_is_made_shown_changed_and_removed() {
    let api = Api::start().await;
    let body = json!({"group_type": {"name": "gold", "description": null, "group_specs": {"a": "b"}}});
    let made = api.post("p/admin", "/group_types", 11, body).await.with(202);
    let id = made["group_type"]["id"].as_str().unwrap().to_owned();
    let mut expected =
        json!({"id": id, "name": "gold", "description": null, "is_public": true, "group_specs": {"a": "b"}});
    assert_eq!(made, json!({"group_type": expected}));
    let path = format!("/group_types/{id}");
    assert_eq!(api.get("p/admin", &path, 11).await.with(200), made);
    let change = json!({"group_type": {"name": "silver", "is_public": false}});
    (expected["name"], expected["is_public"]) = (json!("silver"), json!(false));
    assert_eq!(api.put("p/admin", &path, 11, change).await.with(200), json!({"group_type": expected}));
    let missing = (404, format!("Group type {id} could not be found."));
    assert_eq!(api.get("p/member", &path, 11).await.fault(), missing, "it is not public");
    api.put("p/admin", &path, 11, json!({"group_type": {"is_public": "yes"}})).await.with(200);
    let listed = api.get("p/member", "/group_types", 11).await.with(200);
    let for_users = json!({"id": id, "name": "silver", "description": null, "is_public": true});
    assert_eq!(listed, json!({"group_types": [for_users]}), "the specs are for operators");
    assert_eq!(api.delete("p/admin", &path, 11).await.with(202), Value::Null);
    assert_eq!(api.get("p/admin", &path, 11).await.fault(), missing);
}

#[tokio::test]
async fn specs_change_key_by_key() {
    let api = Api::start().await;
    let body = json!({"group_type": {"name": "gold"}});
    let made = api.post("p/admin", "/group_types", 11, body).await.with(202);
    let id = made["group_type"]["id"].as_str().unwrap();
    let path = format!("/group_types/{id}/group_specs");
    let sent = json!({"group_specs": {"a": "1", "b": "2"}});
    assert_eq!(api.post("p/admin", &path, 11, sent.clone()).await.with(202), sent);
    let item = json!({"a": "3"});
    assert_eq!(api.put("p/admin", &format!("{path}/a"), 11, item.clone()).await.with(200), item);
    assert_eq!(api.get("p/admin", &format!("{path}/a"), 11).await.with(200), item);
    assert_eq!(api.delete("p/admin", &format!("{path}/b"), 11).await.with(202), Value::Null);
    assert_eq!(api.get("p/admin", &path, 11).await.with(200), json!({"group_specs": {"a": "3"}}));
    for (method, key, body, status, text) in [
        ("GET", "/b", Value::Null, 404, format!("Group Type {id} has no extra spec with key b.")),
        ("DELETE", "/b", Value::Null, 404, format!("Group Type {id} has no specs with key b.")),
        ("PUT", "/b", json!({"a": "1"}), 400, "Request body and URI mismatch".to_owned()),
        ("POST", "", json!({}), 400, "'group_specs' is a required property".to_owned()),
    ] {
        let body = Some(body).filter(|_| matches!(method, "POST" | "PUT"));
        let reply = api.ask(method, "p/admin", &format!("{path}{key}"), 11, body).await;
        assert_eq!(reply.fault(), (status, text), "{method} {key}");
    }
    let denied = "Policy doesn't allow group:group_types_specs:get_all to be performed.".to_owned();
    assert_eq!(api.get("p/member", &path, 11).await.fault(), (403, denied));
}

#[tokio::test]
async fn what_is_wrong_is_told_as_cinder_tells_it() {
    let api = Api::start().await;
    let body = json!({"group_type": {"name": "gold"}});
    let made = api.post("p/admin", "/group_types", 11, body.clone()).await.with(202);
    let gold = format!("/group_types/{}", made["group_type"]["id"].as_str().unwrap());
    let nothing = "Specify group type name, description or a combination thereof.";
    for (method, path, minor, body, status, text) in [
        ("POST", "/group_types", 11, body.clone(), 409, "Group Type gold already exists.".to_owned()),
        ("POST", "/group_types", 10, body.clone(), 404, "The resource could not be found.".to_owned()),
        ("POST", "/group_types", 11, json!({}), 400, "'group_type' is a required property".to_owned()),
        ("PUT", &gold, 11, json!({"group_type": {}}), 400, nothing.to_owned()),
        ("PUT", &gold, 11, json!({"group_type": {"name": " "}}), 400, "Group type name can not be empty.".to_owned()),
        ("GET", "/group_types/default", 11, Value::Null, 404, "Default group type can not be found.".to_owned()),
        ("GET", "/group_types?is_public=x", 11, Value::Null, 400, "Invalid is_public filter [x]".to_owned()),
        (
            "DELETE",
            &format!("/group_types/{NOWHERE}"),
            11,
            Value::Null,
            404,
            format!("Group type {NOWHERE} could not be found."),
        ),
    ] {
        let body = Some(body).filter(|_| matches!(method, "POST" | "PUT"));
        let reply = api.ask(method, "p/admin", path, minor, body).await;
        assert_eq!(reply.fault(), (status, text), "{method} {path}");
    }
}
