//! Least privilege on NATS: the table in docs/operations.md is enough for every role, and keeps projects apart.
//!
//! The server's permissions are made from that very table, so it cannot say something else than what works.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use stele::client::command;
use stele::nats::{Connection, ConnectionSettings, Identity, ServerProcess, ServerProcessSettings, ask, connect};
use stele_core::port::{Log as _, LogReader as _};
use tokio::process::{Child, Command};

const BACKEND: &str = "it@null";

/// Who speaks, and the row of the table that is meant for it.
const USERS: [(&str, &str); 6] = [
    ("archivist", "archivist"),
    ("control", "control"),
    ("worker", "worker"),
    ("api", "api"),
    ("demo", "a project"),
    ("admin", "a project"),
];

/// Every way to take something out of the log's stream.
const TAKES_OUT: [(&str, &str); 5] = [
    ("PURGE.STELE_LOG", ""),
    ("MSG.DELETE.STELE_LOG", r#"{"seq":1}"#),
    ("UPDATE.STELE_LOG", r#"{"name":"STELE_LOG","subjects":["stele.log.*"],"max_msgs":1}"#),
    ("DELETE.STELE_LOG", ""),
    ("RESTORE.STELE_LOG", "{}"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_role_works_with_the_documented_permissions_and_nobody_reaches_further() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, url) = guarded_server(folder.path()).await;
    let mut roles = Vec::new();
    let data = |name: &str| folder.path().join(name).display().to_string();
    let control = ["control", "--claim-after-ms", "0", "--server-syncs", "--data", &data("control-data")];
    roles.push(role(folder.path(), "control", &url, &control.map(str::to_owned)));
    let worker = ["worker", "--driver", "null", "--backend", BACKEND].map(str::to_owned);
    roles.push(role(folder.path(), "worker", &url, &worker));
    let admin = user("admin", &url).await;
    let demo = user("demo", &url).await;
    command(&admin, "admin", "quota", "set", json!({"project": "demo", "volumes": 20})).await.unwrap();

    // What is a project's own works, and a worker does it.
    let reader = user("api", &url).await;
    until_logged(&reader, "\"backend_reported\"").await;
    let made = command(&demo, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
    let volume = made.subjects.volume.unwrap();
    until_logged(&reader, &format!(r#""volume_created":{{"volume":"{volume}""#)).await;

    // Another's subjects, the operators', and the log are out of reach.
    let body = Bytes::from_static(br#"{"volume":{"size_gib":1}}"#);
    for subject in ["stele.ask.other.volume.create", "stele.ask.admin.quota.set", "stele.ask.admin.volume.delete"] {
        let refused = ask(&demo, subject, body.clone(), Duration::from_secs(2)).await;
        assert!(refused.is_err(), "{subject}: {refused:?}");
    }
    let before = tail(&url).await;
    for subject in ["stele.log.0", "stele.task.it@null", "stele.report.it@null", "stele.cmd.other.volume.create"] {
        demo.publish(subject.to_owned(), body.clone()).await.unwrap();
    }
    demo.flush().await.unwrap();
    let last = command(&demo, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
    let strays: Vec<_> = strays(&url, before.0 + 1, last.position.0).await;
    assert!(strays.is_empty(), "{strays:?}");
    only_the_archivist_purges(folder.path(), &url).await;
}

/// Who archives may purge the log, and others may not.
async fn only_the_archivist_purges(folder: &Path, url: &str) {
    let to = folder.join("archive").display().to_string();
    let archive = async |name: &str| {
        Command::new(env!("CARGO_BIN_EXE_stele"))
            .args(["--config", &settings_file(folder, name, url), "--url", "http://127.0.0.1:1", "--json"])
            .args(["replay", "archive", "--to", &to, "--keep", "2", "--until", "3", "--yes"])
            .env_remove("STELE_NATS")
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap()
    };
    let log = stele::nats::JetStreamLog::new(&user("api", url).await, 0);
    for name in ["api", "control"] {
        let refused = archive(name).await;
        assert!(!refused.status.success(), "{refused:?}");
        assert_eq!(log.state().await.unwrap().first.0, 1, "{name}");
    }
    // Nor by any other way.
    let before = log.state().await.unwrap();
    for name in ["control", "api", "worker", "demo"] {
        let user = user(name, url).await;
        for (what, body) in TAKES_OUT {
            let body = Bytes::from_static(body.as_bytes());
            user.publish(format!("$JS.API.STREAM.{what}"), body).await.unwrap();
        }
        user.flush().await.unwrap();
    }
    // Control goes on.
    command(&user("demo", url).await, "demo", "volume", "create", json!({"size_gib": 1})).await.unwrap();
    let now = log.state().await.unwrap();
    assert_eq!((now.first.0, now.created), (1, before.created));
    assert_eq!(now.messages, now.last.0, "none was deleted within");
    let archived = archive("archivist").await;
    assert!(archived.status.success(), "{archived:?}");
    assert_eq!(log.state().await.unwrap().first.0, 4);
}

/// Waits until the log says something, by reading it, which an API may do.
async fn until_logged(connection: &Connection, what: &str) {
    let log = stele::nats::JetStreamLog::new(connection, 0);
    let mut reader = log.read_from(stele_core::unit::Position(1)).await.unwrap();
    let found = async {
        loop {
            for entry in reader.next_batch(100).await.unwrap() {
                let text = String::from_utf8_lossy(&entry.payload).into_owned();
                if text.contains(what) {
                    return;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.unwrap();
}

async fn tail(url: &str) -> stele_core::unit::Position {
    stele::nats::JetStreamLog::new(&user("api", url).await, 0).tail().await.unwrap()
}

/// Messages in the log's stream that are not control's.
async fn strays(url: &str, from: u64, to: u64) -> Vec<String> {
    let log = stele::nats::JetStreamLog::new(&user("api", url).await, 0);
    let mut reader = log.read_from(stele_core::unit::Position(from)).await.unwrap();
    let (mut found, mut seen) = (Vec::new(), 0);
    while seen < to {
        for entry in reader.next_batch(100).await.unwrap() {
            seen = entry.position.0;
            if serde_json::from_slice::<stele_core::record::Record>(&entry.payload).is_err() {
                found.push(String::from_utf8_lossy(&entry.payload).into_owned());
            }
        }
    }
    found
}

/// A server that lets each user do what its row says.
async fn guarded_server(folder: &Path) -> (Child, String) {
    let directory = folder.join("nats");
    let settings = ServerProcessSettings { directory: directory.clone(), port: 0, binary: None };
    let plain = ServerProcess::start(&settings).await.unwrap();
    let (binary, port, url) = (plain.binary().to_owned(), plain.port(), plain.url());
    plain.stop().await;
    let config = directory.join("guarded.conf");
    let base = std::fs::read_to_string(directory.join("nats-server.conf")).unwrap();
    let users: Vec<String> = USERS.iter().map(|(name, row)| permissions(name, row)).collect();
    std::fs::write(&config, format!("{base}authorization {{ users = [\n{}\n] }}\n", users.join(",\n"))).unwrap();
    let mut server = Command::new(binary);
    server.arg("--config").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let server = server.kill_on_drop(true).spawn().unwrap();
    let listening = async {
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), listening).await.unwrap();
    (server, url)
}

fn permissions(name: &str, row: &str) -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operations.md")).unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("| {row} |"))).unwrap();
    let cells: Vec<&str> = line.split('|').map(str::trim).collect();
    let subjects = |cell: &str| -> Vec<String> {
        let quoted = cell.split('`').skip(1).step_by(2).filter(|part| part.contains('.'));
        quoted.map(|part| part.replace("<project>", name).replace("<backend>", BACKEND)).collect()
    };
    let responses = cells[2].contains("allow_responses");
    let denied = subjects(cells[3]);
    let own_inbox = format!("_INBOX_{name}.>");
    let subscribe: Vec<String> = subjects(cells[4]).into_iter().chain([own_inbox]).collect();
    format!(
        "{{ user: {name}, password: {name}, permissions: {{ publish: {{ allow: {:?}, deny: {denied:?} }}, subscribe: {{ allow: {subscribe:?} }}, \
         allow_responses: {responses} }} }}",
        subjects(cells[2])
    )
}

async fn user(name: &str, url: &str) -> Connection {
    let mut settings = ConnectionSettings::new(vec![url.to_owned()], "stele test");
    settings.identity = Identity::Password { user: name.to_owned(), password: name.to_owned() };
    settings.inbox_prefix = Some(format!("_INBOX_{name}"));
    connect(&settings).await.unwrap()
}

fn settings_file(folder: &Path, name: &str, url: &str) -> String {
    let (password, settings) = (folder.join(format!("{name}.password")), folder.join(format!("{name}.toml")));
    std::fs::write(&password, name).unwrap();
    let text = format!(
        "nats = [{url:?}]\ninbox_prefix = \"_INBOX_{name}\"\n[identity]\nuser = {name:?}\npassword_file = {password:?}\n"
    );
    std::fs::write(&settings, text).unwrap();
    settings.display().to_string()
}

fn role(folder: &Path, name: &str, url: &str, args: &[String]) -> Child {
    let settings = settings_file(folder, name, url);
    let log = std::fs::File::create(folder.join(format!("{name}.log"))).unwrap();
    Command::new(env!("CARGO_BIN_EXE_stele"))
        .args(["--config", &settings])
        .args(args)
        .env_remove("STELE_NATS")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(log))
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}
