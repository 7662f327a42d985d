//! Thousands of random ways to touch a log, each tried on a copy of one: every single one is found.

use bytes::Bytes;
use fastrand::Rng;
use serde_json::json;
use stele_core::digest::StateDigest;
use stele_core::task::FailureKind;

use super::*;
use crate::checkpoint::{Checkpoint, PrivateKey};
use crate::progress::Silent;
use crate::testing::{Cell, FixedLog, run, volume};

/// How many logs, and how many copies of each are touched.
const LOGS: u64 = 10;
const COPIES: u64 = 400;

/// A log of random requests, some of them refused or failing, with a checkpoint that somebody kept.
fn random_log(rng: &mut Rng) -> (Vec<Bytes>, Checkpoint) {
    let mut cell = Cell::with_pools();
    for step in 0..rng.u32(8..24) {
        let number = u128::from(rng.u32(1..5));
        match rng.u32(0..8) {
            0..=2 => cell.create(u128::from(step) + 100, rng.u32(1..9)),
            3 => cell.ask("volume.extend", &json!({ "id": volume(number), "size_gib": rng.u32(2..20) })),
            4 => cell.ask("volume.delete", &json!({ "id": volume(number + 100) })),
            5 => cell.ask("quota.set", &json!({ "project": "demo", "volumes": rng.i32(-1..4) })),
            6 => cell.publish("volume.create", "this is no JSON"),
            _ => cell.backend("n1@lvm#vg", f64::from(rng.u32(1..40))),
        }
        if !cell.folded().state.flows.is_empty() && rng.bool() {
            if rng.u32(0..4) == 0 { cell.fail(FailureKind::Other) } else { cell.succeed() }
        }
        if rng.u32(0..10) == 0 {
            cell.stray(b"somebody's message");
        }
    }
    let folded = cell.folded();
    let digest = StateDigest::of(&folded.state).digest;
    let kept = Checkpoint::sign(&key(), folded.chain.position, folded.chain.hash, digest, folded.chain.at);
    (cell.log.entries().into_iter().map(|entry| entry.payload).collect(), kept)
}

fn key() -> PrivateKey {
    PrivateKey::new(&[9; 32])
}

/// Does one thing to the log, and says what.
fn touch(rng: &mut Rng, log: &mut Vec<Bytes>) -> String {
    let (at, other) = (rng.usize(..log.len()), rng.usize(..log.len()));
    match rng.u32(0..8) {
        0 | 1 => {
            let mut bytes = log[at].to_vec();
            let (byte, bit) = (rng.usize(..bytes.len()), rng.u8(..8));
            bytes[byte] ^= 1 << bit;
            log[at] = bytes.into();
            format!("bit {bit} of byte {byte} of message {at} flipped")
        }
        2 => {
            let mut bytes = log[at].to_vec();
            let from = rng.usize(..bytes.len());
            let removed = bytes.drain(from..(from + rng.usize(1..40)).min(log[at].len())).count();
            log[at] = bytes.into();
            format!("{removed} bytes cut out of message {at} at {from}")
        }
        3 => {
            log.remove(at);
            format!("message {at} removed")
        }
        4 => {
            let message = if rng.bool() { log[other].clone() } else { Bytes::from_static(b"{\"v\":1}") };
            log.insert(at, message);
            format!("a message like {other} put in before {at}")
        }
        5 => {
            log.swap(at, other);
            format!("messages {at} and {other} changed places")
        }
        6 => {
            log.truncate(at);
            format!("cut off before message {at}")
        }
        _ => {
            log[at] = log[other].clone();
            format!("message {other} over message {at}")
        }
    }
}

#[test]
fn whatever_is_done_to_a_log_is_found() {
    let mut tried = 0;
    for seed in 0..LOGS {
        let mut rng = Rng::with_seed(seed);
        let (good, kept) = random_log(&mut rng);
        let check = |log: &[Bytes]| {
            let kept = Kept::new(vec![key().public()], vec![kept.clone()]);
            let options = VerifyOptions { kept, audit_every: AuditEvery::End, ..VerifyOptions::default() };
            run(verify(&FixedLog::of(log.to_vec()), options, &mut Silent)).unwrap()
        };
        let sound = check(&good);
        assert!(sound.ok, "seed {seed}: {:?}", sound.first_bad);
        for copy in 0..COPIES {
            let mut touched = good.clone();
            let mut what = touch(&mut rng, &mut touched);
            if rng.u32(0..4) == 0 && !touched.is_empty() {
                what = format!("{what}; {}", touch(&mut rng, &mut touched));
            }
            // A bit that was flipped back, or the bytes of a stray: they are no part of the history.
            let is_stray = |at: usize| sound.strays.listed.iter().any(|stray| stray.position.0 == at as u64 + 1);
            let is_same = |at: usize| touched.get(at) == good.get(at) || is_stray(at);
            if touched.len() == good.len() && (0..good.len()).all(is_same) {
                continue;
            }
            tried += 1;
            let found = check(&touched);
            let found_stray = found.strays.total > sound.strays.total || found.strays.listed != sound.strays.listed;
            assert!(!found.ok || found_stray, "seed {seed}, copy {copy}: {what}");
            if let Some(bad) = &found.first_bad {
                assert!(!bad.what.is_empty() && bad.position.0 <= touched.len() as u64 + 1, "{what}: {bad:?}");
            }
        }
    }
    assert!(tried > 3000, "{tried}");
}
