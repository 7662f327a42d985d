use serde_json::{Value, json};

use crate::v3::testing::Api;

const NOWHERE: &str = "00000000-0000-4000-8000-00000000abcd";

/// The newest version.
const NEWEST: u16 = 71;

fn at(field: &str, rest: &str) -> String {
    format!("Invalid input for field/attribute {field}. {rest}")
}

async fn made(api: &Api, body: Value) -> String {
    let made = api.post("p/admin", "/types", 0, json!({"volume_type": body})).await.with(200);
    made["volume_type"]["id"].as_str().unwrap().to_owned()
}

/// Asks for each row and compares the error.
async fn refuses(api: &Api, rows: Vec<(&str, String, Value, u16, String)>) {
    for (method, path, body, status, text) in rows {
        let body = Some(body).filter(|_| matches!(method, "POST" | "PUT"));
        let reply = api.ask(method, "p/admin", &path, NEWEST, body.clone()).await;
        assert_eq!(reply.fault(), (status, text), "{method} {path} {body:?}");
    }
}

#[tokio::test]
async fn a_type_is_made_shown_changed_and_removed() {
    let api = Api::start().await;
    let body = json!({"volume_type": {"name": "gold", "description": "fast", "extra_specs": {"a": "b", "n": null}}});
    let made = api.post("p/admin", "/types", 0, body).await.with(200);
    let id = made["volume_type"]["id"].as_str().unwrap().to_owned();
    let path = format!("/types/{id}");
    let expected = json!({
        "id": id, "name": "gold", "is_public": true, "description": "fast", "extra_specs": {"a": "b", "n": null},
        "os-volume-type-access:is_public": true,
    });
    assert_eq!(made, json!({"volume_type": expected}));
    let mut shown = expected.clone();
    shown["qos_specs_id"] = Value::Null;
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), json!({"volume_type": shown}));
    let mut for_users = expected.clone();
    for_users["extra_specs"] = json!({});
    assert_eq!(api.get("p/member", &path, 0).await.with(200), json!({"volume_type": for_users}));
    for_users.as_object_mut().unwrap().remove("os-volume-type-access:is_public");
    assert_eq!(api.get("p/reader", &path, 0).await.with(200), json!({"volume_type": for_users}));
    let change = json!({"volume_type": {"name": "silver", "description": null, "is_public": "no"}});
    let expected = json!({
        "id": id, "name": "silver", "is_public": false, "description": "fast", "extra_specs": {"a": "b", "n": null},
    });
    assert_eq!(api.put("p/admin", &path, 0, change).await.with(200), json!({"volume_type": expected}));
    assert_eq!(api.delete("p/admin", &path, 0).await.with(202), Value::Null);
    assert_eq!(api.get("p/admin", &path, 0).await.fault(), (404, format!("Volume type {id} could not be found.")));
}

#[tokio::test]
async fn what_is_wrong_with_types_is_told_as_cinder_tells_it() {
    let api = Api::start().await;
    let gold = made(&api, json!({"name": "gold"})).await;
    made(&api, json!({"name": "silver"})).await;
    let default = api.get("p/admin", "/types/default", 0).await.with(200)["volume_type"]["id"].clone();
    let type_of = |path: &str| format!("/types/{path}");
    let post = |body: Value, status, text: String| ("POST", "/types".to_owned(), body, status, text);
    let put = |body: Value, status, text: String| ("PUT", format!("/types/{gold}"), body, status, text);
    let missing = |id: &str| format!("Volume type {id} could not be found.");
    let nothing = "Specify volume type name, description, is_public or a combination thereof.".to_owned();
    let extra = "Additional properties are not allowed ('x' was unexpected)";
    refuses(
        &api,
        vec![
            post(json!({}), 400, "'volume_type' is a required property".to_owned()),
            post(json!({"volume_type": {}}), 400, at("volume_type", "Value: {}. 'name' is a required property")),
            post(json!({"volume_type": {"name": ""}}), 400, at("name", "Value: . '' should be non-empty")),
            post(
                json!({"volume_type": {"name": "x", "extra_specs": {"a": 5}}}),
                400,
                at("a", "Value: 5. 5 is not of type 'string', 'null'"),
            ),
            post(json!({"volume_type": {"name": "x"}, "x": 1}), 400, extra.to_owned()),
            post(json!({"volume_type": {"name": "gold"}}), 409, "Volume Type gold already exists.".to_owned()),
            put(json!({"volume_type": {}}), 400, nothing.clone()),
            put(json!({"volume_type": {"name": null, "description": null}}), 400, nothing),
            put(json!({"volume_type": {"name": " "}}), 400, "Volume type name can not be empty.".to_owned()),
            put(json!({"volume_type": {"name": "silver"}}), 409, "Volume Type silver already exists.".to_owned()),
            ("PUT", type_of(NOWHERE), json!({"volume_type": {"name": "x"}}), 404, missing(NOWHERE)),
            ("GET", type_of("gold"), Value::Null, 404, missing("gold")),
            ("DELETE", type_of(NOWHERE), Value::Null, 404, missing(NOWHERE)),
            (
                "DELETE",
                type_of(default.as_str().unwrap()),
                Value::Null,
                400,
                format!(
                    "The volume type {} is a default volume type and cannot be deleted.",
                    default.as_str().unwrap()
                ),
            ),
            (
                "POST",
                format!("/types/{gold}/action"),
                json!({"bogus": {}}),
                400,
                "There is no such action: bogus. Verify the request body and Content-Type header and try again."
                    .to_owned(),
            ),
        ],
    )
    .await;
    let denied = "Policy doesn't allow volume_extension:type_create to be performed.".to_owned();
    let reply = api.post("p/member", "/types", 0, json!({"volume_type": {"name": "x"}})).await;
    assert_eq!(reply.fault(), (403, denied));
}

