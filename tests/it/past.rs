//! The past over HTTP and on the command line, on a real server: the same as the audit tool tells from the whole log.

use std::collections::BTreeMap;

use serde_json::Value;
use stele::cli::Api;
use stele_core::digest::StateDigest;
use stele_core::fold::Folded;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;
use stele_projections::view::{LogDigest, LogHead, VolumeList};

use crate::harness::dev::Dev;
use crate::harness::log::connect_to;

/// The digest after each message of the log, from the fold that everything else uses.
async fn digests(dev: &Dev) -> BTreeMap<Position, StateDigest> {
    let log = stele::nats::JetStreamLog::new(&connect_to(&dev.nats).await, 0);
    let tail = log.tail().await.unwrap();
    let mut reader = log.read_from(Position(1)).await.unwrap();
    let mut folded = Folded::default();
    let mut digests = BTreeMap::from([(Position(0), StateDigest::of(&folded.state))]);
    while digests.len() as u64 <= tail.0 {
        for entry in reader.next_batch(100).await.unwrap() {
            folded.fold(&entry).unwrap();
            digests.insert(entry.position, StateDigest::of(&folded.state));
        }
    }
    digests
}

fn at(moment: &impl ToString) -> [(&'static str, String); 1] {
    [("at", moment.to_string())]
}

/// The volumes as the command line shows them and as `stele replay at` does, by id and status.
async fn by_both_ways(dev: &Dev, moment: &str) -> [Vec<(String, String)>; 2] {
    let listed = dev.json(&["volume", "list", "--all-projects", "--at", moment]).await;
    let replayed = dev.json(&["replay", "at", moment, "volumes"]).await;
    let told = |answer: &Value| {
        let text = |volume: &Value, field: &str| volume[field].as_str().unwrap().to_owned();
        let volumes = answer["volumes"].as_array().unwrap().iter();
        let mut told: Vec<_> = volumes.map(|volume| (text(volume, "id"), text(volume, "status"))).collect();
        told.sort();
        told
    };
    [told(&listed), told(&replayed)]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_is_told_over_http_as_the_audit_tool_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let dev = Dev::start(folder.path(), &["--driver", "null"]).await;
    let api = Api::new(&dev.url);
    let web = dev.json(&["volume", "create", "--size", "1", "--name", "web", "--wait"]).await;
    let id = web["id"].as_str().unwrap().to_owned();
    let (first, position) = api.get_at::<VolumeList>("/v1/volumes", &[], None).await.unwrap();
    let position = position.unwrap();
    dev.json(&["volume", "create", "--size", "1", "--name", "db", "--wait"]).await;
    dev.json(&["volume", "extend", &id, "3", "--wait"]).await;
    dev.json(&["volume", "delete", &id, "--wait"]).await;

    // Gone now, and then as it was, with its story up to then.
    let then: (VolumeList, _) = api.get_at("/v1/volumes", &at(&position), None).await.unwrap();
    assert_eq!(then, (first, Some(position)));
    let shown = dev.json(&["volume", "show", "web", "--at", &position.to_string()]).await;
    assert_eq!((&shown["volume"]["size_gib"], shown["flows"].as_array().unwrap().len()), (&1.into(), 1));
    let gone = dev.stele(&["volume", "show", "web"]).await;
    assert!(!gone.status.success());

    // Every position is exact, the ends of batches or not.
    let digests = digests(&dev).await;
    let tail = *digests.keys().next_back().unwrap();
    for (position, expected) in digests {
        let (digest, answered) = api.get_at::<LogDigest>("/v1/log/digest", &at(&position), None).await.unwrap();
        assert_eq!((digest.into_digest(), answered), (expected, Some(position)), "{position}");
    }

    // A time means the same here and there.
    for position in [position, Position(position.0 + 1), tail] {
        let head: LogHead = api.get("/v1/log/head", &at(&position), None).await.unwrap();
        let at_time: LogHead = api.get("/v1/log/head", &at(&head.at), None).await.unwrap();
        let replayed = dev.json(&["replay", "at", &head.at.to_string(), "volumes"]).await;
        assert_eq!(replayed["position"].as_u64(), Some(at_time.position.0));
        for moment in [position.to_string(), head.at.to_string()] {
            let [listed, replayed] = by_both_ways(&dev, &moment).await;
            assert_eq!(listed, replayed, "{moment}");
        }
    }
    let quota = dev.json(&["quota", "show", "--at", "1"]).await;
    assert_eq!(quota["resources"][0]["in_use"], 0);
    dev.stop().await;

    // Less is kept from here on, and what is asked beyond it has its code.
    let dev = Dev::start(folder.path(), &["--driver", "null", "--history", "3"]).await;
    let refused = Api::new(&dev.url).get::<VolumeList>("/v1/volumes", &at(&position), None).await.unwrap_err();
    assert_eq!(refused.code, "PositionNotKept");
    dev.stop().await;
}
