use serde_json::{Value, json};

use crate::v3::testing::Api;

const GIVER: &str = "p/member";
const TAKER: &str = "q/member";

async fn offer(api: &Api, volume: &str) -> Value {
    let body = json!({"transfer": {"volume_id": volume, "name": " gift "}});
    api.post(GIVER, "/os-volume-transfer", 57, body).await.with(202)["transfer"].clone()
}

fn text<'a>(transfer: &'a Value, key: &str) -> &'a str {
    transfer[key].as_str().unwrap()
}

#[tokio::test]
async fn a_volume_goes_to_whoever_knows_the_key() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let offered = offer(&api, &volume).await;
    let (id, key) = (text(&offered, "id"), text(&offered, "auth_key"));
    assert_eq!((text(&offered, "name"), key.len()), ("gift", 16));
    assert_eq!(offered["source_project_id"], "p");
    assert_eq!((&offered["destination_project_id"], &offered["accepted"]), (&Value::Null, &json!(false)));
    let own = format!("http://cell:8776/v3/p/os-volume-transfer/{id}");
    assert_eq!(offered["links"][0], json!({"rel": "self", "href": own}));
    let path = format!("/volumes/{volume}");
    assert_eq!(api.get(GIVER, &path, 71).await.with(200)["volume"]["status"], "awaiting-transfer");

    let accept = format!("/volume-transfers/{id}/accept");
    let wrong = format!("Invalid auth key: Attempt to transfer {id} with invalid auth key.");
    for bad in [json!("zz"), json!(12)] {
        let refused = api.post(TAKER, &accept, 55, json!({"accept": {"auth_key": bad}})).await;
        assert_eq!(refused.fault(), (400, wrong.clone()));
    }
    let taken = api.post(TAKER, &accept, 55, json!({"accept": {"auth_key": key}})).await.with(202);
    let mut keys: Vec<&String> = taken["transfer"].as_object().unwrap().keys().collect();
    keys.sort();
    assert_eq!(keys, ["id", "links", "name", "volume_id"]);
    let shown = api.get(TAKER, &path, 71).await.with(200);
    assert_eq!(shown["volume"]["os-vol-tenant-attr:tenant_id"], "q");
    assert_eq!(shown["volume"]["status"], "available");
    assert_eq!(api.get(GIVER, &path, 71).await.fault().0, 404);
    let gone = (404, format!("Transfer {id} could not be found."));
    assert_eq!(api.post(TAKER, &accept, 55, json!({"accept": {"auth_key": key}})).await.fault(), gone);
    let used = |project| api.get("p/admin", project, 0);
    for (project, volumes) in [("/os-quota-sets/p?usage=True", 0), ("/os-quota-sets/q?usage=True", 1)] {
        assert_eq!(used(project).await.with(200)["quota_set"]["volumes"]["in_use"], volumes, "{project}");
    }
}

#[tokio::test]
async fn the_key_is_told_once_and_each_version_shows_its_own() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let id = text(&offer(&api, &volume).await, "id").to_owned();
    for (minor, fields) in [
        (0, vec!["created_at", "id", "links", "name", "volume_id"]),
        (55, vec!["created_at", "id", "links", "name", "no_snapshots", "volume_id"]),
        (
            57,
            vec![
                "accepted",
                "created_at",
                "destination_project_id",
                "id",
                "links",
                "name",
                "no_snapshots",
                "source_project_id",
                "volume_id",
            ],
        ),
    ] {
        for path in ["os-volume-transfer", "volume-transfers"] {
            let shown = api.get("p/reader", &format!("/{path}/{id}"), minor).await.with(200);
            let listed = api.get("p/reader", &format!("/{path}/detail"), minor).await.with(200);
            let keys = |transfer: &Value| {
                let mut keys: Vec<String> = transfer.as_object().unwrap().keys().cloned().collect();
                keys.sort();
                keys
            };
            assert_eq!(keys(&shown["transfer"]), fields, "3.{minor}");
            assert_eq!(keys(&listed["transfers"][0]), fields, "3.{minor}");
        }
    }
    let brief = api.get("p/reader", "/os-volume-transfer", 0).await.with(200);
    assert_eq!(brief["transfers"][0].as_object().unwrap().len(), 4);
    assert!(brief.get("transfers_links").is_none());
}

