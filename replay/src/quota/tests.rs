use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::record::{Record, assemble};
use stele_core::task::FailureKind;
use stele_core::unit::Hash;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, FixedLog, golden, run, text, volume};

/// Who holds how much, by units with what took each.
type Held<'a> = (Holder, i64, Vec<(i64, &'a str)>);

fn demo() -> ProjectId {
    ProjectId::new("demo").unwrap()
}

fn proved(log: &impl Log, live: Option<LiveQuota>) -> Proof {
    run(quota(log, demo(), live, &mut Silent)).unwrap()
}

fn line<'a>(proof: &'a Proof, name: &str) -> &'a Resource {
    proof.resources.iter().find(|resource| resource.resource == name).unwrap()
}

/// Two volumes, one of them grown and one being grown, one that is gone, and two refusals.
fn at_its_limit() -> Cell {
    let mut cell = Cell::with_pools();
    cell.create(1, 2);
    cell.succeed();
    cell.create(9, 1);
    cell.succeed();
    cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 6 }));
    cell.succeed();
    cell.ask("volume.delete", &json!({ "id": volume(9) }));
    cell.succeed();
    cell.ask("quota.set", &json!({ "project": "demo", "volumes": 2, "gigabytes": 12 }));
    cell.create(2, 3);
    cell.succeed();
    cell.ask("volume.extend", &json!({ "id": volume(2), "size_gib": 4 }));
    cell.create(3, 1);
    cell.ask("volume.extend", &json!({ "id": volume(1), "size_gib": 9 }));
    cell
}

/// What an API would say.
fn live(cell: &Cell) -> LiveQuota {
    let state = &cell.folded().state;
    let line = |resource: QuotaResource| {
        let UsageLine { in_use, reserved } = state.usage_of(&demo(), resource);
        LiveLine { resource: resource_name(state, resource), limit: state.limit(&demo(), resource), in_use, reserved }
    };
    let of_types = state.types.keys().flat_map(|id| {
        [QuotaResource::VolumesOf(*id), QuotaResource::GigabytesOf(*id), QuotaResource::SnapshotsOf(*id)]
    });
    LiveQuota { position: cell.tail(), lines: QuotaResource::plain().chain(of_types).map(line).collect() }
}

#[test]
fn why_a_project_is_at_its_limit() {
    let cell = at_its_limit();
    let proof = proved(&cell.log, Some(live(&cell)));
    assert!(proof.ok, "{:?}", proof.findings);
    golden("quota_limit.txt", &text(|out| proof.render(out)));
    let volumes = line(&proof, "volumes");
    assert!(volumes.at_limit && !line(&proof, "snapshots").at_limit);
    let gigabytes = line(&proof, "gigabytes");
    let held: Vec<Held<'_>> = gigabytes
        .holders
        .iter()
        .map(|holding| {
            let units = holding.units.iter().map(|unit| (unit.amount, unit.cause.event)).collect();
            (holding.holder, holding.amount, units)
        })
        .collect();
    let expected = [
        (Holder::Volume(volume(1)), 6, vec![(2, "volume_entry_created"), (4, "volume_extended")]),
        (Holder::Volume(volume(2)), 3, vec![(3, "volume_entry_created")]),
    ];
    assert_eq!(held, expected, "the volume that is gone holds nothing");
    let reserved: Vec<(Holder, i64)> = gigabytes.reservations.iter().map(|r| (r.holder, r.amount)).collect();
    assert_eq!((reserved, gigabytes.counted.reserved), (vec![(Holder::Volume(volume(2)), 1)], 1));
    let codes: Vec<&str> = proof.refused.iter().map(|refused| refused.code.as_str()).collect();
    assert_eq!(codes, ["VolumeSizeExceedsAvailableQuota", "VolumeLimitExceeded"]);
}

#[test]
fn only_the_newest_refusals_are_kept_and_all_counted() {
    let mut cell = at_its_limit();
    for number in 20..40 {
        cell.create(number, 1);
    }
    let proof = proved(&cell.log, None);
    assert_eq!((proof.refused_total, proof.refused.len()), (22, REFUSALS_KEPT));
    assert_eq!(proof.refused[0].position, cell.tail());
    let value: Value = serde_json::to_value(&proof).unwrap();
    let volumes = value["resources"].as_array().unwrap().iter().find(|line| line["resource"] == "volumes").unwrap();
    assert_eq!((&volumes["in_use"], &volumes["proved"]["in_use"]), (&json!(2), &json!(2)));
    assert_eq!(volumes["holders"][0]["units"][0]["event"], "volume_entry_created");
    assert!(text(|out| proof.render(out)).contains("the API was not asked"));
}

