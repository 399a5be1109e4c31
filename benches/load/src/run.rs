//! One whole comparison: starts everything, measures in turns, stops everything.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::closed::{self, HoldReport};
use crate::failure::{Context, Result};
use crate::findings::{Case, Cost, Counted, Findings, Held, Latency, Memory, OwnBooks, PairCost, Plan};
use crate::pair::{self, Pair};
use crate::process::{GATEWAY_CORE, OTHER_CORE, Ports, Process, Spawn};
use crate::script::Behaviour;
use crate::syscalls::{Counter, Tool};
use crate::target::{Books, Kind, Target};
use crate::tollgate::Work;
use crate::{nginx, open, procfs, tollgate};

/// Longest a single generator run may take.
const GENERATOR_MAX: Duration = Duration::from_secs(60);
/// After a start, before memory is looked at; and between two looks at books.
const SETTLE: Duration = Duration::from_secs(1);
/// How often books are looked at until they settle.
const SETTLE_LOOKS_MAX: u32 = 5;
/// Callers of a paced stream start spread over its length, so that their chunks do not come all at once.
const PACED_WARM_UP: Duration = Duration::from_millis(1100);
/// How long held streams stay open.
const HOLD: Duration = Duration::from_secs(1);
const LATENCY_WARM_UP: Duration = Duration::from_millis(300);

/// The gateways to compare.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// The yardstick.
    pub(crate) nginx: PathBuf,
    /// The gateway on trial; without it the run gives a baseline.
    pub(crate) tollgate: Option<PathBuf>,
}

/// Measures everything in `plan`.
pub(crate) async fn compare(programs: Programs, plan: Plan) -> Result<Findings> {
    let load_before = procfs::load_average();
    let mut bench = Bench::start(programs, plan).await?;
    let mut memory = bench.memory().await?;
    let targets = bench.start_all().await?;
    let costs = bench.costs(&targets, &mut memory).await?;
    let pairs = bench.pairs(&targets).await?;
    let syscalls = bench.syscalls(&targets).await?;
    let own_books = bench.own_books(&targets).await?;
    bench.prefer(&targets)?;
    let latency = bench.latency(&targets).await?;
    for target in targets {
        target.process.stop().await?;
    }
    bench.provider.stop().await?;
    let load = [load_before, procfs::load_average()];
    let (plan, machine, latency_preferred) = (bench.plan, procfs::machine(), bench.preferred);
    Ok(Findings { plan, machine, load, costs, pairs, syscalls, own_books, memory, latency, latency_preferred })
}

/// What all measurements share.
struct Bench {
    programs: Programs,
    plan: Plan,
    own: PathBuf,
    directory: TempDir,
    ports: Ports,
    mock: SocketAddr,
    provider: Process,
    /// Whether everything of this run goes before other work on its cores.
    preferred: bool,
}

impl Bench {
    async fn start(programs: Programs, plan: Plan) -> Result<Self> {
        let own = std::env::current_exe().context(|| "finding this program")?;
        let directory = TempDir::with_prefix("load-").context(|| "making a temporary directory")?;
        let mut ports = Ports::new();
        let mock = ports.next()?;
        let arguments = ["mock", "--listen", &mock.to_string()].map(str::to_owned).to_vec();
        let mut process = Spawn { arguments, ..Spawn::new("mock", OTHER_CORE, &own) }.start()?;
        process.listening(mock).await?;
        Ok(Self { programs, plan, own, directory, ports, mock, provider: process, preferred: false })
    }

    /// The gateways of this run, in the order in which a round asks them.
    fn kinds(&self) -> Vec<Kind> {
        let floor = self.plan.floor.then_some(Kind::Floor);
        let tollgate = self.programs.tollgate.is_some().then_some(Kind::Tollgate);
        floor.into_iter().chain([Kind::Nginx]).chain(tollgate).collect()
    }

    async fn start_all(&mut self) -> Result<Vec<Target>> {
        let mut targets = Vec::new();
        for kind in self.kinds() {
            targets.push(self.start_target(kind, "speed").await?);
        }
        Ok(targets)
    }

