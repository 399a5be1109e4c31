//! A running `tollgate serve`, as its users run it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tempfile::TempDir;

use crate::leash::Leash;
use crate::{free_port, wait_until};

/// Each attempt is with other ports, for the last ones may have been taken meanwhile.
const ATTEMPTS: usize = 3;
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway in a temporary folder of its own, on free ports of 127.0.0.1; stopped on drop. When the test fails its log
/// is printed.
#[derive(Debug)]
pub struct Gateway {
    port: u16,
    operations_port: u16,
    log: Log,
    server: Leash,
    folder: TempDir,
}

impl Gateway {
    /// Starts `tollgate serve` with this configuration and waits until it is ready. Leave the addresses out: they come
    /// from here. Relative paths, the store's too, are below the temporary folder.
    ///
    /// # Panics
    /// When the program is missing or ends before it is ready; its log says why.
    pub fn start(config_toml: &str) -> Self {
        Self::start_with(config_toml, &[])
    }

    /// The same with environment variables, for settings and secrets that come from there.
    ///
    /// # Panics
    /// As [`Gateway::start`].
    pub fn start_with(config_toml: &str, environment: &[(&str, &str)]) -> Self {
        Self::run(&program(), config_toml, environment)
    }

    /// Where clients connect, such as `http://127.0.0.1:12345`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port where clients connect.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where metrics and health are.
    pub fn operations_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.operations_port)
    }

    /// The port where metrics and health are.
    pub fn operations_port(&self) -> u16 {
        self.operations_port
    }

    /// The folder that it runs in.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What it has written to standard output and standard error so far, line by line.
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    /// Waits for a line with `text` in it, and returns that.
    ///
    /// # Panics
    /// When there is none within twenty seconds.
    #[track_caller]
    pub fn wait_for_log(&self, text: &str) -> String {
        let find = || self.log().into_iter().find(|line| line.contains(text));
        wait_until(PATIENCE, &format!("the gateway logs {text:?}"), || find().is_some());
        find().unwrap_or_default()
    }

    /// Its process id, for whoever measures it.
    pub fn process_id(&mut self) -> u32 {
        self.server.child().id()
    }

    /// Sends a signal, by its name without `SIG`.
    ///
    /// # Panics
    /// When there is no shell to send it with.
    pub fn signal(&self, name: &str) {
        self.server.signal(name).expect("a shell to send signals with");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.server.is_running()
    }

    /// Asks it to stop, waits until it has, and tells whether it ended well; kills it when it takes too long.
    ///
    /// # Panics
    /// When the process cannot be waited for.
    pub fn stop(&mut self) -> bool {
        self.server.stop().expect("a child can be waited for").success()
    }

    fn run(program: &Path, config_toml: &str, environment: &[(&str, &str)]) -> Self {
        let mut log = String::new();
        for _ in 0..ATTEMPTS {
            match Self::try_start(program, config_toml, environment) {
                Ok(gateway) => return gateway,
                Err(said) => log = said,
            }
            if !log.to_lowercase().contains("in use") {
                break;
            }
        }
        panic!("tollgate ended before it was ready; it said:\n{log}");
    }

    fn try_start(program: &Path, config_toml: &str, environment: &[(&str, &str)]) -> Result<Self, String> {
        let folder = tempfile::tempdir().expect("a temporary folder for the gateway");
        fs::write(folder.path().join("tollgate.toml"), config_toml).expect("a writable folder");
        let (port, operations_port) = (free_port(), free_port());
        let mut command = Leash::command("TERM", program);
        command.arg("serve").current_dir(folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("TOLLGATE__GATEWAY__LISTEN", format!("127.0.0.1:{port}"));
        command.env("TOLLGATE__GATEWAY__OPERATIONS_LISTEN", format!("127.0.0.1:{operations_port}"));
        command.env("TOLLGATE_CONFIG", "tollgate.toml").envs(environment.iter().copied());
        let mut server = Leash::start(&mut command, PATIENCE).expect("a shell to start the gateway with");
        let log = Log::of(&mut server);
        let mut ended = false;
        wait_until(PATIENCE, "the gateway is ready", || {
            ended = !server.is_running();
            ended || is_ready(operations_port)
        });
        if ended { Err(log.end()) } else { Ok(Self { port, operations_port, log, server, folder }) }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("the gateway's log:\n{}", self.log.text());
        }
    }
}

/// `$TOLLGATE_BIN`, or the program that cargo built beside the running test.
fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("TOLLGATE_BIN") {
        return std::path::absolute(path).expect("a path in TOLLGATE_BIN");
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let beside = test.ancestors().skip(1).map(|folder| folder.join("tollgate"));
    beside
        .into_iter()
        .find(|path| path.is_file())
        .expect("the gateway is not built: run `cargo build -p tollgate` first, or name it in TOLLGATE_BIN")
}

fn is_ready(port: u16) -> bool {
    let get = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status == *b"HTTP/1.1 200")
    };
    get().unwrap_or(false)
}

/// What the process writes, collected as it comes.
#[derive(Debug)]
struct Log {
    lines: Arc<Mutex<Vec<String>>>,
    readers: Vec<JoinHandle<()>>,
}

impl Log {
    fn of(server: &mut Leash) -> Self {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let child = server.child();
        let outputs: [Option<Box<dyn Read + Send>>; 2] =
            [child.stdout.take().map(|out| Box::new(out) as _), child.stderr.take().map(|err| Box::new(err) as _)];
        let readers = outputs.into_iter().flatten().map(|output| {
            let lines = Arc::clone(&lines);
            thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                }
            })
        });
        Self { readers: readers.collect(), lines }
    }

    fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn text(&self) -> String {
        self.lines().iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// All of it, once the process has ended.
    fn end(mut self) -> String {
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;

    /// A program that runs [`the_stand_in`] of this very test binary, as the gateway would be run.
    fn stand_in(folder: &TempDir) -> PathBuf {
        let path = folder.path().join("stand-in");
        let test = std::env::current_exe().unwrap();
        let script = format!("#!/bin/sh\nexec '{}' --exact gateway::tests::the_stand_in --nocapture\n", test.display());
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// When it is run as the stand-in, it is one: it listens where it is told and is always ready.
    #[test]
    fn the_stand_in() {
        let Ok(role) = std::env::var("STAND_IN") else { return };
        println!("{role} with {}", fs::read_to_string("tollgate.toml").unwrap());
        assert_ne!(role, "broken");
        let listener = TcpListener::bind(std::env::var("TOLLGATE__GATEWAY__OPERATIONS_LISTEN").unwrap()).unwrap();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.read_exact(&mut [0; 21]).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        }
    }

    #[test]
    fn a_gateway_is_ready_when_it_is_there_and_gone_when_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let mut gateway = Gateway::run(&stand_in(&folder), "# mine", &[("STAND_IN", "sound")]);
        assert!(gateway.is_running() && is_ready(gateway.operations_port()));
        assert_ne!(gateway.port(), gateway.operations_port());
        assert!(gateway.wait_for_log("sound").ends_with("with # mine"));
        let (port, folder) = (gateway.operations_port(), gateway.folder().to_owned());
        drop(gateway);
        assert!(!is_ready(port) && !folder.exists());
    }

    #[test]
    #[should_panic(expected = "broken with # mine")]
    fn a_gateway_that_does_not_start_says_why() {
        let folder = tempfile::tempdir().unwrap();
        Gateway::run(&stand_in(&folder), "# mine", &[("STAND_IN", "broken")]);
    }
}
