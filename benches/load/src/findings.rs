//! What a run found, before anyone judges it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::closed::HoldReport;
use crate::open;
use crate::pair::Pair;
use crate::script::Behaviour;
use crate::syscalls::{Counts, Tool};
use crate::target::Kind;
use crate::tollgate::Work;

/// How much is run. Rounds go through all targets in turn, so that they share the noise of the machine.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Rounds of every CPU measurement. Many short ones, because neighbours in time share their noise.
    pub(crate) rounds: usize,
    /// Rounds for paced streams. How many of their chunks share a wake-up is chance, anew in every round, and weighs
    /// more than what is measured: it takes many rounds, and long ones.
    pub(crate) paced_rounds: usize,
    /// The measured part of a round of paced streams.
    pub(crate) paced_measure: Duration,
    /// Before each measured part.
    pub(crate) warm_up: Duration,
    /// The measured part.
    pub(crate) measure: Duration,
    /// Callers of the closed loop.
    pub(crate) connections: u32,
    /// Requests while system calls and allocations are counted.
    pub(crate) counted_requests: u64,
    /// Rounds of every pair of dialects.
    pub(crate) pair_rounds: usize,
    /// Streams of one round of a pair.
    pub(crate) pair_requests: u64,
    /// Streams held open while memory is looked at.
    pub(crate) held_streams: u32,
    /// Rounds of every latency measurement.
    pub(crate) latency_rounds: usize,
    /// The measured part of a latency run.
    pub(crate) latency_measure: Duration,
    /// Requests per second of the open loop.
    pub(crate) rates: Vec<u32>,
    /// Whether the floor is measured too.
    pub(crate) floor: bool,
}

impl Plan {
    /// Some nine minutes.
    pub(crate) fn full() -> Self {
        Self {
            rounds: 18,
            paced_rounds: 32,
            paced_measure: Duration::from_secs(1),
            warm_up: Duration::from_millis(120),
            measure: Duration::from_millis(350),
            connections: 64,
            counted_requests: 40_000,
            pair_rounds: 5,
            pair_requests: 320,
            held_streams: 1000,
            latency_rounds: 6,
            latency_measure: Duration::from_secs(2),
            rates: vec![200, 1000, 4000],
            floor: true,
        }
    }

    /// Under a minute, for a first impression.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 4,
            paced_rounds: 3,
            pair_rounds: 2,
            counted_requests: 20_000,
            latency_rounds: 2,
            latency_measure: Duration::from_millis(1500),
            rates: vec![1000],
            floor: false,
            ..Self::full()
        }
    }
}

/// One thing that costs CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Case {
    /// A request with a body of so many KiB, answered with JSON.
    Request { body_kib: usize },
    /// One chunk of a stream that brings one every 5 ms.
    ChunkPaced,
    /// One chunk of a stream that brings twenty per write, back to back.
    ChunkBurst,
}

impl Case {
    /// Every case, in the order of the report.
    pub(crate) const ALL: [Self; 5] = [
        Self::Request { body_kib: 1 },
        Self::Request { body_kib: 40 },
        Self::Request { body_kib: 400 },
        Self::ChunkPaced,
        Self::ChunkBurst,
    ];

