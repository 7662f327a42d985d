//! What operators change of the cell, in words: limits, types, QoS specs, log levels; messages to users; drifts.

use stele_core::event::Event;
use stele_core::id::TypeId;
use stele_core::state::{QuotaResource, State};

use super::words::{Words, amounts, limit_words, resource_name};

/// The words for such an event; `None` for any other.
pub(super) fn words(state: &State, event: &Event) -> Option<Words> {
    limits(state, event).or_else(|| types(state, event)).or_else(|| others(event)).map(Words::control)
}

fn limits(state: &State, event: &Event) -> Option<String> {
    let all = |limits: &std::collections::BTreeMap<QuotaResource, i64>| {
        let limit = |(resource, limit): (&QuotaResource, &i64)| {
            format!("{} {}", resource_name(state, *resource), limit_words(*limit))
        };
        limits.iter().map(limit).collect::<Vec<_>>().join(", ")
    };
    Some(match event {
        Event::QuotaSet { project, limits } => format!("limits of project {project}: {}", all(limits)),
        Event::QuotaCleared { project } => format!("project {project} has the default limits again"),
        Event::QuotaClassSet { class, limits } => format!("limits of quota class {class}: {}", all(limits)),
        Event::QuotaUsed { project, deltas } => {
            let (given, taken): (Vec<_>, Vec<_>) = deltas.iter().cloned().partition(|delta| delta.delta < 0);
            let parts = [("now in use", amounts(state, &taken)), ("no longer in use", amounts(state, &given))];
            let parts = parts.iter().filter(|(_, amounts)| !amounts.is_empty());
            let parts: Vec<String> = parts.map(|(what, amounts)| format!("{what}: {amounts}")).collect();
            format!("project {project}, {}", parts.join("; "))
        }
        _ => return None,
    })
}

fn types(state: &State, event: &Event) -> Option<String> {
    let type_name =
        |id: &TypeId| state.types.get(id).map_or_else(|| id.to_string(), |found| format!("{:?}", found.name));
    Some(match event {
        Event::TypeUpdated { volume_type } => format!("volume type {:?} is changed", volume_type.name),
        Event::TypeDeleted { volume_type } => format!("volume type {volume_type} is removed"),
        Event::TypeQosSet { volume_type, qos: Some(qos) } => {
            format!("volume type {} has QoS specs {qos}", type_name(volume_type))
        }
        Event::TypeQosSet { volume_type, qos: None } => {
            format!("volume type {} has no QoS specs", type_name(volume_type))
        }
        Event::DefaultTypeSet { project, volume_type: Some(id) } => {
            format!("project {project} has the default volume type {}", type_name(id))
        }
        Event::DefaultTypeSet { project, volume_type: None } => {
            format!("project {project} has the cell's default volume type")
        }
        Event::QosCreated { qos } => format!("QoS specs {:?} exist: {}", qos.name, qos.id),
        Event::QosUpdated { qos } => format!("QoS specs {:?} are changed", qos.name),
        Event::QosDeleted { qos } => format!("QoS specs {qos} are removed"),
        Event::GroupTypeCreated { group_type } => format!("group type {:?} exists: {}", group_type.name, group_type.id),
        Event::GroupTypeUpdated { group_type } => format!("group type {:?} is changed", group_type.name),
        Event::GroupTypeDeleted { group_type } => format!("group type {group_type} is removed"),
        _ => return None,
    })
}

fn others(event: &Event) -> Option<String> {
    Some(match event {
        Event::MessageCreated { message } => {
            format!("the users of project {} are told: {} ({})", message.project, message.text, message.event_id)
        }
        Event::MessageDeleted { message } => format!("message {message} is deleted"),
        Event::DriftFound { drift } => {
            format!("{} on {} is {}: {}", drift.what, drift.pool, drift.kind.name().replace('_', " "), drift.reason)
        }
        Event::DriftGone { pool, what } => format!("{what} on {pool} is as it should be"),
        Event::DriftRepairing { pool, what, .. } => format!("{what} on {pool} is being repaired"),
        Event::InventoryAsked { backend } => format!("backend {backend} is asked what lies on its storage"),
        Event::InventoryTaken { pool, as_of, foreign } => {
            let others = foreign.as_ref().map_or_else(String::new, |foreign| {
                format!("; {} logical volumes of others lie there", foreign.items.len() as u64 + foreign.left_out)
            });
            format!("pool {pool} was looked at, as of position {as_of}{others}")
        }
        Event::LogLevelSet { target, level } => {
            let program = if target.binary.is_empty() { "every program" } else { &target.binary };
            let host = if target.host.is_empty() { String::new() } else { format!(" on {}", target.host) };
            let prefix = if target.prefix.is_empty() { String::new() } else { format!(" in {}", target.prefix) };
            format!("{program}{host}{prefix} logs {level:?} and above")
        }
        _ => return None,
    })
}