#[tokio::test]
async fn types_are_listed_by_who_asks_and_what_is_asked() {
    let api = Api::start().await;
    made(&api, json!({"name": "a", "extra_specs": {"multiattach": "<is> True", "secret": "1"}})).await;
    let private = made(&api, json!({"name": "b", "os-volume-type-access:is_public": false})).await;
    made(&api, json!({"name": "c"})).await;
    let grant = json!({"addProjectAccess": {"project": "q"}});
    api.post("p/admin", &format!("/types/{private}/action"), 0, grant).await.with(202);
    let names = |reply: Value| -> Vec<String> {
        let types = reply["volume_types"].as_array().unwrap().iter();
        types.map(|found| found["name"].as_str().unwrap().to_owned()).collect()
    };
    for (who, query, minor, expected) in [
        ("p/admin", "", 0, vec!["c", "a", "__DEFAULT__"]),
        ("p/admin", "?is_public=None", 0, vec!["c", "b", "a", "__DEFAULT__"]),
        ("p/admin", "?is_public=false", 0, vec!["b"]),
        ("p/member", "?is_public=false", 0, vec!["c", "a", "__DEFAULT__"]),
        ("q/member", "", 0, vec!["c", "b", "a", "__DEFAULT__"]),
        ("p/admin", "?sort=name:asc&limit=2", 0, vec!["__DEFAULT__", "a"]),
        ("p/admin", "?limit=0", 0, vec![]),
        ("p/admin", "?offset=1", 0, vec!["a", "__DEFAULT__"]),
        ("p/admin", "?marker=nope", 0, vec!["c", "a", "__DEFAULT__"]),
        ("p/admin", "?name=a", 0, vec!["a"]),
        ("p/admin", "?bogus=1", 71, vec![]),
        ("p/member", "?bogus=1", 51, vec!["c", "a", "__DEFAULT__"]),
        ("p/admin", "?extra_specs={'secret':+'1'}", 0, vec!["a"]),
        ("p/admin", "?extra_specs=%7B%22secret%22:%222%22%7D", 0, vec![]),
        ("p/member", "?extra_specs={'multiattach':+'%3Cis%3E+True'}", 52, vec!["a"]),
        ("p/member", "?extra_specs={'secret':+'1'}", 52, vec![]),
        ("p/member", "?extra_specs={'secret':+'1'}", 51, vec!["c", "a", "__DEFAULT__"]),
    ] {
        let query = query.replace('{', "%7B").replace('}', "%7D");
        let reply = api.get(who, &format!("/types{query}"), minor).await.with(200);
        assert_eq!(names(reply), expected, "{who} {query} {minor}");
    }
    let page = api.get("p/admin", "/types?limit=1&sort=name:asc", 0).await.with(200);
    let marker = page["volume_types"][0]["id"].as_str().unwrap();
    let href = format!("http://cell:8776/v3/p/types?limit=1&sort=name%3Aasc&marker={marker}");
    assert_eq!(page["volume_type_links"], json!([{"rel": "next", "href": href}]));
    let next = api.get("p/admin", href.strip_prefix("http://cell:8776/v3/p").unwrap(), 0).await.with(200);
    assert_eq!(names(next), ["a"]);
    refuses(
        &api,
        vec![
            ("GET", "/types?is_public=x".to_owned(), Value::Null, 400, "Invalid is_public filter [x]".to_owned()),
            ("GET", "/types?limit=-1".to_owned(), Value::Null, 400, "limit param must be positive".to_owned()),
            (
                "GET",
                "/types?sort=x".to_owned(),
                Value::Null,
                400,
                "Invalid input received: Invalid sort key".to_owned(),
            ),
        ],
    )
    .await;
    let reply = api.get("p/member", "/types?bogus=1&name=x", 52).await;
    assert_eq!(reply.fault(), (400, "Invalid filters bogus,name are found in query options.".to_owned()));
    let hidden = api.get("p/member", &format!("/types/{private}"), 0).await;
    assert_eq!(hidden.fault(), (404, format!("Volume type {private} could not be found.")));
}

