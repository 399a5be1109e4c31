//! A provider's stream, as it is read: how it begins, ends and fails.

use serde_json::value::RawValue;

use super::reader_blocks::Blocks;
use super::reader_wire::{ErrorWire, Event, MessageWire, TierOnly, TypeOnly, text};
use super::stop;
use super::usage::Counts;
use crate::chat::{ChatEvent, Finish, RawStr, Sink};
use crate::dialect::Invalid;
use crate::domain::UsageReport;
use crate::json::escape;

/// Reads a stream, event by event.
///
/// Blocks come one after the other; providers that forget to end one, to begin one or to number them are understood
/// all the same. Only `message_stop` makes an answer complete.
#[derive(Debug, Default)]
pub struct StreamReader {
    started: bool,
    finished: bool,
    ended: bool,
    failed: bool,
    blocks: Blocks,
    counts: Counts,
    counts_are_wrong: bool,
    service_tier: Option<String>,
}

const KNOWN: [&str; 8] = [
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
    "ping",
    "error",
];

impl StreamReader {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// When it is not JSON, or a known event that is not what it must be.
    pub fn event<S: Sink>(&mut self, data: &str, sink: &mut S) -> Result<(), Invalid> {
        let event: Event<'_> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(error) => {
                let kind = serde_json::from_str(data).ok().and_then(|bare: TypeOnly<'_>| text(bare.kind));
                let is_unknown = kind.is_some_and(|kind| !KNOWN.contains(&kind.as_escaped()));
                let what = format!("is no event: {error}");
                return if is_unknown { Ok(()) } else { Err(Invalid::at("", what)) };
            }
        };
        if self.ended || self.failed {
            return Ok(());
        }
        match text(event.kind).unwrap_or_default().as_escaped() {
            "content_block_delta" if !self.finished => {
                self.start(MessageWire::default(), sink);
                self.blocks.go_on(&event, data, sink);
            }
            "content_block_start" if !self.finished => {
                self.start(MessageWire::default(), sink);
                self.blocks.begin(&event, sink)?;
            }
            "content_block_stop" => self.blocks.stop(event.index, sink),
            "message_start" => self.start(event.message.unwrap_or_default(), sink),
            "message_delta" => self.message_delta(&event, sink),
            "message_stop" => self.stop(sink),
            "ping" => sink.event(ChatEvent::Ping),
            "error" => self.error(event.error, sink),
            "" if event.error.is_some() => self.error(event.error, sink),
            _ => {}
        }
        Ok(())
    }

    /// The stream ended: whether the answer is complete.
    pub fn finish<S: Sink>(&mut self, _sink: &mut S) -> bool {
        self.ended
    }

    /// Whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.ended
    }

    fn start<S: Sink>(&mut self, message: MessageWire<'_>, sink: &mut S) {
        if self.started {
            return;
        }
        self.started = true;
        self.count(message.usage);
        let id = text(message.id);
        self.blocks.answer = id.unwrap_or_default().as_escaped().to_owned();
        // The few tokens of output that are counted here are counted again in the end.
        let usage = self.report().map(|report| UsageReport { output: 0, reasoning: 0, ..report });
        let model = text(message.model);
        let service_tier = self.service_tier.as_deref().map(RawStr::escaped);
        sink.event(ChatEvent::Start { id, model, created: None, usage: usage.as_ref(), service_tier });
    }

    fn count(&mut self, usage: Option<&RawValue>) {
        let Some(usage) = usage else { return };
        match serde_json::from_str(usage.get()) {
            Ok(counts) => self.counts.update(counts),
            Err(_) => self.counts_are_wrong = true,
        }
        if let Ok(TierOnly { service_tier: Some(tier) }) = serde_json::from_str(usage.get()) {
            self.service_tier = Some(escape(&tier).into_owned());
        }
    }

    fn report(&self) -> Option<UsageReport> {
        if self.counts_are_wrong { None } else { self.counts.report() }
    }

    fn message_delta<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        self.start(MessageWire::default(), sink);
        // Ahead of the finish, for clients that are told of both at once.
        self.count(event.usage);
        if let Some(usage) = self.report().filter(|_| event.usage.is_some()) {
            let service_tier = self.service_tier.as_deref().map(RawStr::escaped);
            sink.event(ChatEvent::Usage { usage: &usage, service_tier });
        }
        let delta = event.delta.as_ref();
        if let Some(reason) = text(delta.and_then(|delta| delta.stop_reason)) {
            let stop_sequence = delta.and_then(|delta| text(delta.stop_sequence));
            self.end_choice(stop::read(reason.as_escaped()).unwrap_or(Finish::Stop), stop_sequence, sink);
        }
    }

    fn end_choice<S: Sink>(&mut self, finish: Finish, stop_sequence: Option<RawStr<'_>>, sink: &mut S) {
        if self.finished {
            return;
        }
        self.blocks.end(sink);
        self.finished = true;
        sink.event(ChatEvent::Finish { choice: 0, finish, stop_sequence });
    }

    fn stop<S: Sink>(&mut self, sink: &mut S) {
        self.start(MessageWire::default(), sink);
        self.end_choice(if self.blocks.has_calls { Finish::ToolCalls } else { Finish::Stop }, None, sink);
        self.ended = true;
        sink.event(ChatEvent::End);
    }

    fn error<S: Sink>(&mut self, error: Option<&RawValue>, sink: &mut S) {
        self.failed = true;
        let wire: Option<ErrorWire<'_>> = error.and_then(|error| serde_json::from_str(error.get()).ok());
        let kind = wire.as_ref().and_then(|wire| text(wire.kind));
        let message = wire.as_ref().and_then(|wire| text(wire.message)).or_else(|| text(error));
        sink.event(ChatEvent::Error { kind, message });
    }
}
