use bytes::Bytes;
use stele_core::digest::StateDigest;
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::unit::Position;

use super::*;
use crate::progress::Silent;
use crate::testing::{Cell, FixedLog, golden, run, text};

fn check<L: Log>(log: &L) -> Verification {
    check_with(log, None)
}

fn check_with<L: Log>(log: &L, live: Option<LiveDigest>) -> Verification {
    run(verify(log, VerifyOptions { live, ..VerifyOptions::default() }, &mut Silent)).unwrap()
}

fn payloads() -> Vec<Bytes> {
    Cell::busy_day().log.entries().into_iter().map(|entry| entry.payload).collect()
}

fn first_bad(payloads: Vec<Bytes>) -> Option<(u64, BadKind)> {
    check(&FixedLog::of(payloads)).first_bad.map(|bad| (bad.position.0, bad.kind))
}

fn live(cell: &Cell) -> LiveDigest {
    let chain = cell.folded().chain;
    LiveDigest { position: chain.position, digest: StateDigest::of(&cell.folded().state), hash: Some(chain.hash) }
}

#[test]
fn a_good_log_is_good() {
    let cell = Cell::busy_day();
    let found = check_with(&cell.log, Some(live(&cell)));
    assert_eq!(found.first_bad, None);
    assert!(found.ok);
    assert_eq!((found.messages, found.records, found.strays.total), (cell.tail().0, cell.tail().0, 0));
    assert_eq!(found.audits, found.records, "a small state is audited at every record");
    assert_eq!(found.head.position, cell.tail());
    assert!(found.compared.as_ref().unwrap().equal);
    golden("verify_ok.txt", &text(|out| found.render(out)));
}

#[test]
fn an_empty_log_is_good() {
    let found = check(&FixedLog { entries: Vec::new() });
    assert!(found.ok, "{:?}", found.first_bad);
    assert!(text(|out| found.render(out)).starts_with("read      nothing"));
}

#[test]
fn auditing_less_often_finds_the_same_log_good() {
    let cell = Cell::busy_day();
    for (audit_every, audits) in [(AuditEvery::End, 1), (AuditEvery::Records(7), cell.tail().0.div_ceil(7))] {
        let options = VerifyOptions { audit_every, ..VerifyOptions::default() };
        let found = run(verify(&cell.log, options, &mut Silent)).unwrap();
        assert!(found.ok);
        assert_eq!(found.audits, audits, "{audit_every:?}");
    }
}

