//! The counter that grows with every change of what proxies know.

use super::{Store, StoreError};

/// Adds one, inside the transaction that makes the change.
pub(super) const GROW: &str = "update changes set number = number + 1 where name = 'keys'";

/// Where the counter stands.
pub(crate) async fn number(store: &Store) -> Result<i64, StoreError> {
    let number = "select number from changes where name = 'keys'";
    Ok(on!(store, |pool| sqlx::query_scalar(number).fetch_one(pool).await?))
}
