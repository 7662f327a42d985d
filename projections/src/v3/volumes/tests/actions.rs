use serde_json::json;

use super::{act, show, status};
use crate::v3::testing::{Api, Work};

const DONE: (u16, String) = (202, String::new());

#[tokio::test]
async fn volumes_grow() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let extend = |size: serde_json::Value| json!({"os-extend": {"new_size": size}});
    assert_eq!(act(&api, "p/member", &id, 0, extend(json!("3"))).await, DONE);
    let shown = show(&api, "p/member", &id, 0).await;
    assert_eq!((&shown["size"], &shown["status"]), (&json!(3), &json!("available")));
    let text =
        "Invalid input received: New size for extend must be greater than current size. (current: 3, extended: 3).";
    assert_eq!(act(&api, "p/member", &id, 0, extend(json!(3))).await, (400, text.to_owned()));
    api.set_work(Work::Later);
    assert_eq!(act(&api, "p/member", &id, 0, extend(json!(4))).await, DONE);
    let text = format!(
        "Invalid volume: Volume {id} status must be '{{'status': 'available'}}' to extend, currently extending."
    );
    assert_eq!(act(&api, "p/member", &id, 0, extend(json!(5))).await, (400, text));
    api.work().await;
    assert_eq!(show(&api, "p/member", &id, 0).await["size"], 4);
}

#[tokio::test]
async fn flags_are_set_and_shown() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let bootable = json!({"os-set_bootable": {"bootable": "yes"}});
    assert_eq!(act(&api, "p/member", &id, 0, bootable).await, (200, String::new()));
    assert_eq!(show(&api, "p/member", &id, 0).await["bootable"], "true");
    for (flag, expected) in [(json!(true), "True"), (json!("f"), "False")] {
        let readonly = json!({"os-update_readonly_flag": {"readonly": flag}});
        assert_eq!(act(&api, "p/member", &id, 0, readonly).await, DONE);
        assert_eq!(show(&api, "p/member", &id, 0).await["metadata"], json!({"readonly": expected}));
    }
    // It is no metadata of the user's.
    let metadata = api.get("p/member", &format!("/volumes/{id}/metadata"), 0).await.with(200);
    assert_eq!(metadata, json!({"metadata": {}}));
    let told = act(&api, "p/member", &id, 0, json!({"os-set_bootable": {"bootable": "maybe"}})).await;
    assert!(told.0 == 400 && told.1.contains("'maybe' is not one of [True, 'True',"), "{told:?}");
}

#[tokio::test]
async fn operators_state_a_status() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let reset = |body: serde_json::Value| json!({"os-reset_status": body});
    for (stated, shown) in [("error", "error"), ("MAINTENANCE", "maintenance"), ("managing", "creating")] {
        assert_eq!(act(&api, "q/admin", &id, 0, reset(json!({"status": stated}))).await, DONE);
        assert_eq!(status(&api, &id).await, shown);
    }
    let update = api.put("p/member", &format!("/volumes/{id}"), 0, json!({"volume": {"name": "x"}})).await;
    assert_eq!(update.status, 200, "managing is no maintenance");
    for (body, text) in [
        (json!({}), "Must specify 'status', 'attach_status' or 'migration_status' for update."),
        (
            json!({"attach_status": "x"}),
            "Volume attach status: x is invalid, valid statuses are: ['attached', 'detached'].",
        ),
        (
            json!({"migration_status": "x"}),
            "Volume migration status: x is invalid, valid statuses are: ('migrating', 'error', 'success', 'completing', \
             'none', 'starting').",
        ),
        (
            json!({"status": "bogus"}),
            "Volume status: bogus is invalid, valid statuses are: ('creating', 'available', 'deleting', 'error', \
             'error_deleting', 'error_managing', 'managing', 'attaching', 'in-use', 'detaching', 'maintenance', \
             'restoring-backup', 'error_restoring', 'reserved', 'awaiting-transfer', 'backing-up', 'error_backing-up', \
             'error_extending', 'downloading', 'uploading', 'retyping', 'extending').",
        ),
        (json!({"status": "deleting"}), "Cannot reset-state to deleting"),
    ] {
        assert_eq!(act(&api, "p/admin", &id, 0, reset(body)).await, (400, text.to_owned()));
    }
    assert_eq!(act(&api, "p/admin", &id, 0, json!({"os-force_delete": {}})).await, DONE);
    assert_eq!(api.get("p/member", &format!("/volumes/{id}"), 0).await.status, 404);
}

#[tokio::test]
async fn volumes_get_another_type() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let gold = api.post("p/admin", "/types", 0, json!({"volume_type": {"name": "gold"}})).await.with(200);
    assert_eq!(gold["volume_type"]["name"], "gold");
    let retype = |name: &str| json!({"os-retype": {"new_type": name}});
    assert_eq!(act(&api, "p/member", &id, 0, retype("gold")).await, DONE);
    let shown = show(&api, "p/admin", &id, 63).await;
    assert_eq!((&shown["volume_type"], &shown["migration_status"]), (&json!("gold"), &json!(null)));
    assert_eq!(shown["volume_type_id"], gold["volume_type"]["id"]);
    let text = "Volume type with name nope could not be found.".to_owned();
    assert_eq!(act(&api, "p/member", &id, 0, retype("nope")).await, (404, text));
    let again = act(&api, "p/member", &id, 0, retype("gold")).await;
    assert!(again.0 == 400 && again.1.starts_with("Invalid volume: Retype needs volume"), "{again:?}");
}

