use axum::http::StatusCode;
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use stele_core::refusal::{Refusal, RefusalCode};
use tracing::error;

use super::policy::Forbidden;
use crate::store::StoreError;

/// An answer that is an error: `{"badRequest": {"code": 400, "message": "..."}}` and the like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    status: StatusCode,
    message: String,
    /// Whether the client is told that it may come again at once: of refusals for quota.
    retry: bool,
}

impl Fault {
    /// Any status, with a text.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), retry: false }
    }

    /// 400.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 400 with the text that Cinder has when it has nothing better to say.
    pub(crate) fn malformed() -> Self {
        Self::bad_request(
            "The server could not comply with the request since it is either malformed or otherwise incorrect.",
        )
    }

    /// 400 with the text of Cinder's `InvalidInput`.
    pub(crate) fn invalid_input(reason: impl AsRef<str>) -> Self {
        Self::bad_request(format!("Invalid input received: {}", reason.as_ref()))
    }

    /// 404.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 404 for something that has a kind and a name: "Volume x could not be found."
    pub(crate) fn no_such(kind: &str, name: &str) -> Self {
        let shown: String = name.chars().take(255).collect();
        Self::not_found(format!("{kind} {shown} could not be found."))
    }

    /// 404 for what this version does not have, or this cell never will.
    pub(crate) fn nothing_here() -> Self {
        Self::not_found("The resource could not be found.")
    }

    /// 406.
    pub(crate) fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, message)
    }

    /// 409.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// 413 without an invitation to try again.
    pub(crate) fn too_large(message: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 503.
    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// The same with 409 when a status does not allow what was asked for: some of Cinder's actions say that.
    pub(crate) fn conflict_of_status(self) -> Self {
        let prefixes = ["Invalid volume: ", "Invalid snapshot: "];
        if self.status == StatusCode::BAD_REQUEST && prefixes.iter().any(|prefix| self.message.starts_with(prefix)) {
            return Self { status: StatusCode::CONFLICT, ..self };
        }
        self
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The text.
    #[cfg(test)]
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Whether `Retry-After: 0` goes with it.
    pub(crate) fn retry(&self) -> bool {
        self.retry
    }

    /// Cinder's name for the status.
    fn name(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "badRequest",
            401 => "unauthorized",
            403 => "forbidden",
            404 => "itemNotFound",
            405 => "badMethod",
            409 => "conflictingRequest",
            413 => "overLimit",
            415 => "badMediaType",
            501 => "notImplemented",
            503 => "serviceUnavailable",
            _ => "computeFault",
        }
    }
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            code: u16,
            message: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            retry_after: Option<&'static str>,
        }
        let retry_after = self.retry.then_some("0");
        let mut map = serializer.serialize_map(Some(1))?;
        let body = Body { code: self.status.as_u16(), message: &self.message, retry_after };
        map.serialize_entry(self.name(), &body)?;
        map.end()
    }
}

impl From<Forbidden> for Fault {
    fn from(forbidden: Forbidden) -> Self {
        Self::new(StatusCode::FORBIDDEN, forbidden.to_string())
    }
}

impl From<StoreError> for Fault {
    fn from(source: StoreError) -> Self {
        // What exactly is wrong with the disk is for the operator, not for whoever asked.
        error!(error = ?source, "the projection cannot be read");
        let message = "The server has either erred or is incapable of performing the requested operation.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        let status = status_of(refusal.code);
        let retry = is_over_quota(refusal.code);
        Self { status, message: refusal.message, retry }
    }
}

fn is_over_quota(code: RefusalCode) -> bool {
    matches!(
        code,
        RefusalCode::VolumeLimitExceeded
            | RefusalCode::VolumeSizeExceedsAvailableQuota
            | RefusalCode::VolumeSizeExceedsLimit
            | RefusalCode::SnapshotLimitExceeded
            | RefusalCode::GroupLimitExceeded
    )
}

use RefusalCode as Code;

