//! What Gemini's clients may say, and how they may spell it.

mod gemini_support;

use gemini_support::body;
use router_core::chat::{Block, Body, Effort, Hosted, Role, Source, Thinking, ToolBody, ToolChoice, check_history};
use router_core::dialect::gemini::read_request;
use router_core::domain::Dialect;
use serde_json::{Value, json};

const PRO: &str = "gemini-2.5-pro";

/// What a request is written back as.
#[track_caller]
fn back(request: Value) -> Value {
    let (written, losses) = body(&read_request(request).expect("a request"), PRO);
    assert_eq!(losses, Vec::<String>::new());
    written
}

#[test]
fn both_spellings_and_single_objects_are_understood() {
    let snake = json!({
        "system_instruction": {"role": "system", "parts": {"text": "Be brief."}},
        "contents": {"parts": {"inline_data": {"mime_type": "image/png", "data": "_-8"}}},
        "generation_config": {
            "max_output_tokens": 5, "top_p": 1, "top_k": 40.0, "response_mime_type": "application/json",
            "response_schema": {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}},
            "thinking_config": {"include_thoughts": false, "thinking_level": "low"},
        },
        "tools": {"function_declarations": {"name": "f", "parameters_json_schema": {"type": "object"}}},
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f", "g"]}},
        "safety_settings": {"category": "X"},
        "cached_content": "cachedContents/1",
    });
    let camel = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [{"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "/+8="}}]}],
        "generationConfig": {
            "maxOutputTokens": 5, "topP": 1, "topK": 40, "responseMimeType": "application/json",
            "responseSchema": {"type": "OBJECT", "properties": {"a_b": {"type": "STRING"}}},
            "thinkingConfig": {"includeThoughts": false, "thinkingLevel": "LOW"},
        },
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}},
        "safetySettings": {"category": "X"},
        "cachedContent": "cachedContents/1",
    });
    let request = read_request(snake.clone()).expect("a request");
    assert_eq!(request.reasoning.as_ref().and_then(|reasoning| reasoning.effort), Some(Effort::Low));
    let names = vec!["f".to_owned(), "g".to_owned()];
    assert_eq!(request.tool_choice, Some(ToolChoice::Allowed { names, required: true }));
    assert_eq!(back(snake), camel);
    assert_eq!(back(camel.clone()), camel);
}

