use serde_json::{Value, json};

use crate::v3::testing::Api;

/// A volume that no pool can take; gives its id.
async fn failed(api: &Api, project: &str) -> String {
    let body = json!({"volume": {"size": 1, "volume_type": "nowhere"}});
    let made = api.post(&format!("{project}/member"), "/volumes", 0, body).await.with(202);
    let id = made["volume"]["id"].as_str().unwrap().to_owned();
    let volume = api.get(&format!("{project}/member"), &format!("/volumes/{id}"), 0).await.with(200);
    assert_eq!(volume["volume"]["status"], "error");
    id
}

async fn start() -> Api {
    let api = Api::start().await;
    let body = json!({"volume_type": {"name": "nowhere", "extra_specs": {"vendor_name": "nobody"}}});
    api.post("p/admin", "/types", 0, body).await.with(200);
    api
}

#[tokio::test]
async fn a_failed_flow_leaves_a_message_for_its_project() {
    let api = start().await;
    let volume = failed(&api, "p").await;
    let listed = api.get("p/reader", "/messages", 3).await.with(200)["messages"].clone();
    let message = listed[0].clone();
    let id = message["id"].as_str().unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for (key, expected) in [
        ("resource_uuid", json!(volume)),
        ("resource_type", json!("VOLUME")),
        ("message_level", json!("ERROR")),
        ("event_id", json!("VOLUME_VOLUME_001_003")),
        ("created_at", json!("2027-01-15T08:00:00.040000")),
        ("guaranteed_until", json!("2027-02-14T08:00:00.040000")),
    ] {
        assert_eq!(message[key], expected, "{key}");
    }
    let text = message["user_message"].as_str().unwrap();
    assert!(text.starts_with("schedule allocate volume:Could not find any available weighted backend."), "{text}");
    assert!(text.contains("vendor_name"), "it says why: {text}");
    assert!(message["request_id"].as_str().is_some_and(|id| id.starts_with("req-")));
    assert_eq!(message["links"][0]["href"], format!("http://cell:8776/v3/p/messages/{id}"));
    let path = format!("/messages/{id}");
    assert_eq!(api.get("p/reader", &path, 3).await.with(200), json!({"message": message}));
    let missing = (404, format!("Message {id} could not be found."));
    assert_eq!(api.get("q/member", &path, 3).await.fault(), missing);
    assert_eq!(api.delete("q/member", &path, 3).await.fault(), missing);
    assert_eq!(
        api.get("q/admin", "/messages", 3).await.with(200),
        json!({"messages": []}),
        "lists are a project's own"
    );
    assert_eq!(api.get("q/admin", &path, 3).await.with(200)["message"]["id"], id);
    let denied = (403, "Policy doesn't allow message:delete to be performed.".to_owned());
    assert_eq!(api.delete("p/reader", &path, 3).await.fault(), denied);
    assert_eq!(api.delete("p/member", &path, 3).await.with(204), Value::Null);
    assert_eq!(api.delete("p/member", &path, 3).await.fault(), missing);
    assert_eq!(api.get("p/reader", "/messages", 2).await.fault(), (404, "The resource could not be found.".to_owned()));
}

#[tokio::test]
async fn messages_are_listed_in_pages_and_by_what_they_say() {
    let api = start().await;
    let (first, second) = (failed(&api, "p").await, failed(&api, "p").await);
    let volumes = |reply: &Value| -> Vec<String> {
        let messages = reply["messages"].as_array().unwrap().iter();
        messages.map(|message| message["resource_uuid"].as_str().unwrap().to_owned()).collect()
    };
    let (both, none): (&[&String], &[&String]) = (&[&second, &first], &[]);
    for (who, query, minor, expected) in [
        ("p/member", String::new(), 3, both),
        ("p/member", "?limit=1".to_owned(), 3, both),
        ("p/member", "?limit=1".to_owned(), 5, &[&second]),
        ("p/member", "?sort=created_at:asc&limit=1".to_owned(), 5, &[&first]),
        ("p/member", format!("?resource_uuid={first}"), 5, &[&first]),
        ("p/member", "?message_level=ERROR&resource_type=VOLUME".to_owned(), 31, both),
        ("p/member", "?resource_type=volume".to_owned(), 31, none),
        ("p/admin", "?event_id~=VOLUME_001".to_owned(), 34, both),
        ("p/admin", "?event_id~=VOLUME_001".to_owned(), 33, none),
        ("p/admin", "?bogus=1".to_owned(), 71, none),
        ("p/member", "?bogus=1".to_owned(), 30, none),
    ] {
        let reply = api.get(who, &format!("/messages{query}"), minor).await.with(200);
        assert_eq!(volumes(&reply).iter().collect::<Vec<_>>(), expected, "{who} {query} {minor}");
    }
    let page = api.get("p/member", "/messages?limit=1", 5).await.with(200);
    let next = page["messages_links"][0]["href"].as_str().unwrap().strip_prefix("http://cell:8776/v3/p").unwrap();
    assert_eq!(volumes(&api.get("p/member", next, 5).await.with(200)), [first]);
    for (query, minor, status, text) in [
        ("?bogus=1", 31, 400, "Invalid filters bogus are found in query options."),
        ("?marker=x", 5, 404, "Message x could not be found."),
        ("?sort=bogus", 5, 400, "Invalid input received: Invalid sort key"),
    ] {
        let reply = api.get("p/member", &format!("/messages{query}"), minor).await;
        assert_eq!(reply.fault(), (status, text.to_owned()), "{query}");
    }
}
