//! A provider's stream: the JSON event of each frame → the common model's events.
//!
//! A text has no beginning of its own, so it begins with its first piece. The answer is complete with `messageStop`;
//! what it used comes after that, in `metadata`. What must be seen as a whole, redacted thoughts and tools that AWS
//! runs itself, is held until its block ends.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::citation;
use super::event_stream::{self, Message};
use super::held::{Held, Whole};
use super::response::{finish, seal_of};
use super::shapes::{
    Additional, Anything, BlockDelta, BlockStart, BlockStop, Exception, MessageStop, Metadata, Thought, ToolPiece,
    ToolStart,
};
use super::usage::usage_of_json;
use crate::chat::{ChatEvent, Delta, Opening, RawStr, Sink};
use crate::dialect::Invalid;
use crate::domain::Dialect;
use crate::json::escape_into;

/// Reads one stream.
#[derive(Debug, Default)]
pub struct StreamReader {
    /// The seals are not Claude's.
    foreign_seals: bool,
    state: State,
    started: bool,
    /// Blocks that have been opened.
    blocks: u32,
    open: Vec<Open>,
    held: Option<Held>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Reading,
    /// The provider gave up.
    Failed,
    /// The answer is complete; its usage may follow.
    Finished,
    /// The end was told.
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    /// The provider's number.
    index: Option<u64>,
    /// Ours.
    block: u32,
    kind: Kind,
    /// Nothing of it has come yet.
    empty: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Thinking,
    Tool,
    Image,
}

impl StreamReader {
    /// Reads a stream of the model with this id; [`StreamReader::default`] takes all seals for Claude's.
    pub fn from_model(model: &str) -> Self {
        Self { foreign_seals: seal_of(model) != Dialect::Anthropic, ..Self::default() }
    }

    /// Takes one frame, whose first byte is the first one of `window`.
    ///
    /// # Errors
    /// When an event is not the JSON that its type promises.
    pub fn message<S: Sink>(&mut self, message: &Message, window: &[u8], sink: &mut S) -> Result<(), Invalid> {
        let name = message.name(window);
        let payload = std::str::from_utf8(message.payload(window));
        match message.kind {
            event_stream::Kind::Event => {
                let data = payload.map_err(|_| Invalid::at(name, "must be UTF-8"))?;
                self.event(name, data, sink)
            }
            event_stream::Kind::Exception => {
                self.fail(name, payload.unwrap_or_default(), sink);
                Ok(())
            }
            event_stream::Kind::Error => {
                let mut text = Vec::new();
                escape_into(&mut text, message.error_message(window));
                self.give_up(name, Some(RawStr::escaped(std::str::from_utf8(&text).unwrap_or_default())), sink);
                Ok(())
            }
        }
    }

    /// Takes one event by its `:event-type`, or an exception by its `:exception-type`, with its JSON payload.
    ///
    /// # Errors
    /// When the payload is not the JSON that the type promises.
    pub fn event<S: Sink>(&mut self, event_type: &str, data: &str, sink: &mut S) -> Result<(), Invalid> {
        match (event_type, self.state) {
            (_, State::Failed | State::Done) => {}
            ("metadata", _) => self.metadata(&parse(event_type, data)?, sink),
            (exception, _) if exception.ends_with("Exception") => self.fail(exception, data, sink),
            (_, State::Finished) => {}
            ("messageStart", _) => {
                let Anything {} = parse(event_type, data)?;
                self.start(sink);
            }
            ("contentBlockStart", _) => return self.block_start(&parse(event_type, data)?, sink),
            ("contentBlockDelta", _) => return self.block_delta(parse(event_type, data)?, sink),
            ("contentBlockStop", _) => {
                let stop: BlockStop = parse(event_type, data)?;
                self.block_stop(stop.content_block_index, sink);
            }
            ("messageStop", _) => self.message_stop(&parse(event_type, data)?, sink),
            _ => {}
        }
        Ok(())
    }

