//! A provider's stream → the common events.
//!
//! Providers that are compatible leave out events that the API promises, so every text is taken from whatever says it
//! first: its pieces, the event that ends it, the item that it stands in, or the answer as a whole.

use serde_json::value::RawValue;

use super::super::Invalid;
use super::items::take_redacted;
use super::quick::Quick;
use super::read_response::Said;
use super::reader_blocks::{CHOICE, Kind, Seen, cite, shows_something};
use super::wire::{self, Event, Item, Part, inside, some_text, text, word};
use crate::chat::{ChatEvent, Delta, Opening, RawStr, Signature, Sink};
use crate::domain::Dialect;

/// Reads a provider's stream.
#[derive(Debug, Default)]
pub struct StreamReader {
    pub(super) started: bool,
    /// `End` was emitted.
    pub(super) ended: bool,
    /// The provider gave up.
    pub(super) failed: bool,
    /// The number of the next block.
    pub(super) next: u32,
    /// The output items, in the order in which they came.
    pub(super) items: Vec<Seen>,
    pub(super) said: Said,
    /// Searches of the web.
    pub(super) searches: u64,
    /// Somebody else's signature, which belongs to the block that opens next.
    pub(super) seal: Option<Signature>,
    pub(super) quick: Quick,
}

impl StreamReader {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// When it is no JSON object, or does not make sense.
    pub fn event<S: Sink>(&mut self, data: &str, sink: &mut S) -> Result<(), Invalid> {
        if self.ended || self.failed || data == "[DONE]" {
            return Ok(());
        }
        if self.goes_on(data, sink) {
            return Ok(());
        }
        let event: Event<'_> =
            serde_json::from_str(data).map_err(|error| Invalid::at("", format!("a broken event: {error}")))?;
        let Some(name) = word(event.kind).strip_prefix("response.") else {
            match word(event.kind) {
                "error" => self.error(&event, sink),
                "" if event.error.is_some() => self.error(&event, sink),
                "keepalive" | "ping" => sink.event(ChatEvent::Ping),
                _ => {}
            }
            return Ok(());
        };
        match name {
            "created" | "in_progress" | "queued" => self.start(inside(event.response).as_ref(), sink),
            "completed" | "incomplete" => return self.end(name == "incomplete", &event, sink),
            "failed" | "cancelled" => self.failure(name, &event, sink),
            "output_item.added" => self.added(&event, sink),
            "output_item.done" => return self.done(&event, sink),
            "content_part.added" => self.part_added(&event, sink),
            "content_part.done" => self.part_done(&event, sink),
            "reasoning_summary_part.added" => self.piece(Kind::Summary, event.summary_index, &event, None, sink),
            "output_text.annotation.added" => self.annotation(&event, sink),
            _ => {
                self.words(name, &event, sink)?;
                if let (true, Some(index)) = (name.ends_with(".delta"), event.output_index) {
                    let at = self.item(Some(index));
                    if let Some(open) = &self.items[at].open {
                        self.quick.remember(data, &event, at, open);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes another piece of what the last one was of; false if this is none, and nothing was taken.
    fn goes_on<S: Sink>(&mut self, data: &str, sink: &mut S) -> bool {
        let Some((item, text)) = self.quick.read(data) else { return false };
        let open = self.items.get_mut(item).and_then(|item| item.open.as_mut());
        let Some(open) = open.filter(|open| self.quick.is_of(open)) else { return false };
        open.told += text.as_escaped().len();
        let delta = if open.kind.is_call() { Delta::Arguments(text) } else { Delta::Text(text) };
        sink.event(ChatEvent::Delta { choice: CHOICE, block: open.block, delta });
        true
    }

    /// The stream ended. Whether the answer is complete.
    pub fn finish<S: Sink>(&mut self, _sink: &mut S) -> bool {
        // Only the provider's last event makes an answer complete, so there is nothing to make up for.
        self.ended
    }

    /// Whether `End` was emitted.
    pub const fn is_done(&self) -> bool {
        self.ended
    }

    /// Events that bring words.
    fn words<S: Sink>(&mut self, name: &str, event: &Event<'_>, sink: &mut S) -> Result<(), Invalid> {
        let (part, delta) = (event.content_index, text(event.delta));
        match name {
            "output_text.delta" => self.piece(Kind::Text, part, event, delta, sink),
            "output_text.done" => self.rest(Kind::Text, part, event, text(event.text), sink),
            "refusal.delta" => self.piece(Kind::Refusal, part, event, delta, sink),
            "refusal.done" => self.rest(Kind::Refusal, part, event, text(event.refusal), sink),
            "reasoning_text.delta" => self.piece(Kind::Thoughts, part, event, delta, sink),
            "reasoning_text.done" => self.rest(Kind::Thoughts, part, event, text(event.text), sink),
            "reasoning_summary_text.delta" => self.piece(Kind::Summary, event.summary_index, event, delta, sink),
            "reasoning_summary_text.done" => {
                self.rest(Kind::Summary, event.summary_index, event, text(event.text), sink);
            }
            "function_call_arguments.delta" | "custom_tool_call_input.delta" => {
                return self.arguments(event, delta, false, sink);
            }
            "function_call_arguments.done" => return self.arguments(event, text(event.arguments), true, sink),
            "custom_tool_call_input.done" => return self.arguments(event, text(event.input), true, sink),
            _ => {}
        }
        Ok(())
    }

    fn added<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        let Some(item) = inside::<Item<'_>>(event.item) else { return };
        let index = event.output_index.unwrap_or_else(|| u32::try_from(self.items.len()).unwrap_or(u32::MAX));
        let at = self.item(Some(index));
        match word(item.kind) {
            "reasoning" => self.items[at].id = some_text(item.id).map(|id| id.as_escaped().to_owned()),
            // One that has no name yet must have one when it is complete.
            "function_call" => self.items[at].waits = self.call(at, Kind::Call, &item, sink).is_err(),
            "custom_tool_call" => self.items[at].waits = self.call(at, Kind::Custom, &item, sink).is_err(),
            _ => {}
        }
    }

    fn call<S: Sink>(&mut self, at: usize, kind: Kind, item: &Item<'_>, sink: &mut S) -> Result<(), Invalid> {
        if self.items[at].opened > 0 {
            return Ok(());
        }
        let id = some_text(item.call_id).or_else(|| some_text(item.id));
        let (Some(id), Some(name)) = (id, some_text(item.name)) else {
            return Err(Invalid::at("item", "a tool call must have a call_id and a name"));
        };
        self.open(at, kind, 0, Opening::ToolCall { id, name, custom: kind == Kind::Custom }, sink);
        Ok(())
    }

    fn done<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) -> Result<(), Invalid> {
        let Some(item) = inside::<Item<'_>>(event.item) else { return Ok(()) };
        let json = event.item.map_or("{}", |item| item.get());
        let announced = matches!(word(item.kind), "message" | "reasoning" | "function_call" | "custom_tool_call");
        let index = event.output_index.or_else(|| self.unfinished(announced));
        let at = self.item(index);
        if self.items[at].closed {
            return Ok(());
        }
        match word(item.kind) {
            "message" if self.items[at].opened == 0 => {
                self.replay(serde_json::from_str(json).into_iter().collect(), sink);
            }
            "message" => self.message_done(at, &item, sink),
            "function_call" => self.call_done(at, Kind::Call, &item, text(item.arguments), sink)?,
            "custom_tool_call" => self.call_done(at, Kind::Custom, &item, text(item.input), sink)?,
            "reasoning" => self.reasoning_done(at, &item, json, sink),
            _ => self.foreign(json, &item, sink),
        }
        self.close(at, sink);
        self.items[at].closed = true;
        Ok(())
    }

    fn call_done<S: Sink>(
        &mut self,
        at: usize,
        kind: Kind,
        item: &Item<'_>,
        all: Option<RawStr<'_>>,
        sink: &mut S,
    ) -> Result<(), Invalid> {
        self.call(at, kind, item, sink)?;
        self.items[at].waits = false;
        self.whole_call(at, all, sink)
    }

    fn reasoning_done<S: Sink>(&mut self, at: usize, item: &Item<'_>, json: &str, sink: &mut S) {
        let seal = some_text(item.encrypted_content);
        let mut seal = seal.map(|data| Signature::from_field(Dialect::Responses, data.as_escaped()));
        let untold = self.items[at].opened == 0;
        if untold {
            let whole = serde_json::from_str(json).ok().filter(shows_something);
            if let Some(item) = whole {
                return self.replay(vec![item], sink);
            }
        }
        let Some(seal) = seal.as_mut() else { return };
        if untold && seal.origin == Dialect::Gemini {
            // One that belongs to a block that is closed has missed it.
            self.seal = seal.id.is_none().then(|| seal.clone());
            return;
        }
        let redacted = take_redacted(seal);
        if self.items[at].open.is_none() {
            let opening = match some_text(item.id) {
                _ if redacted => Opening::Redacted,
                id => Opening::Thinking { id, summary: true },
            };
            self.open(at, Kind::Summary, 0, opening, sink);
        }
        if let Some(open) = self.items[at].open {
            let delta = Delta::Signature { origin: seal.origin, data: RawStr::escaped(&seal.data) };
            sink.event(ChatEvent::Delta { choice: CHOICE, block: open.block, delta });
        }
    }

    fn foreign<S: Sink>(&mut self, json: &str, item: &Item<'_>, sink: &mut S) {
        if word(item.kind) == "web_search_call" {
            let action = inside::<wire::Action<'_>>(item.action);
            let searched = action.is_none_or(|action| matches!(word(action.kind), "" | "search"));
            self.searches += u64::from(searched);
        }
        self.foreign_block(json, sink);
    }

    fn part_added<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        let Some(part) = inside::<Part<'_>>(event.part) else { return };
        match word(part.kind) {
            "output_text" => self.piece(Kind::Text, event.content_index, event, None, sink),
            "refusal" => self.piece(Kind::Refusal, event.content_index, event, None, sink),
            "reasoning_text" => self.piece(Kind::Thoughts, event.content_index, event, None, sink),
            _ => {}
        }
    }

    fn part_done<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        let Some(part) = inside::<Part<'_>>(event.part) else { return };
        let (kind, all) = match word(part.kind) {
            "output_text" => (Kind::Text, text(part.text)),
            "refusal" => (Kind::Refusal, text(part.refusal)),
            // Thoughts stay open until their seal comes.
            _ => return,
        };
        self.rest(kind, event.content_index, event, all, sink);
        let at = self.item(event.output_index);
        let Some(open) = self.items[at].open.filter(|open| open.kind == kind) else { return };
        if let (false, Some(logprobs)) = (open.weighed, wire::array(part.logprobs)) {
            sink.event(ChatEvent::Delta { choice: CHOICE, block: open.block, delta: Delta::Logprobs(logprobs) });
        }
        self.citations(at, &part, sink);
        self.close(at, sink);
    }

    /// A message is complete whose part was not, to providers that say so of items only.
    fn message_done<S: Sink>(&mut self, at: usize, item: &Item<'_>, sink: &mut S) {
        let Some(open) = self.items[at].open else { return };
        let parts: Vec<Part<'_>> = inside(item.content).unwrap_or_default();
        if let Some(part) = usize::try_from(open.part).ok().and_then(|part| parts.get(part)) {
            self.citations(at, part, sink);
        }
    }

    /// All citations of a part that is complete, of which some may have come before.
    fn citations<S: Sink>(&mut self, at: usize, part: &Part<'_>, sink: &mut S) {
        let Some(open) = self.items[at].open.filter(|open| open.kind == Kind::Text) else { return };
        let all: Vec<&RawValue> = inside(part.annotations).unwrap_or_default();
        for citation in all.iter().skip(open.cited) {
            cite(open.block, citation.get(), sink);
        }
    }

    fn annotation<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        let at = self.item(event.output_index);
        if self.items[at].opened == 0 {
            self.piece(Kind::Text, event.content_index, event, None, sink);
        }
        if let (Some(open), Some(citation)) = (&mut self.items[at].open, event.annotation)
            && open.kind == Kind::Text
        {
            open.cited += 1;
            cite(open.block, citation.get(), sink);
        }
    }

