//! Garbage of any kind is refused with a code, recorded, and blocks nothing.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use stele::client::command;
use stele::nats::ask;
use stele_core::command::Source;

use crate::harness::log::fold;
use crate::roles;

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_recorded_and_blocks_nothing() {
    let cell = roles::cell(&["control-a", "worker-a"]).await;
    let connection = cell.connection().await;
    let noise = "\u{1}".repeat((1 << 20) - 1000);
    let rows: Vec<(&str, String, &str)> = vec![
        ("demo.volume.create", "not json".to_owned(), "NotJson"),
        ("demo.volume.create", r#"{"v":7,"volume":{"size_gib":1}}"#.to_owned(), "UnsupportedVersion"),
        ("demo.volume.create", r#"{"volume":{"size_gib":1,"colour":"red"}}"#.to_owned(), "UnknownField"),
        ("demo.volume.create", r#"{"volume":{"size_gib":-1}}"#.to_owned(), "InvalidSize"),
        ("demo.volume.create", r#"{"volume":{"size_gib":1e99}}"#.to_owned(), "InvalidSize"),
        ("demo.volume.explode", r#"{"volume":{"size_gib":1}}"#.to_owned(), "UnknownCommand"),
        ("demo.volume.create", noise, "TooLarge"),
        ("demo.volume.create", r#"{"actor":{"project":"other"},"volume":{"size_gib":1}}"#.to_owned(), "ForeignProject"),
    ];
    // The first answer also tells that a control leads.
    for (rest, body, code) in &rows {
        let subject = format!("stele.ask.{rest}");
        let reply = ask(&connection, &subject, Bytes::from(body.clone()), Duration::from_secs(20)).await.unwrap();
        let outcome: Value = serde_json::from_slice(&reply).unwrap();
        assert_eq!(outcome["result"]["refused"]["code"], *code, "{outcome}");
        assert!(outcome["position"].is_u64(), "{outcome}");
    }
    for (rest, body, _) in &rows {
        connection.publish(format!("stele.cmd.{rest}"), Bytes::from(body.clone())).await.unwrap();
    }
    // What is no command at all, straight into the log's stream: skipped by every reader alike.
    connection.publish("stele.log.0".to_owned(), Bytes::from_static(b"graffiti")).await.unwrap();
    connection.flush().await.unwrap();
    let limits = json!({"project": "demo", "volumes": 50});
    command(&connection, "admin", "quota", "set", limits).await.unwrap();

    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let (folded, records) = fold(&connection).await;
        let commits = records.iter().flat_map(|record| &record.commits);
        let refused: Vec<&str> = commits
            .clone()
            .filter(|commit| matches!(commit.source, Source::Inbox(_)))
            .filter_map(|commit| commit.refusal().map(|refusal| refusal.code.as_str()))
            .collect();
        if refused.len() == rows.len() {
            let expected: Vec<&str> = rows.iter().map(|(_, _, code)| *code).collect();
            assert_eq!(refused, expected);
            assert!(folded.strays >= 1);
            let asked = commits.filter(|commit| commit.source == Source::Ask && commit.refusal().is_some()).count();
            assert_eq!(asked, rows.len());
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "only {refused:?}\n{}", cell.logs());
    }
}

/// Many large commands at once are more than one record may hold: they become several, and nothing stops.
#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_large_commands_is_cut_into_records() {
    const COMMANDS: usize = 150;
    let cell = roles::cell(&["control-a"]).await;
    let connection = cell.connection().await;
    let metadata: serde_json::Map<String, Value> =
        (0..120).map(|n| (format!("{n}-{}", "k".repeat(240)), json!("v".repeat(250)))).collect();
    let body = Bytes::from(json!({"volume": {"size_gib": 1, "metadata": metadata}}).to_string());
    assert!(body.len() > 55_000, "{}", body.len());
    // The answer tells that a control leads, and that the inbox is there.
    command(&connection, "admin", "quota", "set", json!({"project": "demo", "volumes": 1000})).await.unwrap();
    for _ in 0..COMMANDS {
        connection.publish("stele.cmd.demo.volume.create".to_owned(), body.clone()).await.unwrap();
    }
    connection.flush().await.unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(60);
    loop {
        let (folded, records) = fold(&connection).await;
        if folded.inbox.sequence == COMMANDS as u64 {
            let published = |commit: &&stele_core::record::Commit| matches!(commit.source, Source::Inbox(_));
            assert_eq!(records.iter().flat_map(|record| &record.commits).filter(published).count(), COMMANDS);
            assert_eq!(stele_core::audit::audit(&folded.state), vec![]);
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "the inbox stopped at {}\n{}",
            folded.inbox.sequence,
            cell.logs()
        );
    }
}
