//! Answers: reasons, usage, citations, errors, and answers of other dialects in Google's words.

mod gemini_support;

use gemini_support::{failure, frame};
use router_core::chat::{Block, Body, ChatResponse, Choice, Citation, Finish, Signature, Thinking, ToolCall};
use router_core::dialect::gemini::{read_response, read_usage, write_error, write_response};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

fn candidate(rest: Value) -> Value {
    let mut candidate = json!({"content": {"parts": [{"text": "x"}], "role": "model"}, "index": 0});
    let Value::Object(rest) = rest else { panic!("no object: {rest}") };
    for (key, value) in rest {
        candidate[key] = value;
    }
    json!({"candidates": [candidate], "modelVersion": "m", "responseId": "r"})
}

#[track_caller]
fn comes_back(answer: &Value) -> ChatResponse {
    let response = read_response(answer.clone()).expect("an answer");
    assert_eq!(write_response(&response, &frame()), *answer);
    response
}

#[test]
fn every_reason_is_kept_and_understood() {
    let reasons = [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("SAFETY", Finish::Filtered),
        ("RECITATION", Finish::Filtered),
        ("BLOCKLIST", Finish::Filtered),
        ("PROHIBITED_CONTENT", Finish::Filtered),
        ("SPII", Finish::Filtered),
        ("IMAGE_SAFETY", Finish::Filtered),
        ("OTHER", Finish::Stop),
        ("MALFORMED_FUNCTION_CALL", Finish::Malformed),
        ("UNEXPECTED_TOOL_CALL", Finish::Malformed),
        ("TOO_MANY_TOOL_CALLS", Finish::Paused),
    ];
    for (reason, finish) in reasons {
        let mut response = comes_back(&candidate(json!({"finishReason": reason, "finishMessage": "why"})));
        assert_eq!(response.choices[0].finish, Some(finish), "{reason}");
        response.choices[0].finish = Some(Finish::Length);
        let changed = write_response(&response, &frame());
        assert_eq!(changed["candidates"][0]["finishReason"], "MAX_TOKENS", "what was kept gives way");
    }
    assert_eq!(comes_back(&candidate(json!({}))).choices[0].finish, None);
}

#[test]
fn a_blocked_prompt_is_a_filtered_answer() {
    let feedback = json!({"blockReason": "PROHIBITED_CONTENT", "safetyRatings": []});
    let usage = json!({"promptTokenCount": 9, "totalTokenCount": 9});
    let answer = json!({"promptFeedback": feedback, "usageMetadata": usage, "modelVersion": "m", "responseId": "r"});
    let response = comes_back(&answer);
    assert_eq!(response.choices.len(), 1);
    assert_eq!((response.choices[0].finish, response.choices[0].blocks.len()), (Some(Finish::Filtered), 0));
    assert_eq!(response.usage.map(|usage| (usage.input, usage.output)), Some((9, 0)));
    let mut harmless = candidate(json!({"finishReason": "STOP"}));
    harmless["promptFeedback"] = json!({"safetyRatings": []});
    assert_eq!(comes_back(&harmless).choices[0].finish, Some(Finish::Stop));
}