    /// A piece of a text, or `None` if it only begins.
    fn piece<S: Sink>(
        &mut self,
        kind: Kind,
        part: Option<u32>,
        event: &Event<'_>,
        piece: Option<RawStr<'_>>,
        sink: &mut S,
    ) {
        let at = self.item(event.output_index);
        let piece = piece.filter(|piece| !piece.is_empty());
        let weights = wire::array(event.logprobs).filter(|_| kind == Kind::Text);
        let part = part.unwrap_or_else(|| self.items[at].open.map_or(0, |open| open.part));
        self.reach(at, kind, part, sink);
        let Some(open) = &mut self.items[at].open else { return };
        open.told += piece.map_or(0, |piece| piece.as_escaped().len());
        open.weighed |= weights.is_some();
        let block = open.block;
        let deltas = [piece.map(Delta::Text), weights.map(Delta::Logprobs)];
        for delta in deltas.into_iter().flatten() {
            sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
        }
    }

    /// Makes sure that the block is open to which a piece belongs. Thoughts of several parts are one block.
    fn reach<S: Sink>(&mut self, at: usize, kind: Kind, part: u32, sink: &mut S) {
        match &mut self.items[at].open {
            Some(open) if open.kind == kind && open.part == part => return,
            Some(open) if open.kind == kind && kind == Kind::Thoughts => {
                open.part = part;
                return;
            }
            Some(open) if open.kind == kind && kind == Kind::Summary => {
                (open.part, open.told) = (part, 0);
                let (block, delta) = (open.block, Delta::SummaryPart);
                sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
                return;
            }
            _ => {}
        }
        self.close(at, sink);
        let id = self.items[at].id.take();
        let opening = match kind {
            Kind::Text => Opening::Text,
            Kind::Refusal => Opening::Refusal,
            _ => Opening::Thinking { id: id.as_deref().map(RawStr::escaped), summary: kind == Kind::Summary },
        };
        self.open(at, kind, part, opening, sink);
        self.items[at].id = id;
    }

