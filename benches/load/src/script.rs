//! What is asked and what is answered: four behaviours of a provider, picked by the model's name in the body.
//!
//! The model's name is the one thing that every gateway passes on unchanged. All bytes are made before the first
//! request, so that the mock spends its time in the kernel only.

use std::fmt::Write as _;
use std::time::Duration;

use clap::ValueEnum;
use router_core::domain::Dialect;

use crate::pair;

/// Events that every stream has beside its content: role, finish and `[DONE]`.
pub(crate) const FRAME_EVENTS: usize = 3;
/// Content events of a paced stream, one write each.
pub(crate) const PACED_WRITES: usize = 200;
/// Events that one write of a burst carries.
const BURST_EVENTS: usize = 20;
/// Writes of a burst: so many that the request is a small part of the stream's cost.
pub(crate) const BURST_WRITES: usize = 50;
/// Time between two events of a paced stream: 200 tokens a second.
pub(crate) const PACE: Duration = Duration::from_millis(5);
/// How a complete stream ends.
pub(crate) const DONE: &[u8] = b"data: [DONE]\n\n";
/// Where chat completions are asked for.
pub(crate) const PATH: &str = "/v1/chat/completions";

const MESSAGE_BYTES_MAX: usize = 4096;

/// How the mock answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Behaviour {
    /// One JSON completion of 1.2 KB.
    #[value(name = "bench-json")]
    Json,
    /// A stream of about 250 bytes every 5 ms, 200 times.
    #[value(name = "bench-paced")]
    Paced,
    /// A thousand such events, twenty per write, back to back.
    #[value(name = "bench-burst")]
    Burst,
    /// One event, and then a stream that stays open until the caller leaves.
    #[value(name = "bench-open")]
    Open,
}

impl Behaviour {
    /// Every behaviour.
    pub(crate) const ALL: [Self; 4] = [Self::Json, Self::Paced, Self::Burst, Self::Open];

    /// The model that asks for this behaviour.
    pub(crate) const fn model(self) -> &'static str {
        match self {
            Self::Json => "bench-json",
            Self::Paced => "bench-paced",
            Self::Burst => "bench-burst",
            Self::Open => "bench-open",
        }
    }

    /// Whether the answer is a stream.
    pub(crate) const fn streams(self) -> bool {
        !matches!(self, Self::Json)
    }

    /// Events of the answer, as far as the mock itself ends it.
    pub(crate) const fn events(self) -> usize {
        match self {
            Self::Json => 0,
            Self::Paced => PACED_WRITES + FRAME_EVENTS,
            Self::Burst => BURST_WRITES * BURST_EVENTS + FRAME_EVENTS,
            Self::Open => 1,
        }
    }

    /// Finds the model in a request body, of which `prefix` may be only the beginning.
    pub(crate) fn find(prefix: &[u8]) -> Option<Self> {
        let name = &prefix[memchr::memmem::find(prefix, b"\"bench-")? + 1..];
        Self::ALL.into_iter().find(|behaviour| {
            name.starts_with(behaviour.model().as_bytes()) && name.get(behaviour.model().len()) == Some(&b'"')
        })
    }
}

