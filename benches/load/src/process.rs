//! Processes that are started for a run and never outlive it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::failure::{Context, Result};
use crate::procfs::with_children;

/// The core that gateways have to themselves.
pub(crate) const GATEWAY_CORE: u8 = 0;
/// The core of everything else: provider, generator, the run itself.
pub(crate) const OTHER_CORE: u8 = 1;

/// Ports above this may be taken by outgoing connections at any time.
const PORT_MAX: u16 = 32_767;
const PORT_MIN: u16 = 18_000;
const READY_MAX: Duration = Duration::from_secs(30);
const STOP_MAX: Duration = Duration::from_secs(5);

/// What to start, where, and with which environment.
#[derive(Debug)]
pub(crate) struct Spawn<'a> {
    /// What to call it in messages.
    pub(crate) name: &'static str,
    /// The core it is bound to.
    pub(crate) core: u8,
    /// The executable.
    pub(crate) program: &'a Path,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
    /// Variables added to the environment.
    pub(crate) environment: &'a [(&'static str, &'static str)],
    /// Whether what it prints is kept for the caller.
    pub(crate) piped: bool,
    /// Whether it goes before every ordinary process on its core.
    pub(crate) realtime: bool,
}

impl<'a> Spawn<'a> {
    /// `program` on `core`, without arguments.
    pub(crate) const fn new(name: &'static str, core: u8, program: &'a Path) -> Self {
        Self { name, core, program, arguments: Vec::new(), environment: &[], piped: false, realtime: false }
    }

    /// Starts it in a process group of its own, told by the kernel to end when this process does.
    pub(crate) fn start(self) -> Result<Process> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "TERM", "taskset", "-c", &self.core.to_string()]);
        if self.realtime {
            command.args(["chrt", "--rr", "1"]);
        }
        command.arg(self.program).args(&self.arguments).envs(self.environment.iter().copied());
        command.stdin(Stdio::null()).process_group(0).kill_on_drop(true);
        if self.piped {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(Stdio::null());
        }
        let child = command.spawn().context(|| format!("starting {} (by setpriv and taskset)", self.name))?;
        let pid = child.id().context(|| format!("{} ended at once", self.name))?;
        Ok(Process { name: self.name, child, pid })
    }
}

/// A running process. Dropping it kills its whole group.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    pid: u32,
}

impl Process {
    /// Itself and its workers.
    pub(crate) fn pids(&self) -> Result<Vec<u32>> {
        with_children(self.pid)
    }

    /// Waits until `address` takes connections.
    pub(crate) async fn listening(&mut self, address: SocketAddr) -> Result<()> {
        let deadline = Instant::now() + READY_MAX;
        while TcpStream::connect(address).await.is_err() {
            self.alive()?;
            if Instant::now() > deadline {
                return Err(format!("{} does not listen on {address}", self.name).into());
            }
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Lets it go before every ordinary process on its core from now on; `false` if this user may not do that.
    pub(crate) fn prefer(&self) -> Result<bool> {
        let preferred = |pid: &u32| {
            let mut command = std::process::Command::new("chrt");
            command.args(["--all-tasks", "--rr", "--pid", "1", &pid.to_string()]).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        Ok(self.pids()?.iter().all(preferred))
    }

    /// Fails if the process has ended.
    pub(crate) fn alive(&mut self) -> Result<()> {
        match self.child.try_wait().context(|| format!("waiting for {}", self.name))? {
            None => Ok(()),
            Some(status) => Err(format!("{} ended with {status}", self.name).into()),
        }
    }

    /// Asks the group to end, and makes it if it does not.
    pub(crate) async fn stop(mut self) -> Result<()> {
        signal_group("TERM", self.pid);
        // On a timeout the drop below kills the group.
        let _ended = tokio::time::timeout(STOP_MAX, self.child.wait()).await;
        Ok(())
    }

    /// Interrupts the process, as ^C does, and waits for its end.
    pub(crate) async fn interrupt(mut self) -> Result<()> {
        signal_group("INT", self.pid);
        let ended = tokio::time::timeout(STOP_MAX, self.child.wait()).await;
        ended.context(|| format!("{} does not end", self.name))?.context(|| format!("waiting for {}", self.name))?;
        Ok(())
    }

    /// Waits for its end and gives what it printed; fails if it failed or took longer than `limit`.
    pub(crate) async fn output(mut self, limit: Duration) -> Result<Vec<u8>> {
        use tokio::io::AsyncReadExt;
        let name = self.name;
        let mut printed = Vec::new();
        let whole = async {
            if let Some(stdout) = self.child.stdout.as_mut() {
                stdout.read_to_end(&mut printed).await.context(|| format!("reading from {name}"))?;
            }
            self.child.wait().await.context(|| format!("waiting for {name}"))
        };
        let status = tokio::time::timeout(limit, whole).await.context(|| format!("{name} took too long"))??;
        if status.success() { Ok(printed) } else { Err(format!("{name} failed ({status})").into()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        signal_group("KILL", self.pid);
    }
}

/// Signals a process group; that it is gone already is fine.
fn signal_group(signal: &str, leader: u32) {
    let mut kill = std::process::Command::new("kill");
    kill.args(["-s", signal, "--", &format!("-{leader}")]).stderr(Stdio::null());
    let _sent = kill.status();
}

/// Gives out free ports of the loopback interface, each once.
#[derive(Debug)]
pub(crate) struct Ports(u16);

impl Ports {
    /// Starts somewhere else in every process, so that two runs rarely meet.
    pub(crate) fn new() -> Self {
        Self(fastrand::u16(PORT_MIN..PORT_MAX - 2_000))
    }

    /// The next port that nobody listens on.
    pub(crate) fn next(&mut self) -> Result<SocketAddr> {
        while self.0 < PORT_MAX {
            self.0 += 1;
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.0));
            if TcpListener::bind(address).is_ok() {
                return Ok(address);
            }
        }
        Err("no free port".into())
    }
}

#[cfg(test)]
mod tests {
    use tollgate_testkit::wait_until;

    use super::*;

    fn sleeper() -> Process {
        let arguments = vec!["-c".into(), "sleep 60 & sleep 60".into()];
        let program = Path::new("sh");
        Spawn { arguments, ..Spawn::new("sh", 0, program) }.start().unwrap()
    }

    const SOON: Duration = Duration::from_secs(5);

    fn gone(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    }

    #[tokio::test]
    async fn nothing_outlives_its_guard() {
        let process = sleeper();
        wait_until(SOON, "the shell has two children", || process.pids().unwrap().len() == 3);
        let pids = process.pids().unwrap();
        drop(process);
        wait_until(SOON, "all three are gone", || pids.iter().all(|pid| gone(*pid)));
    }

    #[test]
    fn ports_differ_and_cannot_be_taken_by_outgoing_connections() {
        let mut ports = Ports::new();
        let (one, two) = (ports.next().unwrap(), ports.next().unwrap());
        assert_ne!(one, two);
        assert!(one.port() <= PORT_MAX && two.port() <= PORT_MAX);
    }
}
