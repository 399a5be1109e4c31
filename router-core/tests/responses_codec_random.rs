//! What holds for any request, answer and stream of Responses.

mod responses_support;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use responses_support::{data, frame, hear, normal, relay, written};
use router_core::chat::{Block, Body, ChatEvent, ChatRequest, ChatResponse, Choice, Finish, Message, Role, ToolCall};
use router_core::dialect::responses::{StreamReader, read_request, read_response, write_response};
use router_core::domain::Dialect;
use serde_json::{Map, Value, json};

/// Text that is hard on whoever escapes or splits it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[\\\\\"\n\u{2028}é😀{}a]{0,12}".prop_map(String::from)]
}

fn name() -> impl Strategy<Value = String> {
    "[a-z_]{1,8}"
}

fn id() -> impl Strategy<Value = String> {
    "[a-z]{2,4}_[A-Za-z0-9]{1,6}"
}

fn object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from)
    ];
    let value = leaf.prop_recursive(2, 8, 3, |inner| vec(inner, 0..3).prop_map(Value::from));
    vec((text(), value), 0..4).prop_map(|members| Value::Object(members.into_iter().collect()))
}

fn input_part() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"type": "input_text", "text": text})),
        "[A-Za-z0-9+/]{4}".prop_map(|data| json!({"type": "input_image", "detail": "low",
            "image_url": format!("data:image/png;base64,{data}")})),
        text().prop_map(|url| json!({"type": "input_image", "image_url": format!("https://{url}")})),
        (id(), option::of(text()))
            .prop_map(|(file, name)| json!({"type": "input_file", "file_id": file, "filename": name})),
        object().prop_map(|new| json!({"type": "input_new", "new": new})),
    ]
}

fn output_part() -> impl Strategy<Value = Value> {
    prop_oneof![
        text().prop_map(|text| json!({"type": "output_text", "text": text})),
        text().prop_map(|text| json!({"type": "output_text", "text": text, "annotations": [{"type": "url_citation",
            "start_index": 0, "end_index": 1, "url": text, "title": text}]})),
        text().prop_map(|text| json!({"type": "refusal", "refusal": text})),
        object().prop_map(|new| json!({"type": "output_new", "new": new})),
    ]
}

/// Items that the model brings.
fn output_item() -> impl Strategy<Value = Value> {
    prop_oneof![
        (id(), vec(output_part(), 1..3)).prop_map(|(id, content)| json!({"type": "message", "id": id,
            "role": "assistant", "status": "completed", "content": content})),
        (id(), id(), name(), object())
            .prop_map(|(id, call, name, arguments)| json!({"type": "function_call", "id": id,
            "status": "completed", "call_id": call, "name": name, "arguments": arguments.to_string()})),
        (id(), id(), name(), text()).prop_map(|(id, call, name, input)| json!({"type": "custom_tool_call", "id": id,
            "status": "completed", "call_id": call, "name": name, "input": input})),
        (id(), vec(text(), 0..3), vec(text(), 0..3), option::of("[A-Za-z0-9+/]{4}")).prop_map(reasoning),
        (id(), object()).prop_map(|(id, action)| json!({"type": "web_search_call", "id": id, "action": action})),
    ]
}

fn reasoning((id, summary, content, seal): (String, Vec<String>, Vec<String>, Option<String>)) -> Value {
    let parts = |kind: &str, texts: Vec<String>| -> Vec<_> {
        texts.into_iter().map(|text| json!({"type": kind, "text": text})).collect()
    };
    // Thoughts of which one part is empty and stands alone say nothing.
    let content = parts("reasoning_text", content.into_iter().filter(|text| !text.is_empty()).collect());
    let content = if content.is_empty() { Value::Null } else { content.into() };
    json!({"type": "reasoning", "id": id, "summary": parts("summary_text", summary), "content": content,
        "encrypted_content": seal})
}

/// Items that anybody brings.
fn input_item() -> impl Strategy<Value = Value> {
    let role = select(vec!["user", "system", "developer"]);
    let output = prop_oneof![text().prop_map(Value::from), vec(input_part(), 1..3).prop_map(Value::from)];
    prop_oneof![
        (role, vec(input_part(), 0..3)).prop_map(|(role, content)| json!({"role": role, "content": content})),
        text().prop_map(|content| json!({"role": "user", "content": content})),
        text().prop_map(|content| json!({"role": "assistant", "content": content})),
        output_item(),
        (id(), output)
            .prop_map(|(call, output)| json!({"type": "function_call_output", "call_id": call, "output": output})),
        (id(), object())
            .prop_map(|(call, output)| json!({"type": "computer_call_output", "call_id": call, "output": output})),
    ]
}