#[tokio::test]
async fn access_is_given_and_taken() {
    let api = Api::start().await;
    let public = made(&api, json!({"name": "public"})).await;
    let private = made(&api, json!({"name": "private", "os-volume-type-access:is_public": false})).await;
    let (path, action) = (format!("/types/{private}/os-volume-type-access"), format!("/types/{private}/action"));
    let grant = json!({"addProjectAccess": {"project": "q"}});
    assert_eq!(api.post("p/admin", &action, 0, grant.clone()).await.with(202), Value::Null);
    let expected = json!({"volume_type_access": [{"volume_type_id": private, "project_id": "q"}]});
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), expected);
    let not_applicable =
        "Invalid volume type: Type access modification is not applicable to public volume type.".to_owned();
    refuses(
        &api,
        vec![
            (
                "POST",
                action.clone(),
                grant.clone(),
                409,
                format!("Volume type access for {private} / q combination already exists."),
            ),
            ("POST", format!("/types/{public}/action"), grant, 400, not_applicable),
            (
                "POST",
                action.clone(),
                json!({"removeProjectAccess": {"project": "p"}}),
                404,
                format!("Volume type access not found for {private} / p combination."),
            ),
            (
                "POST",
                action.clone(),
                json!({"addProjectAccess": {"project": ""}}),
                400,
                at("project", "Value: . '' should be non-empty"),
            ),
            (
                "GET",
                format!("/types/{public}/os-volume-type-access"),
                Value::Null,
                404,
                "Access list not available for public volume types.".to_owned(),
            ),
        ],
    )
    .await;
    api.post("p/admin", &action, 0, json!({"removeProjectAccess": {"project": "q"}})).await.with(202);
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), json!({"volume_type_access": []}));
}

#[tokio::test]
async fn extra_specs_change_key_by_key() {
    let api = Api::start().await;
    let id = made(&api, json!({"name": "gold", "extra_specs": {"a": "1"}})).await;
    let path = format!("/types/{id}/extra_specs");
    let sent = json!({"extra_specs": {"b": "2", "n": null}});
    assert_eq!(api.post("p/admin", &path, 0, sent.clone()).await.with(200), sent);
    let item = json!({"multiattach": "<is> True"});
    assert_eq!(api.put("p/admin", &format!("{path}/multiattach"), 0, item.clone()).await.with(200), item);
    assert_eq!(api.get("p/admin", &format!("{path}/b"), 0).await.with(200), json!({"b": "2"}));
    assert_eq!(api.delete("p/admin", &format!("{path}/a"), 0).await.with(202), Value::Null);
    let all = json!({"extra_specs": {"b": "2", "multiattach": "<is> True", "n": null}});
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), all);
    assert_eq!(
        api.get("p/reader", &path, 0).await.with(200),
        json!({"extra_specs": {"multiattach": "<is> True"}}),
        "the rest is for operators"
    );
    let missing = |key: &str| format!("Volume Type {id} has no extra specs with key {key}.");
    let key = |key: &str| format!("{path}/{key}");
    let no_type = format!("Volume type {NOWHERE} could not be found.");
    refuses(
        &api,
        vec![
            ("GET", key("none"), Value::Null, 404, missing("none")),
            ("DELETE", key("none"), Value::Null, 404, missing("none")),
            ("PUT", key("b"), json!({"c": "1"}), 400, "Request body and URI mismatch".to_owned()),
            ("PUT", key("b"), json!({}), 400, "{} should be non-empty".to_owned()),
            ("PUT", key("b"), Value::Null, 400, "None is not of type 'object'".to_owned()),
            (
                "PUT",
                key("b"),
                json!({"b": "1", "c": "2"}),
                400,
                "{'b': '1', 'c': '2'} has too many properties".to_owned(),
            ),
            (
                "POST",
                path.clone(),
                json!({"extra_specs": {"k 1": "x"}}),
                400,
                at(
                    "extra_specs",
                    "Value: {'k 1': 'x'}. 'k 1' does not match any of the regexes: '^[a-zA-Z0-9-_:.]{1,255}$'",
                ),
            ),
            (
                "POST",
                path.clone(),
                json!({"extra_specs": null}),
                400,
                at("extra_specs", "Value: None. None is not of type 'object'"),
            ),
            ("GET", format!("/types/{NOWHERE}/extra_specs"), Value::Null, 404, no_type.clone()),
            ("DELETE", format!("/types/{NOWHERE}/extra_specs/a"), Value::Null, 404, no_type),
        ],
    )
    .await;
}

