//! Measures what a gateway costs: CPU, system calls, memory and latency, beside nginx in the same run.
//!
//! ```text
//! cargo build --profile dist -p tollgate -p load
//! target/dist/load all --tollgate target/dist/tollgate --out benches/RESULTS.md --check
//! ```
//! `load all` does everything and writes a report (some nine minutes; `--quick` under one); the other commands are its
//! parts, usable alone. Without `--tollgate` it gives the baseline of nginx and of the floor.
//!
//! Needs Linux, two cores, nginx, `taskset`, `setpriv` and `chrt` (util-linux), and `perf` or `strace`. The user needs
//! the right to count system calls and, for latency figures that other work does not disturb, to use real-time
//! priority. All traffic stays on the loopback interface, and nothing that was started outlives the run.

mod answer;
mod closed;
mod failure;
mod findings;
mod forward;
mod mock;
mod nginx;
mod open;
mod pair;
mod process;
mod procfs;
mod report;
mod run;
mod schedule;
mod script;
mod stats;
mod syscalls;
mod target;
mod tollgate;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use router_core::domain::Dialect;
use serde::Serialize;
use tokio::signal::unix::{SignalKind, signal};

use crate::answer::Expect;
use crate::failure::{Context, Result};
use crate::findings::Plan;
use crate::pair::Pair;
use crate::run::Programs;
use crate::schedule::{Arrivals, schedule};
use crate::script::Behaviour;

#[derive(Debug, Parser)]
#[command(about = "Measures what a gateway costs, beside nginx in the same run")]
enum Command {
    /// A provider that costs next to nothing
    Mock {
        /// Where to answer
        #[arg(long)]
        listen: SocketAddr,
    },
    /// Copies bytes between two sockets: the floor of what a gateway costs
    Forward {
        /// Where to take connections
        #[arg(long)]
        listen: SocketAddr,
        /// Where they lead
        #[arg(long)]
        to: SocketAddr,
    },
    /// Generates load and prints what it saw as JSON
    #[command(subcommand)]
    Gen(Generator),
    /// Compares tollgate with nginx and writes a report
    All(All),
}

#[derive(Debug, Subcommand)]
enum Generator {
    /// Callers who ask again as soon as they are answered
    Closed {
        #[command(flatten)]
        ask: Ask,
        #[command(flatten)]
        callers: Callers,
        #[command(flatten)]
        span: Span,
        /// Asks exactly so often instead
        #[arg(long)]
        requests: Option<u64>,
    },
    /// Requests at times fixed beforehand
    Open {
        #[command(flatten)]
        ask: Ask,
        #[command(flatten)]
        span: Span,
        /// Requests per second
        #[arg(long, default_value_t = 1000)]
        rate: u32,
        /// How they are spaced
        #[arg(long, value_enum, default_value = "poisson")]
        arrivals: Arrivals,
        /// Replays the same send times
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Streams that are opened and held
    Hold {
        #[command(flatten)]
        ask: Ask,
        #[command(flatten)]
        callers: Callers,
        /// How long all of them stay open
        #[arg(long, default_value_t = 1000)]
        hold_ms: u64,
    },
}

/// What to ask, of whom.
#[derive(Debug, Args)]
struct Ask {
    /// Whom to ask
    #[arg(long)]
    address: SocketAddr,
    /// How the mock shall answer
    #[arg(long, value_enum, default_value = "bench-json")]
    model: Behaviour,
    /// Size of the request body
    #[arg(long, default_value_t = 1024)]
    body_bytes: usize,
    /// Ask as a client of this dialect would, and a provider of the other's: both are needed
    #[arg(long, requires = "provider", value_parser = dialect)]
    client: Option<Dialect>,
    /// Whom the gateway is to ask then
    #[arg(long, requires = "client", value_parser = dialect)]
    provider: Option<Dialect>,
    /// The key to present
    #[arg(long, default_value = tollgate::KEY)]
    key: String,
}

impl Ask {
    fn pair(&self) -> Option<Pair> {
        self.provider.zip(self.client).map(|(provider, client)| Pair { provider, client })
    }

    fn expect(&self) -> Expect {
        self.pair().map_or_else(|| Expect::of(self.model), |_| Expect::mixed())
    }

