//! The open loop: asks at times fixed beforehand, whether or not earlier answers have come. For latency.
//!
//! Latency counts from the intended time, so a stall is paid by everyone who would have asked during it (no
//! coordinated omission). Threads with blocking sockets, because their sleeps are exact to microseconds where an
//! event loop's are to milliseconds; more are added when all are busy, up to a bound, beyond which asking is late,
//! and late is counted.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::answer::{Answer, Expect};
use crate::failure::{Context, Result};
use crate::procfs::sleep_precisely;
use crate::stats::{P50, P99, P999, percentile};

const READ_BYTES: usize = 64 * 1024;
/// Connections that stand ready before the first request is due.
const CALLERS_FIRST: usize = 16;
/// The most connections a run may grow to.
const CALLERS_MAX: usize = 512;
/// An answer that takes longer fails the run.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// What to ask, of whom and when.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// Whom to ask.
    pub(crate) address: SocketAddr,
    /// The request, as sent.
    pub(crate) request: Vec<u8>,
    /// What every answer must be.
    pub(crate) expect: Expect,
    /// Send times since the start.
    pub(crate) due: Vec<Duration>,
    /// Requests due before this are not counted.
    pub(crate) warm_up: Duration,
}

/// Latencies of the measured part, from the intended send time to the last byte.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Answers counted.
    pub(crate) requests: usize,
    /// Median.
    pub(crate) p50_us: f64,
    /// 99 of 100 are no slower.
    pub(crate) p99_us: f64,
    /// 999 of 1,000 are no slower.
    pub(crate) p999_us: f64,
    /// The slowest.
    pub(crate) max_us: f64,
    /// How late requests were sent at p99: above some 100 µs the generator is the bottleneck.
    pub(crate) lag_p99_us: f64,
    /// Connections used.
    pub(crate) callers: usize,
}

/// Asks on time until all is asked; the first wrong answer fails the run.
pub(crate) fn run(job: &Job) -> Result<Report> {
    sleep_precisely()?;
    let lines: Result<Vec<Line>> = (0..CALLERS_FIRST).map(|_| Line::connect(job.address)).collect();
    let shared = Shared {
        job,
        start: Instant::now() + Duration::from_millis(20),
        next: AtomicUsize::new(0),
        waiting: AtomicUsize::new(0),
        callers: AtomicUsize::new(CALLERS_FIRST),
        stop: AtomicBool::new(false),
        outcome: Mutex::default(),
    };
    thread::scope(|scope| {
        for line in lines? {
            spawn(scope, &shared, Some(line));
        }
        Result::Ok(())
    })?;
    let callers = shared.callers.load(Ordering::Relaxed);
    let outcome = shared.outcome.into_inner().context(|| "collecting samples")?;
    match outcome.failure {
        Some(failure) => Err(failure.into()),
        None => Ok(summarise(&outcome.samples, callers)),
    }
}

/// One answer: when it was complete and when it was asked for, both since the intended time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sample {
    latency: Duration,
    lag: Duration,
}

fn summarise(samples: &[Sample], callers: usize) -> Report {
    let nanos = |pick: fn(&Sample) -> Duration| {
        let mut values: Vec<u64> =
            samples.iter().map(|sample| u64::try_from(pick(sample).as_nanos()).unwrap_or(u64::MAX)).collect();
        values.sort_unstable();
        values
    };
    let (latency, lag) = (nanos(|sample| sample.latency), nanos(|sample| sample.lag));
    let micros = |sorted: &[u64], share| Duration::from_nanos(percentile(sorted, share)).as_secs_f64() * 1e6;
    Report {
        requests: samples.len(),
        p50_us: micros(&latency, P50),
        p99_us: micros(&latency, P99),
        p999_us: micros(&latency, P999),
        max_us: micros(&latency, 100_000),
        lag_p99_us: micros(&lag, P99),
        callers,
    }
}

struct Shared<'job> {
    job: &'job Job,
    start: Instant,
    /// The next request that nobody has taken.
    next: AtomicUsize,
    /// Callers that wait for their request to be due.
    waiting: AtomicUsize,
    callers: AtomicUsize,
    stop: AtomicBool,
    outcome: Mutex<Outcome>,
}

#[derive(Default)]
struct Outcome {
    samples: Vec<Sample>,
    failure: Option<String>,
}

