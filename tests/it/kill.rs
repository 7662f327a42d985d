//! kill -9 of any part at any moment, under load: nothing acknowledged is lost, nothing happens twice, nothing hangs.
//!
//! `STELE_KILLS` says how often (40 by default), `STELE_SEED` which moments; both are printed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use stele::client::command;
use stele::nats::Connection;
use stele::role::worker::{backend, file_driver};
use stele_core::id::{BackendName, CommandId, VolumeId};
use stele_core::record::Record;
use stele_core::state::VolumeStatus;
use stele_core::task::lv_name;
use stele_core::unit::Position;
use stele_workers::driver::{AnyDriver, Driver as _};
use tokio::task::JoinSet;

use crate::harness::cell::Cell;
use crate::harness::log::fold;
use crate::roles;

/// nats-server is killed as well, now and then.
const ROLES: [&str; 5] = ["control-a", "control-b", "worker-a", "worker-b", "api"];

/// What a client was told: the command's volume, what it asked for, and where it was recorded.
type Told = Vec<(VolumeId, &'static str, Position)>;

#[tokio::test(flavor = "multi_thread")]
async fn kill_of_any_part_at_any_moment_loses_nothing() {
    let kills = number("STELE_KILLS", 40);
    let seed = number("STELE_SEED", u64::from(std::process::id()) << 20 | 7);
    println!("STELE_KILLS={kills} STELE_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut cell = roles::cell(&ROLES).await;
    let connection = cell.connection().await;
    let limits = json!({"project": "demo", "volumes": -1, "gigabytes": -1});
    command(&connection, "admin", "quota", "set", limits).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..8 {
        clients.spawn(client_loop(connection.clone(), seed ^ client, stop.clone()));
    }
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.u64(20..400))).await;
        if random.u8(0..12) == 0 {
            cell.server.take().unwrap().kill().await;
            tokio::time::sleep(Duration::from_millis(random.u64(0..500))).await;
            cell.start_server().await;
            continue;
        }
        let role = ROLES[random.usize(0..ROLES.len())];
        cell.kill(role).await;
        // Sometimes it stays away for long enough that another one has to take over.
        tokio::time::sleep(Duration::from_millis(if random.bool() { random.u64(0..50) } else { random.u64(0..1200) }))
            .await;
        cell.spawn(role);
        if kill % 50 == 49 {
            println!("{} kills", kill + 1);
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut told = Told::new();
    while let Some(client) = clients.join_next().await {
        told.extend(client.unwrap());
    }
    println!("{} commands were acknowledged", told.len());
    assert!(told.len() as u64 > kills, "the load was too small to prove anything: {}", told.len());
    settle(&connection, &cell).await;
    check_log(&connection, &told).await;
    check_storage(&connection, &cell).await;
    check_projection(&connection, &cell).await;
}

/// Creates, extends and deletes, and remembers what it was told. A command without an answer is asked again.
async fn client_loop(connection: Connection, seed: u64, stop: Arc<AtomicBool>) -> Told {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut told = Told::new();
    let mut mine: Vec<VolumeId> = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let pick = (!mine.is_empty()).then(|| random.usize(0..mine.len()));
        let (verb, content) = match (random.u8(0..10), pick) {
            (0..=1, Some(index)) => ("delete", json!({"id": mine[index]})),
            (2..=3, Some(index)) => ("extend", json!({"id": mine[index], "size_gib": random.u32(2..5)})),
            _ => ("create", json!({"size_gib": 1, "name": "killed"})),
        };
        match command(&connection, "demo", "volume", verb, content).await {
            Ok(accepted) => {
                let volume = accepted.subjects.volume.unwrap();
                told.push((volume, verb, accepted.position));
                if verb == "create" {
                    mine.push(volume);
                }
            }
            // A volume underway or gone: the refusal is an outcome as well.
            Err(failure)
                if ["InvalidVolumeStatus", "VolumeNotFound", "NotLarger", "NoValidPool"]
                    .contains(&failure.code.as_str()) => {}
            // No control within the client's patience: the next command will tell.
            Err(failure) if failure.code == "Unavailable" => {}
            Err(failure) => panic!("{verb}: {failure}"),
        }
    }
    told
}

