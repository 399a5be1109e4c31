//! The corpus of Chat Completions, and streams gathered into answers, with the order promises of events checked.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use router_core::chat::{
    Block, Body, ChatEvent, ChatRequest, ChatResponse, Choice, Delta, Losses, Media, Opening, RawStr, Signature,
    Source, Thinking, ToolCall,
};
use router_core::dialect::openai::chat::{StreamReader, StreamWriter, read_request, write_request};
use router_core::dialect::{Frame, Quirks, Target};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/openai")
}

/// All files of the corpus with this ending, by case.
pub fn cases(ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).expect("the corpus") {
        let path = entry.expect("a file").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if let Some(case) = name.strip_suffix(ending) {
            found.push((case.to_owned(), fs::read_to_string(&path).expect("text")));
        }
    }
    found.sort();
    assert!(found.len() > 30, "{} files end with {ending}", found.len());
    found
}

/// A file of the corpus.
pub fn file(name: &str) -> String {
    fs::read_to_string(folder().join(name)).expect("a file of the corpus")
}

pub fn value(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// A document without members that are null, which mean the same as none.
pub fn bare(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            members.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, bare(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(bare).collect(),
        value => value,
    }
}

/// Writes a request for the vendor itself, and tells what was lost.
pub fn written(request: &ChatRequest) -> (Value, Vec<String>) {
    written_for(request, "gpt-5.1", &Quirks::default())
}

pub fn written_for(request: &ChatRequest, model: &str, quirks: &Quirks) -> (Value, Vec<String>) {
    let mut losses = Losses::default();
    let written = write_request(request, &Target { model, quirks }, &mut losses).expect("a request");
    assert!(!written.emulates_format);
    (written.body, losses.iter().map(str::to_owned).collect())
}

/// A request that came in another dialect and says what this one says.
pub fn foreign(body: Value) -> ChatRequest {
    ChatRequest { dialect: Dialect::Anthropic, ..read_request(body).expect("a request") }
}

/// A user's question with these members.
pub fn ask(members: Value) -> Value {
    let mut body = json!({"model": "gpt-5.1", "messages": [{"role": "user", "content": "Hi"}]});
    let Value::Object(members) = members else { panic!("an object") };
    body.as_object_mut().expect("an object").extend(members);
    body
}

/// The data of a stream's events.
pub fn data(stream: &str) -> Vec<&str> {
    stream.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}

/// What came of a stream.
#[derive(Debug, Default)]
pub struct Gathered {
    pub answer: Option<ChatResponse>,
    /// Events, one a line, with their text decoded.
    pub events: Vec<String>,
    pub error: Option<(String, String)>,
    pub complete: bool,
    open: BTreeMap<(u32, u32), bool>,
    next: BTreeMap<u32, u32>,
    blocks: BTreeMap<(u32, u32), Block>,
    finished: BTreeMap<u32, Choice>,
    logprobs: BTreeMap<u32, Vec<Value>>,
}

/// Reads the data of events and gathers what they say.
pub fn gather<'d>(data: impl IntoIterator<Item = &'d str>) -> Gathered {
    let mut reader = StreamReader::default();
    let mut gathered = Gathered::default();
    let mut sink = |event: ChatEvent<'_>| gathered.take(event);
    for event in data {
        reader.event(event, &mut sink).expect("a chunk");
    }
    let complete = reader.finish(&mut sink);
    assert_eq!(complete, reader.is_done());
    assert_eq!(complete, gathered.complete);
    gathered.settle()
}

