//! A provider's seals on its thoughts and calls come back to it byte for byte, whatever dialect the client speaks.
//!
//! A provider answers with seals, as a document and as a stream. The client gets it in its own dialect, keeps of it what
//! the vendor's own SDK would keep, and sends that with its next turn. What is then written for the provider must have
//! the seals where the provider put them.

#[path = "seals/client.rs"]
mod client;
#[path = "seals/provider.rs"]
mod provider;

use provider::Answer;
use router_core::dialect::translate::{self, Ask, Outbound};
use router_core::dialect::{Quirks, Target};
use router_core::domain::Dialect;
use serde_json::Value;

fn translated(client: Dialect, provider: Dialect, request: &Value, stream: bool) -> Outbound {
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
    let body = request.to_string();
    let ask = Ask {
        client,
        provider,
        body: body.as_bytes(),
        model: "asked-model",
        target: Target { model: provider::model(provider), quirks: QUIRKS },
        stream: Some(stream),
        as_array: false,
        unique: "A1",
        created: 1_763_974_800,
    };
    translate::request(ask).expect("the client's own form")
}

/// What the client keeps of an answer.
fn kept(client: Dialect, provider: Dialect, answer: &Answer, stream: bool) -> Vec<Value> {
    let translator = translated(client, provider, &client::request(client, &[]), stream).translator;
    let mut out = Vec::new();
    if !stream {
        translator.document(answer.document.to_string().as_bytes(), &mut out).expect("an answer");
        return client::kept(client, serde_json::from_slice(&out).expect("JSON"));
    }
    let mut translation = translator.stream();
    let used = translation.push(answer.stream.as_bytes(), &mut out).expect("a stream");
    assert!(translation.finish(&answer.stream.as_bytes()[used..], &mut out), "the stream is complete");
    client::kept_of_stream(client, &String::from_utf8(out).expect("text"))
}

fn come_back(client: Dialect, provider: Dialect) {
    for answer in provider::answers(provider) {
        for stream in [false, true] {
            let turns = kept(client, provider, &answer, stream);
            let request = client::request(client, &turns);
            let outbound = translated(client, provider, &request, stream);
            let body = serde_json::from_slice(&outbound.body).expect("JSON");
            let about = format!("{} (stream: {stream}):\n{request:#}\nbecame\n{body:#}", answer.name);
            assert_eq!(provider::seals(provider, &body), answer.seals, "{about}");
            let lost = outbound.losses.iter().any(|loss| loss.ends_with(".signature"));
            assert!(!lost, "{}: {about}", outbound.losses);
        }
    }
}

#[test]
fn what_was_shown_of_a_sealed_item_comes_back_as_its_summary() {
    let answers = provider::answers(Dialect::Responses);
    let documents = Dialect::INGRESS.into_iter().map(|client| (client, false));
    let streams = [Dialect::Responses, Dialect::Anthropic, Dialect::Gemini].map(|client| (client, true));
    for (client, stream) in documents.chain(streams) {
        let request = client::request(client, &kept(client, Dialect::Responses, &answers[0], stream));
        let outbound = translated(client, Dialect::Responses, &request, stream);
        let body: Value = serde_json::from_slice(&outbound.body).expect("JSON");
        assert_eq!(provider::summaries(&body), ["Look it up.\n\nThen say."], "{request:#}");
    }
}

macro_rules! pairs {
    ($($name:ident: $client:ident, $provider:ident;)*) => {
        $(
            #[test]
            fn $name() {
                come_back(Dialect::$client, Dialect::$provider);
            }
        )*
    };
}

pairs! {
    openai_clients_keep_openais: Openai, Openai;
    openai_clients_keep_responses: Openai, Responses;
    openai_clients_keep_anthropics: Openai, Anthropic;
    openai_clients_keep_geminis: Openai, Gemini;
    responses_clients_keep_openais: Responses, Openai;
    responses_clients_keep_responses: Responses, Responses;
    responses_clients_keep_anthropics: Responses, Anthropic;
    responses_clients_keep_geminis: Responses, Gemini;
    anthropic_clients_keep_openais: Anthropic, Openai;
    anthropic_clients_keep_responses: Anthropic, Responses;
    anthropic_clients_keep_anthropics: Anthropic, Anthropic;
    anthropic_clients_keep_geminis: Anthropic, Gemini;
    gemini_clients_keep_openais: Gemini, Openai;
    gemini_clients_keep_responses: Gemini, Responses;
    gemini_clients_keep_anthropics: Gemini, Anthropic;
    gemini_clients_keep_geminis: Gemini, Gemini;
}
