//! Applying messages: what every way of keeping the rows has in common.

use stele_core::chain::{Link, Opened};
use stele_core::codec::encode;
use stele_core::fold::{self, FoldError};
use stele_core::record::RecordHead;
use stele_core::state::{Entity, State};
use stele_core::unit::Position;
use tracing::warn;

use crate::history::HistoryBatch;
use crate::projection::ApplyError;
use crate::store::StoreError;
use crate::table::meta::{Cursor, Leader};
use crate::table::sink::{Changes, Sink, Touched};
use crate::table::{self, chain_marks, lists, meta};

/// What is in memory of what was applied; a clone costs some tens of reference counts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// What is true.
    pub(crate) state: State,
    /// Up to where the log is applied.
    pub(crate) cursor: Cursor,
    /// Who writes it.
    pub(crate) leader: Option<Leader>,
}

/// Applies messages in one piece: what lies between them is seen by nobody.
pub(crate) fn step<S: Sink>(
    messages: impl IntoIterator<Item = Opened>,
    known: &mut Known,
    histories: &mut HistoryBatch<'_>,
    sink: &mut S,
) -> Result<(), ApplyError> {
    let before = known.clone();
    let Known { state, cursor, leader } = known;
    let follows_state = sink.follows_state();
    let mut touched = Touched::default();
    for message in messages {
        let (position, expected) = (message.entry.position, cursor.seen.next());
        if position != expected {
            return Err(ApplyError::NotNext { expected, found: position });
        }
        cursor.seen = position;
        match cursor.chain.link_opened(message).map_err(FoldError::from)? {
            Link::Stray(reason) => {
                warn!(position = position.0, %reason, "a message of the log's stream is no record; skipped");
                cursor.strays += 1;
            }
            Link::Record(record, hash) => {
                let mut touch = |entity: Entity| {
                    if follows_state {
                        touched.insert(entity);
                    }
                };
                fold::apply(state, &record, position, &mut touch).map_err(FoldError::from)?;
                histories.take_in(&record, position, sink)?;
                *leader = claimed_by(&record.head, position).or(leader.take());
                cursor.chain.advance(&record.head, position, hash);
                if cursor.chain.index.is_multiple_of(chain_marks::RECORDS_PER_MARK) {
                    chain_marks::write(sink, &cursor.chain)?;
                }
            }
        }
    }
    if follows_state {
        sink.changed(before, known, touched)?;
    }
    Ok(())
}

/// Brings the rows of the state and of its indexes from what was known to what is known.
pub(crate) fn change_rows<C: Changes>(
    changes: &mut C,
    before: &Known,
    after: &Known,
    touched: &Touched,
) -> Result<(), StoreError> {
    table::change_entities(changes, &before.state, &after.state, touched)?;
    lists::change(changes, &before.state, &after.state, touched)?;
    if before.leader != after.leader {
        let row = |known: &Known| known.leader.as_ref().map(encode);
        changes.change(meta::TABLE, meta::LEADER.to_vec(), || row(before), || row(after))?;
    }
    let row = |known: &Known| Some(encode(&known.cursor));
    changes.change(meta::TABLE, meta::CURSOR.to_vec(), || row(before), || row(after))
}

/// Who leads from this record on, when it is a claim.
fn claimed_by(head: &RecordHead, position: Position) -> Option<Leader> {
    let claim = head.claim.as_ref()?;
    Some(Leader { host: claim.host.clone(), writer: head.writer, position, claimed_at: head.at })
}
