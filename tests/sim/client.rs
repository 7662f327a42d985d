//! Those who ask: projects with volumes, and an operator. They repeat until they are answered, and remember the answer.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::command::{Incoming, Source};
use stele_core::id::{CommandId, ProjectId};
use stele_core::record::{Outcome, OutcomeResult};
use uuid::Uuid;

use crate::fault::Chance;
use crate::oracle::{Oracle, head, is_reuse};
use crate::wires::Wires;

/// How long a client waits before it asks again, in microseconds.
const PATIENCE_US: i64 = 1_500_000;

/// Somebody who asks.
pub(crate) struct Client {
    name: String,
    project: ProjectId,
    open: Vec<Asked>,
    /// What it has asked and been told, to ask again.
    told: Vec<Asked>,
    /// Inbox messages that carried an id.
    published: Vec<CommandId>,
    volumes: Vec<Uuid>,
    /// How many more commands it has in mind.
    pub(crate) budget: usize,
}

#[derive(Debug, Clone)]
struct Asked {
    number: u64,
    id: Option<Uuid>,
    subject: String,
    payload: Bytes,
    /// What it was told before, which it has to be told again.
    before: Option<Outcome>,
    again_at: i64,
}

/// A command before it goes out: resource and verb, and the body under the resource's name.
struct Wish(&'static str, &'static str, Value);

