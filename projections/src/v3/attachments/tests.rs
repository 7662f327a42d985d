use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};
use stele_core::task::FailureKind;

use crate::v3::testing::{Api, Reply, Work, chap_key};

const SERVER: &str = "11111111-2222-3333-4444-555555555555";
const MEMBER: &str = "p/member";

fn host(name: &str) -> Value {
    json!({"host": name, "initiator": format!("iqn.{name}"), "ip": "10.0.0.1", "multipath": false, "mode": "rw"})
}

async fn reserve(api: &Api, volume: &str, connector: Option<Value>) -> Reply {
    let mut body = json!({"attachment": {"volume_uuid": volume, "instance_uuid": SERVER}});
    if let Some(connector) = connector {
        body["attachment"]["connector"] = connector;
    }
    api.post(MEMBER, "/attachments", 71, body).await
}

fn id(reply: &Value) -> String {
    reply["attachment"]["id"].as_str().unwrap().to_owned()
}

async fn volume_status(api: &Api, volume: &str) -> String {
    let shown = api.get("p/reader", &format!("/volumes/{volume}"), 71).await.with(200);
    shown["volume"]["status"].as_str().unwrap().to_owned()
}

/// Asks with a service's token beside the caller's own.
async fn as_service(api: &Api, method: &str, path: &str, body: Option<Value>) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(format!("/v3/p{path}"))
        .header("x-auth-token", Api::token(MEMBER))
        .header("x-service-token", Api::token("services/service"))
        .header("openstack-api-version", "volume 3.71")
        .header("content-type", "application/json");
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    api.send(request.body(body).unwrap()).await
}

#[tokio::test]
async fn the_way_of_compute_from_reserving_to_the_end() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let made = reserve(&api, &volume, None).await.with(200);
    let path = format!("/attachments/{}", id(&made));
    let expected = json!({
        "id": id(&made), "status": "reserved", "instance": SERVER, "volume_id": volume, "attached_at": "",
        "detached_at": "", "attach_mode": "null", "connection_info": {},
    });
    assert_eq!(made, json!({"attachment": expected}));
    assert_eq!(volume_status(&api, &volume).await, "reserved");

    let body = json!({"attachment": {"connector": host("h1")}});
    let connected = api.put(MEMBER, &path, 71, body).await.with(200);
    let info = &connected["attachment"]["connection_info"];
    assert_eq!(connected["attachment"]["status"], "attaching");
    assert_eq!(connected["attachment"]["attach_mode"], "rw");
    for (name, value) in [
        ("driver_volume_type", json!("iscsi")),
        ("attachment_id", json!(id(&made))),
        ("target_lun", json!(1)),
        ("access_mode", json!("rw")),
        ("qos_specs", Value::Null),
        ("encrypted", json!(false)),
        ("enforce_multipath", json!(false)),
    ] {
        assert_eq!(info[name], value, "{name}");
    }
    assert_eq!(volume_status(&api, &volume).await, "attaching");

    let complete = json!({"os-complete": null});
    assert_eq!(api.post(MEMBER, &format!("{path}/action"), 44, complete).await.status, 204);
    let shown = api.get("p/reader", &path, 27).await.with(200);
    assert_eq!(shown["attachment"]["status"], "attached");
    assert_ne!(shown["attachment"]["attached_at"], "");
    assert_eq!(volume_status(&api, &volume).await, "in-use");

    assert_eq!(api.delete(MEMBER, &path, 71).await.with(200), json!({"attachments": []}));
    assert_eq!(volume_status(&api, &volume).await, "available");
    let missing = format!("Volume attachment could not be found with filter: attachment_id = {}.", id(&made));
    assert_eq!(api.get(MEMBER, &path, 71).await.fault(), (404, missing));
}

