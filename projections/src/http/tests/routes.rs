use stele_core::inventory::ForeignList;

use super::*;
use crate::view::{
    AttachmentList, DecisionList, DecisionView, FlowHistory, FlowList, LogDigest, LogHead, PoolList, PoolView,
    QuotaSetView, Readiness, ServiceList, SnapshotList, SnapshotView, TypeList, TypeView, VolumeList, VolumeView,
};

async fn read<T: serde::de::DeserializeOwned>(api: &Api, uri: &str) -> T {
    let answer = api.get(uri).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    assert_eq!(answer.position(), api.cell.tail(), "{uri}");
    assert_eq!(answer.headers["content-type"], "application/json", "{uri}");
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{uri}: {error}: {}", answer.body))
}

#[tokio::test]
async fn every_route_answers_what_the_views_say() {
    let (api, story) = told().await;
    let (moved, flow) = story.rescheduled;
    let list: VolumeList = read(&api, "/v1/volumes?project=demo&status=available&sort=name:asc&limit=2").await;
    assert_eq!(list.volumes.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["", "cache"]);
    let marker = list.next_marker.unwrap();
    let uri = format!("/v1/volumes?project=demo&status=available&sort=name:asc&limit=2&marker={marker}");
    let list: VolumeList = read(&api, &uri).await;
    assert_eq!(list.volumes.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["db", "moved"]);
    let list: VolumeList = read(&api, "/v1/volumes?name=new+name&metadata=a%3Db&pool=n1%40lvm%23a").await;
    assert_eq!(list.volumes[0].id, story.extended);

    let volume: VolumeView = read(&api, &format!("/v1/volumes/{moved}")).await;
    assert_eq!(volume.pool.unwrap().as_str(), "n2@lvm#b");
    let flows: FlowList = read(&api, &format!("/v1/volumes/{moved}/flows")).await;
    let shown: FlowHistory = read(&api, &format!("/v1/flows/{flow}")).await;
    assert_eq!(flows.flows, [shown]);
    let decisions: DecisionList = read(&api, &format!("/v1/volumes/{moved}/decisions")).await;
    let newest: DecisionView = read(&api, &format!("/v1/volumes/{moved}/decision")).await;
    assert_eq!((decisions.decisions.len(), newest.attempt), (2, 2));
    // What is gone still has its story.
    let flows: FlowList = read(&api, &format!("/v1/volumes/{}/flows", story.deleted)).await;
    assert_eq!(flows.flows.len(), 3);

    let snapshots: SnapshotList = read(&api, &format!("/v1/snapshots?volume={}", story.lab.volume)).await;
    assert_eq!(snapshots.snapshots.iter().map(|s| s.status.as_str()).collect::<Vec<_>>(), ["error", "available"]);
    assert!(snapshots.snapshots[0].reason.as_ref().unwrap().contains("no_space"));
    let first: SnapshotList = read(&api, "/v1/snapshots?project=lab&limit=1").await;
    let uri = format!("/v1/snapshots?project=lab&marker={}", first.next_marker.unwrap());
    let rest: SnapshotList = read(&api, &uri).await;
    assert_eq!((first.snapshots[0].group_snapshot_id.is_some(), rest.next_marker), (true, None));
    assert_eq!(rest.snapshots, snapshots.snapshots);
    let attachments: AttachmentList = read(&api, "/v1/attachments?project=lab").await;
    assert_eq!(attachments.attachments.iter().map(|a| a.status.as_str()).collect::<Vec<_>>(), ["reserved", "attached"]);
    let nothing: AttachmentList =
        read(&api, &format!("/v1/attachments?project=demo&volume={}", story.lab.volume)).await;
    assert_eq!((nothing.attachments.len(), nothing.next_marker), (0, None));

    let pools: PoolList = read(&api, "/v1/pools").await;
    let pool: PoolView = read(&api, "/v1/pools/n1%40lvm%23a").await;
    assert_eq!(PoolView { foreign: Some(ForeignList::default()), ..pools.pools[0].clone() }, pool);
    let services: ServiceList = read(&api, "/v1/services").await;
    assert_eq!(services.services.len(), 2);
    let quotas: QuotaSetView = read(&api, "/v1/quotas/small").await;
    assert_eq!((quotas.resources[0].limit, quotas.resources[0].in_use), (2, 2));
    let types: TypeList = read(&api, "/v1/types").await;
    let gold: TypeView = read(&api, "/v1/types/gold").await;
    assert_eq!(types.types[1], gold);
    let by_id: TypeView = read(&api, &format!("/v1/types/{}", gold.id)).await;
    assert_eq!(by_id, gold);

    let head: LogHead = read(&api, "/v1/log/head").await;
    assert_eq!((head.position, head.seen, head.strays), (api.cell.tail(), api.cell.tail(), 1));
    assert_eq!((head.epoch, head.index), (2, api.cell.tail().0 - 1));
    let digest: LogDigest = read(&api, "/v1/log/digest").await;
    let mut folded = stele_core::fold::Folded::default();
    for entry in &api.cell.entries {
        folded.fold(entry).unwrap();
    }
    assert_eq!(digest.position, folded.chain.position);
    assert_eq!(digest.into_digest(), stele_core::digest::StateDigest::of(&folded.state));
    let ready: Readiness = read(&api, "/readyz").await;
    assert!(ready.ready && ready.target == Some(api.cell.tail()));
    assert_eq!(read::<Value>(&api, "/healthz").await["status"], "ok");
}

