//! One answer of a provider's stream.

use serde_json::value::RawValue;

use super::call_in::Calls;
use super::finish::{self, Seen};
use super::quick::Piece;
use super::wire::{self, Choice, Delta as WireDelta, Detail, Image, Logprobs, Part, Raw};
use crate::chat::{ChatEvent, Delta, Opening, RawStr, Signature, Sink};
use crate::dialect::Invalid;
use crate::dialect::openai::annotation;
use crate::domain::Dialect;

/// Annotations that wait for their text; more are left out.
const EARLY_MAX: usize = 256;

/// What the open block is, unless it is a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Refusal,
    /// Thoughts; or a part of their summary.
    Thinking {
        summary: bool,
    },
}

#[derive(Debug)]
struct Open {
    block: u32,
    kind: Kind,
    /// The entry of `reasoning_details` that it goes with.
    index: Option<u64>,
    /// That entry's id, still escaped.
    id: Option<String>,
    sealed: bool,
}

/// What was read of one answer.
#[derive(Debug)]
pub(super) struct ChoiceIn {
    number: u32,
    /// The number of the next block.
    next: u32,
    open: Option<Open>,
    calls: Calls,
    refused: bool,
    finished: bool,
    /// Thoughts came as `reasoning_content` alone: entries that come later repeat them.
    told: bool,
    /// Texts that were opened.
    texts: u32,
    /// Annotations that came before their text.
    early: Vec<String>,
}

/// Where events of one choice go.
pub(super) struct Out<'s, S> {
    pub(super) choice: u32,
    pub(super) sink: &'s mut S,
}

impl<S: Sink> Out<'_, S> {
    pub(super) fn open(&mut self, block: u32, opening: Opening<'_>) {
        self.sink.event(ChatEvent::Open { choice: self.choice, block, opening });
    }

    pub(super) fn delta(&mut self, block: u32, delta: Delta<'_>) {
        self.sink.event(ChatEvent::Delta { choice: self.choice, block, delta });
    }

    pub(super) fn close(&mut self, block: u32) {
        self.sink.event(ChatEvent::Close { choice: self.choice, block });
    }
}