fn tool() -> impl Strategy<Value = Value> {
    prop_oneof![
        (name(), option::of(text()), option::of(object()), option::of(any::<bool>()))
            .prop_map(|(name, description, parameters, strict)| json!({"type": "function", "name": name,
                "description": description, "parameters": parameters, "strict": strict})),
        (name(), option::of(object()))
            .prop_map(|(name, format)| json!({"type": "custom", "name": format!("custom_{name}"), "format": format})),
        object().prop_map(|new| json!({"type": "web_search", "new": new})),
    ]
}

/// Members of a request beside its input, each of them there or not.
fn options() -> impl Strategy<Value = Map<String, Value>> {
    let effort = select(vec!["none", "low", "high", "extreme"]);
    let numbers =
        (option::of(any::<f64>()), option::of(0_u64..9_999), option::of(any::<bool>()), option::of(0_u64..20));
    let texts = (option::of(text()), option::of(name()), option::of(text()), option::of(effort));
    let lists = (
        vec(tool(), 0..3),
        vec(select(vec!["a", "message.output_text.logprobs", "reasoning.encrypted_content"]), 0..3),
    );
    (numbers, texts, lists, object(), option::of(object())).prop_map(|(numbers, texts, lists, metadata, schema)| {
        let all = json!({
            "temperature": numbers.0, "max_output_tokens": numbers.1, "parallel_tool_calls": numbers.2,
            "top_logprobs": numbers.3, "instructions": texts.0, "service_tier": texts.1, "user": texts.2,
            "reasoning": texts.3.map(|effort| json!({"effort": effort, "summary": "auto"})),
            "text": schema.map(|schema| json!({"format": {"type": "json_schema", "name": "n", "schema": schema}})),
            "tools": Some(lists.0).filter(|tools| !tools.is_empty()),
            "include": Some(lists.1).filter(|include| !include.is_empty()),
            "metadata": metadata.as_object().filter(|metadata| !metadata.is_empty()),
            "previous_response_id": "resp_0",
        });
        all.as_object().cloned().unwrap_or_default()
    })
}

/// Splits a text at random between its characters.
fn split<'t>(text: &'t str, cuts: &[Index]) -> Vec<&'t str> {
    let ends: Vec<_> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let mut at: Vec<_> = cuts.iter().map(|cut| ends[cut.index(ends.len())]).collect();
    at.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in at.into_iter().chain([text.len()]) {
        pieces.push(&text[from..to]);
        from = to;
    }
    pieces
}

fn call(name: &str, arguments: &str, custom: bool) -> Block {
    let (name, arguments) = (name.to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id: "call".into(), name, arguments, custom }))
}

