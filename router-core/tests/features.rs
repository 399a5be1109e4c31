//! What routing reads off a request, and what it promises of that.

use proptest::prelude::*;
use router_core::dialect::features::{Features, Survey};
use router_core::dialect::openai::peek;
use router_core::domain::{Capabilities, Capability, Dialect};
use router_core::plan::{BLOCK_BYTES, chain};
use serde_json::{Value, json};

const CLIENTS: [Dialect; 4] = [Dialect::Openai, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];

/// What a look at a body tells, whose headers say this.
fn look<T>(dialect: Dialect, body: &[u8], headers: [Option<&str>; 2], of: impl FnOnce(Features<'_>) -> T) -> T {
    let peek = peek(body).expect("a valid body");
    let [session, metadata] = headers;
    of(Features { dialect, body, peek: &peek, streams: false, session, metadata })
}

fn survey(dialect: Dialect, body: &Value) -> Survey {
    look(dialect, body.to_string().as_bytes(), [None; 2], |features| features.survey())
}

fn chain_of(dialect: Dialect, body: &Value) -> Vec<u64> {
    let mut out = Vec::new();
    look(dialect, body.to_string().as_bytes(), [None; 2], |features| {
        chain(features.salt(), features.pieces(), &mut out);
    });
    out
}

#[track_caller]
fn expect_needs(dialect: Dialect, members: &Value, expected: &[Capability]) {
    let mut body = json!({"model": "m"});
    let members = members.as_object().expect("an object").clone();
    body.as_object_mut().expect("an object").extend(members);
    let expected = expected.iter().fold(Capabilities::NONE, |all, capability| all.with(*capability));
    assert_eq!(survey(dialect, &body).needs, expected, "{body}");
}

/// A message that says this and shows a picture.
fn seen(dialect: Dialect, text: &str, data: &str) -> Value {
    let url = format!("data:image/png;base64,{data}");
    match dialect {
        Dialect::Responses => {
            json!({"role": "user", "content": [{"type": "input_text", "text": text}, {"type": "input_image", "image_url": url}]})
        }
        Dialect::Anthropic => {
            let source = json!({"type": "base64", "media_type": "image/png", "data": data});
            json!({"role": "user", "content": [{"type": "text", "text": text}, {"type": "image", "source": source}]})
        }
        Dialect::Gemini => {
            json!({"role": "user", "parts": [{"text": text}, {"inlineData": {"mimeType": "image/png", "data": data}}]})
        }
        Dialect::Openai | Dialect::Bedrock => {
            let image = json!({"type": "image_url", "image_url": {"url": url}});
            json!({"role": "user", "content": [{"type": "text", "text": text}, image]})
        }
    }
}

fn said(dialect: Dialect, role: &str, text: &str) -> Value {
    match dialect {
        Dialect::Gemini => json!({"role": role, "parts": [{"text": text}]}),
        _ => json!({"role": role, "content": text}),
    }
}

/// A request with a system prompt and these messages.
fn request(dialect: Dialect, system: &str, messages: &[Value]) -> Value {
    match dialect {
        Dialect::Responses => json!({"model": "m", "instructions": system, "input": messages}),
        Dialect::Anthropic => json!({"model": "m", "system": system, "messages": messages}),
        Dialect::Gemini => {
            json!({"model": "m", "systemInstruction": {"parts": [{"text": system}]}, "contents": messages})
        }
        Dialect::Openai | Dialect::Bedrock => {
            let system = json!({"role": "system", "content": system});
            let messages = [&[system], messages].concat();
            json!({"model": "m", "messages": messages})
        }
    }
}

#[test]
fn a_question_in_plain_words_needs_nothing() {
    for dialect in CLIENTS {
        let body = request(dialect, "be brief", &[said(dialect, "user", "what is an image_url?")]);
        assert_eq!(survey(dialect, &body).needs, Capabilities::NONE, "{body}");
    }
    let nothing = json!({"tools": [], "reasoning_effort": "none", "reasoning": null, "response_format": {"type": "text"},
        "thinking": {"type": "disabled"}, "modalities": ["text"], "metadata": null});
    expect_needs(Dialect::Openai, &nothing, &[]);
    let thinking_config = json!({"thinkingBudget": 0});
    expect_needs(Dialect::Gemini, &json!({"generationConfig": {"thinkingConfig": thinking_config}}), &[]);
    expect_needs(Dialect::Responses, &json!({"reasoning": {"effort": null}, "text": {"verbosity": "low"}}), &[]);
}

#[test]
fn wishes_are_understood_in_every_dialect() {
    use Capability::{AudioOutput, JsonSchema, Reasoning, Tools};
    let tools = json!([{"name": "find"}]);
    for dialect in CLIENTS {
        expect_needs(dialect, &json!({"tools": tools}), &[Tools]);
    }
    expect_needs(Dialect::Openai, &json!({"reasoning_effort": "low"}), &[Reasoning]);
    expect_needs(Dialect::Openai, &json!({"modalities": ["text", "audio"], "audio": {}}), &[AudioOutput]);
    expect_needs(
        Dialect::Openai,
        &json!({"response_format": {"type": "json_schema", "json_schema": {}}}),
        &[JsonSchema],
    );
    expect_needs(Dialect::Responses, &json!({"reasoning": {"effort": "high"}}), &[Reasoning]);
    expect_needs(Dialect::Responses, &json!({"text": {"format": {"type": "json_schema"}}}), &[JsonSchema]);
    expect_needs(Dialect::Anthropic, &json!({"thinking": {"type": "enabled", "budget_tokens": 2048}}), &[Reasoning]);
    expect_needs(Dialect::Anthropic, &json!({"output_config": {"format": {"type": "json_schema"}}}), &[JsonSchema]);
    let config =
        json!({"responseSchema": {}, "thinkingConfig": {"thinkingBudget": -1}, "responseModalities": ["AUDIO"]});
    expect_needs(Dialect::Gemini, &json!({"generationConfig": config}), &[JsonSchema, Reasoning, AudioOutput]);
    expect_needs(Dialect::Gemini, &json!({"generation_config": {"response_json_schema": {}}}), &[JsonSchema]);
}

#[test]
fn a_user_is_known_again_by_whatever_names_them() {
    let user =
        |body: &str, session| look(Dialect::Openai, body.as_bytes(), [session, None], |features| features.user());
    let of_body = user(r#"{"model":"m","user":"u-1"}"#, None);
    assert!(of_body != 0 && user(r#"{"model":"m"}"#, None) == 0);
    for (body, session) in [
        (r#"{"model":"m","user":"u-1"}"#, Some("s-2")),
        (r#"{"model":"m","safety_identifier":"u-1"}"#, None),
        (r#"{"model":"m","metadata":{"a":1,"user_id":"u-1"}}"#, None),
        (r#"{"model":"m","session_id":"u-1"}"#, None),
        (r#"{"model":"m","user":"","metadata":{}}"#, Some("u-1")),
    ] {
        assert_eq!(user(body, session), of_body, "{body}");
    }
    assert_ne!(user(r#"{"model":"m","user":"u-2"}"#, None), of_body);
    assert_eq!(user(r#"{"model":"m","user":7}"#, None), 0, "a user is a text");
}

#[test]
fn metadata_is_read_from_the_header_and_then_from_the_body() {
    let body = br#"{"model":"m","metadata":{"tier":"gold","team":"caf\u00e9","seats":5}}"#;
    let headers = [None, Some("tier=silver, env = test ,odd")];
    look(Dialect::Openai, body, headers, |features| {
        for (key, value) in
            [("tier", Some("silver")), ("env", Some("test")), ("team", Some("café")), ("seats", None), ("odd", None)]
        {
            assert_eq!(features.metadata(key).as_deref(), value, "{key}");
        }
    });
}

#[test]
fn a_prompt_is_as_long_as_its_text() {
    for dialect in CLIENTS {
        let body = request(dialect, "", &[said(dialect, "user", &"word ".repeat(4_000))]);
        let tokens = survey(dialect, &body).prompt_tokens;
        assert!((5_000..5_100).contains(&tokens), "{tokens}");
        let seen = request(dialect, "", &[seen(dialect, &"word ".repeat(4_000), "iVBORw0KGgo")]);
        let with_picture = survey(dialect, &seen);
        assert!((tokens + 1_000..tokens + 1_100).contains(&with_picture.prompt_tokens), "{with_picture:?}");
        assert!(with_picture.needs.has(Capability::Vision), "{dialect:?}");
    }
}

#[test]
fn another_key_or_dialect_shares_no_cache() {
    let long = "all the rules ".repeat(500);
    let body =
        |key: &str| json!({"model": "m", "prompt_cache_key": key, "messages": [said(Dialect::Openai, "user", &long)]});
    let one = chain_of(Dialect::Openai, &body("one"));
    assert_eq!(one, chain_of(Dialect::Openai, &body("one")));
    for other in [chain_of(Dialect::Openai, &body("two")), chain_of(Dialect::Anthropic, &body("one"))] {
        assert!(!one.is_empty() && other.iter().all(|hash| !one.contains(hash)));
    }
}

fn client() -> impl Strategy<Value = Dialect> {
    prop::sample::select(&CLIENTS[..])
}

fn base64(bytes: usize, salt: u8) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..bytes).map(|at| char::from(LETTERS[(at * 7 + at / 64 + usize::from(salt)) % 64])).collect()
}

proptest! {
    #[test]
    fn base64_never_counts(dialect in client(), text in "[a-z .\"\\n]{0,3000}", size in 1_200usize..40_000, salt: u8) {
        let small = request(dialect, &text, &[seen(dialect, &text, &base64(1_100, salt))]);
        let large = request(dialect, &text, &[seen(dialect, &text, &base64(size, salt))]);
        prop_assert_eq!(survey(dialect, &small), survey(dialect, &large));
    }

    #[test]
    fn conversations_share_a_chain_as_far_as_they_share_words(
        dialect in client(), system in "[a-z \"]{0,9000}", turns in prop::collection::vec("[a-z ]{0,3000}", 1..5), more in "[A-Z]{1,3000}",
    ) {
        let messages: Vec<_> = turns.iter().map(|turn| said(dialect, "user", turn)).collect();
        let longer = [messages.clone(), vec![said(dialect, "user", &more)]].concat();
        let (short, long) = (request(dialect, &system, &messages), request(dialect, &system, &longer));
        let (short, long) = (chain_of(dialect, &short), chain_of(dialect, &long));
        // Behind the last message stands a bracket in the one, and a comma in the other.
        let shared = short.iter().zip(&long).take_while(|(one, other)| one == other).count();
        prop_assert!(shared + 1 >= short.len() && long.len() >= shared, "{} of {}", shared, short.len());
        let whole: usize = turns.iter().map(String::len).sum::<usize>() + system.len();
        prop_assert!(short.len() >= whole / BLOCK_BYTES);
    }
}
