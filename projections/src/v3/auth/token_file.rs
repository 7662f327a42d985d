use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use stele_core::id::ProjectId;

use super::{Caller, TokenHash, hash};

/// A token that is shorter can be guessed.
const TOKEN_CHARS_MIN: usize = 16;

/// One token of the file, as it stands there.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenEntry {
    /// The token.
    pub token: String,
    /// The user's name.
    pub user: String,
    /// The user's id; the name when absent.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The project's name.
    pub project: String,
    /// The project's id; the name when absent.
    #[serde(default)]
    pub project_id: Option<ProjectId>,
    /// The roles: admin, member, reader; service for a service's own token.
    pub roles: Vec<String>,
}

/// Without the token.
impl fmt::Debug for TokenEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenEntry").field("user", &self.user).field("project", &self.project).finish_non_exhaustive()
    }
}

/// Why a token of the file cannot be used. The token is not in the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("token number {number} (user {user:?}): {why}")]
pub struct TokensError {
    /// Which one, counted from 1.
    pub number: usize,
    /// Whose it is.
    pub user: String,
    /// What is wrong with it.
    pub why: String,
}

/// The callers of a token file, by their tokens' hashes.
pub struct StaticTokens {
    callers: HashMap<TokenHash, Caller>,
}

impl fmt::Debug for StaticTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticTokens").field("tokens", &self.callers.len()).finish_non_exhaustive()
    }
}

impl StaticTokens {
    /// The callers of these tokens.
    ///
    /// # Errors
    /// [`TokensError`] names the first entry that cannot be used.
    pub fn new(entries: Vec<TokenEntry>) -> Result<Self, TokensError> {
        let mut callers = HashMap::new();
        for (index, entry) in entries.into_iter().enumerate() {
            let (number, user) = (index + 1, entry.user.clone());
            let hash = hash(entry.token.trim());
            let caller = caller(entry).map_err(|why| TokensError { number, user: user.clone(), why })?;
            if callers.insert(hash, caller).is_some() {
                let why = "the same token stands further up: give each user one of their own".to_owned();
                return Err(TokensError { number, user, why });
            }
        }
        Ok(Self { callers })
    }

    pub(super) fn caller(&self, token: &str) -> Option<Caller> {
        self.callers.get(&hash(token)).cloned()
    }
}

fn caller(entry: TokenEntry) -> Result<Caller, String> {
    let token = entry.token.trim();
    if token.chars().count() < TOKEN_CHARS_MIN || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!("the token needs at least {TOKEN_CHARS_MIN} characters, printable ASCII without blanks"));
    }
    let project = entry.project_id.map_or_else(|| ProjectId::new(&entry.project), Ok);
    let project = project.map_err(|error| format!("{error}; give the project a project_id"))?;
    let roles = entry.roles.into_iter().map(|role| role.to_lowercase()).collect();
    let reserved = format!("the project {project} is reserved for the role admin");
    let caller = Caller::new(entry.user_id.unwrap_or_else(|| entry.user.clone()), project, roles).ok_or(reserved)?;
    Ok(Caller { user_name: entry.user, project_name: entry.project, ..caller })
}