proptest! {
    #[test]
    fn any_request_goes_on_as_it_came(input in vec(input_item(), 1..6), options in options()) {
        let mut body = json!({"model": "gpt-5.1", "input": input});
        body.as_object_mut().expect("an object").extend(options);
        let request = read_request(body.clone()).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        let (written, losses) = written(&request);
        prop_assert_eq!(normal(written.expect("can be said")), normal(body));
        prop_assert!(losses.is_empty(), "{:?}", losses);
    }

    #[test]
    fn any_answer_goes_on_as_it_came(output in vec(output_item(), 0..6), extra in object()) {
        let body = json!({"id": "resp_1", "object": "response", "created_at": 5, "status": "completed", "model": "m",
            "output": output, "new": extra});
        let response = read_response(body.clone()).map_err(|fault| TestCaseError::fail(fault.to_string()))?;
        prop_assert_eq!(normal(write_response(&response, &frame())), normal(body));
    }

    #[test]
    fn no_value_makes_a_reader_panic(value in object(), item in object(), kind in select(vec!["message", "reasoning",
        "function_call", "function_call_output", "custom_tool_call_output", "output_text"])) {
        let mut item = item;
        item["type"] = kind.into();
        item["role"] = "assistant".into();
        item["content"] = json!([item.clone()]);
        item["summary"] = json!([item.clone()]);
        let _ = read_request(value.clone());
        let _ = read_response(value.clone());
        let _ = read_request(json!({"input": [item], "text": value, "reasoning": value, "tools": [value]}));
        let _ = read_response(json!({"output": [item], "usage": value}));
        for kind in ["response.output_item.done", "response.content_part.added", "response.completed", "error"] {
            let event = json!({"type": kind, "item": item, "part": item, "response": item, "error": value});
            let _ = StreamReader::default().event(&event.to_string(), &mut |_: ChatEvent<'_>| {});
        }
    }

    #[test]
    fn arguments_survive_any_split(
        calls in vec((object(), vec(any::<Index>(), 0..6), any::<bool>()), 1..4),
        turns in vec(any::<Index>(), 0..24),
    ) {
        let texts: Vec<_> = calls.iter().map(|(arguments, ..)| arguments.to_string()).collect();
        let mut waiting: Vec<_> = calls.iter().zip(&texts).map(|((_, cuts, _), text)| split(text, cuts)).collect();
        let mut events = Vec::new();
        let item = |at: usize, arguments: &str| {
            let (kind, key) = if calls[at].2 { ("custom_tool_call", "input") } else { ("function_call", "arguments") };
            let mut item = json!({"type": kind, "call_id": format!("call_{at}"), "name": "f"});
            item[key] = arguments.into();
            item
        };
        for at in 0..calls.len() {
            events.push(json!({"type": "response.output_item.added", "output_index": at, "item": item(at, "")}));
        }
        let mut piece = |at: usize, piece: &str| {
            let kind = if calls[at].2 { "custom_tool_call_input" } else { "function_call_arguments" };
            events.push(json!({"type": format!("response.{kind}.delta"), "output_index": at, "delta": piece}));
        };
        for turn in turns {
            let at = turn.index(waiting.len());
            if !waiting[at].is_empty() {
                piece(at, waiting[at].remove(0));
            }
        }
        for (at, pieces) in waiting.iter().enumerate() {
            pieces.iter().for_each(|rest| piece(at, rest));
        }
        for (at, text) in texts.iter().enumerate() {
            events.push(json!({"type": "response.output_item.done", "output_index": at, "item": item(at, text)}));
        }
        events.push(json!({"type": "response.completed", "response": {}}));
        let events: Vec<_> = events.iter().map(Value::to_string).collect();
        let stream = relay(events.iter().map(String::as_str), frame());
        for heard in [hear(events.iter().map(String::as_str)), hear(data(&stream))] {
            let told: Vec<_> = heard.blocks.iter().map(|block| block["text"].as_str().expect("a text")).collect();
            prop_assert_eq!(&told, &texts);
        }
        let last: Value = serde_json::from_str(data(&stream).last().expect("an event")).expect("JSON");
        for (at, text) in texts.iter().enumerate() {
            prop_assert_eq!(&last["response"]["output"][at], &{
                let mut item = item(at, text);
                let prefix = if calls[at].2 { "ctc" } else { "fc" };
                item["id"] = format!("{prefix}_u1_{at}").into();
                item["status"] = "completed".into();
                item
            });
        }
    }

    /// Half of a surrogate pair may end one piece and the other half begin the next.
    #[test]
    fn text_survives_any_split(text in text(), cuts in vec(any::<Index>(), 0..8)) {
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let cuts: Vec<_> = cuts.iter().map(|cut| cut.index(escaped.len() / 6 + 1) * 6).collect();
        let mut cuts = [cuts, vec![0, escaped.len()]].concat();
        cuts.sort_unstable();
        let mut events: Vec<_> = cuts.windows(2).map(|cut| {
            format!(r#"{{"type":"response.output_text.delta","output_index":0,"delta":"{}"}}"#, &escaped[cut[0]..cut[1]])
        }).collect();
        events.push(r#"{"type":"response.completed","response":{}}"#.to_owned());
        let stream = relay(events.iter().map(String::as_str), frame());
        let last: Value = serde_json::from_str(data(&stream).last().expect("an event")).expect("JSON");
        let told = &last["response"]["output"][0]["content"][0]["text"];
        prop_assert_eq!(told.as_str().unwrap_or_default(), text);
    }

    #[test]
    fn a_call_of_any_dialect_reaches_provider_and_client(name in name(), arguments in object(), custom: bool) {
        let arguments = arguments.to_string();
        let block = call(&name, &arguments, custom);
        let messages = vec![Message::new(Role::Assistant, vec![block.clone()])];
        let request = ChatRequest { messages, ..ChatRequest::new(Dialect::Gemini) };
        let (body, losses) = written(&request);
        let again = read_request(body.expect("can be said")).expect("a request");
        prop_assert_eq!(&again.messages[0].blocks[0].body, &block.body);
        prop_assert!(losses.is_empty());
        let choice = Choice { blocks: vec![block.clone()], finish: Some(Finish::ToolCalls), ..Choice::default() };
        let response = ChatResponse { choices: vec![choice], ..ChatResponse::new(Dialect::Gemini) };
        let again = read_response(write_response(&response, &frame())).expect("an answer");
        prop_assert_eq!(&again.choices[0].blocks[0].body, &block.body);
    }
}
