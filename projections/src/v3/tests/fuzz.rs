//! Requests that nobody would send: none of them may break a route, or make it hang.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Map, Value, json};

use crate::v3::testing::{Api, Work};
use crate::v3::version::NEWEST;

/// How many requests a seed makes.
const REQUESTS: usize = 2500;

/// A generator whose numbers a seed repeats (`xorshift64*`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap_or(0) % below.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.roll(chance) == 0
    }
}

const TEXTS: &[&str] = &[
    "",
    " ",
    "x",
    "0",
    "1",
    "-1",
    "2147483648",
    "99999999999999999999999999",
    "1e9",
    "true",
    "False",
    "None",
    "null",
    "nan",
    "inf",
    "available",
    "error",
    "in-use",
    "__DEFAULT__",
    "nova",
    "rw",
    "{'a': 'b'}",
    "{",
    "[1, 2]",
    "gt:2026-01-01",
    "gt:",
    "id:asc",
    "name",
    "ä\u{1F600}",
    "a\u{0}b",
    "\u{202e}",
    "'",
    "\"",
    "\\",
    "../..",
    "%00",
    "a,b,,c",
    "req-1",
    "00000000-0000-0000-0000-000000000000",
    "{00000000-0000-0000-0000-000000000000}",
    "n1@lvm#a",
    "80%",
    "%",
    "é%",
];

const KEYS: &[&str] = &[
    "id",
    "name",
    "description",
    "display_name",
    "display_description",
    "size",
    "new_size",
    "volume",
    "volume_id",
    "volume_type",
    "new_type",
    "snapshot_id",
    "source_volid",
    "metadata",
    "meta",
    "status",
    "attach_status",
    "migration_status",
    "progress",
    "force",
    "readonly",
    "bootable",
    "key",
    "host",
    "cluster",
    "image_id",
    "image_name",
    "multiattach",
    "availability_zone",
    "group_id",
    "connector",
    "attachment_id",
    "instance_uuid",
    "mountpoint",
    "mode",
    "extra_specs",
    "is_public",
    "os-volume-type-access:is_public",
    "provider",
    "control_location",
    "cipher",
    "key_size",
    "consumer",
    "keys",
    "project",
    "binary",
    "disabled_reason",
    "levels",
    "prefix",
    "server",
    "group_type",
    "volume_types",
    "add_volumes",
    "remove_volumes",
    "delete-volumes",
    "list_volume",
    "auth_key",
    "no_snapshots",
    "volumes",
    "gigabytes",
    "snapshots",
    "same_host",
    "different_host",
    "query",
    "error",
    "new_volume",
    "user_id",
];

const PARAMETERS: &[&str] = &[
    "limit",
    "offset",
    "marker",
    "sort",
    "sort_key",
    "sort_dir",
    "all_tenants",
    "with_count",
    "name",
    "status",
    "metadata",
    "bootable",
    "created_at",
    "updated_at",
    "size",
    "host",
    "project_id",
    "name~",
    "glance_metadata",
    "consumes_quota",
    "is_public",
    "extra_specs",
    "usage",
    "force",
    "cascade",
    "detail",
    "volume_type",
    "vol_type_id",
    "binary",
    "list_volume",
    "volume_id",
    "nonsense",
    "ä",
];

fn text(dice: &mut Dice, ids: &[String]) -> String {
    match dice.roll(8) {
        0 | 1 => dice.pick(ids).clone(),
        2 => dice.pick(TEXTS).repeat(dice.roll(400)),
        _ => (*dice.pick(TEXTS)).to_owned(),
    }
}

fn value(dice: &mut Dice, ids: &[String], depth: usize) -> Value {
    match dice.roll(if depth > 3 { 6 } else { 9 }) {
        0 => Value::Null,
        1 => Value::Bool(dice.one_in(2)),
        2 => json!(i64::try_from(dice.roll(5)).unwrap_or(0) - 1),
        3 => dice.pick(&[json!(1.5), json!(-0.0), json!(1e300), json!(4_294_967_296_u64), json!(u64::MAX)]).clone(),
        4 | 5 => Value::String(text(dice, ids)),
        6 => Value::Array((0..dice.roll(4)).map(|_| value(dice, ids, depth + 1)).collect()),
        _ => {
            let mut map = Map::new();
            for _ in 0..dice.roll(6) {
                let key = if dice.one_in(8) { text(dice, ids) } else { (*dice.pick(KEYS)).to_owned() };
                map.insert(key, value(dice, ids, depth + 1));
            }
            Value::Object(map)
        }
    }
}

fn escaped(dice: &mut Dice, text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() && !dice.one_in(20) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02x}"));
        }
    }
    if dice.one_in(60) { out + "%ff" } else { out }
}

