//! Has the pool what the type's extra specs ask for? (`cinder/scheduler/filters/capabilities_filter.py`)

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::schedule::capability::Capability;
use crate::schedule::decision::{Check, CheckName};
use crate::schedule::extra_spec::{Match, matches};
use crate::schedule::place::{PlacementRequest, PoolView, Purpose};
use crate::schedule::stats::{CapabilitiesView, PoolStats};

/// Checks every extra spec that has no scope or the scope `capabilities:`; the first one that is not met rejects.
///
/// Other scopes (`provisioning:type`, a vendor's own) speak to somebody else. An attached volume grows only where the
/// backend has not said `online_extend_support: false`.
#[must_use]
pub fn check(request: &PlacementRequest<'_>, pool: &PoolView<'_>, stats: &PoolStats) -> Check {
    let view = stats.capabilities_view().or_allocated_gib(pool.allocated_gib);
    let (mut observed, mut required) = (String::new(), String::new());
    if request.purpose == Purpose::Snapshot {
        // The specs may have changed since the volume was placed; its snapshots still lie beside it.
        return Check::passed(CheckName::Capabilities, "the volume is there already".into(), "nothing".into());
    }
    if matches!(request.purpose, Purpose::Extend { attached: true }) {
        match view.get("online_extend_support").as_deref() {
            Some(Capability::Bool(false)) => {
                return Check::rejected(
                    CheckName::Capabilities,
                    "online_extend_support is false and the volume is attached".into(),
                    "a detached volume or online_extend_support".into(),
                );
            }
            _ => observed.push_str("online extend supported"),
        }
        required.push_str("online extend");
    }
    for (key, requirement) in request.extra_specs {
        let Some(path) = unscoped(key) else { continue };
        let requirement = requirement.as_deref();
        let shown = || requirement.map_or_else(|| "no value".to_owned(), |text| format!("{text:?}"));
        match answer(&view, path, requirement) {
            Ok(value) => {
                separate(&mut observed);
                separate(&mut required);
                let _ = write!(observed, "{path} is {value}");
                let _ = write!(required, "{path} {}", shown());
            }
            Err(reason) => {
                return Check::rejected(
                    CheckName::Capabilities,
                    format!("{path} {reason}"),
                    format!("{path} {}", shown()),
                );
            }
        }
    }
    if required.is_empty() {
        (observed, required) = ("no extra spec to check".into(), "nothing".into());
    }
    Check::passed(CheckName::Capabilities, observed, required)
}

/// The path to the capability that an extra spec speaks of; `None` when it speaks of none.
fn unscoped(key: &str) -> Option<&str> {
    match key.split_once(':') {
        None => Some(key),
        Some(("capabilities", path)) => Some(path),
        Some(_) => None,
    }
}

/// The capability when it meets the requirement, else what is wrong with it, to follow the path.
fn answer<'a>(
    view: &CapabilitiesView<'a>,
    path: &str,
    requirement: Option<&str>,
) -> Result<Cow<'a, Capability>, String> {
    let Some(value) = find(view, path) else {
        return Err("is not reported".into());
    };
    let mut reason = None;
    let mut meets = |one: &Capability| match matches(one, requirement) {
        Match::Yes => true,
        Match::No => false,
        Match::NoBecause(why) => {
            reason = Some(why);
            false
        }
    };
    let met = match value.as_ref() {
        Capability::List(values) => values.iter().any(&mut meets),
        one => meets(one),
    };
    match (met, reason) {
        (true, _) => Ok(value),
        (false, None) => Err(format!("is {value}")),
        (false, Some(why)) => Err(format!("is {value} ({why})")),
    }
}

/// Descends maps along `outer:inner`. What is not there, or lies behind something that is no map, is not reported.
fn find<'a>(view: &CapabilitiesView<'a>, path: &str) -> Option<Cow<'a, Capability>> {
    let mut names = path.split(':');
    let mut value = view.get(names.next()?)?;
    for name in names {
        value = match value {
            Cow::Borrowed(Capability::Map(map)) => Cow::Borrowed(map.get(name)?),
            _ => return None,
        };
    }
    Some(value)
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push_str("; ");
    }
}
