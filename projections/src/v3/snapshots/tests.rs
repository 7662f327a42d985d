use serde_json::{Value, json};

use crate::v3::testing::{Api, Work};

const DONE: (u16, String) = (202, String::new());

async fn snapshot(api: &Api, volume: &str, name: &str) -> String {
    let body = json!({"snapshot": {"volume_id": volume, "name": name, "metadata": {"from": name}}});
    let made = api.post("p/member", "/snapshots", 0, body).await.with(202);
    made["snapshot"]["id"].as_str().unwrap().to_owned()
}

async fn act(api: &Api, who: &str, id: &str, body: Value) -> (u16, String) {
    let reply = api.post(who, &format!("/snapshots/{id}/action"), 0, body).await;
    if reply.text.is_empty() { (reply.status, String::new()) } else { reply.fault() }
}

async fn show(api: &Api, id: &str, minor: u16) -> Value {
    api.get("p/reader", &format!("/snapshots/{id}"), minor).await.with(200)["snapshot"].clone()
}

fn names(list: &Value) -> String {
    let items = list["snapshots"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_snapshot_is_made_shown_renamed_and_deleted() {
    let api = Api::start().await;
    let volume = api.volume("p", "one").await;
    let body = json!({"snapshot": {"volume_id": volume, "name": " s ", "description": null, "metadata": null}});
    let made = api.post("p/member", "/snapshots", 0, body).await.with(202)["snapshot"].clone();
    let first = ["created_at", "description", "id", "metadata", "name", "size", "status", "updated_at", "volume_id"];
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&made), first);
    let seen = (&made["status"], &made["name"], &made["size"], &made["updated_at"]);
    assert_eq!(seen, (&json!("creating"), &json!("s"), &json!(1), &json!(null)));
    let id = made["id"].as_str().unwrap();
    for (minor, count) in [(0, 11), (13, 11), (14, 12), (41, 13), (65, 14), (71, 14)] {
        assert_eq!(keys(&show(&api, id, minor).await).len(), count, "3.{minor}");
    }
    let shown = show(&api, id, 71).await;
    let extended = "os-extended-snapshot-attributes";
    assert_eq!((&shown["status"], &shown["user_id"]), (&json!("available"), &json!("member-of-p")));
    assert_eq!(shown[format!("{extended}:progress")], "100%");
    assert_eq!(shown[format!("{extended}:project_id")], "p");
    let path = format!("/snapshots/{id}");
    let renamed = api.put("p/member", &path, 0, json!({"snapshot": {"name": "t", "description": "d"}})).await.with(200);
    assert_eq!(keys(&renamed["snapshot"]), first);
    assert_eq!((&renamed["snapshot"]["name"], &renamed["snapshot"]["description"]), (&json!("t"), &json!("d")));
    let deleted = api.delete("p/member", &path, 0).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (202, ""));
    assert_eq!(api.get("p/member", &path, 0).await.fault(), (404, format!("Snapshot {id} could not be found.")));
}

