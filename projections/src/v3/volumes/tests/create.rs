use serde_json::{Value, json};

use super::{keys, show, status};
use crate::v3::testing::{Api, Work};

async fn create(api: &Api, minor: u16, volume: Value) -> (u16, String) {
    let reply = api.post("p/member", "/volumes", minor, json!({"volume": volume})).await;
    if reply.status == 202 { (202, String::new()) } else { reply.fault() }
}

#[tokio::test]
async fn the_answer_is_a_volume_that_is_being_made() {
    let api = Api::start().await;
    let body = json!({"volume": {
        "size": "2", "name": "  n  ", "description": "d", "metadata": {"a": "b"}, "availability_zone": "nova",
    }});
    let made = api.post("p/member", "/volumes", 0, body).await.with(202)["volume"].clone();
    for (key, expected) in [
        ("status", json!("creating")),
        ("size", json!(2)),
        ("name", json!("n")),
        ("description", json!("d")),
        ("metadata", json!({"a": "b"})),
        ("updated_at", json!(null)),
    ] {
        assert_eq!(made[key], expected, "{key}");
    }
    assert!(!keys(&made).iter().any(|key| key.starts_with("os-vol-") || *key == "volume_image_metadata"));
    let id = made["id"].as_str().unwrap();
    assert_eq!(show(&api, "p/member", id, 0).await["status"], "available");
    // Older names of the fields; a name that is empty is none.
    let old = json!({"volume": {"size": 1, "display_name": "o", "display_description": "e", "name": null}});
    let made = api.post("p/member", "/volumes", 0, old).await.with(202)["volume"].clone();
    assert_eq!((&made["name"], &made["description"]), (&json!(null), &json!("e")));
}

/// Every text was given by Cinder 29 for the same body.
#[tokio::test]
async fn what_cannot_be_made_is_refused_as_in_cinder() {
    let api = Api::start().await;
    let malformed = "The server could not comply with the request since it is either malformed or otherwise incorrect.";
    let id = "11111111-1111-1111-1111-111111111111";
    let at = |at: &str, rest: &str| format!("Invalid input for field/attribute {at}. {rest}");
    for (minor, volume, expected) in [
        (0, json!({"size": 0}), (400, at("size", "Value: 0. 0 is less than the minimum of 1"))),
        (0, json!({"size": "abc"}), (400, at("size", "Value: abc. 'abc' does not match '^[0-9]+$'"))),
        (0, json!({"size": "#$%"}), (400, at("size", "Value: #$%. '#$%' does not match '^[0-9]+$'"))),
        (0, json!({}), (400, malformed.to_owned())),
        (0, json!({"size": null}), (400, malformed.to_owned())),
        (
            0,
            json!({"size": 1, "volume_type": "nope"}),
            (404, "Volume type with name nope could not be found.".to_owned()),
        ),
        (0, json!({"size": 1, "volume_type": id}), (404, format!("Volume type {id} could not be found."))),
        (0, json!({"size": 1, "snapshot_id": id}), (404, format!("Snapshot {id} could not be found."))),
        (0, json!({"size": 1, "source_volid": id}), (404, format!("Volume {id} could not be found."))),
        (0, json!({"size": 1, "availability_zone": "zz"}), (400, "Availability zone 'zz' is invalid.".to_owned())),
        (
            0,
            json!({"size": 1, "availability_zone": ""}),
            (400, at("availability_zone", "Value: . '' should be non-empty")),
        ),
        (
            0,
            json!({"size": 1, "imageRef": id}),
            (400, "Invalid image identifier or unable to access requested image.".to_owned()),
        ),
        (47, json!({"size": 1, "backup_id": id}), (404, format!("Backup {id} could not be found."))),
        (13, json!({"size": 1, "group_id": id}), (404, format!("Group {id} could not be found."))),
        (
            53,
            json!({"size": 1, "bogus": 1}),
            (
                400,
                at(
                    "volume",
                    "Value: {'bogus': 1, 'size': 1}. Additional properties are not allowed ('bogus' was unexpected)",
                ),
            ),
        ),
    ] {
        let shown = volume.to_string();
        assert_eq!(create(&api, minor, volume).await, expected, "{shown}");
    }
    assert_eq!(create(&api, 52, json!({"size": 1, "bogus": 1})).await.0, 202);
    let told = create(&api, 0, json!({"size": 1, "multiattach": true})).await;
    assert!(told.0 == 400 && told.1.starts_with("multiattach parameter has been removed."), "{told:?}");
    let hints = json!({"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": {"same_host": "x"}});
    let told = api.post("p/member", "/volumes", 0, hints).await.fault();
    assert_eq!(told, (400, at("same_host", "Value: x. 'x' is not valid under any of the given schemas")));
}

