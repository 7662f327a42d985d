//! Watching the log for the end of what was asked for, and reading no more of it than that.

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use stele_core::id::VolumeId;

/// What a record says about volumes that have come to the end of their making.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ends {
    commits: Vec<CommitEnds>,
}

#[derive(Debug, Default, Deserialize)]
struct CommitEnds {
    events: Vec<End>,
}

/// The end of one volume's making, or any other event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is available.
    Created(VolumeId),
    /// It is in error.
    Failed(VolumeId),
    /// Something else happened.
    Other,
}

impl Ends {
    /// The volumes that came to an end.
    pub(super) fn iter(&self) -> impl Iterator<Item = End> + '_ {
        self.commits.iter().flat_map(|commit| commit.events.iter().copied()).filter(|end| *end != End::Other)
    }
}

#[derive(Deserialize)]
struct OfVolume {
    volume: VolumeId,
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneKey;
        impl<'de> Visitor<'de> for OneKey {
            type Value = End;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an event")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<End, A::Error> {
                let mut end = End::Other;
                while let Some(name) = map.next_key::<&str>()? {
                    end = match name {
                        "volume_created" => End::Created(map.next_value::<OfVolume>()?.volume),
                        "volume_create_failed" => End::Failed(map.next_value::<OfVolume>()?.volume),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            End::Other
                        }
                    };
                }
                Ok(end)
            }
        }
        deserializer.deserialize_map(OneKey)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_among_other_events() {
        let id = "6f1c1d6c-3b0e-4a43-9f0a-0d9b5a1f2c3d";
        let record = format!(
            r#"{{"v":1,"commits":[{{"events":[{{"flow_finished":{{"flow":"x"}}}},{{"volume_created":{{"volume":"{id}","flow":"y"}}}}]}}]}}"#
        );
        let ends: Ends = serde_json::from_str(&record).unwrap();
        assert_eq!(ends.iter().collect::<Vec<_>>(), vec![End::Created(id.parse().unwrap())]);
    }
}