    async fn start_target(&mut self, kind: Kind, purpose: &str) -> Result<Target> {
        let directory = self.directory.path().join(format!("{}-{purpose}", kind.name()));
        match (kind, &self.programs.tollgate) {
            (Kind::Nginx, _) => nginx::start(&self.programs.nginx, self.mock, &directory, &mut self.ports).await,
            (Kind::Tollgate, Some(program)) => tollgate::start(program, self.mock, &directory, &mut self.ports).await,
            (Kind::Floor, _) => self.start_floor().await,
            (Kind::Direct | Kind::Tollgate, _) => Err(format!("{} cannot be started", kind.name()).into()),
        }
    }

    async fn start_floor(&mut self) -> Result<Target> {
        let listen = self.ports.next()?;
        let arguments = ["forward", "--listen", &listen.to_string(), "--to", &self.mock.to_string()];
        let arguments = arguments.map(str::to_owned).to_vec();
        let mut process = Spawn { arguments, ..Spawn::new("forward", GATEWAY_CORE, &self.own) }.start()?;
        process.listening(listen).await?;
        Ok(Target { kind: Kind::Floor, json: listen, stream: listen, books: None, process })
    }

    /// Memory of freshly started gateways, idle and with many streams open. The floor says nothing about memory.
    async fn memory(&mut self) -> Result<BTreeMap<Kind, Memory>> {
        let mut memory = BTreeMap::new();
        for kind in self.kinds().into_iter().filter(|kind| *kind != Kind::Floor) {
            eprintln!("memory: {}", kind.name());
            let target = self.start_target(kind, "memory").await?;
            sleep(SETTLE).await;
            let idle_kib = procfs::resident_kib(&target.process.pids()?)?;
            let mut arguments = vec!["hold".to_owned()];
            arguments.extend(ask(&target, Behaviour::Open, 1024, self.plan.held_streams)?);
            arguments.extend(["--hold-ms".to_owned(), HOLD.as_millis().to_string()]);
            let report: HoldReport = self.generate(arguments).await?;
            memory.insert(kind, Memory { idle_kib, held: Held::from(report), loaded_kib_max: 0 });
            target.process.stop().await?;
        }
        Ok(memory)
    }

    /// CPU per request and per chunk.
    async fn costs(
        &self,
        targets: &[Target],
        memory: &mut BTreeMap<Kind, Memory>,
    ) -> Result<Vec<(Case, BTreeMap<Kind, Vec<Cost>>)>> {
        let mut costs = Vec::new();
        for case in Case::ALL {
            let mut by_kind: BTreeMap<Kind, Vec<Cost>> = BTreeMap::new();
            for round in 0..case.rounds(&self.plan) {
                for target in in_turn(targets, round) {
                    let kind = target.kind;
                    let report = self.measure(target, case).await?;
                    let cost = cost(case, &report)?;
                    eprintln!("{}, round {}: {} {:.2} µs", case.name(), round + 1, kind.name(), cost.cpu_us);
                    by_kind.entry(kind).or_default().push(cost);
                    if let Some(seen) = memory.get_mut(&kind) {
                        seen.loaded_kib_max = seen.loaded_kib_max.max(report.resident_kib_max);
                    }
                }
            }
            costs.push((case, by_kind));
        }
        Ok(costs)
    }

    async fn measure(&self, target: &Target, case: Case) -> Result<closed::Report> {
        let warm_up = if case == Case::ChunkPaced { PACED_WARM_UP } else { self.plan.warm_up };
        let length = case.measure(&self.plan);
        let mut arguments = vec!["closed".to_owned()];
        arguments.extend(ask(target, case.behaviour(), case.body_bytes(), self.plan.connections)?);
        arguments.extend(["--warm-up-ms".to_owned(), warm_up.as_millis().to_string()]);
        arguments.extend(["--measure-ms".to_owned(), length.as_millis().to_string()]);
        self.generate(arguments).await
    }

