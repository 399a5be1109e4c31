//! Events → a client's stream.
//!
//! Each piece of text is an answer of its own with one part in it. What Google says in one piece is gathered until it is
//! whole: the arguments of a call; reasons, usage and citations, which go into the last event.

use std::borrow::Cow;

use serde_json::Value;

use super::super::{Failure, Frame, search};
use super::grounding::{self, Grounding};
use super::{error, finish, logprobs, seal, usage};
use crate::chat::{ChatEvent, Citation, Delta, Finish, Opening, RawStr, Signature};
use crate::domain::{Dialect, UsageReport};
use crate::json::{Object, escape, escape_into};

/// Writes the events of `streamGenerateContent` as they go with `alt=sse`.
#[derive(Debug)]
pub struct StreamWriter {
    head: Head,
    choices: Vec<Choice>,
    usage: Option<UsageReport>,
    ended: bool,
}

/// What every event repeats, escaped already.
#[derive(Debug)]
struct Head {
    id: String,
    model: String,
}

/// An answer so far.
#[derive(Debug, Default)]
struct Choice {
    index: u32,
    finish: Option<Finish>,
    open: Vec<(u32, Block)>,
    /// All text of the answer, still escaped: it is decoded only for citations, which count its bytes.
    text: String,
    cited: Vec<Cited>,
    /// What was searched for.
    queries: Vec<String>,
    /// The model refused in its own words.
    refused: bool,
}

/// A citation, and where the escaped text of its block begins and ends.
#[derive(Debug)]
struct Cited {
    citation: Citation<'static>,
    block: u32,
    start: usize,
    end: Option<usize>,
}

/// A block that is open.
#[derive(Debug)]
enum Block {
    /// Text, which began at that byte of the answer's escaped text.
    Text(usize),
    /// Thoughts, with their item's id; something of them was told.
    Thinking {
        id: Option<String>,
        told: bool,
    },
    Redacted,
    Call(Call),
    Image {
        media_type: String,
    },
    /// What Gemini's clients would not understand.
    Hidden,
}

/// A call, gathered until it is whole; its texts are still escaped.
#[derive(Debug)]
struct Call {
    id: String,
    name: String,
    custom: bool,
    arguments: String,
    object: Option<String>,
    signature: Option<String>,
}

impl StreamWriter {
    /// Begins a stream.
    pub fn new(frame: Frame) -> Self {
        let escaped = |text: String| match escape(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(escaped) => escaped,
        };
        let head = Head { id: escaped(frame.unique), model: escaped(frame.model) };
        Self { head, choices: Vec::new(), usage: None, ended: false }
    }

    /// Appends what the client is told of an event.
    pub fn event(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match event {
            ChatEvent::Start { id, model, usage, .. } => {
                for (own, given) in [(&mut self.head.id, id), (&mut self.head.model, model)] {
                    if let Some(given) = given.filter(|given| !given.is_empty()) {
                        given.as_escaped().clone_into(own);
                    }
                }
                self.usage = usage.copied();
            }
            ChatEvent::Open { choice, block, opening } => self.open(choice, block, opening, out),
            ChatEvent::Delta { choice, block, delta } => self.delta(choice, block, delta, out),
            ChatEvent::Close { choice, block } => self.close(choice, block, out),
            ChatEvent::Finish { choice, finish, .. } => self.choice(choice).finish = Some(finish),
            ChatEvent::Usage { usage, .. } => self.usage = Some(*usage),
            ChatEvent::End => self.end(out),
            ChatEvent::Ping | ChatEvent::Error { .. } => {}
        }
    }

