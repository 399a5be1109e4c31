//! Every way in which a request is refused, as the status and body that the caller's SDK understands, in the dialect of
//! the endpoint that it called.
//!
//! The only file of the data plane in which a failure becomes a status code. The table is docs/errors.md; codes are
//! stable, messages say what to do next, and nothing of a provider's or our own secrets is in them.

use std::time::Duration;

use router_core::chat::Losses;
use router_core::dialect::openai::{BadBody, ProviderError};
use router_core::dialect::{Complaint, Failure, Invalid, anthropic, gemini, openai, responses};
use router_core::domain::Dialect;
use router_core::exchange::UpstreamFault;
use router_core::plan::{NoRoute, Unfit};

use crate::http1::{BodyError, HeadError};
use crate::route::NoEndpoint;
use crate::stage::authenticate::Unauthenticated;

/// A request that gets an error for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: u16,
    /// OpenAI's `error.type`.
    kind: &'static str,
    /// OpenAI's `error.code`: stable.
    pub(crate) code: Box<str>,
    message: Box<str>,
    param: Option<Box<str>>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    /// Who refused, where a client must know.
    source: Option<&'static str>,
}

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";

impl Refusal {
    fn new(status: u16, kind: &'static str, code: &str, message: impl Into<Box<str>>) -> Self {
        Self {
            status,
            kind,
            code: code.into(),
            message: message.into(),
            param: None,
            retry_after: None,
            allow: None,
            source: None,
        }
    }

    /// The HTTP status in this dialect.
    pub(crate) const fn status(&self, dialect: Dialect) -> u16 {
        match (dialect, self.status) {
            // Anthropic's own, which its SDKs know.
            (Dialect::Anthropic, 503) => 529,
            (_, status) => status,
        }
    }

    /// The same in the dialect's words.
    pub(crate) fn failure<'f>(&'f self, dialect: Dialect, request_id: &'f str) -> Failure<'f> {
        Failure {
            status: self.status(dialect),
            kind: match dialect {
                Dialect::Openai | Dialect::Responses | Dialect::Bedrock => self.kind,
                Dialect::Anthropic => anthropic::error_kind(self.status),
                Dialect::Gemini => gemini::error_kind(self.status),
            },
            code: &self.code,
            message: &self.message,
            param: self.param.as_deref(),
            source: self.source,
            request_id,
        }
    }

    /// The error object, as JSON.
    pub(crate) fn body(&self, dialect: Dialect, request_id: &str) -> Vec<u8> {
        let failure = self.failure(dialect, request_id);
        let document = match dialect {
            Dialect::Openai | Dialect::Bedrock => openai::chat::write_error(&failure),
            Dialect::Responses => responses::write_error(&failure),
            Dialect::Anthropic => anthropic::write_error(&failure),
            Dialect::Gemini => gemini::write_error(&failure),
        };
        document.to_string().into_bytes()
    }

    /// Header lines that belong to this refusal.
    pub(crate) fn write_lines(&self, lines: &mut Vec<u8>) {
        lines.extend_from_slice(b"content-type: application/json\r\n");
        if let Some(allow) = self.allow {
            lines.extend_from_slice(format!("allow: {allow}\r\n").as_bytes());
        }
        if let Some(after) = self.retry_after {
            let seconds = after.as_millis().div_ceil(1000);
            let text = format!("retry-after: {seconds}\r\nretry-after-ms: {}\r\n", after.as_millis());
            lines.extend_from_slice(text.as_bytes());
        }
        if self.status == 401 {
            lines.extend_from_slice(b"www-authenticate: Bearer\r\n");
        }
    }

    /// A body over the bound.
    pub(crate) fn body_too_large(bytes_max: usize) -> Self {
        let message = format!("The request body is larger than {bytes_max} bytes, the most this gateway accepts.");
        Self::new(413, INVALID, "request_too_large", message)
    }

