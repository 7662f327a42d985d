use serde_json::{Value, json};

use super::*;
use crate::fold::{FoldError, Folded, Folding};
use crate::scenario::{Cell, everything, refolded, same};

/// A cell with a record in flight that would continue its log, and that record as a value.
fn next() -> (Cell, Value) {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1");
    cell.say("create b 1");
    assert!(cell.append());
    let value = serde_json::from_slice(&cell.in_flight.as_ref().unwrap().payload).unwrap();
    (cell, value)
}

fn entry(cell: &Cell, payload: &[u8]) -> LogEntry {
    LogEntry { position: cell.tail().next(), payload: bytes::Bytes::copy_from_slice(payload) }
}

/// What a record becomes when some of its fields are others: `record`, a stray's reason, or why it cannot be read.
fn linked(changes: &[(&str, Value)]) -> String {
    let (cell, mut value) = next();
    for (field, change) in changes {
        value[*field] = change.clone();
    }
    let entry = entry(&cell, value.to_string().as_bytes());
    let whole = said(cell.standby.chain.link(&entry));
    let (head, kind) =
        (said(cell.standby.chain.link_head(&entry)), |said: &str| said.split(':').next().map(str::to_owned));
    assert_eq!(kind(&head), kind(&whole), "the head alone says the same");
    whole
}

fn said<R>(link: Result<Link<R>, Unreadable>) -> String {
    match link {
        Ok(Link::Record(..)) => "record".to_owned(),
        Ok(Link::Stray(reason)) => reason.to_string(),
        Err(unreadable) => format!("unreadable: {}", unreadable.why),
    }
}

#[test]
fn only_what_continues_the_chain_is_a_record() {
    let claim = || json!({ "config": {}, "host": "h" });
    let writer = |n: u128| json!(uuid::Uuid::from_u128(n));
    let (one, two) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    let other_hash = json!(Hash::of(b"other"));
    let rows: Vec<(Vec<(&str, Value)>, String)> = vec![
        (vec![], "record".into()),
        (vec![("prev_seq", json!(2))], "it continues position 2, not 3".into()),
        (vec![("prev_seq", json!(9))], "it continues position 9, not 3".into()),
        (vec![("prev_hash", other_hash)], "it continues other bytes at position 3".into()),
        (vec![("index", json!(3))], "its index 3 does not follow".into()),
        (vec![("index", json!(5))], "its index 5 does not follow".into()),
        (vec![("epoch", json!(0))], format!("epoch 0 of writer {one} does not lead")),
        (vec![("epoch", json!(2))], format!("epoch 2 of writer {one} does not lead")),
        (vec![("writer", writer(2))], format!("epoch 1 of writer {two} does not lead")),
        (vec![("claim", claim())], format!("epoch 1 of writer {one} does not lead")),
        (vec![("claim", claim()), ("epoch", json!(0))], format!("epoch 0 of writer {one} does not lead")),
        (vec![("claim", claim()), ("epoch", json!(2)), ("writer", writer(2))], "record".into()),
        (vec![("claim", claim()), ("epoch", json!(7))], "record".into()),
        // A record of a later release that continues the log stops whoever cannot read it ...
        (vec![("v", json!(2))], "unreadable: format version 2".into()),
        // ... and one that continues something else is a stray, whatever is in it.
        (vec![("v", json!(2)), ("prev_seq", json!(1))], "it continues position 1, not 3".into()),
        (vec![("commits", json!(7)), ("prev_seq", json!(1))], "it continues position 1, not 3".into()),
    ];
    for (changes, expected) in rows {
        assert_eq!(linked(&changes), expected, "{changes:?}");
    }
    let unknown = linked(&[("v", json!(2)), ("commits", json!([{ "events": [{ "volume_sung_to": {} }] }]))]);
    assert!(unknown.starts_with("unreadable: "), "{unknown}");
}

/// Every record of a long day, and every message in between, is the same to both.
#[test]
fn the_head_alone_leads_through_the_same_chain() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; create a 1; update a name=x; quota demo volumes=1; service disable n1@lvm x");
    cell.stray(br#"{"v":1,"commits":[]}"#);
    cell.lead();
    cell.run("create b 1");
    let (mut whole, mut heads) = (Chain::default(), Chain::default());
    for entry in &cell.log {
        if let Link::Record(record, hash) = whole.link(entry).unwrap() {
            whole.advance(&record.head, entry.position, hash);
        }
        if let Link::Record(head, hash) = heads.link_head(entry).unwrap() {
            heads.advance(&head, entry.position, hash);
        }
        assert_eq!(heads, whole, "at {}", entry.position);
    }
    assert_eq!(heads, cell.standby.chain);
}

