//! What an answer is and how much of it may go to the client.

use crate::dialect::passing::{ResponseEnd, ResponseScan, StreamScan};
use crate::dialect::translate::{StreamTranslation, Translator, Writer};
use crate::domain::{Dialect, UsageReport};

pub(super) use crate::dialect::passing::Step;

/// Bytes of an error body that are kept; more is cut.
const ERROR_BYTES_MAX: usize = 64 << 10;

/// What a provider's content type says the body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyKind {
    /// `text/event-stream`.
    Events,
    /// `application/vnd.amazon.eventstream`.
    AmazonEvents,
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
    /// Events of another dialect than the client's.
    Translated(Box<StreamTranslation>),
    /// One JSON document, held back while it is small.
    Document { scan: ResponseScan, seen: usize, end: Option<ResponseEnd> },
    /// One JSON document of another dialect than the client's, held back whole.
    Foreign { translator: Box<Translator>, usage: Option<UsageReport> },
    /// Bytes of some other type.
    Opaque,
    /// A refusal, whose body is read and never passed on.
    Error,
}

impl Answer {
    /// An answer in the client's own dialect.
    pub(super) fn same(kind: BodyKind, dialect: Dialect, strip_usage: bool) -> Self {
        match kind {
            BodyKind::Events => Self::Stream(StreamScan::new(dialect, strip_usage)),
            BodyKind::Json => Self::Document { scan: ResponseScan::new(dialect), seen: 0, end: None },
            BodyKind::AmazonEvents | BodyKind::Opaque => Self::Opaque,
        }
    }

    /// An answer in another dialect; `None` when it is not what was asked for.
    pub(super) fn other(kind: BodyKind, translator: Box<Translator>) -> Option<Self> {
        match (kind, translator.streams()) {
            (BodyKind::Events | BodyKind::AmazonEvents, true) => Some(Self::Translated(Box::new(translator.stream()))),
            (BodyKind::Json, false) => Some(Self::Foreign { translator, usage: None }),
            _ => None,
        }
    }

    /// Whether nothing may be sent yet, with this much in the window.
    pub(super) fn holds(&self, begun: bool, window: usize, hold_bytes_max: usize) -> bool {
        match self {
            Self::Stream(_) | Self::Translated(_) | Self::Opaque => false,
            Self::Document { .. } => !begun && window <= hold_bytes_max,
            Self::Foreign { .. } => true,
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
            Self::Translated(_) | Self::Foreign { .. } | Self::Error => None,
        }
    }

    /// Whether what is written for the client has anything of the answer in it, or only frame and signs of life.
    pub(super) fn has_spoken(&self) -> bool {
        match self {
            Self::Translated(translation) => translation.has_spoken(),
            Self::Foreign { .. } => true,
            Self::Stream(_) | Self::Document { .. } | Self::Opaque | Self::Error => false,
        }
    }

    /// Whether the answer said that it is complete, before its framing did.
    pub(super) fn is_done(&self) -> bool {
        match self {
            Self::Stream(scan) => scan.done(),
            Self::Translated(translation) => translation.is_done(),
            _ => false,
        }
    }

    /// Whether the client gets events, in whose gaps something may be said.
    pub(super) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_) | Self::Translated(_))
    }

    /// Whether, with no byte to follow and none sent yet, there may be an answer to give.
    pub(super) fn is_complete(&mut self) -> bool {
        match self {
            Self::Document { .. } => self.ended().complete,
            _ => true,
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
            Self::Translated(_) | Self::Foreign { .. } | Self::Opaque | Self::Error => (None, true),
        }
    }

    /// The provider's own count, as far as it is known.
    pub(super) fn usage(&self) -> Option<UsageReport> {
        match self {
            Self::Stream(scan) => scan.usage(),
            Self::Translated(translation) => translation.usage(),
            Self::Document { end, .. } => end.and_then(|end| end.usage),
            Self::Foreign { usage, .. } => *usage,
            Self::Opaque | Self::Error => None,
        }
    }

    /// Appends something that keeps a waiting client; nothing where it would stand inside of an event.
    pub(super) fn keep_alive(&mut self, dialect: Dialect, out: &mut Vec<u8>) {
        match self {
            Self::Translated(translation) => translation.writer().keep_alive(out),
            Self::Stream(scan) if !scan.torn() => match dialect {
                Dialect::Anthropic => out.extend_from_slice(b"event: ping\ndata: {\"type\": \"ping\"}\n\n"),
                // Google's SDKs take a comment for a broken answer.
                Dialect::Gemini => out.extend_from_slice(b"\n\n"),
                _ => out.extend_from_slice(b": keep-alive\n\n"),
            },
            _ => {}
        }
    }

    /// The client's side of a translated stream.
    pub(super) fn into_writer(self) -> Option<Writer> {
        match self {
            Self::Translated(translation) => Some(translation.into_writer()),
            _ => None,
        }
    }

    fn ended(&mut self) -> ResponseEnd {
        match self {
            Self::Document { scan, end, .. } => *end.get_or_insert_with(|| scan.finish()),
            _ => ResponseEnd { complete: false, usage: None },
        }
    }
}
