//! Any conversation: what a dialect can say comes back as it was, and what another cannot is named.

use proptest::prelude::*;
use router_core::chat::{ChatRequest, Losses};
use router_core::dialect::{Invalid, Quirks, Target, anthropic, bedrock, gemini, openai, responses};
use router_core::domain::Dialect;
use serde_json::{Value, json};

use super::facts::missing;
use super::relay::PROVIDERS;
use super::talk::talk;

fn read(dialect: Dialect, body: &Value) -> Result<ChatRequest, Invalid> {
    let body = body.clone();
    match dialect {
        Dialect::Openai => openai::chat::read_request(body),
        Dialect::Responses => responses::read_request(body),
        Dialect::Anthropic => anthropic::read_request(body),
        Dialect::Gemini => gemini::read_request(body),
        Dialect::Bedrock => unreachable!("no client speaks it"),
    }
}

fn write(dialect: Dialect, request: &ChatRequest) -> (Result<Value, Invalid>, Losses) {
    let quirks = Quirks::default();
    let (mut losses, quirks) = (Losses::default(), &quirks);
    let target = |model| Target { model, quirks };
    let written = match dialect {
        Dialect::Openai => openai::chat::write_request(request, &target("gpt-5.1"), &mut losses),
        Dialect::Responses => responses::write_request(request, &target("gpt-5.1"), &mut losses),
        Dialect::Anthropic => anthropic::write_request(request, &target("claude-sonnet-4-5"), &mut losses),
        Dialect::Gemini => gemini::write_request(request, &target("gemini-2.5-pro"), &mut losses),
        Dialect::Bedrock => bedrock::write_request(request, &target("anthropic.claude-sonnet-4-5"), &mut losses),
    };
    (written.map(|written| written.body), losses)
}

/// Says a conversation in a dialect. Whatever the dialect can say, it says the same way once it was read.
fn told(dialect: Dialect, request: &ChatRequest) -> Result<(ChatRequest, Losses), TestCaseError> {
    let (body, losses) = write(dialect, request);
    let body = body.expect("it can be written");
    let read_back = read(dialect, &body).expect("what was written is a request");
    let (again, none) = write(dialect, &read_back);
    prop_assert_eq!(again.expect("it was written before"), body);
    prop_assert!(none.is_empty(), "{}", none);
    Ok((read_back, losses))
}

/// `dialect` → any other → `dialect`.
fn there_and_back(dialect: Dialect, request: &ChatRequest) -> Result<(), TestCaseError> {
    let (first, lost) = told(dialect, request)?;
    let gone = missing(request, &first, &[&lost]);
    prop_assert!(gone.is_empty(), "{} lost {:?} and told of {}", dialect.name(), gone, lost);
    for other in PROVIDERS {
        let (there, lost) = write(other, &first);
        let there = there.unwrap_or_else(|error| panic!("{} refuses: {error}", other.name()));
        if other == Dialect::Bedrock {
            continue;
        }
        let abroad = read(other, &there).unwrap_or_else(|error| panic!("{}: {error} in {there}", other.name()));
        let gone = missing(&first, &abroad, &[&lost]);
        prop_assert!(gone.is_empty(), "to {}: lost {:?} and told of {}: {}", other.name(), gone, lost, there);
        let (back, lost_again) = write(dialect, &abroad);
        let back = read(dialect, &back.expect("it can be written")).expect("a request");
        let gone = missing(&first, &back, &[&lost, &lost_again]);
        prop_assert!(gone.is_empty(), "by {}: lost {:?} and told of {}, {}", other.name(), gone, lost, lost_again);
    }
    Ok(())
}

#[test]
fn thoughts_of_an_unknown_kind_come_back_among_the_thoughts() {
    let details = json!([{"data": "x"}, {"type": "reasoning.new", "id": "rs_1", "data": "y"}, {"type": 7, "id": "z"}]);
    let message = json!({"role": "assistant", "content": "4", "reasoning_details": details});
    let body = json!({"model": "gpt-5.1", "messages": [{"role": "user", "content": "2+2?"}, message]});
    let request = read(Dialect::Openai, &body).expect("a request");
    assert_eq!(write(Dialect::Openai, &request).0.expect("it can be written"), body);
}

proptest! {
    #![proptest_config(super::cases(150))]

    #[test]
    fn a_conversation_of_openais_loses_only_what_is_named(request in talk(Dialect::Openai)) {
        there_and_back(Dialect::Openai, &request)?;
    }

    #[test]
    fn a_conversation_of_responses_loses_only_what_is_named(request in talk(Dialect::Responses)) {
        there_and_back(Dialect::Responses, &request)?;
    }

    #[test]
    fn a_conversation_of_anthropics_loses_only_what_is_named(request in talk(Dialect::Anthropic)) {
        there_and_back(Dialect::Anthropic, &request)?;
    }

    #[test]
    fn a_conversation_of_geminis_loses_only_what_is_named(request in talk(Dialect::Gemini)) {
        there_and_back(Dialect::Gemini, &request)?;
    }
}
