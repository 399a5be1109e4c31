//! Whatever a provider says, in whatever pieces, is what the client hears.

use proptest::prelude::*;
use router_core::chat::Finish;
use router_core::domain::Dialect;
use serde_json::Value;

use super::heard::{Heard, client_hears, hear};
use super::provider::{Answer, answer};
use super::relay::{Client, PROVIDERS, pairs, relay, translator};

fn arguments(heard: &Heard) -> Vec<(String, Value)> {
    let parse = |(name, json): (&str, &str)| {
        (name.to_owned(), serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {json}")))
    };
    heard.calls().into_iter().map(parse).collect()
}

fn meant(answer: &Answer) -> Vec<(String, Value)> {
    let calls = answer.calls.iter().enumerate();
    calls.map(|(at, call)| (format!("tool_{at}"), call.arguments.clone())).collect()
}

fn agree(answer: &Answer, heard: &Heard, whom: &str) -> Result<(), TestCaseError> {
    prop_assert!(heard.complete, "{}", whom);
    let (mut told, mut meant) = (arguments(heard), meant(answer));
    if answer.in_turns {
        // Gemini says a call when it is whole, so the one that is whole first comes first.
        told.sort_by(|a, b| a.0.cmp(&b.0));
        meant.sort_by(|a, b| a.0.cmp(&b.0));
    }
    prop_assert_eq!(told, meant, "{}", whom);
    prop_assert_eq!(heard.said("text"), answer.text.concat(), "{}", whom);
    prop_assert_eq!(heard.said("thinking"), answer.thoughts.concat(), "{}", whom);
    let finish = if answer.calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
    prop_assert_eq!(heard.finishes.get(&0), Some(&finish), "{}", whom);
    let usage = heard.usage.map(|usage| (usage.input, usage.output));
    prop_assert_eq!(usage, Some((21, 12)), "{}", whom);
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(48))]

    #[test]
    fn what_a_provider_says_is_what_its_reader_hears(answer in answer()) {
        for provider in PROVIDERS {
            let heard = hear(provider, &answer.stream(provider)).expect("a stream");
            agree(&answer, &heard, provider.name())?;
        }
    }

    #[test]
    fn what_a_provider_says_is_what_any_client_hears(answer in answer()) {
        for (client, provider) in pairs() {
            let stream = answer.stream(provider);
            let relayed = relay(&translator(client, provider), [&stream[..]]);
            prop_assert!(relayed.complete);
            let heard = client_hears(client, &relayed.out).expect("a stream");
            agree(&answer, &heard, &format!("{client:?} hears {}", provider.name()))?;
        }
    }

    /// Every piece is on its way before the next comes; Gemini alone says calls as a whole.
    #[test]
    fn what_has_been_said_is_heard_before_more_comes(answer in answer()) {
        for provider in PROVIDERS {
            let client = Client { dialect: Dialect::Openai, as_array: false };
            let (translator, stream) = (translator(client, provider), answer.stream(provider));
            let (mut translation, mut window, mut out) = (translator.stream(), Vec::new(), Vec::new());
            for byte in &stream {
                window.push(*byte);
                let used = translation.push(&window, &mut out).expect("a stream");
                window.drain(..used);
            }
            // What is left over is part of one event: nothing whole is kept back.
            prop_assert!(window.is_empty() || window == b"\n", "{}", provider.name());
            let whole = relay(&translator, [&stream[..]]);
            prop_assert!(translation.finish(&window, &mut out));
            prop_assert_eq!(out, whole.out);
        }
    }
}