    fn request(&self) -> Vec<u8> {
        let host = self.address.to_string();
        match self.pair() {
            Some(pair) => pair.request(&host, &self.key),
            None => script::request(&host, &self.key, self.model, self.body_bytes),
        }
    }
}

fn dialect(name: &str) -> std::result::Result<Dialect, String> {
    Dialect::named(name).ok_or_else(|| format!("{name} is no dialect"))
}

#[derive(Debug, Args)]
struct Callers {
    /// How many connections
    #[arg(long, default_value_t = 64)]
    connections: u32,
    /// Processes whose CPU and memory are reported
    #[arg(long, value_delimiter = ',')]
    watch: Vec<u32>,
}

#[derive(Debug, Args)]
struct Span {
    /// Not counted
    #[arg(long, default_value_t = 500)]
    warm_up_ms: u64,
    /// Counted
    #[arg(long, default_value_t = 3000)]
    measure_ms: u64,
}

#[derive(Debug, Args)]
struct All {
    /// The gateway on trial; without it only nginx and the floor are measured
    #[arg(long)]
    tollgate: Option<PathBuf>,
    /// The yardstick
    #[arg(long, default_value = "nginx")]
    nginx: PathBuf,
    /// Where the report goes; printed if missing
    #[arg(long)]
    out: Option<PathBuf>,
    /// Under a minute instead of some nine
    #[arg(long)]
    quick: bool,
    /// Fails if a promise is not kept
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    match execute(Command::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<ExitCode> {
    match command {
        Command::Mock { listen } => block_on(mock::serve(listen))?,
        Command::Forward { listen, to } => block_on(forward::serve(listen, to))?,
        Command::Gen(generator) => generate(generator)?,
        Command::All(all) => return block_on(compare(all)),
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs on this one thread.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context(|| "starting")?.block_on(work)
}

fn generate(generator: Generator) -> Result<()> {
    match generator {
        Generator::Closed { ask, callers, span, requests } => {
            let span = requests.map_or_else(|| span.timed(), closed::Span::Requests);
            print(&closed::run(&closed_job(&ask, callers), span)?)
        }
        Generator::Hold { ask, callers, hold_ms } => {
            print(&closed::hold(&closed_job(&ask, callers), Duration::from_millis(hold_ms))?)
        }
        Generator::Open { ask, span, rate, arrivals, seed } => {
            let length = Duration::from_millis(span.warm_up_ms + span.measure_ms);
            print(&open::run(&open::Job {
                address: ask.address,
                request: ask.request(),
                expect: ask.expect(),
                due: schedule(arrivals, f64::from(rate), length, seed),
                warm_up: Duration::from_millis(span.warm_up_ms),
            })?)
        }
    }
}

impl Span {
    fn timed(&self) -> closed::Span {
        closed::Span::Time {
            warm_up: Duration::from_millis(self.warm_up_ms),
            measure: Duration::from_millis(self.measure_ms),
        }
    }
}

fn closed_job(ask: &Ask, callers: Callers) -> closed::Job {
    let Callers { connections, watch } = callers;
    let expect = ask.expect();
    closed::Job { address: ask.address, request: ask.request(), expect, connections, watch }
}

fn print(report: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(report).context(|| "printing the report")?);
    Ok(())
}

/// The whole comparison. A signal drops it half-way, which stops everything it started.
async fn compare(all: All) -> Result<ExitCode> {
    let plan = if all.quick { Plan::quick() } else { Plan::full() };
    let programs = Programs { nginx: all.nginx, tollgate: all.tollgate };
    let mut interrupt = signal(SignalKind::interrupt()).context(|| "listening for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context(|| "listening for signals")?;
    let findings = tokio::select! {
        findings = run::compare(programs, plan) => findings?,
        _ = interrupt.recv() => return Err("interrupted".into()),
        _ = terminate.recv() => return Err("terminated".into()),
    };
    write(&report::markdown(&findings), all.out.as_deref())?;
    let checks = report::checks(&findings);
    for check in &checks {
        eprintln!("{} {} ({})", if check.kept { "pass" } else { "FAIL" }, check.promise, check.seen);
    }
    let kept = checks.iter().all(|check| check.kept);
    Ok(if kept || !all.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(report: &str, out: Option<&Path>) -> Result<()> {
    match out {
        Some(file) => std::fs::write(file, report).context(|| format!("writing {}", file.display())),
        None => {
            print!("{report}");
            Ok(())
        }
    }
}