/// Every text was given by Cinder 29 for the same request.
#[tokio::test]
async fn what_cannot_be_is_refused_as_in_cinder() {
    let api = Api::start().await;
    let volume = api.volume("p", "one").await;
    let at = |at: &str, rest: &str| format!("Invalid input for field/attribute {at}. {rest}");
    let flag = "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward compatability, \
                however, when the 'force' flag is passed with a value evaluating to True, it is silently ignored.";
    for (minor, body, expected) in [
        (0, json!({"volume_id": null}), (404, "Volume None could not be found.".to_owned())),
        (
            0,
            json!({"volume_id": "x"}),
            (400, at("volume_id", "Value: x. 'x' is not valid under any of the given schemas")),
        ),
        (0, json!({"name": "x"}), (400, at("snapshot", "Value: {'name': 'x'}. 'volume_id' is a required property"))),
        (66, json!({"volume_id": volume, "force": false}), (400, flag.to_owned())),
    ] {
        let told = api.post("p/member", "/snapshots", minor, json!({"snapshot": body})).await.fault();
        assert_eq!(told, expected);
    }
    let id = snapshot(&api, &volume, "s").await;
    let told = api.put("p/member", &format!("/snapshots/{id}"), 0, json!({"snapshot": {}})).await.fault();
    assert_eq!(told, (400, at("snapshot", "Value: {}. {} is not valid under any of the given schemas")));
    for (body, text) in [
        (
            json!({"os-update_snapshot_status": {"status": "error"}}),
            "Snapshot status available not allowed for update_snapshot_status",
        ),
        (
            json!({"os-update_snapshot_status": {"status": "error", "progress": "x%"}}),
            "Invalid input received: progress must be an integer percentage",
        ),
        (
            json!({"os-update_snapshot_status": {"status": "error", "progress": "101%"}}),
            "Invalid input received: progress must be an integer percentage between 0 and 100",
        ),
        (
            json!({"os-reset_status": {"status": "bogus"}}),
            "Snapshot status: bogus is invalid, valid statuses are: ('error', 'available', 'creating', 'deleting', \
             'deleted', 'updating', 'error_deleting', 'unmanaging', 'backing-up', 'restoring').",
        ),
    ] {
        assert_eq!(act(&api, "p/admin", &id, body).await, (400, text.to_owned()));
    }
    let quota = json!({"quota_set": {"snapshots": 1}});
    api.put("p/admin", "/os-quota-sets/p", 0, quota).await.with(200);
    let full = api.post("p/member", "/snapshots", 0, json!({"snapshot": {"volume_id": volume}})).await;
    let text = "SnapshotLimitExceeded: Maximum number of snapshots allowed (1) exceeded";
    assert_eq!(full.fault(), (413, text.to_owned()));
}

#[tokio::test]
async fn snapshots_are_listed() {
    let api = Api::start().await;
    let (one, two) = (api.volume("p", "one").await, api.volume("p", "two").await);
    for (volume, name) in [(&one, "a"), (&two, "b"), (&one, "c"), (&two, "d")] {
        snapshot(&api, volume, name).await;
    }
    let by_volume = format!("?volume_id={one}");
    for (who, minor, query, expected) in [
        ("p/reader", 0, "", "d c b a"),
        ("p/member", 0, "?limit=2&offset=1", "c b"),
        ("p/member", 0, "?limit=0", ""),
        ("p/member", 0, "?sort_key=display_name&sort_dir=asc", "a b c d"),
        ("p/member", 30, "?sort_key=name&sort_dir=asc", "a b c d"),
        ("p/member", 0, "?sort_key=created_at&sort_dir=asc", "a b c d"),
        ("p/member", 0, by_volume.as_str(), "c a"),
        ("p/member", 0, "?name=b&status=available", "b"),
        ("p/member", 21, "?metadata=%7B%27from%27%3A+%27b%27%7D", "d c b a"),
        ("p/member", 22, "?metadata=%7B%27from%27%3A+%27b%27%7D", "b"),
        ("p/member", 71, "?availability_zone=nova", "d c b a"),
        ("p/member", 71, "?availability_zone=moon", ""),
        ("p/admin", 0, "?host=n1@lvm", "d c b a"),
        ("q/admin", 0, "", ""),
        ("q/admin", 0, "?all_tenants=1", "d c b a"),
        ("q/member", 0, "?all_tenants=1", ""),
    ] {
        for path in ["/snapshots", "/snapshots/detail"] {
            let list = api.get(who, &format!("{path}{query}"), minor).await.with(200);
            assert_eq!(names(&list), expected, "{who} 3.{minor} {path}{query}");
        }
    }
    let sort = (400, "Invalid input received: Invalid sort key".to_owned());
    assert_eq!(api.get("p/member", "/snapshots?sort_key=name", 29).await.fault(), sort);
    assert_eq!(api.get("p/member", "/snapshots?sort_key=bogus", 71).await.fault(), sort);
    let list = api.get("p/member", "/snapshots?limit=1&with_count=1", 45).await.with(200);
    assert_eq!((&list["count"], names(&list).as_str()), (&json!(4), "d"));
    let next = list["snapshots_links"][0]["href"].as_str().unwrap();
    let list = api.get("p/member", next.strip_prefix("http://cell:8776/v3/p").unwrap(), 45).await.with(200);
    assert_eq!(names(&list), "c");
}