    /// A body whose encoding we do not read.
    pub(crate) fn encoded_body(encoding: &str) -> Self {
        let encoding: String = encoding.chars().filter(char::is_ascii_graphic).take(40).collect();
        let message = format!("The request body is encoded as {encoding:?}. Send it without a content encoding.");
        Self::new(415, INVALID, "unsupported_content_encoding", message)
    }

    /// A head or body that did not arrive in time.
    pub(crate) fn too_slow(what: &str) -> Self {
        Self::new(408, INVALID, "request_timeout", format!("The request's {what} did not arrive in time."))
    }

    /// A body that is not framed as HTTP wants it.
    pub(crate) fn bad_framing(error: BodyError) -> Self {
        Self::new(400, INVALID, "bad_request", format!("The request body could not be read: {error}."))
    }

    /// A body that is no request of the caller's dialect, or cannot be said in the provider's.
    pub(crate) fn invalid(invalid: &Invalid) -> Self {
        let param = (!invalid.path.is_empty()).then(|| invalid.path.as_str().into());
        Self { param, ..Self::new(400, INVALID, "invalid_value", invalid.to_string()) }
    }

    /// The key wants everything or nothing, and the provider's dialect cannot say everything.
    pub(crate) fn lossy(losses: &Losses) -> Self {
        let message = format!(
            "The provider of this model cannot express: {losses}. Leave that out, or ask for another model. (This key \
             refuses requests that would lose something.)"
        );
        let param = losses.iter().next().map(Into::into);
        Self { param, ..Self::new(400, INVALID, "unsupported_parameter", message) }
    }

    /// The provider of this model has nothing like the endpoint that was called.
    pub(crate) fn no_such_endpoint(model: &str) -> Self {
        let model: String = model.chars().take(200).collect();
        let message = format!("The provider of the model {model:?} has no such endpoint. Ask for another model.");
        Self { param: Some("model".into()), ..Self::new(400, INVALID, "unsupported_endpoint", message) }
    }

    /// Something is to be remembered between requests, which this gateway does not do.
    pub(crate) fn stateful(member: &'static str) -> Self {
        let message = format!(
            "{member:?} is not supported: nothing is remembered between requests here. Send the whole conversation as \
             \"input\", with encrypted reasoning items if there are any."
        );
        Self { param: Some(member.into()), ..Self::new(400, INVALID, "unsupported_parameter", message) }
    }

    /// The gateway has no credential that its provider would take.
    pub(crate) fn no_access() -> Self {
        let message = "This gateway has no valid credential for the provider. Tell whoever runs the gateway.";
        Self::new(502, SERVER, "provider_unavailable", message)
    }

    /// Every deployment of the model is at its provider's limit, and waiting would only make a queue.
    pub(crate) fn no_room(retry_after: Duration) -> Self {
        let message = "All deployments of this model are at their limits. Try again later.";
        Self {
            source: Some("provider"),
            retry_after: Some(retry_after),
            ..Self::new(429, "requests", "rate_limit_exceeded", message)
        }
    }

    /// Every deployment of the model failed lately, and is left alone for a while.
    pub(crate) fn out_of_order(retry_after: Duration) -> Self {
        let message = "No deployment of this model works at the moment. Try again later.";
        Self { retry_after: Some(retry_after), ..Self::new(503, SERVER, "provider_unavailable", message) }
    }

    /// No deployment of the model can serve such a request.
    pub(crate) fn unfit(unfit: Unfit) -> Self {
        let code = match unfit {
            Unfit::NoCandidate => "model_not_found",
            Unfit::Lacks(_) => "unsupported_parameter",
            Unfit::TooLong { .. } => "context_length_exceeded",
        };
        Self { param: Some("model".into()), ..Self::new(400, INVALID, code, format!("{}.", capitalised(&unfit))) }
    }