    /// Ends a broken stream: an error in place of an answer. No reason was told, so nothing looks complete.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        // Writing to memory cannot fail.
        out.extend_from_slice(b"data: ");
        let _ = serde_json::to_writer(&mut *out, &error::write_error(failure));
        out.extend_from_slice(b"\n\n");
    }

    /// Keeps a waiting client's connection busy. Google's clients take a comment for an answer that is no JSON, and
    /// give up; blank lines they pass over.
    pub fn keep_alive(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\n\n");
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        Self::split(&self.head, &mut self.choices, index).1
    }

    /// The choice of an index, made if it is new, beside what every event repeats.
    fn split<'w>(head: &'w Head, choices: &'w mut Vec<Choice>, index: u32) -> (&'w Head, &'w mut Choice) {
        let at = choices.iter().position(|choice| choice.index == index).unwrap_or_else(|| {
            choices.push(Choice { index, ..Choice::default() });
            choices.len() - 1
        });
        (head, &mut choices[at])
    }

    fn open(&mut self, index: u32, number: u32, opening: Opening<'_>, out: &mut Vec<u8>) {
        let start = self.choice(index).text.len();
        let block = match opening {
            Opening::Text => Block::Text(start),
            Opening::Refusal => {
                self.choice(index).refused = true;
                Block::Text(start)
            }
            Opening::Thinking { id, .. } => Block::Thinking { id: id.map(|id| id.text().into_owned()), told: false },
            Opening::Redacted => Block::Redacted,
            Opening::ToolCall { id, name, custom } => Block::Call(Call {
                id: id.as_escaped().to_owned(),
                name: name.as_escaped().to_owned(),
                custom,
                arguments: String::new(),
                object: None,
                signature: None,
            }),
            Opening::Image { media_type } => Block::Image { media_type: media_type.as_escaped().to_owned() },
            Opening::Foreign { dialect, json } => {
                let value: Value = serde_json::from_str(json).unwrap_or_default();
                let queries: Vec<_> = search::queries(dialect, &value).into_iter().map(str::to_owned).collect();
                if dialect == Dialect::Gemini && queries.is_empty() {
                    self.head.part(index, out, |part| {
                        push_line(part, json);
                    });
                }
                self.choice(index).queries.extend(queries);
                Block::Hidden
            }
        };
        self.choice(index).open.push((number, block));
    }

    fn delta(&mut self, index: u32, number: u32, delta: Delta<'_>, out: &mut Vec<u8>) {
        let (head, choice) = Self::split(&self.head, &mut self.choices, index);
        let Some((_, block)) = choice.open.iter_mut().find(|(open, _)| *open == number) else { return };
        match (block, delta) {
            (Block::Text(_), Delta::Text(text)) => {
                choice.text.push_str(text.as_escaped());
                head.text_part(index, text, false, None, out);
            }
            (Block::Thinking { told, .. }, Delta::Text(text)) => {
                *told = true;
                head.text_part(index, text, true, None, out);
            }
            (Block::Thinking { told: true, .. }, Delta::SummaryPart) => {
                head.text_part(index, RawStr::escaped("\\n\\n"), true, None, out);
            }
            (Block::Text(_), Delta::Signature { origin, data }) => {
                head.text_part(index, RawStr::default(), false, Some(&field(origin, None, data)), out);
            }
            (Block::Thinking { id, .. }, Delta::Signature { origin, data }) => {
                head.text_part(index, RawStr::default(), true, Some(&field(origin, id.clone(), data)), out);
            }
            (Block::Redacted, Delta::Signature { origin, data }) => {
                let signature = field(origin, None, data);
                head.object_part(index, out, |part| {
                    part.flag("thought", true);
                    part.escaped("thoughtSignature", &signature);
                });
            }
            (Block::Call(call), Delta::Signature { origin, data }) => call.signature = Some(field(origin, None, data)),
            (Block::Call(call), Delta::Arguments(more)) => call.arguments.push_str(more.as_escaped()),
            (Block::Call(call), Delta::Object(json)) => call.object = Some(json.to_owned()),
            (Block::Image { media_type }, Delta::Data(data)) => head.object_part(index, out, |part| {
                let mut blob = part.object("inlineData");
                blob.escaped("mimeType", media_type);
                blob.escaped("data", data.as_escaped());
            }),
            (Block::Text(start), Delta::Citation(citation)) if grounding::can_say(citation) => {
                let (citation, start) = (citation.clone().into_owned(), *start);
                choice.cited.push(Cited { citation, block: number, start, end: None });
            }
            (_, Delta::Logprobs(json)) => head.logprobs(index, json, out),
            _ => {}
        }
    }

    fn close(&mut self, index: u32, number: u32, out: &mut Vec<u8>) {
        let (head, choice) = Self::split(&self.head, &mut self.choices, index);
        let Some(at) = choice.open.iter().position(|(open, _)| *open == number) else { return };
        match choice.open.remove(at).1 {
            Block::Call(call) => head.call(index, &call, out),
            Block::Text(_) => {
                let end = choice.text.len();
                for cited in choice.cited.iter_mut().filter(|cited| cited.block == number) {
                    cited.end = Some(end);
                }
            }
            Block::Thinking { .. } | Block::Redacted | Block::Image { .. } | Block::Hidden => {}
        }
    }

    /// The last event: why each answer ended, and what it used.
    fn end(&mut self, out: &mut Vec<u8>) {
        self.ended = true;
        let (choices, usage) = (&self.choices, &self.usage);
        self.head.event(out, |root| {
            let mut candidates = root.array("candidates");
            for choice in choices {
                choice.last(&mut candidates.object());
            }
            drop(candidates);
            if let Some(usage) = usage {
                root.value("usageMetadata", &usage::write(usage));
            }
        });
    }
}

