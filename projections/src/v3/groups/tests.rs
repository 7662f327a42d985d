use serde_json::{Value, json};

use crate::v3::testing::{Api, Work};

const MEMBER: &str = "p/member";

/// A cell with a group type and a volume type.
async fn start() -> Api {
    let api = Api::start().await;
    api.cell(|cell| {
        cell.accepted("admin.group_type.create", r#"{"group_type":{"name":"grouped"}}"#);
        cell.accepted("admin.type.create", r#"{"type":{"name":"gold"}}"#);
    })
    .await;
    api
}

async fn group(api: &Api, name: &str) -> String {
    let body = json!({"group": {"group_type": "grouped", "volume_types": ["gold"], "name": name}});
    let made = api.post(MEMBER, "/groups", 13, body).await.with(202);
    assert_eq!(made["group"].as_object().unwrap().len(), 2);
    made["group"]["id"].as_str().unwrap().to_owned()
}

async fn member(api: &Api, group: &str) -> String {
    let body = json!({"volume": {"size": 1, "volume_type": "gold", "group_id": group}});
    api.post(MEMBER, "/volumes", 13, body).await.with(202)["volume"]["id"].as_str().unwrap().to_owned()
}

async fn show(api: &Api, group: &str) -> Value {
    api.get("p/reader", &format!("/groups/{group}?list_volume=true"), 71).await.with(200)["group"].clone()
}

#[tokio::test]
async fn a_group_is_made_filled_emptied_and_removed() {
    let api = start().await;
    let id = group(&api, "g1").await;
    let volume = member(&api, &id).await;
    let shown = show(&api, &id).await;
    assert_eq!((&shown["status"], &shown["volumes"]), (&json!("available"), &json!([volume])));
    let put = async |body: Value| api.put(MEMBER, &format!("/groups/{id}"), 13, json!({"group": body})).await;
    assert_eq!(put(json!({"remove_volumes": volume, "name": " g2 "})).await.status, 202);
    let shown = show(&api, &id).await;
    assert_eq!((&shown["name"], &shown["volumes"]), (&json!("g2"), &json!([])));
    assert_eq!(put(json!({"add_volumes": format!("{volume},")})).await.status, 202);
    for (body, text) in [
        (
            json!({"add_volumes": "zz"}),
            "Invalid volume: Cannot add volume zz to group {} because volume cannot be found.",
        ),
        (
            json!({"remove_volumes": "zz"}),
            "Invalid volume: Cannot remove volume zz from group {} because it is not in the group.",
        ),
        (
            json!({"name": "g2"}),
            "Invalid Group: Cannot update group {} because no valid name, description, add_volumes, or remove_volumes \
             were provided.",
        ),
        (
            json!({}),
            "Invalid input for field/attribute group. Value: {}. {} is not valid under any of the given schemas",
        ),
    ] {
        let text = if body == json!({}) { text.to_owned() } else { text.replace("{}", &id) };
        assert_eq!(put(body).await.fault(), (400, text));
    }
    let action = format!("/groups/{id}/action");
    let kept = api.post(MEMBER, &action, 13, json!({"delete": {}})).await.fault();
    assert!(kept.0 == 400 && kept.1.contains("delete-volumes flag is required"), "{kept:?}");
    assert_eq!(api.post(MEMBER, &action, 13, json!({"delete": {"delete-volumes": "yes"}})).await.status, 202);
    assert_eq!(
        api.get(MEMBER, &format!("/groups/{id}"), 13).await.fault(),
        (404, format!("Group {id} could not be found."))
    );
    assert_eq!(api.get(MEMBER, &format!("/volumes/{volume}"), 13).await.fault().0, 404);
}

#[tokio::test]
async fn each_version_shows_its_own_fields() {
    let api = start().await;
    let id = group(&api, "g1").await;
    let basic =
        ["availability_zone", "created_at", "description", "group_type", "id", "name", "status", "volume_types"];
    for (who, minor, query, more) in [
        ("p/reader", 13, "", vec![]),
        ("p/reader", 14, "?list_volume=true", vec!["group_snapshot_id", "source_group_id"]),
        ("p/reader", 25, "", vec!["group_snapshot_id", "source_group_id"]),
        ("p/reader", 25, "?list_volume=true", vec!["group_snapshot_id", "source_group_id", "volumes"]),
        ("p/reader", 71, "", vec!["group_snapshot_id", "replication_status", "source_group_id"]),
        ("p/admin", 57, "", vec!["group_snapshot_id", "replication_status", "source_group_id"]),
        ("p/admin", 58, "", vec!["group_snapshot_id", "project_id", "replication_status", "source_group_id"]),
    ] {
        let shown = api.get(who, &format!("/groups/{id}{query}"), minor).await.with(200);
        let listed = api.get(who, &format!("/groups/detail{query}"), minor).await.with(200);
        let mut expected: Vec<&str> = basic.iter().copied().chain(more).collect();
        expected.sort_unstable();
        for group in [&shown["group"], &listed["groups"][0]] {
            let mut keys: Vec<&String> = group.as_object().unwrap().keys().collect();
            keys.sort();
            assert_eq!(keys, expected, "{who} 3.{minor} {query}");
        }
    }
    assert_eq!(api.get(MEMBER, &format!("/groups/{id}"), 12).await.fault().0, 404);
    assert_eq!(api.get(MEMBER, &format!("/groups/{id}?list_volume=zz"), 71).await.fault().0, 400);
}

#[tokio::test]
async fn groups_are_listed_with_their_own_name_for_links() {
    let api = start().await;
    let ids = [group(&api, "a").await, group(&api, "b").await, group(&api, "c").await];
    let list = async |query: &str| {
        let list = api.get(MEMBER, &format!("/groups{query}"), 30).await.with(200);
        let all = list["groups"].as_array().unwrap().iter();
        let names = all.map(|group| group["name"].as_str().unwrap()).collect::<Vec<_>>().concat();
        (names, list.get("group_links").is_some())
    };
    assert_eq!(list("").await, ("cba".to_owned(), false));
    assert_eq!(list("?limit=2").await, ("cb".to_owned(), true));
    assert_eq!(list(&format!("?marker={}&limit=5", ids[1])).await, ("a".to_owned(), false));
    assert_eq!(list("?sort=name:asc").await, ("abc".to_owned(), false));
    assert_eq!(list("?name=b").await, ("b".to_owned(), false));
    assert_eq!(list("?status=error").await, (String::new(), false));
    assert_eq!(list("?all_tenants=False").await, ("cba".to_owned(), false));
    assert_eq!(api.get("q/member", "/groups?all_tenants=1", 30).await.with(200), json!({"groups": []}));
    assert_eq!(api.get("q/admin", "/groups?all_tenants=1", 30).await.with(200)["groups"].as_array().unwrap().len(), 3);
    let text = "Invalid filters status are found in query options.".to_owned();
    assert_eq!(api.get(MEMBER, "/groups?status=error", 31).await.fault(), (400, text));
}

#[tokio::test]
async fn a_group_is_copied_from_another_and_needs_exactly_one_source() {
    let api = start().await;
    let source = group(&api, "source").await;
    member(&api, &source).await;
    let copy = async |body: Value| api.post(MEMBER, "/groups/action", 14, json!({"create-from-src": body})).await;
    api.set_work(Work::Later);
    let made = copy(json!({"source_group_id": source, "group_snapshot_id": null, "name": "copy"})).await.with(202);
    let id = made["group"]["id"].as_str().unwrap();
    assert_eq!(show(&api, id).await["status"], "creating");
    api.set_work(Work::AtOnce);
    api.work().await;
    let shown = show(&api, id).await;
    assert_eq!((&shown["status"], &shown["source_group_id"]), (&json!("available"), &json!(source)));
    assert_eq!(shown["volumes"].as_array().unwrap().len(), 1);
    for body in [json!({}), json!({"source_group_id": source, "group_snapshot_id": source})] {
        let (status, text) = copy(body).await.fault();
        assert!(status == 400 && text.contains("valid under"), "{text}");
    }
    let foreign = json!({"create-from-src": {"source_group_id": source}});
    assert_eq!(api.post("q/member", "/groups/action", 14, foreign).await.fault().0, 404);
}

#[tokio::test]
async fn what_may_be_wrong_with_a_group() {
    let api = start().await;
    let id = group(&api, "g").await;
    let one = format!("/groups/{id}/action");
    let empty = "Invalid input for field/attribute volume_types. Value: []. [] should be non-empty";
    let bogus = "Invalid Group Status: Group status: bogus is invalid, valid status are: ('error', 'available', \
                 'creating', 'deleting', 'deleted', 'updating', 'in-use', 'error_deleting').";
    for (who, path, body, status, text) in [
        (MEMBER, "/groups", json!({"group": {"group_type": "grouped", "volume_types": []}}), 400, empty),
        (MEMBER, "/groups", json!({"group": {"group_type": "nope", "volume_types": ["gold"]}}), 404, "Group type"),
        (MEMBER, "/groups", json!({"group": {"group_type": "grouped", "volume_types": ["nope"]}}), 404, "Volume type"),
        (MEMBER, "/groups", json!({"group": {"volume_types": ["gold"]}}), 400, "required property"),
        ("p/reader", "/groups", json!({"group": {}}), 403, "group:create"),
        ("p/reader", &*one, json!({"delete": {}}), 403, "group:delete"),
        ("q/member", &*one, json!({"delete": {}}), 404, "could not be found"),
        (MEMBER, &*one, json!({"delete": {"delete-volumes": "x"}}), 400, "is not one of"),
        (MEMBER, &*one, json!({"reset_status": {"status": "error"}}), 403, "group:reset_status"),
        ("p/admin", &*one, json!({"reset_status": {"status": "bogus"}}), 400, bogus),
    ] {
        let fault = api.post(who, path, 71, body.clone()).await.fault();
        assert!(fault.0 == status && fault.1.contains(text), "{body}: {fault:?}");
    }
    assert_eq!(api.post("q/admin", &one, 20, json!({"reset_status": {"status": "Error"}})).await.status, 202);
    assert_eq!(show(&api, &id).await["status"], "error");
}
