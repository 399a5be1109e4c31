//! From a provider's bytes to a client's.

use std::fs;
use std::path::PathBuf;

use router_core::dialect::bedrock::event_stream;
use router_core::dialect::translate::{self, Ask, BadStream, Translator};
use router_core::dialect::{Failure, Quirks, Target};
use router_core::domain::{Dialect, UsageReport};
use serde_json::Value;

pub const PROVIDERS: [Dialect; 5] =
    [Dialect::Openai, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini, Dialect::Bedrock];

/// Who asks, and in which form its stream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub dialect: Dialect,
    pub as_array: bool,
}

/// Every form of a client's stream.
pub fn clients() -> impl Iterator<Item = Client> {
    let events = Dialect::INGRESS.into_iter().map(|dialect| Client { dialect, as_array: false });
    events.chain([Client { dialect: Dialect::Gemini, as_array: true }])
}

/// Every client with every provider.
pub fn pairs() -> impl Iterator<Item = (Client, Dialect)> {
    clients().flat_map(|client| PROVIDERS.map(|provider| (client, provider)))
}

/// Who turns answers of `provider` round for `client`.
pub fn translator(client: Client, provider: Dialect) -> Translator {
    let body = match client.dialect {
        Dialect::Openai | Dialect::Anthropic => {
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"stream_options":{"include_usage":true}}"#
        }
        Dialect::Responses => r#"{"model":"m","input":"x"}"#,
        _ => r#"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#,
    };
    let ask = Ask {
        client: client.dialect,
        provider,
        body: body.as_bytes(),
        model: "asked-model",
        target: Target { model: "served-model", quirks: &Quirks::default() },
        stream: Some(true),
        as_array: client.as_array,
        unique: "A1",
        created: 1_763_974_800,
    };
    translate::request(ask).expect("a plain request can be translated").translator
}

/// What became of a stream.
#[derive(Debug, PartialEq, Eq)]
pub struct Relayed {
    /// What the client got before anything was said about a failure.
    pub good: Vec<u8>,
    /// All that the client got.
    pub out: Vec<u8>,
    pub complete: bool,
    /// Why the stream could not go on.
    pub fault: Option<BadStream>,
    pub usage: Option<UsageReport>,
}

/// Turns a stream round that comes in these pieces.
pub fn relay<'p>(translator: &Translator, pieces: impl IntoIterator<Item = &'p [u8]>) -> Relayed {
    let (mut stream, mut window, mut out, mut fault) = (translator.stream(), Vec::new(), Vec::new(), None);
    for piece in pieces {
        window.extend_from_slice(piece);
        match stream.push(&window, &mut out) {
            Ok(used) => drop(window.drain(..used)),
            Err(bad) => {
                fault = Some(bad);
                break;
            }
        }
    }
    let complete = fault.is_none() && stream.finish(&window, &mut out);
    let good = out.clone();
    if !complete {
        stream.writer().fail(&FAILURE, &mut out);
    }
    Relayed { good, out, complete, fault, usage: stream.usage() }
}

const FAILURE: Failure<'static> = Failure {
    status: 502,
    kind: "server_error",
    code: "provider_unavailable",
    message: "The provider's answer ended before it was complete.",
    param: None,
    source: None,
    request_id: "req_A1",
};

fn corpus(dialect: Dialect) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(dialect.name())
}

/// The names of the cases of which a provider's corpus has a stream.
pub fn cases(provider: Dialect) -> Vec<String> {
    let files = fs::read_dir(corpus(provider)).expect("a corpus");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a plain name"));
    let mut cases: Vec<_> = names.filter_map(|name| name.strip_suffix(".stream.txt").map(str::to_owned)).collect();
    cases.sort();
    assert!(cases.len() > 10, "a corpus has streams");
    cases
}

/// A stream of the corpus as the provider sends it.
pub fn stream(provider: Dialect, case: &str) -> Vec<u8> {
    let file = corpus(provider).join(format!("{case}.stream.txt"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if provider != Dialect::Bedrock {
        return text.into_bytes();
    }
    let mut frames = Vec::new();
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("an event");
        let (kind, data) = (event["type"].as_str().expect("a type"), event["data"].to_string());
        frame(&mut frames, kind, &data);
    }
    frames
}

/// Every stream of a provider's corpus, with its name.
pub fn streams(provider: Dialect) -> impl Iterator<Item = (String, Vec<u8>)> {
    cases(provider).into_iter().map(move |case| {
        let stream = stream(provider, &case);
        (case, stream)
    })
}

/// Appends an event of Bedrock's.
pub fn frame(frames: &mut Vec<u8>, kind: &str, json: &str) {
    let encode = if kind.ends_with("Exception") { event_stream::encode_exception } else { event_stream::encode_event };
    encode(frames, kind, json);
}

/// A provider's whole answer of the corpus.
pub fn answer(provider: Dialect, case: &str) -> Value {
    let file = corpus(provider).join(format!("{case}.answer.json"));
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).expect("JSON")
}