#[test]
fn odd_answers_come_back_too() {
    comes_back(&candidate(json!({"content": {"role": "model"}, "finishReason": "MAX_TOKENS"})));
    comes_back(&candidate(json!({"content": {"parts": [], "role": "model"}, "safetyRatings": [{"category": "X"}]})));
    comes_back(&candidate(json!({"content": {"role": "model", "parts": [
        {"executableCode": {"language": "PYTHON", "code": "print(1)"}}, {"codeExecutionResult": {"output": "1"}},
        {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
        {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "eA_-"},
    ]}})));
    let mut timed = candidate(json!({"citationMetadata": {"citations": [{"uri": "x"}]}, "tokenCount": 4}));
    timed["createTime"] = "2025-11-24T09:00:00.5Z".into();
    timed["usageMetadata"] = json!({"promptTokenCount": -1});
    assert_eq!(read_response(timed).expect("an answer").created, Some(1_763_974_800));
    assert_eq!(read_response(json!({})).expect("an answer").choices.len(), 0);
    let two = json!({"candidates": [{"index": 1, "finishReason": "STOP"}, {"index": 0, "finishReason": "SAFETY"}]});
    let finishes: Vec<_> = read_response(two).expect("an answer").choices.iter().map(|choice| choice.finish).collect();
    assert_eq!(finishes, [Some(Finish::Filtered), Some(Finish::Stop)]);
    let fault = read_response(json!({"candidates": [{}, {"content": {"parts": [{"text": 1}]}}]})).expect_err("a fault");
    assert_eq!(fault.to_string(), "candidates[1].content.parts[0].text: must be a string");
}

#[test]
fn calls_without_ids_differ_from_answer_to_answer() {
    let parts = json!([{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {"a": 1}}}]);
    let answer = |id: &str| {
        let answer = json!({"candidates": [{"content": {"parts": parts}, "finishReason": "STOP"}], "responseId": id});
        read_response(answer).expect("an answer").choices.remove(0)
    };
    let ids = |choice: &Choice| -> Vec<String> {
        let id = |block: &Block| match &block.body {
            Body::ToolCall(call) => call.id.clone(),
            other => panic!("no call: {other:?}"),
        };
        choice.blocks.iter().map(id).collect()
    };
    assert_eq!(ids(&answer("A1")), ["call_gm_A1_0", "call_gm_A1_1"]);
    assert_eq!(ids(&answer("B2")), ["call_gm_B2_0", "call_gm_B2_1"]);
    assert_eq!(answer("A1").finish, Some(Finish::ToolCalls));
}

#[test]
fn output_is_what_the_total_leaves() {
    let read = |usage: Value| read_usage(usage);
    let full = read(json!({
        "promptTokenCount": 100, "cachedContentTokenCount": 40, "candidatesTokenCount": 20, "thoughtsTokenCount": 30,
        "toolUsePromptTokenCount": 7, "totalTokenCount": 157,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}],
    }));
    let expected = UsageReport {
        input: 107,
        output: 50,
        total: Some(157),
        cache_read: 40,
        audio_in: 10,
        audio_out: 5,
        reasoning: 30,
        ..UsageReport::default()
    };
    assert_eq!(full, Some(expected));
    let output = |usage: Value| read(usage).map(|usage| usage.output);
    let included =
        json!({"promptTokenCount": 10, "candidatesTokenCount": 50, "thoughtsTokenCount": 30, "totalTokenCount": 60});
    assert_eq!(output(included), Some(50), "candidates that include thoughts are not counted twice");
    assert_eq!(output(json!({"promptTokenCount": 10, "candidatesTokenCount": 5, "thoughtsTokenCount": 3})), Some(8));
    assert_eq!(output(json!({"prompt_token_count": 10, "candidates_token_count": 5, "total_token_count": 4})), Some(5));
    assert_eq!(output(json!({"promptTokenCount": 10, "candidatesTokenCount": null})), Some(0));
    for bad in [json!(-1), json!(1.5), json!("7"), json!(1_000_000_001), json!(u64::MAX), json!({}), json!(true)] {
        assert_eq!(read(json!({"promptTokenCount": 1, "totalTokenCount": bad})), None, "{bad}");
    }
    let bad_detail = json!({"promptTokenCount": 1, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": -1}]});
    assert_eq!(read(bad_detail), None);
    assert_eq!((read(json!({})), read(json!([])), read(json!({"trafficType": "ON_DEMAND"}))), (None, None, None));
}

#[test]
fn grounding_is_cited_in_characters() {
    let metadata = json!({
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"maps": {"uri": "https://b"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 4, "endIndex": 9, "partIndex": 1, "text": "été"}, "groundingChunkIndices": [0, 1]},
            {"segment": {"endIndex": 2}, "groundingChunkIndices": [9]},
        ],
        "searchEntryPoint": {"renderedContent": "<div>"},
    });
    let parts = json!([{"text": "So.", "thought": true}, {"text": "L’été"}]);
    let answer = candidate(json!({"content": {"parts": parts, "role": "model"}, "groundingMetadata": metadata}));
    let response = comes_back(&answer);
    let Body::Text { citations, .. } = &response.choices[0].blocks[1].body else { panic!("no text") };
    let found: Vec<_> = citations.iter().map(|cited| (cited.url.as_deref(), cited.range)).collect();
    assert_eq!(found, [(Some("https://a"), Some((2, 5))), (Some("https://b"), Some((2, 5)))]);
    let unsupported = json!({"groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}]});
    let response = comes_back(&candidate(json!({"groundingMetadata": unsupported})));
    let Body::Text { citations, .. } = &response.choices[0].blocks[0].body else { panic!("no text") };
    assert_eq!((citations.len(), citations[0].range), (1, None));
}

fn foreign() -> ChatResponse {
    let cited =
        |url: &'static str, range| Citation { url: Some(url.into()), range, ..Citation::new(Dialect::Openai, "{}") };
    let call = |arguments: &str, custom| {
        let (id, name, arguments) = ("call_1".into(), "f".into(), arguments.into());
        Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom }))
    };
    let sealed = |body: Body, data: &str| {
        let signature = Some(Signature::new(Dialect::Anthropic, data));
        Block { signature, ..Block::new(body) }
    };
    let blocks = vec![
        sealed(Body::Thinking(Thinking { text: "Hm.".into(), ..Thinking::default() }), "EqQB"),
        sealed(Body::Thinking(Thinking { redacted: true, ..Thinking::default() }), "Rx"),
        Block::text(""),
        Block::new(Body::Thinking(Thinking::default())),
        Block::new(Body::Text {
            text: "né".into(),
            citations: vec![cited("https://a", Some((1, 2))), cited("https://a", None)],
        }),
        Block::new(Body::Refusal("No.".into())),
        call(r#"{"a": 1}"#, false),
        call("free", true),
        Block::new(Body::Foreign { dialect: Dialect::Anthropic, value: json!({}) }),
    ];
    let usage =
        UsageReport { input: 30, output: 12, cache_read: 10, reasoning: 4, audio_in: 3, ..UsageReport::default() };
    let choice = Choice { blocks, finish: Some(Finish::ToolCalls), ..Choice::default() };
    let filtered = Choice { finish: Some(Finish::Filtered), ..Choice::default() };
    ChatResponse {
        choices: vec![choice, filtered],
        usage: Some(usage),
        service_tier: Some("priority".into()),
        ..ChatResponse::new(Dialect::Anthropic)
    }
}

