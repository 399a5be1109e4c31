//! Use cases: decide, mint ids, read the clock. No SQL and no HTTP here.

pub(crate) mod bootstrap;
pub mod keys;
