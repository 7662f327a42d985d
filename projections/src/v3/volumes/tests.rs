use serde_json::{Value, json};

use crate::v3::testing::{Api, Work};

mod actions;
mod create;
mod list;
mod manage;
mod metadata;

/// A volume as somebody sees it.
async fn show(api: &Api, who: &str, id: &str, minor: u16) -> Value {
    api.get(who, &format!("/volumes/{id}"), minor).await.with(200)["volume"].clone()
}

/// The status of a volume.
async fn status(api: &Api, id: &str) -> String {
    show(api, "p/admin", id, 0).await["status"].as_str().unwrap().to_owned()
}

/// Acts on a volume and gives the answer's status and the text of an error.
async fn act(api: &Api, who: &str, id: &str, minor: u16, body: Value) -> (u16, String) {
    let reply = api.post(who, &format!("/volumes/{id}/action"), minor, body).await;
    if reply.text.is_empty() { (reply.status, String::new()) } else { reply.fault() }
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// What everybody sees at every version.
const ALWAYS: &[&str] = &[
    "attachments",
    "availability_zone",
    "bootable",
    "consistencygroup_id",
    "created_at",
    "description",
    "encrypted",
    "id",
    "links",
    "metadata",
    "multiattach",
    "name",
    "os-vol-tenant-attr:tenant_id",
    "replication_status",
    "size",
    "snapshot_id",
    "source_volid",
    "status",
    "updated_at",
    "user_id",
    "volume_type",
];

#[tokio::test]
async fn a_volume_is_shown_as_its_version_and_its_viewer_have_it() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let of_admins = [
        "migration_status",
        "os-vol-host-attr:host",
        "os-vol-mig-status-attr:migstat",
        "os-vol-mig-status-attr:name_id",
    ];
    let added = [
        (13, "group_id", false),
        (21, "provider_id", true),
        (48, "service_uuid", false),
        (48, "shared_targets", false),
        (61, "cluster_name", true),
        (63, "volume_type_id", false),
        (65, "consumes_quota", false),
    ];
    for minor in [0, 12, 13, 20, 21, 47, 48, 60, 61, 62, 63, 64, 65, 71] {
        for (who, is_admin) in [("p/reader", false), ("p/member", false), ("p/admin", true), ("q/admin", true)] {
            let mut expected = ALWAYS.to_vec();
            expected.extend(of_admins.iter().filter(|_| is_admin));
            let there = added.iter().filter(|(since, _, operators)| minor >= *since && (is_admin || !operators));
            expected.extend(there.map(|(_, key, _)| *key));
            expected.sort_unstable();
            let shown = show(&api, who, &id, minor).await;
            assert_eq!(keys(&shown), expected, "3.{minor} {who}");
        }
    }
    let shown = show(&api, "p/admin", &id, 71).await;
    for (key, expected) in [
        ("status", json!("available")),
        ("size", json!(1)),
        ("name", json!("one")),
        ("description", json!(null)),
        ("bootable", json!("false")),
        ("volume_type", json!("__DEFAULT__")),
        ("availability_zone", json!("nova")),
        ("user_id", json!("member-of-p")),
        ("os-vol-tenant-attr:tenant_id", json!("p")),
        ("os-vol-host-attr:host", json!("n1@lvm#a")),
        ("attachments", json!([])),
        ("metadata", json!({})),
        ("consumes_quota", json!(true)),
    ] {
        assert_eq!(shown[key], expected, "{key}");
    }
    let created = shown["created_at"].as_str().unwrap();
    assert!(created.len() == 26 && !created.ends_with('Z'), "{created}");
}

/// Another project's volume is not there: neither for who reads nor for who changes.
#[tokio::test]
async fn another_project_s_volume_is_not_found() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let path = format!("/volumes/{id}");
    let missing = (404, format!("Volume {id} could not be found."));
    assert_eq!(api.get("q/member", &path, 0).await.fault(), missing);
    assert_eq!(api.put("q/member", &path, 0, json!({"volume": {"name": "x"}})).await.fault(), missing);
    assert_eq!(api.delete("q/member", &path, 0).await.fault(), missing);
    assert_eq!(api.get("q/member", &format!("{path}/metadata"), 0).await.fault(), missing);
    assert_eq!(act(&api, "q/member", &id, 0, json!({"os-extend": {"new_size": 2}})).await, missing);
    assert_eq!(api.get("q/member", "/volumes?all_tenants=1", 0).await.with(200), json!({"volumes": []}));
    // An admin of another project may.
    assert_eq!(api.put("q/admin", &path, 0, json!({"volume": {"name": "x"}})).await.with(200)["volume"]["name"], "x");
    assert_eq!(show(&api, "p/member", &id, 0).await["name"], "x");
    assert_eq!(api.delete("q/admin", &path, 0).await.status, 202);
    assert_eq!(api.get("p/member", &path, 0).await.status, 404);
}

#[tokio::test]
async fn readers_read_and_nothing_more() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let denied = |rule: &str| (403, format!("Policy doesn't allow {rule} to be performed."));
    let path = format!("/volumes/{id}");
    assert_eq!(api.get("p/reader", &path, 0).await.status, 200);
    let create = json!({"volume": {"size": 1}});
    assert_eq!(api.post("p/reader", "/volumes", 0, create).await.fault(), denied("volume:create"));
    assert_eq!(api.delete("p/reader", &path, 0).await.fault(), denied("volume:delete"));
    let extend = json!({"os-extend": {"new_size": 2}});
    assert_eq!(act(&api, "p/reader", &id, 0, extend).await, denied("volume:extend"));
    for (body, rule) in [
        (json!({"os-reset_status": {"status": "error"}}), "volume_extension:volume_admin_actions:reset_status"),
        (json!({"os-force_delete": {}}), "volume_extension:volume_admin_actions:force_delete"),
    ] {
        assert_eq!(act(&api, "p/member", &id, 0, body).await, denied(rule));
    }
    let forced = api.delete("p/member", &format!("{path}?force=true"), 23).await;
    assert_eq!(forced.fault(), denied("volume:force_delete"));
}

#[tokio::test]
async fn a_volume_that_fails_shows_it() {
    let api = Api::start().await;
    api.set_work(Work::Fails(stele_core::task::FailureKind::NoSpace));
    let id = api.volume("p", "one").await;
    assert_eq!(status(&api, &id).await, "error");
    api.set_work(Work::AtOnce);
    assert_eq!(api.delete("p/member", &format!("/volumes/{id}"), 0).await.status, 202);
    assert_eq!(api.get("p/member", &format!("/volumes/{id}"), 0).await.status, 404);
}