    /// The stream ended. True if the answer is complete.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> bool {
        if self.state == State::Finished {
            self.state = State::Done;
            sink.event(ChatEvent::End);
        }
        self.state == State::Done
    }

    /// Whether [`ChatEvent::End`] was emitted.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn start<S: Sink>(&mut self, sink: &mut S) {
        if !std::mem::replace(&mut self.started, true) {
            sink.event(ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None });
        }
    }

    fn block_start<S: Sink>(&mut self, event: &BlockStart<'_>, sink: &mut S) -> Result<(), Invalid> {
        let (index, Some(start)) = (event.content_block_index, &event.start) else { return Ok(()) };
        if let Some(tool) = &start.tool_use {
            return self.tool_start(index, tool, sink);
        }
        if let Some(result) = start.tool_result {
            self.close_all(sink);
            self.held = Held::result(index, result.get());
        } else if let Some(image) = &start.image {
            let media_type = match string(image.format).map(RawStr::as_escaped) {
                Some("jpeg") => "image/jpeg",
                Some("gif") => "image/gif",
                Some("webp") => "image/webp",
                _ => "image/png",
            };
            self.close_all(sink);
            self.open(index, Kind::Image, Opening::Image { media_type: RawStr::plain(media_type) }, sink);
        }
        Ok(())
    }

    fn tool_start<S: Sink>(&mut self, index: Option<u64>, tool: &ToolStart<'_>, sink: &mut S) -> Result<(), Invalid> {
        if tool.hosted.is_some() {
            self.close_all(sink);
            self.held = Some(Held::call(index, tool));
            return Ok(());
        }
        let name = string(tool.name).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Invalid::at("start.toolUse.name", "is missing: it must be a string"))?;
        self.release(sink);
        // Other calls may stay open; anything else, and a call that the provider forgot to end, may not.
        self.close(|open| open.kind != Kind::Tool || open.index == index, sink);
        let made_up = format!("tooluse_{}", self.blocks);
        let id = string(tool.tool_use_id).filter(|id| !id.is_empty()).unwrap_or(RawStr::plain(&made_up));
        self.open(index, Kind::Tool, Opening::ToolCall { id, name, custom: false }, sink);
        Ok(())
    }

    fn block_delta<S: Sink>(&mut self, event: BlockDelta<'_>, sink: &mut S) -> Result<(), Invalid> {
        let (index, Some(piece)) = (event.content_block_index, event.delta) else { return Ok(()) };
        if let Some(text) = string(piece.text).filter(|text| !text.is_empty()) {
            let block = self.block(index, Kind::Text, Opening::Text, sink);
            sink.event(ChatEvent::Delta { choice: 0, block, delta: Delta::Text(text) });
        }
        if let Some(tool) = piece.tool_use {
            self.arguments(index, &tool, sink)?;
        }
        if let Some(thought) = piece.reasoning_content {
            self.thought(index, &thought, sink);
        }
        if let Some(citation) = piece.citation.and_then(|citation| citation::read(citation.get())) {
            let block = self.block(index, Kind::Text, Opening::Text, sink);
            sink.event(ChatEvent::Delta { choice: 0, block, delta: Delta::Citation(&citation) });
        }
        if let (Some(result), Some(held)) = (piece.tool_result, &mut self.held) {
            held.push_result(result.get());
        }
        if let Some(bytes) = piece.image.and_then(|image| string(image.source?.bytes))
            && let Some(open) = self.open.iter_mut().find(|open| open.kind == Kind::Image && open.empty)
        {
            open.empty = false;
            sink.event(ChatEvent::Delta { choice: 0, block: open.block, delta: Delta::Data(bytes) });
        }
        Ok(())
    }

    fn arguments<S: Sink>(&mut self, index: Option<u64>, tool: &ToolPiece<'_>, sink: &mut S) -> Result<(), Invalid> {
        let Some(input) = tool.input.map(RawValue::get) else { return Ok(()) };
        let fragment = RawStr::of_json(input);
        if let (Some(held), Some(fragment)) = (&mut self.held, fragment)
            && held.push_arguments(index, fragment)
        {
            return Ok(());
        }
        let open = self.open.iter_mut().find(|open| open.kind == Kind::Tool && open.index == index);
        let open = open.ok_or_else(|| Invalid::at("delta.toolUse", "belongs to no tool call that is open"))?;
        let delta = match fragment {
            Some(fragment) if fragment.is_empty() => return Ok(()),
            Some(fragment) => Delta::Arguments(fragment),
            None if input.starts_with('{') => Delta::Object(input),
            None => return Err(Invalid::at("delta.toolUse.input", "must be a string")),
        };
        open.empty = false;
        sink.event(ChatEvent::Delta { choice: 0, block: open.block, delta });
        Ok(())
    }

    fn thought<S: Sink>(&mut self, index: Option<u64>, thought: &Thought<'_>, sink: &mut S) {
        let opening = Opening::Thinking { id: None, summary: false };
        if let Some(text) = string(thought.text).filter(|text| !text.is_empty()) {
            let block = self.block(index, Kind::Thinking, opening, sink);
            sink.event(ChatEvent::Delta { choice: 0, block, delta: Delta::Text(text) });
        }
        if let Some(data) = string(thought.signature).filter(|data| !data.is_empty()) {
            let block = self.block(index, Kind::Thinking, opening, sink);
            let delta = Delta::Signature { origin: self.seal(), data };
            sink.event(ChatEvent::Delta { choice: 0, block, delta });
        }
        if let Some(data) = string(thought.redacted_content).filter(|data| !data.is_empty()) {
            let held = self.held.as_mut().is_some_and(|held| held.push_redacted(index, data));
            if !held {
                self.close_all(sink);
                self.held = Some(Held::redacted(index, data));
            }
        }
    }

    const fn seal(&self) -> Dialect {
        if self.foreign_seals { Dialect::Bedrock } else { Dialect::Anthropic }
    }

    fn block_stop<S: Sink>(&mut self, index: Option<u64>, sink: &mut S) {
        if self.held.as_ref().is_some_and(|held| held.index() == index) {
            self.release(sink);
        }
        self.close(|open| open.index == index, sink);
    }

    fn message_stop<S: Sink>(&mut self, event: &MessageStop<'_>, sink: &mut S) {
        self.start(sink);
        self.close_all(sink);
        let additional =
            event.additional_model_response_fields.map(|raw| serde_json::from_str::<Additional<'_>>(raw.get()));
        let stop_sequence = additional.and_then(|additional| string(additional.ok()?.stop_sequence));
        let reason = string(event.stop_reason).unwrap_or_default();
        sink.event(ChatEvent::Finish { choice: 0, finish: finish(reason.as_escaped()), stop_sequence });
        self.state = State::Finished;
    }

    fn metadata<S: Sink>(&mut self, event: &Metadata<'_>, sink: &mut S) {
        self.start(sink);
        if let Some(usage) = event.usage.and_then(|usage| usage_of_json(usage.get())) {
            let service_tier = event.service_tier.as_ref().and_then(|tier| string(tier.kind));
            sink.event(ChatEvent::Usage { usage: &usage, service_tier });
        }
        self.finish(sink);
    }

    fn fail<S: Sink>(&mut self, kind: &str, data: &str, sink: &mut S) {
        let exception: Option<Exception<'_>> = serde_json::from_str(data).ok();
        self.give_up(kind, exception.and_then(|exception| string(exception.message)), sink);
    }

    fn give_up<S: Sink>(&mut self, kind: &str, message: Option<RawStr<'_>>, sink: &mut S) {
        if !matches!(self.state, State::Failed | State::Done) {
            self.state = State::Failed;
            let plain = kind.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
            let kind = Some(kind).filter(|kind| plain && !kind.is_empty()).map(RawStr::plain);
            sink.event(ChatEvent::Error { kind, message });
        }
    }

    /// The open block of this kind, or a new one.
    fn block<S: Sink>(&mut self, index: Option<u64>, kind: Kind, opening: Opening<'_>, sink: &mut S) -> u32 {
        match self.open.iter().find(|open| open.kind == kind && open.index == index) {
            Some(open) => open.block,
            None => {
                self.close_all(sink);
                self.open(index, kind, opening, sink)
            }
        }
    }

    fn open<S: Sink>(&mut self, index: Option<u64>, kind: Kind, opening: Opening<'_>, sink: &mut S) -> u32 {
        self.start(sink);
        let block = self.blocks;
        self.blocks += 1;
        self.open.push(Open { index, block, kind, empty: true });
        sink.event(ChatEvent::Open { choice: 0, block, opening });
        block
    }

    fn close_all<S: Sink>(&mut self, sink: &mut S) {
        self.close(|_| true, sink);
        self.release(sink);
    }

    fn close<S: Sink>(&mut self, which: impl Fn(&Open) -> bool, sink: &mut S) {
        self.open.retain(|open| {
            if !which(open) {
                return true;
            }
            let Open { block, kind, empty, .. } = *open;
            if kind == Kind::Tool && empty {
                // A call without arguments has no piece of them, but they are an object all the same.
                sink.event(ChatEvent::Delta { choice: 0, block, delta: Delta::Object("{}") });
            }
            sink.event(ChatEvent::Close { choice: 0, block });
            false
        });
    }

    /// Tells the block that was held, if there is one.
    fn release<S: Sink>(&mut self, sink: &mut S) {
        let Some(held) = self.held.take() else { return };
        self.start(sink);
        let (choice, block) = (0, self.blocks);
        self.blocks += 1;
        match held.complete() {
            Whole::Seal(seal) => {
                sink.event(ChatEvent::Open { choice, block, opening: Opening::Redacted });
                let delta = Delta::Signature { origin: self.seal(), data: RawStr::escaped(&seal) };
                sink.event(ChatEvent::Delta { choice, block, delta });
            }
            Whole::Block(json) => {
                let opening = Opening::Foreign { dialect: Dialect::Bedrock, json: &json };
                sink.event(ChatEvent::Open { choice, block, opening });
            }
        }
        sink.event(ChatEvent::Close { choice, block });
    }
}

/// A member that is a string.
fn string(raw: Option<&RawValue>) -> Option<RawStr<'_>> {
    raw.and_then(|raw| RawStr::of_json(raw.get()))
}

fn parse<'a, T: Deserialize<'a>>(event_type: &str, data: &'a str) -> Result<T, Invalid> {
    serde_json::from_str(data).map_err(|error| Invalid::at(event_type, error.to_string()))
}