    /// System calls per request.
    async fn syscalls(&self, targets: &[Target]) -> Result<BTreeMap<Kind, Counted>> {
        let mut syscalls = BTreeMap::new();
        let Some(tool) = Tool::find() else { return Ok(syscalls) };
        for target in targets {
            eprintln!("system calls: {}", target.kind.name());
            let counter = Counter::attach(tool, &target.process.pids()?, self.directory.path()).await?;
            let requests = self.ask_counted(target).await?;
            let mut calls = counter.finish().await?;
            calls.total /= requests;
            calls.named.iter_mut().for_each(|(_, count)| *count /= requests);
            syscalls.insert(target.kind, Counted { tool, calls });
        }
        Ok(syscalls)
    }

    /// What the gateway on trial says of itself: allocations and work done, per request.
    async fn own_books(&self, targets: &[Target]) -> Result<Option<OwnBooks>> {
        let Some((target, books)) = targets.iter().find_map(|it| Some((it, it.books.as_ref()?))) else {
            return Ok(None);
        };
        eprintln!("allocations and work: {}", target.kind.name());
        let before = settled(books).await?;
        let first = tollgate::allocations(books).await?;
        let second = tollgate::allocations(books).await?;
        let requests = self.ask_counted(target).await?;
        let third = tollgate::allocations(books).await?;
        let work = settled(books).await?.per_request(&before, requests);
        // Reading the counter allocates too; what it costs is seen between the first and the second look.
        let reading = second - first;
        let allocations = ((third - second) - reading) / requests;
        Ok(Some(OwnBooks { allocations, work }))
    }

    /// What an event of a provider's costs, for every pair of dialects.
    async fn pairs(&self, targets: &[Target]) -> Result<Vec<PairCost>> {
        let Some((target, books)) = targets.iter().find_map(|it| Some((it, it.books.as_ref()?))) else {
            return Ok(Vec::new());
        };
        let mut costs: Vec<PairCost> = Pair::all().map(PairCost::of).collect();
        for round in 0..self.plan.pair_rounds {
            for cost in &mut costs {
                let before = tollgate::allocations(books).await?;
                let report = self.ask_pair(target, cost.pair).await?;
                let after = tollgate::allocations(books).await?;
                let events = (report.requests * pair::events(cost.pair.provider) as u64) as f64;
                cost.cpu_us.push(report.cpu_us / events);
                cost.allocations = (after - before) / events;
                let (Pair { provider, client }, cpu_us) = (cost.pair, report.cpu_us / events);
                eprintln!("{} for {}, round {}: {cpu_us:.2} µs", provider.name(), client.name(), round + 1);
            }
        }
        Ok(costs)
    }

    async fn ask_pair(&self, target: &Target, pair: Pair) -> Result<closed::Report> {
        let mut arguments = vec!["closed".to_owned()];
        arguments.extend(ask(target, Behaviour::Burst, 0, self.plan.connections)?);
        arguments.extend(["--requests".to_owned(), self.plan.pair_requests.to_string()]);
        arguments.extend(["--provider".to_owned(), pair.provider.name().to_owned()]);
        arguments.extend(["--client".to_owned(), pair.client.name().to_owned()]);
        self.generate(arguments).await
    }

    /// Asks a fixed number of times; gives the number.
    async fn ask_counted(&self, target: &Target) -> Result<f64> {
        let mut arguments = vec!["closed".to_owned()];
        arguments.extend(ask(target, Behaviour::Json, 1024, self.plan.connections)?);
        arguments.extend(["--requests".to_owned(), self.plan.counted_requests.to_string()]);
        let report: closed::Report = self.generate(arguments).await?;
        Ok(report.requests as f64)
    }

    /// Lets all that takes part go before other work on the machine, whose time slices would be measured instead.
    ///
    /// Only for latency, whose load is light: at full load the rest of the machine would stand still.
    fn prefer(&mut self, targets: &[Target]) -> Result<()> {
        self.preferred = self.provider.prefer()?;
        for target in targets {
            self.preferred &= target.process.prefer()?;
        }
        Ok(())
    }

