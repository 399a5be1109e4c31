//! One of the answers in a stream: which of its blocks is open, and why it ended.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::partial::Arguments;
use super::wire::{Blob, FunctionCall, Part, is_true, text};
use super::{grounding, ids, logprobs, seal};
use crate::chat::{ChatEvent, Delta, Finish, Opening, RawStr, Signature, Sink};
use crate::dialect::{base64, search};
use crate::domain::Dialect;
use crate::json::escape;

/// Names calls that have no id.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The response's id, so that calls of different turns differ.
    pub(super) scope: String,
    made: usize,
}

/// Why a part is no piece of a block.
#[derive(Debug)]
pub(super) enum Odd {
    /// It is of a kind that is not ours.
    Foreign,
    /// It makes no sense where it stands, and the answer cannot go on.
    Wrong(&'static str),
}

/// An answer so far.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) index: u32,
    /// The last reason that was given.
    pub(super) finish: Option<Finish>,
    blocks: u32,
    open: Open,
    /// The open block has its signature: whatever follows is another block.
    sealed: bool,
    /// Gathers arguments that come value by value.
    arguments: Arguments,
    calls: bool,
    /// The text of the open block, still escaped: it is decoded only for citations, which count its bytes.
    text: String,
    /// Texts that were opened.
    texts: u32,
    /// What was cited, and for which part of the text.
    cited: Vec<(String, Option<(u64, u64)>)>,
    /// What was searched for.
    queries: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
    /// A call whose arguments come value by value.
    Call,
}

impl Choice {
    pub(super) fn new(index: u32) -> Self {
        Self {
            index,
            finish: None,
            blocks: 0,
            open: Open::Nothing,
            sealed: false,
            arguments: Arguments::default(),
            calls: false,
            text: String::new(),
            texts: 0,
            cited: Vec::new(),
            queries: Vec::new(),
        }
    }

    /// Takes a part.
    pub(super) fn part<S: Sink>(&mut self, part: &Part<'_>, names: &mut Names, sink: &mut S) -> Result<(), Odd> {
        let signature = text(part.thought_signature);
        if let Some(call) = &part.function_call {
            return self.call(call, signature, names, sink);
        }
        if let Some(blob) = &part.inline_data {
            return self.image(blob, signature, sink);
        }
        let said = part.text.and_then(|text| RawStr::of_json(text.get()));
        match (said, signature) {
            (None, None) => Err(Odd::Foreign),
            (None, Some(signature)) if is_true(part.thought) => {
                self.redacted(signature, sink);
                Ok(())
            }
            (said, signature) => {
                let kind = if is_true(part.thought) { Open::Thinking } else { Open::Text };
                self.say(kind, said.unwrap_or_default(), signature, sink);
                Ok(())
            }
        }
    }

    /// Takes a part that only Google has.
    pub(super) fn foreign<S: Sink>(&mut self, json: Option<&str>, sink: &mut S) {
        let Some(json) = json.filter(|json| *json != "{}") else { return };
        self.close(sink);
        self.open_block(Opening::Foreign { dialect: Dialect::Gemini, json }, sink);
        self.close_block(sink);
    }

    /// Takes what was searched for, which is told at the end. Google repeats itself.
    pub(super) fn searched(&mut self, metadata: &Value) {
        let queries = search::queries(Dialect::Gemini, metadata);
        if queries.len() > self.queries.len() {
            self.queries = queries.into_iter().map(str::to_owned).collect();
        }
    }

    /// Takes how likely the tokens were.
    pub(super) fn logprobs<S: Sink>(&mut self, result: Option<&RawValue>, sink: &mut S) {
        if self.open != Open::Text {
            return;
        }
        let result: Option<Value> = result.and_then(|result| serde_json::from_str(result.get()).ok());
        if let Some(tokens) = result.and_then(|result| logprobs::read(&result)) {
            self.delta(Delta::Logprobs(&tokens.to_string()), sink);
        }
    }

    /// Takes where the text comes from. Google repeats itself; each citation is told once.
    pub(super) fn citations<S: Sink>(&mut self, metadata: &Value, sink: &mut S) {
        if self.open != Open::Text {
            return;
        }
        let escaped = std::mem::take(&mut self.text);
        let text = RawStr::escaped(&escaped).text();
        for pair in grounding::pairs(metadata) {
            // Positions may count from the beginning of the answer, which is this text's only if it is the first.
            let range = pair.range(&text, self.texts == 1);
            let citation = pair.citation(range);
            let told = self.cited.iter().any(|(json, place)| *json == citation.json && *place == range);
            if !told {
                self.delta(Delta::Citation(&citation), sink);
                self.cited.push((citation.json.into_owned(), range));
            }
        }
        drop(text);
        self.text = escaped;
    }

    /// Ends the answer.
    pub(super) fn end<S: Sink>(&mut self, names: &Names, sink: &mut S) {
        self.close(sink);
        if !self.queries.is_empty() {
            let searched = json!({"id": names.scope, "webSearchQueries": self.queries}).to_string();
            self.foreign(Some(&searched), sink);
        }
        let finish = super::finish::with_calls(self.finish.unwrap_or(Finish::Stop), self.calls);
        sink.event(ChatEvent::Finish { choice: self.index, finish, stop_sequence: None });
    }

