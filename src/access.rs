//! Whom an API answers: the settings, checked, become an authenticator.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use stele_projections::v3::auth::{Authenticator, KeystoneTokens, StaticTokens, TokenEntry};
use tracing::warn;

use crate::args::{Auth, AuthMethod};
use crate::failure::Failure;
use crate::keystone::{Keystone, Login};

/// Keystone's own name for the domain that it begins with.
const DOMAIN_DEFAULT: &str = "Default";

/// `[auth]` of the settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuthSettings {
    /// `noauth`, `static` or `keystone`.
    pub method: Option<AuthMethod>,
    /// The file with the tokens, for `static`.
    pub tokens_file: Option<PathBuf>,
    /// `noauth` on addresses that others reach.
    pub noauth_anywhere: bool,
    /// Where and who, for `keystone`.
    pub keystone: KeystoneSettings,
}

/// `[auth.keystone]` of the settings file. The password stands in a file of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeystoneSettings {
    /// Where Keystone is.
    pub url: Option<String>,
    /// The user as whom Stele asks about tokens.
    pub user: Option<String>,
    /// The file that holds this user's password.
    pub password_file: Option<PathBuf>,
    /// The project of this user.
    pub project: Option<String>,
    /// The domain of this user.
    pub user_domain: Option<String>,
    /// The domain of this project.
    pub project_domain: Option<String>,
    /// The certificates that Keystone's own is checked against.
    pub ca_file: Option<PathBuf>,
}

/// The file of static tokens.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenFile {
    token: Vec<TokenEntry>,
}

impl AuthSettings {
    /// These settings with what the command line says instead.
    #[must_use]
    pub fn with(&self, args: &Auth) -> Self {
        let (file, args) = (self.keystone.clone(), args.clone());
        Self {
            method: args.method.or(self.method),
            tokens_file: args.tokens_file.or_else(|| self.tokens_file.clone()),
            noauth_anywhere: args.noauth_anywhere || self.noauth_anywhere,
            keystone: KeystoneSettings {
                url: args.keystone_url.or(file.url),
                user: args.keystone_user.or(file.user),
                password_file: args.keystone_password_file.or(file.password_file),
                project: args.keystone_project.or(file.project),
                user_domain: args.keystone_user_domain.or(file.user_domain),
                project_domain: args.keystone_project_domain.or(file.project_domain),
                ca_file: args.keystone_ca_file.or(file.ca_file),
            },
        }
    }

    /// The authenticator for an API that listens on `http`.
    ///
    /// # Errors
    /// A [`Failure`] when nothing was chosen, something is missing, or everybody would be let in from outside.
    pub async fn authenticator(&self, http: SocketAddr) -> Result<Authenticator, Failure> {
        let method = self.method.ok_or_else(|| {
            let remedy = "give --auth noauth (this machine only), --auth static or --auth keystone";
            Failure::new("AuthNotChosen", "nobody said whom the API shall answer", remedy)
        })?;
        match method {
            AuthMethod::NoAuth => {
                if !http.ip().is_loopback() && !self.noauth_anywhere {
                    let what = format!("the API was told to listen on {http}, and it asks nobody who they are");
                    let remedy = "listen on loopback, or choose --auth static or --auth keystone; \
                                  --auth-noauth-anywhere makes everybody who reaches it an admin";
                    return Err(Failure::new("NotLoopback", what, remedy));
                }
                Ok(Authenticator::NoAuth)
            }
            AuthMethod::Static => {
                let file = required(self.tokens_file.as_ref(), "--auth-tokens")?;
                Ok(Authenticator::Static(Arc::new(static_tokens(file)?)))
            }
            AuthMethod::Keystone => self.keystone.authenticator().await,
        }
    }
}

impl KeystoneSettings {
    async fn authenticator(&self) -> Result<Authenticator, Failure> {
        let url = required(self.url.as_ref(), "--keystone-url")?.clone();
        let password_file = required(self.password_file.as_ref(), "--keystone-password-file")?;
        let domain = |given: &Option<String>| given.clone().unwrap_or_else(|| DOMAIN_DEFAULT.to_owned());
        let login = Login {
            url: url.clone(),
            user: required(self.user.as_ref(), "--keystone-user")?.clone(),
            user_domain: domain(&self.user_domain),
            password: secret(password_file)?.trim_end_matches(['\r', '\n']).to_owned(),
            project: required(self.project.as_ref(), "--keystone-project")?.clone(),
            project_domain: domain(&self.project_domain),
        };
        let keystone = Keystone::new(login, self.ca_file.as_deref())
            .map_err(|why| Failure::new("InvalidKeystone", why, "correct --keystone-url or --keystone-ca-file"))?;
        if let Err(down) = keystone.log_in().await {
            // Keystone may come up later than Stele: until then callers get 503.
            warn!("{down}");
        }
        Ok(Authenticator::Keystone(KeystoneTokens::new(Arc::new(keystone), url)))
    }
}

