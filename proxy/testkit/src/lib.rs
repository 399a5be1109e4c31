//! What tests stand on: scripted providers, a running gateway, throwaway databases, certificates, ports, waiting.
//!
//! Everything is private to one test process, lives in temporary folders and on free ports, and is gone when its value
//! is dropped; servers also end when the test process is killed. What cannot be started panics and says what to do:
//! this crate is for tests, where a panic is the report.
//!
//! It does not know the proxy nor any other crate of ours: it talks to a gateway as everybody else does, by TCP.

mod certs;
mod gateway;
mod leash;
mod port;
mod postgres;
mod provider;
mod redis;
mod wait;

pub use certs::Certs;
pub use gateway::Gateway;
pub use port::free_port;
pub use postgres::Postgres;
pub use provider::{Recorded, Scripted, Signal, Step};
pub use redis::Redis;
pub use wait::{stay_silent, wait_until, wait_until_async};
