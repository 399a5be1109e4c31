//! A provider's stream, turned round while it arrives.

use super::Writer;
use super::emulated::Unwrap;
use crate::chat::{ChatEvent, Opening, Sink};
use crate::dialect::bedrock::event_stream;
use crate::dialect::{Complaint, Invalid, anthropic, bedrock, gemini, openai, passing, responses};
use crate::domain::{Dialect, UsageReport};
use crate::sse::Splitter;

/// The longest event that is waited for.
const EVENT_BYTES_MAX: usize = passing::LONG_EVENT_BYTES_MAX;

/// Why a stream cannot be turned round.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadStream {
    /// An event is longer than any should be.
    #[error("an event is too long")]
    TooLong,
    /// An event is not what the dialect has.
    #[error("an event is not valid: {0}")]
    Invalid(Invalid),
    /// The provider said in its stream that it gives up.
    #[error("the provider reported an error")]
    Reported(Complaint),
}

/// Turns a stream round. Any split of it gives the same bytes.
#[derive(Debug)]
pub struct StreamTranslation {
    framing: Framing,
    reader: Reader,
    target: Output,
}

/// How events are told apart.
#[derive(Debug)]
enum Framing {
    Events(Splitter),
    Amazon(event_stream::Splitter),
}

#[derive(Debug)]
enum Reader {
    Openai(openai::chat::StreamReader),
    Responses(responses::StreamReader),
    Anthropic(anthropic::StreamReader),
    Gemini(gemini::StreamReader),
    Bedrock(bedrock::StreamReader),
}

/// Where events go.
#[derive(Debug)]
struct Output {
    writer: Writer,
    unwrap: Option<Unwrap>,
    /// Events are of the client's dialect, and only their framing changes.
    verbatim: bool,
    usage: Option<UsageReport>,
    /// There was something that a client would miss.
    spoken: bool,
    done: bool,
    failed: Option<Complaint>,
}

impl StreamTranslation {
    pub(super) fn new(provider: Dialect, client: Dialect, writer: Writer, emulates_format: bool) -> Self {
        let reader = match provider {
            Dialect::Openai => Reader::Openai(openai::chat::StreamReader::default()),
            Dialect::Responses => Reader::Responses(responses::StreamReader::default()),
            Dialect::Anthropic => Reader::Anthropic(anthropic::StreamReader::default()),
            Dialect::Gemini => Reader::Gemini(gemini::StreamReader::default()),
            Dialect::Bedrock => Reader::Bedrock(bedrock::StreamReader::default()),
        };
        let framing = match provider {
            Dialect::Bedrock => Framing::Amazon(event_stream::Splitter::new()),
            _ => Framing::Events(Splitter::new()),
        };
        let target = Output {
            unwrap: emulates_format.then(Unwrap::default),
            verbatim: provider == client && writer.is_array(),
            usage: None,
            spoken: false,
            done: false,
            failed: None,
            writer,
        };
        Self { framing, reader, target }
    }

    /// Takes all events that are whole in `window`, appends what they are to the client, and gives how many bytes of the
    /// window were used up. The rest must come again, with more behind it.
    ///
    /// # Errors
    /// When the stream cannot go on. What was appended before is good.
    pub fn push(&mut self, window: &[u8], out: &mut Vec<u8>) -> Result<usize, BadStream> {
        let mut at = 0;
        while !self.target.done {
            let rest = &window[at..];
            let used = match &mut self.framing {
                Framing::Events(splitter) => {
                    let late = usize::from(splitter.straggler(rest));
                    let rest = &rest[late..];
                    match splitter.next(rest) {
                        Some(event) => {
                            if let Some(data) = event.data.of(rest) {
                                self.reader.event(data, &mut self.target, out)?;
                            }
                            late + event.len
                        }
                        None => late,
                    }
                }
                Framing::Amazon(splitter) => {
                    let bad = |fault: event_stream::Fault| BadStream::Invalid(Invalid::at("", fault.to_string()));
                    match splitter.next(rest).map_err(bad)? {
                        Some(message) => {
                            self.reader.message(&message, rest, &mut self.target, out)?;
                            message.len
                        }
                        None => 0,
                    }
                }
            };
            if used == 0 {
                return if rest.len() > EVENT_BYTES_MAX { Err(BadStream::TooLong) } else { Ok(at) };
            }
            at += used;
        }
        Ok(window.len())
    }

