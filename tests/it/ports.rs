//! The ports' one contract suite, in memory and on every nats-server that we say we run on; and the duel.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use stele::nats::{
    Connection, ConnectionSettings, JetStreamDispatcher, JetStreamInbox, JetStreamLog, JetStreamTaskSource,
    NatsReporter, RequestListener, ServerProcess, ServerProcessSettings, StreamSettings, TaskSourceSettings, connect,
    ensure_streams,
};
use stele_core::id::BackendName;
use stele_core::port::memory::{MemoryInbox, MemoryLog, MemoryTasks, ReportFault, report_channel};
use stele_core::unit::{Position, Timestamp};
use stele_replay::archive::{Archive, Archived, log_file};
use stele_replay::export::{ExportOptions, FRAME_BYTES, export};
use stele_replay::progress::Silent;

use crate::contract::{self, Nudge, no_nudge};

/// The pinned server, and the distribution's.
const PINNED: &str = "2.12.8";
const DISTRIBUTION: &str = "2.9.10";

struct Server {
    process: ServerProcess,
    connection: Connection,
    _folder: tempfile::TempDir,
}

async fn server(version: &str) -> Server {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        ServerProcessSettings { directory: folder.path().to_owned(), port: 0, binary: Some(binary(version)) };
    let process = ServerProcess::start(&settings).await.unwrap();
    let connection = connect(&ConnectionSettings::new(vec![process.url()], "stele test")).await.unwrap();
    ensure_streams(&connection, &StreamSettings::default()).await.unwrap();
    // A second time: what exists already is looked at and accepted.
    ensure_streams(&connection, &StreamSettings::default()).await.unwrap();
    Server { process, connection, _folder: folder }
}

fn tool(version: &str) -> PathBuf {
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
    tools.join(format!("nats-server-{version}")).join("nats-server")
}

fn binary(version: &str) -> PathBuf {
    let binary = tool(version);
    assert!(binary.is_file(), "{} is missing: run `make tools`", binary.display());
    binary
}

async fn log_on(version: &str) {
    let server = server(version).await;
    contract::log::all(JetStreamLog::new(&server.connection, 0), no_nudge()).await;
    server.process.stop().await;
}

/// A log whose beginning lies in a file: half of it in the stream as well, the other half purged.
#[tokio::test]
async fn the_log_keeps_its_contract_with_its_beginning_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let live = MemoryLog::new();
    for number in 0..10 {
        live.inject(Bytes::from(format!("archived {number}")));
    }
    let path = folder.path().join(log_file(Position(1), Position(8)));
    let (stream, frame_bytes) = ("STELE_LOG".to_owned(), FRAME_BYTES);
    let options =
        ExportOptions { path, from: Position(1), to: Some(Position(8)), force: false, stream, shard: 0, frame_bytes };
    export(&live, &options, &mut Silent).await.unwrap();
    live.purge_through(Position(4));
    let log = Archived::new(Some(Archive::open(folder.path()).unwrap()), live.clone());
    log.join().await.unwrap();
    contract::log::all(log, Arc::new(move || live.tick())).await;
}

async fn inbox_on(version: &str) {
    let server = server(version).await;
    let connection = server.connection.clone();
    let publish = move |subject: String, payload: Bytes| {
        let connection = connection.clone();
        Box::pin(async move {
            connection.publish(subject, payload).await.unwrap();
            connection.flush().await.unwrap();
        }) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
    };
    contract::inbox::all(JetStreamInbox::new(&server.connection), Box::new(publish), no_nudge()).await;
    server.process.stop().await;
}

async fn tasks_on(version: &str) {
    let server = server(version).await;
    let dispatcher = JetStreamDispatcher::new(&server.connection, StreamSettings::default());
    let settings = TaskSourceSettings { ack_wait: Duration::from_secs(1), ..TaskSourceSettings::default() };
    let source = |backend| JetStreamTaskSource::new(&server.connection, backend, settings);
    contract::task_queue::all(dispatcher, source, no_nudge()).await;
    server.process.stop().await;
}

async fn reports_on(version: &str) {
    let server = server(version).await;
    let backend = BackendName::new("node.rack@lvm").unwrap();
    let connection = server.connection.clone();
    let serve = |answer: contract::reporter::Answer| serve_reports(connection, answer);
    contract::reporter::all(NatsReporter::new(&server.connection, &backend), serve, no_nudge()).await;
    server.process.stop().await;
}

