//! `service.enable`, `.disable`, `.freeze`, `.thaw`.

use super::{Context, Decided, Decision};
use crate::command::ServiceSet;
use crate::event::Event;
use crate::refusal::{Refusal, RefusalCode};

pub(super) fn decide(cx: &Context<'_>, set: &ServiceSet) -> Decision {
    if !cx.state.backends.contains_key(&set.backend) {
        let known: Vec<&str> = cx.state.backends.keys().take(16).map(|name| name.as_str()).collect();
        return Err(Refusal::new(
            RefusalCode::ServiceNotFound,
            format!("no backend {} has ever reported", set.backend),
            format!(
                "use one of: {}",
                if known.is_empty() { "(none has reported)".to_owned() } else { known.join(", ") }
            ),
        ));
    }
    // Saying again what is so already is an event as well: who said it, and the new reason, are worth keeping.
    Ok(Decided::events(vec![Event::ServiceChanged { backend: set.backend.clone(), change: set.change.clone() }]))
}