#[tokio::test]
async fn snapshots_are_found_by_id_and_by_name() {
    let (api, story) = told().await;
    let list: SnapshotList = read(&api, &format!("/v1/snapshots?volume={}", story.lab.volume)).await;
    let taken = &list.snapshots[1];
    let one: SnapshotView = read(&api, &format!("/v1/snapshots/{}", taken.id)).await;
    assert_eq!(&one, taken);
    let named: SnapshotList = read(&api, &format!("/v1/snapshots?project=lab&name={}", taken.name)).await;
    assert!(named.snapshots.contains(taken) && named.snapshots.iter().all(|found| found.name == taken.name));
    let unnamed: SnapshotList = read(&api, "/v1/snapshots?name=nobody").await;
    assert_eq!(unnamed.snapshots, []);
}

#[tokio::test]
async fn bad_requests_have_stable_codes_and_never_a_5xx() {
    let (api, story) = told().await;
    let (known, unknown) = (story.rescheduled.0, uuid::Uuid::from_u128(77));
    let long = format!("/v1/volumes?name={}", "x".repeat(20_000));
    let many = format!("/v1/volumes?{}", "metadata=a%3Db&".repeat(200));
    let rows = [
        ("/v1", 404, "NotFound"),
        ("/v1/volume", 404, "NotFound"),
        ("/v1/volumes/", 404, "NotFound"),
        ("/v2/volumes", 404, "NotFound"),
        ("/v1/volumes/7", 400, "InvalidParameter"),
        ("/v1/volumes/%FF", 400, "InvalidParameter"),
        (&format!("/v1/volumes/{unknown}"), 404, "VolumeNotFound"),
        (&format!("/v1/volumes/{unknown}/flows"), 404, "VolumeNotFound"),
        (&format!("/v1/volumes/{unknown}/decisions"), 404, "DecisionNotFound"),
        (&format!("/v1/volumes/{unknown}/decision"), 404, "DecisionNotFound"),
        (&format!("/v1/flows/{unknown}"), 404, "FlowNotFound"),
        (&format!("/v1/volumes/{known}?when=3"), 400, "UnknownParameter"),
        ("/v1/volumes?colour=red", 400, "UnknownParameter"),
        ("/v1/volumes?limit=0", 400, "InvalidParameter"),
        ("/v1/volumes?limit=1001", 400, "InvalidParameter"),
        ("/v1/volumes?limit=-1", 400, "InvalidParameter"),
        ("/v1/volumes?limit=1&limit=2", 400, "InvalidParameter"),
        ("/v1/volumes?sort=colour", 400, "InvalidParameter"),
        ("/v1/volumes?sort=name:up", 400, "InvalidParameter"),
        ("/v1/volumes?metadata=novalue", 400, "InvalidParameter"),
        ("/v1/volumes?name=%FF", 400, "InvalidParameter"),
        ("/v1/volumes?project=a.b", 400, "InvalidParameter"),
        ("/v1/volumes?marker=x", 400, "InvalidParameter"),
        (&format!("/v1/volumes?marker={unknown}"), 400, "UnknownMarker"),
        (&long, 414, "UriTooLong"),
        (&many, 400, "InvalidParameter"),
        (&format!("/v1/snapshots?project=demo&marker={}", story.lab.snapshot), 400, "UnknownMarker"),
        ("/v1/snapshots?limit=0", 400, "InvalidParameter"),
        ("/v1/snapshots?colour=x", 400, "UnknownParameter"),
        ("/v1/attachments?name=x", 400, "UnknownParameter"),
        ("/v1/snapshots/7", 400, "InvalidParameter"),
        (&format!("/v1/snapshots/{unknown}"), 404, "SnapshotNotFound"),
        ("/v1/attachments?marker=x", 400, "InvalidParameter"),
        ("/v1/pools/n1", 400, "InvalidParameter"),
        ("/v1/pools/n1@lvm", 400, "InvalidParameter"),
        ("/v1/pools/n9@lvm%23a", 404, "PoolNotFound"),
        ("/v1/quotas/a%20b", 400, "InvalidParameter"),
        ("/v1/types/lead", 404, "VolumeTypeNotFound"),
        ("/v1/types/a%2Fb", 404, "VolumeTypeNotFound"),
        ("/v1/log/head?x=1", 400, "UnknownParameter"),
        ("/v1/events?since=x", 400, "InvalidParameter"),
        ("/v1/events?volume=x", 400, "InvalidParameter"),
        ("/v1/events?until=1", 400, "UnknownParameter"),
    ];
    for (uri, status, code) in rows {
        let answer = api.get(uri).await;
        let shown: String = uri.chars().take(80).collect();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{shown}: {}", answer.body);
        assert_eq!(answer.position(), api.cell.tail(), "{shown}");
    }
}