    /// What the report calls it.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Request { body_kib } => format!("request, {body_kib} KB body"),
            Self::ChunkPaced => "streamed chunk, paced 5 ms".to_owned(),
            Self::ChunkBurst => "streamed chunk, in bursts".to_owned(),
        }
    }

    /// How the mock has to answer.
    pub(crate) const fn behaviour(self) -> Behaviour {
        match self {
            Self::Request { .. } => Behaviour::Json,
            Self::ChunkPaced => Behaviour::Paced,
            Self::ChunkBurst => Behaviour::Burst,
        }
    }

    /// Size of the request body.
    pub(crate) const fn body_bytes(self) -> usize {
        match self {
            Self::Request { body_kib } => body_kib * 1024,
            Self::ChunkPaced | Self::ChunkBurst => 1024,
        }
    }

    /// How often it is measured.
    pub(crate) const fn rounds(self, plan: &Plan) -> usize {
        match self {
            Self::ChunkPaced => plan.paced_rounds,
            Self::Request { .. } | Self::ChunkBurst => plan.rounds,
        }
    }

    /// How long it is measured in one round.
    pub(crate) const fn measure(self, plan: &Plan) -> Duration {
        match self {
            Self::ChunkPaced => plan.paced_measure,
            Self::Request { .. } | Self::ChunkBurst => plan.measure,
        }
    }

    /// The most it may cost as a multiple of nginx.
    pub(crate) const fn ratio_max(self) -> f64 {
        match self {
            Self::Request { body_kib: 400.. } => 1.2,
            Self::ChunkPaced => 1.0,
            Self::Request { .. } | Self::ChunkBurst => 1.1,
        }
    }
}

/// One measured part of one target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Cost {
    /// CPU per request or chunk.
    pub(crate) cpu_us: f64,
    /// Requests or chunks per second while it was measured.
    pub(crate) per_second: f64,
}

/// Memory of one target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Freshly started.
    pub(crate) idle_kib: u64,
    /// With streams held open, and just before.
    pub(crate) held: Held,
    /// The most seen during the CPU measurements.
    pub(crate) loaded_kib_max: u64,
}

/// Memory before and with streams open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// How many streams.
    pub(crate) streams: u32,
    /// What they added.
    pub(crate) added_kib: u64,
}

impl From<HoldReport> for Held {
    fn from(report: HoldReport) -> Self {
        Self { streams: report.streams, added_kib: report.open_kib.saturating_sub(report.before_kib) }
    }
}

/// What was counted over a fixed number of requests.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Counted {
    /// Who counted.
    pub(crate) tool: Tool,
    /// Calls per request.
    pub(crate) calls: Counts,
}

/// What the gateway on trial says of itself, per request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct OwnBooks {
    /// Memory allocations.
    pub(crate) allocations: f64,
    /// What it did beside relaying.
    pub(crate) work: Work,
}

/// What an event of a provider's costs on its way to a client.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PairCost {
    /// Whose event, for whom.
    pub(crate) pair: Pair,
    /// CPU per event in each round, request included.
    pub(crate) cpu_us: Vec<f64>,
    /// Memory allocations per event, request included.
    pub(crate) allocations: f64,
}

impl PairCost {
    /// Nothing measured yet.
    pub(crate) const fn of(pair: Pair) -> Self {
        Self { pair, cpu_us: Vec::new(), allocations: 0.0 }
    }

    /// Whether the gateway passes these events on as they are.
    pub(crate) fn passes(&self) -> bool {
        self.pair.provider == self.pair.client
    }
}

/// Latency of all targets at one rate; each round has one report per target.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    /// Requests per second.
    pub(crate) rate: u32,
    /// Per target, one report per round.
    pub(crate) rounds: BTreeMap<Kind, Vec<open::Report>>,
}

/// Everything one run found.
#[derive(Clone, Debug)]
pub(crate) struct Findings {
    /// What was run.
    pub(crate) plan: Plan,
    /// Processor and kernel.
    pub(crate) machine: String,
    /// Load averages before and after.
    pub(crate) load: [String; 2],
    /// Per case and target, one cost per round.
    pub(crate) costs: Vec<(Case, BTreeMap<Kind, Vec<Cost>>)>,
    /// Per pair of dialects.
    pub(crate) pairs: Vec<PairCost>,
    /// Per target.
    pub(crate) syscalls: BTreeMap<Kind, Counted>,
    /// What the gateway on trial says of itself.
    pub(crate) own_books: Option<OwnBooks>,
    /// Per target.
    pub(crate) memory: BTreeMap<Kind, Memory>,
    /// Per rate.
    pub(crate) latency: Vec<Latency>,
    /// Whether latency was measured at a priority that keeps other work on the machine out of it.
    pub(crate) latency_preferred: bool,
}
