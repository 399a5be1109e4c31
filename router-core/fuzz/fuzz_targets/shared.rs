//! What the targets of all dialects have in common.

#![allow(dead_code, reason = "each target uses its own part")]

use router_core::chat::{ChatRequest, ChatResponse, Losses, check_history};
use router_core::dialect::translate::{self, Ask, Translator};
use router_core::dialect::{Frame, Invalid, Quirks, Target, anthropic, bedrock, gemini, openai, responses};
use router_core::domain::Dialect;
use serde_json::Value;

pub const PROVIDERS: [Dialect; 5] =
    [Dialect::Openai, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini, Dialect::Bedrock];

const NARROW: &Quirks = &Quirks {
    max_tokens_only: true,
    no_developer_role: true,
    no_stream_options: true,
    no_json_schema: true,
    no_parallel_tool_calls: true,
    no_forced_tools: true,
    no_reasoning_effort: true,
    wants_reasoning_content: true,
};

/// A client's body: what can be read can be written for every provider, or is refused with a reason; what is written
/// for the client's own dialect can be read again, and then says the same.
pub fn request(client: Dialect, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let Ok(request) = read_request(client, body) else { return };
    let _ = check_history(&request);
    for provider in PROVIDERS {
        for (quirks, model) in [(&Quirks::default(), "m"), (NARROW, model(provider))] {
            let Ok(body) = write_request(provider, &request, &Target { model, quirks }) else { continue };
            let text = body.to_string();
            assert!(serde_json::from_str::<Value>(&text).is_ok_and(|body| body.is_object()), "{text}");
            // Only what its own dialect made is bound to be understood by it: others' words may be unknown to us.
            if provider == client && *quirks == Quirks::default() {
                let again = read_request(client, body.clone()).expect("what was written is a request");
                let target = Target { model, quirks };
                assert_eq!(write_request(provider, &again, &target).expect("it was written before"), body);
            }
        }
    }
}

/// A provider's answer: what can be read can be written for every client.
pub fn response(provider: Dialect, body: &[u8]) {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return };
    let Ok(response) = translate::read_response(provider, body) else { return };
    for client in Dialect::INGRESS {
        let text = write_response(client, &response).to_string();
        assert!(serde_json::from_str::<Value>(&text).is_ok_and(|body| body.is_object()), "{text}");
    }
}

/// Names that tell what a model can do.
fn model(provider: Dialect) -> &'static str {
    match provider {
        Dialect::Anthropic => "claude-opus-4-6",
        Dialect::Gemini => "gemini-3-pro-preview",
        Dialect::Bedrock => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        Dialect::Openai | Dialect::Responses => "gpt-5.1",
    }
}

fn read_request(client: Dialect, body: Value) -> Result<ChatRequest, Invalid> {
    match client {
        Dialect::Openai => openai::chat::read_request(body),
        Dialect::Responses => responses::read_request(body),
        Dialect::Anthropic => anthropic::read_request(body),
        Dialect::Gemini | Dialect::Bedrock => gemini::read_request(body),
    }
}

fn write_request(provider: Dialect, request: &ChatRequest, target: &Target<'_>) -> Result<Value, Invalid> {
    let losses = &mut Losses::default();
    let written = match provider {
        Dialect::Openai => openai::chat::write_request(request, target, losses),
        Dialect::Responses => responses::write_request(request, target, losses),
        Dialect::Anthropic => anthropic::write_request(request, target, losses),
        Dialect::Gemini => gemini::write_request(request, target, losses),
        Dialect::Bedrock => bedrock::write_request(request, target, losses),
    };
    written.map(|written| written.body)
}

fn write_response(client: Dialect, response: &ChatResponse) -> Value {
    let frame = Frame { unique: "A1".to_owned(), model: "asked-model".to_owned(), ..Frame::default() };
    match client {
        Dialect::Openai => openai::chat::write_response(response, &frame),
        Dialect::Responses => responses::write_response(response, &frame),
        Dialect::Anthropic => anthropic::write_response(response, &frame),
        Dialect::Gemini | Dialect::Bedrock => gemini::write_response(response, &frame),
    }
}

/// Who turns answers of `provider` round for `client`.
pub fn translator(client: Dialect, provider: Dialect, as_array: bool) -> Translator {
    let body = match client {
        Dialect::Openai | Dialect::Anthropic => {
            r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]}"#
        }
        Dialect::Responses => r#"{"model":"m","input":"x"}"#,
        Dialect::Gemini | Dialect::Bedrock => r#"{"contents":[{"role":"user","parts":[{"text":"x"}]}]}"#,
    };
    let ask = Ask {
        client,
        provider,
        body: body.as_bytes(),
        model: "asked-model",
        target: Target { model: model(provider), quirks: &Quirks::default() },
        stream: Some(true),
        as_array,
        unique: "A1",
        created: 1_763_974_800,
    };
    translate::request(ask).expect("a plain request can be translated").translator
}
