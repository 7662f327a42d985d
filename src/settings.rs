//! Settings, from the command line, the environment, a file, or the loopback defaults, in this order.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use stele_core::id::ProjectId;
use stele_core::state::Config;
use stele_projections::projection::HISTORY_DEFAULT;
use stele_workers::config::BackendConfig;

use crate::access::AuthSettings;
use crate::args::{Global, Token};
use crate::nats::{ConnectionSettings, Identity};

/// Where NATS is when nobody says.
pub const NATS_DEFAULT: &str = "nats://127.0.0.1:4222";
/// Where the API is when nobody says.
pub const URL_DEFAULT: &str = "http://127.0.0.1:8776";
/// The project when nobody says.
pub const PROJECT_DEFAULT: &str = "demo";

/// What can stand in the settings file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsFile {
    /// NATS servers.
    pub nats: Option<Vec<String>>,
    /// The API's address.
    pub url: Option<String>,
    /// The project that commands are for.
    pub project: Option<ProjectId>,
    /// Who we are to NATS.
    pub identity: IdentitySettings,
    /// Whom an API answers.
    pub auth: AuthSettings,
    /// The file with the key of the CHAP secrets that an API shows.
    pub chap_key_file: Option<PathBuf>,
    /// The folder with the log's archived beginning.
    pub archive: Option<PathBuf>,
    /// What an API keeps.
    pub api: ApiSettings,
    /// Replies arrive below this subject; needed where NATS permissions are per client.
    pub inbox_prefix: Option<String>,
    /// What a control decides by.
    pub control: Config,
    /// The backends of the workers on this node.
    #[serde(rename = "backend")]
    pub backends: Vec<BackendConfig>,
}

/// What an API keeps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ApiSettings {
    /// How many positions of the log back it can be asked for the past.
    pub history: Option<u64>,
}

impl ApiSettings {
    /// What holds when the command line says this.
    #[must_use]
    pub fn history(&self, given: Option<u64>) -> u64 {
        given.or(self.history).unwrap_or(HISTORY_DEFAULT)
    }
}

/// Who we are to NATS. Secrets stand in files of their own, never here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentitySettings {
    /// A user with a password.
    pub user: Option<String>,
    /// The file that holds the user's password.
    pub password_file: Option<PathBuf>,
    /// A credentials file.
    pub credentials_file: Option<PathBuf>,
    /// A file with an nkey seed.
    pub nkey_seed_file: Option<PathBuf>,
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct From<T> {
    /// The value.
    pub value: T,
    /// Such as `--nats or STELE_NATS`, a file, `default`.
    pub source: String,
}

/// What all that comes to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// NATS servers.
    pub nats: From<Vec<String>>,
    /// The API's address.
    pub url: From<String>,
    /// The project that commands are for.
    pub project: From<ProjectId>,
    /// The folder with the log's archived beginning, when there is one.
    pub archive: Option<From<PathBuf>>,
    /// The token for the API, when there is one.
    pub token: Option<Token>,
    /// The file, when there is one.
    pub file: Option<PathBuf>,
    /// The rest of it.
    pub from_file: SettingsFile,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("the settings file {path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// The file has an error.
    #[error("the settings file {path} has an error: {why}")]
    Invalid {
        /// The file.
        path: String,
        /// What and where.
        why: String,
    },
    /// The identity is not complete, or says two things.
    #[error("identity: {0}")]
    Identity(String),
}

impl Settings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// [`SettingsError`] names the file and the place in it.
    pub fn load(global: &Global) -> Result<Self, SettingsError> {
        let from_file = global.config.as_deref().map(read_file).transpose()?.unwrap_or_default();
        let file_source = || global.config.as_ref().map_or_else(String::new, |path| path.display().to_string());
        let pick = |given: Option<Vec<String>>, name: &str, in_file: Option<Vec<String>>, default: &str| match (
            given, in_file,
        ) {
            (Some(value), _) => From { value, source: format!("--{name} or STELE_{}", name.to_uppercase()) },
            (None, Some(value)) => From { value, source: file_source() },
            (None, None) => From { value: vec![default.to_owned()], source: "default".to_owned() },
        };
        let servers = global.nats.as_ref().map(|text| text.split(',').map(|url| url.trim().to_owned()).collect());
        let nats = pick(servers, "nats", from_file.nats.clone(), NATS_DEFAULT);
        let url = pick(global.url.clone().map(|u| vec![u]), "url", from_file.url.clone().map(|u| vec![u]), URL_DEFAULT);
        let project = global.project.as_ref().map(|p| vec![p.to_string()]);
        let project =
            pick(project, "project", from_file.project.as_ref().map(|p| vec![p.to_string()]), PROJECT_DEFAULT);
        let first = |from: From<Vec<String>>| From {
            value: from.value.into_iter().next().unwrap_or_default(),
            source: from.source,
        };
        let (url, project) = (first(url), first(project));
        let id = ProjectId::new(&project.value)
            .map_err(|e| SettingsError::Invalid { path: project.source.clone(), why: e.to_string() })?;
        let project = From { value: id, source: project.source };
        let given = global.archive.clone().map(|value| From { value, source: "--archive or STELE_ARCHIVE".to_owned() });
        let in_file = from_file.archive.clone().map(|value| From { value, source: file_source() });
        let archive = given.or(in_file);
        let (token, file) = (global.token.clone(), global.config.clone());
        Ok(Self { nats, url, project, archive, token, file, from_file })
    }

    /// How to connect to NATS as `name`.
    ///
    /// # Errors
    /// [`SettingsError`] when the identity's files cannot be read or it says two things.
    pub fn connection(&self, name: &str) -> Result<ConnectionSettings, SettingsError> {
        let mut settings = ConnectionSettings::new(self.nats.value.clone(), name);
        settings.identity = self.from_file.identity.identity()?;
        settings.inbox_prefix.clone_from(&self.from_file.inbox_prefix);
        Ok(settings)
    }
}

impl IdentitySettings {
    fn identity(&self) -> Result<Identity, SettingsError> {
        match (&self.user, &self.password_file, &self.credentials_file, &self.nkey_seed_file) {
            (None, None, None, None) => Ok(Identity::Anonymous),
            (Some(user), Some(file), None, None) => {
                Ok(Identity::Password { user: user.clone(), password: read_text(file)?.trim_end().to_owned() })
            }
            (None, None, Some(file), None) => Ok(Identity::CredentialsFile(file.clone())),
            (None, None, None, Some(file)) => Ok(Identity::NkeySeedFile(file.clone())),
            _ => Err(SettingsError::Identity(
                "give user and password_file, or credentials_file, or nkey_seed_file, and nothing else".to_owned(),
            )),
        }
    }
}

fn read_file(path: &Path) -> Result<SettingsFile, SettingsError> {
    let text = read_text(path)?;
    toml::from_str(&text).map_err(|e| SettingsError::Invalid { path: path.display().to_string(), why: e.to_string() })
}

fn read_text(path: &Path) -> Result<String, SettingsError> {
    std::fs::read_to_string(path)
        .map_err(|e| SettingsError::Unreadable { path: path.display().to_string(), why: e.to_string() })
}
