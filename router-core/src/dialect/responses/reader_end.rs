//! How a stream that is being read begins, ends and fails.

use serde_json::Value;

use super::super::Invalid;
use super::read_response::{complete, cut_off, whole};
use super::reader::StreamReader;
use super::reader_blocks::CHOICE;
use super::wire::{Event, Response, Trouble, inside, some_text, text, word};
use super::{read_usage, usage};
use crate::chat::{ChatEvent, Finish, RawStr, Sink};
use crate::domain::UsageReport;

impl StreamReader {
    /// The answer begins, unless it has.
    pub(super) fn start<S: Sink>(&mut self, response: Option<&Response<'_>>, sink: &mut S) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let id = response.and_then(|response| some_text(response.id));
        let model = response.and_then(|response| some_text(response.model));
        let created = response.and_then(|response| whole(response.created_at?.get()));
        sink.event(ChatEvent::Start { id, model, created, usage: None, service_tier: None });
    }

    /// The answer is complete, or was cut off on purpose.
    pub(super) fn end<S: Sink>(&mut self, incomplete: bool, event: &Event<'_>, sink: &mut S) -> Result<(), Invalid> {
        if self.items.iter().any(|item| item.waits) {
            return Err(Invalid::at("response", "a tool call never got its name"));
        }
        let response = inside::<Response<'_>>(event.response);
        self.start(response.as_ref(), sink);
        self.close_all(sink);
        if self.next == 0
            && let Some(output) = response.as_ref().and_then(|response| response.output)
        {
            self.replay(serde_json::from_str(output.get()).unwrap_or_default(), sink);
        }
        let finish = self.reason(incomplete, response.as_ref());
        // Ahead of the finish, for clients that are told of both at once.
        if let Some(response) = &response {
            self.usage(response, sink);
        }
        sink.event(ChatEvent::Finish { choice: CHOICE, finish, stop_sequence: None });
        self.ended = true;
        sink.event(ChatEvent::End);
        Ok(())
    }

    fn reason(&self, incomplete: bool, response: Option<&Response<'_>>) -> Finish {
        let incomplete = incomplete || response.is_some_and(|response| word(response.status) == "incomplete");
        if !incomplete {
            return complete(self.said);
        }
        let details = response.and_then(|response| inside::<Trouble<'_>>(response.incomplete_details));
        cut_off(details.map(|details| word(details.reason)))
    }

    fn usage<S: Sink>(&self, response: &Response<'_>, sink: &mut S) {
        let Some(usage) = response.usage.and_then(|usage| serde_json::from_str(usage.get()).ok()) else { return };
        let Some(usage) = read_usage(usage) else { return };
        let tools = response.tool_usage.and_then(|tools| serde_json::from_str::<Value>(tools.get()).ok());
        let web_searches = tools.as_ref().and_then(usage::searches).unwrap_or(self.searches);
        let usage = UsageReport { web_searches, ..usage };
        sink.event(ChatEvent::Usage { usage: &usage, service_tier: some_text(response.service_tier) });
    }

    /// The provider ended the answer without completing it.
    pub(super) fn failure<S: Sink>(&mut self, name: &str, event: &Event<'_>, sink: &mut S) {
        let response = inside::<Response<'_>>(event.response);
        self.start(response.as_ref(), sink);
        let error = response.as_ref().and_then(|response| inside::<Trouble<'_>>(response.error));
        if let Some(response) = &response {
            self.usage(response, sink);
        }
        let kind = error.as_ref().and_then(|error| some_text(error.code).or_else(|| some_text(error.kind)));
        let kind = kind.unwrap_or_else(|| RawStr::plain(name));
        self.give_up(Some(kind), error.and_then(|error| text(error.message)), sink);
    }

    /// The provider says in an event of its own that something went wrong. OpenAI's documents show its members in the
    /// event itself; its servers put them into `error`.
    pub(super) fn error<S: Sink>(&mut self, event: &Event<'_>, sink: &mut S) {
        let inner = inside::<Trouble<'_>>(event.error);
        let inner = inner.as_ref();
        let kind = inner.and_then(|error| some_text(error.code).or_else(|| some_text(error.kind)));
        let message = inner.and_then(|error| text(error.message)).or_else(|| text(event.message));
        self.give_up(kind.or_else(|| some_text(event.code)), message.or_else(|| text(event.error)), sink);
    }

    fn give_up<S: Sink>(&mut self, kind: Option<RawStr<'_>>, message: Option<RawStr<'_>>, sink: &mut S) {
        self.start(None, sink);
        self.failed = true;
        sink.event(ChatEvent::Error { kind, message });
    }
}