    /// Keys cannot be recognised yet.
    pub(crate) fn no_snapshot() -> Self {
        let mut refusal = Self::new(503, SERVER, "starting", "The gateway has not loaded its keys yet. Try again.");
        refusal.retry_after = Some(Duration::from_secs(1));
        refusal
    }

    /// A refusal by the provider: what it says is passed on where it concerns the caller's request, and kept from the
    /// caller where it concerns our account.
    pub(crate) fn from_provider(
        status: u16,
        error: Option<ProviderError>,
        retry_after: Option<Duration>,
        redact: impl Fn(&str) -> String,
    ) -> Self {
        let mut refusal = match status {
            400 | 404 | 409 | 413 | 415 | 422 => return Self::callers_fault(status, error.unwrap_or_default(), redact),
            429 => Self {
                source: Some("provider"),
                ..Self::new(
                    429,
                    "requests",
                    "rate_limit_exceeded",
                    "The provider's rate limit is used up. Try again later.",
                )
            },
            401..=403 => Self::new(
                502,
                SERVER,
                "provider_unavailable",
                "The provider did not accept this gateway's credential. Tell whoever runs the gateway.",
            ),
            408 | 504 => Self::new(504, SERVER, "timeout", "The provider did not answer in time. Try again."),
            503 | 529 => Self::new(503, SERVER, "provider_overloaded", "The provider is overloaded. Try again later."),
            _ => Self::new(502, SERVER, "provider_unavailable", "The provider could not serve the request. Try again."),
        };
        refusal.retry_after = retry_after;
        refusal
    }

    fn callers_fault(status: u16, error: ProviderError, redact: impl Fn(&str) -> String) -> Self {
        let message = error.message.as_deref().map(&redact);
        let message = message.unwrap_or_else(|| "The provider refused the request without saying why.".to_owned());
        let mut refusal = Self::new(status, INVALID, "invalid_value", message);
        refusal.param = error.param.as_deref().map(|param| redact(param).into());
        if let Some(code) = error.code.or(error.kind) {
            refusal.code = redact(&code).into();
        }
        if status == 400 && tells_of_a_full_context(&refusal.message) {
            refusal.code = "context_length_exceeded".into();
        }
        refusal
    }
}

impl From<HeadError> for Refusal {
    fn from(error: HeadError) -> Self {
        let message = format!("The request could not be read: {error}.");
        match error {
            HeadError::TooLarge => Self::new(431, INVALID, "header_too_large", message),
            HeadError::Malformed(_) => Self::new(400, INVALID, "bad_request", message),
            HeadError::UnknownCoding => Self::new(400, INVALID, "bad_request", message),
            HeadError::Version => Self::new(505, INVALID, "http_version_not_supported", message),
        }
    }
}

impl From<NoEndpoint> for Refusal {
    fn from(missing: NoEndpoint) -> Self {
        match missing {
            NoEndpoint::UnknownPath => {
                let message = "There is no such endpoint. Check the base URL: for OpenAI's SDKs it ends in /v1.";
                Self::new(404, INVALID, "unknown_url", message)
            }
            NoEndpoint::WrongMethod(expected) => {
                let message = format!("This endpoint answers {expected} requests only.");
                Self { allow: Some(expected), ..Self::new(405, INVALID, "method_not_allowed", message) }
            }
        }
    }
}

impl From<Unauthenticated> for Refusal {
    fn from(error: Unauthenticated) -> Self {
        Self::new(401, INVALID, "invalid_api_key", error.to_string())
    }
}

impl From<&BadBody> for Refusal {
    fn from(error: &BadBody) -> Self {
        let param = error.param().map(Into::into);
        Self { param, ..Self::new(400, INVALID, "invalid_value", error.to_string()) }
    }
}

