//! Strays that prove that the log was damaged.
//!
//! Every reader skips what does not continue the chain, so damage hides among strays. A stray is harmless when nobody
//! can have written it in good faith at the head of the chain: noise, an old record that came again, a deposed writer.
//! It proves damage when its writer saw another log than the one that is there now.
//!
//! | the stray | says |
//! | --- | --- |
//! | names a predecessor at or behind its own place | records were swapped or taken out |
//! | names a message that no reader accepted | that message was a record once: its bytes were changed |
//! | names the last record with another hash, in turn | that record's bytes were changed |
//! | names the last record's hash at another place | messages were put in or taken out before it |
//! | is of the leading writer, and not in turn | its head was changed |
//! | has the words of a record's head and is no JSON | it was a record once |

use serde::Deserialize;
use stele_core::chain::{Chain, StrayReason};
use stele_core::port::LogEntry;
use stele_core::record::RecordHead;
use stele_core::unit::{Hash, Position};

use super::report::{Bad, BadKind, KEEP};

/// How many bytes of a message are looked through for the words of a record's head.
const HEAD_BYTES: usize = 1024;

/// What the strays so far prove.
#[derive(Debug, Default)]
pub(crate) struct Breaks {
    undecided: Option<Undecided>,
}

/// A stray that does not fit the record before it: one of the two was changed. The next one's hash tells which.
#[derive(Debug)]
struct Undecided {
    /// The stray's hash.
    hash: Hash,
    /// What is wrong when the stray is as it was written.
    before: Bad,
    /// What is wrong when it is not.
    itself: Bad,
    /// Whether it is of the leading writer, so that it is wrong even when the log goes on without it.
    leads: bool,
}

impl Breaks {
    /// The damage that one more stray proves; `chain` is the last record before it.
    pub(crate) fn stray(&mut self, chain: &Chain, entry: &LogEntry, reason: &StrayReason) -> Vec<Bad> {
        let Some(head) = read_head(&entry.payload) else {
            let what = format!("the message has the words of a record and cannot be read as one ({reason})");
            return looks_like_a_record(&entry.payload).then(|| bad(entry.position, what)).into_iter().collect();
        };
        let Some((before, itself)) = misfit(chain, entry, &head, reason) else { return Vec::new() };
        let mut found = Vec::new();
        if let Some(Undecided { hash, before, itself, .. }) = self.undecided.take() {
            found.push(if head.prev_hash == hash { before } else { itself });
        }
        match before {
            None => found.push(itself),
            Some(before) => {
                let (hash, leads) = (Hash::of(&entry.payload), leads(chain, &head));
                self.undecided = Some(Undecided { hash, before, itself, leads });
            }
        }
        found
    }

    /// A record was accepted: whatever was before the undecided stray is as it was written.
    pub(crate) fn record(&mut self) -> Option<Bad> {
        self.undecided.take().filter(|undecided| undecided.leads).map(|undecided| undecided.itself)
    }

    /// Nothing follows: the earlier one of the two is named.
    pub(crate) fn end(&mut self) -> Option<Bad> {
        self.undecided.take().map(|undecided| undecided.before)
    }
}

/// What is wrong with a stray that proves damage: with something before it, when it is as it was written, and itself.
fn misfit(chain: &Chain, entry: &LogEntry, head: &RecordHead, reason: &StrayReason) -> Option<(Option<Bad>, Bad)> {
    let (at, named) = (entry.position, head.prev_seq);
    let itself = bad(at, format!("the record does not continue the log: {reason}"));
    if named >= at {
        let what = format!("the record continues position {named}, which is not before it: it was written elsewhere");
        return Some((None, bad(at, what)));
    }
    if named > chain.position {
        let what = format!("the message is no part of the log, and the record at position {at} was written behind it");
        return Some((Some(bad(named, what)), itself));
    }
    let in_turn = head.index == chain.index + 1;
    if named == chain.position && head.prev_hash != chain.hash && in_turn {
        let what = format!("the record has other bytes than when the record at position {at} was written");
        return Some(((named > Position(0)).then(|| bad(named, what)), itself));
    }
    if named < chain.position && head.prev_hash == chain.hash {
        let what = format!("the record stood at position {named} when the record at position {at} was written");
        return Some((Some(bad(chain.position, what)), itself));
    }
    leads(chain, head).then_some((None, itself))
}

/// Whether a record is of the leading writer and not an old one: it would have to continue the log.
fn leads(chain: &Chain, head: &RecordHead) -> bool {
    head.epoch == chain.epoch && head.writer == chain.writer && head.index > chain.index
}

fn bad(position: Position, what: String) -> Bad {
    let remedy = format!(
        "{KEEP}. Everything behind the last good record is not served by anybody; restore it from a copy of the \
         stream, or from the writer's journal if it reaches back so far"
    );
    Bad { position, kind: BadKind::Chain, what, remedy }
}

/// The head of a message that has the form of a record, whatever its commits are.
fn read_head(payload: &[u8]) -> Option<RecordHead> {
    #[derive(Deserialize)]
    struct Headed {
        #[serde(flatten)]
        head: RecordHead,
    }
    serde_json::from_slice::<Headed>(payload).ok().map(|headed| headed.head)
}

fn looks_like_a_record(payload: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&payload[..payload.len().min(HEAD_BYTES)]);
    let words = ["\"shard\":", "\"epoch\":", "\"writer\":", "\"prev_seq\":", "\"prev_hash\":", "\"inbox\":"];
    words.iter().filter(|word| start.contains(**word)).count() >= words.len() - 1
}
