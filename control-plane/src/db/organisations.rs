//! Rows of `organisations` and `users`, as far as the first start needs them.

use router_core::domain::{Timestamp, UserId};

use super::columns::{At, uuid};
use super::keys::{NewKey, insert_key};
use super::{Store, StoreError, changes};
use crate::authz::TenantScope;

/// What the first start writes, in one transaction.
pub(crate) struct FirstRows {
    pub(crate) organisation: &'static str,
    pub(crate) user: NewUser,
    pub(crate) key: NewKey,
    pub(crate) created_at: Timestamp,
}

/// A user who is about to exist.
pub(crate) struct NewUser {
    pub(crate) id: UserId,
    pub(crate) email: &'static str,
    pub(crate) password_hash: String,
    pub(crate) role: &'static str,
}

/// Whether nobody has been here yet.
pub(crate) async fn is_empty(store: &Store) -> Result<bool, StoreError> {
    let count = "select count(*) from organisations";
    let organisations: i64 = on!(store, |pool| sqlx::query_scalar(count).fetch_one(pool).await?);
    Ok(organisations == 0)
}

/// Writes the first rows unless somebody else did; answers whether it was us. The organisation's primary key decides:
/// whoever comes second waits for the first one's commit and then writes nothing.
pub(crate) async fn insert_first(store: &Store, scope: &TenantScope, rows: &FirstRows) -> Result<bool, StoreError> {
    let organisation = "insert into organisations (id, name, created_at)
        select $1, $2, $3 where not exists (select 1 from organisations) on conflict do nothing";
    let user = "insert into users (id, organisation_id, email, password_hash, role, created_at)
        values ($1, $2, $3, $4, $5, $6)";
    let (tenant, created_at) = (uuid(scope.tenant().0), At(rows.created_at));
    on!(store, |pool| {
        let mut transaction = pool.begin_with(store.begin()).await?;
        let organisation = sqlx::query(organisation).bind(tenant).bind(rows.organisation).bind(created_at);
        if organisation.execute(&mut *transaction).await?.rows_affected() == 0 {
            return Ok(false);
        }
        let user = sqlx::query(user).bind(uuid(rows.user.id.0)).bind(tenant).bind(rows.user.email);
        let user = user.bind(&rows.user.password_hash).bind(rows.user.role).bind(created_at);
        user.execute(&mut *transaction).await?;
        insert_key!(&mut *transaction, scope, rows.key);
        sqlx::query(changes::GROW).execute(&mut *transaction).await?;
        transaction.commit().await?;
    });
    Ok(true)
}
