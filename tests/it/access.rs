//! Whom a cell answers: a whole cell that knows its callers by a file of tokens.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::harness::dev::Dev;

const OPERATOR: &str = "operator-operator-operator";
const MEMBER: &str = "member-member-member-member";

#[tokio::test(flavor = "multi_thread")]
async fn a_cell_with_a_token_file_answers_who_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let tokens = tokens(folder.path(), 0o600);
    let options = ["--driver", "null", "--auth", "static", "--auth-tokens", &tokens];
    let dev = Dev::start(&folder.path().join("data"), &options).await;
    for (token, expected) in [
        (None, Err("Unauthenticated")),
        (Some("operator-operator-operatoR"), Err("Unauthenticated")),
        (Some(MEMBER), Err("Forbidden")),
        (Some(OPERATOR), Ok(())),
    ] {
        let args = token.map_or_else(Vec::new, |token| vec!["--token", token]);
        let output = dev.stele(&[args.as_slice(), &["--json", "service", "list"]].concat()).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        match expected {
            Ok(()) => assert!(output.status.success() && text.contains("@null"), "{token:?}: {text}"),
            Err(code) => assert!(!output.status.success() && text.contains(code), "{token:?}: {text}"),
        }
    }
}

#[tokio::test]
async fn an_api_that_would_let_everybody_in_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let exposed = tokens(folder.path(), 0o644);
    let data = folder.path().join("data").display().to_string();
    for (options, code) in [
        (vec!["dev", "--http", "0.0.0.0:0", "--nats-port", "0"], "NotLoopback"),
        (vec!["dev", "--nats-port", "0", "--auth", "static", "--auth-tokens", &exposed], "SecretExposed"),
        (vec!["dev", "--nats-port", "0", "--auth", "keystone"], "AuthIncomplete"),
    ] {
        let output = stele(&[options.as_slice(), &["--data", &data, "--json"]].concat()).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success() && text.contains(code), "{options:?}: {text}");
        assert!(!text.contains(OPERATOR), "{text}");
    }
}

fn tokens(folder: &Path, mode: u32) -> String {
    let entry = |token: &str, project: &str, role: &str| {
        format!("[[token]]\ntoken = \"{token}\"\nuser = \"somebody\"\nproject = \"{project}\"\nroles = [\"{role}\"]\n")
    };
    let path = folder.join("tokens.toml");
    std::fs::write(&path, entry(OPERATOR, "admin", "admin") + &entry(MEMBER, "demo", "member")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    path.display().to_string()
}

async fn stele(args: &[&str]) -> Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_stele"));
    command.args(args).env("RUST_LOG", "warn").stdin(Stdio::null()).output().await.unwrap()
}