fn required<'a, T>(value: Option<&'a T>, option: &str) -> Result<&'a T, Failure> {
    let remedy = format!("give {option}, or set it in the settings file");
    value.ok_or_else(|| Failure::new("AuthIncomplete", format!("{option} is missing"), remedy))
}

fn static_tokens(path: &Path) -> Result<StaticTokens, Failure> {
    let text = secret(path)?;
    let file = path.display();
    let remedy = "correct the file (docs/authentication.md)";
    let parsed: TokenFile = toml::from_str(&text).map_err(|error| {
        // The library's own text would show the line, and a token in it.
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        Failure::new("InvalidTokens", format!("{file}, line {line}: {}", error.message()), remedy)
    })?;
    StaticTokens::new(parsed.token).map_err(|error| Failure::new("InvalidTokens", format!("{file}: {error}"), remedy))
}

/// A file with secrets in it: it is not read when anybody on the machine could.
fn secret(path: &Path) -> Result<String, Failure> {
    let file = path.display();
    let unreadable = |error: std::io::Error| {
        Failure::new("SecretUnreadable", format!("{file} cannot be read: {error}"), "see its path and its rights")
    };
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    if mode & 0o007 != 0 {
        let what = format!("everybody on this machine may read or change {file} (mode {:03o})", mode & 0o777);
        return Err(Failure::new("SecretExposed", what, format!("chmod 600 {file}")));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> AuthSettings {
        toml::from_str(text).unwrap()
    }

    async fn code(settings: AuthSettings, http: &str) -> String {
        settings.authenticator(http.parse().unwrap()).await.map_or_else(|failure| failure.code, |_| "ok".to_owned())
    }

    fn file(folder: &Path, text: &str, mode: u32) -> PathBuf {
        let path = folder.join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[tokio::test]
    async fn nobody_is_let_in_by_mistake() {
        for (text, http, expected) in [
            ("", "127.0.0.1:0", "AuthNotChosen"),
            ("method = 'noauth'", "127.0.0.1:0", "ok"),
            ("method = 'noauth'", "[::1]:0", "ok"),
            ("method = 'noauth'", "0.0.0.0:0", "NotLoopback"),
            ("method = 'noauth'\nnoauth_anywhere = true", "0.0.0.0:0", "ok"),
            ("method = 'static'", "127.0.0.1:0", "AuthIncomplete"),
            ("method = 'static'\ntokens_file = '/nowhere/at/all'", "127.0.0.1:0", "SecretUnreadable"),
            ("method = 'keystone'", "127.0.0.1:0", "AuthIncomplete"),
        ] {
            assert_eq!(code(settings(text), http).await, expected, "{text} on {http}");
        }
    }

    #[tokio::test]
    async fn a_file_of_secrets_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tokens = "[[token]]\ntoken = 'aaaaaaaaaaaaaaaa'\nuser = 'u'\nproject = 'p'\nroles = ['member']\n";
        for (mode, expected) in [(0o600, "ok"), (0o640, "ok"), (0o604, "SecretExposed"), (0o666, "SecretExposed")] {
            let tokens_file = Some(file(folder.path(), tokens, mode));
            let settings = AuthSettings { method: Some(AuthMethod::Static), tokens_file, ..AuthSettings::default() };
            assert_eq!(code(settings, "0.0.0.0:0").await, expected, "{mode:o}");
        }
    }

    #[test]
    fn an_error_in_the_token_file_names_its_line_and_shows_no_token() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "[[token]]\ntoken = 'hush-hush-hush-hush\n",
            "[[token]]\ntoken = 'hush-hush-hush-hush'\nuser = 1\n",
            "[[token]]\ntoken = 'hush-hush-hush-hush'\nuser = 'u'\nproject = 'p'\nroles = []\nhush = 1",
        ] {
            let failure = static_tokens(&file(folder.path(), text, 0o600)).unwrap_err();
            assert_eq!(failure.code, "InvalidTokens");
            assert!(failure.message.contains("line ") && !failure.message.contains("hush-hush"), "{failure}");
        }
    }

    #[test]
    fn the_command_line_comes_before_the_file() {
        let file = settings("method = 'static'\ntokens_file = 'a'\n[keystone]\nurl = 'http://a'\nuser = 'u'");
        let args =
            Auth { method: Some(AuthMethod::Keystone), keystone_url: Some("http://b".to_owned()), ..Auth::default() };
        let both = file.with(&args);
        assert_eq!(both.method, Some(AuthMethod::Keystone));
        assert_eq!(both.keystone.url.as_deref(), Some("http://b"));
        assert_eq!(both.keystone.user.as_deref(), Some("u"));
        assert_eq!(both.tokens_file, Some(PathBuf::from("a")));
    }
}