fn spawn<'scope>(scope: &'scope Scope<'scope, '_>, shared: &'scope Shared<'scope>, line: Option<Line>) {
    scope.spawn(move || {
        let mut samples = Vec::new();
        let result = call(scope, shared, line, &mut samples);
        if result.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        if let Ok(mut outcome) = shared.outcome.lock() {
            outcome.samples.append(&mut samples);
            if let Err(error) = result {
                outcome.failure.get_or_insert(error.to_string());
            }
        }
    });
}

/// One caller: takes the next request, waits until it is due, asks.
fn call<'scope>(
    scope: &'scope Scope<'scope, '_>,
    shared: &'scope Shared<'scope>,
    line: Option<Line>,
    samples: &mut Vec<Sample>,
) -> Result<()> {
    let mut line = line.map_or_else(|| Line::connect(shared.job.address), Ok)?;
    while !shared.stop.load(Ordering::Relaxed) {
        let Some(due) = shared.job.due.get(shared.next.fetch_add(1, Ordering::Relaxed)) else { break };
        let intended = shared.start + *due;
        shared.waiting.fetch_add(1, Ordering::Relaxed);
        thread::sleep(intended.saturating_duration_since(Instant::now()));
        if shared.waiting.fetch_sub(1, Ordering::Relaxed) == 1 {
            grow(scope, shared);
        }
        let lag = intended.elapsed();
        line.ask(shared.job)?;
        if *due >= shared.job.warm_up {
            samples.push(Sample { latency: intended.elapsed(), lag });
        }
    }
    Ok(())
}

/// Adds a caller, because nobody waits for the request after this one.
fn grow<'scope>(scope: &'scope Scope<'scope, '_>, shared: &'scope Shared<'scope>) {
    let more = |callers| (callers < CALLERS_MAX).then_some(callers + 1);
    if shared.callers.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok() {
        spawn(scope, shared, None);
    }
}

/// A kept-alive connection.
struct Line {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Line {
    fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true).context(|| "setting nodelay")?;
        stream.set_read_timeout(Some(ANSWER_MAX)).context(|| "setting a timeout")?;
        Ok(Self { stream, buffer: vec![0; READ_BYTES] })
    }

    /// Asks once and judges the answer.
    fn ask(&mut self, job: &Job) -> Result<()> {
        self.stream.write_all(&job.request).context(|| "sending a request")?;
        let mut answer = Answer::new();
        loop {
            let read = self.stream.read(&mut self.buffer).context(|| "reading an answer")?;
            if read == 0 {
                return Err("the connection was closed in the middle of an answer".into());
            }
            if answer.feed(&self.buffer[..read]).context(|| "reading an answer")? {
                return answer.verify(&job.expect).context(|| "asking");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tollgate_testkit::stay_silent;

    use super::*;
    use crate::schedule::{Arrivals, schedule};

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

    /// A server that answers in turn, and stalls once for `stall`.
    fn stalling_server(stall: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let turn = std::sync::Arc::new(Mutex::new(0));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, turn) = (stream.unwrap(), std::sync::Arc::clone(&turn));
                thread::spawn(move || {
                    while stream.read(&mut [0; 64]).is_ok_and(|read| read > 0) {
                        let mut turn = turn.lock().unwrap();
                        *turn += 1;
                        if *turn == 20 {
                            stay_silent(stall);
                        }
                        drop(turn);
                        stream.write_all(ANSWER).unwrap();
                    }
                });
            }
        });
        address
    }

    #[test]
    fn a_stall_is_paid_by_everyone_who_was_due_during_it() {
        let stall = Duration::from_millis(200);
        let job = Job {
            address: stalling_server(stall),
            request: b"ask".to_vec(),
            expect: Expect::Body(2),
            due: schedule(Arrivals::Uniform, 200.0, Duration::from_millis(500), 0),
            warm_up: Duration::ZERO,
        };
        let report = run(&job).unwrap();
        assert_eq!(report.requests, 100);
        assert!(report.max_us > 190_000.0, "{report:?}");
        // 40 of 100 requests are due during the stall, so the slowest third has waited for at least some of it.
        assert!(report.p99_us > 150_000.0, "{report:?}");
        assert!(report.callers > CALLERS_FIRST, "{report:?}");
    }

    #[test]
    fn a_summary_sorts_and_counts() {
        let sample = |micros| Sample { latency: Duration::from_micros(micros), lag: Duration::from_micros(1) };
        let report = summarise(&[sample(30), sample(10), sample(20)], 3);
        assert_eq!((report.requests, report.callers), (3, 3));
        assert!((report.p50_us - 20.0).abs() < 1e-6 && (report.max_us - 30.0).abs() < 1e-6);
    }
}
