//! A streamed response: which bytes of it go on to the client, and what it cost.

use super::judge::{self, Said};
use super::usage::{self, Fold};
use crate::domain::{Dialect, UsageReport};
use crate::sse::{Data, Event, Splitter};

/// A longer event of OpenAI's is not held back until it ends, and not read: no usage chunk is that long.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;

/// The same for the other dialects, which end with an event that may hold the whole answer, or pictures.
pub const LONG_EVENT_BYTES_MAX: usize = 16 << 20;

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
    /// Whether the dialect's mark of the end came, such as `[DONE]`: a stream without it broke off.
    pub complete: bool,
    /// What to do with all that is left in the window, which may be nothing. Half an event is dropped: clients throw it
    /// away themselves, and an error event could not follow it.
    pub tail: Step,
    /// Whether the client has the beginning of an event that never ended, because it was too long to hold back: a blank
    /// line must come before anything else.
    pub torn: bool,
}

/// Judges a stream of answers, in any dialect, without copying it.
///
/// The caller keeps a window: all bytes that were received and neither forwarded nor dropped, oldest first. It asks
/// [`StreamScan::next`], does what that says, takes those bytes away, and asks again until the answer is `None`; then
/// it waits for more bytes. Any split of a stream forwards the same bytes, and a whole event goes on at once.
#[derive(Debug)]
pub struct StreamScan {
    dialect: Dialect,
    splitter: Splitter,
    strip_usage: bool,
    /// Bytes to drop once what is before them was forwarded.
    to_drop: usize,
    /// Whether the last event is dropped.
    dropped: bool,
    done: bool,
    /// The end of the stream is the end of the answer.
    ending: bool,
    events: u64,
    saw_error: bool,
    usage: Option<UsageReport>,
    /// Of a dialect that reports bit by bit.
    fold: Fold,
}

impl StreamScan {
    /// Begins a stream of this dialect. With `strip_usage` OpenAI's usage chunk is dropped, because the client did not
    /// ask for it: an event with an object `usage` and no choices. Usage that comes with choices is read, and forwarded.
    pub fn new(dialect: Dialect, strip_usage: bool) -> Self {
        Self {
            dialect,
            splitter: Splitter::new(),
            strip_usage,
            to_drop: 0,
            dropped: false,
            done: false,
            ending: false,
            events: 0,
            saw_error: false,
            usage: None,
            fold: Fold::default(),
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
        StreamEnd { complete: self.done || self.ending, tail: Step::Drop(window.len()), torn }
    }

    /// The usage that events carried; `None` when there was none, or the last one is nothing we can count by.
    pub fn usage(&self) -> Option<UsageReport> {
        self.usage.or_else(|| self.fold.report())
    }

    /// Whether the mark of the end was judged. Whatever follows it is dropped.
    pub fn done(&self) -> bool {
        self.done
    }

    /// Events with data so far, the mark of the end included.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Whether the client has the beginning of an event that has not ended.
    pub fn torn(&self) -> bool {
        self.splitter.torn()
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
            let too_long = event.torn || event.len > self.event_bytes_max();
            self.events += u64::from(too_long || event.data != Data::None);
            self.dropped = !too_long && self.read(window, &event);
            return Some(event.len);
        }
        if window.len() > self.event_bytes_max() || self.splitter.torn() {
            self.splitter.tear();
            self.dropped = false;
            return Some(window.len());
        }
        None
    }

    const fn event_bytes_max(&self) -> usize {
        match self.dialect {
            Dialect::Openai => EVENT_BYTES_MAX,
            _ => LONG_EVENT_BYTES_MAX,
        }
    }

    /// Takes note of what an event says; answers whether to drop it.
    fn read(&mut self, window: &[u8], event: &Event) -> bool {
        let Some(data) = event.data.of(window) else { return false };
        let Said { done, ending, error, usage, only_usage } = match self.dialect {
            Dialect::Openai => judge::openai(data),
            Dialect::Responses => judge::responses(data),
            Dialect::Anthropic => judge::anthropic(data),
            Dialect::Gemini => judge::gemini(data),
            Dialect::Bedrock => Said::default(),
        };
        self.done |= done;
        self.ending |= ending;
        self.saw_error |= error;
        match (self.dialect, usage) {
            (_, None) => {}
            (dialect @ (Dialect::Anthropic | Dialect::Gemini), Some(object)) => self.fold.add(dialect, object),
            (dialect, Some(object)) => self.usage = usage::read(dialect, object),
        }
        self.strip_usage && only_usage
    }
}