    /// Ends the stream: `rest` was not used up, and nothing follows. Gives whether the answer is complete.
    pub fn finish(&mut self, rest: &[u8], out: &mut Vec<u8>) -> bool {
        if self.target.done {
            return true;
        }
        if let Framing::Events(splitter) = &mut self.framing
            && let Some(data) = splitter.finish(rest).data.of(rest)
            // Half an event is none; a whole one without its blank line is one.
            && self.reader.event(data, &mut self.target, out).is_err()
        {
            return false;
        }
        let mut sink = Tap { output: &mut self.target, out };
        let complete = match &mut self.reader {
            Reader::Openai(reader) => reader.finish(&mut sink),
            Reader::Responses(reader) => reader.finish(&mut sink),
            Reader::Anthropic(reader) => reader.finish(&mut sink),
            Reader::Gemini(reader) => reader.finish(&mut sink),
            Reader::Bedrock(reader) => reader.finish(&mut sink),
        };
        if complete && self.target.verbatim {
            self.target.writer.verbatim_end(out);
        }
        complete && self.target.failed.is_none()
    }

    /// Whether the answer has a word in it yet, or anything else that a client would miss.
    pub const fn has_spoken(&self) -> bool {
        self.target.spoken
    }

    /// Whether the provider said that the answer is complete.
    pub const fn is_done(&self) -> bool {
        self.target.done
    }

    /// What was used, as far as it is known.
    pub const fn usage(&self) -> Option<UsageReport> {
        self.target.usage
    }

    /// The client's side, to end a broken stream or to keep a silent one alive.
    pub fn writer(&mut self) -> &mut Writer {
        &mut self.target.writer
    }

    /// The same, when the stream is over.
    pub fn into_writer(self) -> Writer {
        self.target.writer
    }
}

impl Reader {
    fn event(&mut self, data: &[u8], output: &mut Output, out: &mut Vec<u8>) -> Result<(), BadStream> {
        let data = std::str::from_utf8(data).map_err(|_| BadStream::Invalid(Invalid::at("", "it is not UTF-8")))?;
        let mut sink = Tap { output: &mut *output, out: &mut *out };
        let read = match self {
            Self::Openai(reader) => reader.event(data, &mut sink),
            Self::Responses(reader) => reader.event(data, &mut sink),
            Self::Anthropic(reader) => reader.event(data, &mut sink),
            Self::Gemini(reader) => reader.event(data, &mut sink),
            Self::Bedrock(_) => Ok(()),
        };
        output.judge(read)?;
        if output.verbatim {
            output.writer.verbatim(data, out);
        }
        Ok(())
    }

    fn message(
        &mut self,
        message: &event_stream::Message,
        window: &[u8],
        output: &mut Output,
        out: &mut Vec<u8>,
    ) -> Result<(), BadStream> {
        let Self::Bedrock(reader) = self else { return Ok(()) };
        let read = reader.message(message, window, &mut Tap { output, out });
        output.judge(read)
    }
}

impl Output {
    fn judge(&self, read: Result<(), Invalid>) -> Result<(), BadStream> {
        read.map_err(BadStream::Invalid)?;
        self.failed.map_or(Ok(()), |complaint| Err(BadStream::Reported(complaint)))
    }

    fn take(&mut self, event: ChatEvent<'_>, out: &mut Vec<u8>) {
        match event {
            ChatEvent::Start { usage: Some(usage), .. } | ChatEvent::Usage { usage, .. } => self.usage = Some(*usage),
            ChatEvent::Error { kind, .. } => {
                self.failed = Some(Complaint::named(&kind.unwrap_or_default().text()));
            }
            ChatEvent::End => self.done = true,
            ChatEvent::Delta { .. } | ChatEvent::Finish { .. } => self.spoken = true,
            ChatEvent::Open { opening, .. } => self.spoken |= speaks(opening),
            _ => {}
        }
        if self.verbatim || self.failed.is_some() {
            return;
        }
        match &mut self.unwrap {
            Some(unwrap) => unwrap.event(event, |event| self.writer.event(event, out)),
            None => self.writer.event(event, out),
        }
    }
}

/// Whether a block says something by being there.
const fn speaks(opening: Opening<'_>) -> bool {
    match opening {
        Opening::Text | Opening::Refusal | Opening::Thinking { .. } => false,
        Opening::Redacted | Opening::ToolCall { .. } | Opening::Image { .. } | Opening::Foreign { .. } => true,
    }
}

/// A reader's sink.
struct Tap<'t> {
    output: &'t mut Output,
    out: &'t mut Vec<u8>,
}

impl Sink for Tap<'_> {
    fn event(&mut self, event: ChatEvent<'_>) {
        self.output.take(event, self.out);
    }
}
