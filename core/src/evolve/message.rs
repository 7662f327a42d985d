//! Messages and log levels.

use std::sync::Arc;

use super::{Applied, Meta};
use crate::event::Event;
use crate::id::MessageId;
use crate::state::{Entity, LogLevel, LogTarget, MESSAGE_TTL_MS, MESSAGES_MAX, Message, State};
use crate::unit::Timestamp;

/// `None` when the event is of another kind.
pub(super) fn apply(state: &mut State, meta: Meta, event: &Event, touch: &mut dyn FnMut(Entity)) -> Option<Applied> {
    Some(match event {
        Event::MessageCreated { message } => created(state, meta, message, touch),
        Event::MessageDeleted { message } => deleted(state, *message, touch),
        Event::LogLevelSet { target, level } => {
            level_set(state, target, *level, touch);
            Ok(())
        }
        _ => return None,
    })
}

/// The messages that are too old or too many go with it.
fn created(state: &mut State, meta: Meta, message: &Message, touch: &mut dyn FnMut(Entity)) -> Applied {
    if state.messages.insert(message.id, Arc::new(message.clone())).is_some() {
        return Err(format!("message {} came into being twice", message.id));
    }
    state.message_ages.insert((message.created_at, message.id));
    touch(Entity::Message(message.id));
    while let Some((at, oldest)) = oldest(state) {
        let is_outdated = meta.at.ms_since(at) > MESSAGE_TTL_MS || state.messages.len() > MESSAGES_MAX;
        if !is_outdated || oldest == message.id {
            break;
        }
        deleted(state, oldest, touch)?;
    }
    Ok(())
}

fn oldest(state: &State) -> Option<(Timestamp, MessageId)> {
    state.message_ages.get_min().copied()
}

fn deleted(state: &mut State, id: MessageId, touch: &mut dyn FnMut(Entity)) -> Applied {
    let message = state.messages.remove(&id).ok_or_else(|| format!("there is no message {id}"))?;
    state.message_ages.remove(&(message.created_at, id));
    touch(Entity::Message(id));
    Ok(())
}

/// The last word counts: what was said before for a part of the target goes.
fn level_set(state: &mut State, target: &LogTarget, level: LogLevel, touch: &mut dyn FnMut(Entity)) {
    let covered: Vec<LogTarget> = state.log_levels.keys().filter(|known| target.covers(known)).cloned().collect();
    for known in covered {
        state.log_levels.remove(&known);
        touch(Entity::LogLevel(known));
    }
    state.log_levels.insert(target.clone(), level);
    touch(Entity::LogLevel(target.clone()));
}
