//! A client's stream, in whichever dialect.

use crate::chat::ChatEvent;
use crate::dialect::{Failure, Frame, anthropic, gemini, openai, responses};
use crate::domain::Dialect;

/// Writes a client's stream.
#[derive(Debug)]
pub enum Writer {
    /// Chat Completions.
    Openai(openai::chat::StreamWriter),
    /// Responses.
    Responses(Box<responses::StreamWriter>),
    /// Messages.
    Anthropic(anthropic::StreamWriter),
    /// generateContent, as events.
    Gemini(gemini::StreamWriter),
    /// generateContent, as one JSON array.
    GeminiArray(Array),
}

/// Events of Gemini as items of an array: each is written as an event first, and taken out of its framing.
#[derive(Debug)]
pub struct Array {
    writer: gemini::StreamWriter,
    event: Vec<u8>,
    begun: bool,
}

impl Writer {
    /// Begins a stream for a client of this dialect.
    pub fn new(client: Dialect, frame: Frame, as_array: bool) -> Self {
        match client {
            Dialect::Openai => Self::Openai(openai::chat::StreamWriter::new(frame)),
            Dialect::Responses => Self::Responses(Box::new(responses::StreamWriter::new(frame))),
            Dialect::Anthropic => Self::Anthropic(anthropic::StreamWriter::new(frame)),
            Dialect::Gemini | Dialect::Bedrock if as_array => {
                let writer = gemini::StreamWriter::new(frame);
                Self::GeminiArray(Array { writer, event: Vec::new(), begun: false })
            }
            Dialect::Gemini | Dialect::Bedrock => Self::Gemini(gemini::StreamWriter::new(frame)),
        }
    }

    /// Whether the stream is one JSON array.
    pub(super) const fn is_array(&self) -> bool {
        matches!(self, Self::GeminiArray(_))
    }

    /// Appends what an event is to the client.
    pub fn event(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Openai(writer) => writer.event(event, out),
            Self::Responses(writer) => match event {
                ChatEvent::Usage { usage, service_tier } => {
                    let usage = &responses::foreign_usage(usage);
                    writer.event(ChatEvent::Usage { usage, service_tier }, out);
                }
                event => writer.event(event, out),
            },
            Self::Anthropic(writer) => writer.event(event, out),
            Self::Gemini(writer) => writer.event(event, out),
            Self::GeminiArray(array) => {
                array.writer.event(event, &mut array.event);
                array.reframe(out);
                if matches!(event, ChatEvent::End) {
                    array.close(out);
                }
            }
        }
    }

    /// Ends a broken stream, so that nobody takes it for a complete one.
    pub fn fail(&mut self, failure: &Failure<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Openai(writer) => writer.fail(failure, out),
            Self::Responses(writer) => writer.fail(failure, out),
            Self::Anthropic(writer) => writer.fail(failure, out),
            Self::Gemini(writer) => writer.fail(failure, out),
            Self::GeminiArray(array) => {
                array.writer.fail(failure, &mut array.event);
                array.reframe(out);
                array.close(out);
            }
        }
    }

    /// Says that we are still here. An array has no way to.
    pub fn keep_alive(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::Openai(writer) => writer.keep_alive(out),
            Self::Responses(writer) => writer.keep_alive(out),
            Self::Anthropic(writer) => writer.keep_alive(out),
            Self::Gemini(writer) => writer.keep_alive(out),
            Self::GeminiArray(_) => {}
        }
    }
}

impl Array {
    /// Appends an item that is JSON already.
    fn item(&mut self, json: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(if std::mem::replace(&mut self.begun, true) { b",\r\n" } else { b"[" });
        out.extend_from_slice(json);
    }

    fn reframe(&mut self, out: &mut Vec<u8>) {
        let events = std::mem::take(&mut self.event);
        // Our own writer puts each event's data on one line.
        for line in events.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")) {
            self.item(line, out);
        }
        self.event = events;
        self.event.clear();
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
    }
}

impl Writer {
    /// Appends an event of the client's own dialect that is to stay as it is.
    pub(super) fn verbatim(&mut self, json: &str, out: &mut Vec<u8>) {
        match self {
            Self::GeminiArray(array) => array.item(json.as_bytes(), out),
            _ => {
                for line in json.split('\n') {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(line.as_bytes());
                    out.push(b'\n');
                }
                out.push(b'\n');
            }
        }
    }

    /// Ends what [`Writer::verbatim`] wrote.
    pub(super) fn verbatim_end(&mut self, out: &mut Vec<u8>) {
        if let Self::GeminiArray(array) = self {
            array.close(out);
        }
    }
}
