//! What an answer is and how much of it may go to the client.

use crate::dialect::openai::{ResponseEnd, ResponseScan, StreamScan};
use crate::domain::UsageReport;

pub(super) use crate::dialect::openai::Step;

/// Bytes of an error body that are kept; more is cut.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// What a provider's content type says the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `text/event-stream`.
    Events,
    /// `application/json`.
    Json,
    /// Anything else: passed on unread.
    Opaque,
}

/// The answer under way.
#[derive(Debug)]
pub(super) enum Answer {
    /// Events, judged one by one.
    Stream(StreamScan),
    /// One JSON document, held back while it is small.
    Document { scan: ResponseScan, seen: usize, end: Option<ResponseEnd> },
    /// Bytes of some other type.
    Opaque,
    /// A refusal, whose body is read and never passed on.
    Error,
}

impl Answer {
    pub(super) fn new(kind: BodyKind, strip_usage: bool) -> Self {
        match kind {
            BodyKind::Events => Self::Stream(StreamScan::new(strip_usage)),
            BodyKind::Json => Self::Document { scan: ResponseScan::new(), seen: 0, end: None },
            BodyKind::Opaque => Self::Opaque,
        }
    }

    /// Whether nothing may be sent yet, with this much in the window.
    pub(super) fn holds(&self, begun: bool, window: usize, hold_bytes_max: usize) -> bool {
        match self {
            Self::Stream(_) | Self::Opaque => false,
            Self::Document { .. } => !begun && window <= hold_bytes_max,
            Self::Error => window <= ERROR_BYTES_MAX,
        }
    }

    /// Reads what is new in the window.
    pub(super) fn look(&mut self, window: &[u8]) {
        if let Self::Document { scan, seen, .. } = self {
            scan.push(&window[*seen..]);
            *seen = window.len();
        }
    }

    /// What to do with the first bytes of the window; `None` when more must come first.
    pub(super) fn next(&mut self, window: &[u8]) -> Option<Step> {
        match self {
            Self::Stream(scan) => scan.next(window),
            _ if window.is_empty() => None,
            Self::Document { .. } => {
                self.look(window);
                if let Self::Document { seen, .. } = self {
                    *seen = 0;
                }
                Some(Step::Forward(window.len()))
            }
            Self::Opaque => Some(Step::Forward(window.len())),
            Self::Error => None,
        }
    }

    /// Whether the answer said that it is complete, before its framing did.
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Stream(scan) if scan.done())
    }

    /// Whether this is a stream of events.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }

    /// Whether, with no byte to follow and none sent yet, there may be an answer to give.
    pub(super) fn is_complete(&mut self) -> bool {
        match self {
            Self::Document { .. } => self.ended().complete,
            Self::Stream(_) | Self::Opaque | Self::Error => true,
        }
    }

    /// Ends the answer after [`Answer::next`] said `None`: appends what to do with the rest, gives whether all is there.
    pub(super) fn close(&mut self, rest: &[u8]) -> (Option<Step>, bool) {
        match self {
            Self::Stream(scan) => {
                let end = scan.finish(rest);
                (Some(end.tail), end.complete)
            }
            Self::Document { .. } => (None, self.ended().complete),
            Self::Opaque | Self::Error => (None, true),
        }
    }

    /// The provider's own count, as far as it is known.
    pub(super) fn usage(&self) -> Option<UsageReport> {
        match self {
            Self::Stream(scan) => scan.usage(),
            Self::Document { end, .. } => end.and_then(|end| end.usage),
            Self::Opaque | Self::Error => None,
        }
    }

    fn ended(&mut self) -> ResponseEnd {
        match self {
            Self::Document { scan, end, .. } => *end.get_or_insert_with(|| std::mem::take(scan).finish()),
            _ => ResponseEnd { complete: false, usage: None },
        }
    }
}
