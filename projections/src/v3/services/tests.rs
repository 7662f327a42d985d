use serde_json::{Value, json};

use crate::v3::testing::Api;

async fn services(api: &Api, query: &str, minor: u16) -> Vec<Value> {
    let listed = api.get("p/admin", &format!("/os-services{query}"), minor).await.with(200);
    listed["services"].as_array().unwrap().clone()
}

async fn service(api: &Api, host: &str) -> Value {
    services(api, "", 71).await.into_iter().find(|service| service["host"] == host).unwrap()
}

#[tokio::test]
async fn the_control_and_the_backends_are_services() {
    let api = Api::start().await;
    let listed = services(&api, "", 0).await;
    let names: Vec<_> = listed.iter().map(|service| (service["binary"].clone(), service["host"].clone())).collect();
    let expected = [("cinder-scheduler", "test"), ("cinder-volume", "n1@lvm"), ("cinder-volume", "n2@lvm")]
        .map(|(b, h)| (json!(b), json!(h)));
    assert_eq!(names, expected);
    let mut volume = listed[1].clone();
    assert!(volume["updated_at"].as_str().is_some_and(|at| at.len() == 26 && at.starts_with("2027-01-15T")));
    volume["updated_at"] = Value::Null;
    let mut expected = json!({
        "binary": "cinder-volume", "host": "n1@lvm", "zone": "nova", "status": "enabled", "state": "up",
        "updated_at": null, "disabled_reason": null, "replication_status": "disabled", "active_backend_id": null,
        "frozen": false,
    });
    assert_eq!(volume, expected);
    (expected["cluster"], expected["backend_state"]) = (Value::Null, json!("up"));
    let mut newest = services(&api, "", 49).await[1].clone();
    newest["updated_at"] = Value::Null;
    assert_eq!(newest, expected);
    let keys: Vec<&String> = listed[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["binary", "disabled_reason", "host", "state", "status", "updated_at", "zone"]);
    for (query, hosts) in [
        ("?binary=cinder-volume", vec!["n1@lvm", "n2@lvm"]),
        ("?host=n1", vec!["n1@lvm"]),
        ("?host=n1@lvm", vec!["n1@lvm"]),
        ("?host=n", vec![]),
        ("?host=test&binary=cinder-volume", vec![]),
    ] {
        let found: Vec<Value> = services(&api, query, 0).await.iter().map(|service| service["host"].clone()).collect();
        assert_eq!(found, hosts, "{query}");
    }
    let denied = "Policy doesn't allow volume_extension:services:index to be performed.".to_owned();
    assert_eq!(api.get("p/member", "/os-services", 0).await.fault(), (403, denied));
}

#[tokio::test]
async fn services_are_down_when_nothing_is_heard_of_them() {
    let api = Api::start().await;
    api.cell(|cell| cell.now = cell.now.plus_ms(59_900)).await;
    assert!(services(&api, "", 0).await.iter().all(|service| service["state"] == "up"), "a minute is not too long");
    api.cell(|cell| cell.now = cell.now.plus_ms(1000)).await;
    assert!(services(&api, "", 0).await.iter().all(|service| service["state"] == "down"));
    assert_eq!(service(&api, "n1@lvm").await["backend_state"], Value::Null);
    let pools = api.get("p/admin", "/scheduler-stats/get_pools", 0).await.with(200);
    assert_eq!(pools, json!({"pools": []}));
    api.cell(|cell| cell.heartbeat("n1@lvm", &[("a", 1000.0, 1000.0)])).await;
    let states: Vec<Value> = services(&api, "", 0).await.iter().map(|service| service["state"].clone()).collect();
    assert_eq!(states, ["up", "up", "down"], "a heartbeat is written by the control: it lives as well");
}