#[tokio::test]
async fn a_connector_at_once_and_a_storage_node_that_fails() {
    let api = Api::start().await;
    let (one, two) = (api.volume("p", "a").await, api.volume("p", "b").await);
    let made = reserve(&api, &one, Some(host("h1"))).await.with(200);
    assert_eq!(made["attachment"]["connection_info"]["driver_volume_type"], "iscsi");
    api.set_work(Work::Fails(FailureKind::Unsupported));
    let (status, text) = reserve(&api, &two, Some(host("h1"))).await.fault();
    assert_eq!(status, 500);
    assert!(text.starts_with("Unable to create attachment for volume (") && text.contains("did not work"), "{text}");
    let all = api.get(MEMBER, "/attachments/detail", 71).await.with(200);
    assert_eq!(all["attachments"][0]["status"], "error_attaching");
    assert_eq!(all["attachments"][0]["connection_info"], json!({}));
}

#[tokio::test]
async fn what_a_service_attached_only_a_service_ends() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let body = json!({"attachment": {"volume_uuid": volume, "instance_uuid": SERVER, "connector": host("h1")}});
    let made = as_service(&api, "POST", "/attachments", Some(body)).await.with(200);
    let path = format!("/attachments/{}", id(&made));
    let action = format!("/volumes/{volume}/action");
    let text = format!("Detach volume from instance {SERVER} using the Compute API");
    for who in [MEMBER, "p/admin"] {
        assert_eq!(api.delete(who, &path, 71).await.fault(), (409, text.clone()), "{who}");
        for body in [
            json!({"os-detach": {"attachment_id": id(&made)}}),
            json!({"os-detach": {}}),
            json!({"os-terminate_connection": {"connector": host("h1")}}),
        ] {
            assert_eq!(api.post(who, &action, 71, body.clone()).await.fault(), (409, text.clone()), "{who} {body}");
        }
    }
    // Neither does an admin of another project, whose commands go on the cell's own subjects.
    let foreign = Request::builder()
        .method("DELETE")
        .uri(format!("/v3/q{path}"))
        .header("x-auth-token", Api::token("q/admin"))
        .header("openstack-api-version", "volume 3.71");
    assert_eq!(api.send(foreign.body(Body::empty()).unwrap()).await.fault().0, 409);
    let force = json!({"os-force_detach": {"attachment_id": id(&made), "connector": null}});
    assert_eq!(api.post("p/admin", &action, 71, force).await.fault().0, 409);
    assert_eq!(as_service(&api, "DELETE", &path, None).await.with(200), json!({"attachments": []}));
    assert_eq!(volume_status(&api, &volume).await, "available");
}

#[tokio::test]
async fn another_projects_attachments_are_not_there_and_readers_only_read() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let made = reserve(&api, &volume, None).await.with(200);
    let path = format!("/attachments/{}", id(&made));
    let connector = json!({"attachment": {"connector": host("h1")}});
    assert_eq!(api.get("q/member", &path, 71).await.fault().0, 404);
    assert_eq!(api.put("q/member", &path, 71, connector.clone()).await.fault().0, 404);
    assert_eq!(api.delete("q/member", &path, 71).await.fault().0, 404);
    assert_eq!(api.get("q/member", "/attachments", 71).await.with(200), json!({"attachments": []}));
    assert_eq!(api.get("q/admin", "/attachments?all_tenants=1", 71).await.with(200)["attachments"][0]["id"], id(&made));
    assert_eq!(api.get("p/reader", &path, 71).await.status, 200);
    let denied = "Policy doesn't allow volume:attachment_update to be performed.".to_owned();
    assert_eq!(api.put("p/reader", &path, 71, connector).await.fault(), (403, denied));
    assert_eq!(api.delete("p/reader", &path, 71).await.fault().0, 403);
    let body = json!({"attachment": {"volume_uuid": volume}});
    assert_eq!(api.post("q/member", "/attachments", 71, body).await.fault().0, 404);
}

