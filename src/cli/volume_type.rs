//! `stele type`.

use std::collections::BTreeMap;

use serde_json::json;
use stele_core::unit::Position;
use stele_projections::view::{TypeList, TypeView};

use super::Session;
use super::output::{json, line, table};
use crate::args::Type;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: &Type) -> Result<(), Failure> {
    match command {
        Type::List { at } => list(&session.as_of(at), None).await,
        Type::Create { name, description, extra_specs, private } => {
            let specs: BTreeMap<&str, &str> = extra_specs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
            let content =
                json!({"name": name, "description": description, "extra_specs": specs, "is_public": !private});
            let accepted = session.admin("type", "create", content).await?;
            list(session, Some(accepted.position)).await
        }
        Type::Delete { volume_type } => {
            let accepted = session.admin("type", "delete", json!({"type": volume_type})).await?;
            if session.json {
                return json(&json!({"type": volume_type, "position": accepted.position}));
            }
            line(&format!("type {volume_type} is deleted, recorded at position {}", accepted.position));
            Ok(())
        }
    }
}

async fn list(session: &Session, since: Option<Position>) -> Result<(), Failure> {
    let list: TypeList = session.api.get("/v1/types", &[], since).await?;
    if session.json {
        return json(&list);
    }
    let row = |t: &TypeView| {
        let spec = |(key, value): (&String, &Option<String>)| format!("{key}={}", value.as_deref().unwrap_or("<none>"));
        let specs: Vec<String> = t.extra_specs.iter().map(spec).collect();
        vec![
            t.id.to_string(),
            t.name.clone(),
            if t.is_public { "public" } else { "private" }.to_owned(),
            specs.join("\n"),
        ]
    };
    table(&["id", "name", "access", "extra specs"], list.types.iter().map(row));
    Ok(())
}
