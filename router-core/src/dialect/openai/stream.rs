//! A streamed response: which bytes of it go on to the client, and what it cost.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::usage;
use crate::domain::UsageReport;
use crate::json::{Span, each_member, unescape_bytes};
use crate::sse::{Data, Event, Splitter};

/// A longer event is not held back until it ends, and not read: no usage chunk is that long.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));

/// What to do with the first bytes of the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Send this many on to the client.
    Forward(usize),
    /// Throw this many away.
    Drop(usize),
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamEnd {
    /// Whether `[DONE]` came: a stream without it broke off.
    pub complete: bool,
    /// What to do with all that is left in the window, which may be nothing. Half an event is dropped: clients throw it
    /// away themselves, and an error event could not follow it.
    pub tail: Step,
    /// Whether the client has the beginning of an event that never ended, because it was too long to hold back: a blank
    /// line must come before anything else.
    pub torn: bool,
}

/// Judges a stream of chat completion chunks, or of completions, without copying it.
///
/// The caller keeps a window: all bytes that were received and neither forwarded nor dropped, oldest first. It asks
/// [`StreamScan::next`], does what that says, takes those bytes away, and asks again until the answer is `None`; then
/// it waits for more bytes. Any split of a stream forwards the same bytes, and a whole event goes on at once.
#[derive(Debug)]
pub struct StreamScan {
    splitter: Splitter,
    strip_usage: bool,
    /// Bytes to drop once what is before them was forwarded.
    to_drop: usize,
    /// Whether the last event is dropped.
    dropped: bool,
    done: bool,
    events: u64,
    saw_error: bool,
    usage: Option<UsageReport>,
}

impl StreamScan {
    /// Begins a stream. With `strip_usage` the usage chunk is dropped, because the client did not ask for it: an event
    /// with an object `usage` and no choices. Usage that comes with choices is read, and forwarded.
    pub fn new(strip_usage: bool) -> Self {
        Self {
            splitter: Splitter::new(),
            strip_usage,
            to_drop: 0,
            dropped: false,
            done: false,
            events: 0,
            saw_error: false,
            usage: None,
        }
    }

    /// What to do with the first bytes of the window, as many at once as have the same fate. `None` when more must
    /// come first: then the window may only grow.
    pub fn next(&mut self, window: &[u8]) -> Option<Step> {
        if self.to_drop > 0 {
            return Some(Step::Drop(std::mem::take(&mut self.to_drop)));
        }
        let mut forward = 0;
        while let Some(len) = self.judge(&window[forward..]) {
            if self.dropped {
                self.to_drop = len;
                break;
            }
            forward += len;
        }
        match forward {
            0 if self.to_drop > 0 => Some(Step::Drop(std::mem::take(&mut self.to_drop))),
            0 => None,
            _ => Some(Step::Forward(forward)),
        }
    }

    /// Ends the stream: [`StreamScan::next`] has answered `None`, and no byte will follow.
    pub fn finish(&mut self, window: &[u8]) -> StreamEnd {
        let torn = self.splitter.torn();
        if !self.done {
            let event = self.splitter.finish(window);
            self.read(window, &event);
            if self.done {
                self.events += 1;
                return StreamEnd { complete: true, tail: Step::Forward(window.len()), torn: false };
            }
        }
        StreamEnd { complete: self.done, tail: Step::Drop(window.len()), torn }
    }

    /// The last usage that an event carried; `None` when there was none, or the last one is nothing we can count by.
    pub fn usage(&self) -> Option<UsageReport> {
        self.usage
    }

    /// Whether `[DONE]` was judged. Whatever follows it is dropped.
    pub fn done(&self) -> bool {
        self.done
    }

    /// Events with data so far, `[DONE]` included.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Whether an event carried a top-level `error`.
    pub fn saw_error(&self) -> bool {
        self.saw_error
    }
}

impl StreamScan {
    /// The length of what comes first in `window`, if its fate is clear; [`StreamScan::dropped`] tells which it is.
    fn judge(&mut self, window: &[u8]) -> Option<usize> {
        if self.splitter.straggler(window) {
            return Some(1);
        }
        if window.is_empty() {
            return None;
        }
        if self.done {
            self.dropped = true;
            return Some(window.len());
        }
        if let Some(event) = self.splitter.next(window) {
            let too_long = event.torn || event.len > EVENT_BYTES_MAX;
            self.events += u64::from(too_long || event.data != Data::None);
            self.dropped = !too_long && self.read(window, &event);
            return Some(event.len);
        }
        if window.len() > EVENT_BYTES_MAX || self.splitter.torn() {
            self.splitter.tear();
            self.dropped = false;
            return Some(window.len());
        }
        None
    }

    /// Takes note of what an event says; answers whether to drop it.
    fn read(&mut self, window: &[u8], event: &Event) -> bool {
        let Some(data) = event.data.of(window) else { return false };
        if data.trim_ascii() == b"[DONE]" {
            self.done = true;
            return false;
        }
        if !may_report_usage(data) && ERROR.find(data).is_none() {
            return false;
        }
        let Some(chunk) = Chunk::read(data) else { return false };
        self.saw_error |= chunk.is_error;
        let Some(object) = chunk.usage else { return false };
        self.usage = usage::read(object.of(data));
        self.strip_usage && chunk.has_no_choices && !chunk.is_error
    }
}

/// The members of a chunk that we read.
#[derive(Default)]
struct Chunk {
    /// Where `usage` is, if it is an object.
    usage: Option<Span>,
    /// `choices` is an empty array.
    has_no_choices: bool,
    /// `error` is an object or text.
    is_error: bool,
}

impl Chunk {
    fn read(data: &[u8]) -> Option<Self> {
        let mut chunk = Self::default();
        let read = each_member(data, |key, span| {
            let value = span.of(data);
            match unescape_bytes(key.of(data)).as_deref() {
                Some(b"usage") => chunk.usage = value.starts_with(b"{").then_some(span),
                Some(b"choices") => chunk.has_no_choices = value[0] == b'[' && value[1..].trim_ascii_start() == b"]",
                Some(b"error") => chunk.is_error = matches!(value[0], b'{' | b'"'),
                _ => {}
            }
        });
        read.is_ok().then_some(chunk)
    }
}

/// Whether a look at the members is worth it: many providers send `"usage":null` with every chunk.
fn may_report_usage(data: &[u8]) -> bool {
    USAGE.find_iter(data).any(|at| {
        let rest = data[at + USAGE.needle().len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"{"))
    })
}
