//! Counts that no honest provider reports never become counts that we book or that a client is told.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

use super::heard::{client_hears, data};
use super::relay::{self, PROVIDERS, clients, frame, relay, translator};

/// No honest count is larger.
const COUNT_MAX: u64 = 1_000_000_000;

/// Cases whose answers report a lot.
const CASES: &[&str] = &["text", "usage_details", "cache_control", "web_search", "audio_input"];

fn hostile() -> impl Strategy<Value = Option<Value>> {
    let values = vec![
        json!(-1),
        json!(i64::MIN),
        json!(1_u64 << 63),
        json!(u64::MAX),
        json!(COUNT_MAX),
        json!(COUNT_MAX + 1),
        json!(1.5),
        json!(1e300),
        json!(0),
        json!(7),
        json!("NaN"),
        json!("12"),
        json!(""),
        json!(null),
        json!(true),
        json!([]),
        json!([1]),
        json!({}),
        json!({"tokenCount": -1}),
    ];
    prop_oneof![1 => Just(None), 8 => select(values).prop_map(Some)]
}

/// Counts that are bad each, or that are too many together.
fn counts() -> impl Strategy<Value = Vec<Option<Value>>> {
    let large = select(vec![json!(0), json!(7), json!(COUNT_MAX - 1), json!(COUNT_MAX)]).prop_map(Some);
    prop_oneof![vec(hostile(), 24), vec(large, 24)]
}

/// The case with this name, or one that every corpus has.
fn case_of(provider: Dialect, name: &'static str) -> &'static str {
    if relay::cases(provider).iter().any(|case| case == name) { name } else { "text" }
}

/// Puts the values in the place of a document's counts, one after the other; `None` takes the count away.
fn spoil(value: &mut Value, inside: bool, values: &mut impl Iterator<Item = Option<Value>>) {
    match value {
        Value::Object(members) => {
            for key in members.keys().cloned().collect::<Vec<_>>() {
                let inside = inside || matches!(key.as_str(), "usage" | "usageMetadata" | "tool_usage");
                let Some(member) = members.get_mut(&key) else { continue };
                if !(inside && member.is_number()) {
                    spoil(member, inside, values);
                } else if let Some(spoilt) = values.next().flatten() {
                    *member = spoilt;
                } else {
                    members.shift_remove(&key);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, inside, values)),
        _ => {}
    }
}

fn spoilt_stream(provider: Dialect, case: &str, values: &mut impl Iterator<Item = Option<Value>>) -> Vec<u8> {
    let stream = relay::stream(provider, case);
    let mut spoilt = Vec::new();
    if provider == Dialect::Bedrock {
        // All frames but the last, which is the one that counts.
        let at = stream.windows(8).rposition(|window| window == b"metadata").expect("it reports its usage");
        let head = stream[..at].windows(13).rposition(|window| window == b"\x0b:event-type\x07").expect("a frame") - 12;
        spoilt.extend_from_slice(&stream[..head]);
        let mut event = json!({"usage": relay::answer(provider, case)["usage"]});
        spoil(&mut event, false, values);
        frame(&mut spoilt, "metadata", &event.to_string());
        return spoilt;
    }
    for event in data(&stream) {
        let mut value = serde_json::from_str(&event).unwrap_or(Value::Null);
        spoil(&mut value, false, values);
        let event = if value.is_null() { event } else { value.to_string() };
        spoilt.extend_from_slice(format!("data: {event}\n\n").as_bytes());
    }
    spoilt
}

fn bounded(usage: Option<UsageReport>) -> bool {
    usage.is_none_or(|usage| {
        let input = [usage.input, usage.cache_read, usage.cache_write, usage.cache_write_long, usage.audio_in];
        let output = [usage.output, usage.reasoning, usage.audio_out, usage.web_searches, usage.total.unwrap_or(0)];
        input.into_iter().chain(output).all(|count| count <= COUNT_MAX)
    })
}

proptest! {
    #![proptest_config(super::cases(160))]

    #[test]
    fn no_stream_reports_more_than_can_be(values in counts(), case in select(CASES)) {
        for provider in PROVIDERS {
            let stream = spoilt_stream(provider, case_of(provider, case), &mut values.iter().cycle().cloned());
            for client in clients().filter(|client| client.dialect != provider) {
                let relayed = relay(&translator(client, provider), [&stream[..]]);
                prop_assert!(bounded(relayed.usage), "{}: {:?}", provider.name(), relayed.usage);
                prop_assert!(relayed.complete, "{}'s answer is good without its counts", provider.name());
                let heard = client_hears(client, &relayed.out).expect("a stream");
                prop_assert!(bounded(heard.usage), "{:?} hears {}: {:?}", client, provider.name(), heard.usage);
            }
        }
    }

    #[test]
    fn no_answer_reports_more_than_can_be(values in counts(), case in select(CASES)) {
        for provider in PROVIDERS {
            let mut answer = relay::answer(provider, case_of(provider, case));
            spoil(&mut answer, false, &mut values.iter().cycle().cloned());
            for client in clients().filter(|client| client.dialect != provider) {
                let mut out = Vec::new();
                let usage = translator(client, provider).document(answer.to_string().as_bytes(), &mut out);
                prop_assert!(usage.is_ok(), "{}: {:?}", provider.name(), usage);
                prop_assert!(bounded(usage.expect("an answer")), "{}", provider.name());
                let _: Value = serde_json::from_slice(&out).expect("JSON");
            }
        }
    }
}