#[tokio::test]
async fn more_than_the_quota_is_413() {
    let api = Api::start().await;
    for (quota, size, text) in [
        (
            json!({"volumes": 0, "gigabytes": 1000}),
            1,
            "VolumeLimitExceeded: Maximum number of volumes allowed (0) exceeded for quota 'volumes'.",
        ),
        (
            json!({"volumes": 10, "gigabytes": 10}),
            11,
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed gigabytes quota. Requested \
             11G, quota is 10G and 0G has been consumed.",
        ),
        (
            json!({"gigabytes": 1000, "per_volume_gigabytes": 5}),
            6,
            "VolumeSizeExceedsLimit: Requested volume size 6G is larger than maximum allowed limit 5G.",
        ),
    ] {
        api.put("p/admin", "/os-quota-sets/p", 0, json!({"quota_set": quota})).await.with(200);
        let reply = api.post("p/member", "/volumes", 0, json!({"volume": {"size": size}})).await;
        assert_eq!(reply.fault(), (413, text.to_owned()));
        assert_eq!(reply.header("retry-after"), Some("0"));
        assert_eq!(reply.json()["overLimit"]["retryAfter"], "0");
    }
}

#[tokio::test]
async fn volumes_are_made_from_snapshots_and_volumes() {
    let api = Api::start().await;
    let source = api.volume("p", "source").await;
    let body = json!({"snapshot": {"volume_id": source}});
    let taken = api.post("p/member", "/snapshots", 0, body).await.with(202)["snapshot"]["id"].clone();
    for (origin, key) in [(taken, "snapshot_id"), (json!(source), "source_volid")] {
        let body = json!({"volume": {key: origin, "name": "copy"}});
        let made = api.post("p/member", "/volumes", 0, body).await.with(202)["volume"].clone();
        assert_eq!((&made[key], &made["size"]), (&origin, &json!(1)));
        assert_eq!(status(&api, made["id"].as_str().unwrap()).await, "available");
        let large = api.post("p/member", "/volumes", 0, json!({"volume": {key: origin, "size": 3}})).await;
        assert_eq!(large.with(202)["volume"]["size"], 3);
    }
    let hints = json!({"volume": {"size": 1}, "OS-SCH-HNT:scheduler_hints": {"different_host": [source], "other": 1}});
    let apart = api.post("p/member", "/volumes", 0, hints).await.with(202)["volume"]["id"].clone();
    assert_eq!(show(&api, "p/admin", apart.as_str().unwrap(), 0).await["os-vol-host-attr:host"], "n2@lvm#b");
}

#[tokio::test]
async fn volumes_are_deleted_with_what_hangs_on_them() {
    let api = Api::start().await;
    let id = api.volume("p", "one").await;
    let path = format!("/volumes/{id}");
    api.post("p/member", "/snapshots", 0, json!({"snapshot": {"volume_id": id}})).await.with(202);
    let refused = api.delete("p/member", &path, 0).await.fault();
    assert_eq!(refused.0, 400);
    assert!(refused.1.starts_with("Invalid volume: Volume status must be available or error"), "{}", refused.1);
    let told = api.delete("p/member", &format!("{path}?cascade=maybe"), 0).await.fault();
    assert_eq!(told, (400, "Value 'maybe' for 'cascade' is not a boolean.".to_owned()));
    let deleted = api.delete("p/member", &format!("{path}?cascade=true"), 0).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (202, ""));
    assert_eq!(api.get("p/member", "/snapshots", 0).await.with(200), json!({"snapshots": []}));
    assert_eq!(api.get("p/member", &path, 0).await.fault(), (404, format!("Volume {id} could not be found.")));

    // One that is being made is deleted by force, and by its number of the version in which that came.
    api.set_work(Work::Later);
    let id = api.volume("p", "stuck").await;
    let path = format!("/volumes/{id}?force=true");
    assert_eq!(api.delete("p/admin", &path, 22).await.status, 400);
    assert_eq!(api.delete("p/admin", &path, 23).await.status, 202);
    assert_eq!(status(&api, &id).await, "deleting");
}