#[test]
fn answers_of_others_are_told_in_googles_words() {
    let written = write_response(&foreign(), &frame());
    let call = |args: Value| json!({"functionCall": {"id": "call_1", "name": "f", "args": args}});
    let first = json!({
        "content": {"parts": [
            {"text": "Hm.", "thought": true, "thoughtSignature": "dGcxLmFudGhyb3BpYy4uRXFRQg=="},
            {"thought": true, "thoughtSignature": "dGcxLmFudGhyb3BpYy4uUng="},
            {"text": "né"}, {"text": "No."}, call(json!({"a": 1})), call(json!({"input": "free"})),
        ], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
        "groundingMetadata": {
            "groundingChunks": [{"web": {"uri": "https://a", "title": "https://a"}}],
            "groundingSupports": [
                {"segment": {"partIndex": 2, "startIndex": 1, "endIndex": 3, "text": "é"}, "groundingChunkIndices": [0]},
                {"segment": {"partIndex": 2, "endIndex": 3, "text": "né"}, "groundingChunkIndices": [0]},
            ],
        },
    });
    let usage = json!({
        "promptTokenCount": 30, "candidatesTokenCount": 8, "cachedContentTokenCount": 10, "thoughtsTokenCount": 4,
        "totalTokenCount": 42,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 27}, {"modality": "AUDIO", "tokenCount": 3}],
    });
    assert_eq!(written["candidates"], json!([first, {"finishReason": "SAFETY", "index": 1}]));
    assert_eq!(written["usageMetadata"], usage);
    assert_eq!((&written["modelVersion"], &written["responseId"]), (&json!("asked"), &json!("U1")));
    let again = read_response(written).expect("our own answer");
    let usage = again.usage.expect("usage");
    assert_eq!((usage.input, usage.output, usage.reasoning, usage.audio_in), (30, 12, 4, 3));
    let signature = again.choices[0].blocks[1].signature.clone().expect("a signature");
    assert_eq!((signature.origin, signature.data.as_str()), (Dialect::Anthropic, "Rx"));
}

#[test]
fn errors_look_like_googles() {
    let expected = json!({"error": {
        "code": 503,
        "message": "try \"again\"",
        "status": "UNAVAILABLE",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "provider_overloaded",
                "domain": "tollgate", "metadata": {"param": "model"},
            },
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_1"},
        ],
    }});
    assert_eq!(write_error(&failure()), expected);
    assert!(write_error(&failure()).to_string().starts_with(r#"{"error":"#), "Google's clients look for this");
}
