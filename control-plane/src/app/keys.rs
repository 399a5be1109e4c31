//! API keys of a tenant: mint, list, revoke. The secret is shown once and only its SHA-256 is kept.

use router_core::domain::{KeyDigest, KeyId, Timestamp};

use crate::authz::TenantScope;
use crate::clock;
use crate::db::keys::{self as db, NewKey, Revoked};
use crate::db::{Store, StoreError};
use crate::secret::{fresh_id, random_text};

/// What every key starts with, so that people and secret scanners recognise one.
const MARK: &str = "tg-";
/// Letters and digits after the mark: 256 bits of chance.
const SECRET_CHARACTERS: usize = 43;
/// How much of them is kept to recognise the key; what is left to guess is 220 bits.
const PREFIX_CHARACTERS: usize = 6;
const NAME_CHARACTERS_MAX: usize = 200;
const MODELS_MAX: usize = 1_000;

/// Why a key was not minted or revoked.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The name cannot be shown in a list.
    #[error("key name {0:?} cannot be used: give it 1 to 200 characters, without line breaks or control characters")]
    BadName(String),
    /// The key could do nothing, or a pattern can never match.
    #[error("{0}: name models as clients ask for them, `provider/*` for all of one provider, or `*` for all")]
    BadModels(String),
    /// This tenant has no such key.
    #[error("{0} is not a key of this organisation; `tollgate keys list` shows those that are")]
    Unknown(KeyId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A key that has just been made. Has no `Debug`: this is the only time that anybody sees the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Minted {
    /// Its identity.
    pub id: KeyId,
    /// What the client sends: `tg-` and 43 letters and digits.
    pub secret: String,
}

/// What is known about a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its identity.
    pub id: KeyId,
    /// What its owner calls it.
    pub name: String,
    /// The first characters after `tg-`.
    pub prefix: String,
    /// The models it may use, as in [`KeyDoc::models`](router_core::snapshot::KeyDoc::models).
    pub models: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// The moment from which on it is refused.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a key may do.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'r> {
    /// The models it may use, as in [`KeyDoc::models`](router_core::snapshot::KeyDoc::models).
    pub models: &'r [String],
    /// The moment from which on it is refused.
    pub expires_at: Option<Timestamp>,
    /// Whether a request is refused that a provider's API cannot express whole.
    pub refuse_lossy: bool,
}

impl<'r> Rules<'r> {
    /// Uses these models, for ever, and is told what a provider could not be.
    pub const fn models(models: &'r [String]) -> Self {
        Self { models, expires_at: None, refuse_lossy: false }
    }
}

/// Makes a key.
pub async fn mint(store: &Store, scope: &TenantScope, name: &str, rules: Rules<'_>) -> Result<Minted, KeyError> {
    check_name(name)?;
    check_models(rules.models)?;
    let (minted, key) = draw(name, rules, clock::now());
    db::insert(store, scope, &key).await?;
    Ok(minted)
}

/// All keys of the tenant, oldest first; revoked ones too.
pub async fn list(store: &Store, scope: &TenantScope) -> Result<Vec<KeyInfo>, StoreError> {
    db::list(store, scope).await
}

/// Takes a key out of use. Revoking it again changes nothing.
pub async fn revoke(store: &Store, scope: &TenantScope, id: KeyId) -> Result<(), KeyError> {
    match db::revoke(store, scope, id, clock::now()).await? {
        Revoked::Now | Revoked::Before => Ok(()),
        Revoked::Unknown => Err(KeyError::Unknown(id)),
    }
}

/// A fresh secret, and the row that remembers it.
pub(super) fn draw(name: &str, rules: Rules<'_>, created_at: Timestamp) -> (Minted, NewKey) {
    let text = random_text(SECRET_CHARACTERS);
    let secret = format!("{MARK}{text}");
    let id = KeyId(fresh_id(created_at));
    let key = NewKey {
        id,
        name: name.to_owned(),
        digest: KeyDigest::of(secret.as_bytes()),
        prefix: text[..PREFIX_CHARACTERS].to_owned(),
        models: rules.models.to_vec(),
        created_at,
        expires_at: rules.expires_at,
        refuse_lossy: rules.refuse_lossy,
    };
    (Minted { id, secret }, key)
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let fits = !name.trim().is_empty() && name.chars().count() <= NAME_CHARACTERS_MAX;
    if fits && !name.chars().any(char::is_control) { Ok(()) } else { Err(KeyError::BadName(name.to_owned())) }
}

fn check_models(models: &[String]) -> Result<(), KeyError> {
    if models.is_empty() {
        return Err(KeyError::BadModels("a key without models can do nothing".to_owned()));
    }
    if models.len() > MODELS_MAX {
        return Err(KeyError::BadModels(format!("{} model patterns are more than {MODELS_MAX}", models.len())));
    }
    match models.iter().find(|pattern| pattern.is_empty() || !pattern.bytes().all(|byte| byte.is_ascii_graphic())) {
        Some(pattern) => Err(KeyError::BadModels(format!("{pattern:?} matches no model"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_looks_like_a_key_and_its_row_cannot_be_used_as_one() {
        let (minted, key) = draw("ci", Rules::models(&["*".to_owned()]), Timestamp(0));
        assert_eq!(minted.secret.len(), 46);
        assert!(minted.secret.starts_with(&format!("tg-{}", key.prefix)));
        assert_eq!(key.digest, KeyDigest::of(minted.secret.as_bytes()));
        assert_eq!(key.prefix.len(), 6);
    }

    #[test]
    fn names_that_break_a_list_are_refused() {
        assert!(check_name("Jo's laptop, 2nd").is_ok());
        for name in ["", "  ", "a\nb", "\u{1b}[31m", &"x".repeat(201)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn patterns_that_match_nothing_are_refused() {
        let check = |models: &[&str]| check_models(&models.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>());
        assert!(check(&["*"]).is_ok() && check(&["openai/*", "gpt-5"]).is_ok());
        assert!(check(&[]).is_err() && check(&[""]).is_err() && check(&["gpt 5"]).is_err());
    }
}
