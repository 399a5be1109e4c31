//! SQL inside a scope, on SQLite or PostgreSQL.
//!
//! Statements are written once: both databases take `$1`, and [`columns`] says how identities and times travel. The
//! [`on!`] macro runs one body against whichever pool is open, checked by the compiler for both.

/// Runs one body against whichever pool is open.
macro_rules! on {
    ($store:expr, |$pool:ident| $body:expr) => {
        match &$store.pool {
            crate::db::Pool::Sqlite($pool) => $body,
            crate::db::Pool::Postgres($pool) => $body,
        }
    };
}

pub(crate) mod changes;
mod columns;
pub(crate) mod keys;
mod open;
pub(crate) mod organisations;
mod schema;

use sqlx::migrate::MigrateError;
use sqlx::{PgPool, SqlitePool};

/// Where the control plane keeps what it knows. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Store {
    pool: Pool,
}

#[derive(Clone, Debug)]
enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// Why the store did not answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The address is of no database that we speak.
    #[error("database url {0:?} cannot be used: write `sqlite:path/to/file.db` or `postgres://user@host/database`")]
    BadUrl(String),
    /// The database's file cannot be made.
    #[error("database file {path} cannot be opened: {source}; check that its folder can be written to")]
    File {
        /// The file.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// A newer version of Tollgate has been here.
    #[error(
        "the database is at schema {found}, and this version of Tollgate knows schemas up to {known}: start the newer \
         version, or restore the backup from before its first start"
    )]
    Newer {
        /// The schema of the database.
        found: i64,
        /// The newest schema that we know.
        known: i64,
    },
    /// The schema cannot be brought up to date.
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migrate(MigrateError),
    /// The database did not do what it was asked.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
}

impl Store {
    /// Opens the database at `url` (`sqlite:path` or `postgres://…`) and brings its schema up to date. A SQLite file
    /// that does not exist is made, readable by its owner only.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        let pool = match url.split_once(':').map(|(scheme, _)| scheme) {
            Some("sqlite") => Pool::Sqlite(open::sqlite(url).await?),
            Some("postgres" | "postgresql") => Pool::Postgres(open::postgres(url).await?),
            _ => return Err(StoreError::BadUrl(open::without_password(url))),
        };
        Ok(Self { pool })
    }

    /// Closes every connection and waits until that is done.
    pub async fn close(&self) {
        on!(self, |pool| pool.close().await);
    }

    /// How a transaction that writes begins. SQLite has one writer: it must say so before it reads, or it may find
    /// afterwards that what it read is old, and fail.
    const fn begin(&self) -> &'static str {
        match self.pool {
            Pool::Sqlite(_) => "BEGIN IMMEDIATE",
            Pool::Postgres(_) => "BEGIN",
        }
    }
}