#[tokio::test]
async fn encryption_is_kept_and_shown() {
    let api = Api::start().await;
    let id = made(&api, json!({"name": "luks"})).await;
    let path = format!("/types/{id}/encryption");
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), json!({}), "none is no fault");
    let body = json!({"encryption": {
        "provider": "luks", "control_location": "front-end", "key_size": "256", "cipher": "aes-xts-plain64",
    }});
    let made = api.post("p/admin", &path, 0, body.clone()).await.with(200);
    let shown = api.get("p/admin", &path, 0).await.with(200);
    let of_both = ["provider", "control_location", "key_size", "cipher", "volume_type_id", "encryption_id"];
    for key in of_both {
        assert_eq!(made["encryption"][key], shown[key], "{key}");
    }
    assert_eq!(
        (&shown["key_size"], &shown["deleted"], &shown["updated_at"]),
        (&json!(256), &json!(false), &Value::Null)
    );
    assert_eq!(api.get("p/admin", &format!("{path}/cipher"), 0).await.with(200), json!({"cipher": "aes-xts-plain64"}));
    let change = json!({"encryption": {"key_size": 128}});
    let item = format!("{path}/{}", shown["encryption_id"].as_str().unwrap());
    assert_eq!(api.put("p/admin", &item, 0, change.clone()).await.with(200), change);
    assert_eq!(api.get("p/admin", &format!("{path}/key_size"), 0).await.with(200), json!({"key_size": 128}));
    let none = format!("Volume type encryption for type {id} does not exist.");
    refuses(
        &api,
        vec![
            ("POST", path.clone(), body, 400, format!("Volume type encryption for type {id} already exists.")),
            (
                "POST",
                path.clone(),
                json!({"encryption": {"provider": "luks", "control_location": "x"}}),
                400,
                at("control_location", "Value: x. 'x' is not one of ['front-end', 'back-end']"),
            ),
            (
                "PUT",
                item.clone(),
                json!({"encryption": {"key_size": "abc"}}),
                400,
                "Invalid input received: key_size must be an integer.".to_owned(),
            ),
            (
                "PUT",
                item.clone(),
                json!({"encryption": {"key_size": -1}}),
                400,
                at("key_size", "Value: -1. -1 is less than the minimum of 0"),
            ),
            ("GET", format!("{path}/none"), Value::Null, 404, none.clone()),
        ],
    )
    .await;
    assert_eq!(api.delete("p/admin", &item, 0).await.with(202), Value::Null);
    refuses(&api, vec![("DELETE", item.clone(), Value::Null, 404, none.clone()), ("PUT", item, change, 404, none)])
        .await;
    assert_eq!(api.get("p/admin", &path, 0).await.with(200), json!({}));
}

#[tokio::test]
async fn a_project_may_choose_its_default_type() {
    let api = Api::start().await;
    let id = made(&api, json!({"name": "gold"})).await;
    let choose = |name: &str| json!({"default_type": {"volume_type": name}});
    let chosen = json!({"project_id": "q", "volume_type_id": id});
    let expected = json!({"default_type": chosen});
    assert_eq!(api.put("p/admin", "/default-types/q", 62, choose("gold")).await.with(200), expected);
    assert_eq!(api.get("p/admin", "/default-types/q", 62).await.with(200), expected);
    assert_eq!(api.get("p/admin", "/default-types", 62).await.with(200), json!({"default_types": [chosen]}));
    assert_eq!(api.get("q/reader", "/types/default", 0).await.with(200)["volume_type"]["name"], "gold");
    assert_eq!(api.get("p/reader", "/types/default", 0).await.with(200)["volume_type"]["name"], "__DEFAULT__");
    let nothing = (404, "The resource could not be found.".to_owned());
    assert_eq!(api.get("p/admin", "/default-types", 61).await.fault(), nothing);
    let denied = (403, "You are not authorized to perform this operation.".to_owned());
    assert_eq!(api.get("q/member", "/default-types", 62).await.fault(), denied);
    let unknown = "Volume type with name nope could not be found.".to_owned();
    assert_eq!(api.put("p/admin", "/default-types/q", 62, choose("nope")).await.fault(), (400, unknown));
    for _ in 0..2 {
        assert_eq!(api.delete("p/admin", "/default-types/q", 62).await.with(204), Value::Null);
    }
    let missing = (404, "Default type for project q not found.".to_owned());
    assert_eq!(api.get("p/admin", "/default-types/q", 62).await.fault(), missing);
}