#[tokio::test]
async fn backends_are_disabled_enabled_frozen_and_thawed() {
    let api = Api::start().await;
    let body = json!({"binary": "cinder-volume", "host": "n1@lvm"});
    let answer = |status: &str, disabled: bool| json!({"host": "n1@lvm", "service": "", "binary": "cinder-volume", "status": status, "disabled": disabled});
    let disabled = api.put("p/admin", "/os-services/disable", 0, body.clone()).await.with(200);
    assert_eq!(disabled, answer("disabled", true));
    assert_eq!(service(&api, "n1@lvm").await["status"], "disabled");
    let hosts = api.get("p/admin", "/os-hosts", 0).await.with(200);
    let names: Vec<&Value> = hosts["hosts"].as_array().unwrap().iter().map(|host| &host["host_name"]).collect();
    assert_eq!(names, ["test", "n2@lvm"]);
    let mut with_reason = body.clone();
    with_reason["disabled_reason"] = json!("repair");
    let reason = api.put("p/admin", "/os-services/disable-log-reason", 0, with_reason).await.with(200);
    assert_eq!(reason["disabled_reason"], "repair");
    assert_eq!(service(&api, "n1@lvm").await["disabled_reason"], "repair");
    let old_name = json!({"service": "cinder-volume", "host": "n1@lvm"});
    let enabled = api.put("p/admin", "/os-services/enable", 0, old_name).await.with(200);
    assert_eq!(
        enabled,
        json!({
            "host": "n1@lvm", "service": "cinder-volume", "binary": "", "status": "enabled", "disabled": false,
        })
    );
    assert_eq!(service(&api, "n1@lvm").await["disabled_reason"], Value::Null);
    let host = json!({"host": "n1@lvm"});
    assert_eq!(api.put("p/admin", "/os-services/freeze", 0, host.clone()).await.with(200), Value::Null);
    let frozen = service(&api, "n1@lvm").await;
    assert_eq!(
        (&frozen["frozen"], &frozen["status"], &frozen["disabled_reason"]),
        (&json!(true), &json!("disabled"), &json!("frozen"))
    );
    assert_eq!(api.put("p/admin", "/os-services/thaw", 0, host).await.with(200), Value::Null);
    assert_eq!(service(&api, "n1@lvm").await["frozen"], false);
    let scheduler = json!({"binary": "cinder-scheduler", "host": "test"});
    api.put("p/admin", "/os-services/enable", 0, scheduler.clone()).await.with(200);
    let reply = api.put("p/admin", "/os-services/disable", 0, scheduler).await;
    assert!(reply.fault().1.contains("The control that leads cannot be disabled"), "{}", reply.text);
}

#[tokio::test]
async fn what_is_wrong_with_services_is_told_as_cinder_tells_it() {
    let api = Api::start().await;
    let at = |field: &str, rest: &str| format!("Invalid input for field/attribute {field}. {rest}");
    let one = "Invalid input received: One and only one of cluster and host must be set.".to_owned();
    let failover = "Invalid input received: No service could be changed: replication_status in ['n1@lvm'] must be \
                    ['enabled', 'failed-over'] and must be up to failover.";
    let pattern = r"Value: bad host. 'bad host' does not match '^[a-zA-Z0-9-._#@:/+\\[\\]]*$'";
    let unknown = |binary: &str, host: &str| format!("Service {binary} could not be found on host {host}.");
    for (path, minor, body, status, text) in [
        ("enable", 0, json!({"binary": "cinder-volume", "host": "nope"}), 404, unknown("cinder-volume", "nope")),
        ("disable", 0, json!({"binary": "x", "host": "n1@lvm"}), 404, unknown("x", "n1@lvm")),
        ("enable", 0, json!({"binary": "x"}), 400, "Invalid input received: Host field is missing.".to_owned()),
        (
            "enable",
            0,
            json!({"host": "n1@lvm"}),
            400,
            "{'host': 'n1@lvm'} is not valid under any of the given schemas".to_owned(),
        ),
        ("enable", 0, json!({"binary": 5, "host": "h"}), 400, at("binary", "Value: 5. 5 is not of type 'string'")),
        (
            "disable-log-reason",
            0,
            json!({"binary": "cinder-volume", "host": "n1@lvm", "disabled_reason": null}),
            400,
            at("disabled_reason", "Value: None. None is not of type 'string'"),
        ),
        ("freeze", 0, json!({"host": "nope"}), 400, "No service found with host=nope".to_owned()),
        ("freeze", 0, json!({}), 400, "Invalid input received: Host field is missing.".to_owned()),
        ("thaw", 26, json!({}), 400, one.clone()),
        ("thaw", 26, json!({"host": "n1@lvm", "cluster": "c"}), 400, one),
        ("freeze", 26, json!({"cluster": "c"}), 400, "No service found with cluster=c".to_owned()),
        ("freeze", 0, json!({"host": "bad host"}), 400, at("host", pattern)),
        ("failover_host", 0, json!({"host": "n1"}), 400, failover.to_owned()),
        ("set-log", 32, json!({"level": "x"}), 400, "Invalid input received: x is not a valid log level.".to_owned()),
        ("set-log", 32, json!({}), 400, "Invalid input received:  is not a valid log level.".to_owned()),
        ("get-log", 31, json!({}), 404, "The resource could not be found.".to_owned()),
    ] {
        let reply = api.put("p/admin", &format!("/os-services/{path}"), minor, body.clone()).await;
        assert_eq!(reply.fault(), (status, text), "{path} {body}");
    }
}

