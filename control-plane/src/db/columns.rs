//! How our types travel to columns and back, the same for both databases.

use router_core::domain::{Id128, Timestamp};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueRef, Postgres};
use sqlx::sqlite::{Sqlite, SqliteArgumentsBuffer, SqliteTypeInfo, SqliteValueRef};
use sqlx::{Decode, Encode, Type};
use uuid::Uuid;

/// An identity as its column wants it.
pub(super) const fn uuid(id: Id128) -> Uuid {
    Uuid::from_bytes(id.0)
}

/// An identity from its column.
pub(super) const fn id(uuid: Uuid) -> Id128 {
    Id128(uuid.into_bytes())
}

/// A [`Timestamp`] in a `timestamptz` column: native in PostgreSQL, Unix microseconds in SQLite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(pub(super) Timestamp);

/// `timestamptz` in PostgreSQL's catalogue.
const TIMESTAMPTZ: Oid = Oid(1184);
/// PostgreSQL counts microseconds from the year 2000.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

impl Type<Postgres> for At {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }
}

impl Encode<'_, Postgres> for At {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let micros = self.0.0.checked_sub(POSTGRES_EPOCH_MICROS).ok_or("a time before PostgreSQL's first")?;
        <i64 as Encode<'_, Postgres>>::encode_by_ref(&micros, buffer)
    }
}

impl Decode<'_, Postgres> for At {
    fn decode(value: PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let micros = <i64 as Decode<'_, Postgres>>::decode(value)?;
        Ok(Self(Timestamp(micros.checked_add(POSTGRES_EPOCH_MICROS).ok_or("a time after the last that we can tell")?)))
    }
}

impl Type<Sqlite> for At {
    fn type_info() -> SqliteTypeInfo {
        <i64 as Type<Sqlite>>::type_info()
    }

    fn compatible(ty: &SqliteTypeInfo) -> bool {
        <i64 as Type<Sqlite>>::compatible(ty)
    }
}

impl Encode<'_, Sqlite> for At {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        <i64 as Encode<'_, Sqlite>>::encode_by_ref(&self.0.0, buffer)
    }
}

impl Decode<'_, Sqlite> for At {
    fn decode(value: SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        Ok(Self(Timestamp(<i64 as Decode<'_, Sqlite>>::decode(value)?)))
    }
}
