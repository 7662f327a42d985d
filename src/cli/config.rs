//! `stele config check`: what is set, from where, and what is unsafe.

use serde_json::json;

use super::Session;
use super::output::{json, line, table};
use crate::failure::Failure;
use crate::nats::{ServerFacts, Severity, check_server, without_password};

pub(super) async fn check(session: &Session) -> Result<(), Failure> {
    let settings = &session.settings;
    let file = settings.file.as_ref().map_or_else(|| "none".to_owned(), |path| path.display().to_string());
    let rows = [
        (
            "nats",
            settings.nats.value.iter().map(|url| without_password(url)).collect::<Vec<_>>().join(", "),
            settings.nats.source.clone(),
        ),
        ("url", settings.url.value.clone(), settings.url.source.clone()),
        ("project", settings.project.value.to_string(), settings.project.source.clone()),
        (
            "archive",
            settings.archive.as_ref().map_or_else(|| "none".to_owned(), |from| from.value.display().to_string()),
            settings.archive.as_ref().map_or_else(|| "default".to_owned(), |from| from.source.clone()),
        ),
        ("backends", settings.from_file.backends.len().to_string(), file.clone()),
        ("api.history", settings.from_file.api.history(None).to_string(), file.clone()),
        ("task_deadline_ms", settings.from_file.control.task_deadline_ms.to_string(), file.clone()),
        ("idempotency_ms", settings.from_file.control.idempotency_ms.to_string(), file),
    ];
    let connection = session.connection().await?;
    let facts = ServerFacts { version: connection.server_version(), replicas: 1, sync_always: None };
    let findings = check_server(facts, false);
    if session.json {
        let set: Vec<_> =
            rows.iter().map(|(name, value, from)| json!({"name": name, "value": value, "source": from})).collect();
        let unsafe_settings: Vec<String> = findings.iter().map(ToString::to_string).collect();
        json(&json!({"settings": set, "server": connection.server_version_text(), "findings": unsafe_settings}))?;
    } else {
        table(&["setting", "value", "from"], rows.map(|(name, value, from)| vec![name.to_owned(), value, from]));
        line(&format!("nats-server {} answers", connection.server_version_text()));
        line(
            "whether it writes each record to disk cannot be seen from here: look for `sync_interval: always` in its settings",
        );
        for finding in &findings {
            line(&format!("{:?}: {finding}", finding.severity));
        }
    }
    match findings.iter().find(|finding| finding.severity == Severity::Refused) {
        Some(finding) => Err(Failure::new("UnsafeServer", finding.what.clone(), finding.remedy.clone())),
        None => Ok(()),
    }
}