#[tokio::test]
async fn other_methods_and_large_bodies_are_refused() {
    let (api, _) = told().await;
    let post = Request::post("/v1/volumes").body(Body::from("{}")).unwrap();
    let answer = api.send(post).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "MethodNotAllowed"));
    assert_eq!(answer.headers["allow"], "GET,HEAD");
    let large = Request::get("/v1/volumes").header("content-length", "70000").body(Body::empty()).unwrap();
    let answer = api.send(large).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "BodyTooLarge"));
    let head = api.send(Request::head("/v1/volumes").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn a_reader_can_demand_a_position() {
    let (api, _) = told().await;
    let demand = |position: &str| {
        Request::get("/v1/log/head").header("Stele-Min-Position", position).body(Body::empty()).unwrap()
    };
    let tail = api.cell.tail();
    assert_eq!(api.send(demand(&tail.to_string())).await.status, StatusCode::OK);
    let never = api.send(demand("999999")).await;
    assert_eq!((never.status.as_u16(), never.code().as_str()), (503, "NotReached"));
    assert!(never.body.contains("999999") && never.body.contains(&tail.to_string()), "{}", never.body);
    for bad in ["-1", "x", ""] {
        let answer = api.send(demand(bad)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "InvalidParameter"), "{bad}");
    }

    // It waits for what is on its way: the request is there first, then the record.
    let mut api = Api::start(api.cell, ApiOptions::default()).await;
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1}}"#);
    let wanted = api.cell.tail();
    let (answer, ()) = tokio::join!(api.send(demand(&wanted.to_string())), async {
        tokio::task::yield_now().await;
        api.publish();
    });
    assert_eq!((answer.status, answer.position()), (StatusCode::OK, wanted));
}

#[tokio::test]
async fn nothing_is_served_when_the_log_is_not_what_was_applied() {
    let (mut api, _) = told().await;
    api.log.lose_behind(Position(3));
    api.log.fail_reads(1);
    api.log.tick();
    assert!((&mut api.following).await.unwrap().is_err());
    let answer = api.get("/v1/volumes").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "NotServing"));
    assert!(answer.body.contains("has lost records"), "{}", answer.body);
    assert_eq!(api.get("/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(api.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_count_rows_requests_and_strays() {
    let (api, _) = told().await;
    api.get("/v1/volumes?limit=1").await;
    api.get("/v1/volumes?limit=0").await;
    api.get("/nowhere").await;
    let text = api.get("/metrics").await.body;
    let position = format!("stele_projection_position {}", api.cell.tail());
    for line in [
        position.as_str(),
        "stele_projection_strays_total 1",
        "stele_projection_rows{table=\"volumes\"} 16",
        "stele_projection_rows{table=\"pools\"} 2",
        "stele_http_requests_total{route=\"/v1/volumes\",status=\"200\"} 1",
        "stele_http_requests_total{route=\"/v1/volumes\",status=\"400\"} 1",
        "stele_http_requests_total{route=\"none\",status=\"404\"} 1",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    assert!(text.lines().any(|line| line.starts_with("stele_projection_lag_seconds ")), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (_, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
}