#[test]
fn strays_are_skipped_and_counted() {
    let (mut cell, _) = next();
    let in_flight = cell.in_flight.take().unwrap();
    for noise in [&b""[..], b"hello", b"[]", b"{\"v\":1}", b"{\"prev_seq\":3}", &[0xff, 0xfe], b"null"] {
        let reason = cell.standby.chain.link(&entry(&cell, noise)).unwrap();
        assert!(matches!(reason, Link::Stray(StrayReason::NotARecord(_))), "{reason:?}");
        cell.stray(noise);
    }
    // The record was in flight while strays came: its compare-and-swap fails. Another control claims behind them.
    assert!(in_flight.expected < cell.tail());
    cell.lead();
    cell.run("create c 1");
    assert_eq!(cell.standby.strays, 7);
    // What the deposed writer still had to say is no record, and changes nothing.
    cell.stray(&in_flight.payload);
    // The new one's next append finds the stray before it, and has to claim again.
    cell.say("create d 1");
    assert!(cell.writer.take_append(cell.now).unwrap().expected < cell.tail());
    cell.lead();
    cell.run("create e 1");
    assert_eq!((cell.status("b"), cell.status("c"), cell.status("e")), ("gone", "creating", "creating"));
    let again = refolded(&cell.log);
    same(&again, &cell.standby);
    assert_eq!(again.strays, 8);
}

#[test]
fn a_log_begins_with_a_claim() {
    let cell = Cell::new();
    let mut value: Value = serde_json::from_slice(&cell.log[0].payload).unwrap();
    for (epoch, claim) in [(0, Value::Null), (1, Value::Null), (0, value["claim"].clone())] {
        value["epoch"] = json!(epoch);
        value["claim"] = claim;
        value["writer"] = json!(uuid::Uuid::nil());
        let entry = LogEntry { position: Position(1), payload: value.to_string().into() };
        let link = Chain::default().link(&entry).unwrap();
        assert!(matches!(link, Link::Stray(StrayReason::NotLeading { .. })), "{link:?}");
    }
}

/// Whatever byte of a record changes, the log does not fold as if nothing had happened.
#[test]
fn every_flipped_byte_is_noticed() {
    let mut cell = Cell::new();
    cell.run("backend n1@lvm#vg; update a name=x; quota demo volumes=1; service disable n1@lvm x");
    let victim = 2;
    let payload = cell.log[victim].payload.clone();
    for at in 0..payload.len() {
        for flip in [1_u8, 32] {
            let mut bytes = payload.to_vec();
            bytes[at] ^= flip;
            let mut log = cell.log.clone();
            log[victim].payload = bytes.into();
            let mut folded = Folded::default();
            let mut strays = Vec::new();
            let noticed = log.iter().any(|entry| match folded.fold(entry) {
                Ok(Folding::Applied(..)) => false,
                Ok(Folding::Skipped(reason)) => {
                    strays.push((entry.position, reason));
                    true
                }
                Err(FoldError::Unreadable(_) | FoldError::Corrupt(_)) => true,
            });
            assert!(noticed, "byte {at} of position {}", victim + 1);
        }
    }
    // A changed letter of a text leaves the record readable: the one behind it tells.
    let at = payload.windows(6).position(|window| window == b"\"alice").unwrap() + 1;
    let mut bytes = payload.to_vec();
    bytes[at] = b'A';
    let mut folded = Folded::default();
    let mut log = cell.log.clone();
    log[victim].payload = bytes.into();
    let outcomes: Vec<bool> =
        log.iter().map(|entry| matches!(folded.fold(entry).unwrap(), Folding::Applied(..))).collect();
    assert_eq!(outcomes, [true, true, true, false, false]);
    assert_eq!(folded.chain.link(&log[3]).unwrap().stray(), Some(StrayReason::OtherHash(Position(3))));
}

/// The digest does not depend on who folded, nor on how often.
#[test]
fn folding_twice_gives_the_same() {
    let cell = everything::told();
    same(&refolded(&cell.log), &refolded(&cell.log));
    same(&refolded(&cell.log), &cell.standby);
}

impl Link {
    fn stray(self) -> Option<StrayReason> {
        match self {
            Self::Stray(reason) => Some(reason),
            Self::Record(..) => None,
        }
    }
}
