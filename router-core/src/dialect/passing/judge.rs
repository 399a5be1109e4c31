//! What one event of a stream says, in each dialect, as far as passing it on depends on it.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::json::{Span, each_member, unescape_bytes};

/// What an event says.
#[derive(Debug, Default)]
pub(super) struct Said<'d> {
    /// The answer is complete.
    pub(super) done: bool,
    /// With the end of the stream, the answer is complete.
    pub(super) ending: bool,
    /// The provider gives up.
    pub(super) error: bool,
    /// A usage object.
    pub(super) usage: Option<&'d [u8]>,
    /// There is nothing but usage in it.
    pub(super) only_usage: bool,
}

static USAGE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usage\""));
static USAGE_METADATA: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"usageMetadata\""));
static ERROR: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"error\""));
static RESPONSE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\"response.\""));

/// OpenAI's chat completions and completions.
pub(super) fn openai(data: &[u8]) -> Said<'_> {
    if data.trim_ascii() == b"[DONE]" {
        return Said { done: true, ..Said::default() };
    }
    let mut said = Said::default();
    if !may_report_usage(data) && ERROR.find(data).is_none() {
        return said;
    }
    let mut no_choices = false;
    let read = each_member(data, |key, span| {
        let value = span.of(data);
        match unescape_bytes(key.of(data)).as_deref() {
            Some(b"usage") => said.usage = value.starts_with(b"{").then_some(value),
            Some(b"choices") => no_choices = value[0] == b'[' && value[1..].trim_ascii_start() == b"]",
            Some(b"error") => said.error = matches!(value[0], b'{' | b'"'),
            _ => {}
        }
    });
    said.only_usage = no_choices && said.usage.is_some() && !said.error;
    if read.is_ok() { said } else { Said::default() }
}

/// Whether a look at the members is worth it: many providers send `"usage":null` with every chunk.
fn may_report_usage(data: &[u8]) -> bool {
    USAGE.find_iter(data).any(|at| {
        let rest = data[at + USAGE.needle().len()..].trim_ascii_start();
        rest.strip_prefix(b":").is_some_and(|value| value.trim_ascii_start().starts_with(b"{"))
    })
}

/// OpenAI's Responses: the last event has the whole response, usage included.
pub(super) fn responses(data: &[u8]) -> Said<'_> {
    let mut said = Said::default();
    if RESPONSE.find(data).is_none() && USAGE.find(data).is_none() && ERROR.find(data).is_none() {
        return said;
    }
    let (kind, response) = (member(data, b"type"), member(data, b"response"));
    match kind {
        Some(b"\"response.completed\"" | b"\"response.incomplete\"" | b"\"response.failed\"") => said.done = true,
        Some(b"\"error\"") => said.error = true,
        _ => return said,
    }
    said.usage = response.and_then(|response| member(response, b"usage")).filter(|usage| usage.starts_with(b"{"));
    said
}

/// Anthropic's Messages.
pub(super) fn anthropic(data: &[u8]) -> Said<'_> {
    let mut said = Said::default();
    let object = |value: &&[u8]| value.starts_with(b"{");
    match member(data, b"type") {
        Some(b"\"message_start\"") => {
            said.usage = member(data, b"message").and_then(|message| member(message, b"usage")).filter(object);
        }
        Some(b"\"message_delta\"") => said.usage = member(data, b"usage").filter(object),
        Some(b"\"message_stop\"") => said.done = true,
        Some(b"\"error\"") => said.error = true,
        _ => {}
    }
    said
}

/// Gemini's generateContent, which has no mark for the end: an answer is whole when the last chunk gave a reason and the
/// stream ended.
pub(super) fn gemini(data: &[u8]) -> Said<'_> {
    static FINISH: LazyLock<[Finder<'static>; 4]> = LazyLock::new(|| {
        [b"\"finishReason\"".as_slice(), b"\"finish_reason\"", b"\"blockReason\"", b"\"block_reason\""].map(Finder::new)
    });
    let has_usage = USAGE_METADATA.find(data).is_some();
    Said {
        ending: FINISH.iter().any(|finder| finder.find(data).is_some()),
        error: ERROR.find(data).is_some() && member(data, b"error").is_some_and(|error| error.starts_with(b"{")),
        usage: if has_usage { member(data, b"usageMetadata").filter(|usage| usage.starts_with(b"{")) } else { None },
        ..Said::default()
    }
}

/// The value of a member of the object that `text` is.
fn member<'t>(text: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let mut found: Option<Span> = None;
    each_member(text, |key, value| {
        if unescape_bytes(key.of(text)).as_deref() == Some(name) {
            found = Some(value);
        }
    })
    .ok()?;
    found.map(|span| span.of(text))
}
