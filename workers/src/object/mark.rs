//! Marks of how far long work on the data of an object has come, so that whoever finds what another worker left goes on
//! from there: `stele.copied.<position>.<source>.<MiB>` on a volume into which data are copied, and
//! `stele.wiped.<position>.<MiB>` on what is wiped before it is removed. They are all that is remembered of a copy or a
//! wipe that was cut short.
//!
//! A mark is laid only when all before it is safe on the storage, and it must never be believed where the data have
//! changed since:
//!
//! - It names the event that asked for the work, by its position. A volume whose deletion failed stays in use and is
//!   written again; the next deletion is another event, and does not believe what was wiped for the first.
//! - A copy's names the very source, by what never comes again (LVM's UUID): a still that was lost and taken once more has
//!   other data.
//! - It lies on the very object and goes with it: one that was removed and made anew has none.
//! - Whoever begins to write takes all marks away that are not of its own work. So no copy goes on behind what a wipe
//!   has overwritten, and no wipe believes what a copy has written over.

use stele_core::unit::Position;

const COPIED_TAG: &str = "stele.copied.";
const WIPED_TAG: &str = "stele.wiped.";
const MIB: u64 = 1 << 20;

/// The marks of one work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Of all its tags; what follows is the number of MiB.
    prefix: String,
}

impl Mark {
    /// Of the copy that the event at this position asked for, out of this source.
    #[must_use]
    pub fn copied(asked_at: Position, source: &str) -> Self {
        Self { prefix: format!("{COPIED_TAG}{asked_at}.{source}.") }
    }

    /// Of the wipe that the event at this position asked for.
    #[must_use]
    pub fn wiped(asked_at: Position) -> Self {
        Self { prefix: format!("{WIPED_TAG}{asked_at}.") }
    }

    /// The tag that says that so many bytes from the start are done; a part of a MiB is not counted.
    #[must_use]
    pub fn tag(&self, done_bytes: u64) -> String {
        format!("{}{}", self.prefix, done_bytes / MIB)
    }

    /// How many bytes from the start are done by these tags. Each mark of the work was true when it was laid, so the
    /// highest counts.
    #[must_use]
    pub fn done_bytes(&self, tags: &[String]) -> u64 {
        let done = tags.iter().filter_map(|tag| tag.strip_prefix(&self.prefix)?.parse::<u64>().ok()).max();
        done.unwrap_or(0).saturating_mul(MIB)
    }

    /// The marks among these tags, those of this work and those of others.
    #[must_use]
    pub fn among(&self, tags: &[String]) -> (Vec<String>, Vec<String>) {
        let marks = tags.iter().filter(|tag| tag.starts_with(COPIED_TAG) || tag.starts_with(WIPED_TAG));
        marks.cloned().partition(|tag| tag.starts_with(&self.prefix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Vec<String> {
        tags.iter().map(|tag| (*tag).to_owned()).collect()
    }

    #[test]
    fn a_mark_is_read_back_by_its_own_work_alone() {
        let copied = Mark::copied(Position(42), "UxV-3");
        let wiped = Mark::wiped(Position(42));
        assert_eq!(copied.tag((3 << 20) + 5), "stele.copied.42.UxV-3.3");
        assert_eq!(wiped.tag(0), "stele.wiped.42.0");
        let (copied_tags, wiped_tags) =
            (tags(&["stele.at.42", "stele.copied.42.UxV-3.3"]), tags(&["stele.wiped.42.7"]));
        assert_eq!((copied.done_bytes(&copied_tags), wiped.done_bytes(&copied_tags)), (3 << 20, 0));
        assert_eq!((copied.done_bytes(&wiped_tags), wiped.done_bytes(&wiped_tags)), (0, 7 << 20));
        for other in [Mark::copied(Position(4), "UxV-3"), Mark::copied(Position(42), "UxV"), Mark::wiped(Position(4))] {
            assert_eq!(other.done_bytes(&[copied_tags.clone(), wiped_tags.clone()].concat()), 0, "{other:?}");
        }
    }

    #[test]
    fn the_highest_counts_and_what_is_no_number_does_not() {
        let wiped = Mark::wiped(Position(1));
        assert_eq!(wiped.done_bytes(&tags(&["stele.wiped.1.9", "stele.wiped.1.10", "stele.wiped.1.2"])), 10 << 20);
        assert_eq!(wiped.done_bytes(&tags(&["stele.wiped.1.", "stele.wiped.1.x", "stele.wiped.1.-3"])), 0);
        assert_eq!(wiped.done_bytes(&tags(&["stele.wiped.1.18446744073709551615"])), u64::MAX);
        assert_eq!(wiped.done_bytes(&[]), 0);
    }

    #[test]
    fn all_marks_are_found_and_nothing_else() {
        let all = tags(&["stele.at.1", "stele.copied.1.a.5", "stele.copying", "stele.wiped.1.5", "stele.wiped.2.5"]);
        let of = |mark: Mark| mark.among(&all);
        assert_eq!(
            of(Mark::wiped(Position(1))),
            (tags(&["stele.wiped.1.5"]), tags(&["stele.copied.1.a.5", "stele.wiped.2.5"]))
        );
        assert_eq!(
            of(Mark::copied(Position(1), "a")),
            (tags(&["stele.copied.1.a.5"]), tags(&["stele.wiped.1.5", "stele.wiped.2.5"]))
        );
    }
}
