//! Rows of `api_keys`.

use router_core::domain::{KeyDigest, KeyId, TenantId, Timestamp};
use router_core::snapshot::KeyDoc;
use sqlx::types::Json;
use uuid::Uuid;

use super::columns::{At, id, uuid};
use super::{Store, StoreError, changes};
use crate::app::keys::KeyInfo;
use crate::authz::{AllTenants, TenantScope};

/// A key that is about to exist.
pub(crate) struct NewKey {
    pub(crate) id: KeyId,
    pub(crate) name: String,
    pub(crate) digest: KeyDigest,
    pub(crate) prefix: String,
    pub(crate) models: Vec<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) refuse_lossy: bool,
}

/// What a revocation found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revoked {
    /// The key was in use until now.
    Now,
    /// It had been revoked before.
    Before,
    /// The tenant has no such key.
    Unknown,
}

pub(super) const INSERT: &str = "insert into api_keys
    (id, organisation_id, name, digest, prefix, models, created_at, expires_at, refuse_lossy)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Adds a key on an open transaction or connection.
macro_rules! insert_key {
    ($connection:expr, $scope:expr, $key:expr) => {
        sqlx::query(crate::db::keys::INSERT)
            .bind(uuid($key.id.0))
            .bind(uuid($scope.tenant().0))
            .bind(&$key.name)
            .bind(&$key.digest.0[..])
            .bind(&$key.prefix)
            .bind(sqlx::types::Json(&$key.models))
            .bind(At($key.created_at))
            .bind($key.expires_at.map(At))
            .bind($key.refuse_lossy)
            .execute($connection)
            .await?
    };
}
pub(super) use insert_key;

/// Adds a key.
pub(crate) async fn insert(store: &Store, scope: &TenantScope, key: &NewKey) -> Result<(), StoreError> {
    on!(store, |pool| {
        let mut transaction = pool.begin_with(store.begin()).await?;
        insert_key!(&mut *transaction, scope, key);
        sqlx::query(changes::GROW).execute(&mut *transaction).await?;
        transaction.commit().await?;
    });
    Ok(())
}

/// Takes a key out of use.
pub(crate) async fn revoke(
    store: &Store,
    scope: &TenantScope,
    key: KeyId,
    now: Timestamp,
) -> Result<Revoked, StoreError> {
    let revoke = "update api_keys set revoked_at = $1 where id = $2 and organisation_id = $3 and revoked_at is null";
    let exists = "select count(*) from api_keys where id = $1 and organisation_id = $2";
    let (key, tenant) = (uuid(key.0), uuid(scope.tenant().0));
    on!(store, |pool| {
        let mut transaction = pool.begin_with(store.begin()).await?;
        let revoke = sqlx::query(revoke).bind(At(now)).bind(key).bind(tenant);
        if revoke.execute(&mut *transaction).await?.rows_affected() > 0 {
            sqlx::query(changes::GROW).execute(&mut *transaction).await?;
            transaction.commit().await?;
            return Ok(Revoked::Now);
        }
        let known: i64 = sqlx::query_scalar(exists).bind(key).bind(tenant).fetch_one(&mut *transaction).await?;
        Ok(if known > 0 { Revoked::Before } else { Revoked::Unknown })
    })
}

/// All keys of a tenant, oldest first.
pub(crate) async fn list(store: &Store, scope: &TenantScope) -> Result<Vec<KeyInfo>, StoreError> {
    let list = "select id, name, prefix, models, created_at, expires_at, revoked_at
        from api_keys where organisation_id = $1 order by created_at, id";
    let tenant = uuid(scope.tenant().0);
    let rows: Vec<InfoRow> = on!(store, |pool| sqlx::query_as(list).bind(tenant).fetch_all(pool).await?);
    Ok(rows.into_iter().map(info).collect())
}

/// The keys of all tenants that are not revoked, oldest first. Those that expired stay: "expired" is a better answer
/// than "not known".
pub(crate) async fn live(store: &Store, _: &AllTenants) -> Result<Vec<KeyDoc>, StoreError> {
    let live = "select id, organisation_id, digest, models, expires_at, refuse_lossy
        from api_keys where revoked_at is null order by created_at, id";
    let rows: Vec<LiveRow> = on!(store, |pool| sqlx::query_as(live).fetch_all(pool).await?);
    rows.into_iter().map(key_doc).collect()
}

/// `id, name, prefix, models, created_at, expires_at, revoked_at`
type InfoRow = (Uuid, String, String, Json<Vec<String>>, At, Option<At>, Option<At>);

fn info((key, name, prefix, models, created_at, expires_at, revoked_at): InfoRow) -> KeyInfo {
    KeyInfo {
        id: KeyId(id(key)),
        name,
        prefix,
        models: models.0,
        created_at: created_at.0,
        expires_at: expires_at.map(|at| at.0),
        revoked_at: revoked_at.map(|at| at.0),
    }
}

/// `id, organisation_id, digest, models, expires_at, refuse_lossy`
type LiveRow = (Uuid, Uuid, Vec<u8>, Json<Vec<String>>, Option<At>, bool);

fn key_doc((key, tenant, digest, models, expires_at, refuse_lossy): LiveRow) -> Result<KeyDoc, StoreError> {
    let digest = digest.try_into().map_err(|_| sqlx::Error::ColumnDecode {
        index: "digest".to_owned(),
        source: "a SHA-256 has 32 bytes".into(),
    })?;
    Ok(KeyDoc {
        id: KeyId(id(key)),
        tenant: TenantId(id(tenant)),
        digest: KeyDigest(digest),
        models: models.0,
        expires_at: expires_at.map(|at| at.0),
        refuse_lossy,
    })
}
