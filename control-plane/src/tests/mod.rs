//! One suite of promises, kept on SQLite and on PostgreSQL.

mod database;
mod keys;
mod publishing;
mod starting;

use database::Database;

/// Makes of each promise a module with a test for every database.
macro_rules! on_both_databases {
    ($($(#[$meta:meta])* async fn $name:ident($database:ident: Database) $body:block)*) => {
        $(mod $name {
            use super::*;

            $(#[$meta])*
            async fn promise($database: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                promise(Database::sqlite()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                promise(Database::postgres()).await;
            }
        })*
    };
}
use on_both_databases;