/// A chat request as the usual SDK sends it, with a body of exactly `body_bytes` where they suffice.
pub(crate) fn request(host: &str, key: &str, behaviour: Behaviour, body_bytes: usize) -> Vec<u8> {
    let body = body(behaviour, body_bytes);
    let mut request = format!(
        "POST {PATH} HTTP/1.1\r\nhost: {host}\r\naccept: application/json\r\ncontent-type: application/json\r\n\
         user-agent: OpenAI/Python 2.8.0\r\nx-stainless-lang: python\r\nx-stainless-package-version: 2.8.0\r\n\
         x-stainless-os: Linux\r\nx-stainless-arch: x64\r\nx-stainless-runtime: CPython\r\n\
         x-stainless-retry-count: 0\r\nauthorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    request.push_str(&body);
    request.into_bytes()
}

/// A conversation: messages of at most 4 KB with the quotes, line breaks and UTF-8 that prompts have.
fn body(behaviour: Behaviour, body_bytes: usize) -> String {
    const TEXT: &str = "The invoice says \\\"net 30\\\", yet the café's ledger shows it was settled early.\\nExplain \
        which entry is wrong, and why; keep it short, and name the account by its number. ";
    const CLOSE: &str = "\"}]}";
    let mut body = format!(
        "{{\"model\":\"{}\",{}\"temperature\":0.7,\"max_tokens\":512,\"messages\":[{{\"role\":\"system\",\"content\":\"\
         You are a careful accountant.\"}},{{\"role\":\"user\",\"content\":\"",
        behaviour.model(),
        if behaviour.streams() { "\"stream\":true," } else { "" },
    );
    let mut message_start = body.len();
    let mut asks = true;
    while body.len() + TEXT.len() + CLOSE.len() <= body_bytes {
        body.push_str(TEXT);
        if body.len() - message_start > MESSAGE_BYTES_MAX && body.len() + 200 + CLOSE.len() <= body_bytes {
            asks = !asks;
            body.push_str(if asks { "\"},{\"role\":\"user\"" } else { "\"},{\"role\":\"assistant\"" });
            body.push_str(",\"content\":\"");
            message_start = body.len();
        }
    }
    while body.len() + CLOSE.len() < body_bytes {
        body.push('.');
    }
    body.push_str(CLOSE);
    body
}

/// Every byte the mock may send.
pub(crate) struct Script {
    /// Head and body of a JSON completion.
    pub(crate) json: Vec<u8>,
    /// Head of a stream with its first event.
    pub(crate) opening: Vec<u8>,
    /// One content event.
    pub(crate) event: Vec<u8>,
    /// Twenty content events.
    pub(crate) burst: Vec<u8>,
    /// Finish event, `[DONE]` and the end of the body.
    pub(crate) closing: Vec<u8>,
    /// The same with a usage event, for callers who asked for one.
    pub(crate) closing_with_usage: Vec<u8>,
    /// Of each dialect, the writes of a stream that thinks, speaks and calls.
    mixed: Vec<(Dialect, Vec<Vec<u8>>)>,
}

impl Script {
    /// Prepares every answer.
    pub(crate) fn new() -> Self {
        let event = http_chunk(&content_event());
        let finish = http_chunk(&delta_event("{}", "\"stop\""));
        let end = [http_chunk(std::str::from_utf8(DONE).unwrap_or_default()), b"0\r\n\r\n".to_vec()].concat();
        let role = delta_event("{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}", "null");
        Self {
            json: json_answer(),
            opening: [stream_head().into_bytes(), http_chunk(&role)].concat(),
            burst: event.repeat(BURST_EVENTS),
            event,
            closing: [finish.clone(), end.clone()].concat(),
            closing_with_usage: [finish, http_chunk(&usage_event()), end].concat(),
            mixed: samples::DIALECTS.map(|dialect| (dialect, mixed(dialect))).to_vec(),
        }
    }

    /// The writes of a stream in this dialect.
    pub(crate) fn mixed(&self, dialect: Dialect) -> &[Vec<u8>] {
        self.mixed.iter().find(|(of, _)| *of == dialect).map_or(&[], |(_, writes)| writes)
    }
}

fn mixed(dialect: Dialect) -> Vec<Vec<u8>> {
    let mut writes: Vec<Vec<u8>> = pair::writes(dialect).iter().map(|events| http_chunk(events)).collect();
    if let Some(first) = writes.first_mut() {
        *first = [stream_head().as_bytes(), first].concat();
    }
    if let Some(last) = writes.last_mut() {
        last.extend_from_slice(b"0\r\n\r\n");
    }
    writes
}

/// Length of the JSON completion, which a gateway between equal dialects must not change.
pub(crate) fn json_body_bytes() -> usize {
    json_body().len()
}

const HEADERS: &str = "date: Mon, 24 Nov 2025 09:00:00 GMT\r\nserver: mock\r\nx-request-id: \
    req_7c1f0b6d3f4e4c1b9a5d2e8f6a7b9c0d\r\nopenai-organization: bench\r\nopenai-processing-ms: 412\r\n\
    openai-version: 2020-10-01\r\nx-ratelimit-limit-requests: 10000\r\nx-ratelimit-remaining-requests: 9999\r\n";

const USAGE: &str = "\"usage\":{\"prompt_tokens\":212,\"completion_tokens\":200,\"total_tokens\":412,\
    \"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0},\"completion_tokens_details\":{\
    \"reasoning_tokens\":0,\"audio_tokens\":0,\"accepted_prediction_tokens\":0,\"rejected_prediction_tokens\":0}}";

fn json_body() -> String {
    const SENTENCE: &str = "Account 4010 was credited twice: once on receipt and once when the bank line was matched. ";
    format!(
        "{{\"id\":\"chatcmpl-BenchBenchBenchBenchBench001\",\"object\":\"chat.completion\",\"created\":1763974800,\
         \"model\":\"gpt-4o-mini-2024-07-18\",\"choices\":[{{\"index\":0,\"message\":{{\"role\":\"assistant\",\
         \"content\":\"{}\",\"refusal\":null,\"annotations\":[]}},\"logprobs\":null,\"finish_reason\":\"stop\"}}],\
         {USAGE},\"service_tier\":\"default\",\"system_fingerprint\":\"fp_50cad350e4\"}}\n",
        SENTENCE.repeat(7)
    )
}

fn json_answer() -> Vec<u8> {
    let body = json_body();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{HEADERS}content-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

fn stream_head() -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n{HEADERS}\
         transfer-encoding: chunked\r\n\r\n"
    )
}

