//! The closed loop: a fixed number of callers, each asking again as soon as it is answered. For CPU and memory.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::sleep;

use crate::answer::{Answer, Expect};
use crate::failure::{Context, Result};
use crate::procfs::{CpuLook, resident_kib};

const READ_BYTES: usize = 64 * 1024;
/// Between two looks at memory, and at whether a caller failed.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long callers may take to finish what they asked last.
const FINISH_MAX: Duration = Duration::from_secs(10);

/// What to ask, of whom, and whose CPU to watch.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Whom to ask.
    pub(crate) address: SocketAddr,
    /// The request, as sent.
    pub(crate) request: Vec<u8>,
    /// What every answer must be.
    pub(crate) expect: Expect,
    /// How many callers.
    pub(crate) connections: u32,
    /// Processes whose CPU and memory are reported.
    pub(crate) watch: Vec<u32>,
}

/// How long a closed loop runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Span {
    /// Asks for the sum of both; only the second part counts. Callers start spread over the first part.
    Time { warm_up: Duration, measure: Duration },
    /// Asks exactly so often; everything counts.
    Requests(u64),
}

/// What happened in the measured part.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Length of the measured part.
    pub(crate) seconds: f64,
    /// Answers completed.
    pub(crate) requests: u64,
    /// Events received.
    pub(crate) events: u64,
    /// CPU used by the watched processes.
    pub(crate) cpu_us: f64,
    /// The most memory the watched processes had at once.
    pub(crate) resident_kib_max: u64,
}

/// Runs the loop; the first wrong answer fails it.
pub(crate) fn run(job: &Job, span: Span) -> Result<Report> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context(|| "starting")?;
    LocalSet::new().block_on(&runtime, async {
        let shared = Rc::new(Shared { job: job.clone(), tally: Tally::new(span) });
        let mut callers = JoinSet::new();
        for number in 0..job.connections {
            let start = match span {
                Span::Time { warm_up, .. } => warm_up * number / job.connections,
                Span::Requests(_) => Duration::ZERO,
            };
            callers.spawn_local(call(Rc::clone(&shared), start));
        }
        let report = watch(&shared, span).await;
        shared.tally.turns.set(0);
        let finished = tokio::time::timeout(FINISH_MAX, callers.join_all()).await;
        match shared.tally.failure.borrow_mut().take() {
            Some(failure) => Err(failure.into()),
            None if finished.is_err() => Err("a caller was not answered in time".into()),
            None => report.map(|report| shared.tally.complete(report, span)),
        }
    })
}

struct Shared {
    job: Job,
    tally: Tally,
}

/// Counts of all callers.
struct Tally {
    /// How many more requests may be started.
    turns: Cell<u64>,
    requests: Cell<u64>,
    events: Cell<u64>,
    failure: RefCell<Option<String>>,
}

impl Tally {
    fn new(span: Span) -> Self {
        let turns = match span {
            Span::Time { .. } => u64::MAX,
            Span::Requests(requests) => requests,
        };
        Self { turns: Cell::new(turns), requests: Cell::new(0), events: Cell::new(0), failure: RefCell::new(None) }
    }

    fn take_turn(&self) -> bool {
        let left = self.turns.get();
        self.turns.set(left.saturating_sub(1));
        left > 0
    }

    /// A run of a fixed number of requests counts also those that were under way when the last one was taken.
    fn complete(&self, report: Report, span: Span) -> Report {
        match span {
            Span::Time { .. } => report,
            Span::Requests(_) => Report { requests: self.requests.get(), events: self.events.get(), ..report },
        }
    }

    /// Remembers the first failure and stops everyone.
    fn fail(&self, failure: String) {
        self.turns.set(0);
        self.failure.borrow_mut().get_or_insert(failure);
    }
}