/// Waits until no flow is open any more. Every one ends by itself: that is what is tested.
async fn settle(connection: &Connection, cell: &Cell) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
    loop {
        let (folded, _) = fold(connection).await;
        if folded.state.flows.is_empty() {
            return;
        }
        let open: Vec<_> = folded.state.flows.values().take(5).collect();
        assert!(tokio::time::Instant::now() < deadline, "flows do not end: {open:#?}\n{}", cell.logs());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Every acknowledged command is in the log, once, where it was said to be; quota and all other invariants hold.
async fn check_log(connection: &Connection, told: &Told) {
    let (folded, records) = fold(connection).await;
    assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
    let mut outcomes: BTreeMap<CommandId, usize> = BTreeMap::new();
    for commit in records.iter().flat_map(|record: &Record| &record.commits).filter(|commit| commit.id_given) {
        *outcomes.entry(commit.id).or_default() += 1;
    }
    let repeated: Vec<_> = outcomes.iter().filter(|(_, count)| **count != 1).collect();
    assert!(repeated.is_empty(), "commands with several outcomes: {repeated:?}");
    let recorded: BTreeSet<(Position, Option<VolumeId>)> = records
        .iter()
        .flat_map(|record| record.commits.iter().map(|commit| commit.subjects.volume))
        .zip(positions(&records, folded.chain.position))
        .map(|(volume, position)| (position, volume))
        .collect();
    for (volume, verb, position) in told {
        assert!(recorded.contains(&(*position, Some(*volume))), "{verb} of {volume} at {position} is not in the log");
    }
    for volume in folded.state.volumes.values() {
        let fine = match volume.status {
            VolumeStatus::Available => true,
            VolumeStatus::Error | VolumeStatus::ErrorExtending | VolumeStatus::ErrorDeleting => volume.reason.is_some(),
            // No flow is left at work, and nobody here attaches, gives away or states anything.
            _ => false,
        };
        assert!(fine, "{volume:?}");
    }
    println!("{} volumes, {} epochs, {} strays", folded.state.volumes.len(), folded.chain.epoch, folded.strays);
}

/// The position of each commit: where the record stands is known from the next one, or it is the last.
fn positions(records: &[Record], last: Position) -> Vec<Position> {
    let mut positions = Vec::new();
    for (index, record) in records.iter().enumerate() {
        let position = records.get(index + 1).map_or(last, |next| next.head.prev_seq);
        positions.extend(record.commits.iter().map(|_| position));
    }
    positions
}

/// What the driver holds is what the log promises: nothing missing, nothing left over, the right size.
async fn check_storage(connection: &Connection, cell: &Cell) {
    let (folded, _) = fold(connection).await;
    let config = backend(BackendName::new(roles::BACKEND).unwrap(), file_driver(cell.folder.path().join("volumes")));
    let driver = AnyDriver::open(&config).await.unwrap();
    let pool = config.name.pool("pool").unwrap();
    let there: BTreeMap<String, u64> =
        driver.inventory(&pool).await.unwrap().items.into_iter().map(|item| (item.name, item.size_bytes)).collect();
    let promised: BTreeMap<String, u64> = folded
        .state
        .volumes
        .values()
        .filter(|volume| volume.pool.is_some())
        .map(|volume| (lv_name(volume.id), volume.size_gib.bytes()))
        .collect();
    let missing: Vec<_> =
        promised.iter().filter(|(name, size)| there.get(*name).is_none_or(|there| there < size)).collect();
    let left: Vec<_> = there.keys().filter(|name| !promised.contains_key(*name)).collect();
    assert!(missing.is_empty() && left.is_empty(), "missing {missing:?}, left over {left:?}");
}

/// The projection, killed as often as the rest, is at the same state.
async fn check_projection(connection: &Connection, cell: &Cell) {
    let (folded, _) = fold(connection).await;
    let expected = stele_core::digest::StateDigest::of(&folded.state);
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let live: Result<stele_projections::view::LogDigest, _> =
            roles::api(cell).get("/v1/log/digest", &[], Some(folded.chain.position)).await;
        match live {
            // A heartbeat may have been recorded meanwhile: then both are looked at again.
            Ok(live) if live.position == folded.chain.position => {
                assert_eq!(live.into_digest(), expected, "{}", cell.logs());
                return;
            }
            Ok(_) => return Box::pin(check_projection(connection, cell)).await,
            Err(failure) => assert!(tokio::time::Instant::now() < deadline, "{failure}\n{}", cell.logs()),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().filter(|text| !text.is_empty()).map_or(default, |text| text.parse().unwrap())
}