/// Control's side, reduced to an answer.
async fn serve_reports(connection: Connection, mut answer: contract::reporter::Answer) -> tokio::task::JoinHandle<()> {
    let mut requests = RequestListener::listen(&connection).await.unwrap();
    tokio::spawn(async move {
        while let Some(request) = requests.next().await {
            let reply = answer(&serde_json::from_slice(&request.payload).unwrap());
            request.respond(serde_json::to_vec(&reply).unwrap().into()).await.unwrap();
        }
    })
}

/// Another distribution does not have the server of this one. In CI that is a failure.
fn can_run(version: &str) -> bool {
    let missing = !tool(version).is_file();
    if missing && version == DISTRIBUTION && std::env::var_os("CI").is_none() {
        println!("LEFT OUT: this distribution has no nats-server {version}");
        return false;
    }
    true
}

macro_rules! on_servers {
    ($($name:ident: $on:ident($version:expr);)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            if can_run($version) {
                $on($version).await;
            }
        }
    )+};
}

on_servers! {
    the_log_keeps_its_contract_on_the_pinned_server: log_on(PINNED);
    the_log_keeps_its_contract_on_the_distributions_server: log_on(DISTRIBUTION);
    the_inbox_keeps_its_contract_on_the_pinned_server: inbox_on(PINNED);
    the_inbox_keeps_its_contract_on_the_distributions_server: inbox_on(DISTRIBUTION);
    the_task_queue_keeps_its_contract_on_the_pinned_server: tasks_on(PINNED);
    the_task_queue_keeps_its_contract_on_the_distributions_server: tasks_on(DISTRIBUTION);
    reports_keep_their_contract_on_the_pinned_server: reports_on(PINNED);
    reports_keep_their_contract_on_the_distributions_server: reports_on(DISTRIBUTION);
}

#[tokio::test]
async fn the_log_keeps_its_contract_in_memory() {
    let log = MemoryLog::new();
    let ticking = log.clone();
    let nudge: Nudge = Arc::new(move || ticking.tick());
    contract::log::all(log, nudge).await;
}

#[tokio::test]
async fn the_inbox_keeps_its_contract_in_memory() {
    let inbox = MemoryInbox::new(Timestamp::from_micros(4));
    let (ticking, publishing) = (inbox.clone(), inbox.clone());
    let nudge: Nudge = Arc::new(move || ticking.tick());
    let publish = move |subject: String, payload: Bytes| {
        publishing.publish(&subject, payload);
        Box::pin(std::future::ready(())) as std::pin::Pin<Box<dyn Future<Output = ()> + Send>>
    };
    contract::inbox::all(inbox, Box::new(publish), nudge).await;
}

#[tokio::test]
async fn the_task_queue_keeps_its_contract_in_memory() {
    let tasks = MemoryTasks::new();
    let ticking = tasks.clone();
    let nudge: Nudge = Arc::new(move || ticking.tick());
    contract::task_queue::all(tasks.dispatcher(), |backend| tasks.source(backend), nudge).await;
}

#[tokio::test]
async fn reports_keep_their_contract_in_memory() {
    let (reporter, reports) = report_channel(|_| ReportFault::None);
    let ticking = reporter.clone();
    let nudge: Nudge = Arc::new(move || ticking.tick());
    #[expect(clippy::async_yields_async, reason = "the handle ends the server; it is not awaited here")]
    let serve = |mut answer: contract::reporter::Answer| async move {
        tokio::spawn(async move {
            loop {
                if let Some(pending) = reports.next().await {
                    let reply = answer(&pending.report);
                    pending.reply(reply);
                }
            }
        })
    };
    contract::reporter::all(reporter, serve, nudge).await;
}

/// Three writers on one log of three replicas, whose servers are killed with SIGKILL one after the other: nothing
/// that was acknowledged is lost, nothing is there twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_duel_of_three_writers_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut cluster = contract::cluster::Cluster::start(&binary(PINNED), folder.path(), true).await;
    let settings = StreamSettings {
        replicas: 3,
        log_bytes_max: 1 << 30,
        commands_bytes_max: 1 << 28,
        ..StreamSettings::default()
    };
    let mut logs = Vec::new();
    for _ in 0..3 {
        let connection = connect(&ConnectionSettings::new(cluster.urls(), "duel")).await.unwrap();
        ensure_streams(&connection, &settings).await.unwrap();
        logs.push(JetStreamLog::new(&connection, 0));
    }
    let outcome = contract::duel::duel(logs, async {
        for round in 0..6 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            cluster.kill(round % 3).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
            cluster.restart(round % 3);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    })
    .await;
    println!("{outcome:#?}");
    outcome.assert_sound();
}
