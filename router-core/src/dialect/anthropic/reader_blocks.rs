//! The blocks of a stream that is being read.

use serde_json::value::RawValue;

use super::citation;
use super::held::Held;
use super::reader_wire::{BlockWire, Event, text};
use crate::chat::{ChatEvent, Delta, Opening, RawStr, Signature, Sink};
use crate::dialect::Invalid;
use crate::domain::Dialect;
use crate::json::escape;

/// How thoughts begin: the API has neither items nor summaries of them.
const THINKING: Opening<'static> = Opening::Thinking { id: None, summary: false };

/// All blocks of an answer so far.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// The answer's id, still escaped: what ids of calls are made of that have none.
    pub(super) answer: String,
    /// A tool was called.
    pub(super) has_calls: bool,
    /// How many were told of.
    told: u32,
    open: Vec<Open>,
    /// A signature of the block to come, which was carried in thoughts of its own.
    carried: Option<String>,
}

/// A block that was not ended yet.
#[derive(Debug)]
struct Open {
    /// The provider's number.
    index: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Text(u32),
    Redacted(u32),
    /// Thoughts are not told of until it is clear that they are not a mere carrier of a signature.
    Thinking(Option<u32>),
    Carrier,
    Call {
        block: u32,
        has_arguments: bool,
        is_whole: bool,
    },
    Held(Held),
}

