//! What the tests of Responses have in common: the corpus, and answers in a form in which a stream and a document that
//! say the same are equal.

#![allow(dead_code, reason = "every test file is a crate of its own and uses a part of this")]

use std::fs;

use router_core::chat::{
    Block, Body, ChatEvent, ChatRequest, ChatResponse, Delta, Finish, Losses, Opening, RawStr, Signature,
};
use router_core::dialect::responses::{StreamReader, StreamWriter, write_request};
use router_core::dialect::{Frame, Invalid, Quirks, Target};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Map, Value, json};

const CORPUS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/responses");

/// The text of a file of the corpus, if the case has it.
pub fn file(case: &str, ending: &str) -> Option<String> {
    fs::read_to_string(format!("{CORPUS}/{case}.{ending}")).ok()
}

/// A document of the corpus.
pub fn document(case: &str, kind: &str) -> Option<Value> {
    file(case, &format!("{kind}.json")).map(|text| serde_json::from_str(&text).expect("the corpus is JSON"))
}

/// The names of all cases that have a file of this ending.
pub fn cases(ending: &str) -> Vec<String> {
    let ending = format!(".{ending}");
    let files = fs::read_dir(CORPUS).expect("the corpus is there").flatten();
    let mut names: Vec<_> =
        files.filter_map(|file| Some(file.file_name().to_str()?.strip_suffix(&ending)?.to_owned())).collect();
    names.sort();
    names
}

/// The data of every event of a stream.
pub fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// The types of a stream's events, whose names must say the same as their data.
pub fn kinds(stream: &str) -> Vec<String> {
    let names: Vec<_> = stream.lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    let types: Vec<_> =
        data(stream).into_iter().map(|data| parse(data)["type"].as_str().expect("a type").to_owned()).collect();
    assert_eq!(names, types);
    types
}

pub fn parse(json: &str) -> Value {
    serde_json::from_str(json).expect("JSON")
}

/// The value without the spellings that mean nothing: nulls, content that is one text, lists that may be left out.
pub fn normal(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(normal_object(members)),
        Value::Array(items) => items.into_iter().map(normal).collect(),
        other => other,
    }
}

fn normal_object(mut members: Map<String, Value>) -> Map<String, Value> {
    members.retain(|key, value| {
        let empty = value == &json!([]) && matches!(key.as_str(), "annotations" | "logprobs")
            || value == &json!({}) && key == "metadata"
            || value == &json!(false) && key == "stream";
        !value.is_null() && !empty
    });
    if let Some(Value::String(text)) = members.get("input").filter(|_| !members.contains_key("call_id")) {
        members["input"] = json!([{"type": "message", "role": "user", "content": text}]);
    }
    if let Some(role) = members.get("role").and_then(Value::as_str).map(str::to_owned) {
        members.entry("type").or_insert_with(|| "message".into());
        let kind = if role == "assistant" { "output_text" } else { "input_text" };
        one_part(&mut members, "content", kind);
    }
    if members.get("type").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("_call_output")) {
        one_part(&mut members, "output", "input_text");
    }
    members.into_iter().map(|(key, value)| (key, normal(value))).collect()
}

fn one_part(members: &mut Map<String, Value>, key: &str, kind: &str) {
    if let Some(Value::String(text)) = members.get(key) {
        members[key] = json!([{"type": kind, "text": text}]);
    }
}

/// A request as it goes to a provider that is OpenAI.
pub fn written(request: &ChatRequest) -> (Result<Value, Invalid>, Vec<String>) {
    written_for(request, "gpt-5.1", &Quirks::default())
}

pub fn written_for(request: &ChatRequest, model: &str, quirks: &Quirks) -> (Result<Value, Invalid>, Vec<String>) {
    let mut losses = Losses::default();
    let body = write_request(request, &Target { model, quirks }, &mut losses).map(|written| {
        assert!(!written.emulates_format);
        written.body
    });
    (body, losses.iter().map(str::to_owned).collect())
}

pub fn frame() -> Frame {
    Frame { unique: "u1".to_owned(), created: 1_700_000_000, model: "asked".to_owned(), ..Frame::default() }
}

/// What a document says.
pub fn told(response: &ChatResponse) -> Value {
    let choice = &response.choices[0];
    let blocks: Vec<_> = choice.blocks.iter().map(told_block).filter(says_something).collect();
    json!({
        "id": response.id,
        "model": response.model,
        "created": response.created,
        "blocks": blocks,
        "finish": choice.finish.map(|finish| format!("{finish:?}")),
        "usage": response.usage.map(|usage| format!("{usage:?}")),
        "tier": response.service_tier,
        "logprobs": choice.logprobs,
    })
}