    fn say<S: Sink>(&mut self, kind: Open, said: RawStr<'_>, signature: Option<RawStr<'_>>, sink: &mut S) {
        if said.is_empty() && signature.is_none() {
            return;
        }
        let carried = signature.map(carried);
        if self.open != kind || self.sealed {
            self.close(sink);
            let id = carried.iter().flatten().find_map(|signature| signature.id.as_deref()).map(escape);
            let id = id.as_deref().map(RawStr::escaped);
            let opening = if kind == Open::Text { Opening::Text } else { Opening::Thinking { id, summary: false } };
            self.open_block(opening, sink);
            self.open = kind;
        }
        if !said.is_empty() {
            if kind == Open::Text {
                self.text.push_str(said.as_escaped());
            }
            self.delta(Delta::Text(said), sink);
        }
        self.signature(signature, sink);
    }

    fn redacted<S: Sink>(&mut self, signature: RawStr<'_>, sink: &mut S) {
        self.close(sink);
        self.open_block(Opening::Redacted, sink);
        self.signature(Some(signature), sink);
        self.close_block(sink);
    }

    fn image<S: Sink>(&mut self, blob: &Blob<'_>, seal: Option<RawStr<'_>>, sink: &mut S) -> Result<(), Odd> {
        let media_type = text(blob.mime_type).filter(|media_type| media_type.as_escaped().starts_with("image"));
        let (Some(media_type), Some(data)) = (media_type, text(blob.data)) else { return Err(Odd::Foreign) };
        self.close(sink);
        self.open_block(Opening::Image { media_type }, sink);
        self.signature(seal, sink);
        let plain = data.text();
        self.delta(Delta::Data(RawStr::escaped(&base64::standard(&plain))), sink);
        self.close_block(sink);
        Ok(())
    }

    fn call<S: Sink>(
        &mut self,
        call: &FunctionCall<'_>,
        signature: Option<RawStr<'_>>,
        names: &mut Names,
        sink: &mut S,
    ) -> Result<(), Odd> {
        let name = text(call.name);
        let goes_on = is_true(call.will_continue);
        if self.open != Open::Call || name.is_some() {
            self.close(sink);
            let Some(name) = name else {
                // An end without a beginning says nothing.
                let says = call.args.is_some() || call.partial_args.is_some();
                return if says { Err(Odd::Wrong("a function call has no name")) } else { Ok(()) };
            };
            let made = text(call.id).is_none().then(|| ids::make(&names.scope, names.made));
            names.made += usize::from(made.is_some());
            let id = made.as_deref().map(RawStr::plain).or(text(call.id)).unwrap_or_default();
            self.open_block(Opening::ToolCall { id, name, custom: false }, sink);
            (self.open, self.calls) = (Open::Call, true);
        }
        self.signature(signature, sink);
        let args = call.args.filter(|args| args.get().starts_with('{'));
        if let (Some(args), None, false) = (args, call.partial_args, goes_on) {
            self.delta(Delta::Object(args.get()), sink);
            self.open = Open::Nothing;
            self.close_block(sink);
            return Ok(());
        }
        if let Some(args) = args {
            self.arguments.take_whole(args);
        }
        if let Some(pieces) = call.partial_args
            && self.arguments.take(pieces).is_none()
        {
            return Err(Odd::Wrong("a piece of a call's arguments has no place"));
        }
        if !goes_on {
            self.close(sink);
        }
        Ok(())
    }

    fn signature<S: Sink>(&mut self, field: Option<RawStr<'_>>, sink: &mut S) {
        let Some(field) = field else { return };
        match carried(field) {
            None => self.delta(Delta::Signature { origin: Dialect::Gemini, data: field }, sink),
            Some(signature) => {
                let data = escape(&signature.data);
                let data = RawStr::escaped(&data);
                self.delta(Delta::Signature { origin: signature.origin, data }, sink);
            }
        }
        self.sealed = true;
    }

    fn delta<S: Sink>(&self, delta: Delta<'_>, sink: &mut S) {
        sink.event(ChatEvent::Delta { choice: self.index, block: self.blocks, delta });
    }

    fn open_block<S: Sink>(&mut self, opening: Opening<'_>, sink: &mut S) {
        self.sealed = false;
        self.text.clear();
        self.texts += u32::from(opening == Opening::Text);
        sink.event(ChatEvent::Open { choice: self.index, block: self.blocks, opening });
    }

    fn close_block<S: Sink>(&mut self, sink: &mut S) {
        sink.event(ChatEvent::Close { choice: self.index, block: self.blocks });
        self.blocks += 1;
    }

    /// Closes the open block, if there is one. A call gets the arguments that were gathered.
    fn close<S: Sink>(&mut self, sink: &mut S) {
        match std::mem::replace(&mut self.open, Open::Nothing) {
            Open::Nothing => return,
            Open::Text | Open::Thinking => {}
            Open::Call => {
                let arguments = std::mem::take(&mut self.arguments).into_json();
                self.delta(Delta::Object(&arguments), sink);
            }
        }
        self.close_block(sink);
    }
}

/// The signature in a field, if it is somebody else's.
fn carried(field: RawStr<'_>) -> Option<Signature> {
    let signature = seal::read(&field.text());
    (signature.origin != Dialect::Gemini).then_some(signature)
}