/// The fields that every event of one stream repeats.
const EVENT_FIELDS: &str = "\"id\":\"chatcmpl-BenchBenchBenchBenchBench001\",\"object\":\"chat.completion.chunk\",\
    \"created\":1763974800,\"model\":\"gpt-4o-mini-2024-07-18\",\"system_fingerprint\":\"fp_50cad350e4\"";

fn delta_event(delta: &str, finish_reason: &str) -> String {
    format!(
        "data: {{{EVENT_FIELDS},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\
         \"finish_reason\":{finish_reason}}}]}}\n\n"
    )
}

fn content_event() -> String {
    delta_event("{\"content\":\" ledger\"}", "null")
}

fn usage_event() -> String {
    format!("data: {{{EVENT_FIELDS},\"choices\":[],{USAGE}}}\n\n")
}

/// One event as one chunk of a chunked body.
fn http_chunk(event: &str) -> Vec<u8> {
    let mut chunk = String::with_capacity(event.len() + 8);
    write!(chunk, "{:x}\r\n{event}\r\n", event.len()).expect("a String takes every write");
    chunk.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_body_is_valid_json_of_the_asked_size() {
        for (behaviour, bytes) in [(Behaviour::Json, 1024), (Behaviour::Json, 400 * 1024), (Behaviour::Burst, 40_961)] {
            let body = body(behaviour, bytes);
            assert_eq!(body.len(), bytes);
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            assert_eq!(json["model"], behaviour.model());
            assert_eq!(json["stream"].as_bool().unwrap_or(false), behaviour.streams());
        }
    }

    #[test]
    fn the_model_is_found_in_any_spelling_of_the_body() {
        for behaviour in Behaviour::ALL {
            assert_eq!(Behaviour::find(body(behaviour, 1024).as_bytes()), Some(behaviour));
        }
        assert_eq!(Behaviour::find(br#"{"messages": [], "model" : "bench-open" }"#), Some(Behaviour::Open));
        assert_eq!(Behaviour::find(br#"{"model":"bench-pac"#), None);
        assert_eq!(Behaviour::find(br#"{"model":"gpt-4o"}"#), None);
    }

    #[test]
    fn answers_have_the_sizes_the_report_names() {
        assert!((1150..1300).contains(&json_body_bytes()), "{}", json_body_bytes());
        assert!((230..290).contains(&content_event().len()), "{}", content_event().len());
        for event in [content_event(), usage_event()] {
            let json = event.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
    }
}
