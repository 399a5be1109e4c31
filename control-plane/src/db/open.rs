//! Opening a database: the file, the pool, the schema.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};

use super::StoreError;
use super::schema::migrate;

const CONNECTIONS_MAX: u32 = 8;
/// How long a caller waits for a connection, and SQLite for its one writer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a SQLite file, and makes it if it is missing.
pub(super) async fn sqlite(url: &str) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::from_str(url).map_err(|_| StoreError::BadUrl(url.to_owned()))?;
    let path = options.get_filename();
    // Each connection to `:memory:` would have a database of its own.
    if path.as_os_str().is_empty() || url.contains(":memory:") || url.contains("mode=memory") {
        return Err(StoreError::BadUrl(url.to_owned()));
    }
    make_private_file(path).map_err(|source| StoreError::File { path: path.display().to_string(), source })?;
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        // A write that was answered survives a power cut, as it does in PostgreSQL.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE);
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(PATIENCE);
    let pool = pool.connect_with(options).await?;
    // The migrator has no lock for SQLite; being the writer is one.
    let mut transaction = pool.begin_with("BEGIN IMMEDIATE").await?;
    migrate(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(pool)
}

/// Connects to PostgreSQL.
pub(super) async fn postgres(url: &str) -> Result<PgPool, StoreError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| StoreError::BadUrl(without_password(url)))?;
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS_MAX).acquire_timeout(PATIENCE);
    let pool = pool.connect_with(options.application_name("tollgate")).await?;
    migrate(&mut *pool.acquire().await?).await?;
    Ok(pool)
}

/// The address without what stands between `:` and `@`, for messages.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((account, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = account.split_once(':').map_or(account, |(user, _)| user);
    format!("{scheme}://{user}@{place}")
}

/// Digests of keys and hashes of passwords are in there: nobody else on the machine needs to read it. SQLite gives its
/// side files the same mode.
fn make_private_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_never_shows_the_password_of_an_address() {
        assert_eq!(without_password("postgres://jo:p@ss@db:5432/tollgate"), "postgres://jo@db:5432/tollgate");
        assert_eq!(without_password("postgres://db/tollgate"), "postgres://db/tollgate");
        assert_eq!(without_password("mysql:x"), "mysql:x");
    }
}
