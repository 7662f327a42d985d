use std::collections::BTreeSet;

use stele_core::chain::{Chain, Link};
use stele_core::port::LogEntry;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::view::EventView;

/// The events of a log as `(id, name)`, by the rule of the chain.
fn events_of(entries: &[LogEntry]) -> Vec<(String, String)> {
    let (mut chain, mut events) = (Chain::default(), Vec::new());
    for entry in entries {
        let Ok(Link::Record(record, hash)) = chain.link(entry) else { continue };
        chain.advance(&record.head, entry.position, hash);
        for (commit, found) in record.commits.iter().enumerate() {
            for (index, event) in found.events.iter().enumerate() {
                events.push((format!("{}.{commit}.{index}", entry.position), event.name().to_owned()));
            }
        }
    }
    events
}

/// A client's connection.
struct Client {
    body: Body,
    rest: String,
}

impl Client {
    async fn connect(api: &Api, uri: &str, last: Option<&str>) -> Self {
        let mut request = Request::get(uri);
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last);
        }
        let response = api.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert!(response.headers().contains_key("stele-position"));
        Self { body: response.into_body(), rest: String::new() }
    }

    /// The next block of lines; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                return Some(block);
            }
            let frame = self.body.frame().await?.unwrap();
            self.rest.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    async fn events(&mut self, count: usize) -> Vec<(String, String, EventView)> {
        let mut events = Vec::new();
        while events.len() < count {
            let block = self.block().await.expect("the stream ended");
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
            let Some(id) = field("id: ") else { continue };
            let view = serde_json::from_str(&field("data: ").unwrap()).unwrap();
            events.push((id, field("event: ").unwrap(), view));
        }
        events
    }

    async fn names(&mut self, count: usize) -> Vec<(String, String)> {
        self.events(count).await.into_iter().map(|(id, name, _)| (id, name)).collect()
    }
}

/// A cell with enough records for several marks in the chain.
async fn long() -> Api {
    let (api, _) = told().await;
    let Api { mut cell, .. } = api;
    for _ in 0..70 {
        cell.volume("demo", r#"{"volume":{"size_gib":1}}"#);
    }
    Api::start(cell, ApiOptions::default()).await
}

#[tokio::test]
async fn everything_comes_once_and_in_order_and_then_live() {
    let mut api = long().await;
    let all = events_of(&api.cell.entries);
    let mut client = Client::connect(&api, "/v1/events?since=0", None).await;
    assert_eq!(client.names(all.len()).await, all);
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1,"name":"live"}}"#);
    api.publish();
    let live = events_of(&api.cell.entries)[all.len()..].to_vec();
    assert_eq!(client.names(live.len()).await, live);
    // What was sent is found by the next query, without demanding a position.
    let found = api.get("/v1/volumes?name=live").await;
    assert_eq!(found.json()["volumes"].as_array().unwrap().len(), 1);
    // Who asks for nothing old gets only what comes.
    let mut fresh = Client::connect(&api, "/v1/events", None).await;
    api.cell.succeed();
    api.publish();
    let newest = events_of(&api.cell.entries)[all.len() + live.len()..].to_vec();
    assert_eq!(fresh.names(newest.len()).await, newest);
    assert_eq!(client.names(newest.len()).await, newest);
}

#[tokio::test]
async fn whoever_comes_back_goes_on_right_behind_the_last_event() {
    let api = long().await;
    let all = events_of(&api.cell.entries);
    for at in 0..all.len() - 1 {
        // The header counts more than the parameter of the first connection, which the client sends again.
        let mut client = Client::connect(&api, "/v1/events?since=0", Some(&all[at].0)).await;
        let next = all[at + 1..].iter().take(3).cloned().collect::<Vec<_>>();
        assert_eq!(client.names(next.len()).await, next, "behind {}", all[at].0);
    }
    for since in [1, 63, 64, 65, 66, 130, 190] {
        let position = |id: &str| id.split('.').next().unwrap().parse::<u64>().unwrap();
        let next: Vec<_> = all.iter().filter(|(id, _)| position(id) > since).take(5).cloned().collect();
        let mut client = Client::connect(&api, &format!("/v1/events?since={since}"), None).await;
        assert_eq!(client.names(5).await, next, "since {since}");
    }
}