    /// Latency at fixed rates, straight to the mock and through each gateway.
    async fn latency(&self, targets: &[Target]) -> Result<Vec<Latency>> {
        let mut through: Vec<(Kind, SocketAddr)> = vec![(Kind::Direct, self.mock)];
        through.extend(targets.iter().filter(|it| it.kind != Kind::Floor).map(|it| (it.kind, it.json)));
        let mut latency = Vec::new();
        for &rate in &self.plan.rates {
            let mut rounds: BTreeMap<Kind, Vec<open::Report>> = BTreeMap::new();
            for round in 0..self.plan.latency_rounds {
                for &(kind, address) in in_turn(&through, round) {
                    let report = self.ask_at(rate, address, round).await?;
                    eprintln!("{rate}/s, round {}: {} p99 {:.0} µs", round + 1, kind.name(), report.p99_us);
                    rounds.entry(kind).or_default().push(report);
                }
            }
            latency.push(Latency { rate, rounds });
        }
        Ok(latency)
    }

    /// Asks at a fixed rate; in one round every target is asked at the same moments.
    async fn ask_at(&self, rate: u32, address: SocketAddr, round: usize) -> Result<open::Report> {
        let arguments = [
            ("--address", address.to_string()),
            ("--model", Behaviour::Json.model().to_owned()),
            ("--body-bytes", "1024".to_owned()),
            ("--rate", rate.to_string()),
            ("--seed", round.to_string()),
            ("--warm-up-ms", LATENCY_WARM_UP.as_millis().to_string()),
            ("--measure-ms", self.plan.latency_measure.as_millis().to_string()),
        ];
        let flat = arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]);
        self.generate(std::iter::once("open".to_owned()).chain(flat).collect()).await
    }

    /// Runs a generator beside the mock and reads its report.
    async fn generate<T: DeserializeOwned>(&self, mut arguments: Vec<String>) -> Result<T> {
        arguments.insert(0, "gen".to_owned());
        let spawn = Spawn::new("generator", OTHER_CORE, &self.own);
        let process = Spawn { arguments, piped: true, realtime: self.preferred, ..spawn }.start()?;
        let printed = process.output(GENERATOR_MAX).await?;
        serde_json::from_slice(&printed).context(|| "reading the generator's report")
    }
}

/// The books once they no longer change, for metrics and log may come a little after the answer.
async fn settled(books: &Books) -> Result<Work> {
    let mut work = Work::read(books).await?;
    for _ in 0..SETTLE_LOOKS_MAX {
        sleep(SETTLE).await;
        let before = std::mem::replace(&mut work, Work::read(books).await?);
        if before == work {
            break;
        }
    }
    Ok(work)
}

/// Every second round goes backwards, so that nobody always comes first.
fn in_turn<T>(all: &[T], round: usize) -> Box<dyn Iterator<Item = &T> + '_> {
    if round.is_multiple_of(2) { Box::new(all.iter()) } else { Box::new(all.iter().rev()) }
}

/// Arguments that say what to ask of whom, and whom to watch.
fn ask(target: &Target, behaviour: Behaviour, body_bytes: usize, connections: u32) -> Result<Vec<String>> {
    let address = if behaviour.streams() { target.stream } else { target.json };
    let watch = target.process.pids()?.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let arguments = [
        ("--address", address.to_string()),
        ("--model", behaviour.model().to_owned()),
        ("--body-bytes", body_bytes.to_string()),
        ("--connections", connections.to_string()),
        ("--watch", watch),
    ];
    Ok(arguments.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect())
}

/// CPU per request, or per chunk where the case is about chunks.
fn cost(case: Case, report: &closed::Report) -> Result<Cost> {
    let count = if case.behaviour().streams() { report.events } else { report.requests };
    if count == 0 {
        return Err(format!("{}: nothing was answered in the measured part", case.name()).into());
    }
    let count = count as f64;
    Ok(Cost { cpu_us: report.cpu_us / count, per_second: count / report.seconds })
}