#[test]
fn what_only_google_knows_goes_back_to_google() {
    let request = json!({
        "contents": [{"role": "user", "parts": [
            {"fileData": {"fileUri": "gs://b/v.mp4"}, "videoMetadata": {"startOffset": "1s"}},
            {"fileData": {"fileUri": "https://www.youtube.com/watch?v=x"}},
            {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc", "mimeType": "audio/mp3"}},
            {"text": "x", "partMetadata": {"a": 1}},
        ]}, {"role": "model", "parts": [
            {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "eA=="},
            {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
            {"thought": true, "thoughtSignature": "eA=="},
            {"text": "", "thoughtSignature": "eA=="},
            {"inlineData": {"mimeType": "image/png", "data": "AAAA"}, "thought": true},
        ]}, {"role": "function", "parts": [{"functionResponse": {
            "name": "f", "response": {"output": [1]}, "scheduling": "SILENT", "willContinue": false,
        }}]}],
        "tools": [
            {"googleSearch": {"excludeDomains": ["x.com"]}}, {"googleMaps": {}}, {"urlContext": {}}, {"codeExecution": {}},
        ],
        "toolConfig": {
            "functionCallingConfig": {"mode": "AUTO", "streamFunctionCallArguments": true},
            "retrievalConfig": {"languageCode": "de"},
        },
        "generationConfig": {
            "responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["a"]},
            "speechConfig": {"a": 1}, "thinkingConfig": {"thinkingBudget": 5, "new": 1},
        },
    });
    assert_eq!(back(request.clone()), request);
    let read = read_request(request).expect("a request");
    let kinds: Vec<_> = read.messages[0].blocks.iter().map(Block::kind).collect();
    assert_eq!(kinds, ["video", "video", "audio", "text"]);
    let Body::Audio(audio) = &read.messages[0].blocks[2].body else { panic!("no audio") };
    assert!(matches!(&audio.source, Source::File(_)));
    assert!(matches!(read.messages[1].blocks[0].body, Body::Foreign { dialect: Dialect::Gemini, .. }));
    assert!(matches!(&read.messages[1].blocks[2].body, Body::Thinking(Thinking { redacted: true, .. })));
    assert_eq!(read.messages[2].role, Role::Tool);
    let hosted = |at: usize| match read.tools[at].body {
        ToolBody::Hosted { hosted, .. } => Some(hosted),
        _ => None,
    };
    let expected = [Some(Hosted::WebSearch), None, Some(Hosted::WebFetch), Some(Hosted::CodeExecution)];
    assert_eq!([hosted(0), hosted(1), hosted(2), hosted(3)], expected);
}

#[test]
fn calls_without_ids_find_their_results_by_name_in_order() {
    let call = |name: &str| json!({"functionCall": {"name": name, "args": {}}});
    let result = |name: &str| json!({"functionResponse": {"name": name, "response": {"result": "x"}}});
    let request = json!({"contents": [
        {"role": "user", "parts": [{"text": "Hi"}]},
        {"role": "model", "parts": [call("a"), call("b"), call("a")]},
        {"role": "user", "parts": [result("a"), result("b"), result("a")]},
        {"role": "model", "parts": [call("a")]},
        {"role": "user", "parts": [result("a")]},
    ]});
    let read = read_request(request.clone()).expect("a request");
    let ids = |message: usize| -> Vec<String> {
        let blocks = read.messages[message].blocks.iter();
        let id = |block: &Block| match &block.body {
            Body::ToolCall(call) => call.id.clone(),
            Body::ToolResult(result) => result.id.clone(),
            other => panic!("neither a call nor a result: {other:?}"),
        };
        blocks.map(id).collect()
    };
    assert_eq!(ids(1), ["call_gm_1_0", "call_gm_1_1", "call_gm_1_2"]);
    assert_eq!((ids(2), ids(4)), (ids(1), ids(3)));
    assert_eq!(check_history(&read), Ok(()));
    assert_eq!(back(request.clone()), request, "ids of our making are not told to Google");
}

#[test]
fn a_turn_that_a_chat_kept_in_pieces_is_one_message() {
    let piece = |part: Value| json!({"role": "model", "parts": [part]});
    let call = |city: &str| piece(json!({"functionCall": {"name": "f", "args": {"city": city}}}));
    // tg1.anthropic..EqQB/+
    let seal = "dGcxLmFudGhyb3BpYy4uRXFRQi8r";
    let result = json!({"functionResponse": {"name": "f", "response": {"result": "x"}}});
    let asked = |first: [Value; 3]| {
        let mut contents = vec![json!({"role": "user", "parts": [{"text": "Hi"}]})];
        contents.extend(first);
        contents.extend([call("Paris"), call("Rome"), json!({"role": "user", "parts": [result, result]})]);
        json!({ "contents": contents })
    };
    let thought = |text: &str| piece(json!({"text": text, "thought": true}));
    let own = asked([thought("Look "), thought("it up."), piece(json!({"text": "", "thoughtSignature": "CuQB"}))]);
    let request = read_request(own.clone()).expect("a request");
    assert_eq!((request.messages.len(), request.messages[1].blocks.len()), (3, 5));
    assert_eq!(back(own.clone()), own);
    let sealed = piece(json!({"text": "", "thought": true, "thoughtSignature": seal}));
    let request = read_request(asked([thought("Look "), thought("it up."), sealed])).expect("a request");
    let first = &request.messages[1].blocks[0];
    assert!(matches!(&first.body, Body::Thinking(thinking) if thinking.text == "Look it up."));
    assert_eq!(first.signature.as_ref().map(|seal| seal.data.as_str()), Some("EqQB/+"));
    assert_eq!(request.messages[1].blocks.len(), 3);
}

#[test]
fn results_are_text_where_they_are_nothing_else() {
    let text = |response: Value| {
        let parts = json!([{"functionResponse": {"id": "1", "name": "f", "response": response}}]);
        let request = json!({"contents": [{"role": "user", "parts": parts}]});
        assert_eq!(back(request.clone()), request);
        let read = read_request(request).expect("a request");
        let Body::ToolResult(result) = &read.messages[0].blocks[0].body else { panic!("no result") };
        (result.content[0].as_text().expect("a text").to_owned(), result.is_error)
    };
    assert_eq!(text(json!({"output": "18 C"})), ("18 C".into(), false));
    assert_eq!(text(json!({"result": "18 C"})), ("18 C".into(), false));
    assert_eq!(text(json!({"error": "{\"no\":1}"})), ("{\"no\":1}".into(), true));
    assert_eq!(text(json!({"output": "{\"c\":18}"})), (r#"{"output":"{\"c\":18}"}"#.into(), false));
    assert_eq!(text(json!({"output": "x", "b": 1})), (r#"{"output":"x","b":1}"#.into(), false));
    assert_eq!(text(json!({"c": 18})), (r#"{"c":18}"#.into(), false));
    assert_eq!(text(json!({})), ("{}".into(), false));
}

#[test]
fn a_schema_that_was_changed_on_the_way_is_written_as_it_is_now() {
    let parameters = json!({"type": "OBJECT", "properties": {"a": {"type": "INTEGER", "nullable": true}}});
    let request = json!({
        "contents": [{"parts": [{"text": "Hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}],
    });
    let mut read = read_request(request).expect("a request");
    assert_eq!(body(&read, PRO).0["tools"][0]["functionDeclarations"][0]["parameters"], parameters);
    if let ToolBody::Function { schema: Some(schema), .. } = &mut read.tools[0].body {
        assert_eq!(schema["properties"]["a"]["type"], json!(["integer", "null"]));
        schema["required"] = json!(["a"]);
    }
    let declared = &body(&read, PRO).0["tools"][0]["functionDeclarations"][0];
    assert_eq!((&declared["parameters"], &declared["parametersJsonSchema"]["required"]), (&Value::Null, &json!(["a"])));
}

#[test]
fn signatures_of_other_providers_are_told_apart() {
    let marked = "dGcxLmFudGhyb3BpYy4uRXFRQi8r"; // tg1.anthropic..EqQB/+
    let request = json!({"contents": [{"role": "model", "parts": [
        {"text": "So.", "thought": true, "thoughtSignature": marked},
        {"text": "x"},
    ]}, {"role": "user", "parts": [{"text": "?"}]}]});
    let read = read_request(request).expect("a request");
    let signature = read.messages[0].blocks[0].signature.clone().expect("a signature");
    assert_eq!((signature.origin, signature.data.as_str()), (Dialect::Anthropic, "EqQB/+"));
    let (written, losses) = body(&read, PRO);
    assert_eq!(losses, ["messages[0].content[0].thinking"]);
    assert_eq!(written["contents"][0]["parts"], json!([{"text": "x"}]));
}

#[test]
fn faults_are_named_by_their_place() {
    let fault = |body: Value| read_request(body).expect_err("a fault").to_string();
    let part = |part: Value| json!({"contents": [{"parts": [{"text": "x"}, part]}]});
    let with = |key: &str, value: Value| {
        let mut body = json!({"contents": []});
        body[key] = value;
        body
    };
    let cases = [
        (json!([]), "must be an object"),
        (json!({}), "contents: is missing: it must be an array of contents"),
        (json!({"contents": 1}), "contents: must be an array"),
        (json!({"contents": [{}, {"role": "system"}]}), "contents[1].role: unknown role: must be user or model"),
        (part(json!(1)), "contents[0].parts[1]: must be an object"),
        (part(json!({"text": 1})), "contents[0].parts[1].text: must be a string"),
        (part(json!({"inlineData": {}})), "contents[0].parts[1].inlineData.data: is missing: it must be a string"),
        (
            part(json!({"functionCall": {"name": "f", "args": []}})),
            "contents[0].parts[1].functionCall.args: must be an object",
        ),
        (part(json!({"functionCall": {}})), "contents[0].parts[1].functionCall.name: is missing: it must be a string"),
        (
            part(json!({"functionResponse": {"name": "f", "response": "x"}})),
            "contents[0].parts[1].functionResponse.response: must be an object",
        ),
        (with("generationConfig", json!({"topP": "1"})), "generationConfig.topP: must be a number"),
        (
            with("generationConfig", json!({"thinkingConfig": {"thinkingLevel": "WILD"}})),
            "generationConfig.thinkingConfig.thinkingLevel: unknown level \"WILD\"",
        ),
        (
            with("toolConfig", json!({"functionCallingConfig": {"mode": "SOME"}})),
            "toolConfig.functionCallingConfig.mode: unknown mode \"SOME\"",
        ),
        (
            with("tools", json!([{}, {"functionDeclarations": [{"name": "f"}, {}]}])),
            "tools[1].functionDeclarations[1].name: is missing: it must be a string",
        ),
        (with("labels", json!([])), "labels: must be an object"),
    ];
    for (body, expected) in cases {
        assert_eq!(fault(body), expected);
    }
}
