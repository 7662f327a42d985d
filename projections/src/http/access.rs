use axum::http::{HeaderMap, Uri};

use super::error::{ApiError, ErrorCode};
use super::state::ApiState;
use crate::v3::auth::AuthError;

/// Lets an operator through: `/v1` shows every project's things. Where nobody is asked who they are, everybody is one.
pub(super) async fn operators_only<L>(state: &ApiState<L>, headers: &HeaderMap, uri: &Uri) -> Result<(), ApiError> {
    if !state.authenticator.asks() {
        return Ok(());
    }
    let caller = state.authenticator.authenticate(headers, uri, None).await.map_err(|error| match error {
        AuthError::Unavailable => ApiError::new(
            ErrorCode::AuthUnavailable,
            "Keystone does not answer, so nobody knows whose token this is",
            "ask again in a moment; the server's own log says what it gets from Keystone",
        ),
        AuthError::Unauthorized { .. } | AuthError::Handshake { .. } => ApiError::new(
            ErrorCode::Unauthenticated,
            "there is no valid token in X-Auth-Token",
            "send one; with the command line by --token or STELE_TOKEN",
        ),
    })?;
    if caller.is_admin {
        return Ok(());
    }
    let message = format!("user {} has not the role admin, and /v1 is for operators", caller.user_name);
    Err(ApiError::new(ErrorCode::Forbidden, message, "use /v3, or a token with the role admin"))
}
