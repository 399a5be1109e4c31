//! What is sent to a provider: the caller's own bytes with as few of them exchanged as possible, or, where the provider
//! speaks another dialect, their translation.

use bytes::Bytes;
use router_core::chat::{self, Losses};
use router_core::dialect::Target as Addressee;
use router_core::dialect::openai::{Edits, Peek};
use router_core::dialect::translate::{self, Ask, Translator};
use router_core::domain::{Address, Dialect, Timestamp};

use crate::http1::RequestHead;
use crate::request_id::RequestIdText;
use crate::respond::Refusal;
use crate::route::{Asked, Inference};
use crate::upstream::{Endpoint, Outgoing};
use crate::world::Target;

/// The version of Anthropic's API that knows every member; newer ones refuse some.
const ANTHROPIC_VERSION: &str = "2023-06-01";
/// Longest value of a client's header that is passed on.
const PASSED_BYTES_MAX: usize = 1024;

/// Headers of a client that a provider of its dialect is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Passed {
    anthropic_version: Option<Box<str>>,
    anthropic_beta: Option<Box<str>>,
    openai_beta: Option<Box<str>>,
}

impl Passed {
    pub(crate) fn of(head: &RequestHead<'_>) -> Self {
        let clean =
            |value: &&str| value.len() <= PASSED_BYTES_MAX && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let take = |value: Option<&str>| value.filter(clean).map(Box::from);
        Self {
            anthropic_version: take(head.anthropic_version),
            anthropic_beta: take(head.anthropic_beta),
            openai_beta: take(head.openai_beta),
        }
    }
}

/// A request on its way, and what was changed in it.
pub(crate) struct Prepared {
    pub(crate) outgoing: Outgoing,
    /// Whether a stream was asked for.
    pub(crate) stream: bool,
    /// Whether we asked for usage that the client did not ask for.
    pub(crate) strip_usage: bool,
    /// Turns the answer round, where the provider speaks another dialect.
    pub(crate) translator: Option<Box<Translator>>,
    /// What the provider's dialect cannot say.
    pub(crate) losses: Losses,
}

/// A client's body.
#[derive(Clone, Copy)]
pub(crate) struct Body<'b> {
    /// All of it.
    pub(crate) bytes: &'b [u8],
    /// The same memory, shared, when the body is too large to be copied; else empty.
    pub(crate) shared: &'b Bytes,
}

/// A request, as far as it is understood.
pub(crate) struct Request<'r> {
    pub(crate) asked: &'r Asked,
    pub(crate) body: Body<'r>,
    pub(crate) peek: &'r Peek<'r>,
    /// The model's name at the provider.
    pub(crate) model: &'r str,
    pub(crate) passed: &'r Passed,
    pub(crate) id: &'r RequestIdText,
    pub(crate) at: Timestamp,
}

/// Puts the request for a target together.
pub(crate) fn prepare(wire: Vec<u8>, target: &Target, request: &Request<'_>) -> Result<Prepared, Refusal> {
    let inference = request.asked.inference;
    let client = inference.dialect();
    let provider = target.upstream.provider.dialect_for(client);
    let translates = provider != client || carries_foreign_seals(client, inference, request);
    let stream = request.asked.stream.unwrap_or(request.peek.stream);
    match Endpoint::of(inference, provider, stream) {
        Some(endpoint) if !translates => Ok(pass_on(wire, target, request, endpoint, stream)),
        Some(_) if inference.is_chat() => translate(wire, target, request, provider),
        _ => Err(Refusal::no_such_endpoint(&request.peek.model)),
    }
}

