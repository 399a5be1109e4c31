//! The first start on an empty store: an organisation, somebody to sign in as, and a key to try.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{self, PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use router_core::domain::UserId;

use super::keys::{self, Minted, Rules};
use crate::authz::{DEFAULT_ORGANISATION, TenantScope};
use crate::clock;
use crate::db::organisations::{self, FirstRows, NewUser};
use crate::db::{Store, StoreError};
use crate::secret::{fresh_id, random_text};

const ADMIN_EMAIL: &str = "admin@localhost";
const ADMIN_ROLE: &str = "admin";
/// Letters and digits: 142 bits.
const PASSWORD_CHARACTERS: usize = 24;

/// Why an empty store could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The first password could not be hashed.
    #[error("the first password could not be hashed: {0}")]
    Hash(#[from] password_hash::Error),
    /// The worker that hashes it died.
    #[error("the worker that hashes the first password stopped: {0}; start again")]
    Worker(#[from] tokio::task::JoinError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the first start made. Has no `Debug`: show it once, and keep it nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct FirstStart {
    /// Whom to sign in as.
    pub email: String,
    /// Their password.
    pub password: String,
    /// A key that may use every model.
    pub key: Minted,
}

/// Fills an empty store; answers `None` when it is not empty. Of processes that do this at the same time exactly one
/// gets an answer, and nothing that the others drew is kept.
pub async fn bootstrap(store: &Store) -> Result<Option<FirstStart>, BootstrapError> {
    if !organisations::is_empty(store).await? {
        return Ok(None);
    }
    let now = clock::now();
    let password = random_text(PASSWORD_CHARACTERS);
    let (minted, key) = keys::draw("first key", Rules::models(&["*".to_owned()]), now);
    let rows = FirstRows {
        organisation: DEFAULT_ORGANISATION,
        user: NewUser {
            id: UserId(fresh_id(now)),
            email: ADMIN_EMAIL,
            password_hash: hash(password.clone()).await?,
            role: ADMIN_ROLE,
        },
        key,
        created_at: now,
    };
    let ours = organisations::insert_first(store, &TenantScope::operator(), &rows).await?;
    Ok(ours.then(|| FirstStart { email: ADMIN_EMAIL.to_owned(), password, key: minted }))
}

/// Argon2id with OWASP's first choice of parameters, off the threads that serve.
async fn hash(password: String) -> Result<String, BootstrapError> {
    let hashed = tokio::task::spawn_blocking(move || {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let salt = SaltString::generate(&mut OsRng);
        argon2.hash_password(password.as_bytes(), &salt).map(|hash| hash.to_string())
    });
    Ok(hashed.await??)
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHash, PasswordVerifier};

    use super::*;

    #[tokio::test]
    async fn a_hash_accepts_its_password_and_no_other() {
        let hashed = hash("right".to_owned()).await.expect("a password can be hashed");
        let parsed = PasswordHash::new(&hashed).expect("a hash is a PHC string");
        assert!(hashed.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(Argon2::default().verify_password(b"right", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"wrong", &parsed).is_err());
    }
}
