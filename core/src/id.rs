//! Every identifier is its own type, so that a volume id cannot stand where a flow id is meant.
//!
//! New ids come from the command that asks for them ([`CommandId::derive`]): deciding needs no randomness, and
//! deciding the same command twice names the same things.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

uuid_id! {
    /// Names one command for ever; a command that comes again with the same id gets the first outcome.
    CommandId,
    /// A volume, as Cinder's clients know it.
    VolumeId,
    /// A volume type.
    TypeId,
    /// One run of a flow such as `volume_create`: the tasks, transitions and reservations of one request.
    FlowId,
    /// One task of a flow.
    TaskId,
    /// One reservation of quota; it belongs to a flow and ends with it.
    ReservationId,
    /// One life of a control process.
    WriterId,
    /// A snapshot of a volume.
    SnapshotId,
    /// One attachment of a volume to a host.
    AttachmentId,
    /// A group of volumes.
    GroupId,
    /// A snapshot of all volumes of a group.
    GroupSnapshotId,
    /// A group type.
    GroupTypeId,
    /// A volume that waits for another project to accept it.
    TransferId,
    /// A set of QoS specs.
    QosId,
    /// What a user is told about a failed flow.
    MessageId,
}

impl CommandId {
    /// The id of something that this command brings into being. `part` tells its several children apart.
    #[must_use]
    pub fn derive(self, part: &str) -> Uuid {
        Uuid::new_v5(&self.0, part.as_bytes())
    }
}

/// Why a name was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {text:?} is not valid: {rule}")]
pub struct InvalidName {
    /// What the name should have named.
    pub kind: &'static str,
    /// The text as it came, cut to 128 characters.
    pub text: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text against the rule for this kind of name.
            ///
            /// # Errors
            /// [`InvalidName`] names the rule that the text breaks.
            pub fn new(text: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(text) {
                    Ok(Self(Arc::from(text)))
                } else {
                    Err(InvalidName { kind: $kind, text: text.chars().take(128).collect(), rule: $rule })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    )+};
}

text_id! {
    /// A project (tenant). It is one token of a NATS subject.
    ProjectId, "project", "1 to 64 letters, digits, '-' or '_'",
        |t| (1..=64).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    /// A storage backend, `host@backend`.
    BackendName, "backend", "host@backend, at most 128 letters, digits, '-', '_' or '.' around one '@'", is_backend;
    /// A pool of a backend, `host@backend#pool`.
    PoolName, "pool", "host@backend#pool, the backend as for services, the pool at most 128 letters, digits, '-', '_' or '.'",
        |t| t.split_once('#').is_some_and(|(b, p)| is_backend(b) && is_label(p));
    /// What somebody else called a volume on the storage, by LVM's rule. It never leads out of a folder.
    SourceName, "source name", "1 to 127 letters, digits, '+', '_', '.' or '-', of which '.' and '-' not first",
        |t| (1..=127).contains(&t.len()) && !t.starts_with(['-', '.'])
            && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'_' | b'.' | b'-'));
    /// One life of a worker process, `host:uuid`; only for people and for the log.
    WorkerName, "worker", "1 to 200 printable characters",
        |t| (1..=200).contains(&t.len()) && t.chars().all(|c| !c.is_control());
}

fn is_label(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_backend(text: &str) -> bool {
    text.len() <= 128 && text.split_once('@').is_some_and(|(host, backend)| is_label(host) && is_label(backend))
}

/// The reserved project whose subjects carry what concerns the whole cell: services, quotas, types.
pub const ADMIN_PROJECT: &str = "admin";

impl ProjectId {
    /// True for the project whose subjects carry cell-wide commands.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.as_str() == ADMIN_PROJECT
    }
}

impl BackendName {
    /// The name as one token of a NATS subject: '.' and '%' are percent-encoded, all else may stand there.
    #[must_use]
    pub fn subject_token(&self) -> String {
        self.as_str().replace('.', "%2E")
    }

    /// Reads a subject token back.
    ///
    /// # Errors
    /// [`InvalidName`] when the decoded text is no backend name.
    pub fn from_subject_token(token: &str) -> Result<Self, InvalidName> {
        Self::new(&token.replace("%2E", "."))
    }

    /// The host part.
    #[must_use]
    pub fn host(&self) -> &str {
        self.as_str().split('@').next().unwrap_or_default()
    }

    /// The pool of this backend with the given name.
    ///
    /// # Errors
    /// [`InvalidName`] when the pool's own name breaks the rule.
    pub fn pool(&self, pool: &str) -> Result<PoolName, InvalidName> {
        PoolName::new(&format!("{self}#{pool}"))
    }
}

impl PoolName {
    /// The backend that the pool belongs to.
    #[must_use]
    pub fn backend(&self) -> BackendName {
        BackendName(Arc::from(self.0.split('#').next().unwrap_or_default()))
    }

    /// The pool's own name, behind the '#'.
    #[must_use]
    pub fn pool(&self) -> &str {
        self.0.split_once('#').map_or("", |(_, pool)| pool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_to_their_rules() {
        for (good, bad) in [("demo", "de mo"), ("a-b_C9", ""), ("x", "a.b"), ("0", "a*"), ("p", ">")] {
            assert!(ProjectId::new(good).is_ok(), "{good}");
            assert!(ProjectId::new(bad).is_err(), "{bad}");
        }
        for bad in ["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b#c"] {
            assert!(BackendName::new(bad).is_err(), "{bad}");
        }
        assert!(PoolName::new("n1.rack@lvm#vg").is_ok());
        assert!(PoolName::new("n1@lvm").is_err());
        assert!(PoolName::new("n1@lvm#a#b").is_err());
    }

    #[test]
    fn a_pool_knows_its_backend_and_tokens_survive_the_way() {
        let pool = PoolName::new("n1.rack@lvm#vg").unwrap();
        assert_eq!(pool.backend().as_str(), "n1.rack@lvm");
        assert_eq!(pool.pool(), "vg");
        assert_eq!(pool.backend().host(), "n1.rack");
        let token = pool.backend().subject_token();
        assert_eq!(token, "n1%2Erack@lvm");
        assert_eq!(BackendName::from_subject_token(&token).unwrap(), pool.backend());
    }

    #[test]
    fn derived_ids_differ_by_part_and_repeat() {
        let id = CommandId(Uuid::from_u128(7));
        assert_eq!(id.derive("volume"), id.derive("volume"));
        assert_ne!(id.derive("volume"), id.derive("flow"));
    }
}