#[tokio::test]
async fn only_its_own_project_sees_or_ends_a_transfer() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let id = text(&offer(&api, &volume).await, "id").to_owned();
    let path = format!("/volume-transfers/{id}");
    assert_eq!(api.get(TAKER, &path, 55).await.fault().0, 404);
    assert_eq!(api.delete(TAKER, &path, 55).await.fault().0, 404);
    assert_eq!(api.get(TAKER, "/volume-transfers", 55).await.with(200), json!({"transfers": []}));
    assert_eq!(api.get("q/admin", "/volume-transfers?all_tenants=1", 55).await.with(200)["transfers"][0]["id"], id);
    assert_eq!(api.delete("p/reader", &path, 55).await.fault().0, 403);
    assert_eq!(api.delete(GIVER, &path, 55).await.status, 202);
    let shown = api.get(GIVER, &format!("/volumes/{volume}"), 71).await.with(200);
    assert_eq!(shown["volume"]["status"], "available");
}

#[tokio::test]
async fn bodies_are_checked_as_cinder_does_and_a_busy_volume_stays() {
    let api = Api::start().await;
    let volume = api.volume("p", "a").await;
    let post = async |minor: u16, body: Value| api.post(GIVER, "/os-volume-transfer", minor, body).await;
    for (minor, body) in [
        (0, json!({})),
        (0, json!({"transfer": {}})),
        (0, json!({"transfer": {"volume_id": "zz"}})),
        (0, json!({"transfer": {"volume_id": volume, "name": "  "}})),
        (0, json!({"transfer": {"volume_id": volume, "name": 5}})),
        (0, json!({"transfer": {"volume_id": volume, "name": "x".repeat(256)}})),
        (54, json!({"transfer": {"volume_id": volume, "no_snapshots": true}})),
        (55, json!({"transfer": {"volume_id": volume, "no_snapshots": "zz"}})),
    ] {
        assert_eq!(post(minor, body.clone()).await.fault().0, 400, "{body}");
    }
    let nobodys = json!({"transfer": {"volume_id": "11111111-2222-3333-4444-555555555555"}});
    assert_eq!(post(0, nobodys).await.fault().0, 404);
    assert_eq!(post(71, json!({"transfer": {"volume_id": volume, "name": null}})).await.status, 202);
    let twice = post(0, json!({"transfer": {"volume_id": volume}})).await.fault();
    assert_eq!(twice, (400, "Invalid volume: status must be available".to_owned()));
}

#[tokio::test]
async fn transfers_are_listed_by_age_and_in_pages() {
    let api = Api::start().await;
    let mut made = Vec::new();
    for name in ["a", "b", "c"] {
        let volume = api.volume("p", name).await;
        made.push((text(&offer(&api, &volume).await, "id").to_owned(), volume));
    }
    for (minor, query, expected) in [
        (0, "", vec![0, 1, 2]),
        (58, "?limit=2", vec![0, 1]),
        (59, "", vec![2, 1, 0]),
        (59, "?sort=created_at:asc&limit=2&offset=1", vec![1, 2]),
        (59, &*format!("?marker={}", made[2].0), vec![1, 0]),
        (59, "?name=gift&limit=1", vec![2]),
        (59, &*format!("?volume_id={}", made[0].1), vec![0]),
        (59, "?name=nothing", vec![]),
    ] {
        let list = api.get(GIVER, &format!("/volume-transfers{query}"), minor).await.with(200);
        let ids: Vec<&str> = list["transfers"].as_array().unwrap().iter().map(|item| text(item, "id")).collect();
        let expected: Vec<&str> = expected.into_iter().map(|index: usize| made[index].0.as_str()).collect();
        assert_eq!(ids, expected, "3.{minor} {query}");
    }
    let full = api.get(GIVER, "/volume-transfers?limit=1", 59).await.with(200);
    let next = format!("http://cell:8776/v3/p/os-volume-transfer?limit=1&marker={}", made[2].0);
    assert_eq!(full["transfers_links"], json!([{"rel": "next", "href": next}]));
    assert_eq!(api.get(GIVER, "/volume-transfers?marker=zz", 59).await.fault().0, 404);
    assert_eq!(api.get(GIVER, "/volume-transfers?sort=status", 59).await.fault().0, 400);
}
