use std::collections::HashMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::http::HeaderMap;
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use stele_core::id::ProjectId;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::warn;

use super::{AuthError, Caller, SERVICE_ROLE, SERVICE_TOKEN_HEADER, TOKEN_HEADER, TokenHash, hash, token};

/// How long what Keystone said is believed: so long may a token live on here that was revoked there.
const KNOWN_FOR: Duration = Duration::from_secs(300);

/// How long a token that Keystone did not know is refused without asking again.
const UNKNOWN_FOR: Duration = Duration::from_secs(10);

/// How many tokens are remembered; with a name and roles each, a few megabytes.
const TOKENS_MAX: usize = 10_000;

/// How many questions are put to Keystone at once.
const QUESTIONS_MAX: usize = 16;

/// How many may wait for their turn; what comes beyond is told at once that Keystone is too slow.
const QUESTIONS_WAITING_MAX: usize = 1_000;

/// How long a request waits for Keystone, its turn included.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// What Keystone says of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub user_name: String,
    /// The project that the token is for: id and name. Tokens for a domain or for the whole system have none.
    pub project: Option<(String, String)>,
    /// The roles.
    pub roles: Vec<String>,
    /// How long the token is still valid; nothing when it has expired.
    pub expires_in: Duration,
}

/// Keystone cannot be asked; why stands in the log of whoever asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Keystone cannot be asked: {0}")]
pub struct IdentityDown(pub String);

/// A question that is under way.
pub type Validating = Pin<Box<dyn Future<Output = Result<Option<Known>, IdentityDown>> + Send>>;

/// The way to Keystone.
pub trait Identity: Send + Sync + 'static {
    /// What a token is; `None` for one that is not valid. With `allow_expired` also one that has expired lately.
    ///
    /// The answer comes in bounded time, and waiting for it blocks no thread of the runtime.
    fn validate(&self, token: String, allow_expired: bool) -> Validating;
}

type Answer = Result<Option<Arc<Known>>, IdentityDown>;
type Question = Shared<Pin<Box<dyn Future<Output = Answer> + Send>>>;

/// A token's hash, and whether it may have expired.
type Key = (TokenHash, bool);
type Entries = HashMap<Key, Entry>;

/// What is known of a token: an answer and how long it holds, or the question that everybody with it waits for.
enum Entry {
    Answered(Option<Arc<Known>>, Instant),
    Asked(Question),
}

enum LookedUp {
    Known(Option<Arc<Known>>),
    Asked(Question),
    TooMany,
}

/// Tokens of Keystone, each asked for once and then remembered for a while.
pub struct KeystoneTokens {
    identity: Arc<dyn Identity>,
    uri: String,
    turns: Arc<Semaphore>,
    entries: Mutex<Entries>,
}

impl fmt::Debug for KeystoneTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeystoneTokens").field("uri", &self.uri).finish_non_exhaustive()
    }
}

impl KeystoneTokens {
    /// Asks `identity`; clients without a token are sent to `uri`.
    #[must_use]
    pub fn new(identity: Arc<dyn Identity>, uri: String) -> Arc<Self> {
        let turns = Arc::new(Semaphore::new(QUESTIONS_MAX));
        Arc::new(Self { identity, uri, turns, entries: Mutex::default() })
    }

    pub(super) async fn caller(self: &Arc<Self>, headers: &HeaderMap) -> Result<Caller, AuthError> {
        let is_service = if headers.contains_key(SERVICE_TOKEN_HEADER) {
            let service = token(headers, SERVICE_TOKEN_HEADER).ok_or_else(|| self.denied())?;
            let service = self.known(service, false).await?;
            if !service.roles.iter().any(|role| role == SERVICE_ROLE) {
                return Err(self.denied());
            }
            true
        } else {
            false
        };
        let user = token(headers, TOKEN_HEADER).ok_or_else(|| self.denied())?;
        // A service may end what it began for a user whose token has expired meanwhile.
        let known = self.known(user, is_service).await?;
        let (project, project_name) = known.project.clone().ok_or_else(|| self.denied())?;
        let project = ProjectId::new(&project).map_err(|_| self.denied())?;
        let caller = Caller::new(known.user_id.clone(), project, known.roles.clone()).ok_or_else(|| self.denied())?;
        Ok(Caller { user_name: known.user_name.clone(), project_name, is_service, ..caller })
    }