#[tokio::test]
async fn bodies_and_versions_are_checked_as_cinder_does() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let at = |at: &str, rest: &str| format!("Invalid input for field/attribute {at}. {rest}");
    for (minor, body, expected) in [
        (71, json!({}), "'attachment' is a required property".to_owned()),
        (71, json!({"attachment": {"volume_uuid": "zz"}}), at("volume_uuid", "Value: zz. 'zz' is not a 'uuid'")),
        (
            53,
            json!({"attachment": {"volume_uuid": volume, "mode": "ro"}}),
            at(
                "attachment",
                &format!(
                    "Value: {{'mode': 'ro', 'volume_uuid': '{volume}'}}. Additional properties are not allowed ('mode' \
                     was unexpected)"
                ),
            ),
        ),
        (
            71,
            json!({"attachment": {"volume_uuid": volume, "mode": "wr"}}),
            at("mode", "Value: wr. 'wr' is not one of ['rw', 'ro']"),
        ),
    ] {
        assert_eq!(api.post(MEMBER, "/attachments", minor, body).await.fault(), (400, expected));
    }
    let made = reserve(&api, &volume, None).await.with(200);
    let path = format!("/attachments/{}", id(&made));
    let text = at("connector", "Value: {}. {} should be non-empty");
    assert_eq!(api.put(MEMBER, &path, 71, json!({"attachment": {"connector": {}}})).await.fault(), (400, text));
    let bad = json!({"attachment": {"connector": {"host": 5}}});
    assert_eq!(api.put(MEMBER, &path, 71, bad).await.fault().0, 400);
    let text = "There is no such action: os-foo. Verify the request body and Content-Type header and try again.";
    let action = format!("{path}/action");
    assert_eq!(api.post(MEMBER, &action, 71, json!({"os-foo": 1})).await.fault(), (400, text.to_owned()));
    assert_eq!(api.get(MEMBER, &path, 26).await.fault().0, 404);
    assert_eq!(api.post(MEMBER, &action, 43, json!({"os-complete": null})).await.fault().0, 404);
    let again = reserve(&api, &volume, None).await;
    assert_eq!(again.status, 200, "a server may ask twice: {}", again.text);
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let api = Api::start().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        let volume = api.volume("p", name).await;
        let body = json!({"attachment": {"volume_uuid": volume}});
        made.push((id(&api.post(MEMBER, "/attachments", 71, body).await.with(200)), volume));
    }
    api.put(MEMBER, &format!("/attachments/{}", made[1].0), 71, json!({"attachment": {"connector": host("h")}})).await;
    for (query, expected) in [
        ("", vec![2, 1, 0]),
        ("?limit=2", vec![2, 1]),
        (&*format!("?limit=2&marker={}", made[1].0), vec![0]),
        ("?sort=created_at:asc&offset=1", vec![1, 2]),
        ("?status=attaching", vec![1]),
        ("?attach_status=reserved", vec![2, 0]),
        (&*format!("?volume_id={}", made[0].1), vec![0]),
        ("?instance_id=none", vec![]),
        ("?limit=0", vec![]),
    ] {
        let list = api.get(MEMBER, &format!("/attachments{query}"), 71).await.with(200);
        let ids: Vec<&str> =
            list["attachments"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        let expected: Vec<&str> = expected.into_iter().map(|index: usize| made[index].0.as_str()).collect();
        assert_eq!(ids, expected, "{query}");
    }
    assert_eq!(api.get(MEMBER, "/attachments?bogus=1", 71).await.fault().0, 400);
    assert_eq!(api.get(MEMBER, "/attachments?sort=bogus", 71).await.fault().0, 400);
}