/// Waits for the measured part to begin and to end, and counts what happened between.
async fn watch(shared: &Shared, span: Span) -> Result<Report> {
    let (warm_up, measure) = match span {
        Span::Time { warm_up, measure } => (warm_up, measure),
        Span::Requests(_) => (Duration::ZERO, Duration::MAX),
    };
    let tally = &shared.tally;
    let stopped = || tally.turns.get() == 0;
    let warm = Instant::now() + warm_up;
    while Instant::now() < warm && !stopped() {
        sleep(LOOK_EVERY.min(warm - Instant::now())).await;
    }
    let (cpu, start) = (CpuLook::at(&shared.job.watch)?, Instant::now());
    let (requests, events) = (tally.requests.get(), tally.events.get());
    let mut resident_kib_max = 0;
    while start.elapsed() < measure && !stopped() {
        resident_kib_max = resident_kib_max.max(resident_kib(&shared.job.watch)?);
        sleep(LOOK_EVERY.min(measure.saturating_sub(start.elapsed()))).await;
    }
    let nanos = CpuLook::at(&shared.job.watch)?.nanos_since(&cpu);
    Ok(Report {
        seconds: start.elapsed().as_secs_f64(),
        requests: tally.requests.get() - requests,
        events: tally.events.get() - events,
        cpu_us: Duration::from_nanos(nanos).as_secs_f64() * 1e6,
        resident_kib_max,
    })
}

/// One caller: asks until told to stop.
async fn call(shared: Rc<Shared>, start: Duration) {
    sleep(start).await;
    let tally = &shared.tally;
    let conversation = async {
        let mut line = Line::connect(shared.job.address).await?;
        while tally.take_turn() {
            line.ask(&shared.job, |events| tally.events.set(tally.events.get() + events)).await?;
            tally.requests.set(tally.requests.get() + 1);
        }
        Result::Ok(())
    };
    if let Err(error) = conversation.await {
        tally.fail(error.to_string());
    }
}

/// A kept-alive connection.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context(|| "setting nodelay")?;
        Ok(Self { stream, buffer: vec![0; READ_BYTES] })
    }

    /// Asks once and judges the answer; `seen` learns of events as they come.
    async fn ask(&mut self, job: &Job, seen: impl Fn(u64)) -> Result<()> {
        self.stream.write_all(&job.request).await.context(|| "sending a request")?;
        let mut answer = Answer::new();
        while !self.read(&mut answer, &seen).await? {}
        answer.verify(&job.expect).context(|| "asking")
    }

    /// Reads once; `true` if the answer is complete.
    async fn read(&mut self, answer: &mut Answer, seen: &impl Fn(u64)) -> Result<bool> {
        let read = self.stream.read(&mut self.buffer).await.context(|| "reading an answer")?;
        if read == 0 {
            return Err("the connection was closed in the middle of an answer".into());
        }
        let before = answer.events();
        let complete = answer.feed(&self.buffer[..read]).context(|| "reading an answer")?;
        seen(u64::try_from(answer.events() - before).unwrap_or(u64::MAX));
        Ok(complete)
    }
}

/// Memory of a target with many streams open and silent.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct HoldReport {
    /// Streams that were open at once.
    pub(crate) streams: u32,
    /// Before the first.
    pub(crate) before_kib: u64,
    /// With all of them open.
    pub(crate) open_kib: u64,
}

/// Opens one stream on every connection, holds them all for a while, and looks at memory before and then.
pub(crate) fn hold(job: &Job, length: Duration) -> Result<HoldReport> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context(|| "starting")?;
    runtime.block_on(async {
        let before_kib = resident_kib(&job.watch)?;
        let mut open = Vec::new();
        for _ in 0..job.connections {
            open.push(open_stream(job).await?);
        }
        sleep(length).await;
        for stream in &open {
            still_open(stream)?;
        }
        Ok(HoldReport { streams: job.connections, before_kib, open_kib: resident_kib(&job.watch)? })
    })
}

/// Asks, and waits for the first event.
async fn open_stream(job: &Job) -> Result<TcpStream> {
    let mut line = Line::connect(job.address).await?;
    line.stream.write_all(&job.request).await.context(|| "sending a request")?;
    let mut answer = Answer::new();
    while answer.events() == 0 {
        if line.read(&mut answer, &|_| ()).await? || answer.status() > 200 {
            answer.verify(&job.expect).context(|| "opening a stream")?;
        }
    }
    Ok(line.stream)
}

/// A stream that is held must neither end nor say more.
fn still_open(stream: &TcpStream) -> Result<()> {
    match stream.try_read(&mut [0; 1]) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Err("a stream that should be held open was not".into()),
    }
}