#[tokio::test]
async fn metadata_is_read_and_changed_whole_and_by_key() {
    let api = Api::start().await;
    let volume = api.volume("p", "one").await;
    let id = snapshot(&api, &volume, "s").await;
    let path = format!("/snapshots/{id}/metadata");
    let added = api.post("p/member", &path, 0, json!({"metadata": {"a": "1"}})).await;
    assert_eq!(added.with(200), json!({"metadata": {"a": "1", "from": "s"}}));
    let one = api.put("p/member", &format!("{path}/a"), 0, json!({"meta": {"a": "2"}})).await;
    assert_eq!(one.with(200), json!({"meta": {"a": "2"}}));
    let all = api.put("p/member", &path, 0, json!({"metadata": {"b": "3"}})).await;
    assert_eq!(all.with(200), json!({"metadata": {"b": "3"}}));
    assert_eq!(api.delete("p/member", &format!("{path}/b"), 0).await.status, 200);
    let missing = (404, format!("Snapshot {id} has no metadata with key b."));
    assert_eq!(api.delete("p/member", &format!("{path}/b"), 0).await.fault(), missing);
    assert_eq!(api.get("p/reader", &format!("{path}/b"), 0).await.fault(), missing);
    assert_eq!(api.get("p/reader", &path, 0).await.with(200), json!({"metadata": {}}));
}

#[tokio::test]
async fn statuses_are_stated_and_snapshots_deleted_by_force() {
    let api = Api::start().await;
    let volume = api.volume("p", "one").await;
    let id = snapshot(&api, &volume, "s").await;
    assert_eq!(act(&api, "q/admin", &id, json!({"os-reset_status": {"status": "CREATING"}})).await, DONE);
    assert_eq!(show(&api, &id, 0).await["status"], "creating");
    let said = json!({"os-update_snapshot_status": {"status": "error", "progress": "80%"}});
    assert_eq!(act(&api, "p/member", &id, said).await, DONE);
    let shown = show(&api, &id, 0).await;
    assert_eq!(shown["status"], "error");
    assert_eq!(shown["os-extended-snapshot-attributes:progress"], "80%");
    for status in ["deleting", "error_deleting", "creating"] {
        let id = snapshot(&api, &volume, status).await;
        assert_eq!(act(&api, "p/admin", &id, json!({"os-reset_status": {"status": status}})).await, DONE);
        let text = "Invalid snapshot: Snapshot status must be available or error and must not be part of a group.";
        assert_eq!(api.delete("p/member", &format!("/snapshots/{id}"), 0).await.fault(), (400, text.to_owned()));
        let denied = "Policy doesn't allow volume_extension:snapshot_admin_actions:force_delete to be performed.";
        let force = json!({"os-force_delete": {}});
        assert_eq!(act(&api, "p/member", &id, force.clone()).await, (403, denied.to_owned()));
        assert_eq!(act(&api, "q/admin", &id, force).await, DONE);
        assert_eq!(api.get("p/member", &format!("/snapshots/{id}"), 0).await.status, 404, "{status}");
    }
    api.set_work(Work::Fails(stele_core::task::FailureKind::NoSpace));
    let id = snapshot(&api, &volume, "fails").await;
    assert_eq!(show(&api, &id, 0).await["status"], "error");
}
