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
