use serde_json::{Value, json};

use crate::v3::testing::Api;

const MEMBER: &str = "p/member";

/// A cell with a group of one volume, and its id.
async fn start() -> (Api, String) {
    let api = Api::start().await;
    api.cell(|cell| {
        cell.accepted("admin.group_type.create", r#"{"group_type":{"name":"grouped"}}"#);
        cell.accepted("admin.type.create", r#"{"type":{"name":"gold"}}"#);
    })
    .await;
    let body = json!({"group": {"group_type": "grouped", "volume_types": ["gold"]}});
    let group = api.post(MEMBER, "/groups", 13, body).await.with(202)["group"]["id"].as_str().unwrap().to_owned();
    let body = json!({"volume": {"size": 1, "volume_type": "gold", "group_id": group}});
    api.post(MEMBER, "/volumes", 13, body).await.with(202);
    (api, group)
}

async fn take(api: &Api, group: &str, name: &str) -> Value {
    let body = json!({"group_snapshot": {"group_id": group, "name": name}});
    api.post(MEMBER, "/group_snapshots", 14, body).await.with(202)["group_snapshot"].clone()
}

#[tokio::test]
async fn a_group_snapshot_holds_its_volumes_snapshots_and_goes_with_them() {
    let (api, group) = start().await;
    let made = take(&api, &group, "gs").await;
    let id = made["id"].as_str().unwrap();
    let mut keys: Vec<&String> = made.as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["group_type_id", "id", "name"]);
    let shown = api.get("p/reader", &format!("/group_snapshots/{id}"), 71).await.with(200)["group_snapshot"].clone();
    assert_eq!((&shown["status"], &shown["group_id"]), (&json!("available"), &json!(group)));
    assert!(shown.get("project_id").is_none());
    let shown = api.get("p/admin", &format!("/group_snapshots/{id}"), 58).await.with(200);
    assert_eq!(shown["group_snapshot"]["project_id"], "p");
    let snapshots = api.get(MEMBER, "/snapshots/detail", 14).await.with(200);
    assert_eq!(snapshots["snapshots"][0]["group_snapshot_id"], id);

    let body = json!({"create-from-src": {"group_snapshot_id": id}});
    let copy = api.post(MEMBER, "/groups/action", 14, body).await.with(202)["group"]["id"].clone();
    let copy = api.get(MEMBER, &format!("/groups/{}", copy.as_str().unwrap()), 14).await.with(200);
    assert_eq!((&copy["group"]["status"], &copy["group"]["group_snapshot_id"]), (&json!("available"), &json!(id)));

    assert_eq!(api.delete(MEMBER, &format!("/group_snapshots/{id}"), 14).await.status, 202);
    let gone = (404, format!("GroupSnapshot {id} could not be found."));
    assert_eq!(api.get(MEMBER, &format!("/group_snapshots/{id}"), 14).await.fault(), gone);
    assert_eq!(api.get(MEMBER, "/snapshots", 14).await.with(200), json!({"snapshots": []}));
}

#[tokio::test]
async fn group_snapshots_are_listed_in_pages_from_3_29_on() {
    let (api, group) = start().await;
    for name in ["a", "b", "c"] {
        take(&api, &group, name).await;
    }
    for (minor, query, names, links) in [
        (14, "?limit=1", "cba", false),
        (29, "", "cba", false),
        (29, "?limit=2", "cb", true),
        (29, "?sort=name:asc&limit=9", "abc", false),
        (31, "?name=b", "b", false),
        (31, &*format!("?group_id={group}&status=available"), "cba", false),
        (31, "?status=error", "", false),
    ] {
        let list = api.get(MEMBER, &format!("/group_snapshots{query}"), minor).await.with(200);
        let all = list["group_snapshots"].as_array().unwrap();
        assert!(all.iter().all(|item| item.as_object().unwrap().len() == 2));
        let shown = all.iter().map(|item| item["name"].as_str().unwrap()).collect::<Vec<_>>().concat();
        assert_eq!((shown.as_str(), list.get("group_snapshot_links").is_some()), (names, links), "3.{minor} {query}");
    }
    let detail = api.get(MEMBER, "/group_snapshots/detail", 14).await.with(200);
    assert_eq!(detail["group_snapshots"][0]["status"], "available");
    assert_eq!(api.get("q/member", "/group_snapshots", 14).await.with(200), json!({"group_snapshots": []}));
}

#[tokio::test]
async fn what_may_be_wrong_with_a_group_snapshot() {
    let (api, group) = start().await;
    let id = take(&api, &group, "gs").await["id"].as_str().unwrap().to_owned();
    let one = format!("/group_snapshots/{id}/action");
    let statuses = "valid statuses are: ('error', 'available', 'creating', 'deleting', 'deleted', 'updating', \
                    'error_deleting').";
    for (who, path, body, status, text) in [
        (MEMBER, "/group_snapshots", json!({"group_snapshot": {}}), 400, "'group_id' is a required property"),
        (MEMBER, "/group_snapshots", json!({"group_snapshot": {"group_id": "zz"}}), 400, "is not a 'uuid'"),
        ("q/member", "/group_snapshots", json!({"group_snapshot": {"group_id": group}}), 404, "Group "),
        ("p/reader", "/group_snapshots", json!({}), 403, "group:create_group_snapshot"),
        (MEMBER, &*one, json!({"reset_status": {"status": "error"}}), 403, "group:reset_group_snapshot_status"),
        ("p/admin", &*one, json!({"reset_status": {"status": "in-use"}}), 400, statuses),
    ] {
        let fault = api.post(who, path, 71, body.clone()).await.fault();
        assert!(fault.0 == status && fault.1.contains(text), "{body}: {fault:?}");
    }
    assert_eq!(api.delete("q/member", &format!("/group_snapshots/{id}"), 14).await.fault().0, 404);
    assert_eq!(api.post("q/admin", &one, 19, json!({"reset_status": {"status": "ERROR"}})).await.status, 202);
    let shown = api.get(MEMBER, &format!("/group_snapshots/{id}"), 14).await.with(200);
    assert_eq!(shown["group_snapshot"]["status"], "error");
}