impl ChoiceIn {
    pub(super) fn new(number: u32) -> Self {
        Self {
            number,
            next: 0,
            open: None,
            calls: Calls::default(),
            refused: false,
            finished: false,
            told: false,
            texts: 0,
            early: Vec::new(),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn is_finished(&self) -> bool {
        self.finished
    }

    /// Takes more of what is open; false if that is not open, and nothing was taken.
    pub(super) fn goes_on<S: Sink>(&mut self, piece: Piece<'_>, sink: &mut S) -> bool {
        let (block, delta) = match (piece, &self.open) {
            _ if self.finished => return false,
            (Piece::Text(text), Some(Open { block, kind: Kind::Text, .. })) => (*block, Delta::Text(text)),
            (Piece::Thoughts(text), Some(Open { block, kind: Kind::Thinking { .. }, .. })) => {
                self.told = true;
                (*block, Delta::Text(text))
            }
            (Piece::Arguments { index, text }, None) => match self.calls.going_on(index) {
                Some(block) => (block, Delta::Arguments(text)),
                None => return false,
            },
            _ => return false,
        };
        sink.event(ChatEvent::Delta { choice: self.number, block, delta });
        true
    }

    /// Reads what a chunk says of this answer; false if it says that the provider failed.
    pub(super) fn read<S: Sink>(
        &mut self,
        choice: &Choice<'_>,
        id: Option<RawStr<'_>>,
        sink: &mut S,
    ) -> Result<bool, Invalid> {
        if self.finished {
            return Ok(true);
        }
        let mut out = Out { choice: self.number, sink };
        if let Some(delta) = &choice.delta {
            self.delta(delta, id, &mut out)?;
        }
        self.logprobs(choice.logprobs, &mut out);
        let Some(word) = wire::text(choice.finish_reason) else { return Ok(true) };
        let stop_sequence = wire::text(choice.stop_reason);
        let seen = Seen { calls: self.calls.any(), refusal: self.refused, sequence: stop_sequence.is_some() };
        let Some(finish) = finish::read(&word.text(), seen) else { return Ok(false) };
        self.close(&mut out);
        self.calls.close(&mut out);
        self.calls.check()?;
        self.finished = true;
        sink.event(ChatEvent::Finish { choice: self.number, finish, stop_sequence });
        Ok(true)
    }

    fn delta<S: Sink>(
        &mut self,
        delta: &WireDelta<'_>,
        id: Option<RawStr<'_>>,
        out: &mut Out<'_, S>,
    ) -> Result<(), Invalid> {
        self.thoughts(delta, out);
        self.content(delta.content, out);
        if let Some(text) = wire::text(delta.refusal) {
            self.refused = true;
            self.piece(Kind::Refusal, text, out);
        }
        self.annotations(delta.annotations, out);
        for image in wire::list::<Image<'_>>(delta.images) {
            self.image(image.image_url.and_then(|image| wire::text(image.url)), out);
        }
        for call in delta.tool_calls.as_deref().unwrap_or_default() {
            self.close(out);
            self.calls.read(call, id, &mut self.next, out)?;
        }
        if let Some(function) = &delta.function_call {
            self.close(out);
            self.calls.read_legacy(function, id, &mut self.next, out)?;
        }
        self.calls.check()
    }

    /// Content is text; of some servers, an array of parts.
    fn content<S: Sink>(&mut self, content: Raw<'_>, out: &mut Out<'_, S>) {
        if let Some(text) = wire::text(content) {
            self.piece(Kind::Text, text, out);
            return;
        }
        for part in wire::list::<Part<'_>>(content) {
            for thought in wire::list::<Part<'_>>(part.thinking) {
                if let Some(text) = wire::text(thought.text) {
                    self.piece(Kind::Thinking { summary: false }, text, out);
                }
            }
            if let Some(text) = wire::text(part.text) {
                self.piece(Kind::Text, text, out);
            }
        }
    }

    /// Entries say more than plain thoughts: where a chunk has both, it says the same twice.
    fn thoughts<S: Sink>(&mut self, delta: &WireDelta<'_>, out: &mut Out<'_, S>) {
        let entries = wire::list::<Detail<'_>>(delta.reasoning_details);
        let plain = wire::text(delta.reasoning_content).or_else(|| wire::text(delta.reasoning));
        if let Some(text) = plain.filter(|_| !entries.iter().any(speaks)) {
            self.told = true;
            // Thoughts go on in whichever block of thoughts is open.
            let kind = match &self.open {
                Some(Open { kind: kind @ Kind::Thinking { .. }, .. }) => *kind,
                _ => Kind::Thinking { summary: false },
            };
            self.piece(kind, text, out);
        }
        for entry in &entries {
            self.entry(entry, out);
        }
    }

    fn entry<S: Sink>(&mut self, entry: &Detail<'_>, out: &mut Out<'_, S>) {
        let seal = wire::text(entry.signature).or_else(|| wire::text(entry.data));
        let seal = seal.map(|seal| wire::seal(Dialect::Openai, seal));
        let kind = wire::text(entry.kind).map_or("", RawStr::as_escaped);
        let of_text = kind == "reasoning.text"
            && seal.as_ref().is_some_and(|seal| seal.origin == Dialect::Gemini)
            && wire::text(entry.text).is_none();
        if of_text && self.open.as_ref().is_some_and(|open| open.kind == Kind::Text) {
            return self.seal(seal.as_ref(), out);
        }
        match kind {
            "reasoning.text" => {
                self.join(entry, Kind::Thinking { summary: false }, None, out);
                if let Some(text) = wire::text(entry.text).filter(|_| !self.told) {
                    self.piece(Kind::Thinking { summary: false }, text, out);
                }
                self.seal(seal.as_ref(), out);
            }
            "reasoning.summary" => {
                self.join(entry, Kind::Thinking { summary: true }, wire::text(entry.id), out);
                if let Some(text) = wire::text(entry.summary).filter(|_| !self.told) {
                    self.piece(Kind::Thinking { summary: true }, text, out);
                }
                self.seal(seal.as_ref(), out);
            }
            "reasoning.encrypted" => self.encrypted(entry, seal.as_ref(), out),
            _ => {}
        }
    }

    /// Opens the block of an entry, unless the open one goes on.
    fn join<S: Sink>(&mut self, entry: &Detail<'_>, kind: Kind, id: Option<RawStr<'_>>, out: &mut Out<'_, S>) {
        let index = wire::whole(entry.index);
        if let Some(open) = self.open.as_mut().filter(|open| open.kind == kind) {
            let same_id = id.is_some() && open.id.as_deref() == id.map(RawStr::as_escaped) && !open.sealed;
            if open.index == index || index.is_none() || (open.index.is_none() && self.told) {
                open.index = index.or(open.index);
                return;
            }
            if same_id {
                open.index = index;
                return out.delta(open.block, Delta::SummaryPart);
            }
        }
        self.begin(kind, id, index, out);
    }

    /// A seal alone: of the thoughts before it, or of some that are not shown.
    fn encrypted<S: Sink>(&mut self, entry: &Detail<'_>, seal: Option<&Signature>, out: &mut Out<'_, S>) {
        let Some(seal) = seal else { return };
        let id = wire::text(entry.id);
        let goes_on = self.open.as_ref().filter(|open| !open.sealed).is_some_and(|open| {
            let same_index = open.index.is_some() && open.index == wire::whole(entry.index);
            let same_id = open.id.as_deref() == id.map(RawStr::as_escaped);
            let Kind::Thinking { summary } = open.kind else { return false };
            same_index || (summary && same_id && seal.origin != Dialect::Openai)
        });
        if goes_on {
            return self.seal(Some(seal), out);
        }
        let item = seal.id.as_deref().map(RawStr::escaped);
        if item.is_some() {
            self.begin(Kind::Thinking { summary: true }, item, wire::whole(entry.index), out);
            return self.seal(Some(seal), out);
        }
        self.close(out);
        self.calls.close(out);
        let block = self.take_number();
        out.open(block, Opening::Redacted);
        out.delta(block, Delta::Signature { origin: seal.origin, data: RawStr::escaped(&seal.data) });
        out.close(block);
    }

    fn seal<S: Sink>(&mut self, seal: Option<&Signature>, out: &mut Out<'_, S>) {
        if let (Some(open), Some(seal)) = (&mut self.open, seal) {
            open.sealed = true;
            out.delta(open.block, Delta::Signature { origin: seal.origin, data: RawStr::escaped(&seal.data) });
        }
    }

    fn annotations<S: Sink>(&mut self, annotations: Raw<'_>, out: &mut Out<'_, S>) {
        for json in wire::list::<&RawValue>(annotations).into_iter().map(RawValue::get) {
            match &self.open {
                Some(Open { block, kind: Kind::Text, .. }) => self.cite(*block, json, out),
                _ if self.early.len() < EARLY_MAX => self.early.push(json.to_owned()),
                _ => {}
            }
        }
    }

    /// Places count all text of the answer: in a second text they cannot be found again.
    fn cite<S: Sink>(&self, block: u32, json: &str, out: &mut Out<'_, S>) {
        let citation = annotation::read(Dialect::Openai, json);
        let range = citation.range.filter(|_| self.texts == 1);
        out.delta(block, Delta::Citation(&citation.with_range(range)));
    }

    fn logprobs<S: Sink>(&mut self, logprobs: Raw<'_>, out: &mut Out<'_, S>) {
        let Some(open) = self.open.as_ref().filter(|open| open.kind == Kind::Text) else { return };
        let content = wire::of::<Logprobs<'_>>(logprobs).and_then(|logprobs| logprobs.content);
        let told = content.map(RawValue::get).filter(|json| json.starts_with('[') && json[1..].trim_start() != "]");
        if let Some(json) = told {
            out.delta(open.block, Delta::Logprobs(json));
        }
    }

    /// A whole picture at once. One that is only an address is no block that all dialects have.
    fn image<S: Sink>(&mut self, url: Option<RawStr<'_>>, out: &mut Out<'_, S>) {
        let Some((media_type, data)) =
            url.and_then(|url| url.as_escaped().strip_prefix("data:")?.split_once(";base64,"))
        else {
            return;
        };
        self.close(out);
        self.calls.close(out);
        let block = self.take_number();
        out.open(block, Opening::Image { media_type: RawStr::escaped(media_type) });
        out.delta(block, Delta::Data(RawStr::escaped(data)));
        out.close(block);
    }

    /// More text of a kind.
    fn piece<S: Sink>(&mut self, kind: Kind, text: RawStr<'_>, out: &mut Out<'_, S>) {
        let block = match &self.open {
            Some(open) if open.kind == kind => open.block,
            _ => self.begin(kind, None, None, out),
        };
        out.delta(block, Delta::Text(text));
    }

    /// Opens a block, which is alone.
    fn begin<S: Sink>(&mut self, kind: Kind, id: Option<RawStr<'_>>, index: Option<u64>, out: &mut Out<'_, S>) -> u32 {
        self.close(out);
        self.calls.close(out);
        let block = self.take_number();
        let opening = match kind {
            Kind::Text => Opening::Text,
            Kind::Refusal => Opening::Refusal,
            Kind::Thinking { summary } => Opening::Thinking { id, summary },
        };
        out.open(block, opening);
        let id = id.map(|id| id.as_escaped().to_owned());
        self.open = Some(Open { block, kind, index, id, sealed: false });
        if kind == Kind::Text {
            self.texts += 1;
            std::mem::take(&mut self.early).iter().for_each(|json| self.cite(block, json, out));
        }
        block
    }

    fn close<S: Sink>(&mut self, out: &mut Out<'_, S>) {
        if let Some(open) = self.open.take() {
            out.close(open.block);
        }
    }

    fn take_number(&mut self) -> u32 {
        self.next += 1;
        self.next - 1
    }
}

/// Whether an entry says something that is shown: then the plain thoughts beside it are the same.
fn speaks(entry: &Detail<'_>) -> bool {
    match wire::text(entry.kind).map(RawStr::as_escaped) {
        Some("reasoning.text") => wire::text(entry.text).is_some(),
        // One without text begins another part, and the plain thoughts beside it are what stands between parts.
        Some("reasoning.summary") => true,
        _ => false,
    }
}
