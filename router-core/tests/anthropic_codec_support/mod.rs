//! What the tests of the Anthropic codec share: the corpus, and streams as they add up.

#![allow(dead_code, reason = "each test file uses its own part")]

use router_core::chat::{Block, Body, ChatEvent, ChatRequest, Delta, Finish, Losses, Opening};
use router_core::dialect::anthropic::{StreamReader, StreamWriter, write_request};
use router_core::dialect::{Frame, Quirks, Target};
use router_core::domain::UsageReport;
use serde_json::{Value, json};

/// The corpus.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/anthropic");

/// The cases that have a file of this ending.
pub fn cases(ending: &str) -> Vec<String> {
    let files = std::fs::read_dir(FOLDER).expect("the corpus");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    let mut cases: Vec<_> = names.filter_map(|name| name.strip_suffix(ending).map(str::to_owned)).collect();
    cases.sort();
    cases
}

/// A file of the corpus.
pub fn text(case: &str, ending: &str) -> String {
    let path = format!("{FOLDER}/{case}{ending}");
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A document of the corpus.
pub fn document(case: &str, ending: &str) -> Value {
    serde_json::from_str(&text(case, ending)).expect(case)
}

/// Writes a request for a model of the vendor's own.
pub fn written(request: &ChatRequest, model: &str) -> (Value, String) {
    let quirks = Quirks::default();
    let mut losses = Losses::default();
    let written = write_request(request, &Target { model, quirks: &quirks }, &mut losses).expect("can be written");
    assert!(!written.emulates_format);
    (written.body, losses.to_string())
}

/// A frame of fixed words.
pub fn frame() -> Frame {
    Frame { unique: "U1".into(), created: 1_763_974_800, model: "asked-for".into(), ..Frame::default() }
}

/// The data of a stream's events.
pub fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// What a stream adds up to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub id: Option<String>,
    pub model: Option<String>,
    pub start_usage: Option<UsageReport>,
    pub blocks: Vec<Value>,
    pub finish: Option<Finish>,
    pub stop_sequence: Option<String>,
    pub usage: Option<UsageReport>,
    pub service_tier: Option<String>,
    pub pings: u32,
    pub error: Option<(String, String)>,
    pub is_complete: bool,
    started: bool,
    open: Vec<u32>,
    arguments: Vec<String>,
}

impl Told {
    /// Adds an event, and checks the order in which they must come.
    pub fn add(&mut self, event: ChatEvent<'_>) {
        assert!(!self.is_complete && self.error.is_none(), "nothing follows the end: {event:?}");
        let is_start = matches!(event, ChatEvent::Start { .. });
        let any_time = matches!(event, ChatEvent::Ping | ChatEvent::Error { .. });
        assert!(any_time || is_start != self.started, "the start comes first and once: {event:?}");
        match event {
            ChatEvent::Start { id, model, usage, created, .. } => {
                assert_eq!(created, None);
                self.started = true;
                self.id = id.map(|id| id.text().into_owned());
                self.model = model.map(|model| model.text().into_owned());
                self.start_usage = usage.copied();
            }
            ChatEvent::Open { choice, block, opening } => {
                assert_eq!((choice, block as usize), (0, self.blocks.len()));
                assert!(self.finish.is_none());
                let is_call = |at: &u32| self.blocks[*at as usize]["type"] == "call";
                let alone = self.open.is_empty();
                assert!(alone || matches!(opening, Opening::ToolCall { .. }) && self.open.iter().all(is_call));
                self.open.push(block);
                self.blocks.push(opened(opening));
                self.arguments.push(String::new());
            }
            ChatEvent::Delta { choice, block, delta } => {
                assert!(choice == 0 && self.open.contains(&block), "{event:?}");
                let at = block as usize;
                grow(&mut self.blocks[at], &mut self.arguments[at], delta);
            }
            ChatEvent::Close { choice, block } => {
                assert!(choice == 0 && self.open.contains(&block), "{event:?}");
                self.open.retain(|open| *open != block);
                let at = block as usize;
                if self.blocks[at]["type"] == "call" {
                    let arguments = serde_json::from_str(&self.arguments[at]);
                    self.blocks[at]["arguments"] = arguments.unwrap_or_else(|_| self.arguments[at].clone().into());
                }
            }
            ChatEvent::Finish { choice, finish, stop_sequence } => {
                assert!(choice == 0 && self.open.is_empty() && self.finish.is_none());
                self.finish = Some(finish);
                self.stop_sequence = stop_sequence.map(|text| text.text().into_owned());
            }
            ChatEvent::Usage { usage, service_tier } => {
                self.usage = Some(*usage);
                self.service_tier = service_tier.map(|tier| tier.text().into_owned());
            }
            ChatEvent::Ping => self.pings += 1,
            ChatEvent::Error { kind, message } => {
                let owned = |text: Option<router_core::chat::RawStr<'_>>| text.unwrap_or_default().text().into_owned();
                self.error = Some((owned(kind), owned(message)));
            }
            ChatEvent::End => {
                assert!(self.finish.is_some());
                self.is_complete = true;
            }
        }
    }
}