fn request(dice: &mut Dice, ids: &[String], routes: &[(Method, &str, Vec<&str>)]) -> (Request<Body>, String) {
    let (method, pattern, actions) = dice.pick(routes).clone();
    let method =
        if dice.one_in(30) { dice.pick(&[Method::PUT, Method::PATCH, Method::OPTIONS]).clone() } else { method };
    let who = *dice.pick(&["p/member", "p/member", "p/admin", "q/admin", "p/reader"]);
    let mut path = String::from("/v3");
    if !dice.one_in(6) {
        path.push('/');
        path.push_str(who.split('/').next().unwrap_or_default());
    }
    for segment in pattern.split('/').skip(1) {
        let text = if segment.starts_with('{') { text(dice, ids) } else { segment.to_owned() };
        path.push('/');
        path.push_str(&if segment.starts_with('{') { escaped(dice, &text) } else { text });
    }
    path.truncate(6000);
    let mut mark = '?';
    for _ in 0..dice.roll(4) {
        let (name, text) = (*dice.pick(PARAMETERS), text(dice, ids));
        let pair = format!("{mark}{}={}", escaped(dice, name), escaped(dice, &text));
        path.push_str(&pair[..pair.len().min(2000)]);
        mark = '&';
    }
    let version = match dice.roll(12) {
        0 => (*dice.pick(&["volume", "volume 3", "volume 3.x", "compute 2.1", "volume latest", "", "3.1"])).to_owned(),
        _ => format!("volume 3.{}", dice.roll(usize::from(NEWEST) + 1)),
    };
    let mut body = value(dice, ids, 0);
    if let Some(root) = actions.get(dice.roll(actions.len() + 1)) {
        body = json!({*root: body});
    } else if !dice.one_in(4) {
        // The key that most bodies have: the path's first word without its plural.
        let word = pattern.split('/').nth(1).unwrap_or_default();
        let root =
            *dice.pick(&[word.strip_suffix('s').unwrap_or(word), "metadata", "meta", "volume_type", "qos_specs"]);
        body = json!({root: body});
    }
    let mut sent = Request::builder().method(method.clone()).uri(&path);
    sent = sent.header("x-auth-token", Api::token(who)).header("openstack-api-version", version);
    if !dice.one_in(20) {
        sent = sent.header("content-type", *dice.pick(&["application/json", "application/json; charset=utf-8"]));
    }
    for name in ["if-match", "stele-min-position", "host", "x-forwarded-host", "x-service-token"] {
        if dice.one_in(25) {
            let text: String = text(dice, ids).chars().filter(char::is_ascii_graphic).take(100).collect();
            sent = sent.header(name, text);
        }
    }
    let mut bytes = body.to_string().into_bytes();
    match dice.roll(30) {
        0 => bytes.truncate(bytes.len() / 2),
        1 => bytes.push(0xff),
        2 => bytes.clear(),
        3 => bytes = b"[".repeat(10_000),
        _ => {}
    }
    let shown = format!("{method} {path} as {who}: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(2000)]));
    (sent.body(Body::from(bytes)).unwrap_or_else(|error| panic!("{error}: {shown}")), shown)
}

/// Whatever is asked, the answer is none of the server's failure, and it comes.
async fn nothing_breaks(seed: u64) {
    let api = Api::start().await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(api.volume("p", name).await);
    }
    let made = api.post("p/member", "/snapshots", 0, json!({"snapshot": {"volume_id": ids[0]}})).await.with(202);
    ids.push(made["snapshot"]["id"].as_str().unwrap_or_default().to_owned());
    let routes = crate::v3::routes().list();
    let mut dice = Dice(seed);
    for _ in 0..REQUESTS {
        if dice.one_in(100) {
            api.set_work(if dice.one_in(3) { Work::Later } else { Work::AtOnce });
        }
        let (request, shown) = request(&mut dice, &ids, &routes);
        let reply = tokio::time::timeout(Duration::from_secs(30), api.send(request)).await;
        let reply = reply.unwrap_or_else(|_| panic!("seed {seed}: no answer to {shown}"));
        assert!(reply.status < 500, "seed {seed}: {} {} to {shown}", reply.status, reply.text);
        assert!(reply.status != 204 || reply.text.is_empty(), "seed {seed}: a body with 204 to {shown}");
        let id = serde_json::from_str::<Value>(&reply.text).ok().and_then(|json| {
            let (_, thing) = json.as_object()?.iter().next()?;
            Some(thing.get("id")?.as_str()?.to_owned())
        });
        ids.extend(id);
        if ids.len() > 40 {
            ids.remove(dice.roll(ids.len()));
        }
    }
}

#[tokio::test]
async fn nothing_breaks_a_route_1() {
    nothing_breaks(1).await;
}

#[tokio::test]
async fn nothing_breaks_a_route_2() {
    nothing_breaks(0x5eed).await;
}