impl Blocks {
    /// A block begins, and may say something at once.
    pub(super) fn begin<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) -> Result<(), Invalid> {
        let Some(json) = event.content_block else { return Ok(()) };
        let wrong = |error| Invalid::at("content_block", format!("is no block: {error}"));
        let wire: BlockWire<'_> = serde_json::from_str(json.get()).map_err(wrong)?;
        let kind = text(wire.kind).unwrap_or_default().as_escaped();
        let index = event.index.unwrap_or_else(|| self.open.last().map_or(0, |last| last.index.saturating_add(1)));
        // Calls may be open side by side; a block that was never ended, or whose number comes again, ends here.
        let stays = |open: &Open| kind == "tool_use" && open.index != index && matches!(open.kind, Kind::Call { .. });
        while let Some(at) = self.open.iter().position(|open| !stays(open)) {
            self.close(at, sink);
        }
        let kind = match kind {
            "text" | "" => Kind::Text(self.open_block(Opening::Text, sink)),
            "thinking" => Kind::Thinking(None),
            "redacted_thinking" => Kind::Redacted(self.open_block(Opening::Redacted, sink)),
            "tool_use" => self.call(&wire, sink)?,
            _ => Kind::Held(Held::new(json.get())),
        };
        self.open.push(Open { index, kind });
        let at = self.open.len() - 1;
        if let Some(more) = text(wire.text) {
            self.text(at, more, sink);
        }
        for citation in wire.citations.into_iter().flatten() {
            self.citation(at, citation, sink);
        }
        if let Some(more) = text(wire.thinking) {
            self.thinking(at, more, sink);
        }
        if let Some(seal) = text(wire.signature).or_else(|| text(wire.data)) {
            self.signature(at, seal, sink);
        }
        Ok(())
    }

    /// A block goes on; `data` is the whole event.
    pub(super) fn go_on<S: Sink>(&mut self, event: &Event<'_>, data: &str, sink: &mut S) {
        let Some(delta) = &event.delta else { return };
        let at = self.position(event.index);
        if let Some(Kind::Held(held)) = at.map(|at| &mut self.open[at].kind) {
            held.add(data);
            return;
        }
        if let Some(more) = text(delta.text) {
            let at = self.find_or_open(at, event.index, |kind| matches!(kind, Kind::Text(_)), true, sink);
            self.text(at, more, sink);
        }
        if let Some(more) = text(delta.thinking) {
            let at = self.find_or_open(at, event.index, |kind| matches!(kind, Kind::Thinking(_)), false, sink);
            self.thinking(at, more, sink);
        }
        if let Some(more) = text(delta.partial_json)
            && let Some(Kind::Call { block, has_arguments, is_whole: false }) = at.map(|at| &mut self.open[at].kind)
        {
            *has_arguments = true;
            tell(*block, Delta::Arguments(more), sink);
        }
        if let Some(seal) = text(delta.signature) {
            let takes = |kind: &Kind| matches!(kind, Kind::Thinking(_) | Kind::Redacted(_));
            let at = self.find_or_open(at, event.index, takes, false, sink);
            self.signature(at, seal, sink);
        }
        if let (Some(citation), Some(at)) = (delta.citation, at) {
            self.citation(at, citation, sink);
        }
    }

    /// The block of the provider's number is complete.
    pub(super) fn stop<S: Sink>(&mut self, index: Option<u64>, sink: &mut S) {
        if let Some(at) = self.position(index) {
            self.close(at, sink);
        }
    }

    /// Nothing more is said.
    pub(super) fn end<S: Sink>(&mut self, sink: &mut S) {
        self.close_all(sink);
        if self.carried.is_some() {
            // Nothing came that the signature could be for.
            let block = self.open_block(THINKING, sink);
            sink.event(ChatEvent::Close { choice: 0, block });
        }
    }

    /// The open block of the provider's number; without a number, the one that began last.
    fn position(&self, index: Option<u64>) -> Option<usize> {
        match index {
            Some(index) => self.open.iter().rposition(|open| open.index == index),
            None => self.open.len().checked_sub(1),
        }
    }

    fn open_block<S: Sink>(&mut self, opening: Opening<'_>, sink: &mut S) -> u32 {
        let block = self.told;
        self.told += 1;
        sink.event(ChatEvent::Open { choice: 0, block, opening });
        if let Some(data) = self.carried.take() {
            let data = RawStr::escaped(&data);
            tell(block, Delta::Signature { origin: Dialect::Gemini, data }, sink);
        }
        block
    }

    fn call<S: Sink>(&mut self, wire: &BlockWire<'_>, sink: &mut S) -> Result<Kind, Invalid> {
        let name =
            text(wire.name).ok_or_else(|| Invalid::at("content_block.name", "is missing: it must be a string"))?;
        self.has_calls = true;
        let given = text(wire.id);
        let made = if given.is_none() { format!("toolu_{}_{}", self.answer, self.told) } else { String::new() };
        let id = given.unwrap_or(RawStr::escaped(&made));
        let block = self.open_block(Opening::ToolCall { id, name, custom: false }, sink);
        let input = wire.input.map(RawValue::get).and_then(|input| input.strip_prefix('{')?.strip_suffix('}'));
        let whole = wire.input.filter(|_| input.is_some_and(|inside| !inside.trim().is_empty()));
        if let Some(input) = whole {
            tell(block, Delta::Object(input.get()), sink);
        }
        Ok(Kind::Call { block, has_arguments: whole.is_some(), is_whole: whole.is_some() })
    }

    /// The addressed block if it is of a kind that can go on so; else one that nobody began.
    fn find_or_open<S: Sink>(
        &mut self,
        at: Option<usize>,
        index: Option<u64>,
        fits: impl Fn(&Kind) -> bool,
        is_text: bool,
        sink: &mut S,
    ) -> usize {
        if let Some(at) = at.filter(|at| fits(&self.open[*at].kind)) {
            return at;
        }
        self.close_all(sink);
        let kind = if is_text { Kind::Text(self.open_block(Opening::Text, sink)) } else { Kind::Thinking(None) };
        self.open.push(Open { index: index.unwrap_or_default(), kind });
        0
    }

    fn text<S: Sink>(&self, at: usize, more: RawStr<'_>, sink: &mut S) {
        if let Kind::Text(block) = self.open[at].kind {
            tell(block, Delta::Text(more), sink);
        }
    }

    fn thinking<S: Sink>(&mut self, at: usize, more: RawStr<'_>, sink: &mut S) {
        if let Some(block) = self.thoughts(at, sink) {
            tell(block, Delta::Text(more), sink);
        }
    }

    /// The number of a block of thoughts, which is told of if it was not yet.
    fn thoughts<S: Sink>(&mut self, at: usize, sink: &mut S) -> Option<u32> {
        let Kind::Thinking(block) = self.open[at].kind else { return None };
        let block = block.unwrap_or_else(|| self.open_block(THINKING, sink));
        self.open[at].kind = Kind::Thinking(Some(block));
        Some(block)
    }

    fn signature<S: Sink>(&mut self, at: usize, seal: RawStr<'_>, sink: &mut S) {
        let signature = Signature::from_field(Dialect::Anthropic, &seal.text());
        let unmarked = escape(&signature.data);
        // An event has no place for an item's id: a seal that has one stays in its mark, and comes back with it.
        let stays = signature.origin == Dialect::Anthropic || signature.id.is_some();
        let own = (Dialect::Anthropic, seal);
        let (origin, data) = if stays { own } else { (signature.origin, RawStr::escaped(&unmarked)) };
        match self.open[at].kind {
            Kind::Thinking(None) if origin == Dialect::Gemini => {
                self.carried = Some(data.as_escaped().to_owned());
                self.open[at].kind = Kind::Carrier;
            }
            Kind::Thinking(_) => {
                if let Some(block) = self.thoughts(at, sink) {
                    tell(block, Delta::Signature { origin, data }, sink);
                }
            }
            Kind::Redacted(block) => tell(block, Delta::Signature { origin, data }, sink),
            _ => {}
        }
    }

    fn citation<S: Sink>(&self, at: usize, citation: &RawValue, sink: &mut S) {
        if let Kind::Text(block) = self.open[at].kind
            && let Some(citation) = citation::read(citation.get())
        {
            tell(block, Delta::Citation(&citation), sink);
        }
    }

    fn close<S: Sink>(&mut self, at: usize, sink: &mut S) {
        let block = match self.open.remove(at).kind {
            Kind::Text(block) | Kind::Redacted(block) | Kind::Thinking(Some(block)) => block,
            Kind::Thinking(None) => self.open_block(THINKING, sink),
            Kind::Carrier => return,
            Kind::Call { block, has_arguments, .. } => {
                if !has_arguments {
                    tell(block, Delta::Object("{}"), sink);
                }
                block
            }
            Kind::Held(held) => {
                let json = held.into_json();
                let (block, opening) = (self.told, Opening::Foreign { dialect: Dialect::Anthropic, json: &json });
                self.told += 1;
                sink.event(ChatEvent::Open { choice: 0, block, opening });
                block
            }
        };
        sink.event(ChatEvent::Close { choice: 0, block });
    }

    fn close_all<S: Sink>(&mut self, sink: &mut S) {
        while !self.open.is_empty() {
            self.close(0, sink);
        }
    }
}

fn tell<S: Sink>(block: u32, delta: Delta<'_>, sink: &mut S) {
    sink.event(ChatEvent::Delta { choice: 0, block, delta });
}
