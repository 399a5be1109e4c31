//! The blocks of a stream that is being read: which are open, and which must close before another opens.

use serde_json::Value;

use super::items::Turns;
use super::reader::StreamReader;
use crate::chat::{Block, Body, ChatEvent, Citation, Delta, Opening, RawStr, Sink, Thinking};
use crate::domain::Dialect;
use crate::json::escape;

/// Every answer has one choice here.
pub(super) const CHOICE: u32 = 0;

/// An output item that was heard of.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its `output_index`.
    pub(super) index: u32,
    /// Its id, if thoughts that begin later must have it.
    pub(super) id: Option<String>,
    /// Its block that is open.
    pub(super) open: Option<Open>,
    /// Blocks of it that were opened.
    pub(super) opened: u32,
    /// The item is complete.
    pub(super) closed: bool,
    /// The item is a call that another one made to close, and so many bytes of its arguments were told by then.
    pub(super) cut: Option<usize>,
    /// The item is a call that has no name yet.
    pub(super) waits: bool,
}

/// A block that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) block: u32,
    pub(super) kind: Kind,
    /// Its `content_index` or `summary_index`.
    pub(super) part: u32,
    /// Bytes of its text that were passed on.
    pub(super) told: usize,
    /// Its citations that were passed on.
    pub(super) cited: usize,
    /// How likely its tokens were was passed on.
    pub(super) weighed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Refusal,
    Thoughts,
    Summary,
    Call,
    Custom,
}

impl Kind {
    pub(super) const fn is_call(self) -> bool {
        matches!(self, Self::Call | Self::Custom)
    }
}

impl StreamReader {
    /// Where the item of an event is. Events without an index mean the item that came last.
    pub(super) fn item(&mut self, index: Option<u32>) -> usize {
        let found = match index {
            Some(index) => self.items.iter().rposition(|item| item.index == index),
            None => self.items.len().checked_sub(1),
        };
        found.unwrap_or_else(|| {
            self.items.push(Seen { index: index.unwrap_or_default(), ..Seen::default() });
            self.items.len() - 1
        })
    }

    /// The index of an item that is complete, where the event does not say it: an item of a kind that was announced is
    /// the first that is not complete yet; any other was not announced.
    pub(super) fn unfinished(&self, announced: bool) -> Option<u32> {
        let open = self.items.iter().find(|item| !item.closed).filter(|_| announced).map(|item| item.index);
        open.or_else(|| u32::try_from(self.items.len()).ok())
    }

    /// Opens a block of an item, after all that must not be open beside it have closed.
    pub(super) fn open<S: Sink>(&mut self, at: usize, kind: Kind, part: u32, opening: Opening<'_>, sink: &mut S) {
        self.close_for(kind, sink);
        let block = self.announce(opening, sink);
        let item = &mut self.items[at];
        item.opened += 1;
        item.open = Some(Open { block, kind, part, told: 0, cited: 0, weighed: false });
    }

    /// Emits the event that opens a block. Gives its number.
    fn announce<S: Sink>(&mut self, opening: Opening<'_>, sink: &mut S) -> u32 {
        self.start(None, sink);
        let block = self.next;
        self.next += 1;
        self.said.calls |= matches!(opening, Opening::ToolCall { .. });
        self.said.refusals |= opening == Opening::Refusal;
        self.said.texts |= opening == Opening::Text;
        sink.event(ChatEvent::Open { choice: CHOICE, block, opening });
        if matches!(opening, Opening::Text | Opening::Refusal | Opening::ToolCall { .. })
            && let Some(seal) = self.seal.take()
        {
            let delta = Delta::Signature { origin: seal.origin, data: RawStr::escaped(&seal.data) };
            sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
        }
        block
    }

    /// Only calls may be open beside a call, and nothing beside anything else.
    fn close_for<S: Sink>(&mut self, kind: Kind, sink: &mut S) {
        for at in 0..self.items.len() {
            let Some(open) = self.items[at].open else { continue };
            if !(kind.is_call() && open.kind.is_call()) {
                self.items[at].cut = open.kind.is_call().then_some(open.told);
                self.close(at, sink);
            }
        }
    }

    /// Closes whatever is open.
    pub(super) fn close_all<S: Sink>(&mut self, sink: &mut S) {
        self.close_for(Kind::Text, sink);
    }

    /// Closes the block of an item, if it is open.
    pub(super) fn close<S: Sink>(&mut self, at: usize, sink: &mut S) {
        let Some(open) = self.items[at].open.take() else { return };
        if open.kind == Kind::Call && open.told == 0 {
            let delta = Delta::Arguments(RawStr::escaped("{}"));
            sink.event(ChatEvent::Delta { choice: CHOICE, block: open.block, delta });
        }
        sink.event(ChatEvent::Close { choice: CHOICE, block: open.block });
    }

