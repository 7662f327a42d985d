use serde_json::{Value, json};

use crate::v3::testing::Api;

const NOWHERE: &str = "00000000-0000-4000-8000-00000000abcd";

#[tokio::test]
async fn lists_of_what_there_is_not_are_empty() {
    let api = Api::start().await;
    for (path, expected) in [
        ("/backups", json!({"backups": []})),
        ("/backups/detail?with_count=true", json!({"backups": [], "count": 0})),
        ("/consistencygroups", json!({"consistencygroups": []})),
        ("/consistencygroups/detail", json!({"consistencygroups": []})),
        ("/cgsnapshots", json!({"cgsnapshots": []})),
    ] {
        assert_eq!(api.get("p/admin", path, 71).await.with(200), expected, "{path}");
    }
}

const NO_GROUP_TYPE: &str = "Group type default_cgsnapshot_type not found. Rerun migration script to create the default \
                             cgsnapshot type.";
const ONE: &str = "Invalid input received: One and only one of cluster and host must be set.";
const NO_SOURCE: &str = "Manage existing volume failed due to invalid backend reference {}: Reference must contain \
                         source-name element.";
const NO_HOST: &str = "Service cinder-volume could not be found on host nope.";
const NO_UUID: &str = "Invalid input for field/attribute volume_id. Value: x. 'x' is not a 'uuid'";

fn backup(body: &Value) -> Value {
    json!({"backup": body})
}

fn missing(kind: &str) -> String {
    format!("{kind} {NOWHERE} could not be found.")
}

fn of(path: &str) -> String {
    path.replace("ID", NOWHERE)
}

#[tokio::test]
async fn what_would_begin_something_says_why_it_cannot() {
    let api = Api::start().await;
    let volume = api.volume("p", "web").await;
    let post = |path: &str, body: Value, status: u16, text: &str| ("POST", of(path), body, status, text.to_owned());
    let get = |path: &str, status: u16, text: &str| ("GET", of(path), Value::Null, status, text.to_owned());
    for (method, path, body, status, text) in [
        post("/backups", backup(&json!({"volume_id": volume})), 503, "Service cinder-backup could not be found."),
        post("/backups", backup(&json!({"volume_id": NOWHERE})), 404, &missing("Volume")),
        post("/backups", backup(&json!({"volume_id": volume, "snapshot_id": NOWHERE})), 404, &missing("Snapshot")),
        post("/backups", backup(&json!({"volume_id": "x"})), 400, NO_UUID),
        post("/backups", json!({}), 400, "'backup' is a required property"),
        post(
            "/backups/import_record",
            json!({"backup-record": {"backup_service": "a", "backup_url": "YQ=="}}),
            503,
            "Service a could not be found.",
        ),
        post("/backups/ID/restore", json!({"restore": {}}), 404, &missing("Backup")),
        post("/backups/ID/action", json!({"os-force_delete": {}}), 404, &missing("Backup")),
        post(
            "/backups/ID/action",
            json!({"os-reset_status": {"status": "x"}}),
            400,
            "Backup status: x is invalid, valid statuses are: ['available', 'error'].",
        ),
        get("/backups/ID", 404, &missing("Backup")),
        get("/backups?marker=ID", 404, &missing("Backup")),
        get("/backups?sort=x", 400, "Invalid input received: Invalid sort key"),
        get("/backups?limit=-1", 400, "limit param must be positive"),
        ("DELETE", of("/backups/ID"), Value::Null, 404, missing("Backup")),
        ("PUT", of("/backups/ID"), backup(&json!({"name": "x"})), 404, missing("Backup")),
        post("/consistencygroups", json!({"consistencygroup": {"volume_types": "a"}}), 400, NO_GROUP_TYPE),
        post(
            "/consistencygroups/create_from_src",
            json!({"consistencygroup-from-src": {"source_cgid": NOWHERE}}),
            404,
            &missing("Group"),
        ),
        post("/consistencygroups/ID/delete", json!({"consistencygroup": {"force": false}}), 404, &missing("Group")),
        get("/consistencygroups/ID", 404, &missing("Group")),
        post("/cgsnapshots", json!({"cgsnapshot": {"consistencygroup_id": NOWHERE}}), 404, &missing("Group")),
        get("/cgsnapshots/ID", 404, &missing("GroupSnapshot")),
        post("/os-volume-manage", json!({"volume": {"host": "nope", "ref": {}}}), 400, "Host 'nope' not found"),
        post(
            "/manageable_volumes",
            json!({"volume": {"host": "n1@lvm#z", "ref": {}}}),
            400,
            "Host 'n1@lvm#z' not found",
        ),
        post("/manageable_volumes", json!({"volume": {"host": "n1@lvm#a", "ref": {}}}), 400, NO_SOURCE),
        post("/os-snapshot-manage", json!({"snapshot": {"volume_id": NOWHERE, "ref": {}}}), 404, &missing("Volume")),
        post("/manageable_snapshots", json!({"snapshot": {"volume_id": volume, "ref": {}}}), 400, NO_SOURCE),
        get("/os-volume-manage", 400, ONE),
        get("/os-volume-manage?host=nope", 404, NO_HOST),
        get("/os-volume-manage?host=n1@lvm&sort=x", 400, "Invalid sort keys passed: x"),
    ] {
        let body = Some(body).filter(|_| matches!(method, "POST" | "PUT"));
        let reply = api.ask(method, "p/admin", &path, 71, body.clone()).await;
        assert_eq!(reply.fault(), (status, text), "{method} {path} {body:?}");
    }
    let too_old = (404, "The resource could not be found.".to_owned());
    assert_eq!(api.get("p/admin", "/manageable_volumes?host=n1@lvm", 7).await.fault(), too_old);
    let with_metadata = backup(&json!({"volume_id": volume, "metadata": {}}));
    let reply = api.post("p/admin", "/backups", 42, with_metadata).await;
    assert!(reply.fault().1.ends_with("Additional properties are not allowed ('metadata' was unexpected)"));
}

#[tokio::test]
async fn groups_do_not_replicate() {
    let api = Api::start().await;
    let group_type = json!({"group_type": {"name": "gold"}});
    api.post("p/admin", "/group_types", 11, group_type).await.with(202);
    let group = json!({"group": {"group_type": "gold", "volume_types": ["__DEFAULT__"]}});
    let made = api.post("p/member", "/groups", 13, group).await.with(202);
    let id = made["group"]["id"].as_str().unwrap();
    let not_so = (400, format!("Invalid group type: Group {id} is not a replication group type."));
    for action in ["enable_replication", "disable_replication", "failover_replication", "list_replication_targets"] {
        let ask = async |id: &str, minor| {
            api.post("p/member", &format!("/groups/{id}/action"), minor, json!({action: {}})).await
        };
        assert_eq!(ask(id, 38).await.fault(), not_so, "{action}");
        let missing = (404, format!("Group {NOWHERE} could not be found."));
        assert_eq!(ask(NOWHERE, 38).await.fault(), missing, "{action}");
        assert_eq!(ask(id, 37).await.fault(), (404, "The resource could not be found.".to_owned()), "{action}");
    }
}
