//! A JSON line for each request, in the terms of the Elastic Common Schema, written off the hot path.
//!
//! A request leaves a small record in a bounded queue; a thread of its own makes text of it and writes in batches.
//! The thread wakes by the clock, not by the request, so that logging costs no system call per request. When the disk
//! is slower than the traffic, records are dropped and counted: the books are the journal's business, not the log's.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, UNIX_EPOCH};

use crossbeam_queue::ArrayQueue;
use router_core::chat::Losses;
use router_core::domain::{Credits, Id128, KeyId, TenantId, Timestamp, Usage};

use crate::config::AccessLog;
use crate::request_id::RequestIdText;
use crate::text::{push_credits, push_number};
use crate::world::Target;

/// Records that wait at most.
const QUEUE_MAX: usize = 4 << 10;
/// How often the thread looks.
const EVERY: Duration = Duration::from_millis(100);
/// Text is written out once it is this long.
const BATCH_BYTES: usize = 64 << 10;

/// One request, as far as the log tells it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) at: Timestamp,
    pub(crate) request_id: RequestIdText,
    pub(crate) client: Option<SocketAddr>,
    pub(crate) route: &'static str,
    pub(crate) key: Option<(KeyId, TenantId)>,
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) status: u16,
    pub(crate) outcome: &'static str,
    /// Our error code, if the client got an error.
    pub(crate) code: Option<Box<str>>,
    pub(crate) stream: bool,
    pub(crate) request_bytes: u64,
    pub(crate) answer_bytes: u64,
    pub(crate) total_us: u64,
    pub(crate) overhead_us: u64,
    pub(crate) first_byte_us: Option<u64>,
    pub(crate) usage: Usage,
    pub(crate) cost: Option<Credits>,
    /// What the provider could not be told.
    pub(crate) losses: Losses,
    /// Attempts at providers.
    pub(crate) attempts: u32,
}

/// The queue and the thread behind it.
pub(crate) struct Logger {
    shared: Arc<Shared>,
    thread: std::sync::Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    queue: ArrayQueue<Record>,
    stop: AtomicBool,
}

impl Logger {
    /// Opens the log's file and starts its thread; `None` when the log is off.
    pub(crate) fn start(to: &AccessLog) -> io::Result<Option<Self>> {
        let sink: Box<dyn Write + Send> = match to {
            AccessLog::Off => return Ok(None),
            AccessLog::Stdout => Box::new(io::stdout()),
            AccessLog::File(path) => Box::new(OpenOptions::new().create(true).append(true).open(path)?),
        };
        let shared = Arc::new(Shared { queue: ArrayQueue::new(QUEUE_MAX), stop: AtomicBool::new(false) });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("access-log".to_owned()).spawn(move || run(&of_thread, sink))?;
        Ok(Some(Self { shared, thread: std::sync::Mutex::new(Some(thread)) }))
    }

    /// Leaves a record; gives whether there was room for it.
    pub(crate) fn push(&self, record: Record) -> bool {
        let pushed = self.shared.queue.push(record).is_ok();
        if self.shared.queue.len() == QUEUE_MAX / 2 {
            self.wake();
        }
        pushed
    }

    /// Writes what waits and ends the thread.
    pub(crate) fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.wake();
        let thread = self.thread.lock().ok().and_then(|mut thread| thread.take());
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn wake(&self) {
        if let Ok(thread) = self.thread.lock()
            && let Some(thread) = thread.as_ref()
        {
            thread.thread().unpark();
        }
    }
}

fn run(shared: &Shared, mut sink: Box<dyn Write + Send>) {
    let mut text = Vec::with_capacity(BATCH_BYTES + 4096);
    loop {
        let stopping = shared.stop.load(Ordering::Acquire);
        while let Some(record) = shared.queue.pop() {
            write_line(&mut text, &record);
            if text.len() >= BATCH_BYTES {
                write_out(&mut sink, &mut text);
            }
        }
        write_out(&mut sink, &mut text);
        if stopping {
            return;
        }
        thread::park_timeout(EVERY);
    }
}

fn write_out(sink: &mut Box<dyn Write + Send>, text: &mut Vec<u8>) {
    if !text.is_empty()
        && let Err(error) = sink.write_all(text).and_then(|()| sink.flush())
    {
        log::error!("the access log cannot be written: {error}");
    }
    text.clear();
}