impl Refusal {
    /// No deployment may serve the model that was asked for.
    pub(crate) fn no_route(why: NoRoute, model: &str) -> Self {
        let model: String = model.chars().take(200).collect();
        let refusal = match why {
            NoRoute::UnknownModel => {
                let message = format!("The model {model:?} does not exist here. GET /v1/models lists those that do.");
                Self::new(404, INVALID, "model_not_found", message)
            }
            NoRoute::ModelNotAllowed => {
                Self::new(403, INVALID, "model_not_allowed", format!("This key may not use the model {model:?}."))
            }
        };
        Self { param: Some("model".into()), ..refusal }
    }
}

impl From<UpstreamFault> for Refusal {
    fn from(fault: UpstreamFault) -> Self {
        match fault {
            UpstreamFault::NoAccess => return Self::no_access(),
            UpstreamFault::Reported(Complaint::Overloaded) => {
                return Self::from_provider(503, None, None, str::to_owned);
            }
            UpstreamFault::Reported(Complaint::RateLimited) => {
                return Self::from_provider(429, None, None, str::to_owned);
            }
            _ => {}
        }
        if fault.is_timeout() {
            Self::new(504, SERVER, "timeout", format!("{}. Try again.", capitalised(&fault)))
        } else {
            Self::new(502, SERVER, "provider_unavailable", format!("{}. Try again.", capitalised(&fault)))
        }
    }
}

/// Whether a provider's message is about a prompt that is too long: only OpenAI has a code for it.
fn tells_of_a_full_context(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["prompt is too long", "maximum context length", "exceeds the maximum number of tokens", "input is too long"]
        .iter()
        .any(|words| message.contains(words))
}

fn capitalised(why: &impl ToString) -> String {
    let text = why.to_string();
    text[..1].to_uppercase() + &text[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider_error(message: &str) -> Option<ProviderError> {
        Some(ProviderError { message: Some(message.to_owned()), ..ProviderError::default() })
    }

    #[test]
    fn what_a_provider_says_about_our_account_stays_here() {
        for status in [401, 402, 403, 500, 503, 302] {
            let refusal = Refusal::from_provider(status, provider_error("bad key sk-canary"), None, str::to_owned);
            let body = String::from_utf8(refusal.body(Dialect::Openai, "req_1")).expect("JSON is UTF-8");
            assert!(!body.contains("canary") && refusal.status >= 500, "{status}: {body}");
        }
    }

    #[test]
    fn what_a_provider_says_about_the_request_is_passed_on_without_our_secret() {
        let redact = |text: &str| text.replace("sk-canary", "[redacted]");
        let refusal = Refusal::from_provider(400, provider_error("too long, sk-canary"), None, redact);
        let body: serde_json::Value = serde_json::from_slice(&refusal.body(Dialect::Openai, "req_1")).expect("JSON");
        assert_eq!(body["error"]["message"], "too long, [redacted]");
        assert_eq!((refusal.status, &body["error"]["type"]), (400, &INVALID.into()));
    }

    #[test]
    fn what_a_provider_reports_inside_of_an_answer_is_told_like_its_status() {
        for (complaint, status, code) in [
            (Complaint::Overloaded, 503, "provider_overloaded"),
            (Complaint::RateLimited, 429, "rate_limit_exceeded"),
            (Complaint::Other, 502, "provider_unavailable"),
        ] {
            let refusal = Refusal::from(UpstreamFault::Reported(complaint));
            assert_eq!((refusal.status, &*refusal.code), (status, code));
        }
    }

    #[test]
    fn a_providers_rate_limit_says_whose_it_is_and_when_to_come_back() {
        let refusal = Refusal::from_provider(429, None, Some(Duration::from_millis(1500)), str::to_owned);
        let body: serde_json::Value = serde_json::from_slice(&refusal.body(Dialect::Openai, "req_1")).expect("JSON");
        assert_eq!(body["error"]["metadata"]["source"], "provider");
        let mut lines = Vec::new();
        refusal.write_lines(&mut lines);
        let lines = String::from_utf8(lines).expect("ASCII");
        assert!(lines.contains("retry-after: 2\r\nretry-after-ms: 1500\r\n"), "{lines}");
    }
}
