//! What changed between two moments, entity by entity and field by field.
//!
//! The log is read once. The state at the earlier moment is kept while folding goes on: it costs nothing, because the
//! two share what did not change, and for the same reason comparing them looks only at what did.

use std::collections::BTreeSet;
use std::io::{self, Write};

use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use serde::Serialize;
use serde_json::Value;
use stele_core::moment::Moment;
use stele_core::port::Log;
use stele_core::state::State;
use stele_core::unit::{Position, Timestamp};

use crate::ahead::Ahead;
use crate::at::AtError;
use crate::fold::Follower;
use crate::progress::Progress;
use crate::source::{Source, SourceError};
use crate::table::plain;

/// Why two moments cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// One of the states cannot be told.
    #[error(transparent)]
    At(#[from] AtError),
    /// The second moment is before the first.
    #[error("{to} is before {from}; name the earlier one first")]
    Backwards {
        /// The first moment, as the position that it came to.
        from: Position,
        /// The second one.
        to: Position,
    },
}

impl From<SourceError> for DiffError {
    fn from(error: SourceError) -> Self {
        Self::At(error.into())
    }
}

/// What changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The earlier state's last record.
    pub from: Point,
    /// The later state's last record.
    pub to: Point,
    /// By table and key.
    pub changes: Vec<Change>,
}

/// A record as a place in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Point {
    /// Where it stands; 0 before the first.
    pub position: Position,
    /// When it was written.
    pub at: Timestamp,
}

/// One entity that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// The table.
    pub table: &'static str,
    /// The entity's key.
    pub key: String,
    /// What became of it.
    pub kind: ChangeKind,
    /// The fields that differ; all of them when it was added or removed.
    pub fields: Vec<FieldChange>,
}

/// What became of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It has other values.
    Changed,
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// The field's name; with those of what it is in before it, and dots between them.
    pub field: String,
    /// What it was; null when it was not there.
    pub before: Value,
    /// What it is; null when it is not there any more.
    pub after: Value,
}

/// Compares the states at two moments.
///
/// # Errors
/// [`DiffError`].
pub async fn diff<L: Log>(
    log: &L,
    from: Moment,
    to: Moment,
    progress: &mut dyn Progress,
) -> Result<Difference, DiffError> {
    let until = match (from, to) {
        (Moment::Position(from), Moment::Position(to)) => Some(from.max(to)),
        _ => None,
    };
    let mut source = Ahead::of(Source::open(log, until, progress).await?);
    let tail = source.until();
    for asked in [from, to] {
        if let Moment::Position(asked) = asked
            && asked > tail
        {
            return Err(SourceError::BeyondTail { asked, tail }.into());
        }
    }
    let mut follower = Follower::default();
    let (mut at_from, mut at_to) = (None, None);
    'reading: loop {
        let messages = source.batch().await?;
        if messages.is_empty() {
            break;
        }
        progress.advance(messages.len() as u64);
        for message in messages {
            let at = message.entry.position;
            let Some((record, hash)) = follower.read(message).map_err(AtError::from)? else { continue };
            let passes = |moment: Moment| match moment {
                Moment::Position(position) => at > position,
                Moment::Time(time) => record.head.at > time,
                Moment::Head => false,
            };
            for (moment, kept) in [(from, &mut at_from), (to, &mut at_to)] {
                if kept.is_none() && passes(moment) {
                    *kept = Some(follower.clone());
                }
            }
            if at_from.is_some() && at_to.is_some() {
                break 'reading;
            }
            follower.apply(at, &record, hash).map_err(AtError::from)?;
        }
    }
    progress.finish();
    compare(&at_from.unwrap_or_else(|| follower.clone()), &at_to.unwrap_or(follower))
}

fn compare(from: &Follower, to: &Follower) -> Result<Difference, DiffError> {
    let point = |follower: &Follower| Point { position: follower.chain.position, at: follower.chain.at };
    let (point_from, point_to) = (point(from), point(to));
    if point_to.position < point_from.position {
        return Err(DiffError::Backwards { from: point_from.position, to: point_to.position });
    }
    Ok(Difference { from: point_from, to: point_to, changes: changes(&from.state, &to.state) })
}