#[test]
fn strays_are_listed_and_harmless() {
    let mut cell = Cell::with_pools();
    let old = cell.log.entries()[1].payload.clone();
    cell.stray(b"noise");
    cell.stray(&old);
    cell.stray(br#"{"v":1,"note":"somebody's JSON"}"#);
    cell.create(1, 5);
    let found = check(&cell.log);
    assert_eq!(found.first_bad, None);
    let positions: Vec<u64> = found.strays.listed.iter().map(|stray| stray.position.0).collect();
    assert_eq!(positions, [5, 7, 9]);
    assert_eq!(found.strays.listed[1].reason, "it continues position 1, not 6");
    golden("verify_strays.txt", &text(|out| found.render(out)));
}

/// Whatever bit of whatever byte of a record changes, the record is named: by itself or by those behind it. With only
/// one behind it, of which nobody tells that it is unchanged, it may be the one before.
#[test]
fn a_changed_byte_is_found_where_it_is() {
    /// The heads of these records are shorter.
    const HEAD_BYTES: usize = 340;
    let good = payloads();
    for position in 1..good.len() - 1 {
        let bytes = good[position - 1].len();
        for byte in (0..bytes).filter(|byte| *byte < HEAD_BYTES || byte % 7 == position % 7) {
            // Every bit of two heads, the first of a claim, one bit of all else.
            let bits = if byte < HEAD_BYTES && [1, 6].contains(&position) { 0..8 } else { byte % 8..byte % 8 + 1 };
            for bit in bits {
                let mut damaged = good[..position + 2].to_vec();
                let mut changed = damaged[position - 1].to_vec();
                changed[byte] ^= 1 << bit;
                damaged[position - 1] = changed.into();
                let at = |payloads: &[Bytes]| first_bad(payloads.to_vec()).map(|(at, _)| at);
                let place = format!("byte {byte} bit {bit} of position {position}");
                assert_eq!(at(&damaged), Some(position as u64), "{place}");
                let with_one = at(&damaged[..=position]).unwrap_or_default();
                assert!(with_one == position as u64 || with_one + 1 == position as u64, "{place}: {with_one}");
            }
        }
    }
}

#[test]
fn the_last_record_s_bytes_have_a_witness_in_the_live_projection() {
    let cell = Cell::busy_day();
    let mut damaged = payloads();
    let last = String::from_utf8(damaged.pop().unwrap().to_vec()).unwrap();
    damaged.push(last.replace("lvdelete", "lvdelets").into());
    let tail = cell.tail().0;
    assert_eq!(first_bad(damaged.clone()), None, "no record behind it says otherwise");
    let found = check_with(&FixedLog::of(damaged), Some(live(&cell)));
    assert_eq!(found.first_bad.map(|bad| (bad.position.0, bad.kind)), Some((tail, BadKind::Differs)));
    let compared = found.compared.unwrap();
    assert!(compared.hash_differs && compared.differing.is_empty());
}

#[test]
fn records_that_are_taken_out_swapped_or_put_in_are_found() {
    let good = payloads();
    let last = good.len() as u64;
    for index in 0..good.len() - 1 {
        let position = index as u64 + 1;
        let mut closed = good.clone();
        closed.remove(index);
        assert_eq!(first_bad(closed), Some((position, BadKind::Chain)), "{position} taken out, the rest moved up");

        let mut swapped = good.clone();
        swapped.swap(index, index + 1);
        assert_eq!(first_bad(swapped), Some((position, BadKind::Chain)), "{position} and the next one swapped");
    }
    for index in 1..good.len() - 1 {
        let mut shifted = good.clone();
        shifted.insert(index, Bytes::from_static(b"put in"));
        // The record behind the stray is the first one that stands elsewhere than when it was written.
        assert_eq!(first_bad(shifted), Some((index as u64 + 2, BadKind::Chain)), "put in behind {index}");
    }
    let mut doubled = good;
    doubled.push(doubled[2].clone());
    let found = check(&FixedLog::of(doubled));
    assert!(found.ok, "an old record that comes again is a stray");
    assert_eq!(found.strays.listed[0].position.0, last + 1);
}

#[test]
fn missing_messages_are_found() {
    let cell = Cell::busy_day();
    let mut holed = FixedLog { entries: cell.log.entries() };
    holed.entries.drain(4..6);
    let found = check(&holed);
    assert_eq!(found.records, 4);
    golden("verify_hole.txt", &text(|out| found.render(out)));
    let bad = found.first_bad.unwrap();
    assert_eq!((bad.position, bad.kind), (Position(5), BadKind::Missing));

    cell.log.purge_through(Position(3));
    let bad = check(&cell.log).first_bad.unwrap();
    assert_eq!((bad.position, bad.kind), (Position(1), BadKind::Missing));
    assert!(bad.what.contains("begins at position 4"), "{}", bad.what);
}

#[test]
fn a_log_that_ends_before_the_live_projection_has_lost_records() {
    let cell = Cell::busy_day();
    let live = live(&cell);
    let tail = cell.tail();
    cell.log.lose_behind(Position(tail.0 - 2));
    assert!(check(&cell.log).ok, "the chain alone cannot know");
    let found = check_with(&cell.log, Some(live));
    golden("verify_lost.txt", &text(|out| found.render(out)));
    let bad = found.first_bad.unwrap();
    assert_eq!((bad.position, bad.kind), (Position(tail.0 - 1), BadKind::Lost));
    assert_eq!(found.compared, None);
}

#[test]
fn a_live_projection_that_differs_is_named_by_table() {
    let cell = Cell::busy_day();
    let mut state = cell.folded().state.clone();
    state.volumes.clear();
    state.claims.clear();
    let live = LiveDigest { digest: StateDigest::of(&state), ..live(&cell) };
    let found = check_with(&cell.log, Some(live));
    assert_eq!(found.first_bad.as_ref().map(|bad| bad.kind), Some(BadKind::Differs));
    let differing = &found.compared.as_ref().unwrap().differing;
    assert_eq!(differing[1], "volumes (1 rows against 0)");
    golden("verify_differs.txt", &text(|out| found.render(out)));
}

#[test]
fn the_comparison_is_made_at_the_projection_s_position() {
    let mut cell = Cell::with_pools();
    cell.create(1, 5);
    let live = live(&cell);
    cell.succeed();
    let found = check_with(&cell.log, Some(live));
    assert!(found.ok, "{:?}", found.first_bad);
    assert_eq!(found.compared.unwrap().position, Position(5));
}

/// A writer with a fault that no hash can show: its records are well formed and lead to a state that must not be.
#[test]
fn violations_are_reported_with_their_record() {
    let good = payloads();
    let lie = |payload: &Bytes, from: &str, to: &str| {
        let text = String::from_utf8(payload.to_vec()).unwrap();
        assert!(text.contains(from), "{text}");
        Bytes::from(text.replace(from, to))
    };
    // The reservation is of one volume more than the volume that follows.
    let lied = lie(&good[4], r#""resource":"volumes","delta":1"#, r#""resource":"volumes","delta":2"#);
    let log = FixedLog::of(good[..4].iter().cloned().chain([lied]));
    let found = check(&log);
    golden("verify_violation.txt", &text(|out| found.render(out)));
    assert!(!found.ok);
    assert_eq!(found.violations.total, 1);
    assert_eq!(found.violations.listed[0].position, Position(5));
    assert_eq!(found.first_bad.unwrap().kind, BadKind::Violation);

    let rare = VerifyOptions { audit_every: AuditEvery::End, ..VerifyOptions::default() };
    let found = run(verify(&log, rare, &mut Silent)).unwrap();
    assert!(found.first_bad.unwrap().what.starts_with("between positions 1 and 5: "));
}

#[test]
fn a_record_that_does_not_fit_or_cannot_be_read_stops_the_reading() {
    let good = payloads();
    let text = String::from_utf8(good[5].to_vec()).unwrap();
    let other_flow = text.replace("\"task_succeeded\":{\"flow\":\"", "\"task_succeeded\":{\"flow\":\"00000000-");
    assert_ne!(text, other_flow);
    let newer = text.replacen("{\"v\":1,", "{\"v\":2,", 1);
    let flow = Cell::busy_day().tasks[0].flow.to_string();
    let unknown_flow = text.replace(&flow, "00000000-0000-0000-0000-00000000dead");
    for (lied, kind) in
        [(other_flow, BadKind::Unreadable), (newer, BadKind::Unreadable), (unknown_flow, BadKind::Corrupt)]
    {
        let found = check(&FixedLog::of(good[..5].iter().cloned().chain([Bytes::from(lied)])));
        let bad = found.first_bad.unwrap();
        assert_eq!((bad.position, bad.kind), (Position(6), kind), "{}", bad.what);
        assert_eq!((found.records, found.digest), (5, None));
    }
}

#[test]
fn a_command_with_two_outcomes_is_found() {
    let good = payloads();
    let text = String::from_utf8(good[4].to_vec()).unwrap();
    // The commit of the create stands twice in its record, the second time as a refusal.
    let commits = text.find("\"commits\":[").unwrap() + "\"commits\":[".len();
    let commit = &text[commits..text.len() - 2];
    let events = commit.find("\"events\":").unwrap();
    let refused = r#""events":[{"request_refused":{"code":"NotJson","message":"","remedy":""}}]}"#;
    let doubled = format!("{},{}{refused}]}}", &text[..text.len() - 2], &commit[..events]);
    let found = check(&FixedLog::of(good[..4].iter().cloned().chain([Bytes::from(doubled)])));
    assert_eq!(found.violations.listed[0].rule, "a command has exactly one outcome");
}

/// A runtime may move them between threads.
#[test]
fn the_futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    let log = Cell::new().log;
    let (mut a, mut b, mut c, mut d) = (Silent, Silent, Silent, Silent);
    is_send(verify(&log, VerifyOptions::default(), &mut a));
    is_send(crate::show::show(&log, crate::show::Subject::request("x"), None, &mut b, &mut |_| Ok(())));
    is_send(crate::at::at(&log, Moment::Head, &mut c));
    is_send(crate::diff::diff(&log, Moment::Head, Moment::Head, &mut d));
}

mod checkpoints {
    use super::*;
    use crate::checkpoint::{Checkpoint, PrivateKey};
    use crate::testing::Cell;

    fn key() -> PrivateKey {
        PrivateKey::new(&[7; 32])
    }

    /// A checkpoint of the log as it is at its end.
    fn made(cell: &Cell) -> Checkpoint {
        let folded = cell.folded();
        let (chain, digest) = (&folded.chain, StateDigest::of(&folded.state).digest);
        Checkpoint::sign(&key(), chain.position, chain.hash, digest, chain.at)
    }

    fn beside<L: Log>(log: &L, checkpoints: Vec<Checkpoint>) -> Verification {
        let kept = Kept::new(vec![key().public()], checkpoints);
        run(verify(log, VerifyOptions { kept, ..VerifyOptions::default() }, &mut Silent)).unwrap()
    }

    #[test]
    fn a_log_that_grew_since_says_the_same() {
        let mut cell = Cell::with_pools();
        let first = made(&cell);
        cell.create(1, 5);
        let second = made(&cell);
        cell.create(2, 5);
        let found = beside(&cell.log, vec![second, first]);
        assert_eq!((found.first_bad.as_ref(), found.checkpoints), (None, 2));
        assert!(text(|out| found.render(out)).contains("kept      checkpoints that say the same: 2\n"));
    }

    /// Somebody makes the log anew, with other requests: the chain is whole, and only who kept a checkpoint knows.
    #[test]
    fn a_log_that_was_made_anew_is_found() {
        let (mut cell, mut other) = (Cell::with_pools(), Cell::with_pools());
        cell.create(1, 5);
        other.create(1, 6);
        let kept = made(&cell);
        assert!(check(&other.log).ok);
        let found = beside(&other.log, vec![kept.clone()]).first_bad.unwrap();
        assert_eq!((found.position, found.kind), (kept.position, BadKind::Checkpoint));
        assert!(found.what.contains(&kept.hash.to_string()), "{}", found.what);
    }

    #[test]
    fn a_tail_that_is_gone_is_found() {
        let cell = Cell::busy_day();
        let kept = made(&cell);
        let mut payloads = payloads();
        payloads.truncate(payloads.len() - 2);
        let found = beside(&FixedLog::of(payloads), vec![kept.clone()]).first_bad.unwrap();
        assert_eq!((found.position.0, found.kind), (kept.position.0 - 1, BadKind::Checkpoint));
    }

    #[test]
    fn one_that_was_changed_or_signed_by_a_stranger_counts_for_nothing() {
        let cell = Cell::busy_day();
        let good = made(&cell);
        let stranger = PrivateKey::new(&[8; 32]);
        let theirs = Checkpoint::sign(&stranger, good.position, good.hash, good.digest, good.at);
        for bad in [Checkpoint { digest: good.hash, ..good.clone() }, theirs] {
            let found = beside(&cell.log, vec![bad, good.clone()]);
            assert_eq!(found.first_bad.map(|bad| bad.kind), Some(BadKind::Checkpoint));
            assert_eq!(found.checkpoints, 1);
        }
    }
}
