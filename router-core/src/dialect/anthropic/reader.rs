//! A provider's stream, as it is read.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::held::Held;
use super::stop;
use super::usage::Counts;
use crate::chat::{ChatEvent, Delta, Finish, Opening, RawStr, Signature, Sink};
use crate::dialect::Invalid;
use crate::domain::{Dialect, UsageReport};
use crate::json::escape;

/// Reads a stream, event by event.
///
/// Blocks come one after the other; providers that forget to end one, to begin one or to number them are understood
/// all the same. Only `message_stop` makes an answer complete.
#[derive(Debug, Default)]
pub struct StreamReader {
    started: bool,
    finished: bool,
    ended: bool,
    failed: bool,
    /// The answer's id, still escaped: what ids of calls are made of that have none.
    id: String,
    /// How many blocks were opened.
    blocks: u32,
    open: Vec<Open>,
    has_calls: bool,
    /// A signature of the block to come, which was carried in thoughts of its own.
    carried: Option<String>,
    counts: Counts,
    counts_are_wrong: bool,
    service_tier: Option<String>,
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

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    index: Option<u64>,
    #[serde(borrow)]
    delta: Option<DeltaWire<'a>>,
    #[serde(borrow)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<MessageWire<'a>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct DeltaWire<'a> {
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_json: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    citation: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    stop_sequence: Option<&'a RawValue>,
}

#[derive(Clone, Copy, Default, Deserialize)]
struct MessageWire<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct BlockWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<&'a RawValue>,
    #[serde(borrow)]
    citations: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    thinking: Option<&'a RawValue>,
    #[serde(borrow)]
    signature: Option<&'a RawValue>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    name: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct ErrorWire<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TypeOnly<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct TierOnly {
    service_tier: Option<String>,
}

/// A string with something in it.
fn text(json: Option<&RawValue>) -> Option<RawStr<'_>> {
    RawStr::of_json(json?.get()).filter(|text| !text.is_empty())
}

const KNOWN: [&str; 8] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
];

