//! `qos.*`: QoS specs, and which volume types use them. A type uses one set at most.

use std::sync::Arc;

use super::super::type_update::find as find_type;
use super::super::{Context, Decided, Decision};
use super::pairs;
use crate::command::{QosAssociation, QosCreate, QosDelete, QosUpdate};
use crate::event::Event;
use crate::id::{QosId, TypeId};
use crate::record::Subjects;
use crate::refusal::{Refusal, RefusalCode};
use crate::state::Qos;

pub(in crate::decide) fn create(cx: &Context<'_>, command: &QosCreate) -> Decision {
    let id = command.id.unwrap_or_else(|| QosId(cx.id.derive("qos")));
    if cx.state.qos.contains_key(&id) || cx.state.qos.values().any(|qos| qos.name == command.name) {
        return Err(Refusal::new(
            RefusalCode::QosExists,
            format!("QoS Specs {} already exists.", command.name),
            "choose another name, or change the specs that exist",
        ));
    }
    let qos = Qos {
        id,
        name: command.name.clone(),
        consumer: command.consumer,
        specs: command.specs.clone(),
        created_at: cx.now,
        updated_at: None,
    };
    Ok(decided(id, None, vec![Event::QosCreated { qos: Box::new(qos) }]))
}

pub(in crate::decide) fn update(cx: &Context<'_>, command: &QosUpdate) -> Decision {
    let before = find(cx, command.id)?;
    let mut after = Qos::clone(before);
    if let Some(consumer) = command.consumer {
        after.consumer = consumer;
    }
    if let Some(change) = &command.specs_change {
        let missing = |key: &str| format!("QoS spec {} has no spec with key {key}.", before.id);
        after.specs = pairs::changed("the QoS specs", &before.specs, change, missing)?;
    }
    after.updated_at = Some(cx.now);
    Ok(decided(command.id, None, vec![Event::QosUpdated { qos: Box::new(after) }]))
}

/// Types that use the specs use none from then on, if force allows it.
pub(in crate::decide) fn delete(cx: &Context<'_>, command: QosDelete) -> Decision {
    find(cx, command.id)?;
    let users = users(cx, command.id);
    if !users.is_empty() && !command.force {
        return Err(Refusal::new(
            RefusalCode::InvalidQos,
            "Qos specs still in use.",
            format!("{} volume types use them: disassociate those, or delete with force", users.len()),
        ));
    }
    let mut events = released(users);
    events.push(Event::QosDeleted { qos: command.id });
    Ok(decided(command.id, None, events))
}

pub(in crate::decide) fn associate(cx: &Context<'_>, command: &QosAssociation) -> Decision {
    find(cx, command.id)?;
    let Some(name) = &command.volume_type else {
        return Err(Refusal::new(
            RefusalCode::MalformedBody,
            "Volume Type id must not be None.",
            "name the volume type that shall use the specs",
        ));
    };
    let volume_type = find_type(cx, name)?;
    if let Some(other) = volume_type.qos.filter(|other| *other != command.id) {
        return Err(Refusal::new(
            RefusalCode::InvalidQos,
            format!(
                "Invalid volume type: Type {} is already associated with another qos specs: {other}",
                volume_type.id
            ),
            "disassociate the type from the other specs first",
        ));
    }
    let event = Event::TypeQosSet { volume_type: volume_type.id, qos: Some(command.id) };
    Ok(decided(command.id, Some(volume_type.id), vec![event]))
}

/// As in Cinder, a type that does not use the specs is no fault; that it uses none (or still the same others) is said
/// again.
pub(in crate::decide) fn disassociate(cx: &Context<'_>, command: &QosAssociation) -> Decision {
    let qos = find(cx, command.id)?;
    let Some(name) = &command.volume_type else {
        let mut events = released(users(cx, command.id));
        if events.is_empty() {
            events.push(Event::QosUpdated { qos: Box::new(Qos::clone(qos)) });
        }
        return Ok(decided(command.id, None, events));
    };
    let volume_type = find_type(cx, name)?;
    let left = volume_type.qos.filter(|other| *other != command.id);
    let event = Event::TypeQosSet { volume_type: volume_type.id, qos: left };
    Ok(decided(command.id, Some(volume_type.id), vec![event]))
}

fn find<'a>(cx: &Context<'a>, id: QosId) -> Result<&'a Arc<Qos>, Refusal> {
    cx.state
        .qos
        .get(&id)
        .ok_or_else(|| Refusal::new(RefusalCode::QosNotFound, format!("No such QoS spec {id}."), "list the QoS specs"))
}

fn users(cx: &Context<'_>, id: QosId) -> Vec<TypeId> {
    cx.state.types.values().filter(|found| found.qos == Some(id)).map(|found| found.id).collect()
}

fn released(users: Vec<TypeId>) -> Vec<Event> {
    users.into_iter().map(|volume_type| Event::TypeQosSet { volume_type, qos: None }).collect()
}

fn decided(qos: QosId, volume_type: Option<TypeId>, events: Vec<Event>) -> Decided {
    Decided { subjects: Subjects { qos: Some(qos), volume_type, ..Subjects::default() }, events }
}
