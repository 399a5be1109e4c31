//! What the tests of Gemini's codec share: the corpus, and streams folded into answers.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::PathBuf;

use router_core::chat::{Body, ChatEvent, ChatRequest, ChatResponse, Citation, Delta, Finish, Losses, Opening};
use router_core::dialect::gemini::{StreamReader, StreamWriter, write_request};
use router_core::dialect::{Failure, Frame, Invalid, Quirks, Target};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

/// Every case of the corpus that has a file of this kind: its name and the file's text.
pub fn corpus(ending: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/gemini");
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the corpus is there") {
        let path = entry.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
        if let Some(case) = name.strip_suffix(ending) {
            cases.push((case.to_owned(), std::fs::read_to_string(&path).expect("a text")));
        }
    }
    cases.sort();
    assert!(cases.len() > 30, "the corpus has {} cases of {ending}", cases.len());
    cases
}

pub fn file(case: &str, ending: &str) -> String {
    let found = corpus(ending).into_iter().find(|(name, _)| name == case);
    found.unwrap_or_else(|| panic!("no {case}{ending}")).1
}

pub fn json_of(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Writes a request for a model; with what was lost.
pub fn written(request: &ChatRequest, model: &str) -> (Result<Value, Invalid>, Vec<String>) {
    let mut losses = Losses::default();
    let quirks = Quirks::default();
    let written = write_request(request, &Target { model, quirks: &quirks }, &mut losses);
    (written.map(|written| written.body), losses.iter().map(str::to_owned).collect())
}

/// Writes a request that is valid.
pub fn body(request: &ChatRequest, model: &str) -> (Value, Vec<String>) {
    let (body, losses) = written(request, model);
    (body.expect("a valid request"), losses)
}

pub fn frame() -> Frame {
    Frame { unique: "U1".into(), created: 7, model: "asked".into(), ..Frame::default() }
}

pub fn failure() -> Failure<'static> {
    Failure {
        status: 503,
        kind: "UNAVAILABLE",
        code: "provider_overloaded",
        message: "try \"again\"",
        param: Some("model"),
        source: None,
        request_id: "req_1",
    }
}

/// The data of each event of a stream.
pub fn events(stream: &str) -> Vec<&str> {
    stream.split("\n\n").filter_map(|event| event.trim_start_matches('\n').strip_prefix("data: ")).collect()
}

/// Reads a stream: what it comes to, whether it was complete, and the bytes that our writer makes of it.
pub fn read_stream<'d>(data: impl IntoIterator<Item = &'d str>) -> (Fold, bool, String) {
    let (mut reader, mut writer) = (StreamReader::default(), StreamWriter::new(frame()));
    let (mut fold, mut out) = (Fold::default(), Vec::new());
    let mut sink = |event: ChatEvent<'_>| {
        fold.take(event);
        writer.event(event, &mut out);
    };
    for data in data {
        reader.event(data, &mut sink).expect("an event");
    }
    let complete = reader.finish(&mut sink);
    assert_eq!(reader.is_done(), complete);
    (fold, complete, String::from_utf8(out).expect("UTF-8"))
}

/// A stream as one answer. Checks on the way that events keep their order.
#[derive(Debug, Default)]
pub struct Fold {
    pub started: Option<Value>,
    pub start_usage: Option<UsageReport>,
    pub choices: Vec<Vec<Value>>,
    pub finishes: Vec<Option<Finish>>,
    pub logprobs: Vec<Value>,
    pub usage: Option<UsageReport>,
    pub service_tier: Option<String>,
    pub errors: Vec<(Option<String>, Option<String>)>,
    pub ended: bool,
    open: Vec<(u32, u32)>,
}

impl Fold {
    pub fn take(&mut self, event: ChatEvent<'_>) {
        assert!(!self.ended, "{event:?} after the end");
        match event {
            ChatEvent::Start { id, model, created, usage, .. } => {
                assert!(self.started.is_none(), "two starts");
                let text = |text: Option<router_core::chat::RawStr<'_>>| text.map(|text| text.text().into_owned());
                self.started = Some(json!({"id": text(id), "model": text(model), "created": created}));
                self.start_usage = usage.copied();
            }
            ChatEvent::Open { choice, block, opening } => self.open(choice, block, opening),
            ChatEvent::Delta { choice, block, delta } => {
                assert!(self.open.contains(&(choice, block)), "{delta:?} outside of a block");
                self.delta(choice as usize, block as usize, delta);
            }
            ChatEvent::Close { choice, block } => {
                let at = self.open.iter().position(|open| *open == (choice, block)).expect("a block to close");
                self.open.remove(at);
            }
            ChatEvent::Finish { choice, finish, .. } => {
                assert!(self.open.iter().all(|(open, _)| *open != choice), "finished with a block open");
                let choice = choice as usize;
                self.grow(choice);
                assert!(self.finishes[choice].replace(finish).is_none(), "finished twice");
            }
            ChatEvent::Usage { usage, service_tier } => {
                self.usage = Some(*usage);
                self.service_tier = service_tier.map(|tier| tier.text().into_owned());
            }
            ChatEvent::Ping => {}
            ChatEvent::Error { kind, message } => {
                let text = |text: Option<router_core::chat::RawStr<'_>>| text.map(|text| text.text().into_owned());
                self.errors.push((text(kind), text(message)));
            }
            ChatEvent::End => self.ended = true,
        }
    }

