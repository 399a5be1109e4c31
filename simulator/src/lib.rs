//! Routing strategies in virtual time: modelled deployments, seeded traffic, and one event loop between them.
//!
//! In goes a [`world::World`], requests and a strategy by name; out comes a [`report::Report`]. The production engine of
//! `router-core` is one of the strategies, so what is measured here is what runs in the gateway: there is no second
//! implementation of it. The rivals are what other gateways do, written from their descriptions.
//!
//! It does no I/O, reads no clock and draws no ambient chance: the same seed gives the same bytes. It does not know
//! HTTP, dialects, keys, snapshots or configuration files.

pub mod chance;
pub mod columns;
pub mod page;
pub mod production;
pub mod provider;
pub mod report;
pub mod rivals;
pub mod run;
pub mod scenarios;
pub mod set;
pub mod strategy;
pub mod table;
pub mod traffic;
pub mod units;
pub mod world;
