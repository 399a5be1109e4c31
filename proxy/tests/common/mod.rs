//! What the wire tests share: a gateway in front of scripted providers, and a client that speaks raw bytes.
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]

mod ground;
mod raw;
pub mod request;
pub mod tls;

pub use ground::{CANARY, CLOSED_KEY, Ground, JSON_ANSWER, KEY, NARROW_KEY, config, environment, gateway};
pub use raw::{Answer, Raw};

use std::time::Duration;

/// How long a test waits for something that must happen.
pub const PATIENCE: Duration = Duration::from_secs(10);