    async fn known(self: &Arc<Self>, token: &str, allow_expired: bool) -> Result<Arc<Known>, AuthError> {
        let key = (hash(token), allow_expired);
        let answer = match self.look_up(key, token) {
            LookedUp::Known(answer) => Ok(answer),
            LookedUp::Asked(question) => tokio::time::timeout(ANSWER_WITHIN, question).await.unwrap_or_else(|_| {
                let waited = format!("no answer within {} s", ANSWER_WITHIN.as_secs());
                Err(IdentityDown(waited))
            }),
            LookedUp::TooMany => Err(IdentityDown(format!("{QUESTIONS_WAITING_MAX} questions are waiting"))),
        };
        let answer = answer.map_err(|down| {
            warn!(%down, "a token could not be checked");
            AuthError::Unavailable
        })?;
        answer.ok_or_else(|| self.denied())
    }

    fn look_up(self: &Arc<Self>, key: Key, token: &str) -> LookedUp {
        let mut entries = self.entries();
        match entries.get(&key) {
            Some(Entry::Answered(answer, until)) if *until > Instant::now() => return LookedUp::Known(answer.clone()),
            // One that has ended and is still here did not get to its end.
            Some(Entry::Asked(question)) if question.peek().is_none() => return LookedUp::Asked(question.clone()),
            _ => {}
        }
        make_room(&mut entries);
        if entries.values().filter(|entry| matches!(entry, Entry::Asked(_))).count() >= QUESTIONS_WAITING_MAX {
            return LookedUp::TooMany;
        }
        let question = self.question(key, token.to_owned());
        entries.insert(key, Entry::Asked(question.clone()));
        LookedUp::Asked(question)
    }

    /// Asks once, for everybody who comes with the token meanwhile; a task of its own, so that nobody's leaving stops
    /// it for the others.
    fn question(self: &Arc<Self>, key: Key, token: String) -> Question {
        let (identity, turns, tokens) = (Arc::clone(&self.identity), Arc::clone(&self.turns), Arc::downgrade(self));
        let asking = tokio::spawn(async move {
            let answer = match tokio::time::timeout(ANSWER_WITHIN, turns.acquire_owned()).await {
                Ok(Ok(_turn)) => identity.validate(token, key.1).await,
                _ => Err(IdentityDown("it answers too slowly".to_owned())),
            };
            let valid = |known: &Known| key.1 || !known.expires_in.is_zero();
            let answer = answer.map(|known| known.filter(valid).map(Arc::new));
            Self::remember(&tokens, key, &answer);
            answer
        });
        let answer = asking.map(|ended| ended.unwrap_or_else(|error| Err(IdentityDown(error.to_string()))));
        let answer: Pin<Box<dyn Future<Output = Answer> + Send>> = Box::pin(answer);
        answer.shared()
    }

    fn remember(tokens: &Weak<Self>, key: Key, answer: &Answer) {
        let Some(tokens) = tokens.upgrade() else { return };
        let mut entries = tokens.entries();
        match answer {
            Ok(answer) => {
                // One that has expired and is let through holds as long as others: Keystone bounds that time.
                let holds = answer.as_ref().map_or(UNKNOWN_FOR, |known| match known.expires_in {
                    Duration::ZERO => KNOWN_FOR,
                    left => left.min(KNOWN_FOR),
                });
                entries.insert(key, Entry::Answered(answer.clone(), Instant::now() + holds));
            }
            Err(_) => {
                entries.remove(&key);
            }
        }
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn denied(&self) -> AuthError {
        AuthError::Unauthorized { keystone: Some(self.uri.clone()) }
    }
}

/// Drops what holds no longer; when that is not enough, what would end first: tokens that Keystone did not know, so
/// that a flood of them drives no user out.
fn make_room(entries: &mut Entries) {
    if entries.len() < TOKENS_MAX {
        return;
    }
    let now = Instant::now();
    entries.retain(|_, entry| match entry {
        Entry::Answered(_, until) => *until > now,
        Entry::Asked(_) => true,
    });
    let ends = |entry: &Entry| match entry {
        Entry::Answered(_, until) => Some(*until),
        Entry::Asked(_) => None,
    };
    let first = entries.iter().filter_map(|(key, entry)| Some((ends(entry)?, *key))).min();
    if let Some((_, key)) = first.filter(|_| entries.len() >= TOKENS_MAX) {
        entries.remove(&key);
    }
}
