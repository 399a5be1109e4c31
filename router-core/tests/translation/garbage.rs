//! Streams that make no sense: nothing panics, nothing is taken for complete, and clients get what they can read.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use router_core::domain::Dialect;
use serde_json::{Value, json};

use super::heard::{client_hears, hear};
use super::relay::{self, PROVIDERS, clients, frame, relay, translator};

/// Words that mean something in some place of some dialect; none of them ends an answer.
const WORDS: &[&str] = &[
    "type",
    "index",
    "id",
    "delta",
    "content",
    "choices",
    "tool_calls",
    "function",
    "arguments",
    "name",
    "error",
    "message",
    "usage",
    "reasoning_details",
    "reasoning_content",
    "refusal",
    "role",
    "assistant",
    "text",
    "item",
    "output_index",
    "item_id",
    "content_index",
    "part",
    "parts",
    "response",
    "output",
    "candidates",
    "functionCall",
    "args",
    "partialArgs",
    "jsonPath",
    "willContinue",
    "stringValue",
    "thought",
    "thoughtSignature",
    "content_block",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_start",
    "text_delta",
    "tool_use",
    "input_json_delta",
    "partial_json",
    "thinking",
    "redacted_thinking",
    "signature_delta",
    "citations_delta",
    "contentBlockIndex",
    "toolUse",
    "input",
    "start",
    "reasoningContent",
    "contentBlockStart",
    "contentBlockDelta",
    "contentBlockStop",
    "messageStart",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.function_call_arguments.delta",
    "response.content_part.added",
    "response.reasoning_summary_text.delta",
    "response.reasoning_summary_part.added",
    "function_call",
    "reasoning",
    "summary",
    "custom_tool_call",
    "logprobs",
    "annotations",
    "groundingMetadata",
    "inlineData",
    "data",
    "mimeType",
];

fn word() -> impl Strategy<Value = String> {
    select(WORDS).prop_map(str::to_owned)
}

/// JSON of words that mean something, out of place.
fn nonsense() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => word().prop_map(Value::from),
        1 => any::<String>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => select(vec![json!(0), json!(1), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e300), json!(4294967295_u64)]),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::from),
            vec((word(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// An event that is almost one.
fn event() -> impl Strategy<Value = Value> {
    let member = |name: &'static str| nonsense().prop_map(move |value| (name, value));
    let names = [
        "choices",
        "candidates",
        "item",
        "delta",
        "content_block",
        "message",
        "usage",
        "response",
        "start",
        "index",
        "output_index",
        "contentBlockIndex",
        "part",
        "error",
        "usageMetadata",
    ];
    let members = vec(select(names.to_vec()).prop_flat_map(member), 0..4);
    (word(), members).prop_map(|(kind, members)| {
        let mut event = json!({"type": kind});
        for (name, value) in members {
            event[name] = match name {
                "choices" => json!([{"index": 0, "delta": value}]),
                "candidates" => json!([{"content": {"parts": [value]}}]),
                _ => value,
            };
        }
        event
    })
}

fn spoken(provider: Dialect, events: &[Value]) -> Vec<u8> {
    let mut stream = Vec::new();
    for event in events {
        match provider {
            Dialect::Bedrock => frame(&mut stream, event["type"].as_str().expect("a word"), &event.to_string()),
            _ => stream.extend_from_slice(format!("data: {event}\n\n").as_bytes()),
        }
    }
    stream
}

/// What a mutation does to a stream at a place.
#[derive(Clone, Copy, Debug)]
enum Mutation {
    Flip(u8),
    Delete,
    Double,
    Swap,
}

fn mutation() -> impl Strategy<Value = (Mutation, Index)> {
    let kind = prop_oneof![
        any::<u8>().prop_map(Mutation::Flip),
        Just(Mutation::Delete),
        Just(Mutation::Double),
        Just(Mutation::Swap),
    ];
    (kind, any::<Index>())
}

/// Whole events are deleted, doubled and swapped, bytes are flipped.
fn mutate(provider: Dialect, stream: &[u8], mutations: &[(Mutation, Index)]) -> Vec<u8> {
    let mut events = whole_events(provider, stream);
    for (mutation, at) in mutations {
        if events.is_empty() {
            break;
        }
        let place = at.index(events.len());
        match mutation {
            Mutation::Flip(mask) => {
                let byte = at.index(events[place].len());
                events[place][byte] ^= mask;
            }
            Mutation::Delete => drop(events.remove(place)),
            Mutation::Double => events.insert(place, events[place].clone()),
            Mutation::Swap => {
                let other = (place + 1) % events.len();
                events.swap(place, other);
            }
        }
    }
    events.concat()
}

fn whole_events(provider: Dialect, stream: &[u8]) -> Vec<Vec<u8>> {
    if provider != Dialect::Bedrock {
        let text = String::from_utf8_lossy(stream).into_owned();
        return text.split_inclusive("\n\n").map(|event| event.as_bytes().to_vec()).collect();
    }
    let (mut at, mut events) = (0, Vec::new());
    while at < stream.len() {
        let len = u32::from_be_bytes([stream[at], stream[at + 1], stream[at + 2], stream[at + 3]]) as usize;
        events.push(stream[at..at + len].to_vec());
        at += len;
    }
    events
}

proptest! {
    #![proptest_config(super::cases(96))]

    #[test]
    fn random_bytes_are_never_complete(bytes in vec(any::<u8>(), 0..300)) {
        for provider in PROVIDERS {
            for client in clients() {
                let relayed = relay(&translator(client, provider), [&bytes[..]]);
                prop_assert!(!relayed.complete);
                prop_assert!(client.dialect == provider || !client_hears(client, &relayed.out).expect("a stream").complete);
            }
        }
    }

    /// Readers keep the order of events, whatever comes: [`hear`] insists on it.
    #[test]
    fn nonsense_is_never_complete_and_clients_can_read_what_they_get(events in vec(event(), 0..6)) {
        for provider in PROVIDERS {
            let stream = spoken(provider, &events);
            let heard = hear(provider, &stream);
            prop_assert!(heard.is_err() || !heard.expect("a stream").complete);
            for client in clients().filter(|client| client.dialect != provider) {
                let relayed = relay(&translator(client, provider), [&stream[..]]);
                prop_assert!(!relayed.complete);
                prop_assert!(!client_hears(client, &relayed.out).expect("a stream").complete);
            }
        }
    }

    #[test]
    fn clients_can_read_what_they_get_of_a_spoilt_stream(
        case in any::<Index>(), mutations in vec(mutation(), 1..5),
    ) {
        for provider in PROVIDERS {
            let cases = relay::cases(provider);
            let stream = relay::stream(provider, &cases[case.index(cases.len())]);
            let stream = mutate(provider, &stream, &mutations);
            for client in clients().filter(|client| client.dialect != provider) {
                let relayed = relay(&translator(client, provider), [&stream[..]]);
                let heard = client_hears(client, &relayed.out);
                let heard = heard.unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&relayed.out)));
                prop_assert_eq!(heard.complete, relayed.complete);
            }
        }
    }
}
