//! Those who ask: two projects, and an operator. They repeat until they are answered, and remember the answer.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::{Value, json};
use stele_core::command::{Incoming, Source};
use stele_core::id::{CommandId, ProjectId};
use stele_core::record::{Outcome, OutcomeResult};
use uuid::Uuid;

use crate::oracle::{Oracle, head, is_reuse};
use crate::wires::Wires;
use crate::wish::{Known, Wish, of_operator, of_project};

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
    /// What it made, or asked for under an id of its own.
    known: Known,
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

impl Client {
    pub(crate) fn new(project: &str, budget: usize) -> Self {
        let name = format!("of-{project}");
        let project = ProjectId::new(project).expect("a project's name");
        let (open, told, published, known) = (Vec::new(), Vec::new(), Vec::new(), Known::default());
        Self { name, project, open, told, published, known, budget }
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
        let all = wires.known.borrow();
        let wish = match self.project.is_admin() {
            true => of_operator(&all, &wires.chance),
            false => of_project(&mut self.known, &all, &wires.chance),
        };
        drop(all);
        self.send(*next_number, wish, wires);
    }

    /// Asks for something, whatever it has in mind otherwise.
    pub(crate) fn demand(&mut self, Wish(resource, verb, what): Wish, next_number: &mut u64, wires: &Wires) {
        *next_number += 1;
        let id = wires.chance.uuid();
        let mut body = json!({"v": 1, "id": id});
        body[resource] = what;
        self.ask(*next_number, Some(id), &format!("{resource}.{verb}"), &body, wires);
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

    /// An answer came. False when it is not for this one.
    pub(crate) fn answered(&mut self, number: u64, outcome: &Outcome, wires: &Wires) -> bool {
        let Some(at) = self.open.iter().position(|asked| asked.number == number) else { return false };
        let mut asked = self.open.remove(at);
        if let Some(before) = &asked.before {
            assert_eq!(before, outcome, "{} was told something else than before", self.name);
        }
        if let OutcomeResult::Accepted(subjects) = &outcome.result {
            self.known.learn(subjects);
            wires.known.borrow_mut().learn(subjects);
            let [.., resource, verb] = asked.subject.split('.').collect::<Vec<_>>()[..] else { return true };
            // Most of the time: what is gone is asked for now and then.
            if verb == "delete" && wires.chance.percent(70) {
                self.known.forget(resource, subjects);
                wires.known.borrow_mut().forget(resource, subjects);
            }
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

    pub(crate) fn is_operator(&self) -> bool {
        self.project.is_admin()
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