    /// A block that comes as a whole.
    pub(super) fn foreign_block<S: Sink>(&mut self, json: &str, sink: &mut S) {
        self.close_all(sink);
        let block = self.announce(Opening::Foreign { dialect: Dialect::Responses, json }, sink);
        sink.event(ChatEvent::Close { choice: CHOICE, block });
    }

    /// Items that come as a whole, of which no event has told anything. What cannot be read of them is left out.
    pub(super) fn replay<S: Sink>(&mut self, items: Vec<Value>, sink: &mut S) {
        let mut turns = Turns::default();
        for item in items {
            // Readers are patient with providers; an item that makes no sense says nothing.
            let _ = turns.item(item, String::new());
        }
        self.close_all(sink);
        for block in turns.into_messages().iter().flat_map(|message| &message.blocks) {
            self.replay_block(block, sink);
        }
    }

    fn replay_block<S: Sink>(&mut self, block: &Block, sink: &mut S) {
        if let Body::Foreign { value, .. } = &block.body {
            self.searches += u64::from(super::read_response::is_search(value));
            self.foreign_block(&value.to_string(), sink);
            return;
        }
        let seal_id = block.signature.as_ref().and_then(|seal| seal.id.as_deref()).map(escape);
        let mut told: Vec<Told> = Vec::new();
        let number = match &block.body {
            Body::Text { text, citations } => {
                told.push(Told::Text(text));
                told.extend(block.extra.get("logprobs").map(Told::Logprobs));
                told.extend(citations.iter().map(Told::Citation));
                self.announce(Opening::Text, sink)
            }
            Body::Refusal(text) => {
                told.push(Told::Text(text));
                self.announce(Opening::Refusal, sink)
            }
            Body::Thinking(thinking) => {
                told.extend(thoughts(thinking));
                let id = seal_id.as_deref().map(RawStr::escaped);
                let summary = thinking.text.is_empty();
                let shown = Opening::Thinking { id, summary };
                self.announce(if thinking.redacted { Opening::Redacted } else { shown }, sink)
            }
            Body::ToolCall(call) => {
                told.push(Told::Arguments(&call.arguments));
                let (id, name) = (escape(&call.id), escape(&call.name));
                let (id, name) = (RawStr::escaped(&id), RawStr::escaped(&name));
                self.announce(Opening::ToolCall { id, name, custom: call.custom }, sink)
            }
            _ => return,
        };
        for piece in told {
            piece.emit(number, sink);
        }
        if let Some(seal) = &block.signature {
            let data = escape(&seal.data);
            let delta = Delta::Signature { origin: seal.origin, data: RawStr::escaped(&data) };
            sink.event(ChatEvent::Delta { choice: CHOICE, block: number, delta });
        }
        sink.event(ChatEvent::Close { choice: CHOICE, block: number });
    }
}

/// What a block that comes as a whole has to tell.
enum Told<'t> {
    Text(&'t str),
    SummaryPart,
    Arguments(&'t str),
    Logprobs(&'t Value),
    Citation(&'t Citation<'t>),
}

impl Told<'_> {
    fn emit<S: Sink>(self, block: u32, sink: &mut S) {
        let mut delta = |delta: Delta<'_>| sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
        match self {
            Self::Text("") | Self::Arguments("") => {}
            Self::Text(text) => delta(Delta::Text(RawStr::escaped(&escape(text)))),
            Self::Arguments(text) => delta(Delta::Arguments(RawStr::escaped(&escape(text)))),
            Self::SummaryPart => delta(Delta::SummaryPart),
            Self::Logprobs(tokens) => delta(Delta::Logprobs(&tokens.to_string())),
            Self::Citation(citation) => delta(Delta::Citation(citation)),
        }
    }
}

fn thoughts(thinking: &Thinking) -> Vec<Told<'_>> {
    if !thinking.text.is_empty() {
        return vec![Told::Text(&thinking.text)];
    }
    let parts = thinking.summary.iter().enumerate();
    let told = parts.flat_map(|(at, part)| [(at > 0).then_some(Told::SummaryPart), Some(Told::Text(part))]);
    told.flatten().collect()
}

/// Emits a citation.
pub(super) fn cite<S: Sink>(block: u32, json: &str, sink: &mut S) {
    let citation = super::cite::read(json);
    sink.event(ChatEvent::Delta { choice: CHOICE, block, delta: Delta::Citation(&citation) });
}

/// Whether a reasoning item that is complete has words of thoughts.
pub(super) fn shows_something(item: &Value) -> bool {
    let has = |key: &str| item.get(key).and_then(Value::as_array).is_some_and(|parts| !parts.is_empty());
    has("summary") || has("content")
}