fn changes(from: &State, to: &State) -> Vec<Change> {
    // Named one by one, so that a new table of the state cannot be forgotten here. Indexes say nothing new.
    let State {
        config,
        volumes,
        flows,
        usage,
        reservations,
        quotas,
        backends,
        pools,
        claims,
        types,
        snapshots,
        attachments,
        groups,
        group_snapshots,
        group_types,
        transfers,
        qos,
        default_types,
        quota_classes,
        messages,
        log_levels,
        drifts,
        deadlines: _,
        type_names: _,
        snapshots_of: _,
        volumes_of_group: _,
        snapshots_of_group: _,
        message_ages: _,
    } = from;
    let mut changes = Vec::new();
    let all = &mut changes;
    table(all, "volumes", volumes, &to.volumes, ToString::to_string);
    table(all, "snapshots", snapshots, &to.snapshots, ToString::to_string);
    table(all, "attachments", attachments, &to.attachments, ToString::to_string);
    table(all, "transfers", transfers, &to.transfers, ToString::to_string);
    table(all, "groups", groups, &to.groups, ToString::to_string);
    table(all, "group_snapshots", group_snapshots, &to.group_snapshots, ToString::to_string);
    table(all, "flows", flows, &to.flows, ToString::to_string);
    table(all, "usage", usage, &to.usage, ToString::to_string);
    table(all, "reservations", reservations, &to.reservations, ToString::to_string);
    table(all, "quotas", quotas, &to.quotas, ToString::to_string);
    table(all, "quota_classes", quota_classes, &to.quota_classes, ToString::to_string);
    table(all, "backends", backends, &to.backends, ToString::to_string);
    table(all, "pools", pools, &to.pools, ToString::to_string);
    table(all, "claims", claims, &to.claims, |(pool, flow)| format!("{pool} {flow}"));
    table(all, "drifts", drifts, &to.drifts, |(pool, what)| format!("{pool} {what}"));
    table(all, "types", types, &to.types, ToString::to_string);
    table(all, "default_types", default_types, &to.default_types, ToString::to_string);
    table(all, "group_types", group_types, &to.group_types, ToString::to_string);
    table(all, "qos", qos, &to.qos, ToString::to_string);
    table(all, "messages", messages, &to.messages, ToString::to_string);
    table(all, "log_levels", log_levels, &to.log_levels, |target| {
        format!("{} {} {}", target.binary, target.host, target.prefix).trim().to_owned()
    });
    changes.extend(changed("config", "config".to_owned(), config, &to.config));
    changes
}

fn table<K: Ord + Clone, V: Serialize + PartialEq + Clone>(
    changes: &mut Vec<Change>,
    table: &'static str,
    from: &OrdMap<K, V>,
    to: &OrdMap<K, V>,
    key: impl Fn(&K) -> String,
) {
    for item in from.diff(to) {
        match item {
            DiffItem::Add(k, after) => {
                let fields = fields(&Value::Null, &json(after));
                changes.push(Change { table, key: key(k), kind: ChangeKind::Added, fields });
            }
            DiffItem::Remove(k, before) => {
                let fields = fields(&json(before), &Value::Null);
                changes.push(Change { table, key: key(k), kind: ChangeKind::Removed, fields });
            }
            DiffItem::Update { old: (k, before), new: (_, after) } => {
                changes.extend(changed(table, key(k), before, after));
            }
        }
    }
}

/// `None` when nothing differs.
fn changed<V: Serialize>(table: &'static str, key: String, before: &V, after: &V) -> Option<Change> {
    let (before, after) = (json(before), json(after));
    let fields = if before == after { Vec::new() } else { fields(&before, &after) };
    (!fields.is_empty()).then_some(Change { table, key, kind: ChangeKind::Changed, fields })
}

fn json<V: Serialize>(value: &V) -> Value {
    // Entities are made of texts, numbers and maps with text keys: serialising cannot fail.
    serde_json::to_value(value).unwrap_or_default()
}

/// The fields that differ. Within one that is a map on both sides it is the entries that do, `field.entry`.
fn fields(before: &Value, after: &Value) -> Vec<FieldChange> {
    let (Value::Object(_) | Value::Null, Value::Object(_) | Value::Null) = (before, after) else {
        // A table whose values are one word each.
        return vec![FieldChange { field: "value".to_owned(), before: before.clone(), after: after.clone() }];
    };
    let mut found = Vec::new();
    differing("", before, after, &mut found);
    found
}

fn differing(path: &str, before: &Value, after: &Value, found: &mut Vec<FieldChange>) {
    let keys = |value: &Value| value.as_object().into_iter().flat_map(|map| map.keys().cloned()).collect::<Vec<_>>();
    let names: BTreeSet<String> = keys(before).into_iter().chain(keys(after)).collect();
    let field = |value: &Value, name: &str| value.get(name).cloned().unwrap_or_default();
    for name in names {
        let (before, after) = (field(before, &name), field(after, &name));
        let path = if path.is_empty() { name } else { format!("{path}.{name}") };
        if before == after {
            continue;
        }
        if before.is_object() && after.is_object() {
            differing(&path, &before, &after, found);
        } else {
            found.push(FieldChange { field: path, before, after });
        }
    }
}

