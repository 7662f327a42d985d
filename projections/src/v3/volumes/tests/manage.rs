use serde_json::{Value, json};
use stele_core::task::FailureKind;

use super::{act, show, status};
use crate::v3::testing::{Api, Work};

const DONE: (u16, String) = (202, String::new());

fn of(more: &Value) -> Value {
    let mut body = json!({"volume": {"host": "n1@lvm#a", "ref": {"source-name": "old-1"}}});
    body["volume"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The worker of these tests finds 3 GiB under every name.
#[tokio::test]
async fn a_volume_is_taken_over_and_given_up() {
    let api = Api::start().await;
    api.set_work(Work::Later);
    let wanted = of(&json!({"name": "web", "bootable": true, "metadata": {"a": "b"}}));
    let made = api.post("p/admin", "/os-volume-manage", 0, wanted).await.with(202)["volume"].clone();
    assert_eq!((&made["status"], &made["size"], &made["name"]), (&json!("creating"), &json!(1), &json!("web")));
    assert_eq!(made["os-vol-host-attr:host"], "n1@lvm#a");
    let id = made["id"].as_str().unwrap();
    api.set_work(Work::AtOnce);
    api.work().await;
    let shown = show(&api, "p/member", id, 0).await;
    assert_eq!(
        (&shown["status"], &shown["size"], &shown["bootable"]),
        (&json!("available"), &json!(3), &json!("true"))
    );
    assert_eq!(shown["metadata"], json!({"a": "b"}));
    let used = async || {
        let limits = api.get("p/member", "/limits", 0).await.with(200);
        limits["limits"]["absolute"]["totalGigabytesUsed"].clone()
    };
    assert_eq!(used().await, 3);

    let body = json!({"snapshot": {"volume_id": id, "ref": {"source-name": "old-2"}, "name": "s"}});
    let taken = api.post("p/admin", "/manageable_snapshots", 8, body).await.with(202)["snapshot"].clone();
    assert_eq!((&taken["status"], &taken["volume_id"], &taken["size"]), (&json!("creating"), &json!(id), &json!(3)));
    let path = format!("/snapshots/{}", taken["id"].as_str().unwrap());
    assert_eq!(api.get("p/member", &path, 0).await.with(200)["snapshot"]["status"], "available");
    let give_up = json!({"os-unmanage": {}});
    let refused = act(&api, "p/admin", id, 0, give_up.clone()).await;
    assert!(refused.0 == 400 && refused.1.contains("have snapshots"), "{refused:?}");
    let action = format!("{path}/action");
    assert_eq!(api.post("p/member", &action, 0, give_up.clone()).await.status, 403);
    assert_eq!(api.post("p/admin", &action, 0, give_up.clone()).await.status, 202);
    assert_eq!(api.get("p/member", &path, 0).await.status, 404);
    assert_eq!(act(&api, "p/member", id, 0, give_up.clone()).await.0, 403);
    assert_eq!(act(&api, "p/admin", id, 0, give_up).await, DONE);
    assert_eq!(api.get("p/member", &format!("/volumes/{id}"), 0).await.status, 404);
    assert_eq!(used().await, 0);
}

#[tokio::test]
async fn what_cannot_be_taken_over_is_in_error_and_pays_for_nothing_but_itself() {
    let api = Api::start().await;
    assert_eq!(api.post("p/member", "/os-volume-manage", 0, of(&json!({}))).await.status, 403);
    // The only pool of a backend.
    let quota = json!({"quota_set": {"gigabytes": 2}});
    api.put("p/admin", "/os-quota-sets/p", 0, quota).await.with(200);
    let made = api.post("p/admin", "/manageable_volumes", 8, of(&json!({"host": "n1@lvm"}))).await.with(202);
    let id = made["volume"]["id"].as_str().unwrap();
    assert_eq!(status(&api, id).await, "error");
    let messages = api.get("p/member", "/messages", 3).await.with(200);
    let text = messages["messages"][0]["user_message"].as_str().unwrap();
    assert!(text.contains("exceeds allowed gigabytes quota"), "{text}");
    let deleted = api.delete("p/member", &format!("/volumes/{id}"), 0).await;
    assert_eq!(deleted.status, 202);
    assert_eq!(api.get("p/member", &format!("/volumes/{id}"), 0).await.status, 404);

    api.set_work(Work::Fails(FailureKind::NotFound));
    let made = api.post("p/admin", "/os-volume-manage", 0, of(&json!({}))).await.with(202);
    assert_eq!(status(&api, made["volume"]["id"].as_str().unwrap()).await, "error");
    for (more, text) in [
        (json!({"ref": {"source-name": "../x"}}), "source name \"../x\" is not valid"),
        (json!({"ref": "x"}), "Reference must contain source-name element."),
        (json!({"volume_type": "nope"}), "Volume type with name nope could not be found."),
        (json!({"availability_zone": "moon"}), "Availability zone 'moon' is invalid."),
    ] {
        let told = api.post("p/admin", "/os-volume-manage", 0, of(&more)).await.fault();
        assert!(matches!(told.0, 400 | 404) && told.1.contains(text), "{told:?}");
    }
}