/// Appends a record as one line of JSON. Every text in it is of our making or was checked to need no escapes, but for
/// error codes, which a provider may have chosen.
fn write_line(text: &mut Vec<u8>, record: &Record) {
    let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(record.at.0).unwrap_or(0));
    let mut line = Line(text);
    // Writing to memory cannot fail.
    let _ = write!(line.0, "{{\"@timestamp\":\"{}\"", humantime::format_rfc3339_micros(at));
    line.text("http.request.id", record.request_id.as_str());
    if let Some(client) = record.client {
        let _ = write!(line.0, ",\"client.ip\":\"{}\"", client.ip());
    }
    line.number("http.response.status_code", u64::from(record.status));
    line.number("event.duration", record.total_us.saturating_mul(1000));
    line.text("tollgate.route", record.route);
    line.text("tollgate.outcome", record.outcome);
    if let Some((key, tenant)) = record.key {
        line.id("tollgate.key", KeyId::PREFIX, key.0);
        line.id("tollgate.tenant", TenantId::PREFIX, tenant.0);
    }
    if let Some(code) = &record.code {
        let _ = write!(line.0, ",\"error.code\":{}", serde_json::Value::from(&**code));
    }
    if let Some(target) = &record.target {
        line.text("tollgate.deployment", &target.name);
        line.word("tollgate.stream", if record.stream { "true" } else { "false" });
        line.number("http.request.body.bytes", record.request_bytes);
        line.number("http.response.body.bytes", record.answer_bytes);
        line.number("tollgate.overhead_us", record.overhead_us);
        write_usage(&mut line, record);
        if record.attempts > 1 {
            let _ = write!(line.0, ",\"tollgate.attempts\":{}", record.attempts);
        }
        if !record.losses.is_empty() {
            let _ = write!(line.0, ",\"tollgate.dropped\":{}", serde_json::Value::from(record.losses.to_string()));
        }
    }
    if let Some(first_byte_us) = record.first_byte_us {
        line.number("tollgate.first_byte_us", first_byte_us);
    }
    text.extend_from_slice(b"}\n");
}

fn write_usage(line: &mut Line<'_>, record: &Record) {
    let usage = &record.usage;
    line.text("tollgate.usage", usage.provenance.label());
    line.number("tollgate.tokens.input", usage.input());
    line.number("tollgate.tokens.output", usage.output());
    for (name, count) in [
        ("tollgate.tokens.cache_read", usage.cache_read),
        ("tollgate.tokens.cache_write", usage.cache_write),
        ("tollgate.tokens.reasoning", usage.out_reasoning),
    ] {
        if count > 0 {
            line.number(name, count);
        }
    }
    if let Some(cost) = record.cost {
        line.name("tollgate.cost_usd");
        line.0.push(b'"');
        push_credits(line.0, cost);
        line.0.push(b'"');
    }
}

/// A JSON object in the making, after its first member.
struct Line<'t>(&'t mut Vec<u8>);

impl Line<'_> {
    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        push_number(self.0, number);
    }

    fn word(&mut self, name: &str, word: &str) {
        self.name(name);
        self.0.extend_from_slice(word.as_bytes());
    }

    fn text(&mut self, name: &str, text: &str) {
        self.id_text(name, text, b"");
    }

    fn id(&mut self, name: &str, prefix: &str, id: Id128) {
        self.id_text(name, prefix, &id.hex());
    }

    fn id_text(&mut self, name: &str, text: &str, hex: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.extend_from_slice(hex);
        self.0.push(b'"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_json_object_whatever_a_provider_calls_its_error() {
        let record = Record {
            at: Timestamp(1_700_000_000_123_456),
            request_id: RequestIdText::take_or_make(Some("r-1"), Timestamp(0)),
            client: None,
            route: "chat_completions",
            key: Some((KeyId::named("k"), TenantId::named("t"))),
            target: None,
            status: 400,
            outcome: "provider_refused",
            code: Some("a\"b\n".into()),
            stream: false,
            request_bytes: 1,
            answer_bytes: 2,
            total_us: 3,
            overhead_us: 4,
            first_byte_us: Some(5),
            usage: Usage::default(),
            cost: None,
            losses: Losses::default(),
            attempts: 1,
        };
        let mut text = Vec::new();
        write_line(&mut text, &record);
        let line: serde_json::Value = serde_json::from_slice(&text).expect("a line is JSON");
        assert_eq!(line["@timestamp"], "2023-11-14T22:13:20.123456Z");
        assert_eq!((&line["error.code"], &line["event.duration"]), (&"a\"b\n".into(), &3000.into()));
        assert_eq!(line["tollgate.key"], KeyId::named("k").to_string());
    }
}
