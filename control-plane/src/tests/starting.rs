//! Opening a store, and filling an empty one.

use std::os::unix::fs::PermissionsExt;

use sqlx::error::DatabaseError;

use super::{Database, on_both_databases};
use crate::authz::TenantScope;
use crate::{Store, StoreError, bootstrap, keys};

on_both_databases! {
    async fn the_first_start_happens_once(database: Database) {
        let store = database.open().await;
        let first = bootstrap(&store).await.unwrap().expect("an empty store");
        assert_eq!((first.email.as_str(), first.password.len()), ("admin@localhost", 24));
        let listed = keys::list(&store, &TenantScope::operator()).await.unwrap();
        assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), [first.key.id]);
        assert!(bootstrap(&store).await.unwrap().is_none());
    }

    async fn of_processes_that_start_at_once_one_makes_the_first_start(database: Database) {
        // Opening races too: each of them finds no schema.
        let start = async || bootstrap(&database.open().await).await.unwrap();
        let (a, b, c, d) = tokio::join!(start(), start(), start(), start());
        assert_eq!([a, b, c, d].iter().flatten().count(), 1);
        let listed = keys::list(&database.open().await, &TenantScope::operator()).await.unwrap();
        assert_eq!(listed.len(), 1);
    }

    async fn an_address_in_capitals_is_the_same_user(database: Database) {
        bootstrap(&database.open().await).await.unwrap().expect("an empty store");
        // The organisation's id serves as the second user's, so that both databases take the same statement.
        let again = "insert into users select organisation_id, organisation_id, 'Admin@LocalHost', password_hash, role,
            created_at from users";
        let refused = database.try_run(again).await.unwrap_err();
        assert!(refused.as_database_error().is_some_and(DatabaseError::is_unique_violation), "{refused}");
    }

    async fn what_was_written_is_there_after_reopening(database: Database) {
        let store = database.open().await;
        let first = bootstrap(&store).await.unwrap().expect("an empty store");
        store.close().await;
        let listed = keys::list(&database.open().await, &TenantScope::operator()).await.unwrap();
        assert_eq!(listed[0].id, first.key.id);
    }

    async fn a_newer_schema_is_refused_and_said_to_be_newer(database: Database) {
        database.open().await.close().await;
        let newer = "update _sqlx_migrations set version = 9000
            where version = (select max(version) from _sqlx_migrations)";
        database.run(newer).await;
        let refused = Store::open(&database.url()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 9000, known: 3 }), "{refused}");
        assert!(refused.to_string().contains("start the newer version"));
    }
}

#[tokio::test]
async fn nobody_else_can_read_the_file() {
    let database = Database::sqlite();
    let store = database.open().await;
    bootstrap(&store).await.unwrap();
    let url = database.url();
    let path = url.strip_prefix("sqlite:").unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let mode = std::fs::metadata(format!("{path}{suffix}")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix}");
    }
}

#[tokio::test]
async fn an_address_that_cannot_work_is_refused_with_an_example_of_one_that_does() {
    for url in ["", "mysql://root:secret@h/d", "tollgate.db", "sqlite:", "sqlite::memory:"] {
        let refused = Store::open(url).await.unwrap_err().to_string();
        assert!(refused.contains("sqlite:path") && !refused.contains("secret"), "{url}: {refused}");
    }
}
