//! The schema, and the way there from any older one.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::StoreError;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("../../../migrations/", $name, ".sql")))),*]
    };
}

/// Every migration, in order. One that SQLite and PostgreSQL must be told differently gets a file of the same name in
/// `migrations/sqlite` and in `migrations/postgres`, and this list a twin.
const MIGRATIONS: [(&str, &str); 3] =
    files!["0001_create_organisations", "0002_create_api_keys", "0003_add_refusal_of_losses"];

/// Brings the schema up to date, or says why that is not possible.
pub(super) async fn migrate<C: Migrate>(connection: &mut C) -> Result<(), StoreError> {
    let migrations: Vec<_> = MIGRATIONS.iter().map(|(name, sql)| migration(name, sql)).collect();
    let known = migrations.iter().map(|migration| migration.version).max().unwrap_or_default();
    match Migrator::with_migrations(migrations).run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) if found > known => Err(StoreError::Newer { found, known }),
        Err(error) => Err(StoreError::Migrate(error)),
    }
}

fn migration(name: &'static str, sql: &'static str) -> Migration {
    let (number, description) = name.split_once('_').unwrap_or((name, ""));
    let number = number.parse().unwrap_or_default();
    Migration::new(number, description.into(), MigrationType::Simple, sql.into_sql_str(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_in_the_folder_is_run_in_the_order_of_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations");
        let names = std::fs::read_dir(folder).expect("the folder of migrations").map(|entry| entry.expect("a file"));
        let mut names: Vec<_> = names.map(|entry| entry.file_name().into_string().expect("a plain name")).collect();
        names.sort();
        assert_eq!(names, MIGRATIONS.map(|(name, _)| format!("{name}.sql")), "add the new file to MIGRATIONS");
        let numbers = MIGRATIONS.map(|(name, sql)| migration(name, sql).version);
        assert_eq!(numbers, std::array::from_fn(|at| i64::try_from(at + 1).expect("few migrations")));
    }
}
