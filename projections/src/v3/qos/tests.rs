use serde_json::{Value, json};

use crate::v3::testing::Api;

const NOWHERE: &str = "00000000-0000-4000-8000-00000000abcd";

async fn made(api: &Api, body: Value) -> Value {
    api.post("p/admin", "/qos-specs", 0, json!({"qos_specs": body})).await.with(200)["qos_specs"].clone()
}

#[tokio::test]
async fn specs_are_made_shown_changed_and_removed() {
    let api = Api::start().await;
    let body = json!({"qos_specs": {"name": " slow ", "consumer": "both", "iops": "100", "unset": null}});
    let made = api.post("p/admin", "/qos-specs", 0, body).await.with(200);
    let id = made["qos_specs"]["id"].as_str().unwrap().to_owned();
    let expected = json!({
        "qos_specs": {"id": id, "name": "slow", "consumer": "both", "specs": {"iops": "100"}},
        "links": [
            {"rel": "self", "href": format!("http://cell:8776/v3/p/qos-specs/{id}")},
            {"rel": "bookmark", "href": format!("http://cell:8776/p/qos-specs/{id}")},
        ],
    });
    assert_eq!(made, expected);
    let path = format!("/qos-specs/{id}");
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), expected);
    let listed = api.get("p/admin", "/qos-specs", 0).await.with(200);
    assert_eq!(listed, json!({"qos_specs": [expected["qos_specs"]]}));
    let change = json!({"qos_specs": {"iops": "50", "consumer": "back-end", "name": "a key"}});
    assert_eq!(api.put("p/admin", &path, 0, change.clone()).await.with(200), change);
    let keys = json!({"keys": ["iops"]});
    assert_eq!(api.put("p/admin", &format!("{path}/delete_keys"), 0, keys).await.with(202), Value::Null);
    let now = api.get("p/admin", &path, 0).await.with(200)["qos_specs"].clone();
    let expected = json!({"id": id, "name": "slow", "consumer": "back-end", "specs": {"name": "a key"}});
    assert_eq!(now, expected);
    assert_eq!(api.delete("p/admin", &format!("{path}?force=False"), 0).await.with(202), Value::Null);
    assert_eq!(api.get("p/admin", &path, 0).await.fault(), (404, format!("No such QoS spec {id}.")));
}

#[tokio::test]
async fn types_come_to_use_specs() {
    let api = Api::start().await;
    let (slow, fast) = (made(&api, json!({"name": "slow"})).await, made(&api, json!({"name": "fast"})).await);
    let (slow, fast) = (slow["id"].as_str().unwrap(), fast["id"].as_str().unwrap());
    let body = json!({"volume_type": {"name": "gold"}});
    let gold = api.post("p/admin", "/types", 0, body).await.with(200)["volume_type"]["id"].clone();
    let gold = gold.as_str().unwrap();
    let associate = |id: &str| format!("/qos-specs/{id}/associate?vol_type_id={gold}");
    for _ in 0..2 {
        assert_eq!(api.get("p/admin", &associate(slow), 0).await.with(202), Value::Null);
    }
    let associations = format!("/qos-specs/{slow}/associations");
    let expected = json!({"qos_associations": [{"association_type": "volume_type", "name": "gold", "id": gold}]});
    assert_eq!(api.get("p/admin", &associations, 0).await.with(200), expected);
    let shown = api.get("p/admin", &format!("/types/{gold}"), 0).await.with(200);
    assert_eq!(shown["volume_type"]["qos_specs_id"], slow);
    let other = format!("Invalid volume type: Type {gold} is already associated with another qos specs: {slow}");
    assert_eq!(api.get("p/admin", &associate(fast), 0).await.fault(), (400, other));
    let in_use = (400, "Qos specs still in use.".to_owned());
    assert_eq!(api.delete("p/admin", &format!("/qos-specs/{slow}"), 0).await.fault(), in_use);
    api.get("p/admin", &format!("/qos-specs/{slow}/disassociate?vol_type_id={gold}"), 0).await.with(202);
    assert_eq!(api.get("p/admin", &associations, 0).await.with(200), json!({"qos_associations": []}));
    for path in [format!("/qos-specs/{slow}/disassociate_all"), associate(slow)] {
        assert_eq!(api.get("p/admin", &path, 0).await.with(202), Value::Null, "{path}");
    }
    api.delete("p/admin", &format!("/qos-specs/{slow}?force=True"), 0).await.with(202);
    let shown = api.get("p/admin", &format!("/types/{gold}"), 0).await.with(200);
    assert_eq!(shown["volume_type"]["qos_specs_id"], Value::Null);
}

#[tokio::test]
async fn what_is_wrong_is_told_as_cinder_tells_it() {
    let api = Api::start().await;
    let slow = made(&api, json!({"name": "slow"})).await["id"].as_str().unwrap().to_owned();
    let path = |rest: &str| format!("/qos-specs/{slow}{rest}");
    let (all, empty) = ("/qos-specs".to_owned(), "An invalid 'name' value was provided. The 'name' can not be empty.");
    let consumer = "Invalid qos specs: Valid consumer of QoS specs are: ['back-end', 'front-end', 'both']";
    let twice = "Invalid input for field/attribute keys. Value: ['a', 'a']. ['a', 'a'] has non-unique elements";
    let no_text = "Invalid input received: Value for key \"n\" is not a string or unicode";
    let nowhere = format!("/qos-specs/{NOWHERE}/associate?vol_type_id={NOWHERE}");
    for (method, path, body, status, text) in [
        ("POST", all.clone(), json!({}), 400, "'qos_specs' is a required property"),
        ("POST", all.clone(), json!({"qos_specs": {"name": " "}}), 400, empty),
        ("POST", all.clone(), json!({"qos_specs": {"name": "slow"}}), 409, "QoS Specs slow already exists."),
        ("POST", all.clone(), json!({"qos_specs": {"name": "x", "consumer": "x"}}), 400, consumer),
        ("POST", all.clone(), json!({"qos_specs": {"name": "x", "n": 5}}), 400, no_text),
        ("PUT", path("/delete_keys"), json!({"keys": ["a", "a"]}), 400, twice),
        ("PUT", path("/delete_keys"), json!({"keys": ["a"]}), 404, &format!("QoS spec {slow} has no spec with key a.")),
        ("GET", path("/associate"), Value::Null, 400, "Volume Type id must not be None."),
        (
            "GET",
            path(&format!("/associate?vol_type_id={NOWHERE}")),
            Value::Null,
            404,
            &format!("Volume type {NOWHERE} could not be found."),
        ),
        ("GET", nowhere, Value::Null, 404, &format!("No such QoS spec {NOWHERE}.")),
        ("GET", format!("{all}?marker=x"), Value::Null, 404, "No such QoS spec x."),
        ("GET", format!("{all}?sort=name"), Value::Null, 400, "Invalid input received: Invalid sort key"),
        ("DELETE", path("?force=maybe"), Value::Null, 400, "Value 'maybe' for 'force' is not a boolean."),
    ] {
        let body = Some(body).filter(|_| matches!(method, "POST" | "PUT"));
        let reply = api.ask(method, "p/admin", &path, 71, body.clone()).await;
        assert_eq!(reply.fault(), (status, text.to_owned()), "{method} {path} {body:?}");
    }
    let denied = "Policy doesn't allow volume_extension:qos_specs_manage:get_all to be performed.".to_owned();
    assert_eq!(api.get("p/member", "/qos-specs", 0).await.fault(), (403, denied));
}
