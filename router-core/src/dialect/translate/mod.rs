//! From the client's dialect to the provider's, and back.
//!
//! [`request`] turns a client's body into a provider's and gives the [`Translator`] that will turn the answer round: as
//! a document, or as a [`StreamTranslation`]. Both ways lead through [`crate::chat`]; what the provider's dialect cannot
//! say is named.

mod emulated;
mod estimate;
mod name_tables;
mod names;
mod stream;
mod writer;

use serde_json::Value;

use super::{Frame, Invalid, Target, Written, anthropic, bedrock, gemini, openai, responses};
use crate::chat::{ChatRequest, ChatResponse, Losses, check_history, join_turns};
use crate::domain::{Dialect, UsageReport};

pub use estimate::estimate;
pub use stream::{BadStream, StreamTranslation};
pub use writer::Writer;

/// A client's request, and whom it is for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The dialect of the client.
    pub client: Dialect,
    /// The dialect of the provider.
    pub provider: Dialect,
    /// The client's body.
    pub body: &'a [u8],
    /// The model that the client asked for.
    pub model: &'a str,
    /// What the request is written for.
    pub target: Target<'a>,
    /// Whether the client wants a stream, where its dialect says so in the address and not in the body.
    pub stream: Option<bool>,
    /// The client wants its stream as one JSON array (Gemini without `alt=sse`).
    pub as_array: bool,
    /// Letters and digits that no other request has.
    pub unique: &'a str,
    /// Now, in seconds of Unix time.
    pub created: u64,
}

/// A request for the provider.
#[derive(Debug)]
pub struct Outbound {
    /// Its body.
    pub body: Vec<u8>,
    /// What the provider's dialect cannot say.
    pub losses: Losses,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// For the answer.
    pub translator: Translator,
}

/// Turns an answer round.
#[derive(Clone, Debug)]
pub struct Translator {
    client: Dialect,
    provider: Dialect,
    frame: Frame,
    emulates_format: bool,
    stream: bool,
    as_array: bool,
}

/// Translates a request.
///
/// # Errors
/// When the body is not a request of the client's dialect, or cannot be made into one of the provider's: with the
/// member to blame.
pub fn request(ask: Ask<'_>) -> Result<Outbound, Invalid> {
    let body: Value = serde_json::from_slice(ask.body)
        .map_err(|error| Invalid::at("", format!("the body is not valid JSON: {error}")))?;
    let mut request = read_request(ask.client, body)?;
    check_history(&request).map_err(|bad| Invalid::at("", bad.to_string()))?;
    join_turns(&mut request);
    request.stream = ask.stream.unwrap_or(request.stream);
    let mut losses = Losses::default();
    let written = write_request(ask.provider, &request, &ask.target, &mut losses)?;
    let echo = match ask.client {
        Dialect::Responses => responses::echo(&request, &losses),
        _ => crate::chat::Extra::new(),
    };
    let frame = Frame {
        unique: ask.unique.to_owned(),
        created: ask.created,
        model: ask.model.to_owned(),
        include_usage: request.include_usage,
        echo,
    };
    let translator = Translator {
        client: ask.client,
        provider: ask.provider,
        frame,
        emulates_format: written.emulates_format,
        stream: request.stream,
        as_array: ask.as_array,
    };
    let losses = names::in_request(ask.client, ask.body, &request, &losses);
    Ok(Outbound { body: written.body.to_string().into_bytes(), losses, stream: request.stream, translator })
}

/// Makes a body of Anthropic's one for Vertex AI: the address names the model there, and the body the version.
pub fn for_vertex(body: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(mut members)) = serde_json::from_slice(body) else { return body.to_vec() };
    members.shift_remove("model");
    members.insert("anthropic_version".to_owned(), openai::VERTEX_VERSION.into());
    Value::Object(members).to_string().into_bytes()
}

fn read_request(dialect: Dialect, body: Value) -> Result<ChatRequest, Invalid> {
    match dialect {
        Dialect::Openai => openai::chat::read_request(body),
        Dialect::Responses => responses::read_request(body),
        Dialect::Anthropic => anthropic::read_request(body),
        Dialect::Gemini => gemini::read_request(body),
        Dialect::Bedrock => Err(Invalid::at("", "no client speaks this dialect")),
    }
}

fn write_request(
    dialect: Dialect,
    request: &ChatRequest,
    target: &Target<'_>,
    losses: &mut Losses,
) -> Result<Written, Invalid> {
    match dialect {
        Dialect::Openai => openai::chat::write_request(request, target, losses),
        Dialect::Responses => responses::write_request(request, target, losses),
        Dialect::Anthropic => anthropic::write_request(request, target, losses),
        Dialect::Gemini => gemini::write_request(request, target, losses),
        Dialect::Bedrock => bedrock::write_request(request, target, losses),
    }
}

/// Reads a provider's whole answer.
///
/// # Errors
/// When it is no answer of that dialect.
pub fn read_response(dialect: Dialect, body: Value) -> Result<ChatResponse, Invalid> {
    match dialect {
        Dialect::Openai => openai::chat::read_response(body),
        Dialect::Responses => responses::read_response(body),
        Dialect::Anthropic => anthropic::read_response(body),
        Dialect::Gemini => gemini::read_response(body),
        Dialect::Bedrock => bedrock::read_response(body),
    }
}

impl Translator {
    /// Leaves a stream's events as they are, and makes one JSON array of them.
    pub fn to_array(dialect: Dialect) -> Self {
        let frame = Frame::default();
        Self { client: dialect, provider: dialect, frame, emulates_format: false, stream: true, as_array: true }
    }

    /// Whether the answer is a stream.
    pub const fn streams(&self) -> bool {
        self.stream
    }

    /// Whether the client's stream is one JSON array.
    pub const fn as_array(&self) -> bool {
        self.as_array
    }

    /// Turns a whole answer round and appends it to `out`; gives what it used.
    ///
    /// # Errors
    /// When it is no answer of the provider's dialect.
    pub fn document(&self, body: &[u8], out: &mut Vec<u8>) -> Result<Option<UsageReport>, Invalid> {
        let body = serde_json::from_slice(body).map_err(|error| Invalid::at("", error.to_string()))?;
        let mut response = read_response(self.provider, body)?;
        if self.emulates_format {
            emulated::unwrap_response(&mut response);
        }
        let document = match self.client {
            Dialect::Openai => openai::chat::write_response(&response, &self.frame),
            Dialect::Responses => responses::write_response(&response, &self.frame),
            Dialect::Anthropic => anthropic::write_response(&response, &self.frame),
            Dialect::Gemini | Dialect::Bedrock => gemini::write_response(&response, &self.frame),
        };
        // Writing to memory cannot fail.
        let _ = serde_json::to_writer(out, &document);
        Ok(response.usage)
    }

    /// Turns a stream round.
    pub fn stream(&self) -> StreamTranslation {
        let writer = Writer::new(self.client, self.frame.clone(), self.as_array);
        StreamTranslation::new(self.provider, self.client, writer, self.emulates_format)
    }
}
