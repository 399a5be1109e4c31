//! What the tests of Bedrock's dialect share: the corpus, requests in the common model, and a fold of streams that
//! insists on the order which events promise.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::path::PathBuf;

use router_core::chat::{
    Block, Body, CacheMark, ChatEvent, ChatRequest, Choice, Delta, Losses, Media, Message, Opening, RawStr, Role,
    Signature, Source, Thinking, Tool, ToolBody, ToolCall, ToolResult,
};
use router_core::dialect::bedrock::{StreamReader, write_request};
use router_core::dialect::{Invalid, Quirks, Target, Written};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

pub const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub const NOVA: &str = "us.amazon.nova-2-lite-v1:0";
pub const LLAMA: &str = "meta.llama3-3-70b-instruct-v1:0";
pub const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";

fn corpus() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bedrock")
}

/// The names of the cases that have a file with this ending.
pub fn cases(ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(corpus()).expect("the corpus is there");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("UTF-8"));
    let mut cases: Vec<_> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

pub fn file(name: &str) -> String {
    std::fs::read_to_string(corpus().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub fn document(name: &str) -> Value {
    serde_json::from_str(&file(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The events of a stream: type and data.
pub fn events(case: &str) -> Vec<(String, String)> {
    let read = |line: &str| {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{case}: {error}"));
        (event["type"].as_str().expect("a type").to_owned(), event["data"].to_string())
    };
    file(&format!("{case}.stream.txt")).split_terminator('\n').map(read).collect()
}

/// Writes a request for a model, with the names of what is lost.
pub fn write_for(model: &str, request: &ChatRequest) -> Result<(Written, Vec<String>), Invalid> {
    let (mut losses, quirks) = (Losses::default(), Quirks::default());
    let written = write_request(request, &Target { model, quirks: &quirks }, &mut losses)?;
    Ok((written, losses.iter().map(str::to_owned).collect()))
}

pub fn user(blocks: Vec<Block>) -> Message {
    Message::new(Role::User, blocks)
}

pub fn assistant(blocks: Vec<Block>) -> Message {
    Message::new(Role::Assistant, blocks)
}

/// A request of an OpenAI client with these messages.
pub fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, max_tokens: Some(1024), ..ChatRequest::new(Dialect::Openai) }
}

/// The same, where the user says one thing.
pub fn asks(text: &str) -> ChatRequest {
    request(vec![user(vec![Block::text(text)])])
}

pub fn weather() -> Value {
    json!({"type": "object", "properties": {
        "city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}
    }, "required": ["city"]})
}

pub fn tool(schema: Value, strict: Option<bool>) -> Tool {
    let (name, description) = ("get_weather".to_owned(), Some("The weather in a city.".to_owned()));
    Tool::new(ToolBody::Function { name, description, schema: Some(schema), strict })
}

fn json_map() -> serde_json::Map<String, Value> {
    serde_json::Map::new()
}

pub fn call(id: &str, arguments: &str) -> Block {
    let (id, name, arguments) = (id.to_owned(), "get_weather".to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

pub fn result(id: &str, content: Vec<Block>, is_error: bool) -> Block {
    Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: None, content, is_error }))
}

pub fn media(source: Source, media_type: Option<&str>, name: Option<&str>) -> Media {
    Media { source, media_type: media_type.map(Into::into), name: name.map(Into::into), detail: None }
}

pub fn png() -> Block {
    Block::new(Body::Image(media(Source::Base64("iVBORw0KGgo=".into()), Some("image/png"), None)))
}

pub fn thought(text: &str, redacted: bool, signature: Option<Signature>) -> Block {
    let thinking = Thinking { text: text.to_owned(), redacted, ..Thinking::default() };
    Block { signature, ..Block::new(Body::Thinking(thinking)) }
}

pub fn cached(block: Block, ttl: &str) -> Block {
    Block { cache: Some(CacheMark { ttl: Some(ttl.to_owned()) }), ..block }
}

/// A stream, folded back into an answer.
#[derive(Default)]
pub struct Folded {
    pub blocks: Vec<Block>,
    pub choice: Choice,
    pub usage: Option<UsageReport>,
    pub service_tier: Option<String>,
    pub error: Option<(String, String)>,
    pub started: bool,
    pub ended: bool,
    open: Vec<u32>,
}

impl Folded {
    /// Takes an event, and insists on what [`ChatEvent`] promises.
    pub fn take(&mut self, event: ChatEvent<'_>) {
        assert!(!self.ended && self.error.is_none(), "nothing comes after the end: {event:?}");
        let first = matches!(event, ChatEvent::Start { .. });
        // A provider may give up before anything has begun.
        let nothing_began = matches!(event, ChatEvent::Error { .. }) && !self.started;
        assert!(nothing_began || first != self.started, "one start, and first: {event:?}");
        self.started |= first;
        match event {
            ChatEvent::Start { .. } | ChatEvent::Ping => {}
            ChatEvent::Open { choice: 0, block, opening } => self.open(block, opening),
            ChatEvent::Delta { choice: 0, block, delta } => self.delta(block, delta),
            ChatEvent::Close { choice: 0, block } => {
                let place = self.open.iter().position(|open| *open == block);
                self.open.remove(place.expect("only what is open is closed"));
            }
            ChatEvent::Finish { choice: 0, finish, stop_sequence } => {
                assert!(self.open.is_empty() && self.choice.finish.is_none());
                self.choice.finish = Some(finish);
                self.choice.stop_sequence = stop_sequence.map(owned);
            }
            ChatEvent::Usage { usage, service_tier } => {
                (self.usage, self.service_tier) = (Some(*usage), service_tier.map(owned));
            }
            ChatEvent::Error { kind, message } => {
                self.error = Some((kind.map(owned).unwrap_or_default(), message.map(owned).unwrap_or_default()));
            }
            ChatEvent::End => {
                assert!(self.choice.finish.is_some());
                self.ended = true;
            }
            other => panic!("there is one choice: {other:?}"),
        }
    }

    fn open(&mut self, block: u32, opening: Opening<'_>) {
        assert!(self.choice.finish.is_none());
        assert_eq!(block as usize, self.blocks.len(), "blocks are numbered as they open");
        let is_call = |block: &Block| matches!(block.body, Body::ToolCall(_));
        let body = match opening {
            Opening::Text => Body::Text { text: String::new(), citations: Vec::new() },
            Opening::Refusal => Body::Refusal(String::new()),
            Opening::Thinking { .. } => Body::Thinking(Thinking::default()),
            Opening::Redacted => Body::Thinking(Thinking { redacted: true, ..Thinking::default() }),
            Opening::ToolCall { id, name, custom } => {
                assert!(!id.is_empty());
                Body::ToolCall(ToolCall { id: owned(id), name: owned(name), arguments: String::new(), custom })
            }
            Opening::Image { media_type } => {
                Body::Image(media(Source::Base64(String::new()), Some(&owned(media_type)), None))
            }
            Opening::Foreign { dialect, json } => {
                Body::Foreign { dialect, value: serde_json::from_str(json).expect("a whole block") }
            }
        };
        let new = Block::new(body);
        let alone = self.open.iter().all(|open| is_call(&new) && is_call(&self.blocks[*open as usize]));
        assert!(alone, "only calls are open together");
        self.blocks.push(new);
        self.open.push(block);
    }

    fn delta(&mut self, block: u32, delta: Delta<'_>) {
        assert!(self.open.contains(&block), "{delta:?}");
        let block = &mut self.blocks[block as usize];
        match (&mut block.body, delta) {
            (Body::Text { text, .. } | Body::Refusal(text), Delta::Text(more)) => text.push_str(&more.text()),
            (Body::Thinking(thinking), Delta::Text(more)) => thinking.text.push_str(&more.text()),
            (Body::Thinking(_), Delta::Signature { origin, data }) => {
                block.signature = Some(Signature::new(origin, data.text()));
            }
            (Body::ToolCall(call), Delta::Arguments(more)) => call.arguments.push_str(&more.text()),
            (Body::ToolCall(call), Delta::Object(json)) => call.arguments = json.to_owned(),
            (Body::Image(Media { source: Source::Base64(bytes), .. }), Delta::Data(data)) => {
                assert!(bytes.is_empty());
                bytes.push_str(&data.text());
            }
            (Body::Text { citations, .. }, Delta::Citation(citation)) => citations.push(citation.clone().into_owned()),
            (body, delta) => panic!("{delta:?} does not fit {body:?}"),
        }
    }
}

fn owned(text: RawStr<'_>) -> String {
    text.text().into_owned()
}

/// Reads events to the end of the stream; the answer says whether it is complete.
pub fn fold(mut reader: StreamReader, events: &[(String, String)]) -> Result<(Folded, bool), Invalid> {
    let mut folded = Folded::default();
    for (kind, data) in events {
        reader.event(kind, data, &mut |event: ChatEvent<'_>| folded.take(event))?;
    }
    let complete = reader.finish(&mut |event: ChatEvent<'_>| folded.take(event));
    assert_eq!((complete, complete), (reader.is_done(), folded.ended));
    Ok((folded, complete))
}
