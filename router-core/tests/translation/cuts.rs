//! A stream that is cut off never looks complete to the client.

use proptest::prelude::*;
use proptest::sample::Index;
use router_core::domain::Dialect;

use super::heard::client_hears;
use super::provider::answer;
use super::relay::{self, Client, clients, pairs, relay, translator};

/// The least length of a stream at which the provider has said that its answer is complete.
fn complete_from(provider: Dialect, stream: &[u8]) -> usize {
    let find = |text: &str| stream.windows(text.len()).position(|window| window == text.as_bytes());
    let line_end = |at: usize| stream[at..].iter().position(|byte| *byte == b'\n').map_or(stream.len(), |len| at + len);
    let after = |text: &str| find(text).map(|at| at + text.len());
    let end = match provider {
        Dialect::Openai => after("data: [DONE]"),
        Dialect::Responses => {
            find(r#""type":"response.completed""#).or_else(|| find(r#""type":"response.incomplete""#)).map(line_end)
        }
        Dialect::Anthropic => after(r#"data: {"type":"message_stop"}"#),
        Dialect::Gemini => find("finishReason").or_else(|| find("blockReason")).map(line_end),
        // The text stands in the frame's headers; its payload and a checksum follow.
        Dialect::Bedrock => after("messageStop"),
    };
    end.unwrap_or(usize::MAX)
}

/// Cuts the stream there, and listens with the client's ears. Gives whether it is complete.
fn cut_at(client: Client, provider: Dialect, stream: &[u8], at: usize) -> bool {
    let relayed = relay(&translator(client, provider), [&stream[..at]]);
    let whom = || format!("{} for {client:?} cut at {at}: {}", provider.name(), String::from_utf8_lossy(&relayed.out));
    let [good, out] = [&relayed.good, &relayed.out]
        .map(|out| client_hears(client, out).unwrap_or_else(|error| panic!("{error}: {}", whom())));
    assert_eq!(out.complete, relayed.complete, "{}", whom());
    assert!(!good.complete || relayed.complete, "{}", whom());
    assert!(!relayed.complete || at >= complete_from(provider, stream), "{}", whom());
    relayed.complete
}

fn at_every_byte(provider: Dialect) {
    let mut checked = 0;
    for case in ["text", "tool_call_answer"] {
        let stream = relay::stream(provider, case);
        for client in clients() {
            (0..stream.len()).for_each(|at| checked += usize::from(!cut_at(client, provider, &stream, at)));
            assert!(cut_at(client, provider, &stream, stream.len()), "{case} is complete");
        }
    }
    assert!(checked > 1_000, "only {checked} cuts");
}

/// The cuts that matter, through all of the corpus: between events.
fn between_events(provider: Dialect) {
    for (case, stream) in relay::streams(provider) {
        let ends = (1..stream.len()).filter(|at| stream[..*at].ends_with(b"\n"));
        let ends: Vec<_> =
            if provider == Dialect::Bedrock { (0..stream.len()).step_by(13).collect() } else { ends.collect() };
        for client in clients() {
            for at in &ends {
                cut_at(client, provider, &stream, *at);
            }
            let broken = matches!(case.as_str(), "stream_error" | "truncated");
            assert_eq!(cut_at(client, provider, &stream, stream.len()), !broken, "{case} for {client:?}");
        }
    }
}

macro_rules! providers {
    ($($every:ident, $between:ident: $provider:ident;)*) => {
        $(
            #[test]
            fn $every() {
                at_every_byte(Dialect::$provider);
            }

            #[test]
            fn $between() {
                between_events(Dialect::$provider);
            }
        )*
    };
}

providers! {
    openais_stream_cut_at_any_byte_is_not_complete, openais_corpus_cut_between_events_is_not_complete: Openai;
    a_stream_of_responses_cut_at_any_byte_is_not_complete,
        the_corpus_of_responses_cut_between_events_is_not_complete: Responses;
    anthropics_stream_cut_at_any_byte_is_not_complete, anthropics_corpus_cut_between_events_is_not_complete: Anthropic;
    geminis_stream_cut_at_any_byte_is_not_complete, geminis_corpus_cut_between_events_is_not_complete: Gemini;
    bedrocks_frames_cut_at_any_byte_are_not_complete, bedrocks_corpus_cut_anywhere_is_not_complete: Bedrock;
}

proptest! {
    #![proptest_config(super::cases(64))]

    #[test]
    fn any_answer_cut_anywhere_is_not_complete(answer in answer(), at in any::<Index>()) {
        for (client, provider) in pairs() {
            let stream = answer.stream(provider);
            // A text may say what ends a stream: only where it does not, the place tells.
            let [.., last] = super::heard::data(&stream).len().to_be_bytes();
            prop_assert!(last > 0 || provider == Dialect::Bedrock);
            cut_at(client, provider, &stream, at.index(stream.len()));
        }
    }
}
