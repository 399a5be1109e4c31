//! A throwaway Redis.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use crate::leash::Leash;
use crate::{free_port, wait_until};

/// Each attempt is with another port, for the last one may have been taken meanwhile.
const ATTEMPTS: usize = 5;
const PATIENCE: Duration = Duration::from_secs(10);

/// A running Redis without persistence, stopped on drop.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    // Fields drop in order: the server ends before its folder goes.
    _server: Leash,
    _folder: TempDir,
}

impl Redis {
    /// Starts one and waits until it answers.
    ///
    /// # Panics
    /// When `redis-server` is not installed or does not start.
    pub fn start() -> Self {
        (0..ATTEMPTS)
            .find_map(|_| Self::try_start(free_port()))
            .unwrap_or_else(|| panic!("redis-server ended at once on {ATTEMPTS} ports: run it by hand to see why"))
    }

    /// Its address, as clients take it.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn try_start(port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder for Redis");
        let mut command = Leash::command("TERM", "redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        let log = folder.path().join("log");
        command.arg("--dir").arg(folder.path()).arg("--logfile").arg(&log).stdout(Stdio::null()).stderr(Stdio::null());
        let mut server = Leash::start(&mut command, PATIENCE).expect("a shell to start redis-server with");
        // Asking the port would not do: if another server has it, that one would answer.
        let is_ready = || fs::read_to_string(&log).is_ok_and(|log| log.contains("Ready to accept connections"));
        wait_until(PATIENCE, "redis-server is ready or ends", || is_ready() || !server.is_running());
        if is_ready() {
            return Some(Self { port, _server: server, _folder: folder });
        }
        let code = server.stop().ok().and_then(|status| status.code());
        assert!(code != Some(127), "redis-server is not installed: run `make test`, which installs it");
        None
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpStream};

    use super::*;

    fn answers(port: u16) -> bool {
        let ping = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"PING\r\n")?;
            let mut answer = [0; 7];
            stream.read_exact(&mut answer)?;
            Ok(answer == *b"+PONG\r\n")
        };
        ping().unwrap_or(false)
    }

    #[test]
    fn a_redis_answers_until_it_is_dropped() {
        let redis = Redis::start();
        assert!(answers(redis.port()));
        assert!(redis.url().ends_with(&redis.port().to_string()));
        let port = redis.port();
        drop(redis);
        assert!(!answers(port));
    }
}
