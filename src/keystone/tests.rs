use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use super::*;

/// What one request was: its first line, its tokens and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    line: String,
    own: Option<String>,
    subject: Option<String>,
    body: String,
}

/// A Keystone that gives the answers of a list, in order, and remembers what it was asked.
struct Fake {
    url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// Status, token of a login, body.
type Scripted = (u16, &'static str, String);

fn fake(answers: Vec<Scripted>) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
    let seen = Arc::clone(&asked);
    let mut answers: VecDeque<Scripted> = answers.into();
    std::thread::spawn(move || {
        while let Some((status, token, body)) = answers.pop_front() {
            let Ok((stream, _)) = listener.accept() else { return };
            let mut reader = BufReader::new(stream);
            seen.lock().unwrap().push(read(&mut reader));
            let token = if token.is_empty() { String::new() } else { format!("X-Subject-Token: {token}\r\n") };
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{token}Content-Length: {length}\r\n\r\n{body}");
            reader.get_mut().write_all(answer.as_bytes()).unwrap();
        }
    });
    Fake { url, asked }
}

fn read(reader: &mut BufReader<std::net::TcpStream>) -> Asked {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").map_or(0, |text| text.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    Asked {
        line: lines[0].trim_end_matches(" HTTP/1.1").to_owned(),
        own: header("x-auth-token"),
        subject: header("x-subject-token"),
        body: String::from_utf8(body).unwrap(),
    }
}

fn keystone(fake: &Fake, suffix: &str) -> Keystone {
    let text = |text: &str| text.to_owned();
    let login = Login {
        url: format!("{}{suffix}", fake.url),
        user: text("stele"),
        user_domain: text("Users"),
        password: text("pass-word"),
        project: text("service"),
        project_domain: text("Default"),
    };
    Keystone::new(login, None).unwrap()
}

fn token(user: &str, lives_seconds: u64) -> String {
    let until = now().plus_ms(lives_seconds * 1000);
    json!({"token": {
        "methods": ["password"], "expires_at": until, "audit_ids": ["x"], "is_domain": false,
        "user": {"id": "7", "name": user, "domain": {"id": "default", "name": "Default"}, "password_expires_at": null},
        "project": {"id": "p1", "name": "demo", "domain": {"id": "default", "name": "Default"}},
        "roles": [{"id": "a", "name": "member"}, {"id": "b", "name": "reader"}],
    }})
    .to_string()
}

#[tokio::test]
async fn it_logs_in_once_and_asks_with_its_own_token() {
    let logged_in = (201, "own-token", token("stele", 3600));
    let fake =
        fake(vec![logged_in, (200, "", token("alice", 1000)), (404, "", String::new()), (200, "", token("old", 0))]);
    let keystone = keystone(&fake, "/identity/");
    let alice = keystone.validate("alices".to_owned(), false).await.unwrap().unwrap();
    assert_eq!((alice.user_id.as_str(), alice.user_name.as_str()), ("7", "alice"));
    assert_eq!(alice.project, Some(("p1".to_owned(), "demo".to_owned())));
    assert_eq!(alice.roles, ["member", "reader"]);
    assert!((990..=1000).contains(&alice.expires_in.as_secs()), "{alice:?}");
    assert_eq!(keystone.validate("nobodys".to_owned(), false).await, Ok(None));
    assert!(keystone.validate("olds".to_owned(), true).await.unwrap().unwrap().expires_in.is_zero());
    let asked = fake.asked.lock().unwrap().clone();
    let lines: Vec<&str> = asked.iter().map(|asked| asked.line.as_str()).collect();
    let look = "GET /identity/v3/auth/tokens?nocatalog";
    let expired = format!("{look}&allow_expired=1");
    assert_eq!(lines, ["POST /identity/v3/auth/tokens?nocatalog", look, look, &expired]);
    let subjects: Vec<Option<&str>> = asked.iter().map(|asked| asked.subject.as_deref()).collect();
    assert_eq!(subjects, [None, Some("alices"), Some("nobodys"), Some("olds")]);
    assert!(asked[1..].iter().all(|asked| asked.own.as_deref() == Some("own-token")));
    let login: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    let user = &login["auth"]["identity"]["password"]["user"];
    assert_eq!(*user, json!({"name": "stele", "domain": {"name": "Users"}, "password": "pass-word"}));
    assert_eq!(login["auth"]["scope"]["project"], json!({"name": "service", "domain": {"name": "Default"}}));
}

#[tokio::test]
async fn an_own_token_that_is_taken_no_more_is_renewed_once() {
    let refused = || (401, "", String::new());
    let fake = fake(vec![
        (201, "first", token("stele", 3600)),
        refused(),
        (201, "second", token("stele", 3600)),
        (200, "", token("alice", 60)),
        refused(),
        (201, "third", token("stele", 3600)),
        refused(),
    ]);
    let keystone = keystone(&fake, "/v3");
    assert!(keystone.validate("t".to_owned(), false).await.unwrap().is_some());
    let down = keystone.validate("t".to_owned(), false).await.unwrap_err();
    assert!(down.0.contains("may not look at tokens"), "{down}");
    let own: Vec<Option<String>> = fake.asked.lock().unwrap().iter().map(|asked| asked.own.clone()).collect();
    let expected = [None, Some("first"), None, Some("second"), Some("second"), None, Some("third")];
    assert_eq!(own, expected.map(|token| token.map(str::to_owned)));
}

#[tokio::test]
async fn what_cannot_be_known_is_not_taken_for_an_invalid_token() {
    let cases: Vec<(Vec<Scripted>, &str)> = vec![
        (vec![], "does not answer"),
        (vec![(401, "", String::new())], "does not let user"),
        (vec![(500, "", String::new())], "answers 500 to a login"),
        (vec![(201, "", token("stele", 3600))], "answers 201 to a login"),
        (vec![(201, "own", "{}".to_owned())], "not understood"),
        (vec![(201, "own", token("stele", 3600)), (503, "", String::new())], "answers 503"),
        (vec![(201, "own", token("stele", 3600)), (200, "", "<html>".to_owned())], "not understood"),
        (vec![(201, "own", token("stele", 3600)), (302, "", String::new())], "answers 302"),
    ];
    for (answers, expected) in cases {
        let fake = fake(answers.clone());
        let down = keystone(&fake, "").validate("t".to_owned(), false).await.unwrap_err();
        assert!(down.0.contains(expected) && !down.0.contains("pass-word"), "{down}");
    }
}

#[tokio::test]
async fn after_a_failed_login_the_next_one_waits() {
    let fake = fake(vec![(401, "", String::new()), (201, "own", token("stele", 3600))]);
    let keystone = keystone(&fake, "");
    for _ in 0..3 {
        assert!(keystone.validate("t".to_owned(), false).await.is_err());
    }
    assert_eq!(fake.asked.lock().unwrap().len(), 1);
}

#[test]
fn what_it_is_made_of_shows_no_password_and_wrong_addresses_are_refused() {
    let fake = fake(vec![]);
    let shown = format!("{:?}", keystone(&fake, ""));
    assert!(shown.contains("stele") && !shown.contains("pass-word"), "{shown}");
    let mut login = keystone(&fake, "").service.login.clone();
    login.url = "keystone:5000".to_owned();
    assert!(Keystone::new(login.clone(), None).is_err());
    login.url = "https://keystone:5000".to_owned();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, "nothing").unwrap();
    assert!(Keystone::new(login.clone(), Some(&file)).unwrap_err().contains("no certificate"));
    assert!(Keystone::new(login, None).is_ok());
}