#[tokio::test]
async fn filters_know_whom_every_event_concerns() {
    let (api, story) = told().await;
    let all = events_of(&api.cell.entries).len();
    let mut client = Client::connect(&api, "/v1/events?since=0", None).await;
    let events = client.events(all).await;
    for (id, name, view) in &events {
        assert_eq!((id, name), (&format!("{}.{}.{}", view.position, view.commit, view.index), &view.name));
        let cell_wide = ["backend_", "service_", "type_", "qos_", "group_type_", "quota_class_", "log_level_"];
        assert_eq!(view.project.is_none(), cell_wide.iter().any(|start| name.starts_with(start)), "{view:?}");
        let for_flow = name.starts_with("task_") || name.starts_with("flow_") || name == "quota_committed";
        assert!(!for_flow || view.flow_id.is_some(), "{view:?}");
    }
    let of_small: Vec<&String> =
        events.iter().filter(|e| e.2.project.as_ref().is_some_and(|p| p.as_str() == "small")).map(|e| &e.0).collect();
    let mut small = Client::connect(&api, "/v1/events?since=0&project=small", None).await;
    let got = small.events(of_small.len()).await;
    assert_eq!(got.iter().map(|e| &e.0).collect::<Vec<_>>(), of_small);
    let names: BTreeSet<&str> = got.iter().map(|e| e.1.as_str()).collect();
    for name in ["quota_set", "quota_committed", "task_succeeded", "request_refused", "flow_finished"] {
        assert!(names.contains(name), "{name} is not in {names:?}");
    }
    let of_volume: Vec<&String> =
        events.iter().filter(|e| e.2.volume_id == Some(story.extended)).map(|e| &e.0).collect();
    let uri = format!("/v1/events?since=0&volume={}", story.extended);
    let got = Client::connect(&api, &uri, None).await.events(of_volume.len()).await;
    assert_eq!(got.iter().map(|e| &e.0).collect::<Vec<_>>(), of_volume);
    for name in ["quota_rolled_back", "volume_updated", "task_retried", "volume_extend_failed"] {
        assert!(got.iter().any(|event| event.1 == name), "{name}");
    }
    // A volume's own story has its snapshots and attachments in it.
    let of_origin: BTreeSet<&str> =
        events.iter().filter(|e| e.2.volume_id == Some(story.lab.volume)).map(|e| e.1.as_str()).collect();
    for name in ["snapshot_deleted", "attachment_created", "attachment_completed", "attachment_deleted"] {
        assert!(of_origin.contains(name), "{name} is not in {of_origin:?}");
    }
    let cascaded = |e: &&(String, String, EventView)| e.2.volume_id == Some(story.lab.cascaded);
    let gone: Vec<&str> =
        events.iter().filter(cascaded).map(|e| e.1.as_str()).filter(|n| n.ends_with("_deleted")).collect();
    assert_eq!(gone, ["snapshot_deleted", "snapshot_deleted", "volume_deleted"]);
    let ann: Vec<&str> = events.iter().filter(|e| e.2.actor.user == "ann").map(|e| e.1.as_str()).collect();
    assert_eq!(ann.first(), Some(&"flow_started"));
}

#[tokio::test]
async fn a_place_that_does_not_exist_yet_is_not_reached() {
    let (api, _) = told().await;
    let answer = api.get("/v1/events?since=99999").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "NotReached"));
    for bad in ["x", "1", "1.2", "1.2.3.4", "1.2.-3"] {
        let request = Request::get("/v1/events").header("Last-Event-ID", bad).body(Body::empty()).unwrap();
        let answer = api.send(request).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "InvalidParameter"), "{bad}");
    }
}