/// Writes the events of a stream as a client gets them.
pub fn rewrite<'d>(data: impl IntoIterator<Item = &'d str>, frame: Frame) -> String {
    let (mut reader, mut writer, mut out) = (StreamReader::default(), StreamWriter::new(frame), Vec::new());
    for event in data {
        reader.event(event, &mut |event: ChatEvent<'_>| writer.event(event, &mut out)).expect("a chunk");
    }
    String::from_utf8(out).expect("text")
}

pub fn frame() -> Frame {
    Frame { unique: "u1".into(), created: 7, model: "alias".into(), include_usage: true, ..Frame::default() }
}

impl Gathered {
    /// The one choice.
    pub fn choice(&self) -> &Choice {
        let choices = &self.answer.as_ref().expect("an answer").choices;
        assert_eq!(choices.len(), 1);
        &choices[0]
    }

    /// Gathers an event.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        assert!(!self.complete && self.error.is_none(), "{event:?} after the end");
        self.events.push(tell(&event));
        match event {
            ChatEvent::Start { id, model, created, .. } => {
                assert!(self.answer.is_none(), "it starts twice");
                let id = id.map(text).unwrap_or_default();
                let model = model.map(text).unwrap_or_default();
                self.answer = Some(ChatResponse { id, model, created, ..ChatResponse::new(Dialect::Openai) });
            }
            ChatEvent::Open { choice, block, opening } => self.begin(choice, block, opening),
            ChatEvent::Delta { choice, block, delta } => {
                assert!(self.open.contains_key(&(choice, block)), "{delta:?} of a block that is not open");
                self.more((choice, block), delta);
            }
            ChatEvent::Close { choice, block } => {
                assert!(self.open.remove(&(choice, block)).is_some(), "it closes twice");
            }
            ChatEvent::Finish { choice, finish, stop_sequence } => {
                assert!(!self.open.keys().any(|(of, _)| *of == choice), "a block is open");
                let stop_sequence = stop_sequence.map(text);
                let done = Choice { finish: Some(finish), stop_sequence, ..Choice::default() };
                assert!(self.finished.insert(choice, done).is_none(), "it finishes twice");
            }
            ChatEvent::Usage { usage, service_tier } => self.usage(*usage, service_tier.map(text)),
            ChatEvent::Ping => {}
            ChatEvent::Error { kind, message } => {
                self.error = Some((kind.map(text).unwrap_or_default(), message.map(text).unwrap_or_default()));
            }
            ChatEvent::End => self.complete = true,
        }
    }

    fn usage(&mut self, usage: UsageReport, tier: Option<String>) {
        let answer = self.answer.as_mut().expect("it started");
        answer.usage = Some(usage);
        answer.service_tier = tier;
    }

    fn begin(&mut self, choice: u32, block: u32, opening: Opening<'_>) {
        assert!(self.answer.is_some() && !self.finished.contains_key(&choice));
        let next = self.next.entry(choice).or_default();
        assert_eq!(*next, block, "blocks are numbered in order");
        *next += 1;
        let call = matches!(opening, Opening::ToolCall { .. });
        let alone = self.open.iter().filter(|((of, _), _)| *of == choice).all(|(_, other)| *other && call);
        assert!(alone, "{opening:?} opens beside another block");
        self.open.insert((choice, block), call);
        let body = match opening {
            Opening::Text => Body::Text { text: String::new(), citations: Vec::new() },
            Opening::Refusal => Body::Refusal(String::new()),
            Opening::Thinking { summary, .. } => {
                let summary = if summary { vec![String::new()] } else { Vec::new() };
                Body::Thinking(Thinking { summary, ..Thinking::default() })
            }
            Opening::Redacted => Body::Thinking(Thinking { redacted: true, ..Thinking::default() }),
            Opening::ToolCall { id, name, custom } => {
                assert!(!id.is_empty());
                let (id, name) = (text(id), text(name));
                Body::ToolCall(ToolCall { id, name, arguments: String::new(), custom })
            }
            Opening::Image { media_type } => {
                let media_type = Some(text(media_type));
                Body::Image(Media { source: Source::Base64(String::new()), media_type, name: None, detail: None })
            }
            Opening::Foreign { dialect, json } => Body::Foreign { dialect, value: value(json) },
        };
        self.blocks.insert((choice, block), Block::new(body));
    }

    fn more(&mut self, at: (u32, u32), delta: Delta<'_>) {
        let block = self.blocks.get_mut(&at).expect("it opened");
        match (&mut block.body, delta) {
            (Body::Text { text: so_far, .. } | Body::Refusal(so_far), Delta::Text(more)) => {
                so_far.push_str(&more.text());
            }
            (Body::Thinking(thinking), Delta::Text(more)) => {
                thinking.summary.last_mut().unwrap_or(&mut thinking.text).push_str(&more.text());
            }
            (Body::Thinking(thinking), Delta::SummaryPart) => thinking.summary.push(String::new()),
            (Body::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(&more.text()),
            (Body::ToolCall(call), Delta::Object(json)) => call.arguments.push_str(json),
            (Body::Text { citations, .. }, Delta::Citation(citation)) => citations.push(citation.clone().into_owned()),
            (Body::Text { .. }, Delta::Logprobs(json)) => {
                self.logprobs.entry(at.0).or_default().extend(value(json).as_array().expect("an array").clone());
            }
            (Body::Image(media), Delta::Data(data)) => media.source = Source::Base64(text(data)),
            (_, Delta::Signature { origin, data }) => block.signature = Some(Signature::new(origin, text(data))),
            (body, delta) => panic!("{delta:?} of {body:?}"),
        }
    }

    /// Puts the answer together.
    fn settle(mut self) -> Self {
        for ((choice, _), block) in std::mem::take(&mut self.blocks) {
            self.finished.entry(choice).or_default().blocks.push(block);
        }
        for (choice, logprobs) in std::mem::take(&mut self.logprobs) {
            self.finished.entry(choice).or_default().logprobs = Some(logprobs.into());
        }
        if let Some(answer) = &mut self.answer {
            answer.choices = std::mem::take(&mut self.finished).into_values().collect();
        }
        self
    }
}

fn text(raw: RawStr<'_>) -> String {
    raw.text().into_owned()
}

/// An event with its text decoded, so that two spellings of the same are the same.
fn tell(event: &ChatEvent<'_>) -> String {
    match event {
        ChatEvent::Delta { choice, block, delta } => match delta {
            Delta::Text(text) => format!("{choice}.{block} text {:?}", text.text()),
            Delta::Arguments(text) => format!("{choice}.{block} arguments {:?}", text.text()),
            Delta::Citation(citation) => format!("{choice}.{block} citation {}", value(&citation.json)),
            Delta::Signature { origin, data } => format!("{choice}.{block} {origin:?} {}", data.text()),
            other => format!("{choice}.{block} {other:?}"),
        },
        other => format!("{other:?}"),
    }
}
