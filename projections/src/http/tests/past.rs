use stele_core::chain::{Chain, Link};
use stele_core::unit::Timestamp;

use super::*;
use crate::view::{LogDigest, LogHead, PoolList, ServiceList, ServiceState, VolumeList};

/// The routes that answer from the projection.
fn routes(story: &Story) -> Vec<String> {
    let (volume, flow) = story.rescheduled;
    vec![
        "/v1/volumes?limit=3".to_owned(),
        "/v1/volumes?sort=name:asc&project=demo".to_owned(),
        format!("/v1/volumes/{volume}"),
        format!("/v1/volumes/{volume}/flows"),
        format!("/v1/volumes/{volume}/decisions"),
        format!("/v1/volumes/{volume}/decision"),
        format!("/v1/flows/{flow}"),
        "/v1/snapshots?project=lab".to_owned(),
        format!("/v1/snapshots/{}", story.lab.snapshot),
        "/v1/attachments?".to_owned(),
        "/v1/pools".to_owned(),
        "/v1/pools/n1@lvm%23a".to_owned(),
        "/v1/services".to_owned(),
        "/v1/drifts".to_owned(),
        "/v1/quotas/demo".to_owned(),
        "/v1/types".to_owned(),
        "/v1/types/gold".to_owned(),
        "/v1/log/head".to_owned(),
        "/v1/log/digest".to_owned(),
    ]
}

fn with(uri: &str, at: &str) -> String {
    format!("{uri}{}at={at}", if uri.contains('?') { "&" } else { "?" })
}

/// When each record was written; the beginning of time for what is none.
fn written(cell: &Cell) -> Vec<Timestamp> {
    let mut chain = Chain::default();
    let mut times = vec![Timestamp::default()];
    for entry in &cell.entries {
        if let Link::Record(record, hash) = chain.link(entry).unwrap() {
            chain.advance(&record.head, entry.position, hash);
        }
        times.push(chain.at);
    }
    times
}

/// A cell that ends at a position, at the time of its last record: what was answered then.
async fn then(entries: &[stele_core::port::LogEntry], now: Timestamp) -> Api {
    let mut cell = Cell::new();
    (cell.entries, cell.now) = (entries.to_vec(), now);
    Api::start(cell, ApiOptions::default()).await
}

#[tokio::test]
async fn every_route_answers_as_it_answered_then() {
    let (api, story) = told().await;
    let (tail, times) = (api.cell.entries.len(), written(&api.cell));
    for position in [1, 5, 20, 40, tail / 2, tail - 30, tail - 1, tail] {
        let then = then(&api.cell.entries[..position], times[position]).await;
        for uri in routes(&story) {
            let (was, is) = (then.get(&uri).await, api.get(&with(&uri, &position.to_string())).await);
            assert_eq!((is.status, &is.body), (was.status, &was.body), "{uri} at {position}");
            assert_eq!(is.position(), Position(position as u64), "{uri}");
        }
    }
    for uri in routes(&story) {
        let (now, head) = (api.get(&uri).await, api.get(&with(&uri, "head")).await);
        assert_eq!((head.status, head.position(), head.body), (now.status, now.position(), now.body), "{uri}");
    }
}