/// The one place that picks the status of a refused command: Cinder's for the exception with that meaning.
fn status_of(code: RefusalCode) -> StatusCode {
    match code {
        Code::NotJson
        | Code::UnknownCommand
        | Code::UnsupportedVersion
        | Code::UnknownField
        | Code::MalformedBody
        | Code::ForeignProject
        | Code::InvalidSize
        | Code::InvalidText
        | Code::InvalidMetadata
        | Code::InvalidName
        | Code::InvalidAvailabilityZone
        | Code::InvalidQuota
        | Code::InvalidVolumeStatus
        | Code::NotLarger
        | Code::VolumeTypeInUse
        | Code::NoValidPool
        | Code::InvalidInput
        | Code::InvalidStatus
        | Code::InvalidSnapshotStatus
        | Code::InvalidAttachment
        | Code::InvalidAuthKey
        | Code::InvalidGroup
        | Code::InvalidGroupSnapshot
        | Code::GroupTypeInUse
        | Code::InvalidVolumeType
        | Code::EncryptionExists
        | Code::InvalidQos
        | Code::QuotaBelowUsage
        | Code::DriftNotRepairable => StatusCode::BAD_REQUEST,
        Code::AdminOnly => StatusCode::FORBIDDEN,
        Code::VolumeNotFound
        | Code::VolumeTypeNotFound
        | Code::ServiceNotFound
        | Code::MetadataKeyNotFound
        | Code::SnapshotNotFound
        | Code::AttachmentNotFound
        | Code::TransferNotFound
        | Code::GroupNotFound
        | Code::GroupSnapshotNotFound
        | Code::GroupTypeNotFound
        | Code::TypeAccessNotFound
        | Code::EncryptionNotFound
        | Code::QosNotFound
        | Code::MessageNotFound
        | Code::DriftNotFound => StatusCode::NOT_FOUND,
        Code::CommandIdReused
        | Code::VolumeExists
        | Code::VolumeTypeExists
        | Code::SnapshotExists
        | Code::AttachmentExists
        | Code::AttachedElsewhere
        | Code::ServiceTokenNeeded
        | Code::TransferExists
        | Code::GroupExists
        | Code::GroupSnapshotExists
        | Code::GroupTypeExists
        | Code::TypeAccessExists
        | Code::QosExists => StatusCode::CONFLICT,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::TooLarge
        | Code::VolumeLimitExceeded
        | Code::VolumeSizeExceedsAvailableQuota
        | Code::VolumeSizeExceedsLimit
        | Code::SnapshotLimitExceeded
        | Code::GroupLimitExceeded => StatusCode::PAYLOAD_TOO_LARGE,
        Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_a_status_that_fits_its_name() {
        for code in RefusalCode::ALL {
            let (name, status) = (code.as_str(), status_of(*code).as_u16());
            let fits: &[u16] = match name {
                "EncryptionExists" => &[400],
                "Overloaded" => &[503],
                name if name.ends_with("NotFound") => &[404],
                name if name.ends_with("Exists") => &[409],
                name if name.contains("Exceed") => &[413],
                _ => &[400, 403, 409, 412, 413],
            };
            assert!(fits.contains(&status), "{name} is {status}");
            assert_eq!(is_over_quota(*code), name.contains("Exceed"), "{name}");
        }
    }

    #[test]
    fn faults_look_as_in_cinder() {
        let refusal = Refusal::new(RefusalCode::VolumeLimitExceeded, "too many", "");
        for (fault, expected) in [
            (Fault::bad_request("no"), r#"{"badRequest":{"code":400,"message":"no"}}"#),
            (
                Fault::no_such("Volume", "x"),
                r#"{"itemNotFound":{"code":404,"message":"Volume x could not be found."}}"#,
            ),
            (Fault::not_acceptable("no"), r#"{"computeFault":{"code":406,"message":"no"}}"#),
            (refusal.into(), r#"{"overLimit":{"code":413,"message":"too many","retryAfter":"0"}}"#),
            (Fault::too_large("big"), r#"{"overLimit":{"code":413,"message":"big"}}"#),
        ] {
            assert_eq!(serde_json::to_string(&fault).unwrap(), expected);
        }
    }
}
