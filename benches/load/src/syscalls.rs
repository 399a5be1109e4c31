//! Counts the system calls of a process while something else happens: by `perf`, or by `strace` where that is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::time::sleep;

use crate::failure::{Context, Result};
use crate::process::{OTHER_CORE, Process, Spawn};

/// Calls that are worth a name of their own in the report.
const NAMED: &[&str] = &[
    "read",
    "readv",
    "recvfrom",
    "recvmsg",
    "write",
    "writev",
    "sendto",
    "sendmsg",
    "epoll_wait",
    "epoll_pwait",
    "epoll_ctl",
    "futex",
    "getsockopt",
    "setsockopt",
    "ioctl",
    "accept4",
    "close",
    "pwrite64",
    "fdatasync",
];
const ALL: &str = "raw_syscalls:sys_enter";
/// How long a counter needs to attach.
const ATTACH: Duration = Duration::from_millis(600);

/// Which program counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Hardly slows the target.
    Perf,
    /// Slows it much, so that it waits less often than at full speed.
    Strace,
}

impl Tool {
    /// What the report calls it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Perf => "perf",
            Self::Strace => "strace",
        }
    }

    /// The better of those that work here.
    pub(crate) fn find() -> Option<Self> {
        let works = |program: &str, arguments: &[&str]| {
            let mut command = std::process::Command::new(program);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if works("perf", &["stat", "-e", ALL, "true"]) {
            Some(Self::Perf)
        } else if works("strace", &["-c", "-o", "/dev/null", "true"]) {
            Some(Self::Strace)
        } else {
            None
        }
    }
}

/// A counter that is attached to a target.
#[derive(Debug)]
pub(crate) struct Counter {
    tool: Tool,
    process: Process,
    file: PathBuf,
}

/// How often each system call was made, the total first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    /// All of them.
    pub(crate) total: f64,
    /// The common ones, most frequent first.
    pub(crate) named: Vec<(String, f64)>,
}

impl Counter {
    /// Attaches to `pids`; writes into `directory`.
    pub(crate) async fn attach(tool: Tool, pids: &[u32], directory: &Path) -> Result<Self> {
        let file = directory.join("syscalls.txt");
        let output = file.to_string_lossy().into_owned();
        let list = pids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        let arguments = match tool {
            Tool::Perf => {
                let named = NAMED.iter().map(|name| format!("syscalls:sys_enter_{name}"));
                let events = std::iter::once(ALL.to_owned()).chain(named).collect::<Vec<_>>().join(",");
                ["stat", "-x", ",", "-o", &output, "-e", &events, "-p", &list].map(str::to_owned).to_vec()
            }
            Tool::Strace => ["-f", "-c", "-o", &output, "-p", &list].map(str::to_owned).to_vec(),
        };
        let spawn = Spawn::new(tool.name(), OTHER_CORE, Path::new(tool.name()));
        let mut process = Spawn { arguments, ..spawn }.start()?;
        sleep(ATTACH).await;
        process.alive()?;
        Ok(Self { tool, process, file })
    }

    /// Detaches and reads the counts.
    pub(crate) async fn finish(self) -> Result<Counts> {
        self.process.interrupt().await?;
        let text = fs::read_to_string(&self.file).context(|| format!("reading counts of {}", self.tool.name()))?;
        let mut counts = match self.tool {
            Tool::Perf => parse_perf(&text),
            Tool::Strace => parse_strace(&text),
        };
        counts.named.sort_by(|a, b| b.1.total_cmp(&a.1));
        if counts.total > 0.0 { Ok(counts) } else { Err(format!("{} counted nothing", self.tool.name()).into()) }
    }
}

/// Lines such as `1234,,raw_syscalls:sys_enter,9876,100.00,,`.
fn parse_perf(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines() {
        let mut fields = line.split(',');
        let (Some(count), Some(event)) = (fields.next(), fields.nth(1)) else { continue };
        let Ok(count) = count.parse::<f64>() else { continue };
        match event.strip_prefix("syscalls:sys_enter_") {
            Some(name) => counts.named.push((name.to_owned(), count)),
            None => counts.total += count,
        }
    }
    counts
}

/// Lines such as ` 48.10    0.012345           3      4115       12 recvfrom`; the errors may be missing.
fn parse_strace(text: &str) -> Counts {
    let mut counts = Counts::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(Ok(count)), Some(name)) = (fields.get(3).map(|count| count.parse::<f64>()), fields.last()) else {
            continue;
        };
        if *name == "total" {
            counts.total = count;
        } else {
            counts.named.push(((*name).to_owned(), count));
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_perf_prints() {
        let text = "# started on Mon\n\n420,,raw_syscalls:sys_enter,99,100.00,,\n<not counted>,,syscalls:sys_enter_read,\
                    0,100.00,,\n200,,syscalls:sys_enter_writev,99,100.00,,\n";
        assert_eq!(parse_perf(text), Counts { total: 420.0, named: vec![("writev".into(), 200.0)] });
    }

    #[test]
    fn reads_what_strace_prints() {
        let text = "% time     seconds  usecs/call     calls    errors syscall\n------ ----------- ----------- --------- \
                    --------- ----------------\n 60.00    0.000300           3       100        12 recvfrom\n 40.00    \
                    0.000200           2        80           writev\n------ ----------- ----------- --------- --------- \
                    ----------------\n100.00    0.000500           2       180        12 total\n";
        let named = vec![("recvfrom".into(), 100.0), ("writev".into(), 80.0)];
        assert_eq!(parse_strace(text), Counts { total: 180.0, named });
    }
}