#[tokio::test]
async fn a_time_finds_the_last_record_that_was_written_until_then() {
    let (api, _) = told().await;
    let times = written(&api.cell);
    let head = async |at: &str| {
        let answer = api.get(&with("/v1/log/head", at)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        let head: LogHead = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(head.seen, answer.position());
        head.position
    };
    for at in [30, 60, times.len() - 1] {
        let last = times.iter().rposition(|time| *time <= times[at]).unwrap();
        assert_eq!(head(&times[at].to_string()).await, Position(last as u64));
    }
    assert_eq!(head("2020-01-01T00:00:00Z").await, Position(0));
    assert_eq!(head("2020-01-01T01:00:00%2B01:00").await, Position(0));
    // Between the last record and now nothing was written; services are up or down as of the time that is named.
    let tail = api.cell.tail();
    assert_eq!(head(&api.cell.now.to_string()).await, tail);
    let mut cell = Cell::new();
    cell.heartbeat("n1@lvm", &[("a", 4.0, 4.0)]);
    let (then, later) = (cell.now, cell.now.plus_ms(3_600_000));
    cell.now = later;
    let api = Api::start(cell, ApiOptions::default()).await;
    for (at, state) in [(then, ServiceState::Up), (later, ServiceState::Down)] {
        let services: ServiceList =
            serde_json::from_str(&api.get(&with("/v1/services", &at.to_string())).await.body).unwrap();
        let pools: PoolList = serde_json::from_str(&api.get(&with("/v1/pools", &at.to_string())).await.body).unwrap();
        assert_eq!((services.services[0].state, pools.pools[0].state), (state, state), "{at}");
    }
}

#[tokio::test]
async fn a_moment_that_cannot_be_told_has_a_stable_code() {
    let (api, story) = told().await;
    let tail = api.cell.tail();
    let future = api.cell.now.plus_ms(1000);
    let rows = [
        (format!("{}", tail.next()), 503, "NotReached"),
        (u64::MAX.to_string(), 503, "NotReached"),
        (future.to_string(), 400, "InvalidParameter"),
        ("yesterday".to_owned(), 400, "InvalidParameter"),
        (String::new(), 400, "InvalidParameter"),
        ("-1".to_owned(), 400, "InvalidParameter"),
        ("2026-11-20T02:00:00".to_owned(), 400, "InvalidParameter"),
        ("3&at=4".to_owned(), 400, "InvalidParameter"),
    ];
    for (at, status, code) in rows {
        for uri in routes(&story) {
            // Each of them waits for its position.
            if code == "NotReached" && !uri.contains("/v1/log") {
                continue;
            }
            let answer = api.get(&with(&uri, &at)).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{uri} {at}: {}", answer.body);
        }
    }
    let answer = api.get("/v1/events?at=3").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "UnknownParameter"));
    // What did not exist yet is missing at that position.
    let missing = api.get(&format!("/v1/volumes/{}?at=3", story.rescheduled.0)).await;
    assert_eq!((missing.code().as_str(), missing.position()), ("VolumeNotFound", Position(3)));
    let gone: VolumeList = serde_json::from_str(&api.get("/v1/volumes?at=0").await.body).unwrap();
    assert_eq!(gone.volumes, []);
    // When the log does not answer, nobody knows what else was written until now.
    api.log.fail_reads(1000);
    let unknown = api.get(&with("/v1/log/head", &api.cell.now.to_string())).await;
    assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (503, "NotReached"), "{}", unknown.body);
    let known = api.get(&with("/v1/log/head", &written(&api.cell)[30].to_string())).await;
    assert_eq!(known.status, StatusCode::OK, "{}", known.body);
}

#[tokio::test]
async fn what_is_older_than_what_is_kept_is_gone() {
    let api = Api::start_keeping(story().cell, 20).await;
    let first = Position(api.cell.tail().0 - 20);
    let digest: LogDigest = serde_json::from_str(&api.get(&format!("/v1/log/digest?at={first}")).await.body).unwrap();
    let mut folded = stele_core::fold::Folded::default();
    for entry in &api.cell.entries[..usize::try_from(first.0).unwrap()] {
        folded.fold(entry).unwrap();
    }
    assert_eq!(digest.into_digest(), stele_core::digest::StateDigest::of(&folded.state));
    let time = written(&api.cell)[3].to_string();
    for at in ["0", "1", &(first.0 - 1).to_string(), time.as_str()] {
        let answer = api.get(&with("/v1/volumes", at)).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (410, "PositionNotKept"), "{at}");
        for part in [first.to_string().as_str(), "stele replay at", "--history", "stele replay rebuild"] {
            assert!(answer.body.contains(part), "{part}: {}", answer.body);
        }
    }
}

/// First what is demanded, then the past: together they read what was written a moment ago, as of then.
#[tokio::test]
async fn a_demanded_position_is_waited_for_before_the_past_is_asked() {
    let (mut api, _) = told().await;
    let before = api.cell.tail();
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1}}"#);
    let wanted = api.cell.tail();
    let demand =
        |uri: String| Request::get(uri).header("Stele-Min-Position", wanted.to_string()).body(Body::empty()).unwrap();
    let (answer, ()) = tokio::join!(api.send(demand(format!("/v1/log/head?at={before}"))), async {
        tokio::task::yield_now().await;
        api.publish();
    });
    assert_eq!((answer.status, answer.position()), (StatusCode::OK, before));
    // A position that is on its way is waited for as well.
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1}}"#);
    let next = api.cell.tail();
    let uri = format!("/v1/log/head?at={next}");
    let (answer, ()) = tokio::join!(api.get(&uri), async {
        tokio::task::yield_now().await;
        api.publish();
    });
    assert_eq!((answer.status, answer.position()), (StatusCode::OK, next));
}