fn opened(opening: Opening<'_>) -> Value {
    match opening {
        Opening::Text | Opening::Refusal => json!({"type": "text", "text": ""}),
        Opening::Thinking { .. } => json!({"type": "thinking", "text": ""}),
        Opening::Redacted => json!({"type": "redacted"}),
        Opening::ToolCall { id, name, .. } => json!({"type": "call", "id": id.text(), "name": name.text()}),
        Opening::Image { .. } => json!({"type": "image"}),
        Opening::Foreign { json, .. } => serde_json::from_str(json).expect("JSON"),
    }
}

fn grow(block: &mut Value, arguments: &mut String, delta: Delta<'_>) {
    match delta {
        Delta::Text(more) => {
            let text = block["text"].as_str().expect("a block of text").to_owned() + &more.text();
            block["text"] = text.into();
        }
        Delta::Arguments(more) => arguments.push_str(&more.text()),
        Delta::Object(json) => arguments.push_str(json),
        Delta::Signature { origin, data } => {
            block["signature"] = json!([origin.name(), data.text()]);
        }
        Delta::Citation(citation) => {
            let citation: Value = serde_json::from_str(&citation.json).expect("JSON");
            match &mut block["citations"] {
                Value::Array(citations) => citations.push(citation),
                none => *none = json!([citation]),
            }
        }
        Delta::SummaryPart | Delta::Logprobs(_) | Delta::Data(_) => {}
    }
}

/// A whole block in the words of [`Told`].
pub fn summary(block: &Block) -> Value {
    let mut summary = match &block.body {
        Body::Text { text, citations } => {
            let mut summary = json!({"type": "text", "text": text});
            if !citations.is_empty() {
                summary["citations"] = citations
                    .iter()
                    .map(|citation| serde_json::from_str::<Value>(&citation.json).expect("JSON"))
                    .collect();
            }
            summary
        }
        Body::Thinking(thinking) if thinking.redacted => json!({"type": "redacted"}),
        Body::Thinking(thinking) => json!({"type": "thinking", "text": thinking.text}),
        Body::ToolCall(call) => {
            let arguments: Value = serde_json::from_str(&call.arguments).expect("JSON");
            json!({"type": "call", "id": call.id, "name": call.name, "arguments": arguments})
        }
        Body::Foreign { value, .. } => value.clone(),
        other => panic!("not in an answer: {other:?}"),
    };
    if let Some(signature) = &block.signature {
        summary["signature"] = json!([signature.origin.name(), signature.data]);
    }
    summary
}

/// Reads a stream, given by the data of its events.
pub fn told<'d>(data: impl IntoIterator<Item = &'d str>) -> Told {
    let mut reader = StreamReader::default();
    let mut told = Told::default();
    for data in data {
        reader.event(data, &mut |event: ChatEvent<'_>| told.add(event)).expect("an event");
        assert_eq!(reader.is_done(), told.is_complete);
    }
    let complete = reader.finish(&mut |event: ChatEvent<'_>| told.add(event));
    assert_eq!(complete, told.is_complete);
    told
}

/// Reads a stream and writes it again.
pub fn rewritten<'d>(data: impl IntoIterator<Item = &'d str>) -> String {
    let mut reader = StreamReader::default();
    let mut writer = StreamWriter::new(frame());
    let mut out = Vec::new();
    for data in data {
        reader.event(data, &mut |event: ChatEvent<'_>| writer.event(event, &mut out)).expect("an event");
    }
    String::from_utf8(out).expect("UTF-8")
}

/// What a writer makes of these events.
pub fn wrote(events: &[ChatEvent<'_>]) -> String {
    let mut writer = StreamWriter::new(frame());
    let mut out = Vec::new();
    events.iter().for_each(|event| writer.event(*event, &mut out));
    String::from_utf8(out).expect("UTF-8")
}
