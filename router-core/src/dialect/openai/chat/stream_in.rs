//! A provider's stream: read chunk by chunk.

use super::choice_in::ChoiceIn;
use super::quick::Reader as Quick;
use super::wire::{self, Chunk, Failed, Raw};
use crate::chat::{ChatEvent, RawStr, Sink};
use crate::dialect::Invalid;
use crate::dialect::openai::usage;

/// What a stream ends with.
const DONE: &str = "[DONE]";

/// Reads the chunks of one answer.
#[derive(Debug, Default)]
pub struct StreamReader {
    started: bool,
    done: bool,
    failed: bool,
    choices: Vec<ChoiceIn>,
    quick: Quick,
}

impl StreamReader {
    /// Reads the data of one event.
    ///
    /// # Errors
    /// When it is not a JSON object, or contradicts what came before. The stream cannot go on then.
    pub fn event<S: Sink>(&mut self, data: &str, sink: &mut S) -> Result<(), Invalid> {
        if self.done || self.failed {
            return Ok(());
        }
        if let Some(quick) = self.quick.read(data)
            && self
                .choices
                .iter_mut()
                .any(|choice| choice.number() == quick.number && choice.goes_on(quick.piece, sink))
        {
            return Ok(());
        }
        if data.trim_ascii() == DONE {
            self.end(sink);
            return Ok(());
        }
        let chunk: Chunk<'_> =
            serde_json::from_str(data).map_err(|error| Invalid::at("", format!("is no chunk of a stream: {error}")))?;
        if let Some(error) = failure(&chunk, data) {
            self.fail(&error, sink);
            return Ok(());
        }
        // Azure begins with a chunk about the prompt that has neither an id nor a model.
        let choices = chunk.choices.as_deref().unwrap_or_default();
        let usage = chunk.usage.and_then(|usage| usage::read(usage.get().as_bytes()));
        if choices.is_empty() && usage.is_none() {
            return Ok(());
        }
        self.start(&chunk, sink);
        for (at, choice) in choices.iter().enumerate() {
            let number = wire::whole(choice.index).and_then(|index| u32::try_from(index).ok());
            let number = number.unwrap_or_else(|| u32::try_from(at).unwrap_or(u32::MAX));
            let state = self.choice(number);
            if !state.read(choice, wire::text(chunk.id), sink)? {
                self.fail(&Failed::default(), sink);
                return Ok(());
            }
        }
        if let Some(usage) = &usage {
            sink.event(ChatEvent::Usage { usage, service_tier: wire::text(chunk.service_tier) });
        }
        Ok(())
    }

    /// The stream ended. True if the answer is complete.
    pub fn finish<S: Sink>(&mut self, _sink: &mut S) -> bool {
        self.done
    }

    /// Whether the end was emitted.
    pub fn is_done(&self) -> bool {
        self.done
    }

    fn start<S: Sink>(&mut self, chunk: &Chunk<'_>, sink: &mut S) {
        if !std::mem::replace(&mut self.started, true) {
            let (id, model) = (wire::text(chunk.id), wire::text(chunk.model));
            let created = wire::whole(chunk.created).filter(|created| *created > 0);
            let service_tier = wire::text(chunk.service_tier);
            sink.event(ChatEvent::Start { id, model, created, usage: None, service_tier });
        }
    }

    fn choice(&mut self, number: u32) -> &mut ChoiceIn {
        let at = self.choices.iter().position(|choice| choice.number() == number).unwrap_or_else(|| {
            self.choices.push(ChoiceIn::new(number));
            self.choices.len() - 1
        });
        &mut self.choices[at]
    }

    /// The provider says that it is done, which is true only if every answer has ended.
    fn end<S: Sink>(&mut self, sink: &mut S) {
        if !self.choices.is_empty() && self.choices.iter().all(ChoiceIn::is_finished) {
            self.done = true;
            sink.event(ChatEvent::End);
        }
    }

    fn fail<S: Sink>(&mut self, error: &Failed<'_>, sink: &mut S) {
        self.failed = true;
        // The code is the more precise word.
        let kind = wire::text(error.code).or_else(|| wire::text(error.kind));
        sink.event(ChatEvent::Error { kind, message: wire::text(error.message) });
    }
}

/// What went wrong, if the chunk says that something did: an object, a text, or the bare object of vLLM.
fn failure<'a>(chunk: &Chunk<'a>, data: &'a str) -> Option<Failed<'a>> {
    if chunk.error.is_some() {
        let text =
            |error: Raw<'a>| RawStr::of_json(error?.get()).map(|_| Failed { message: error, ..Failed::default() });
        return Some(wire::of(chunk.error).or_else(|| text(chunk.error)).unwrap_or_default());
    }
    let bare = wire::text(chunk.object).is_some_and(|object| object.as_escaped() == "error");
    bare.then(|| serde_json::from_str(data).unwrap_or_default())
}