#[test]
fn the_api_is_compared_line_by_line() {
    let cell = at_its_limit();
    let mut live = live(&cell);
    live.lines[0].in_use += 1;
    live.lines.retain(|line| line.resource != "gigabytes");
    live.lines.push(LiveLine { resource: "volumes_iron".to_owned(), limit: -1, in_use: 4, reserved: 0 });
    let proof = proved(&cell.log, Some(live));
    assert!(!proof.ok);
    let found: Vec<(FindingCode, &str)> =
        proof.findings.iter().map(|found| (found.code, found.what.split(':').next().unwrap())).collect();
    let differs = FindingCode::ApiDiffers;
    assert_eq!(found, [(differs, "volumes"), (differs, "gigabytes"), (differs, "volumes_iron")]);
    assert!(proof.findings.iter().all(|found| found.position == cell.tail()));
    let text = text(|out| proof.render(out));
    assert!(text.contains("WRONG at position") && !text.contains("proved:"), "{text}");
}

/// An older answer of the API is proved at its own position.
#[test]
fn what_came_after_the_api_s_answer_does_not_count() {
    let mut cell = at_its_limit();
    let live = live(&cell);
    cell.fail(FailureKind::NoSpace);
    let proof = proved(&cell.log, Some(live.clone()));
    assert!(proof.ok && proof.position == live.position && proof.position < cell.tail(), "{:?}", proof.findings);
    assert_eq!(line(&proved(&cell.log, None), "gigabytes").counted.reserved, 0);
}

/// Somebody took quota off the books, and made every later record fit.
#[test]
fn quota_that_was_changed_in_the_log_is_found_where_it_was() {
    let cell = at_its_limit();
    let proof = proved(&cell.log, None);
    let changed_at = line(&proof, "gigabytes").holders[0].units[0].cause.position;
    let mut prev_hash = None;
    let mut payloads: Vec<Bytes> = Vec::new();
    for entry in cell.log.entries() {
        let mut record: Record = serde_json::from_slice(&entry.payload).unwrap();
        record.head.prev_hash = prev_hash.unwrap_or(record.head.prev_hash);
        let commits: Vec<Vec<u8>> = record.commits.iter().map(|commit| serde_json::to_vec(commit).unwrap()).collect();
        let mut text = String::from_utf8(assemble(&record.head, &commits)).unwrap();
        if entry.position == changed_at {
            let before = r#"{"resource":"gigabytes","delta":2,"#;
            assert!(text.contains(before), "{text}");
            text = text.replace(before, r#"{"resource":"gigabytes","delta":1,"#);
        }
        prev_hash = Some(Hash::of(text.as_bytes()));
        payloads.push(text.into());
    }
    let proof = proved(&FixedLog::of(payloads), None);
    let found: Vec<(FindingCode, Position)> = proof.findings.iter().map(|found| (found.code, found.position)).collect();
    assert_eq!(found.first(), Some(&(FindingCode::UnitsDiffer, changed_at)), "{:?}", proof.findings);
    let gigabytes = line(&proof, "gigabytes");
    assert_eq!((gigabytes.counted.in_use, gigabytes.proved.in_use), (8, 9));
}

#[test]
fn a_log_that_does_not_hold_together_proves_nothing() {
    let cell = at_its_limit();
    let mut payloads: Vec<Bytes> = cell.log.entries().into_iter().map(|entry| entry.payload).collect();
    let changed =
        String::from_utf8(payloads[4].to_vec()).unwrap().replace("\"user\":\"alice\"", "\"user\":\"mallory\"");
    payloads[4] = changed.into();
    let proof = proved(&FixedLog::of(payloads), None);
    let first = proof.findings.first().map(|found| (found.code, found.position));
    assert_eq!(first, Some((FindingCode::LogDamaged, Position(5))));
}

/// The sums hold behind every record of a day, for whoever asks then.
#[test]
fn every_position_has_its_proof() {
    for cell in [Cell::busy_day(), at_its_limit()] {
        for position in 1..=cell.tail().0 {
            let entries = cell.log.entries().into_iter().take(usize::try_from(position).unwrap()).collect();
            let proof = proved(&FixedLog { entries }, None);
            assert!(proof.ok, "position {position}: {:?}", proof.findings);
            assert!(proof.resources.iter().all(|resource| resource.counted == resource.proved));
        }
    }
}