#[tokio::test]
async fn log_levels_are_set_and_shown() {
    let api = Api::start().await;
    let set = |body: Value| api.put("p/admin", "/os-services/set-log", 32, body);
    assert_eq!(set(json!({"level": "debug"})).await.with(202), Value::Null);
    let worker = json!({"binary": "cinder-volume", "server": "n1@lvm", "prefix": "stele_workers", "level": "ERROR"});
    set(worker).await.with(202);
    set(json!({"binary": "cinder-backup", "level": "INFO"})).await.with(202);
    let get = |body: Value| api.put("p/admin", "/os-services/get-log", 32, body);
    let expected = json!({"log_levels": [
        {"host": "", "binary": "cinder-api", "levels": {"": "DEBUG"}},
        {"host": "test", "binary": "cinder-scheduler", "levels": {"": "DEBUG"}},
        {"host": "n1@lvm", "binary": "cinder-volume", "levels": {"": "DEBUG", "stele_workers": "ERROR"}},
        {"host": "n2@lvm", "binary": "cinder-volume", "levels": {"": "DEBUG"}},
    ]});
    assert_eq!(get(json!({})).await.with(200), expected);
    let expected = json!({"log_levels": [
        {"host": "n1@lvm", "binary": "cinder-volume", "levels": {"stele_workers": "ERROR"}},
    ]});
    let body = json!({"binary": "cinder-volume", "server": "n1@lvm", "prefix": "stele"});
    assert_eq!(get(body).await.with(200), expected);
}

#[tokio::test]
async fn hosts_tell_what_projects_have_on_them() {
    let api = Api::start().await;
    let volume = api.volume("p", "web").await;
    api.volume("q", "db").await;
    let snapshot = json!({"snapshot": {"volume_id": volume}});
    api.post("p/member", "/snapshots", 0, snapshot).await.with(202);
    let row = |project: &str, volumes: &str, snapshots: &str| {
        json!({"resource": {
            "host": "n1@lvm", "project": project, "volume_count": volumes, "total_volume_gb": volumes,
            "snapshot_count": snapshots, "total_snapshot_gb": snapshots,
        }})
    };
    let shown = api.get("p/admin", "/os-hosts/n1@lvm", 0).await.with(200);
    assert_eq!(shown, json!({"host": [row("(total)", "2", "1"), row("p", "1", "1"), row("q", "1", "0")]}));
    let empty = api.get("p/admin", "/os-hosts/n2@lvm", 0).await.with(200)["host"].clone();
    assert_eq!((empty.as_array().unwrap().len(), &empty[0]["resource"]["volume_count"]), (1, &json!("0")));
    let listed = api.get("p/admin", "/os-hosts?zone=nova", 0).await.with(200)["hosts"].clone();
    let mut first = listed[1].clone();
    first["last-update"] = Value::Null;
    let expected = json!({
        "host_name": "n1@lvm", "service": "cinder-volume", "zone": "nova", "service-status": "available",
        "service-state": "enabled", "last-update": null,
    });
    assert_eq!((listed.as_array().unwrap().len(), first), (3, expected));
    let update = |host: &str, body: Value| {
        let path = format!("/os-hosts/{host}");
        let api = &api;
        async move { api.put("p/admin", &path, 0, body).await }
    };
    let disabled = update("n1@lvm", json!({"STATUS": "Disable"})).await.with(200);
    assert_eq!(disabled, json!({"host": "n1@lvm", "status": "disabled"}));
    assert_eq!(service(&api, "n1@lvm").await["status"], "disabled");
    let one_of = "Invalid input for field/attribute status. Value: x. 'x' is not one of ['enable', 'disable']";
    for (host, body, status, text) in [
        ("nope", json!({"status": "enable"}), 404, "Host nope could not be found."),
        ("n1@lvm", json!({"status": "x"}), 400, one_of),
        ("n1@lvm", json!({"foo": "x"}), 400, "Invalid update setting: 'foo'"),
    ] {
        assert_eq!(update(host, body).await.fault(), (status, text.to_owned()), "{host}");
    }
    let unknown = (404, "Service cinder-volume could not be found on host nope.".to_owned());
    assert_eq!(api.get("p/admin", "/os-hosts/nope", 0).await.fault(), unknown);
}

