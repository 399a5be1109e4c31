//! What the reader of a dialect hears in a stream. It insists on the order that [`ChatEvent`] promises.

use std::collections::{BTreeMap, BTreeSet};

use router_core::chat::{ChatEvent, Citation, Delta, Finish, Opening};
use router_core::dialect::{Invalid, anthropic, bedrock, gemini, openai, responses};
use router_core::domain::{Dialect, UsageReport};
use router_core::sse::Splitter;
use serde_json::Value;
use serde_json::value::RawValue;

/// A stream, put together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The blocks of each choice.
    pub choices: BTreeMap<u32, Vec<Told>>,
    pub finishes: BTreeMap<u32, Finish>,
    pub usage: Option<UsageReport>,
    /// The provider gave up.
    pub failed: bool,
    /// The stream says that it is complete.
    pub complete: bool,
    started: bool,
    open: BTreeSet<(u32, u32)>,
}

/// A block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Told {
    pub kind: &'static str,
    /// A tool's name, or the text of a foreign block.
    pub name: String,
    /// Text, thoughts, arguments or bytes.
    pub text: String,
    /// Signatures.
    pub seal: String,
    /// What the text rests on.
    pub cited: Vec<Citation<'static>>,
}

impl Heard {
    fn take(&mut self, event: ChatEvent<'_>) {
        assert!(!self.complete && !self.failed, "nothing comes after the end: {event:?}");
        let first = matches!(event, ChatEvent::Start { .. });
        let before_all = matches!(event, ChatEvent::Error { .. } | ChatEvent::Ping) && !self.started;
        assert!(before_all || first != self.started, "one start, and first: {event:?}");
        self.started |= first;
        match event {
            ChatEvent::Start { usage, .. } => self.usage = usage.copied(),
            ChatEvent::Open { choice, block, opening } => self.open(choice, block, opening),
            ChatEvent::Delta { choice, block, delta } => self.delta((choice, block), delta),
            ChatEvent::Close { choice, block } => {
                assert!(self.open.remove(&(choice, block)), "only what is open is closed: {event:?}");
            }
            ChatEvent::Finish { choice, finish, .. } => {
                assert!(!self.open.iter().any(|(of, _)| *of == choice), "blocks are closed before the choice ends");
                assert!(self.finishes.insert(choice, finish).is_none(), "a choice ends once");
            }
            ChatEvent::Usage { usage, .. } => self.usage = Some(*usage),
            ChatEvent::Ping => {}
            ChatEvent::Error { .. } => self.failed = true,
            ChatEvent::End => {
                assert!(self.open.is_empty(), "all blocks are closed in the end");
                let ended = self.choices.keys().all(|choice| self.finishes.contains_key(choice));
                assert!(ended && !self.finishes.is_empty(), "all choices have ended: {self:?}");
                self.complete = true;
            }
        }
    }

    fn open(&mut self, choice: u32, block: u32, opening: Opening<'_>) {
        assert!(!self.finishes.contains_key(&choice), "nothing opens after the choice ended");
        let (kind, name) = match opening {
            Opening::Text => ("text", String::new()),
            Opening::Refusal => ("refusal", String::new()),
            Opening::Thinking { .. } => ("thinking", String::new()),
            Opening::Redacted => ("redacted", String::new()),
            Opening::ToolCall { id, name, .. } => {
                assert!(!id.is_empty(), "every call has an id");
                ("call", name.text().into_owned())
            }
            Opening::Image { .. } => ("image", String::new()),
            Opening::Foreign { json, .. } => {
                assert!(serde_json::from_str::<Value>(json).is_ok(), "a foreign block is JSON: {json}");
                ("foreign", json.to_owned())
            }
        };
        let blocks = self.choices.entry(choice).or_default();
        assert_eq!(block as usize, blocks.len(), "blocks are numbered as they open");
        let mut others = self.open.iter().filter(|(of, _)| *of == choice);
        let alone = others.all(|(_, other)| kind == "call" && blocks[*other as usize].kind == "call");
        assert!(alone, "only calls are open together");
        blocks.push(Told { kind, name, ..Told::default() });
        self.open.insert((choice, block));
    }

