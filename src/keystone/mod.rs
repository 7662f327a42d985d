//! Asking Keystone what a token is, as a service of its own.
//!
//! Keystone answers that only to users with rights: Stele logs in with a password, and with the token that it gets asks
//! about others. That token is renewed before it ends, and whenever Keystone no longer takes it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use stele_core::unit::Timestamp;
use stele_projections::v3::auth::{Identity, IdentityDown, Known, Validating};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use crate::clock::now;

/// How long one answer of Keystone may take. Checking a token takes it milliseconds.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The largest answer that is read. A token without its catalogue has a few thousand bytes.
const ANSWER_BYTES_MAX: u64 = 1024 * 1024;

/// So long before its end the own token is renewed.
const RENEW_BEFORE: Duration = Duration::from_secs(60);

/// After a failed login the next one waits: Keystone may lock a user out who fails too often.
const LOGIN_PAUSE: Duration = Duration::from_secs(5);

/// Who Stele is to Keystone.
#[derive(Clone)]
pub struct Login {
    /// Where Keystone is, with or without `/v3`.
    pub url: String,
    /// The user.
    pub user: String,
    /// The user's domain.
    pub user_domain: String,
    /// The password.
    pub password: String,
    /// The project.
    pub project: String,
    /// The project's domain.
    pub project_domain: String,
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("url", &self.url).field("user", &self.user).finish_non_exhaustive()
    }
}

/// A Keystone.
#[derive(Debug, Clone)]
pub struct Keystone {
    service: Arc<Service>,
}

struct Service {
    agent: ureq::Agent,
    tokens_url: String,
    login: Login,
    own: Mutex<Own>,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("login", &self.login).finish_non_exhaustive()
    }
}

/// The token that Stele itself has.
#[derive(Default)]
struct Own {
    token: Option<(String, Instant)>,
    failed: Option<(IdentityDown, Instant)>,
}

impl Keystone {
    /// A Keystone at the login's address; `ca_file` holds the certificates that its own is checked against, instead of
    /// the public ones.
    ///
    /// # Errors
    /// A text that says what is wrong with the address or the file.
    pub fn new(login: Login, ca_file: Option<&Path>) -> Result<Self, String> {
        if !login.url.starts_with("http://") && !login.url.starts_with("https://") {
            return Err(format!("{:?} is no address: it begins with http:// or https://", login.url));
        }
        let roots = ca_file
            .map(certificates)
            .transpose()?
            .map_or(RootCerts::WebPki, |certificates| RootCerts::new_with_certs(&certificates));
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            // A token is shown to nobody but the Keystone that was named.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build();
        let base = login.url.trim_end_matches('/');
        let base = if base.ends_with("/v3") { base.to_owned() } else { format!("{base}/v3") };
        let service =
            Service { agent: config.into(), tokens_url: format!("{base}/auth/tokens"), login, own: Mutex::default() };
        Ok(Self { service: Arc::new(service) })
    }

    /// Logs in now, to see whether that works.
    ///
    /// # Errors
    /// [`IdentityDown`] says what Keystone answers.
    pub async fn log_in(&self) -> Result<(), IdentityDown> {
        let service = Arc::clone(&self.service);
        blocking(move || service.own_token(None).map(|_| ())).await
    }
}

impl Identity for Keystone {
    fn validate(&self, token: String, allow_expired: bool) -> Validating {
        let service = Arc::clone(&self.service);
        Box::pin(blocking(move || service.validate(&token, allow_expired)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, IdentityDown> + Send + 'static,
) -> Result<T, IdentityDown> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(IdentityDown(error.to_string())))
}

impl Service {
    fn validate(&self, token: &str, allow_expired: bool) -> Result<Option<Known>, IdentityDown> {
        let own = self.own_token(None)?;
        let (mut status, mut body) = self.look_at(token, &own, allow_expired)?;
        if status == 401 {
            // It is our own token that Keystone does not take: it may have been restarted with other keys.
            let own = self.own_token(Some(&own))?;
            (status, body) = self.look_at(token, &own, allow_expired)?;
        }
        match status {
            200 => known(&body).map(Some),
            404 => Ok(None),
            401 | 403 => Err(IdentityDown(format!(
                "user {:?} may not look at tokens (status {status}): give it the role admin or service in project {:?}",
                self.login.user, self.login.project
            ))),
            status => Err(IdentityDown(format!("{} answers {status}", self.tokens_url))),
        }
    }

