//! A provider's stream → events.
//!
//! Google does not say when a stream is over: it names a reason and closes the connection. Reasons may come more than
//! once, and parts after them; so nothing is complete before [`StreamReader::finish`].

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::Invalid;
use super::stream_choice::{Choice, Names, Odd};
use super::usage::{self, Counts};
use super::wire::{Chunk, Fault, Part, text};
use super::{finish, grounding, time};
use crate::chat::{ChatEvent, Finish, RawStr, Sink};
use crate::domain::UsageReport;

/// Reads the events of `streamGenerateContent`, each of which is a whole answer with the next piece in it.
#[derive(Debug, Default)]
pub struct StreamReader {
    started: bool,
    failed: bool,
    done: bool,
    /// The prompt was blocked: there is no answer, and that is all of it.
    blocked: bool,
    choices: Vec<Choice>,
    names: Names,
    counts: Counts,
    searches: u64,
    reported: Option<UsageReport>,
    service_tier: Option<&'static str>,
}

impl StreamReader {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// Data that is no such answer.
    pub fn event<S: Sink>(&mut self, data: &str, sink: &mut S) -> Result<(), Invalid> {
        if self.done || self.failed {
            return Ok(());
        }
        let chunk = answer(data)?;
        if let Some(error) = chunk.error {
            self.failed = true;
            let fault: Option<Fault<'_>> = serde_json::from_str(error.get()).ok();
            let (kind, message) = fault.map_or((None, None), |fault| (text(fault.status), text(fault.message)));
            sink.event(ChatEvent::Error { kind, message });
            return Ok(());
        }
        if let Some(wire) = &chunk.usage_metadata {
            self.counts.merge(wire);
            let tier = text(wire.traffic_type).and_then(|traffic| usage::tier_of(traffic.as_escaped()));
            self.service_tier = tier.or(self.service_tier);
        }
        self.start(&chunk, sink);
        if chunk.prompt_feedback.as_ref().is_some_and(|feedback| text(feedback.block_reason).is_some()) {
            self.blocked = true;
        }
        for (at, candidate) in chunk.candidates.iter().enumerate() {
            let index = candidate.index.and_then(|index| index.get().parse().ok());
            let choice = choice(&mut self.choices, index.unwrap_or_else(|| u32::try_from(at).unwrap_or(u32::MAX)));
            for (number, part) in candidate.content.iter().flat_map(|content| content.parts.iter()).enumerate() {
                match choice.part(part, &mut self.names, sink) {
                    Ok(()) => {}
                    Err(Odd::Foreign) => choice.foreign(raw_part(data, at, number), sink),
                    Err(Odd::Wrong(what)) => {
                        self.failed = true;
                        return Err(Invalid::at(format!("candidates[{at}].content.parts[{number}]"), what));
                    }
                }
            }
            choice.logprobs(candidate.logprobs_result, sink);
            if let Some(metadata) = candidate.grounding_metadata.and_then(parsed) {
                self.searches = self.searches.max(grounding::searches(&metadata));
                choice.citations(&metadata, sink);
                choice.searched(&metadata);
            }
            if let Some(reason) = text(candidate.finish_reason) {
                choice.finish = Some(finish::read(&reason.text()));
            }
        }
        self.usage(sink);
        Ok(())
    }

    /// Ends the stream. True if the answer is complete: each choice has its reason, or the prompt was blocked.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) -> bool {
        if self.done || self.failed {
            return self.done;
        }
        if self.blocked {
            let choice = choice(&mut self.choices, 0);
            choice.finish.get_or_insert(Finish::Filtered);
        }
        if self.choices.is_empty() || self.choices.iter().any(|choice| choice.finish.is_none()) {
            return false;
        }
        for choice in &mut self.choices {
            choice.end(&self.names, sink);
        }
        if let Some(usage) = &self.report() {
            sink.event(ChatEvent::Usage { usage, service_tier: self.service_tier.map(RawStr::plain) });
        }
        sink.event(ChatEvent::End);
        self.done = true;
        true
    }

    /// Whether the answer is complete.
    pub fn is_done(&self) -> bool {
        self.done
    }

    fn start<S: Sink>(&mut self, chunk: &Chunk<'_, Part<'_>>, sink: &mut S) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let id = text(chunk.response_id);
        self.names.scope = id.map(|id| id.text().into_owned()).unwrap_or_default();
        let input =
            self.report().map(|usage| UsageReport { output: 0, total: None, reasoning: 0, audio_out: 0, ..usage });
        sink.event(ChatEvent::Start {
            id,
            model: text(chunk.model_version),
            created: text(chunk.create_time).and_then(|time| time::unix_seconds(&time.text())),
            usage: input.as_ref(),
            service_tier: None,
        });
    }

    fn report(&self) -> Option<UsageReport> {
        self.counts.report().map(|usage| UsageReport { web_searches: self.searches, ..usage })
    }

    fn usage<S: Sink>(&mut self, sink: &mut S) {
        let report = self.report();
        if report != self.reported {
            self.reported = report;
            if let Some(usage) = &self.reported {
                sink.event(ChatEvent::Usage { usage, service_tier: self.service_tier.map(RawStr::plain) });
            }
        }
    }
}

/// The answer in an event.
fn answer(data: &str) -> Result<Chunk<'_, Part<'_>>, Invalid> {
    // A list would be taken for an object whose members stand in the order of ours.
    if !data.trim_start().starts_with('{') {
        return Err(Invalid::at("", "is no GenerateContentResponse: must be an object"));
    }
    serde_json::from_str(data).map_err(|error| {
        // The error's own words may repeat the answer's.
        let what = format!("is no GenerateContentResponse (byte {} of line {})", error.column(), error.line());
        Invalid::at("", what)
    })
}

/// The choice of an index, which is made if it is new.
fn choice(choices: &mut Vec<Choice>, index: u32) -> &mut Choice {
    let at = choices.iter().position(|choice| choice.index == index).unwrap_or_else(|| {
        choices.push(Choice::new(index));
        choices.len() - 1
    });
    &mut choices[at]
}

fn parsed(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// The text of a part of which we know nothing: rare enough to read the event again for it.
fn raw_part(data: &str, candidate: usize, part: usize) -> Option<&str> {
    let chunk: Chunk<'_, &RawValue> = serde_json::from_str(data).ok()?;
    let text = chunk.candidates.iter().nth(candidate)?.content.as_ref()?.parts.iter().nth(part)?.get();
    Some(text)
}
