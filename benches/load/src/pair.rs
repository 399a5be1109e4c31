//! Two dialects: the client's and the provider's. What is asked in each, and what is answered.

use router_core::domain::Dialect;
use samples::Content;

/// Pieces of content in a stream between two dialects.
const PIECES: usize = 1000;
/// Events that one write of such a stream carries.
const EVENTS_PER_WRITE: usize = 20;
/// The shortest thing that any dialect makes of a piece of text.
const EVENT_BYTES_MIN: usize = 40;
/// What the model's name begins with; the provider's dialect follows.
const MODEL: &str = "bench-mixed-";

/// Who asks whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    /// The dialect of the provider.
    pub(crate) provider: Dialect,
    /// The dialect of the client.
    pub(crate) client: Dialect,
}

impl Pair {
    /// All of them; those of one provider stand together.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let of = |provider| samples::DIALECTS.into_iter().map(move |client| Self { provider, client });
        samples::DIALECTS.into_iter().flat_map(of)
    }

    /// The model that the client asks for.
    pub(crate) fn model(self) -> String {
        model(self.provider)
    }

    /// The request, as sent.
    pub(crate) fn request(self, host: &str, key: &str) -> Vec<u8> {
        let model = self.model();
        let text = "Which entry is wrong, and why? Name the account by its number. ".repeat(12);
        let (path, body) = match self.client {
            Dialect::Openai => (
                "/v1/chat/completions".to_owned(),
                format!(r#"{{"model":"{model}","stream":true,"messages":[{{"role":"user","content":"{text}"}}]}}"#),
            ),
            Dialect::Responses => {
                ("/v1/responses".to_owned(), format!(r#"{{"model":"{model}","stream":true,"input":"{text}"}}"#))
            }
            Dialect::Anthropic => (
                "/v1/messages".to_owned(),
                format!(
                    r#"{{"model":"{model}","stream":true,"max_tokens":512,"messages":[{{"role":"user","content":"{text}"}}]}}"#
                ),
            ),
            Dialect::Gemini | Dialect::Bedrock => (
                format!("/v1beta/models/{model}:streamGenerateContent?alt=sse"),
                format!(r#"{{"contents":[{{"role":"user","parts":[{{"text":"{text}"}}]}}]}}"#),
            ),
        };
        format!(
            "POST {path} HTTP/1.1\r\nhost: {host}\r\naccept: */*\r\ncontent-type: application/json\r\n\
             authorization: Bearer {key}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }

    /// The least bytes of a whole answer. An answer that breaks off in the middle has fewer.
    pub(crate) const fn answer_bytes_min() -> usize {
        PIECES * 4 / 5 * EVENT_BYTES_MIN
    }
}

/// The name of the model that a provider of this dialect serves.
pub(crate) fn model(provider: Dialect) -> String {
    format!("{MODEL}{}", provider.name())
}

/// Where a provider of this dialect is asked, below its address.
pub(crate) const fn base_path(provider: Dialect) -> &'static str {
    match provider {
        Dialect::Gemini => "/v1beta",
        _ => "/v1",
    }
}

/// The dialect of the path of a request that such a provider gets.
pub(crate) fn dialect_of(path: &str) -> Dialect {
    match path {
        _ if path.ends_with("/messages") => Dialect::Anthropic,
        _ if path.ends_with("/responses") => Dialect::Responses,
        _ if path.contains(":streamGenerateContent") => Dialect::Gemini,
        _ => Dialect::Openai,
    }
}

/// Whether a request is for such a stream.
pub(crate) fn is_asked(path: &str, body: &[u8]) -> bool {
    path.contains(MODEL) || memchr::memmem::find(body, MODEL.as_bytes()).is_some()
}

/// Events of a provider's stream.
pub(crate) fn events(provider: Dialect) -> usize {
    samples::stream(provider, Content::Mixed, PIECES).len()
}

/// A provider's stream, write by write, without its framing.
pub(crate) fn writes(provider: Dialect) -> Vec<String> {
    let events = samples::stream(provider, Content::Mixed, PIECES);
    events.chunks(EVENTS_PER_WRITE).map(<[String]>::concat).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_any_pair_is_for_the_providers_stream() {
        for pair in Pair::all() {
            let request = String::from_utf8(pair.request("mock", "key")).unwrap();
            let (head, body) = request.split_once("\r\n\r\n").unwrap();
            let path = head.split(' ').nth(1).unwrap();
            assert!(is_asked(path, body.as_bytes()), "{pair:?}");
            assert_eq!(dialect_of(path.split('?').next().unwrap()), pair.client);
            serde_json::from_str::<serde_json::Value>(body).unwrap();
        }
        assert_eq!(Pair::all().count(), 16);
    }

    #[test]
    fn a_whole_stream_has_more_bytes_than_the_bound() {
        for dialect in samples::DIALECTS {
            assert!(writes(dialect).concat().len() > Pair::answer_bytes_min());
        }
    }
}