    fn look_at(&self, token: &str, own: &str, allow_expired: bool) -> Result<(u16, Vec<u8>), IdentityDown> {
        let expired = if allow_expired { "&allow_expired=1" } else { "" };
        let request = self.agent.get(format!("{}?nocatalog{expired}", self.tokens_url));
        let request = request.header("X-Auth-Token", own).header("X-Subject-Token", token);
        let (status, _, body) = self.answer(request.call())?;
        Ok((status, body))
    }

    /// The own token; a new one when there is none, when it ends soon, or when it is `refused`. One login at a time:
    /// whoever comes meanwhile waits for it.
    fn own_token(&self, refused: Option<&str>) -> Result<String, IdentityDown> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, until)) = &own.token
            && *until > Instant::now()
            && refused != Some(token.as_str())
        {
            return Ok(token.clone());
        }
        if let Some((failed, until)) = &own.failed
            && *until > Instant::now()
        {
            return Err(failed.clone());
        }
        match self.log_in() {
            Ok((token, lives)) => {
                *own = Own { token: Some((token.clone(), Instant::now() + lives)), failed: None };
                Ok(token)
            }
            Err(failed) => {
                *own = Own { token: None, failed: Some((failed.clone(), Instant::now() + LOGIN_PAUSE)) };
                Err(failed)
            }
        }
    }

    fn log_in(&self) -> Result<(String, Duration), IdentityDown> {
        let login = &self.login;
        let user = json!({"name": login.user, "domain": {"name": login.user_domain}, "password": login.password});
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": {"project": {"name": login.project, "domain": {"name": login.project_domain}}},
        }});
        let (status, token, body) =
            self.answer(self.agent.post(format!("{}?nocatalog", self.tokens_url)).send_json(&body))?;
        match (status, token) {
            (201, Some(token)) => {
                let lives = known(&body)?.expires_in.saturating_sub(RENEW_BEFORE);
                Ok((token, lives))
            }
            (401, _) => Err(IdentityDown(format!(
                "{} does not let user {:?} of domain {:?} into project {:?} of domain {:?}: see its password and its roles",
                self.tokens_url, login.user, login.user_domain, login.project, login.project_domain
            ))),
            (status, _) => Err(IdentityDown(format!("{} answers {status} to a login", self.tokens_url))),
        }
    }

    /// Status, the token of a login, and body.
    fn answer(
        &self,
        called: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Result<(u16, Option<String>, Vec<u8>), IdentityDown> {
        let silent = |error: ureq::Error| IdentityDown(format!("{} does not answer: {error}", self.tokens_url));
        let mut response = called.map_err(silent)?;
        let token = response.headers().get("x-subject-token").and_then(|value| value.to_str().ok());
        let token = token.map(ToOwned::to_owned);
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec().map_err(silent)?;
        Ok((status, token, body))
    }
}

#[derive(Deserialize)]
struct Answer {
    token: TokenAnswer,
}

#[derive(Deserialize)]
struct TokenAnswer {
    expires_at: Timestamp,
    user: Named,
    #[serde(default)]
    project: Option<Named>,
    #[serde(default)]
    roles: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

fn known(body: &[u8]) -> Result<Known, IdentityDown> {
    // The answer itself is not shown: it may hold what is nobody's business.
    let answer: Answer =
        serde_json::from_slice(body).map_err(|error| IdentityDown(format!("its answer is not understood: {error}")))?;
    let token = answer.token;
    Ok(Known {
        user_id: token.user.id,
        user_name: token.user.name,
        project: token.project.map(|project| (project.id, project.name)),
        roles: token.roles.into_iter().map(|role| role.name).collect(),
        expires_in: Duration::from_millis(token.expires_at.ms_since(now())),
    })
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let text = std::fs::read(path).map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        let item = item.map_err(|error| format!("{} is no PEM file: {error}", path.display()))?;
        if let PemItem::Certificate(certificate) = item {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() { Err(format!("{} holds no certificate", path.display())) } else { Ok(certificates) }
}