impl Client {
    pub(crate) fn new(project: &str, budget: usize) -> Self {
        let name = format!("of-{project}");
        let project = ProjectId::new(project).expect("a project's name");
        let (open, told, published, volumes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { name, project, open, told, published, volumes, budget }
    }

    pub(crate) fn turn(&mut self, next_number: &mut u64, wires: &Wires) {
        let now = wires.clock.since_start();
        for asked in self.open.iter_mut().filter(|asked| asked.again_at <= now) {
            asked.again_at = now + PATIENCE_US;
            wires.ask(asked.number, &asked.incoming());
        }
        if self.budget == 0 || self.open.len() >= 5 || !wires.chance.percent(30) {
            return;
        }
        self.budget -= 1;
        *next_number += 1;
        if wires.chance.percent(10)
            && let Some(again) = wires.chance.pick(&self.told)
        {
            wires.trace.note(&self.name, format_args!("asks {next_number}: {} once more", again.number));
            self.open.push(Asked { number: *next_number, again_at: now, ..again });
            return;
        }
        let wish = if self.project.is_admin() { operator_wish(&wires.chance) } else { self.wish(&wires.chance) };
        self.send(*next_number, wish, wires);
    }

    /// Asks for something, whatever it has in mind otherwise.
    pub(crate) fn delete_by_force(&mut self, volume: Uuid, next_number: &mut u64, wires: &Wires) {
        *next_number += 1;
        let id = wires.chance.uuid();
        let body = json!({"v": 1, "id": id, "volume": {"id": volume, "force": true}});
        self.ask(*next_number, Some(id), "volume.delete", &body, wires);
    }

    fn send(&mut self, number: u64, Wish(resource, verb, what): Wish, wires: &Wires) {
        let chance = &wires.chance;
        // Now and then an id that was used before.
        let used = self.told.iter().filter_map(|asked| asked.id).collect::<Vec<_>>();
        let id = match chance.below(20) {
            0 => None,
            1 => chance.pick(&used),
            _ => Some(chance.uuid()),
        };
        let mut body = json!({"v": 1, "actor": {"user": self.name}});
        body[resource] = what;
        if let Some(id) = id {
            body["id"] = json!(id);
        }
        let of = format!("{resource}.{verb}");
        if chance.percent(20) {
            self.publish(id, &of, &body, wires);
        } else {
            self.ask(number, id, &of, &body, wires);
        }
    }

    fn publish(&mut self, id: Option<Uuid>, of: &str, body: &Value, wires: &Wires) {
        let subject = format!("stele.cmd.{}.{of}", self.project);
        let payload = Bytes::from(body.to_string());
        for _ in 0..=wires.chance.below(10) / 9 {
            let sequence = wires.inbox.publish(&subject, payload.clone());
            wires.trace.note(&self.name, format_args!("publishes {sequence}: {of} {body}"));
        }
        self.published.extend(id.map(CommandId));
    }

    fn ask(&mut self, number: u64, id: Option<Uuid>, of: &str, body: &Value, wires: &Wires) {
        wires.trace.note(&self.name, format_args!("asks {number}: {of} {body}"));
        let subject = format!("stele.ask.{}.{of}", self.project);
        let payload = Bytes::from(body.to_string());
        let again_at = wires.clock.since_start();
        self.open.push(Asked { number, id, subject, payload, before: None, again_at });
    }

    fn wish(&mut self, chance: &Chance) -> Wish {
        let known = chance.pick(&self.volumes);
        let volume = known.unwrap_or_else(|| chance.uuid());
        match chance.below(20) {
            0..9 => {
                let mut what = json!({"size_gib": chance.between(1, 6), "name": format!("v{}", chance.below(100))});
                match (chance.below(6), known) {
                    // An id of its own, which may be one that exists or existed.
                    (0 | 1, Some(known)) => what["id"] = json!(known),
                    (2..4, _) => {
                        let id = chance.uuid();
                        self.volumes.push(id);
                        what["id"] = json!(id);
                    }
                    _ => {}
                }
                if chance.percent(15) {
                    what["type"] = json!("gold");
                }
                Wish("volume", "create", what)
            }
            9..14 => Wish("volume", "delete", json!({"id": volume, "force": chance.percent(30)})),
            14..18 => Wish("volume", "extend", json!({"id": volume, "size_gib": chance.between(2, 14)})),
            18 => Wish("volume", "update", json!({"id": volume, "metadata": {"n": chance.below(9).to_string()}})),
            _ => Wish("volume", "create", json!({"size_gib": 0, "colour": "red"})),
        }
    }

    /// An answer came. False when it is not for this one.
    pub(crate) fn answered(&mut self, number: u64, outcome: &Outcome) -> bool {
        let Some(at) = self.open.iter().position(|asked| asked.number == number) else { return false };
        let mut asked = self.open.remove(at);
        if let Some(before) = &asked.before {
            assert_eq!(before, outcome, "{} was told something else than before", self.name);
        }
        if let OutcomeResult::Accepted(subjects) = &outcome.result
            && let Some(volume) = subjects.volume
            && !self.volumes.contains(&volume.0)
        {
            self.volumes.push(volume.0);
        }
        if let Some(id) = asked.id {
            assert_eq!(outcome.id.0, id, "{} got another command's outcome", self.name);
            // Another command under a used id is refused anew each time.
            if !is_reuse(outcome) {
                asked.before = Some(outcome.clone());
                self.told.push(asked);
            }
        }
        true
    }

    pub(crate) fn waits(&self) -> bool {
        !self.open.is_empty() || self.budget > 0
    }

    /// For a message of why the end was not reached.
    pub(crate) fn open_numbers(&self) -> Vec<u64> {
        self.open.iter().map(|asked| asked.number).collect()
    }

    /// Everything that it was told or published stands in the log.
    pub(crate) fn check(&self, oracle: &mut Oracle) {
        for asked in &self.told {
            if let Some(outcome) = &asked.before {
                oracle.told(outcome);
                let decided = oracle.decided(&self.project, outcome.id);
                assert!(decided.is_some(), "{}: command {} is gone", self.name, head(outcome.id.0));
            }
        }
        let gone: BTreeSet<_> =
            self.published.iter().filter(|id| oracle.decided(&self.project, **id).is_none()).collect();
        assert!(gone.is_empty(), "{}: published and never decided: {gone:?}", self.name);
    }
}

impl Asked {
    fn incoming(&self) -> Incoming {
        Incoming {
            subject: self.subject.clone(),
            payload: self.payload.clone(),
            source: Source::Ask,
            fallback_id: CommandId(Uuid::nil()),
        }
    }
}

fn operator_wish(chance: &Chance) -> Wish {
    let backend = ["n1@mem", "n2@mem", "n3@mem"][chance.below(3)];
    let verb = ["enable", "enable", "disable", "freeze", "thaw", "thaw"][chance.below(6)];
    match chance.below(10) {
        0..4 => Wish("service", verb, json!({"backend": backend, "reason": "work on it"})),
        4..7 => {
            let project = ["red", "green"][chance.below(2)];
            let (volumes, gigabytes) = (chance.between(2, 14), chance.between(10, 80));
            Wish("quota", "set", json!({"project": project, "volumes": volumes, "gigabytes": gigabytes}))
        }
        7 => Wish("type", "create", json!({"name": "gold", "extra_specs": {"storage_protocol": "memory"}})),
        8 => Wish("type", "update", json!({"type": "gold", "description": format!("no. {}", chance.below(9))})),
        _ => Wish("type", "delete", json!({"type": "gold"})),
    }
}