impl Difference {
    /// Writes it for people: a line for each field that differs.
    ///
    /// # Errors
    /// What the writer says.
    pub fn render(&self, out: &mut dyn Write) -> io::Result<()> {
        let word = |point: Point| format!("position {} ({})", point.position, point.at);
        writeln!(out, "from {} to {}", word(self.from), word(self.to))?;
        if self.changes.is_empty() {
            return writeln!(out, "nothing changed");
        }
        for change in &self.changes {
            let sign = match change.kind {
                ChangeKind::Added => '+',
                ChangeKind::Removed => '-',
                ChangeKind::Changed => '~',
            };
            writeln!(out, "{sign} {} {}", change.table, plain(&change.key))?;
            for FieldChange { field, before, after } in &change.fields {
                match change.kind {
                    ChangeKind::Added => writeln!(out, "    {field}: {after}")?,
                    ChangeKind::Removed => writeln!(out, "    {field}: {before}")?,
                    ChangeKind::Changed => writeln!(out, "    {field}: {before} -> {after}")?,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::progress::Silent;
    use crate::testing::{Cell, golden, golden_log, run, text, volume};

    fn two_records() -> Cell {
        let mut cell = Cell::with_pools();
        cell.create(1, 5);
        cell.succeed();
        cell
    }

    #[test]
    fn what_changed_is_told_field_by_field() {
        let cell = two_records();
        let found = run(diff(&cell.log, Moment::Position(Position(4)), Moment::Position(Position(5)), &mut Silent));
        golden("diff_create.txt", &text(|out| found.unwrap().render(out)));
        let found = run(diff(&cell.log, Moment::Position(Position(5)), Moment::Head, &mut Silent)).unwrap();
        golden("diff_created.txt", &text(|out| found.render(out)));
        let volume = found.changes.iter().find(|change| change.table == "volumes").unwrap();
        let status = volume.fields.iter().find(|field| field.field == "status").unwrap();
        assert_eq!(status.after, json!("available"));
        assert_eq!(volume.key, crate::testing::volume(1).to_string());
    }

    #[test]
    fn every_table_is_compared() {
        let mut state = State::default();
        let mut found = BTreeSet::new();
        for entry in golden_log().entries() {
            let before = state.clone();
            let record = serde_json::from_slice(&entry.payload).unwrap();
            stele_core::fold::apply(&mut state, &record, entry.position, &mut |_| {}).unwrap();
            found.extend(changes(&before, &state).into_iter().map(|change| change.table));
        }
        let all: BTreeSet<&str> = stele_core::digest::rows(&state).map(|(name, _)| name).into();
        // All of their claims bring the same configuration.
        assert_eq!(all.difference(&found).copied().collect::<Vec<_>>(), ["config"]);
    }

    #[test]
    fn a_map_differs_in_its_entries_and_a_word_as_a_whole() {
        let (before, after) =
            (json!({"a": {"b": 1, "c": [1]}, "d": null}), json!({"a": {"b": 2, "c": [1]}, "d": {"e": 1}}));
        let told = |change: &FieldChange| format!("{}: {} -> {}", change.field, change.before, change.after);
        let all: Vec<String> = fields(&before, &after).iter().map(told).collect();
        assert_eq!(all, ["a.b: 1 -> 2", r#"d: null -> {"e":1}"#]);
        assert_eq!(told(&fields(&Value::Null, &json!("x"))[0]), r#"value: null -> "x""#);
    }

    #[test]
    fn a_moment_differs_in_nothing_from_itself() {
        let mut cell = two_records();
        for moment in [Moment::Position(Position(3)), Moment::Head, Moment::Time(cell.now)] {
            let found = run(diff(&cell.log, moment, moment, &mut Silent)).unwrap();
            assert_eq!((found.changes.len(), found.from), (0, found.to));
        }
        cell.ask("volume.update", &json!({ "id": volume(9), "name": "x" }));
        let found = run(diff(&cell.log, Moment::Position(Position(6)), Moment::Head, &mut Silent)).unwrap();
        assert_eq!(found.to.position, Position(7));
        assert!(text(|out| found.render(out)).ends_with("nothing changed\n"), "a refusal changes nothing");
    }

    #[test]
    fn moments_must_be_there_and_in_order() {
        let cell = two_records();
        let at = |position| Moment::Position(Position(position));
        let backwards = run(diff(&cell.log, at(5), at(2), &mut Silent));
        assert_eq!(backwards, Err(DiffError::Backwards { from: Position(5), to: Position(2) }));
        let beyond = SourceError::BeyondTail { asked: Position(99), tail: Position(6) };
        assert_eq!(run(diff(&cell.log, at(2), at(99), &mut Silent)), Err(beyond.clone().into()));
        assert_eq!(run(diff(&cell.log, Moment::Head, at(99), &mut Silent)), Err(beyond.into()));
    }
}
