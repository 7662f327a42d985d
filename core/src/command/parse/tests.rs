use super::*;

fn parsed(subject: &str, payload: &[u8]) -> Parsed {
    parse(&Incoming {
        subject: subject.to_owned(),
        payload: Bytes::copy_from_slice(payload),
        source: Source::Ask,
        fallback_id: CommandId(Uuid::from_u128(1)),
    })
}

fn code(subject: &str, body: &str) -> String {
    match parsed(subject, body.as_bytes()).command {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => {
            assert!(!refusal.message.is_empty() && !refusal.remedy.is_empty(), "{refusal:?}");
            refusal.code.as_str().to_owned()
        }
    }
}

#[test]
fn each_kind_of_garbage_has_its_code() {
    let create = "stele.ask.demo.volume.create";
    let admin = |rest: &str| format!("stele.ask.admin.{rest}");
    let long = format!(r#"{{"volume":{{"size_gib":1,"name":"{}"}}}}"#, "x".repeat(256));
    let noise = "\u{0}".repeat(1 << 20);
    let id = "6f1c1d6c-3b0e-4a43-9f0a-0d9b5a1f2c3d";
    let extend = format!(r#"{{"volume":{{"id":"{id}","size_gib":2}}}}"#);
    let rows: &[(&str, &str, &str)] = &[
        (create, r#"{"volume":{"size_gib":1}}"#, "ok"),
        (
            create,
            r#"{"v":1,"id":"6f1c1d6c-3b0e-4a43-9f0a-0d9b5a1f2c3d","actor":{"user":"u","project":"demo"},"volume":{"size_gib":1,"name":"web","metadata":{"a":"b"},"type":"gold"}}"#,
            "ok",
        ),
        (create, "", "NotJson"),
        (create, "hello", "NotJson"),
        (create, "{", "NotJson"),
        (create, &noise, "TooLarge"),
        (create, "[]", "MalformedBody"),
        (create, "{}", "MalformedBody"),
        (create, r#"{"v":2,"volume":{"size_gib":1}}"#, "UnsupportedVersion"),
        (create, r#"{"v":"1","volume":{"size_gib":1}}"#, "MalformedBody"),
        (create, r#"{"volume":{"size_gib":1},"colour":"red"}"#, "UnknownField"),
        (create, r#"{"volume":{"size_gib":1,"colour":"red"}}"#, "UnknownField"),
        (create, r#"{"service":{"backend":"a@b"}}"#, "UnknownField"),
        (create, r#"{"volume":{}}"#, "MalformedBody"),
        (create, r#"{"volume":{"size_gib":"1"}}"#, "MalformedBody"),
        (create, r#"{"volume":{"size_gib":0}}"#, "InvalidSize"),
        (create, r#"{"volume":{"size_gib":-5}}"#, "InvalidSize"),
        (create, r#"{"volume":{"size_gib":1.5}}"#, "InvalidSize"),
        (create, r#"{"volume":{"size_gib":99999999999}}"#, "InvalidSize"),
        (create, r#"{"volume":{"size_gib":1e300}}"#, "InvalidSize"),
        (create, &long, "InvalidText"),
        (create, r#"{"volume":{"size_gib":1,"name":"a\u0000b"}}"#, "InvalidText"),
        (create, r#"{"volume":{"size_gib":1,"metadata":{"":"b"}}}"#, "InvalidMetadata"),
        (create, r#"{"volume":{"size_gib":1},"actor":{"project":"other"}}"#, "ForeignProject"),
        (create, r#"{"volume":{"size_gib":1,"project":"other"}}"#, "UnknownField"),
        ("stele.ask.demo.volume.explode", r#"{"volume":{"size_gib":1}}"#, "UnknownCommand"),
        ("stele.ask.demo.volume", r#"{"volume":{"size_gib":1}}"#, "UnknownCommand"),
        ("stele.ask.demo.volume.create.now", r#"{"volume":{"size_gib":1}}"#, "UnknownCommand"),
        ("stele.ask.de mo.volume.create", r#"{"volume":{"size_gib":1}}"#, "InvalidName"),
        ("stele.ask.demo.volume.extend", &extend, "ok"),
        ("stele.ask.demo.quota.set", r#"{"quota":{"project":"demo","volumes":5}}"#, "AdminOnly"),
        (&admin("quota.set"), r#"{"quota":{"project":"demo","volumes":5,"gigabytes":-1}}"#, "ok"),
        (&admin("quota.set"), r#"{"quota":{"project":"demo","volumes":-2}}"#, "InvalidQuota"),
        (&admin("quota.set"), r#"{"quota":{"project":"demo","volumes":"many"}}"#, "MalformedBody"),
        (&admin("service.disable"), r#"{"service":{"backend":"n1@lvm","reason":"disk"}}"#, "ok"),
        (&admin("service.disable"), r#"{"service":{"backend":"n1"}}"#, "MalformedBody"),
        (&admin("type.create"), r#"{"type":{"name":"gold","extra_specs":{"volume_backend_name":"lvm"}}}"#, "ok"),
        (&admin("type.create"), r#"{"type":{"name":" "}}"#, "InvalidName"),
    ];
    for (subject, body, expected) in rows {
        assert_eq!(code(subject, body), *expected, "{subject} {}", body.chars().take(100).collect::<String>());
    }
}

#[test]
fn the_id_is_the_senders_or_the_fallback() {
    let given = parsed("stele.ask.demo.volume.create", br#"{"id":"6f1c1d6c-3b0e-4a43-9f0a-0d9b5a1f2c3d","volume":{}}"#);
    assert!(given.id_given && given.command.is_err());
    let absent = parsed("stele.ask.demo.volume.create", br#"{"volume":{"size_gib":1}}"#);
    assert_eq!((absent.id, absent.id_given), (CommandId(Uuid::from_u128(1)), false));
}

#[test]
fn the_fingerprint_knows_what_is_asked_and_not_the_way_in() {
    let body = br#"{"volume":{"size_gib":1}}"#;
    let ask = parsed("stele.ask.demo.volume.create", body).fingerprint;
    assert_eq!(ask, parsed("stele.cmd.demo.volume.create", body).fingerprint);
    assert_ne!(ask, parsed("stele.ask.other.volume.create", body).fingerprint);
    assert_ne!(ask, parsed("stele.ask.demo.volume.create", b"{}").fingerprint);
}
