//! What the kernel knows of a process: CPU time, memory, children.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;

use crate::failure::{Context, Failure, Result};

/// `utime` and `stime` in /proc/PID/stat count these, on every Linux.
const NANOS_PER_COARSE_TICK: u64 = 10_000_000;

/// CPU time that some processes had used at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CpuLook {
    /// Per thread, exact.
    threads: HashMap<u32, u64>,
    /// All threads, also those that have ended, in steps of 10 ms.
    coarse: u64,
}

impl CpuLook {
    /// Looks at `pids` now.
    pub(crate) fn at(pids: &[u32]) -> Result<Self> {
        let mut look = Self::default();
        for pid in pids {
            look.coarse += coarse_nanos(*pid)?;
            for entry in fs::read_dir(format!("/proc/{pid}/task")).context(|| format!("reading /proc/{pid}/task"))? {
                let entry = entry.context(|| format!("reading /proc/{pid}/task"))?;
                let Some(thread) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
                match fs::read_to_string(entry.path().join("schedstat")) {
                    Ok(text) => look.threads.insert(thread, parse_schedstat(&text)?),
                    Err(error) if error.kind() == ErrorKind::NotFound => None,
                    Err(error) => return Err(Failure::from(error)),
                };
            }
        }
        Ok(look)
    }

    /// Nanoseconds of CPU used since `before`.
    ///
    /// The exact clock of a thread ends with the thread, so where the coarse clock saw clearly more, it is believed.
    pub(crate) fn nanos_since(&self, before: &Self) -> u64 {
        let spent = |(thread, now): (&u32, &u64)| now - before.threads.get(thread).copied().unwrap_or(0).min(*now);
        let exact: u64 = self.threads.iter().map(spent).sum();
        let coarse = self.coarse.saturating_sub(before.coarse);
        if coarse > exact + 2 * NANOS_PER_COARSE_TICK { coarse } else { exact }
    }
}

/// Resident memory of all `pids` in KiB.
pub(crate) fn resident_kib(pids: &[u32]) -> Result<u64> {
    let resident = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/status")).context(|| format!("reading status of {pid}"))?;
        parse_resident_kib(&text).context(|| format!("process {pid} has no VmRSS"))
    };
    pids.iter().map(resident).sum()
}

/// `pid` and the children of its threads, such as the workers of a master process.
pub(crate) fn with_children(pid: u32) -> Result<Vec<u32>> {
    let path = format!("/proc/{pid}/task/{pid}/children");
    let text = fs::read_to_string(&path).context(|| format!("reading {path}"))?;
    Ok(std::iter::once(pid).chain(text.split_whitespace().filter_map(|child| child.parse().ok())).collect())
}

/// Makes sleeps of this thread, and of those it starts, end when they should instead of up to 50 µs later.
pub(crate) fn sleep_precisely() -> Result<()> {
    fs::write("/proc/self/timerslack_ns", "1").context(|| "writing /proc/self/timerslack_ns")
}

/// The machine in one line: processor, cores, kernel.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| info.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(": "));
    let (model, clock) = (field("model name").map_or("?", |pair| pair.1), field("cpu MHz").map_or("?", |pair| pair.1));
    let cores = info.lines().filter(|line| line.starts_with("processor")).count();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model} at {clock} MHz, {cores} cores, Linux {}", kernel.trim())
}

/// Load averages as the kernel prints them, to show how quiet the machine was.
pub(crate) fn load_average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn coarse_nanos(pid: u32) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).context(|| format!("reading stat of {pid}"))?;
    parse_coarse_ticks(&text).map(|ticks| ticks * NANOS_PER_COARSE_TICK).context(|| "stat is not as expected")
}

/// The sum of fields 14 and 15; the name in field 2 may contain spaces and brackets.
fn parse_coarse_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

fn parse_schedstat(text: &str) -> Result<u64> {
    let first = text.split(' ').next().unwrap_or_default();
    first.parse().context(|| "schedstat is not as expected")
}

fn parse_resident_kib(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_kernel_prints() {
        let stat = "42 (a) b) R 1 42 42 0 -1 4194304 116 0 0 0 17 5 0 0 20 0 1 0 141295 3133440 412";
        assert_eq!(parse_coarse_ticks(stat), Some(22));
        assert_eq!(parse_schedstat("5686434 1200 77\n").unwrap(), 5_686_434);
        assert_eq!(parse_resident_kib("VmHWM:\t 9 kB\nVmRSS:\t    5120 kB\n"), Some(5120));
    }

    #[test]
    fn sees_its_own_work() {
        let me = [std::process::id()];
        let before = CpuLook::at(&me).unwrap();
        while coarse_nanos(me[0]).unwrap() < before.coarse + 3 * NANOS_PER_COARSE_TICK {}
        assert!(CpuLook::at(&me).unwrap().nanos_since(&before) > NANOS_PER_COARSE_TICK);
        assert!(resident_kib(&me).unwrap() > 500);
    }

    #[test]
    fn a_thread_that_ended_is_caught_by_the_coarse_clock() {
        let look = |threads: &[(u32, u64)], coarse| CpuLook { threads: threads.iter().copied().collect(), coarse };
        let before = look(&[(1, 100), (2, 50)], 0);
        assert_eq!(look(&[(1, 130), (3, 5)], 0).nanos_since(&before), 35);
        assert_eq!(look(&[(1, 130)], 50_000_000).nanos_since(&before), 50_000_000);
    }
}
