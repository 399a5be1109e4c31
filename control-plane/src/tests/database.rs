//! An empty database for one test.

use sqlx::{Connection, Executor, PgConnection, SqliteConnection};
use tempfile::TempDir;
use tollgate_testkit::Postgres;

use crate::Store;

/// An empty database, gone when the test is.
pub(super) enum Database {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Database {
    pub(super) fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    pub(super) fn postgres() -> Self {
        Self::Postgres(Postgres::start())
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite:{}", folder.path().join("below/tollgate.db").display()),
            Self::Postgres(postgres) => postgres.url(),
        }
    }

    /// One more process that opens it.
    pub(super) async fn open(&self) -> Store {
        Store::open(&self.url()).await.unwrap()
    }

    /// Runs a statement behind the store's back.
    pub(super) async fn run(&self, sql: &'static str) {
        self.try_run(sql).await.unwrap();
    }

    /// The same for a statement that should fail.
    pub(super) async fn try_run(&self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => SqliteConnection::connect(&self.url()).await?.execute(sql).await.map(drop),
            Self::Postgres(_) => PgConnection::connect(&self.url()).await?.execute(sql).await.map(drop),
        }
    }
}
