use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::IntoResponse as _;

use super::*;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), HeaderValue::from_str(value).unwrap())).collect()
}

async fn authenticate(authenticator: &Authenticator, pairs: &[(&'static str, &str)]) -> Result<Caller, AuthError> {
    authenticator.authenticate(&headers(pairs), &Uri::from_static("/v3/p/volumes/"), Some("p")).await
}

#[tokio::test]
async fn without_authentication_the_token_is_believed() {
    let ask = async |token: &str| {
        let caller = authenticate(&Authenticator::NoAuth, &[("x-auth-token", token)]).await.ok()?;
        assert!(caller.is_admin);
        Some((caller.user_id, caller.project.to_string()))
    };
    for (token, user, project) in
        [("u:p", "u", "p"), ("u", "u", "u"), ("u:", "u", "u"), (" admin:admin ", "admin", "admin"), (":p", "", "p")]
    {
        assert_eq!(ask(token).await, Some((user.to_owned(), project.to_owned())), "{token:?}");
    }
    for token in ["", ":", "u:p:q", "u:a.b", "u:a b", "u:*"] {
        assert_eq!(ask(token).await, None, "{token:?}");
    }
}

#[tokio::test]
async fn without_authentication_a_program_here_needs_no_token() {
    for host in ["127.0.0.1:8776", "localhost:8776", "localhost", "[::1]:8776", "127.0.0.2"] {
        let caller = authenticate(&Authenticator::NoAuth, &[("host", host)]).await.unwrap();
        assert_eq!((caller.user_id.as_str(), caller.project.as_str(), caller.is_admin), ("admin", "p", true));
    }
    let nowhere = Authenticator::NoAuth.authenticate(&headers(&[("host", "localhost")]), &Uri::default(), None).await;
    assert_eq!(nowhere.unwrap().project.as_str(), "admin");
}

#[tokio::test]
async fn without_authentication_a_page_or_a_client_from_elsewhere_is_told_a_token() {
    let pages: [&[(&'static str, &str)]; 6] = [
        &[("host", "127.0.0.1:8776"), ("origin", "http://page.example")],
        &[("host", "127.0.0.1:8776"), ("sec-fetch-site", "cross-site")],
        &[("host", "127.0.0.1:8776"), ("referer", "http://page.example/")],
        &[("host", "page.example:8776")],
        &[("host", "10.0.0.1:8776")],
        &[],
    ];
    for pairs in pages {
        let told = authenticate(&Authenticator::NoAuth, pairs).await;
        assert!(matches!(told, Err(AuthError::Handshake { .. })), "{pairs:?}");
    }
    let told = authenticate(&Authenticator::NoAuth, &[("x-auth-user", "bob"), ("host", "h:1")]).await.unwrap_err();
    let response = told.into_response();
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
    assert_eq!(response.headers()["x-auth-token"], "bob:admin");
    assert_eq!(response.headers()["x-server-management-url"], "http://h:1/v3/p/volumes");
}

fn entry(token: &str, user: &str, project: &str, roles: &[&str]) -> TokenEntry {
    TokenEntry {
        token: token.to_owned(),
        user: user.to_owned(),
        user_id: None,
        project: project.to_owned(),
        project_id: None,
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
    }
}

const ALICE: &str = "alice-alice-alice";
const NOVA: &str = "nova-nova-nova-nova";

#[tokio::test]
async fn tokens_of_a_file_have_their_callers() {
    let entries = vec![entry(ALICE, "alice", "p", &["Member"]), entry(NOVA, "nova", "services", &["service"])];
    let tokens = Authenticator::Static(Arc::new(StaticTokens::new(entries).unwrap()));
    let caller = authenticate(&tokens, &[("x-auth-token", ALICE)]).await.unwrap();
    assert_eq!((caller.user_id.as_str(), caller.project.as_str(), caller.is_admin), ("alice", "p", false));
    assert!(caller.has_role("reader") && !caller.is_service);
    let caller = authenticate(&tokens, &[("x-auth-token", ALICE), ("x-service-token", NOVA)]).await.unwrap();
    assert!(caller.is_service && caller.user_id == "alice" && !caller.is_admin);
    let denied: [&[(&'static str, &str)]; 5] = [
        &[],
        &[("x-auth-token", "")],
        &[("x-auth-token", "alice-alice-alicf")],
        &[("x-service-token", NOVA)],
        &[("x-auth-token", ALICE), ("x-service-token", ALICE)],
    ];
    for pairs in denied {
        let error = authenticate(&tokens, pairs).await.unwrap_err();
        assert_eq!(error, AuthError::Unauthorized { keystone: None }, "{pairs:?}");
    }
}

#[test]
fn a_token_file_that_would_be_unsafe_is_refused_and_no_error_shows_a_token() {
    let long = "x".repeat(20);
    let cases = [
        (vec![entry("short", "u", "p", &[])], "at least 16"),
        (vec![entry("with blank in its middle", "u", "p", &[])], "printable"),
        (vec![entry(&long, "u", "p", &[]), entry(&long, "v", "p", &[])], "number 2"),
        (vec![entry(&long, "u", "admin", &["member"])], "reserved"),
        (vec![entry(&long, "u", "My Project", &["member"])], "project_id"),
    ];
    for (entries, expected) in cases {
        let shown = format!("{entries:?}");
        let secrets: Vec<String> = entries.iter().map(|entry| entry.token.clone()).collect();
        let error = StaticTokens::new(entries).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(secrets.iter().all(|secret| !error.contains(secret) && !shown.contains(secret)), "{error} {shown}");
    }
}

/// A Keystone that answers from a list, when it is let.
#[derive(Default)]
struct Scripted {
    tokens: Mutex<HashMap<String, Known>>,
    asked: AtomicUsize,
    down: Mutex<Option<String>>,
}

impl Identity for Arc<Scripted> {
    fn validate(&self, token: String, _allow_expired: bool) -> Validating {
        let scripted = Arc::clone(self);
        Box::pin(async move {
            scripted.asked.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            let down = scripted.down.lock().unwrap().clone();
            down.map_or(Ok(()), |why| Err(IdentityDown(why)))?;
            Ok(scripted.tokens.lock().unwrap().get(&token).cloned())
        })
    }
}

impl Scripted {
    fn set(&self, token: &str, roles: &[&str], project: Option<&str>, expires_in: u64) {
        let known = Known {
            user_id: "7".to_owned(),
            user_name: "alice".to_owned(),
            project: project.map(|id| (id.to_owned(), "demo".to_owned())),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            expires_in: Duration::from_secs(expires_in),
        };
        self.tokens.lock().unwrap().insert(token.to_owned(), known);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

fn keystone() -> (Arc<Scripted>, Authenticator) {
    let scripted = Arc::new(Scripted::default());
    let tokens = KeystoneTokens::new(Arc::new(Arc::clone(&scripted)), "http://ks/v3".to_owned());
    (scripted, Authenticator::Keystone(tokens))
}

#[tokio::test(start_paused = true)]
async fn keystone_is_asked_once_for_a_burst_and_again_when_the_time_is_over() {
    let (scripted, tokens) = keystone();
    scripted.set("t", &["member", "reader"], Some("p"), 3600);
    let burst = (0..50).map(|_| authenticate(&tokens, &[("x-auth-token", "t")]));
    let callers = futures_util::future::join_all(burst).await;
    assert!(callers.iter().all(|caller| caller.as_ref().is_ok_and(|caller| caller.project.as_str() == "p")));
    assert_eq!(scripted.asked(), 1);
    tokio::time::advance(Duration::from_secs(299)).await;
    authenticate(&tokens, &[("x-auth-token", "t")]).await.unwrap();
    assert_eq!(scripted.asked(), 1);
    // Revoked there: here it ends with the time that answers hold.
    scripted.tokens.lock().unwrap().clear();
    tokio::time::advance(Duration::from_secs(2)).await;
    let denied = AuthError::Unauthorized { keystone: Some("http://ks/v3".to_owned()) };
    assert_eq!(authenticate(&tokens, &[("x-auth-token", "t")]).await, Err(denied));
    assert_eq!(scripted.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_not_believed_beyond_its_end_and_an_unknown_one_not_asked_for_each_time() {
    let (scripted, tokens) = keystone();
    scripted.set("t", &["member"], Some("p"), 5);
    assert!(authenticate(&tokens, &[("x-auth-token", "t")]).await.is_ok());
    scripted.set("t", &["member"], Some("p"), 0);
    tokio::time::advance(Duration::from_secs(6)).await;
    for _ in 0..3 {
        assert!(authenticate(&tokens, &[("x-auth-token", "t")]).await.is_err());
    }
    assert_eq!(scripted.asked(), 2);
    tokio::time::advance(Duration::from_secs(11)).await;
    scripted.set("t", &["member"], Some("p"), 60);
    assert!(authenticate(&tokens, &[("x-auth-token", "t")]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_service_lends_an_expired_token_its_life_and_nobody_else_does() {
    let (scripted, tokens) = keystone();
    scripted.set("old", &["member"], Some("p"), 0);
    scripted.set("nova", &["service"], Some("s"), 3600);
    scripted.set("eve", &["member"], Some("q"), 3600);
    let caller = authenticate(&tokens, &[("x-auth-token", "old"), ("x-service-token", "nova")]).await.unwrap();
    assert!(caller.is_service && caller.project.as_str() == "p" && caller.user_name == "alice");
    for service in [None, Some("eve"), Some("unknown"), Some("")] {
        let mut pairs = vec![("x-auth-token", "old")];
        pairs.extend(service.map(|service| ("x-service-token", service)));
        assert!(authenticate(&tokens, &pairs).await.is_err(), "{service:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn tokens_without_a_project_or_for_the_reserved_one_are_refused() {
    let (scripted, tokens) = keystone();
    scripted.set("unscoped", &["admin"], None, 3600);
    scripted.set("reserved", &["member"], Some("admin"), 3600);
    for token in ["unscoped", "reserved"] {
        assert!(authenticate(&tokens, &[("x-auth-token", token)]).await.is_err(), "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn when_keystone_is_down_nobody_is_denied_and_nothing_is_remembered() {
    let (scripted, tokens) = keystone();
    scripted.set("t", &["member"], Some("p"), 3600);
    *scripted.down.lock().unwrap() = Some("refused".to_owned());
    let error = authenticate(&tokens, &[("x-auth-token", "t")]).await.unwrap_err();
    assert_eq!(error, AuthError::Unavailable);
    assert_eq!(error.into_response().status(), StatusCode::SERVICE_UNAVAILABLE);
    *scripted.down.lock().unwrap() = None;
    assert!(authenticate(&tokens, &[("x-auth-token", "t")]).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn whoever_asked_first_may_leave() {
    let (scripted, tokens) = keystone();
    scripted.set("t", &["member"], Some("p"), 3600);
    let first = tokio::time::timeout(Duration::from_millis(1), authenticate(&tokens, &[("x-auth-token", "t")])).await;
    assert!(first.is_err());
    assert!(authenticate(&tokens, &[("x-auth-token", "t")]).await.is_ok());
    assert_eq!(scripted.asked(), 1);
}

#[tokio::test]
async fn who_is_not_admitted_learns_where_tokens_come_from() {
    let response = AuthError::Unauthorized { keystone: Some("http://ks/v3".to_owned()) }.into_response();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.headers()["www-authenticate"], "Keystone uri=\"http://ks/v3\"");
    let body: serde_json::Value = serde_json::from_slice(&to_bytes(response.into_body(), 4096).await.unwrap()).unwrap();
    let message = "The request you have made requires authentication.";
    assert_eq!(body, serde_json::json!({"error": {"code": 401, "title": "Unauthorized", "message": message}}));
}
