//! The log of a cell under test, read from outside.

use stele::nats::{Connection, ConnectionSettings, JetStreamLog, connect};
use stele_core::fold::Folded;
use stele_core::port::{Log as _, LogReader as _};
use stele_core::unit::Position;

pub(crate) async fn connect_to(url: &str) -> Connection {
    connect(&ConnectionSettings::new(vec![url.to_owned()], "stele test")).await.unwrap()
}

/// Everything that the log holds, folded from its first message.
pub(crate) async fn fold(connection: &Connection) -> (Folded, Vec<stele_core::record::Record>) {
    let log = JetStreamLog::new(connection, 0);
    let tail = log.tail().await.unwrap();
    let mut reader = log.read_from(Position(1)).await.unwrap();
    let mut folded = Folded::default();
    let mut records = Vec::new();
    let mut seen = Position(0);
    while seen < tail {
        for entry in reader.next_batch(1000).await.unwrap() {
            if entry.position > tail {
                break;
            }
            seen = entry.position;
            if let stele_core::fold::Folding::Applied(record, _) = folded.fold(&entry).unwrap() {
                records.push(*record);
            }
        }
    }
    (folded, records)
}
