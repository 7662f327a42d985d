use serde_json::{Value, json};
use stele_core::id::SourceName;
use stele_core::inventory::Foreign;

use crate::v3::testing::Api;

fn foreign(name: &str, size_bytes: u64, origin: Option<&str>, open: bool) -> Foreign {
    let name_of = |text: &str| SourceName::new(text).unwrap();
    Foreign { name: name_of(name), size_bytes, origin: origin.map(name_of), open }
}

/// Pool `a` has two volumes and a snapshot of somebody else, and one volume of ours.
async fn cell() -> (Api, String) {
    let api = Api::start().await;
    let ours = api.volume("p", "web").await;
    let found = vec![
        foreign("old", (3 << 30) + 1, None, false),
        foreign("root", 1 << 30, None, true),
        foreign("snap", 1, Some("old"), false),
    ];
    api.cell(|cell| cell.inventory("n1@lvm#a", found)).await;
    (api, ours)
}

async fn names(api: &Api, path: &str) -> Vec<String> {
    let told = api.get("p/admin", path, 71).await.with(200);
    let (_, list) = told.as_object().unwrap().iter().next().unwrap();
    let name = |item: &Value| item["reference"]["source-name"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn what_others_have_can_be_managed_and_what_is_ours_is_already() {
    let (api, ours) = cell().await;
    let told = api.get("p/admin", "/manageable_volumes/detail?host=n1@lvm%23a&sort=reference:asc", 8).await.with(200);
    let expected = json!({"manageable-volumes": [
        {"reference": {"source-name": "old"}, "size": 4, "safe_to_manage": true, "reason_not_safe": null,
         "cinder_id": null, "extra_info": null},
        {"reference": {"source-name": "root"}, "size": 1, "safe_to_manage": false, "reason_not_safe": "volume in use",
         "cinder_id": null, "extra_info": null},
        {"reference": {"source-name": format!("volume-{ours}")}, "size": 1, "safe_to_manage": false,
         "reason_not_safe": "already managed", "cinder_id": ours, "extra_info": null},
    ]});
    assert_eq!(told, expected);
    let told = api.get("p/admin", "/os-snapshot-manage?host=n1@lvm", 0).await.with(200);
    let expected = json!({"manageable-snapshots": [
        {"reference": {"source-name": "snap"}, "size": 1, "safe_to_manage": true,
         "source_reference": {"source-name": "old"}},
    ]});
    assert_eq!(told, expected);
    // Of the other backend, whose worker has not looked.
    assert_eq!(names(&api, "/manageable_volumes?host=n2@lvm").await, [""; 0]);
    assert_eq!(api.get("p/member", "/manageable_volumes?host=n1@lvm", 8).await.status, 403);
}

#[tokio::test]
async fn the_list_comes_sorted_and_in_parts() {
    let (api, ours) = cell().await;
    let ours = format!("volume-{ours}");
    let path = |more: &str| format!("/manageable_volumes?host=n1@lvm%23a{more}");
    assert_eq!(names(&api, &path("")).await, [ours.as_str(), "root", "old"]);
    assert_eq!(names(&api, &path("&sort=size:desc")).await[0], "old");
    assert_eq!(names(&api, &path("&sort=reference:asc&limit=1&offset=1")).await, ["root"]);
    for marker in ["root", "%7B%27source-name%27%3A%20%27root%27%7D"] {
        assert_eq!(names(&api, &path(&format!("&marker={marker}"))).await, ["old"], "{marker}");
    }
    let told = api.get("p/admin", &path("&marker=x"), 71).await.fault();
    assert_eq!(told, (400, "marker not found: x".to_owned()));
}