impl StreamReader {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// When it is not JSON, or a known event that is not what it must be.
    pub fn event<S: Sink>(&mut self, data: &str, sink: &mut S) -> Result<(), Invalid> {
        let event: Event<'_> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(error) => {
                let kind = serde_json::from_str(data).ok().and_then(|bare: TypeOnly<'_>| text(bare.kind));
                let is_unknown = kind.is_some_and(|kind| !KNOWN.contains(&kind.as_escaped()));
                let what = format!("is no event: {error}");
                return if is_unknown { Ok(()) } else { Err(Invalid::at("", what)) };
            }
        };
        if self.ended || self.failed {
            return Ok(());
        }
        match text(event.kind).unwrap_or_default().as_escaped() {
            "content_block_delta" => self.content(&event, data, sink),
            "content_block_start" => self.block_start(&event, sink)?,
            "content_block_stop" => {
                if let Some(at) = self.position(event.index) {
                    self.close(at, sink);
                }
            }
            "message_start" => self.start(event.message.unwrap_or_default(), sink),
            "message_delta" => self.message_delta(&event, sink),
            "message_stop" => self.stop(sink),
            "ping" => sink.event(ChatEvent::Ping),
            "error" => self.error(event.error, sink),
            "" if event.error.is_some() => self.error(event.error, sink),
            _ => {}
        }
        Ok(())
    }

    /// The stream ended: whether the answer is complete.
    pub fn finish<S: Sink>(&mut self, _sink: &mut S) -> bool {
        self.ended
    }

    /// Whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.ended
    }

    fn start<S: Sink>(&mut self, message: MessageWire<'_>, sink: &mut S) {
        if self.started {
            return;
        }
        self.started = true;
        self.count(message.usage);
        let id = text(message.id);
        self.id = id.unwrap_or_default().as_escaped().to_owned();
        // The few tokens of output that are counted here are counted again in the end.
        let usage = self.report().map(|report| UsageReport { output: 0, reasoning: 0, ..report });
        let model = text(message.model);
        sink.event(ChatEvent::Start { id, model, created: None, usage: usage.as_ref() });
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        let Some(usage) = usage else { return };
        match serde_json::from_str(usage.get()) {
            Ok(counts) => self.counts.update(counts),
            Err(_) => self.counts_are_wrong = true,
        }
        if let Ok(TierOnly { service_tier: Some(tier) }) = serde_json::from_str(usage.get()) {
            self.service_tier = Some(escape(&tier).into_owned());
        }
    }

    fn report(&self) -> Option<UsageReport> {
        if self.counts_are_wrong { None } else { self.counts.report() }
    }

    /// The open block of the provider's number; without a number, the one that began last.
    fn position(&self, index: Option<u64>) -> Option<usize> {
        match index {
            Some(index) => self.open.iter().rposition(|open| open.index == index),
            None => self.open.len().checked_sub(1),
        }
    }

    fn open_block<S: Sink>(&mut self, opening: Opening<'_>, sink: &mut S) -> u32 {
        let block = self.blocks;
        self.blocks += 1;
        sink.event(ChatEvent::Open { choice: 0, block, opening });
        if let Some(data) = self.carried.take() {
            let data = RawStr::escaped(&data);
            tell(block, Delta::Signature { origin: Dialect::Gemini, data }, sink);
        }
        block
    }

    fn block_start<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) -> Result<(), Invalid> {
        let Some(json) = event.content_block.filter(|_| !self.finished) else { return Ok(()) };
        self.start(MessageWire::default(), sink);
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
            "tool_use" => self.call(&wire, sink),
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

    fn call<S: Sink>(&mut self, wire: &BlockWire<'_>, sink: &mut S) -> Kind {
        self.has_calls = true;
        let given = text(wire.id);
        let made = if given.is_none() { format!("toolu_{}_{}", self.id, self.blocks) } else { String::new() };
        let id = given.unwrap_or(RawStr::escaped(&made));
        let name = text(wire.name).unwrap_or_default();
        let block = self.open_block(Opening::ToolCall { id, name, custom: false }, sink);
        let input = wire.input.map(RawValue::get).and_then(|input| input.strip_prefix('{')?.strip_suffix('}'));
        let whole = wire.input.filter(|_| input.is_some_and(|inside| !inside.trim().is_empty()));
        if let Some(input) = whole {
            tell(block, Delta::Object(input.get()), sink);
        }
        Kind::Call { block, has_arguments: whole.is_some(), is_whole: whole.is_some() }
    }

    fn content<S: Sink>(&mut self, event: &Event<'_>, data: &str, sink: &mut S) {
        let Some(delta) = event.delta.as_ref().filter(|_| !self.finished) else { return };
        self.start(MessageWire::default(), sink);
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
        let opening = Opening::Thinking { id: None, summary: false };
        let block = block.unwrap_or_else(|| self.open_block(opening, sink));
        self.open[at].kind = Kind::Thinking(Some(block));
        Some(block)
    }

    fn signature<S: Sink>(&mut self, at: usize, seal: RawStr<'_>, sink: &mut S) {
        let signature = Signature::from_field(Dialect::Anthropic, &seal.text());
        let unmarked = escape(&signature.data);
        // An event has no place for an item's id: a seal that has one stays in its mark, and comes back with it.
        let (origin, data) = match signature.origin {
            Dialect::Anthropic => (Dialect::Anthropic, seal),
            _ if signature.id.is_some() => (Dialect::Anthropic, seal),
            origin => (origin, RawStr::escaped(&unmarked)),
        };
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
            && citation.get().starts_with('{')
        {
            tell(block, Delta::Citation { dialect: Dialect::Anthropic, json: citation.get() }, sink);
        }
    }

    fn close<S: Sink>(&mut self, at: usize, sink: &mut S) {
        let block = match self.open.remove(at).kind {
            Kind::Text(block) | Kind::Redacted(block) | Kind::Thinking(Some(block)) => block,
            Kind::Thinking(None) => self.open_block(Opening::Thinking { id: None, summary: false }, sink),
            Kind::Carrier => return,
            Kind::Call { block, has_arguments, .. } => {
                if !has_arguments {
                    tell(block, Delta::Object("{}"), sink);
                }
                block
            }
            Kind::Held(held) => {
                let json = held.into_json();
                let (block, opening) = (self.blocks, Opening::Foreign { dialect: Dialect::Anthropic, json: &json });
                self.blocks += 1;
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

    fn message_delta<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        self.start(MessageWire::default(), sink);
        let delta = event.delta.as_ref();
        if let Some(reason) = text(delta.and_then(|delta| delta.stop_reason)) {
            let stop_sequence = delta.and_then(|delta| text(delta.stop_sequence));
            self.end_choice(stop::read(reason.as_escaped()).unwrap_or(Finish::Stop), stop_sequence, sink);
        }
        self.count(event.usage);
        if let Some(usage) = self.report().filter(|_| event.usage.is_some()) {
            let service_tier = self.service_tier.as_deref().map(RawStr::escaped);
            sink.event(ChatEvent::Usage { usage: &usage, service_tier });
        }
    }

    fn end_choice<S: Sink>(&mut self, finish: Finish, stop_sequence: Option<RawStr<'_>>, sink: &mut S) {
        if self.finished {
            return;
        }
        self.close_all(sink);
        if self.carried.is_some() {
            // Nothing came that the signature could be for.
            let block = self.open_block(Opening::Thinking { id: None, summary: false }, sink);
            sink.event(ChatEvent::Close { choice: 0, block });
        }
        self.finished = true;
        sink.event(ChatEvent::Finish { choice: 0, finish, stop_sequence });
    }

    fn stop<S: Sink>(&mut self, sink: &mut S) {
        self.start(MessageWire::default(), sink);
        self.end_choice(if self.has_calls { Finish::ToolCalls } else { Finish::Stop }, None, sink);
        self.ended = true;
        sink.event(ChatEvent::End);
    }

    fn error<S: Sink>(&mut self, error: Option<&RawValue>, sink: &mut S) {
        self.failed = true;
        let wire: Option<ErrorWire<'_>> = error.and_then(|error| serde_json::from_str(error.get()).ok());
        let kind = wire.as_ref().and_then(|wire| text(wire.kind));
        let message = wire.as_ref().and_then(|wire| text(wire.message)).or_else(|| text(error));
        sink.event(ChatEvent::Error { kind, message });
    }
}

fn tell<S: Sink>(block: u32, delta: Delta<'_>, sink: &mut S) {
    sink.event(ChatEvent::Delta { choice: 0, block, delta });
}