#[tokio::test]
async fn volumes_go_back_to_their_latest_snapshot() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let revert = |to: &str| json!({"revert": {"snapshot_id": to}});
    let told = act(&api, "p/member", &id, 40, revert(&id)).await;
    assert_eq!(told, (400, format!("Volume {id} doesn't have any snapshots.")));
    let taken = async || {
        let body = json!({"snapshot": {"volume_id": id}});
        let made = api.post("p/member", "/snapshots", 0, body).await.with(202);
        api.cell(|cell| cell.now = cell.now.plus_ms(1000)).await;
        made["snapshot"]["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (taken().await, taken().await);
    let not_latest =
        |named: &str| (400, format!("Specified snapshot {named} is None or not the latest one of volume {id}."));
    assert_eq!(act(&api, "p/member", &id, 40, revert(&first)).await, not_latest(&first));
    assert_eq!(act(&api, "p/member", &id, 40, json!({"revert": {"snapshot_id": null}})).await, not_latest("None"));
    assert_eq!(act(&api, "p/member", &id, 40, json!({"revert": {}})).await, not_latest("None"));
    assert_eq!(act(&api, "p/reader", &id, 40, revert(&second)).await.0, 403);
    assert_eq!(act(&api, "q/member", &id, 40, revert(&second)).await.0, 404);
    assert_eq!(act(&api, "p/member", &id, 39, revert(&second)).await.0, 404, "before its version");

    api.set_work(Work::Later);
    assert_eq!(act(&api, "p/member", &id, 40, revert(&second)).await, DONE);
    let of_snapshot = async || {
        let shown = api.get("p/member", &format!("/snapshots/{second}"), 0).await.with(200);
        shown["snapshot"]["status"].as_str().unwrap().to_owned()
    };
    assert_eq!((status(&api, &id).await, of_snapshot().await), ("reverting".to_owned(), "restoring".to_owned()));
    let cannot = |what: &str| format!("Can't revert volume {id} to its latest snapshot {second}. {what}");
    let busy = format!("Invalid volume: {}", cannot("Volume's status must be 'available'."));
    assert_eq!(act(&api, "p/member", &id, 40, revert(&second)).await, (409, busy));
    api.set_work(Work::AtOnce);
    api.work().await;
    assert_eq!((status(&api, &id).await, of_snapshot().await), ("available".to_owned(), "available".to_owned()));

    let extend = json!({"os-extend": {"new_size": 2}});
    assert_eq!(act(&api, "p/member", &id, 0, extend).await, DONE);
    let text = cannot("The volume size must be equal to the snapshot size.");
    assert_eq!(act(&api, "p/member", &id, 40, revert(&second)).await, (400, text));
    let third = taken().await;
    api.set_work(Work::Fails(stele_core::task::FailureKind::Conflict));
    assert_eq!(act(&api, "p/member", &id, 40, revert(&third)).await, DONE);
    assert_eq!(status(&api, &id).await, "error");
}

/// What needs a service that is not there says so, and says first what is wrong with the request itself.
#[tokio::test]
async fn what_is_absent_answers_as_where_it_is_absent() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    for (minor, body, expected) in [
        (
            0,
            json!({"os-migrate_volume": {"host": "x"}}),
            (400, "Invalid host: No available service named 'x'".to_owned()),
        ),
        (
            0,
            json!({"os-migrate_volume": {"host": "n1@lvm#a"}}),
            (400, "Invalid host: Destination host must be different than the current host.".to_owned()),
        ),
        (
            16,
            json!({"os-migrate_volume": {}}),
            (400, "Invalid input received: One and only one of cluster and host must be set.".to_owned()),
        ),
        (
            71,
            json!({"os-extend_volume_completion": {}}),
            (400, "Invalid volume: Volume is not being extended.".to_owned()),
        ),
        (
            0,
            json!({"os-volume_upload_image": {"image_name": "x"}}),
            (400, "There is no image service in this cell.".to_owned()),
        ),
        (68, json!({"os-reimage": {"image_id": id}}), (404, format!("Image {id} could not be found."))),
    ] {
        let shown = body.to_string();
        assert_eq!(act(&api, "p/admin", &id, minor, body).await, expected, "{shown}");
    }
    let encryption = api.get("p/member", &format!("/volumes/{id}/encryption"), 0).await.with(200);
    assert_eq!(encryption, json!({"encryption_key_id": null}));
    let key = api.get("p/member", &format!("/volumes/{id}/encryption/encryption_key_id"), 0).await;
    assert_eq!((key.status, key.text.as_str()), (200, ""));
}