fn pass_on(wire: Vec<u8>, target: &Target, request: &Request<'_>, endpoint: Endpoint, stream: bool) -> Prepared {
    let (peek, body) = (request.peek, request.body);
    let knows_usage_chunk = !target.upstream.provider.style.quirks.no_stream_options;
    let strip_usage = request.asked.inference.has_usage_chunk() && stream && !peek.include_usage && knows_usage_chunk;
    let mut edits = Edits::new(body.bytes, peek);
    // Gemini names the model in the address only.
    let in_body = request.asked.inference.dialect() != Dialect::Gemini;
    if endpoint == Endpoint::Messages && on_vertex(target) {
        edits = edits.for_vertex();
    } else if in_body && (request.asked.model.is_some() || peek.model != request.model) {
        edits = edits.model(request.model);
    }
    if strip_usage {
        edits = edits.include_usage();
    }
    let mut head = wire;
    target.upstream.start_head(&mut head, endpoint, request.model, stream);
    push_passed(&mut head, endpoint, request, on_vertex(target));
    let outgoing = Outgoing::new(head, edits.len(), edits.segments(), body.shared);
    // The provider streams events in any case; the client may want them as one array.
    let translator = request.asked.as_array.then(|| Box::new(Translator::to_array(Dialect::Gemini)));
    Prepared { outgoing, stream, strip_usage, translator, losses: Losses::default() }
}

fn translate(wire: Vec<u8>, target: &Target, request: &Request<'_>, provider: Dialect) -> Result<Prepared, Refusal> {
    let unique: String = request.id.as_str().chars().filter(char::is_ascii_alphanumeric).collect();
    let outbound = translate::request(Ask {
        client: request.asked.inference.dialect(),
        provider,
        body: request.body.bytes,
        model: &request.peek.model,
        target: Addressee { model: request.model, quirks: &target.upstream.provider.style.quirks },
        stream: request.asked.stream,
        as_array: request.asked.as_array,
        unique: unique.strip_prefix("req").unwrap_or(&unique),
        created: u64::try_from(request.at.0 / 1_000_000).unwrap_or(0),
    })
    .map_err(|invalid| Refusal::invalid(&invalid))?;
    let endpoint = Endpoint::of(request.asked.inference, provider, outbound.stream)
        .ok_or_else(|| Refusal::no_such_endpoint(&request.peek.model))?;
    let body = match on_vertex(target) && provider == Dialect::Anthropic {
        true => translate::for_vertex(&outbound.body),
        false => outbound.body,
    };
    let mut head = wire;
    target.upstream.start_head(&mut head, endpoint, request.model, outbound.stream);
    // A request that was only rid of what is not the provider's gets the provider's own bytes for an answer.
    let answers_alike = provider == request.asked.inference.dialect() && !request.asked.as_array;
    if answers_alike {
        push_passed(&mut head, endpoint, request, on_vertex(target));
    } else if endpoint.is_anthropic() && !on_vertex(target) {
        push_line(&mut head, "anthropic-version", ANTHROPIC_VERSION);
    }
    let translator = (!answers_alike).then(|| Box::new(outbound.translator));
    let outgoing = Outgoing::owned(head, body);
    Ok(Prepared { outgoing, stream: outbound.stream, strip_usage: false, translator, losses: outbound.losses })
}

/// Whether the conversation began at another provider, whose seals this one would refuse. Not looked for in Chat
/// Completions, which has no such seals of its own.
fn carries_foreign_seals(client: Dialect, inference: Inference, request: &Request<'_>) -> bool {
    inference.is_chat() && client != Dialect::Openai && chat::carries_foreign_seals(client, request.body.bytes)
}

/// Appends the headers of the client that this provider may see. No other header of a client's reaches a provider.
fn push_passed(head: &mut Vec<u8>, endpoint: Endpoint, request: &Request<'_>, on_vertex: bool) {
    let passed = request.passed;
    if endpoint.is_anthropic() && on_vertex {
        // The version stands in the body there.
    } else if endpoint.is_anthropic() {
        let asked = passed.anthropic_version.as_deref().filter(|_| !request.peek.is_sampled);
        push_line(head, "anthropic-version", asked.unwrap_or(ANTHROPIC_VERSION));
        if let Some(beta) = &passed.anthropic_beta {
            push_line(head, "anthropic-beta", beta);
        }
    } else if let Some(beta) = &passed.openai_beta
        && matches!(request.asked.inference.dialect(), Dialect::Openai | Dialect::Responses)
    {
        push_line(head, "openai-beta", beta);
    }
}

/// Whether the provider is Vertex AI, where Anthropic's requests look a little different.
fn on_vertex(target: &Target) -> bool {
    target.upstream.provider.style.address == Address::Vertex
}

fn push_line(head: &mut Vec<u8>, name: &str, value: &str) {
    for part in [name, ": ", value, "\r\n"] {
        head.extend_from_slice(part.as_bytes());
    }
}
