//! Ports that nobody listens on.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};

const LOWEST: u16 = 10_000;
/// Above this the system picks ports for outgoing connections, and one of those may be in the way at any moment.
const HIGHEST: u16 = 32_000;
const ATTEMPTS: u64 = 200;

/// A port on 127.0.0.1 that was free a moment ago. Another process may still be faster: whoever starts a server on it
/// should try once more with another one.
///
/// # Panics
/// When none can be found.
pub fn free_port() -> u16 {
    let chance = RandomState::new();
    (0..ATTEMPTS).map(|attempt| pick(&chance, attempt)).find(|port| is_free(*port)).unwrap_or_else(|| {
        panic!("no free port between {LOWEST} and {HIGHEST} in {ATTEMPTS} attempts: is something listening on all?")
    })
}

fn pick(chance: &RandomState, attempt: u64) -> u16 {
    let mut hasher = chance.build_hasher();
    hasher.write_u64(attempt);
    let offset = hasher.finish() % u64::from(HIGHEST - LOWEST);
    LOWEST + u16::try_from(offset).unwrap_or_default()
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_can_be_listened_on_and_is_not_one_of_the_systems() {
        for _ in 0..50 {
            let port = free_port();
            assert!((LOWEST..HIGHEST).contains(&port));
        }
        let port = free_port();
        let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("a free port");
        assert!(!is_free(port));
    }
}