#[tokio::test]
async fn older_clients_attach_on_the_volume() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let action = format!("/volumes/{volume}/action");
    let act = async |body: Value| api.post(MEMBER, &action, 0, body).await;
    assert_eq!(act(json!({"os-reserve": null})).await.status, 202);
    assert_eq!(volume_status(&api, &volume).await, "attaching");
    let text = "Invalid volume: Volume status must be available to reserve, but the status is attaching.".to_owned();
    assert_eq!(act(json!({"os-reserve": {}})).await.fault(), (400, text));
    let mut connector = host("h1");
    connector["enforce_multipath"] = json!(true);
    let info = act(json!({"os-initialize_connection": {"connector": connector}})).await.with(200);
    let info = &info["connection_info"];
    assert_eq!(info["driver_volume_type"], "iscsi");
    assert_eq!(info["enforce_multipath"], true);
    assert_eq!(info["data"]["access_mode"], "rw");
    assert_eq!(info["data"]["target_portal"], "127.0.0.1:3260");
    assert!(info["data"].get("driver_volume_type").is_none());
    // Until the client says that it uses it, nobody sees an attachment.
    assert_eq!(api.get(MEMBER, "/attachments", 71).await.with(200), json!({"attachments": []}));
    let attach = json!({"os-attach": {"mountpoint": "/dev/vdc", "host_name": "h1"}});
    assert_eq!(act(attach).await.status, 202);
    assert_eq!(volume_status(&api, &volume).await, "in-use");
    assert_eq!(act(json!({"os-begin_detaching": null})).await.status, 202);
    assert_eq!(volume_status(&api, &volume).await, "detaching");
    assert_eq!(act(json!({"os-roll_detaching": null})).await.status, 202);
    assert_eq!(volume_status(&api, &volume).await, "in-use");
    assert_eq!(act(json!({"os-begin_detaching": null})).await.status, 202);
    assert_eq!(act(json!({"os-terminate_connection": {"connector": host("h1")}})).await.status, 202);
    assert_eq!(act(json!({"os-detach": null})).await.status, 202);
    assert_eq!(volume_status(&api, &volume).await, "available");
    for body in [json!({"os-unreserve": null}), json!({"os-roll_detaching": null})] {
        assert_eq!(act(body.clone()).await.status, 202, "{body}");
    }
}

#[tokio::test]
async fn what_older_clients_may_get_wrong() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let action = format!("/volumes/{volume}/action");
    for (who, path, body, status) in [
        (MEMBER, "/volumes/xxx/action", json!({"os-detach": {}}), 404),
        ("q/member", &*action, json!({"os-reserve": {}}), 404),
        ("p/reader", &*action, json!({"os-reserve": {}}), 403),
        (MEMBER, &*action, json!({"os-force_detach": {}}), 403),
        (MEMBER, &*action, json!({"os-attach": {"mountpoint": "/dev/vdc"}}), 400),
        (MEMBER, &*action, json!({"os-attach": {"mountpoint": "", "host_name": "h"}}), 400),
        (MEMBER, &*action, json!({"os-attach": {"mountpoint": "/x", "host_name": "h", "mode": "xx"}}), 400),
        (MEMBER, &*action, json!({"os-initialize_connection": {"connector": "h"}}), 400),
        (MEMBER, &*action, json!({"os-initialize_connection": {"connector": {}}}), 400),
        (MEMBER, &*action, json!({"os-terminate_connection": {}}), 400),
        (MEMBER, &*action, json!({"os-detach": {"attachment_id": "zz"}}), 400),
        (MEMBER, &*action, json!({"os-begin_detaching": null}), 400),
        ("p/admin", &*action, json!({"os-force_detach": {"attachment_id": "zz"}}), 404),
    ] {
        assert_eq!(api.post(who, path, 0, body.clone()).await.fault().0, status, "{who} {body}");
    }
}

#[tokio::test]
async fn a_host_is_shown_what_it_logs_in_with_and_nobody_learns_it_from_the_log() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let made = reserve(&api, &volume, Some(host("h1"))).await.with(200);
    let info = &made["attachment"]["connection_info"];
    let secrets = chap_key().of(id(&made).parse().unwrap());
    assert_eq!(info["auth_password"], secrets.password);
    assert_eq!(info["chap_key"], Value::Null, "by which key is nobody's business");
    let shown = api.get(MEMBER, &format!("/attachments/{}", id(&made)), 71).await.with(200);
    assert_eq!(shown["attachment"]["connection_info"]["auth_password"], secrets.password);
    let detail = api.get(MEMBER, "/attachments/detail", 71).await.with(200);
    assert_eq!(detail["attachments"][0]["connection_info"]["auth_password"], secrets.password);
    let log = api.cell(|cell| cell.log()).await;
    let text = format!("{:?}", log.entries());
    assert!(!text.contains(&secrets.password));
}
