//! Who may touch whose data. A query on tenant data takes a [`TenantScope`], and only this module can make one.

use router_core::domain::TenantId;

/// The organisation of a first start. Its id follows from its name, so that two processes that start at once agree on
/// it, and the local command line needs no look-up to act for it.
pub const DEFAULT_ORGANISATION: &str = "default";

/// The proof that somebody may act for one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantScope {
    tenant: TenantId,
}

impl TenantScope {
    /// The scope of whoever runs commands on this machine: the default organisation. Reading the database's address
    /// from the configuration is what proves the right to it.
    pub fn operator() -> Self {
        Self { tenant: TenantId::named(DEFAULT_ORGANISATION) }
    }

    /// The scope of any tenant, for tests that must not see another one's data.
    #[cfg(test)]
    pub(crate) fn of(tenant: TenantId) -> Self {
        Self { tenant }
    }

    /// The tenant that the holder may act for.
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }
}

/// The proof that a query may cross tenants. Never reaches a caller: what it reads goes to proxies.
#[derive(Debug)]
pub(crate) struct AllTenants(());

impl AllTenants {
    /// The scope of the publisher.
    pub(crate) fn publisher() -> Self {
        Self(())
    }
}
