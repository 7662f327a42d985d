use axum::Json;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why there is no caller; what the client gets is what keystonemiddleware or Cinder's noauth would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuthError {
    /// Without authentication: the client named no token, and is told the one to use.
    Handshake {
        /// The token.
        token: String,
        /// Where to come with it.
        url: String,
    },
    /// There is no token, or it is not, or no longer, valid.
    Unauthorized {
        /// Where Keystone is, when it is Keystone that gives tokens.
        keystone: Option<String>,
    },
    /// Keystone does not answer, so nobody knows.
    Unavailable,
}

impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        match self {
            Self::Handshake { token, url } => {
                let mut response = StatusCode::NO_CONTENT.into_response();
                for (name, text) in [("x-auth-token", token), ("x-server-management-url", url)] {
                    if let Ok(value) = HeaderValue::try_from(text) {
                        response.headers_mut().insert(HeaderName::from_static(name), value);
                    }
                }
                response
            }
            Self::Unauthorized { keystone } => {
                let message = "The request you have made requires authentication.";
                let mut response = answer(StatusCode::UNAUTHORIZED, "Unauthorized", message);
                let asks = keystone.and_then(|uri| HeaderValue::try_from(format!("Keystone uri=\"{uri}\"")).ok());
                if let Some(value) = asks {
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
                }
                response
            }
            Self::Unavailable => {
                let message = "The Keystone service is temporarily unavailable.";
                answer(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable", message)
            }
        }
    }
}

fn answer(status: StatusCode, title: &str, message: &str) -> Response {
    let body = json!({"error": {"code": status.as_u16(), "title": title, "message": message}});
    (status, Json(body)).into_response()
}