/// Thoughts of which there is nothing at all are in documents only.
fn says_something(block: &Value) -> bool {
    block != &json!({"kind": "thinking", "text": ""}) && block != &json!({"kind": "thinking", "summary": []})
}

pub fn told_block(block: &Block) -> Value {
    let mut told = match &block.body {
        Body::Text { text, citations } => {
            let raw: Vec<_> = citations.iter().map(|citation| parse(&citation.json)).collect();
            json!({"kind": "text", "text": text, "citations": raw})
        }
        Body::Refusal(text) => json!({"kind": "refusal", "text": text}),
        Body::Thinking(thinking) if thinking.redacted => json!({"kind": "redacted"}),
        Body::Thinking(thinking) if thinking.text.is_empty() => {
            json!({"kind": "thinking", "summary": thinking.summary})
        }
        Body::Thinking(thinking) => json!({"kind": "thinking", "text": thinking.text}),
        Body::ToolCall(call) => {
            json!({"kind": "call", "id": call.id, "name": call.name, "text": call.arguments, "custom": call.custom})
        }
        Body::Foreign { value, .. } => json!({"kind": "foreign", "value": value}),
        other => json!({ "kind": format!("{other:?}") }),
    };
    if let Some(Signature { origin, data, .. }) = &block.signature {
        told["seal"] = json!([origin.name(), data]);
    }
    told
}

/// Gathers a stream's events, and checks that they keep their order.
#[derive(Debug, Default)]
pub struct Heard {
    pub answer: Map<String, Value>,
    pub blocks: Vec<Value>,
    open: Vec<u32>,
    logprobs: Vec<Value>,
    pub error: Option<(String, String)>,
    pub ended: bool,
}

impl Heard {
    pub fn event(&mut self, event: ChatEvent<'_>) {
        assert!(!self.ended && self.error.is_none(), "nothing follows the end: {event:?}");
        let started = self.answer.contains_key("id");
        match event {
            ChatEvent::Start { id, model, created, .. } => {
                assert!(!started, "starts once");
                self.put("id", text(id).into());
                self.put("model", text(model).into());
                self.put("created", json!(created));
                return;
            }
            ChatEvent::Ping => return,
            _ => assert!(started, "starts first: {event:?}"),
        }
        match event {
            ChatEvent::Open { block, opening, .. } => self.open(block, opening),
            ChatEvent::Delta { block, delta, .. } => self.delta(block, delta),
            ChatEvent::Close { block, .. } => {
                let at = self.open.iter().position(|open| *open == block).expect("closes what is open");
                self.open.remove(at);
            }
            ChatEvent::Finish { finish, .. } => {
                assert!(self.open.is_empty() && !self.answer.contains_key("finish"));
                self.put("finish", format!("{finish:?}").into());
            }
            ChatEvent::Usage { usage, service_tier } => {
                self.put("usage", format!("{usage:?}").into());
                self.put("tier", service_tier.map(|tier| tier.text().into_owned()).into());
            }
            ChatEvent::Error { kind, message } => self.error = Some((text(kind), text(message))),
            ChatEvent::End => {
                assert!(self.answer.contains_key("finish"), "finishes before it ends");
                self.ended = true;
            }
            ChatEvent::Start { .. } | ChatEvent::Ping => {}
        }
    }

    fn put(&mut self, key: &str, value: Value) {
        self.answer.insert(key.to_owned(), value);
    }

    fn open(&mut self, block: u32, opening: Opening<'_>) {
        assert_eq!(block as usize, self.blocks.len(), "blocks are numbered in their order");
        let is_call = matches!(opening, Opening::ToolCall { .. });
        let calls = self.open.iter().all(|open| self.blocks[*open as usize]["kind"] == "call");
        assert!(self.open.is_empty() || (is_call && calls), "only calls may be open beside a call");
        self.open.push(block);
        self.blocks.push(match opening {
            Opening::Text => json!({"kind": "text", "text": "", "citations": []}),
            Opening::Refusal => json!({"kind": "refusal", "text": ""}),
            Opening::Thinking { summary: true, .. } => json!({"kind": "thinking", "summary": []}),
            Opening::Thinking { .. } => json!({"kind": "thinking", "text": ""}),
            Opening::Redacted => json!({"kind": "redacted"}),
            Opening::ToolCall { id, name, custom } => {
                json!({"kind": "call", "id": id.text(), "name": name.text(), "text": "", "custom": custom})
            }
            Opening::Image { media_type } => json!({"kind": "image", "text": "", "type": media_type.text()}),
            Opening::Foreign { json, .. } => json!({"kind": "foreign", "value": parse(json)}),
        });
    }