#[tokio::test]
async fn pools_are_found_by_name_and_by_type() {
    let api = Api::start().await;
    let names = |reply: Value| -> Vec<String> {
        let pools = reply["pools"].as_array().unwrap().iter();
        pools.map(|pool| pool["name"].as_str().unwrap().to_owned()).collect()
    };
    let body = json!({"volume_type": {"name": "big", "extra_specs": {"total_capacity_gb": ">= 800"}}});
    api.post("p/admin", "/types", 0, body).await.with(200);
    let (both, first) = (vec!["n1@lvm#a", "n2@lvm#b"], vec!["n1@lvm#a"]);
    for (query, minor, expected) in [
        ("", 0, both.clone()),
        ("?name=n1@lvm%23a", 0, both.clone()),
        ("?name=n1@lvm%23a", 28, first.clone()),
        ("?name=nope", 28, vec![]),
        ("?volume_type=big", 34, both.clone()),
        ("?volume_type=big", 35, first),
        ("?bogus=1", 30, both),
    ] {
        let reply = api.get("p/admin", &format!("/scheduler-stats/get_pools{query}"), minor).await.with(200);
        assert_eq!(names(reply), expected, "{query} {minor}");
    }
    let detailed = api.get("p/admin", "/scheduler-stats/get_pools?detail=True", 0).await.with(200);
    assert_eq!(detailed["pools"][0]["capabilities"]["total_capacity_gb"], 1000.0);
    assert_eq!(detailed["pools"][0]["capabilities"]["multiattach"], true);
    for (query, status, text) in [
        ("?bogus=1", 400, "Invalid filters bogus are found in query options."),
        ("?volume_type=nope", 404, "Volume type with name nope could not be found."),
        ("?detail=x", 400, "Value 'x' for 'detail' is not a boolean."),
    ] {
        let reply = api.get("p/admin", &format!("/scheduler-stats/get_pools{query}"), 71).await;
        assert_eq!(reply.fault(), (status, text.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn capabilities_and_zones_are_those_of_the_backends() {
    let api = Api::start().await;
    let shown = api.get("p/admin", "/capabilities/n1", 0).await.with(200);
    assert_eq!(shown["namespace"], "OS::Storage::Capabilities::n1@lvm");
    let mut keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "description",
        "display_name",
        "driver_version",
        "namespace",
        "pool_name",
        "properties",
        "replication_targets",
        "storage_protocol",
        "vendor_name",
        "visibility",
        "volume_backend_name",
    ];
    assert_eq!(keys, expected);
    let missing = (404, "Can't find service: nope".to_owned());
    assert_eq!(api.get("p/admin", "/capabilities/nope", 0).await.fault(), missing);
    let zones = |available: bool| json!({"availabilityZoneInfo": [{"zoneName": "nova", "zoneState": {"available": available}}]});
    assert_eq!(api.get("p/reader", "/os-availability-zone", 0).await.with(200), zones(true));
    for host in ["n1@lvm", "n2@lvm"] {
        let body = json!({"binary": "cinder-volume", "host": host});
        api.put("p/admin", "/os-services/disable", 0, body).await.with(200);
    }
    assert_eq!(api.get("p/reader", "/os-availability-zone", 0).await.with(200), zones(false));
}

#[tokio::test]
async fn there_are_no_clusters_and_nothing_waits_to_be_cleaned_up() {
    let api = Api::start().await;
    for path in ["/clusters", "/clusters/detail?is_up=true", "/clusters?frozen=1"] {
        assert_eq!(api.get("p/admin", path, 26).await.with(200), json!({"clusters": []}), "{path}");
    }
    let none = json!({"cleaning": [], "unavailable": []});
    let cleanup = json!({"host": "n1@lvm", "is_up": true});
    assert_eq!(api.post("p/admin", "/workers/cleanup", 24, cleanup).await.with(202), none);
    let missing = |binary: &str| format!("Cluster {{'binary': '{binary}', 'name': 'x'}} could not be found.");
    let id = "00000000-0000-4000-8000-00000000abcd";
    for (method, path, minor, body, status, text) in [
        ("GET", "/clusters", 6, Value::Null, 404, "The resource could not be found.".to_owned()),
        (
            "GET",
            "/clusters?frozen=1",
            25,
            Value::Null,
            400,
            "Invalid input received: Invalid filter keys: frozen".to_owned(),
        ),
        ("GET", "/clusters?is_up=x", 7, Value::Null, 400, "Value 'x' for 'is_up' is not a boolean.".to_owned()),
        ("GET", "/clusters/x", 7, Value::Null, 404, missing("cinder-volume")),
        ("PUT", "/clusters/enable", 7, json!({"name": "x", "binary": "b"}), 404, missing("b")),
        ("PUT", "/clusters/disable", 7, json!({}), 400, "'name' is a required property".to_owned()),
        (
            "POST",
            "/workers/cleanup",
            24,
            json!({"resource_type": "x"}),
            400,
            "Invalid input received: Resource type X not valid, must be Volume or Snapshot".to_owned(),
        ),
        (
            "POST",
            "/workers/cleanup",
            24,
            json!({"resource_id": id}),
            400,
            format!("Invalid input received: There is no resource with UUID {id} pending cleanup."),
        ),
    ] {
        let body = Some(body).filter(|_| method != "GET");
        assert_eq!(api.ask(method, "p/admin", path, minor, body).await.fault(), (status, text), "{method} {path}");
    }
}