#[tokio::test]
async fn what_was_archived_is_refused_by_name_with_the_first_place_that_can_be_had() {
    let mut api = long().await;
    let all = events_of(&api.cell.entries);
    let behind = |place: u64| -> Vec<_> {
        let position = |id: &str| id.split('.').next().unwrap().parse::<u64>().unwrap();
        all.iter().filter(|(id, _)| position(id) > place).cloned().collect()
    };
    api.log.purge_through(Position(100));
    let refused = api.get("/v1/events?since=0").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (410, "LogArchived"));
    let error = refused.json()["error"].clone();
    assert!(error["remedy"].as_str().unwrap().contains("--archive"), "{error}");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("the log begins at position 101"), "{message}");
    let since: u64 = message.rsplit_once("since=").unwrap().1.parse().unwrap();
    assert!((100..164).contains(&since), "{message}");
    let mut client = Client::connect(&api, &format!("/v1/events?since={since}"), None).await;
    assert_eq!(client.names(behind(since).len()).await, behind(since));
    // Nobody knows the record before these, so nobody can tell that they are records.
    for last in ["99.0.0", "101.0.0"] {
        let request = Request::get("/v1/events").header("Last-Event-ID", last).body(Body::empty()).unwrap();
        assert_eq!(api.send(request).await.status.as_u16(), 410, "{last}");
    }
    // Whoever follows what comes needs nothing of it.
    api.log.purge_through(Position(api.logged().0 - 1));
    let tail = api.logged();
    let mut live = Client::connect(&api, "/v1/events", None).await;
    let mut again = Client::connect(&api, &format!("/v1/events?since={tail}"), None).await;
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1,"name":"live"}}"#);
    api.publish();
    let newest = events_of(&api.cell.entries)[all.len()..].to_vec();
    assert_eq!(live.names(newest.len()).await, newest);
    assert_eq!(again.names(newest.len()).await, newest);
}

#[tokio::test]
async fn a_follower_whose_place_leaves_the_log_is_told_so_as_the_last_words() {
    let api = long().await;
    let mut client = Client::connect(&api, "/v1/events?since=0", None).await;
    assert_eq!(client.names(3).await.len(), 3);
    api.log.purge_through(Position(120));
    let mut last = String::new();
    while let Some(block) = client.block().await {
        last = block;
    }
    let (name, data) = last.split_once('\n').unwrap();
    assert_eq!(name, "event: error");
    let error: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "LogArchived");
    assert!(error["error"]["message"].as_str().unwrap().contains("since="), "{error}");
}

#[tokio::test]
async fn a_quiet_stream_has_a_heartbeat_and_ends_with_the_server() {
    let options = ApiOptions { heartbeat: Duration::from_millis(1), ..ApiOptions::default() };
    let api = Api::start(story().cell, options).await;
    let mut client = Client::connect(&api, "/v1/events", None).await;
    assert_eq!(client.block().await.unwrap(), ": heartbeat");
    api.stop.send(true).unwrap();
    while let Some(block) = client.block().await {
        assert_eq!(block, ": heartbeat");
    }
}

#[tokio::test]
async fn a_follower_survives_a_log_that_does_not_answer() {
    tokio::time::pause();
    let mut api = Api::start(story().cell, ApiOptions::default()).await;
    let all = events_of(&api.cell.entries);
    let mut client = Client::connect(&api, "/v1/events?since=0", None).await;
    assert_eq!(client.names(5).await, all[..5]);
    api.log.fail_reads(3);
    api.cell.accepted("demo.volume.create", r#"{"volume":{"size_gib":1}}"#);
    api.publish();
    let all = events_of(&api.cell.entries);
    assert_eq!(client.names(all.len() - 5).await, all[5..]);
}

#[tokio::test]
async fn the_server_stops_with_streams_open() {
    let api = Api::start(story().cell, ApiOptions::default()).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(super::super::serve(listener, api.router.clone(), api.stop.subscribe()));
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /v1/events?since=0 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut begin = [0; 15];
    stream.read_exact(&mut begin).await.unwrap();
    assert_eq!(&begin, b"HTTP/1.1 200 OK");
    api.stop.send(true).unwrap();
    server.await.unwrap().unwrap();
}