    fn delta(&mut self, block: u32, delta: Delta<'_>) {
        assert!(self.open.contains(&block), "goes on while it is open: {delta:?}");
        let told = &mut self.blocks[block as usize];
        match delta {
            Delta::Text(text) if told.get("summary").is_some() => {
                let parts = told["summary"].as_array_mut().expect("parts");
                if parts.is_empty() {
                    parts.push("".into());
                }
                append(parts.last_mut().expect("a part"), &text.text());
            }
            Delta::Text(text) | Delta::Arguments(text) | Delta::Data(text) => append(&mut told["text"], &text.text()),
            Delta::Object(json) => append(&mut told["text"], json),
            Delta::SummaryPart => told["summary"].as_array_mut().expect("parts").push("".into()),
            Delta::Signature { origin, data } => told["seal"] = json!([origin.name(), data.text()]),
            Delta::Citation(citation) => {
                told["citations"].as_array_mut().expect("citations").push(parse(&citation.json));
            }
            Delta::Logprobs(json) => self.logprobs.extend(parse(json).as_array().expect("an array").clone()),
        }
    }

    /// The same form as [`told`].
    pub fn told(mut self) -> Value {
        assert!(self.ended, "the stream is complete");
        self.answer.entry("usage").or_insert(Value::Null);
        self.answer.entry("tier").or_insert(Value::Null);
        self.answer.insert("blocks".to_owned(), self.blocks.into_iter().filter(says_something).collect());
        let logprobs = if self.logprobs.is_empty() { Value::Null } else { self.logprobs.into() };
        self.answer.insert("logprobs".to_owned(), logprobs);
        Value::Object(self.answer)
    }
}

fn append(value: &mut Value, text: &str) {
    *value = format!("{}{text}", value.as_str().expect("text")).into();
}

fn text(raw: Option<RawStr<'_>>) -> String {
    raw.map(|raw| raw.text().into_owned()).unwrap_or_default()
}

/// Reads a stream, given the data of its events.
pub fn hear<'d>(events: impl IntoIterator<Item = &'d str>) -> Heard {
    let (mut reader, mut heard) = (StreamReader::default(), Heard::default());
    for data in events {
        reader.event(data, &mut |event: ChatEvent<'_>| heard.event(event)).expect("the stream makes sense");
    }
    assert_eq!(reader.finish(&mut |event: ChatEvent<'_>| heard.event(event)), heard.ended);
    assert_eq!(reader.is_done(), heard.ended);
    heard
}

/// Reads a stream and writes it to a client.
pub fn relay<'d>(events: impl IntoIterator<Item = &'d str>, frame: Frame) -> String {
    let (mut reader, mut writer, mut out) = (StreamReader::default(), StreamWriter::new(frame), Vec::new());
    for data in events {
        reader.event(data, &mut |event: ChatEvent<'_>| writer.event(event, &mut out)).expect("the stream makes sense");
    }
    String::from_utf8(out).expect("UTF-8")
}

/// Writes events to a client.
pub fn play(events: &[ChatEvent<'_>]) -> String {
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    for event in events {
        writer.event(*event, &mut out);
    }
    String::from_utf8(out).expect("UTF-8")
}

pub fn start() -> ChatEvent<'static> {
    ChatEvent::Start {
        id: Some(RawStr::plain("A1")),
        model: Some(RawStr::plain("m")),
        created: Some(5),
        usage: None,
        service_tier: None,
    }
}

pub fn open(block: u32, opening: Opening<'_>) -> ChatEvent<'_> {
    ChatEvent::Open { choice: 0, block, opening }
}

pub fn call<'c>(block: u32, id: &'c str) -> ChatEvent<'c> {
    open(block, Opening::ToolCall { id: RawStr::plain(id), name: RawStr::plain("get_weather"), custom: false })
}

pub fn delta(block: u32, delta: Delta<'_>) -> ChatEvent<'_> {
    ChatEvent::Delta { choice: 0, block, delta }
}

pub fn words(block: u32, text: &str) -> ChatEvent<'_> {
    delta(block, Delta::Text(RawStr::escaped(text)))
}

pub fn seal(block: u32, origin: Dialect, data: &str) -> ChatEvent<'_> {
    delta(block, Delta::Signature { origin, data: RawStr::plain(data) })
}

pub const fn close(block: u32) -> ChatEvent<'static> {
    ChatEvent::Close { choice: 0, block }
}

pub const fn finish(finish: Finish) -> ChatEvent<'static> {
    ChatEvent::Finish { choice: 0, finish, stop_sequence: None }
}

pub const USAGE: UsageReport = UsageReport {
    input: 21,
    output: 12,
    total: Some(33),
    cache_read: 0,
    cache_write: 0,
    cache_write_long: 0,
    audio_in: 0,
    reasoning: 0,
    audio_out: 0,
    web_searches: 0,
};
