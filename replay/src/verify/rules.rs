//! What must hold for records and is not in any state: [`stele_core::audit`] cannot see it.

use stele_core::chain::Chain;
use stele_core::command::Source;
use stele_core::record::{Commit, InboxMark, Record};
use stele_core::refusal::RefusalCode;
use stele_core::state::Seen;
use stele_core::unit::Position;

/// What has to be remembered from record to record.
#[derive(Debug, Default)]
pub(super) struct Rules {
    inbox: InboxMark,
}

type Found = Vec<(&'static str, String)>;

impl Rules {
    /// What is wrong with a record that was accepted at `position`; `before` and `seen` are as it found them.
    pub(super) fn check(
        &mut self,
        before: &Chain,
        mut seen: Seen,
        record: &Record,
        position: Position,
        keep_ms: u64,
    ) -> Found {
        let mut found = Found::new();
        let head = &record.head;
        if head.at < before.at {
            found.push(("time in the log never goes back", format!("written at {}, after {}", head.at, before.at)));
        }
        for (index, commit) in record.commits.iter().enumerate() {
            if commit.at > head.at {
                let what = format!("commit {index} is of {}, its record of {}", commit.at, head.at);
                found.push(("time in the log never goes back", what));
            }
            if has_second_outcome(&seen, commit) {
                let what = format!("commit {index} is one more outcome of command {}", commit.id);
                found.push(("a command has exactly one outcome", what));
            }
            seen.apply(commit, position, index, keep_ms);
        }
        self.inbox(record, &mut found);
        found
    }

    /// The inbox is taken over in order, and the mark says how far.
    fn inbox(&mut self, record: &Record, found: &mut Found) {
        const RULE: &str = "an inbox message is taken over once, in order";
        let mark = record.head.inbox;
        let mut last = if mark.created == self.inbox.created { self.inbox.sequence } else { 0 };
        for commit in &record.commits {
            let Source::Inbox(sequence) = commit.source else { continue };
            if sequence <= last {
                found.push((RULE, format!("message {sequence} comes after message {last}")));
            }
            last = last.max(sequence);
        }
        if mark.sequence < last {
            found.push((RULE, format!("the mark says {}, messages up to {last} were taken over", mark.sequence)));
        }
        self.inbox = mark;
    }
}

/// A command whose id was used before may only be refused for that.
fn has_second_outcome(seen: &Seen, commit: &Commit) -> bool {
    let Some(project) = commit.project.as_ref().filter(|_| commit.id_given) else { return false };
    let refused = commit.refusal().is_some_and(|refusal| refusal.code == RefusalCode::CommandIdReused);
    !refused && seen.get(project, commit.id).is_some()
}
