//! `stele service`.

use serde_json::json;
use stele_projections::view::{ServiceList, ServiceState, ServiceStatus, ServiceView};

use super::Session;
use super::output::{json, line, or_dash, table};
use crate::args::Service;
use crate::failure::Failure;

pub(super) async fn run(session: &Session, command: &Service) -> Result<(), Failure> {
    match command {
        Service::List { at } => list(&session.as_of(at)).await,
        Service::Set { backend, enable, disable, freeze, thaw, reason } => {
            let verb = match (enable, disable, freeze, thaw) {
                (true, ..) => "enable",
                (_, true, ..) => "disable",
                (_, _, true, _) => "freeze",
                (_, _, _, true) => "thaw",
                _ => {
                    let remedy = "give one of --enable, --disable, --freeze, --thaw";
                    return Err(Failure::new("NothingToDo", "what shall change is not said", remedy));
                }
            };
            let accepted = session.admin("service", verb, json!({"backend": backend, "reason": reason})).await?;
            if session.json {
                return json(&json!({"backend": backend, "change": verb, "position": accepted.position}));
            }
            line(&format!("{backend}: {verb}, recorded at position {}", accepted.position));
            Ok(())
        }
    }
}

async fn list(session: &Session) -> Result<(), Failure> {
    let list: ServiceList = session.api.get("/v1/services", &[], None).await?;
    if session.json {
        return json(&list);
    }
    let row = |s: &ServiceView| {
        let status = match s.status {
            ServiceStatus::Enabled => "enabled",
            ServiceStatus::Disabled => "disabled",
        };
        let state = match s.state {
            ServiceState::Up => "up",
            ServiceState::Down => "down",
        };
        let reason = s.disabled_reason.as_ref().or(s.frozen_reason.as_ref());
        vec![
            s.host.to_string(),
            s.zone.clone(),
            if s.frozen { format!("{status}, frozen") } else { status.to_owned() },
            state.to_owned(),
            s.driver.clone(),
            format!("{:.1} s ago", s.heartbeat_age_ms as f64 / 1000.0),
            or_dash(reason),
        ]
    };
    table(&["backend", "zone", "status", "state", "driver", "heartbeat", "reason"], list.services.iter().map(row));
    Ok(())
}
