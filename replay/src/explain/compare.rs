//! What was recorded beside what comes out again.

use serde::Serialize;
use serde_json::Value;
use stele_core::event::Event;

/// How many differences are told of one commit.
const DIFFERING_MAX: usize = 100;

/// The events that say where something goes, or that it does not: what is compared.
const COMPARED: &[&str] = &["request_refused", "placement_decided", "task_pending"];

/// One value that is not the same on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Differing {
    /// Where, such as `placement_decided.decision.candidates[n1@lvm#vg].checks[capacity].observed`.
    pub what: String,
    /// What is in the log; null when nothing is.
    pub recorded: Value,
    /// What comes out now; null when nothing does.
    pub recomputed: Value,
}

/// Everything that differs between the placements, tasks and refusals of two commits.
pub(super) fn differing(recorded: &[Event], recomputed: &[Event]) -> Vec<Differing> {
    let mut found = Vec::new();
    for name in COMPARED {
        let (recorded, recomputed) = (named(recorded, name), named(recomputed, name));
        let many = recorded.len().max(recomputed.len());
        for index in 0..many {
            let path = if many > 1 { format!("{name}[{index}]") } else { (*name).to_owned() };
            let side = |events: &[Value]| events.get(index).cloned().unwrap_or_default();
            compare(&path, &side(&recorded), &side(&recomputed), &mut found);
        }
    }
    found.truncate(DIFFERING_MAX);
    found
}

/// What the events of one name say.
fn named(events: &[Event], name: &str) -> Vec<Value> {
    let of_name = events.iter().filter(|event| event.name() == name);
    // An event is one object with its name as the only key; events are always JSON.
    let said = |event| serde_json::to_value(event).ok()?.get_mut(name).map(Value::take);
    of_name.filter_map(said).collect()
}

fn compare(path: &str, recorded: &Value, recomputed: &Value, found: &mut Vec<Differing>) {
    if recorded == recomputed {
        return;
    }
    match (recorded, recomputed) {
        (Value::Object(a), Value::Object(b)) => {
            let more = b.keys().filter(|key| !a.contains_key(*key));
            for key in a.keys().chain(more) {
                let side = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare(&format!("{path}.{key}"), &side(a), &side(b), found);
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            let (a, b) = (labelled(a), labelled(b));
            let more = b.iter().filter(|(label, _)| !a.iter().any(|(known, _)| known == label));
            for (label, _) in a.iter().chain(more) {
                compare(&format!("{path}[{label}]"), side(&a, label), side(&b, label), found);
            }
            let order = |side: &[(String, &Value)]| side.iter().map(|(label, _)| label.clone()).collect::<Vec<_>>();
            // The same elements in another order.
            let mut sorted = [order(&a), order(&b)];
            sorted.iter_mut().for_each(|side| side.sort_unstable());
            if sorted[0] == sorted[1] && order(&a) != order(&b) {
                let what = format!("{path} in order");
                found.push(Differing { what, recorded: order(&a).into(), recomputed: order(&b).into() });
            }
        }
        _ => {
            found.push(Differing { what: path.to_owned(), recorded: recorded.clone(), recomputed: recomputed.clone() })
        }
    }
}

fn side<'a>(labelled: &[(String, &'a Value)], label: &str) -> &'a Value {
    labelled.iter().find(|(known, _)| known == label).map_or(&Value::Null, |(_, value)| value)
}

/// The elements by what they are called, else by their number.
fn labelled(array: &[Value]) -> Vec<(String, &Value)> {
    let name =
        |value: &Value| ["pool", "filter", "weigher"].iter().find_map(|key| Some(value.get(key)?.as_str()?.to_owned()));
    let mut labelled: Vec<(String, &Value)> = Vec::new();
    for (index, value) in array.iter().enumerate() {
        let label = name(value).filter(|label| !labelled.iter().any(|(known, _)| known == label));
        labelled.push((label.unwrap_or_else(|| index.to_string()), value));
    }
    labelled
}