    /// All of a text, of which nothing may have come before.
    fn rest<S: Sink>(
        &mut self,
        kind: Kind,
        part: Option<u32>,
        event: &Event<'_>,
        all: Option<RawStr<'_>>,
        sink: &mut S,
    ) {
        let at = self.item(event.output_index);
        let item = &self.items[at];
        let told = match item.open {
            Some(open) if open.kind == kind && part.is_none_or(|part| part == open.part) => open.told > 0,
            _ => part.unwrap_or(0) < item.opened,
        };
        if !told && all.is_some_and(|all| !all.is_empty()) {
            self.piece(kind, part, event, all, sink);
        }
    }

    fn arguments<S: Sink>(
        &mut self,
        event: &Event<'_>,
        text: Option<RawStr<'_>>,
        all: bool,
        sink: &mut S,
    ) -> Result<(), Invalid> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(()) };
        let at = self.item(event.output_index);
        if all {
            return self.whole_call(at, Some(text), sink);
        }
        let item = &mut self.items[at];
        match &mut item.open {
            Some(open) if open.kind.is_call() => {
                open.told += text.as_escaped().len();
                let (block, delta) = (open.block, Delta::Arguments(text));
                sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
            }
            _ if item.opened == 0 => item.waits = true,
            _ => return Err(Invalid::at("output_index", "arguments of a tool call that was over")),
        }
        Ok(())
    }

    /// All of a call's arguments, which may have come in pieces before.
    fn whole_call<S: Sink>(&mut self, at: usize, all: Option<RawStr<'_>>, sink: &mut S) -> Result<(), Invalid> {
        let Some(all) = all.filter(|all| !all.is_empty()) else { return Ok(()) };
        let len = all.as_escaped().len();
        let item = &mut self.items[at];
        match (&mut item.open, item.cut) {
            (Some(open), _) if open.told == 0 => {
                open.told = len;
                let (block, delta) = (open.block, Delta::Arguments(all));
                sink.event(ChatEvent::Delta { choice: CHOICE, block, delta });
            }
            (None, Some(told)) if told < len && all.as_escaped() != "{}" => {
                return Err(Invalid::at("output_index", "arguments of a tool call that was over"));
            }
            (None, None) if item.opened == 0 => item.waits = true,
            _ => {}
        }
        Ok(())
    }
}
