//! One case of one pair.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use router_core::dialect::translate::{self, Ask, BadStream, Translator};
use router_core::dialect::{Complaint, Failure, Quirks, Target, anthropic, gemini};
use router_core::domain::Dialect;
use serde_json::Value;

use super::pass;

/// How the gateway tells of a stream that ends too soon (docs/errors.md).
const TRUNCATED: (u16, &str, &str) =
    (502, "provider_unavailable", "The provider's answer ended before it was complete. Try again.");
/// How it tells of a provider that has too much to do.
const OVERLOADED: (u16, &str, &str) = (503, "provider_overloaded", "The provider is overloaded. Try again later.");

/// A client's request and a provider's answers, as far as the corpora have them.
pub struct Case {
    client: Dialect,
    provider: Dialect,
    request: Option<String>,
    answer: Option<String>,
    stream: Option<String>,
}

impl Case {
    pub fn read(corpus: &Path, client: Dialect, provider: Dialect, name: &str) -> Self {
        let read = |dialect: Dialect, kind: &str| {
            fs::read_to_string(corpus.join(dialect.name()).join(format!("{name}.{kind}"))).ok()
        };
        Self {
            client,
            provider,
            request: read(client, "request.json"),
            answer: read(provider, "answer.json"),
            stream: read(provider, "stream.txt"),
        }
    }

    /// What comes of it, as a golden file says it; `None` when there is nothing to tell.
    pub fn told(&self) -> Option<String> {
        let mut text = String::new();
        if let Some(request) = &self.request {
            self.tell_request(request, &mut text);
        }
        if let Some(answer) = &self.answer {
            self.tell_answer(answer, &mut text);
        }
        if let Some(stream) = &self.stream {
            self.tell_stream(stream, &mut text);
        }
        (!text.is_empty()).then_some(text)
    }

    fn tell_request(&self, request: &str, text: &mut String) {
        if self.client == self.provider {
            return tell(text, "sent", &pass::request(self.client, request));
        }
        match translate::request(self.ask(request.as_bytes(), None)) {
            Ok(outbound) => {
                let body: Value = serde_json::from_slice(&outbound.body).expect("a body is JSON");
                tell(text, "sent", &pretty(&body));
                if !outbound.losses.is_empty() {
                    tell(text, "dropped", &outbound.losses.to_string());
                }
            }
            Err(invalid) => tell(text, "refused", &invalid.to_string()),
        }
    }

    fn tell_answer(&self, answer: &str, text: &mut String) {
        if self.client == self.provider {
            pass::answer(self.client, answer);
            return tell(text, "answered", "the provider's own bytes");
        }
        let mut out = Vec::new();
        match self.translator(false).document(answer.as_bytes(), &mut out) {
            Ok(_) => tell(text, "answered", &pretty(&serde_json::from_slice(&out).expect("an answer is JSON"))),
            Err(invalid) => tell(text, "not an answer", &invalid.to_string()),
        }
    }

    fn tell_stream(&self, stream: &str, text: &mut String) {
        if self.client == self.provider {
            let end = pass::stream(self.client, stream);
            return tell(text, "streamed", &format!("the provider's own bytes, {end}"));
        }
        let mut out = Vec::new();
        let mut translation = self.translator(true).stream();
        let broken = match translation.push(stream.as_bytes(), &mut out) {
            Ok(used) if translation.finish(&stream.as_bytes()[used..], &mut out) => None,
            Ok(_) => Some(TRUNCATED),
            Err(BadStream::Reported(Complaint::Overloaded)) => Some(OVERLOADED),
            Err(bad) => panic!("{bad}"),
        };
        if let Some((status, code, message)) = broken {
            translation.writer().fail(&self.failure(status, code, message), &mut out);
        }
        tell(text, "streamed", String::from_utf8(out).expect("a stream is text").trim_end());
    }

    /// A failure in the client's words, as the gateway tells it.
    fn failure(&self, status: u16, code: &'static str, message: &'static str) -> Failure<'static> {
        let (status, kind) = match (self.client, status) {
            (Dialect::Anthropic, 503) => (529, anthropic::error_kind(status)),
            (Dialect::Anthropic, _) => (status, anthropic::error_kind(status)),
            (Dialect::Gemini, _) => (status, gemini::error_kind(status)),
            _ => (status, "server_error"),
        };
        Failure { status, kind, code, message, param: None, source: None, request_id: "req_A1" }
    }

    fn translator(&self, stream: bool) -> Translator {
        let plain = match self.client {
            Dialect::Openai | Dialect::Anthropic => {
                r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#
            }
            Dialect::Responses => r#"{"model":"m","input":"x"}"#,
            _ => r#"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#,
        };
        // The request of the case, where there is one: some dialects repeat it in their answers.
        let asked = self
            .request
            .as_ref()
            .and_then(|request| translate::request(self.ask(request.as_bytes(), Some(stream))).ok());
        let outbound = asked.or_else(|| translate::request(self.ask(plain.as_bytes(), Some(stream))).ok());
        outbound.expect("a plain request can be translated").translator
    }

    fn ask<'a>(&self, body: &'a [u8], stream: Option<bool>) -> Ask<'a> {
        const QUIRKS: &Quirks = &Quirks {
            max_tokens_only: false,
            no_developer_role: false,
            no_stream_options: false,
            no_json_schema: false,
            no_parallel_tool_calls: false,
            no_forced_tools: false,
            no_reasoning_effort: false,
            wants_reasoning_content: false,
        };
        let model = match self.provider {
            Dialect::Anthropic => "claude-sonnet-4-5",
            Dialect::Gemini => "gemini-2.5-pro",
            _ => "gpt-5.1",
        };
        Ask {
            client: self.client,
            provider: self.provider,
            body,
            model: "asked-model",
            target: Target { model, quirks: QUIRKS },
            stream,
            as_array: false,
            unique: "A1",
            created: 1_763_974_800,
        }
    }
}

fn tell(text: &mut String, what: &str, told: &str) {
    let _ = writeln!(text, "--- {what}\n{told}");
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).expect("JSON")
}
