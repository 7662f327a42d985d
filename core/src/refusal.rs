//! Why a command was not accepted: a closed set of codes with stable names.

use serde::{Deserialize, Serialize};

/// A command that was refused. It is in the log like every other outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The stable code, on which programs decide.
    pub code: RefusalCode,
    /// What is wrong, with the values that were seen.
    pub message: String,
    /// What would make it pass.
    pub remedy: String,
}

impl Refusal {
    /// A refusal with both of its sentences.
    pub fn new(code: RefusalCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into() }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// The stable codes. New ones may be added; one that was released never changes its name or meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum RefusalCode { $($(#[$doc])* $name),+ }

        impl RefusalCode {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The name as in JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

codes! {
    /// The body is not JSON.
    NotJson,
    /// The body is larger than a command may be.
    TooLarge,
    /// The subject does not name a command.
    UnknownCommand,
    /// `v` is not a version that this cell knows.
    UnsupportedVersion,
    /// The body has a field that the command does not have.
    UnknownField,
    /// A field is missing or has the wrong type.
    MalformedBody,
    /// The body names another project than the subject.
    ForeignProject,
    /// The command concerns the whole cell and must come on the admin project's subjects.
    AdminOnly,
    /// A size outside 1 to 2³¹−1 GiB.
    InvalidSize,
    /// A name, description or reason that is too long or has control characters.
    InvalidText,
    /// Metadata or extra specs with too many, too long or empty keys or values.
    InvalidMetadata,
    /// A name that breaks the rule for its kind.
    InvalidName,
    /// No backend serves that availability zone.
    InvalidAvailabilityZone,
    /// A quota that is unknown, below -1 or above 2³¹−1.
    InvalidQuota,
    /// The same command id was used for another command.
    CommandIdReused,
    /// A volume of that id exists already.
    VolumeExists,
    /// No such volume in this project.
    VolumeNotFound,
    /// The volume's status does not allow it.
    InvalidVolumeStatus,
    /// The new size is not larger than the size.
    NotLarger,
    /// No such volume type.
    VolumeTypeNotFound,
    /// A volume type of that name or id exists already.
    VolumeTypeExists,
    /// The volume type still has volumes, or is the default type.
    VolumeTypeInUse,
    /// No backend of that name has ever reported.
    ServiceNotFound,
    /// The quota for the number of volumes does not allow it.
    VolumeLimitExceeded,
    /// The quota for gigabytes does not allow it.
    VolumeSizeExceedsAvailableQuota,
    /// The limit for the size of one volume does not allow it.
    VolumeSizeExceedsLimit,
    /// No pool can take it, and waiting would not help.
    NoValidPool,
    /// A value that is well-formed and makes no sense here; the message says which.
    InvalidInput,
    /// A status that cannot be stated for this kind of resource.
    InvalidStatus,
    /// There is no such metadata key.
    MetadataKeyNotFound,
    /// It was changed by somebody else since the sender looked.
    PreconditionFailed,
    /// A snapshot of that id exists already.
    SnapshotExists,
    /// No such snapshot in this project.
    SnapshotNotFound,
    /// The snapshot's status, or what hangs on it, does not allow it.
    InvalidSnapshotStatus,
    /// The quota for the number of snapshots does not allow it.
    SnapshotLimitExceeded,
    /// An attachment of that id exists already.
    AttachmentExists,
    /// No such attachment in this project.
    AttachmentNotFound,
    /// The attachment's status does not allow it.
    InvalidAttachment,
    /// The volume is connected to another host and may have only one.
    AttachedElsewhere,
    /// The attachment belongs to a service; only that service may end it.
    ServiceTokenNeeded,
    /// A transfer of that id exists already.
    TransferExists,
    /// No such transfer.
    TransferNotFound,
    /// The transfer's key is another one.
    InvalidAuthKey,
    /// A group of that id exists already.
    GroupExists,
    /// No such group in this project.
    GroupNotFound,
    /// The group's status, or its members, do not allow it.
    InvalidGroup,
    /// The quota for the number of groups does not allow it.
    GroupLimitExceeded,
    /// A group snapshot of that id exists already.
    GroupSnapshotExists,
    /// No such group snapshot in this project.
    GroupSnapshotNotFound,
    /// The group snapshot's status, or what hangs on it, does not allow it.
    InvalidGroupSnapshot,
    /// A group type of that name or id exists already.
    GroupTypeExists,
    /// No such group type.
    GroupTypeNotFound,
    /// The group type still has groups.
    GroupTypeInUse,
    /// The volume type does not allow it.
    InvalidVolumeType,
    /// The project may use the volume type already.
    TypeAccessExists,
    /// The project has no access to the volume type that could be taken away.
    TypeAccessNotFound,
    /// The volume type has an encryption already.
    EncryptionExists,
    /// The volume type has no encryption.
    EncryptionNotFound,
    /// QoS specs of that name or id exist already.
    QosExists,
    /// No such QoS specs.
    QosNotFound,
    /// The QoS specs are in use, or do not fit.
    InvalidQos,
    /// The limit is lower than what the project has already.
    QuotaBelowUsage,
    /// No such message in this project.
    MessageNotFound,
    /// Nothing of that name differs from what the log promises.
    DriftNotFound,
    /// Only a person can repair it, or not now.
    DriftNotRepairable,
    /// The cell has more to do than it can hold; nothing was recorded.
    Overloaded,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_their_json_names() {
        for code in RefusalCode::ALL {
            assert_eq!(serde_json::to_string(code).unwrap(), format!("\"{}\"", code.as_str()));
        }
    }
}