    fn grow(&mut self, choice: usize) {
        assert!(self.started.is_some(), "nothing comes before the start");
        if self.choices.len() <= choice {
            self.choices.resize_with(choice + 1, Vec::new);
            self.finishes.resize(choice + 1, None);
            self.logprobs.resize(choice + 1, Value::Null);
        }
    }

    fn open(&mut self, choice: u32, block: u32, opening: Opening<'_>) {
        self.grow(choice as usize);
        assert_eq!(self.choices[choice as usize].len(), block as usize, "blocks are numbered as they open");
        let alone = !matches!(opening, Opening::ToolCall { .. });
        assert!(!alone || self.open.iter().all(|(open, _)| *open != choice), "two blocks open at once");
        self.open.push((choice, block));
        self.choices[choice as usize].push(match opening {
            Opening::Text => json!({"kind": "text", "text": ""}),
            Opening::Refusal => json!({"kind": "refusal", "text": ""}),
            Opening::Thinking { id, .. } => {
                let mut block = json!({"kind": "thinking", "text": ""});
                if let Some(id) = id {
                    block["id"] = id.text().into();
                }
                block
            }
            Opening::Redacted => json!({"kind": "redacted"}),
            Opening::ToolCall { id, name, .. } => json!({"kind": "call", "id": id.text(), "name": name.text()}),
            Opening::Image { media_type } => json!({"kind": "image", "type": media_type.text()}),
            Opening::Foreign { json, .. } => json!({"kind": "foreign", "value": json_of(json)}),
        });
    }

    fn delta(&mut self, choice: usize, block: usize, delta: Delta<'_>) {
        let block = &mut self.choices[choice][block];
        match delta {
            Delta::Text(text) => {
                block["text"] = (block["text"].as_str().expect("a text").to_owned() + &text.text()).into();
            }
            Delta::Arguments(_) | Delta::SummaryPart => panic!("Gemini has no {delta:?}"),
            Delta::Object(json) => {
                assert!(block["args"].is_null(), "arguments come once");
                block["args"] = json_of(json);
            }
            Delta::Signature { origin, data } => block["signature"] = json!([origin.name(), data.text()]),
            Delta::Citation(citation) => {
                assert_eq!(citation.dialect, Dialect::Gemini);
                let cited = cited_of(citation);
                match block["cited"].as_array_mut() {
                    Some(list) => list.push(cited),
                    None => block["cited"] = json!([cited]),
                }
            }
            Delta::Logprobs(json) => self.logprobs[choice] = json_of(json),
            Delta::Data(data) => block["data"] = data.text().into(),
        }
    }
}

/// The blocks of an answer in the form in which a [`Fold`] has them.
pub fn blocks_of(response: &ChatResponse) -> Vec<Vec<Value>> {
    let choices = response.choices.iter();
    choices.map(|choice| choice.blocks.iter().map(block_of).collect()).collect()
}

fn cited_of(citation: &Citation<'_>) -> Value {
    json!([citation.url, citation.title, citation.range.map(|range| range.0), citation.range.map(|range| range.1)])
}

fn block_of(block: &router_core::chat::Block) -> Value {
    let mut value = match &block.body {
        Body::Text { text, citations } => {
            let mut value = json!({"kind": "text", "text": text});
            if !citations.is_empty() {
                value["cited"] = citations.iter().map(cited_of).collect();
            }
            value
        }
        Body::Refusal(text) => json!({"kind": "refusal", "text": text}),
        Body::Thinking(thinking) if thinking.redacted => json!({"kind": "redacted"}),
        Body::Thinking(thinking) => json!({"kind": "thinking", "text": thinking.shown()}),
        Body::ToolCall(call) => {
            json!({"kind": "call", "id": call.id, "name": call.name, "args": json_of(&call.arguments)})
        }
        Body::Foreign { value, .. } => json!({"kind": "foreign", "value": value}),
        other => panic!("not in answers of the corpus: {other:?}"),
    };
    if let Some(signature) = &block.signature {
        value["signature"] = json!([signature.origin.name(), signature.data]);
    }
    value
}
