//! A child process that never outlives us: it is stopped on drop, and also when the test process is killed.

use std::ffi::OsStr;
use std::io::Result;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::wait::holds_within;

/// A shell waits at one end of a pipe. When the other end closes, because we dropped it or because we are dead, it
/// sends the signal. The server itself takes the shell's place, so that its process id is the child's, and the waiting
/// half is handed to init, so that the server has no child that it does not know.
const SCRIPT: &str = r#"
signal=$1; shift
exec 3<&0 </dev/null
( ( read -r _ <&3; kill -s "$signal" $$ ) >/dev/null 2>&1 & )
exec "$@" 3<&-
"#;

/// A running server.
#[derive(Debug)]
pub(crate) struct Leash {
    child: Child,
    patience: Duration,
}

impl Leash {
    /// A command that runs `program` under a leash, ended by `signal`. Add arguments, then [`Leash::start`] it.
    pub(crate) fn command(signal: &str, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "leash", signal]).arg(program);
        command
    }

    /// Starts it. When it is to end it gets `patience` before it is killed.
    pub(crate) fn start(command: &mut Command, patience: Duration) -> Result<Self> {
        Ok(Self { child: command.stdin(Stdio::piped()).spawn()?, patience })
    }

    /// The child, for its output and its state.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends the signal and waits for the end.
    pub(crate) fn stop(&mut self) -> Result<ExitStatus> {
        drop(self.child.stdin.take());
        if !holds_within(self.patience, || !self.is_running()) {
            self.child.kill()?;
        }
        self.child.wait()
    }

    /// Sends any signal, by its name without `SIG`.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let send = format!("kill -s {name} {}", self.child.id());
        Command::new("/bin/sh").args(["-c", &send]).status().map(drop)
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        // Nobody is left to tell; a test that cares has called `stop`.
        let _ = self.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::wait_until;

    #[test]
    fn a_stopped_child_has_had_the_signal() {
        let mut leash = Leash::start(Leash::command("TERM", "sleep").arg("60"), Duration::from_secs(10)).unwrap();
        assert!(leash.is_running());
        assert_eq!(leash.stop().unwrap().signal(), Some(15));
    }

    #[test]
    fn a_child_that_ignores_the_signal_is_killed() {
        let mut deaf = Leash::command("TERM", "/bin/sh");
        deaf.args(["-c", "trap '' TERM; echo ready; while :; do sleep 0.01; done"]).stdout(Stdio::piped());
        let mut leash = Leash::start(&mut deaf, Duration::from_millis(50)).unwrap();
        let mut ready = [0; 6];
        let output = leash.child().stdout.as_mut().unwrap();
        std::io::Read::read_exact(output, &mut ready).unwrap();
        assert_eq!(leash.stop().unwrap().signal(), Some(9));
    }

    #[test]
    fn a_child_ends_when_its_leash_is_torn_by_a_death() {
        let mut leash = Leash::start(Leash::command("TERM", "sleep").arg("60"), Duration::ZERO).unwrap();
        // All that is left of a killed process: its end of the pipe is closed.
        drop(leash.child.stdin.take());
        wait_until(Duration::from_secs(10), "the child ends", || !leash.is_running());
    }
}
