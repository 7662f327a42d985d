use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use stele_core::unit::Position;
use tracing::error;

use super::POSITION_HEADER;
use crate::query::{HangingPageError, VolumePageError};
use crate::store::StoreError;
use crate::view::{ErrorAnswer, ErrorBody};

/// What can be wrong with a request, by stable names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// A parameter or header has a value that it cannot have.
    InvalidParameter,
    /// There is no such parameter.
    UnknownParameter,
    /// The marker names no volume of the list.
    UnknownMarker,
    /// There is no such path.
    NotFound,
    /// No such volume.
    VolumeNotFound,
    /// No such flow.
    FlowNotFound,
    /// Nothing was decided about this volume.
    DecisionNotFound,
    /// No such pool.
    PoolNotFound,
    /// No such volume type.
    VolumeTypeNotFound,
    /// No such snapshot.
    SnapshotNotFound,
    /// The path knows other methods.
    MethodNotAllowed,
    /// There is no valid token.
    Unauthenticated,
    /// The token is not an operator's.
    Forbidden,
    /// Nobody can say whose token it is.
    AuthUnavailable,
    /// The path and its parameters are too long.
    UriTooLong,
    /// The request has a body, which nothing here reads, and a large one.
    BodyTooLarge,
    /// The past is not kept so far back.
    PositionNotKept,
    /// The log does not hold what is needed any more, and no archive is named that does.
    LogArchived,
    /// The projection has not reached the position that was demanded.
    NotReached,
    /// The log is not what was applied: nothing is served.
    NotServing,
    /// The store cannot be read.
    StoreUnreadable,
}

impl ErrorCode {
    /// The stable name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidParameter => "InvalidParameter",
            Self::UnknownParameter => "UnknownParameter",
            Self::UnknownMarker => "UnknownMarker",
            Self::NotFound => "NotFound",
            Self::VolumeNotFound => "VolumeNotFound",
            Self::FlowNotFound => "FlowNotFound",
            Self::DecisionNotFound => "DecisionNotFound",
            Self::PoolNotFound => "PoolNotFound",
            Self::VolumeTypeNotFound => "VolumeTypeNotFound",
            Self::SnapshotNotFound => "SnapshotNotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::Unauthenticated => "Unauthenticated",
            Self::Forbidden => "Forbidden",
            Self::AuthUnavailable => "AuthUnavailable",
            Self::UriTooLong => "UriTooLong",
            Self::BodyTooLarge => "BodyTooLarge",
            Self::PositionNotKept => "PositionNotKept",
            Self::LogArchived => "LogArchived",
            Self::NotReached => "NotReached",
            Self::NotServing => "NotServing",
            Self::StoreUnreadable => "StoreUnreadable",
        }
    }

    /// The one place that picks the HTTP status.
    #[must_use]
    pub fn status(self) -> StatusCode {
        match self {
            Self::InvalidParameter | Self::UnknownParameter | Self::UnknownMarker => StatusCode::BAD_REQUEST,
            Self::NotFound
            | Self::VolumeNotFound
            | Self::FlowNotFound
            | Self::DecisionNotFound
            | Self::PoolNotFound
            | Self::VolumeTypeNotFound
            | Self::SnapshotNotFound => StatusCode::NOT_FOUND,
            Self::PositionNotKept | Self::LogArchived => StatusCode::GONE,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotReached | Self::NotServing | Self::AuthUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::StoreUnreadable => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// An answer that is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// Its stable name.
    pub code: ErrorCode,
    /// What is wrong, with the values.
    pub message: String,
    /// What would make it work.
    pub remedy: String,
    /// Up to where the log is in what was asked, when something was.
    pub position: Option<Position>,
}

impl ApiError {
    pub(super) fn new(code: ErrorCode, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, message: message.into(), remedy: remedy.into(), position: None }
    }

    /// The same, found in what was known at a position.
    pub(super) fn at(self, position: Position) -> Self {
        Self { position: Some(position), ..self }
    }

    /// What the client gets.
    pub(super) fn into_answer(self) -> ErrorAnswer {
        let code = self.code.as_str().to_owned();
        ErrorAnswer { error: ErrorBody { code, message: self.message, remedy: self.remedy } }
    }

    pub(super) fn invalid(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(ErrorCode::InvalidParameter, message, remedy)
    }

    pub(super) fn no_such_path() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "there is nothing at this path",
            "use /v1/volumes, /v1/snapshots, /v1/attachments, /v1/flows/{id}, /v1/pools, /v1/services, /v1/quotas/{project}, /v1/types, /v1/log/head, \
             /v1/log/digest or /v1/events",
        )
    }

    pub(super) fn method_not_allowed(method: &Method) -> Self {
        Self::new(
            ErrorCode::MethodNotAllowed,
            format!("this path does not know {method}"),
            "use GET; what changes something is a command, published on stele.ask.<project>.<resource>.<verb>",
        )
    }

    pub(super) fn not_reached(wanted: Position, reached: Position) -> Self {
        Self::new(
            ErrorCode::NotReached,
            format!("position {wanted} is demanded, and the projection has reached {reached}"),
            "ask again in a moment; if it does not get there, the position is not of this cell's log or the log does \
             not answer",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let position = self.position.map(|position| [(POSITION_HEADER, position.to_string())]);
        (self.code.status(), position, Json(self.into_answer())).into_response()
    }
}

impl From<StoreError> for ApiError {
    fn from(source: StoreError) -> Self {
        // What exactly is wrong with the disk is for the operator, not for whoever asked.
        error!(error = ?source, "the projection cannot be read");
        Self::new(
            ErrorCode::StoreUnreadable,
            "the projection cannot be read",
            "look into the server's own log; if the file is damaged, run `stele replay rebuild`",
        )
    }
}

impl From<VolumePageError> for ApiError {
    fn from(source: VolumePageError) -> Self {
        let message = source.to_string();
        match source {
            VolumePageError::UnknownMarker(_) => {
                Self::new(ErrorCode::UnknownMarker, message, "begin at the first page again, without a marker")
            }
            VolumePageError::InvalidLimit(_) => Self::invalid(message, "give a limit from 1 to 1000"),
            VolumePageError::Store(source) => source.into(),
        }
    }
}

impl From<HangingPageError> for ApiError {
    fn from(source: HangingPageError) -> Self {
        let message = source.to_string();
        match source {
            HangingPageError::UnknownMarker => {
                Self::new(ErrorCode::UnknownMarker, message, "begin at the first page again, without a marker")
            }
            HangingPageError::InvalidLimit(_) => Self::invalid(message, "give a limit from 1 to 1000"),
            HangingPageError::Store(source) => source.into(),
        }
    }
}
