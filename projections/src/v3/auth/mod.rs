//! Who asks: tokens become callers, in one of three ways.
//!
//! | way | a token is | for |
//! | --- | --- | --- |
//! | [`Authenticator::NoAuth`] | `user:project`, believed as it is, always an admin | loopback, tests |
//! | [`Authenticator::Static`] | one of those in a file | small cells, machines |
//! | [`Authenticator::Keystone`] | whatever Keystone says it is | OpenStack |
//!
//! Tokens are looked up by their SHA-256: none is kept in memory, compared byte by byte, logged or shown.

mod caller;
mod error;
mod keystone;
#[cfg(test)]
mod tests;
mod token_file;

use std::net::IpAddr;
use std::sync::Arc;

use axum::http::{HeaderMap, Uri, header};
use sha2::{Digest as _, Sha256};
use stele_core::id::{ADMIN_PROJECT, ProjectId};

pub use caller::{ADMIN_ROLE, Caller, SERVICE_ROLE};
pub use error::AuthError;
pub use keystone::{Identity, IdentityDown, KeystoneTokens, Known, Validating};
pub use token_file::{StaticTokens, TokenEntry, TokensError};

/// The header with the caller's token.
pub const TOKEN_HEADER: &str = "x-auth-token";

/// The header with the token of a service that asks in the name of the caller.
pub const SERVICE_TOKEN_HEADER: &str = "x-service-token";

/// The longest token that is looked at. Keystone's are below 300 bytes, or a few thousand with old formats.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How callers are found out.
#[derive(Debug, Clone)]
pub enum Authenticator {
    /// Nobody is asked for anything that could be checked.
    NoAuth,
    /// Tokens of a file.
    Static(Arc<StaticTokens>),
    /// Tokens of Keystone.
    Keystone(Arc<KeystoneTokens>),
}

/// A token's SHA-256.
type TokenHash = [u8; 32];

impl Authenticator {
    /// Who sent a request with these headers. `project` is the one in its path, when there is one.
    ///
    /// # Errors
    /// [`AuthError`], which is an answer.
    pub async fn authenticate(
        &self,
        headers: &HeaderMap,
        uri: &Uri,
        project: Option<&str>,
    ) -> Result<Caller, AuthError> {
        match self {
            Self::NoAuth => no_auth(headers, uri, project),
            Self::Static(tokens) => {
                let denied = || AuthError::Unauthorized { keystone: None };
                let mut caller = tokens.caller(token(headers, TOKEN_HEADER).ok_or_else(denied)?).ok_or_else(denied)?;
                if headers.contains_key(SERVICE_TOKEN_HEADER) {
                    let service = token(headers, SERVICE_TOKEN_HEADER).and_then(|token| tokens.caller(token));
                    caller.is_service = service.is_some_and(|service| service.has_role(SERVICE_ROLE));
                    // As keystonemiddleware: a service token that is none is not overlooked.
                    return if caller.is_service { Ok(caller) } else { Err(denied()) };
                }
                Ok(caller)
            }
            Self::Keystone(tokens) => tokens.caller(headers).await,
        }
    }

    /// Whether callers have to prove who they are.
    #[must_use]
    pub fn asks(&self) -> bool {
        !matches!(self, Self::NoAuth)
    }
}

/// Cinder's noauth: the token is `user:project`. Who sends none is taken for an admin of the path's project, as long as
/// it is a program on this machine that asks; others are told a token to come with, as Cinder tells everybody.
fn no_auth(headers: &HeaderMap, uri: &Uri, project: Option<&str>) -> Result<Caller, AuthError> {
    let denied = || AuthError::Unauthorized { keystone: None };
    let (user, project) = match headers.get(TOKEN_HEADER) {
        Some(value) => {
            let token = value.to_str().map_err(|_| denied())?.trim();
            let (user, project) = token.split_once(':').unwrap_or((token, ""));
            (user, if project.is_empty() { user } else { project })
        }
        None if is_local_program(headers) => (ADMIN_ROLE, project.unwrap_or(ADMIN_PROJECT)),
        None => return Err(handshake(headers, uri)),
    };
    let project = ProjectId::new(project).map_err(|_| denied())?;
    let mut caller = Caller::new(user.to_owned(), project, vec![ADMIN_ROLE.to_owned()]).ok_or_else(denied)?;
    caller.is_service = headers.contains_key(SERVICE_TOKEN_HEADER);
    Ok(caller)
}

/// Whether a request comes from no web page: a browser says where a page is from, and a page that had its own name
/// lead here would be known by that name.
fn is_local_program(headers: &HeaderMap) -> bool {
    let from_page = ["origin", "referer", "sec-fetch-site"].iter().any(|name| headers.contains_key(*name));
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
    let is_here = name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_here && !from_page
}

fn handshake(headers: &HeaderMap, uri: &Uri) -> AuthError {
    let text = |name: &str, default: &str| {
        headers.get(name).and_then(|value| value.to_str().ok()).map_or_else(|| default.to_owned(), ToOwned::to_owned)
    };
    let (user, project) = (text("x-auth-user", "admin"), text("x-auth-project-id", "admin"));
    let url = format!("http://{}{}", text(header::HOST.as_str(), "localhost"), uri.path().trim_end_matches('/'));
    AuthError::Handshake { token: format!("{user}:{project}"), url }
}

/// The token in a header, when it can be one.
fn token<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let token = headers.get(name)?.to_str().ok()?.trim();
    (!token.is_empty() && token.len() <= TOKEN_BYTES_MAX).then_some(token)
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}