impl Choice {
    fn last(&self, candidate: &mut Object<'_>) {
        // Google's chat sessions forget an answer with an event in it that has no part.
        let filtered = matches!(self.finish, Some(Finish::Filtered | Finish::Refused)) && self.text.is_empty();
        if !filtered {
            candidate.json("content", r#"{"parts":[{"text":""}],"role":"model"}"#);
        }
        if let Some(finish) = self.finish {
            candidate.text("finishReason", finish::write(finish, self.refused));
        }
        candidate.number("index", self.index.into());
        let mut grounding = Grounding::default();
        self.queries.iter().for_each(|query| grounding.search(query));
        if !self.cited.is_empty() {
            let text = RawStr::escaped(&self.text).text();
            for cited in &self.cited {
                grounding.add(&cited.citation, 0, &text, cited.bytes(&self.text));
            }
        }
        if let Some(metadata) = grounding.into_value() {
            candidate.value("groundingMetadata", &metadata);
        }
    }
}

impl Cited {
    /// The bytes that it is for, counted from the beginning of the answer.
    fn bytes(&self, escaped: &str) -> (usize, usize) {
        let text = |part: Option<&'_ str>| RawStr::escaped(part.unwrap_or_default()).text().into_owned();
        let before = text(escaped.get(..self.start)).len();
        let block = text(escaped.get(self.start..self.end.unwrap_or(escaped.len())));
        let (start, end) = grounding::bytes(&self.citation, &block);
        (before + start, before + end)
    }
}

impl Head {
    /// An event: an answer with these members.
    fn event(&self, out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        out.extend_from_slice(b"data: ");
        let mut root = Object::open(out);
        members(&mut root);
        root.escaped("modelVersion", &self.model);
        root.escaped("responseId", &self.id);
        drop(root);
        out.extend_from_slice(b"\n\n");
    }

    /// An event of one part, which `write` appends whole.
    fn part(&self, index: u32, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        self.event(out, |root| {
            let mut candidates = root.array("candidates");
            let mut candidate = candidates.object();
            let mut content = candidate.object("content");
            write(content.array("parts").item());
            content.escaped("role", "model");
            drop(content);
            candidate.number("index", index.into());
        });
    }

    /// An event of one part with these members.
    fn object_part(&self, index: u32, out: &mut Vec<u8>, members: impl FnOnce(&mut Object<'_>)) {
        self.part(index, out, |part| members(&mut Object::open(part)));
    }

    fn text_part(&self, index: u32, text: RawStr<'_>, thought: bool, signature: Option<&str>, out: &mut Vec<u8>) {
        self.object_part(index, out, |part| {
            part.escaped("text", text.as_escaped());
            if thought {
                part.flag("thought", true);
            }
            if let Some(signature) = signature {
                part.escaped("thoughtSignature", signature);
            }
        });
    }

    fn logprobs(&self, index: u32, json: &str, out: &mut Vec<u8>) {
        let Ok(tokens) = serde_json::from_str::<Value>(json) else { return };
        self.event(out, |root| {
            let mut candidates = root.array("candidates");
            let mut candidate = candidates.object();
            candidate.json("content", r#"{"parts":[{"text":""}],"role":"model"}"#);
            candidate.number("index", index.into());
            candidate.value("logprobsResult", &logprobs::write(&tokens));
        });
    }

    fn call(&self, index: u32, call: &Call, out: &mut Vec<u8>) {
        let text = RawStr::escaped(&call.arguments).text();
        self.object_part(index, out, |part| {
            let mut function = part.object("functionCall");
            if !super::ids::is_made(&call.id) {
                function.escaped("id", &call.id);
            }
            function.escaped("name", &call.name);
            push_arguments(function.key("args"), call, &text);
            drop(function);
            if let Some(signature) = &call.signature {
                part.escaped("thoughtSignature", signature);
            }
        });
    }
}

/// The object of a call's arguments. What is none stands in one, as free text does.
fn push_arguments(out: &mut Vec<u8>, call: &Call, text: &str) {
    let json = call.object.as_deref().unwrap_or(text);
    if json.trim().is_empty() {
        out.extend_from_slice(b"{}");
    } else if !call.custom && super::part::is_object(json) {
        push_line(out, json);
    } else {
        out.extend_from_slice(b"{\"input\":\"");
        escape_into(out, json);
        out.extend_from_slice(b"\"}");
    }
}

/// JSON in one line. Line ends of JSON stand between its tokens only, and end an event's line.
fn push_line(out: &mut Vec<u8>, json: &str) {
    out.extend(json.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { byte }));
}

/// A signature as it goes into a field, escaped.
fn field(origin: Dialect, id: Option<String>, data: RawStr<'_>) -> String {
    if origin == Dialect::Gemini {
        return data.as_escaped().to_owned();
    }
    seal::carried(&Signature { origin, id, data: data.text().into_owned() })
}