    fn delta(&mut self, place: (u32, u32), delta: Delta<'_>) {
        assert!(self.open.contains(&place), "only what is open goes on: {delta:?}");
        let blocks = self.choices.get_mut(&place.0).expect("it is open");
        let told = &mut blocks[place.1 as usize];
        match delta {
            Delta::Text(text) => {
                assert!(matches!(told.kind, "text" | "refusal" | "thinking"), "text in {told:?}");
                told.text.push_str(&text.text());
            }
            Delta::Arguments(text) => {
                assert_eq!(told.kind, "call");
                told.text.push_str(&text.text());
            }
            Delta::Object(json) => {
                assert_eq!((told.kind, told.text.as_str()), ("call", ""));
                json.clone_into(&mut told.text);
            }
            Delta::Data(data) => told.text.push_str(&data.text()),
            Delta::Signature { data, .. } => told.seal.push_str(&data.text()),
            Delta::Citation(citation) => {
                assert!(serde_json::from_str::<Value>(&citation.json).is_ok(), "it is JSON: {citation:?}");
                told.cited.push(citation.clone().into_owned());
            }
            Delta::Logprobs(json) => {
                assert!(serde_json::from_str::<Value>(json).is_ok(), "it is JSON: {json}");
            }
            Delta::SummaryPart => {}
        }
    }

    /// The calls of the first choice: names and arguments.
    pub fn calls(&self) -> Vec<(&str, &str)> {
        let blocks = self.choices.get(&0).into_iter().flatten();
        blocks.filter(|told| told.kind == "call").map(|told| (told.name.as_str(), told.text.as_str())).collect()
    }

    /// All of the first choice's blocks of a kind, joined.
    pub fn said(&self, kind: &str) -> String {
        let blocks = self.choices.get(&0).into_iter().flatten();
        blocks.filter(|told| told.kind == kind).map(|told| told.text.as_str()).collect()
    }
}

/// The data of a stream's events.
pub fn data(stream: &[u8]) -> Vec<String> {
    let (mut splitter, mut at, mut found) = (Splitter::new(), 0, Vec::new());
    let mut keep = |data: Option<&[u8]>| {
        found.extend(data.map(|data| String::from_utf8_lossy(data).into_owned()));
    };
    loop {
        at += usize::from(splitter.straggler(&stream[at..]));
        let Some(event) = splitter.next(&stream[at..]) else { break };
        keep(event.data.of(&stream[at..]));
        at += event.len;
    }
    keep(splitter.finish(&stream[at..]).data.of(&stream[at..]));
    found
}

/// What a client hears in a stream that was translated for it.
pub fn client_hears(client: super::relay::Client, stream: &[u8]) -> Result<Heard, Invalid> {
    if !client.as_array {
        return hear(client.dialect, stream);
    }
    // Half an array is nothing to a client that waits for the whole.
    let Ok(items) = serde_json::from_slice::<Vec<Box<RawValue>>>(stream) else { return Ok(Heard::default()) };
    let events: Vec<_> = items.iter().map(|item| item.get().to_owned()).collect();
    listen(Dialect::Gemini, &events)
}

/// What the reader of a dialect hears in a stream of it.
pub fn hear(dialect: Dialect, stream: &[u8]) -> Result<Heard, Invalid> {
    if dialect == Dialect::Bedrock { hear_frames(stream) } else { listen(dialect, &data(stream)) }
}

macro_rules! listen {
    ($reader:ty, $events:expr) => {{
        let (mut reader, mut heard) = (<$reader>::default(), Heard::default());
        for event in $events {
            reader.event(event, &mut |event: ChatEvent<'_>| heard.take(event))?;
        }
        let complete = reader.finish(&mut |event: ChatEvent<'_>| heard.take(event));
        assert_eq!((complete, reader.is_done()), (heard.complete, heard.complete), "{heard:?}");
        Ok(heard)
    }};
}

fn listen(dialect: Dialect, events: &[String]) -> Result<Heard, Invalid> {
    match dialect {
        Dialect::Openai => listen!(openai::chat::StreamReader, events),
        Dialect::Responses => listen!(responses::StreamReader, events),
        Dialect::Anthropic => listen!(anthropic::StreamReader, events),
        Dialect::Gemini => listen!(gemini::StreamReader, events),
        Dialect::Bedrock => unreachable!("it has frames"),
    }
}

fn hear_frames(stream: &[u8]) -> Result<Heard, Invalid> {
    let (mut splitter, mut at) = (bedrock::event_stream::Splitter::new(), 0);
    let (mut reader, mut heard) = (bedrock::StreamReader::default(), Heard::default());
    loop {
        let next = splitter.next(&stream[at..]).map_err(|fault| Invalid::at("", fault.to_string()))?;
        let Some(message) = next else { break };
        reader.message(&message, &stream[at..], &mut |event: ChatEvent<'_>| heard.take(event))?;
        at += message.len;
    }
    let complete = reader.finish(&mut |event: ChatEvent<'_>| heard.take(event));
    assert_eq!((complete, reader.is_done()), (heard.complete, heard.complete), "{heard:?}");
    Ok(heard)
}
