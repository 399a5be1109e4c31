//! What reading a provider's stream of chunks survives, and what a client's stream looks like, byte by byte where that
//! matters.

mod openai_chat_support;

use openai_chat_support::{Gathered, data, file, frame, gather, rewrite, value};
use router_core::chat::{
    Block, Body, ChatEvent, Citation, Delta, Finish, Opening, RawStr, Signature, Thinking, ToolCall,
};
use router_core::dialect::openai::chat::{StreamReader, StreamWriter, write_error};
use router_core::dialect::{Failure, Frame};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

/// A chunk with this delta.
fn chunk(delta: Value) -> String {
    let mut chunk = json!({"id": "chatcmpl-A1", "choices": [{"index": 0}]});
    chunk["choices"][0]["delta"] = delta;
    chunk.to_string()
}

fn last(word: &str) -> String {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": word}]}).to_string()
}

/// Reads these deltas as a whole answer.
fn read(deltas: &[Value], word: &str) -> Gathered {
    let mut events: Vec<_> = deltas.iter().cloned().map(chunk).collect();
    events.extend([last(word), "[DONE]".to_owned()]);
    gather(events.iter().map(String::as_str))
}

fn call(id: &str, name: &str, arguments: &str) -> Block {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

#[test]
fn calls_are_told_apart_however_they_are_numbered() {
    let f = |index: Value, id: Value, name: Value, arguments: Value| json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]});
    let none = Value::Null;
    let both = [call("a", "f", "{\"x\":1}"), call("b", "g", "{\"y\":2}")];
    let ways = [
        // As the API has it, with fragments of both calls in turns.
        vec![
            f(json!(0), json!("a"), json!("f"), json!("")),
            f(json!(1), json!("b"), json!("g"), none.clone()),
            f(json!(0), none.clone(), none.clone(), json!("{\"x\"")),
            f(json!(1), none.clone(), none.clone(), json!("{\"y\":2}")),
            f(json!(0), none.clone(), none.clone(), json!(":1}")),
        ],
        // Whole calls, each with the index 0.
        vec![
            f(json!(0), json!("a"), json!("f"), json!("{\"x\":1}")),
            f(json!(0), json!("b"), json!("g"), json!("{\"y\":2}")),
        ],
        // No indexes; ids and names in every fragment.
        vec![
            f(none.clone(), json!("a"), json!("f"), json!("{\"x\"")),
            f(none.clone(), json!("a"), json!("f"), json!(":1}")),
            f(none.clone(), json!("b"), json!("g"), json!("{\"y\":2}")),
        ],
        // No indexes, and ids in the first fragment only.
        vec![
            f(none.clone(), json!("a"), json!("f"), none.clone()),
            f(none.clone(), none.clone(), none.clone(), json!("{\"x\":1}")),
            f(none.clone(), json!("b"), json!("g"), none.clone()),
            f(none.clone(), none.clone(), json!(""), json!("{\"y\":2}")),
        ],
        // The name comes after the first arguments; the other call's arguments are an object.
        vec![
            f(json!(0), json!("a"), none.clone(), json!("{\"x\"")),
            f(json!(0), json!(""), json!("f"), json!(":1}")),
            f(json!(1), json!("b"), json!("g"), json!({"y": 2})),
        ],
    ];
    for deltas in ways {
        let gathered = read(&deltas, "stop");
        assert!(gathered.complete);
        assert_eq!(gathered.choice().blocks, both, "{deltas:?}");
        assert_eq!(gathered.choice().finish, Some(Finish::ToolCalls));
    }
}

#[test]
fn calls_without_ids_get_some_that_differ_from_answer_to_answer() {
    let whole = json!({"tool_calls": [
        {"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}},
    ]});
    let gathered = read(&[whole], "tool_calls");
    let made = [call("call_chatcmpl-A1_0", "f", "{}"), call("call_chatcmpl-A1_1", "f", "{}")];
    assert_eq!(gathered.choice().blocks, made);
    let legacy =
        [json!({"function_call": {"name": "f", "arguments": ""}}), json!({"function_call": {"arguments": "{}"}})];
    assert_eq!(read(&legacy, "function_call").choice().blocks, [call("call_chatcmpl-A1_0", "f", "{}")]);
}

#[test]
fn a_call_goes_on_after_other_things_or_the_stream_is_broken() {
    let begun = json!({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]});
    let text = json!({"content": "So."});
    let gathered = read(&[begun.clone(), json!({"content": ""}), text.clone()], "tool_calls");
    assert_eq!(gathered.choice().blocks, [call("a", "f", "{}"), Block::text("So.")]);
    let mut reader = StreamReader::default();
    let mut sink = |_: ChatEvent<'_>| {};
    for delta in [begun.clone(), text] {
        reader.event(&chunk(delta), &mut sink).expect("a chunk");
    }
    let more = json!({"tool_calls": [{"index": 0, "function": {"arguments": "!"}}]});
    assert!(reader.event(&chunk(more), &mut sink).is_err());
}

#[test]
fn an_answer_is_complete_only_when_it_says_so_twice() {
    let text = chunk(json!({"content": "x"}));
    assert!(!gather([text.as_str(), "[DONE]"]).complete, "no finish_reason");
    assert!(!gather([text.as_str(), &last("stop")]).complete, "no [DONE]");
    assert!(!gather(["[DONE]"]).complete, "nothing at all");
    assert!(gather([text.as_str(), &last("stop"), " [DONE] "]).complete);
    let second = json!({"choices": [{"index": 1, "delta": {"content": "y"}}]}).to_string();
    assert!(!gather([text.as_str(), &second, &last("stop"), "[DONE]"]).complete, "one of two answers");
}

#[test]
fn what_comes_after_the_end_of_an_answer_is_not_of_it() {
    let events = [chunk(json!({"content": "x"})), last("length"), chunk(json!({"content": "y"})), last("stop")];
    let usage = json!({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}).to_string();
    let gathered = gather(events.iter().map(String::as_str).chain([usage.as_str(), "[DONE]", "[DONE]", "{"]));
    assert_eq!(gathered.choice().blocks, [Block::text("x")]);
    assert_eq!(gathered.choice().finish, Some(Finish::Length));
    assert_eq!(gathered.answer.and_then(|answer| answer.usage).map(|usage| usage.output), Some(2));
}

#[test]
fn chunks_of_sloppy_servers_are_read() {
    let odd = [
        r#"{"choices":[],"created":0,"id":"","model":"","prompt_filter_results":[{}]}"#,
        r#"{"type":"ping"}"#,
        r#"{"id":null,"choices":null}"#,
        r#"{"id":"gen-1","model":"m","created":1.5,"choices":[{"delta":{"role":"assistant","content":null,"tool_calls":null}}]}"#,
        r#"{"id":"gen-1","choices":[{"delta":null,"finish_reason":""}]}"#,
        r#"{"choices":[{"index":0,"delta":{"content":"Hi","audio":{"data":"x"}},"finish_reason":null}],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#,
        r#"{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":" you"}]}}],"usage":{"prompt_tokens":-3}}"#,
        r#"{"choices":[{"index":0,"delta":{},"stop_reason":"END","finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"eos"}]}"#,
        "[DONE]",
    ];
    let gathered = gather(odd);
    assert!(gathered.complete);
    let choice = gathered.choice();
    assert_eq!(choice.blocks, [Block::text("Hi you")]);
    assert_eq!((choice.finish, choice.stop_sequence.as_deref()), (Some(Finish::StopSequence), Some("END")));
    let answer = gathered.answer.expect("an answer");
    assert_eq!((answer.id.as_str(), answer.model.as_str(), answer.created), ("gen-1", "m", None));
    assert_eq!(answer.usage.map(|usage| usage.output), Some(2));
    for broken in ["", "{", "nonsense", "5", r#"{"choices":5}"#] {
        assert!(StreamReader::default().event(broken, &mut |_: ChatEvent<'_>| {}).is_err(), "{broken}");
    }
}

#[test]
fn an_error_ends_a_stream_in_whatever_form_it_comes() {
    let forms = [
        (r#"{"error":{"message":"No.","type":"server_error","code":"overloaded"}}"#, "overloaded", "No."),
        (
            r#"{"error":{"message":"No.","code":"overloaded"},"choices":[{"finish_reason":"error"}]}"#,
            "overloaded",
            "No.",
        ),
        (r#"{"error":{"message":"No.","code":502}}"#, "", "No."),
        (r#"{"error":"No."}"#, "", "No."),
        (r#"{"object":"error","message":"No.","type":"BadRequestError","code":400}"#, "BadRequestError", "No."),
        (r#"{"choices":[{"index":0,"delta":{},"finish_reason":"error"}]}"#, "", ""),
    ];
    for (form, kind, message) in forms {
        let text = chunk(json!({"content": "x"}));
        let gathered = gather([text.as_str(), form, &last("stop"), "[DONE]"]);
        assert_eq!(gathered.error, Some((kind.to_owned(), message.to_owned())), "{form}");
        assert!(!gathered.complete);
        // A stream that begins with an error has not begun: another provider may still answer.
        assert_eq!(gather([form]).answer.is_none(), !form.starts_with(r#"{"choices"#), "{form}");
    }
}

#[test]
fn thoughts_are_read_from_whichever_field_has_them_and_once() {
    let thought = |text: &str, seal: Option<Signature>| Block {
        signature: seal,
        ..Block::new(Body::Thinking(Thinking { text: text.to_owned(), ..Thinking::default() }))
    };
    let entry =
        |text: Value, seal: Value| json!([{"type": "reasoning.text", "text": text, "signature": seal, "index": 0}]);
    let (none, sealed) = (Value::Null, Some(Signature::new(Dialect::Anthropic, "c2ln")));
    let ways = [
        (vec![json!({"reasoning_content": "Hm"}), json!({"reasoning_content": "."})], None),
        (vec![json!({"reasoning": "Hm", "reasoning_content": "Hm"}), json!({"reasoning": "."})], None),
        (
            vec![
                json!({"reasoning": "Hm", "reasoning_details": entry(json!("Hm"), none.clone())}),
                json!({"reasoning": ".", "reasoning_details": entry(json!("."), none.clone())}),
                json!({"reasoning_details": entry(json!(""), json!("tg1.anthropic..c2ln"))}),
            ],
            sealed.clone(),
        ),
        // The entry comes at the end and says it all again.
        (
            vec![
                json!({"reasoning_content": "Hm."}),
                json!({"reasoning_details": entry(json!("Hm."), json!("tg1.anthropic..c2ln"))}),
            ],
            sealed,
        ),
        (vec![json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]})], None),
    ];
    for (mut deltas, seal) in ways {
        deltas.push(json!({"content": "4"}));
        assert_eq!(read(&deltas, "stop").choice().blocks, [thought("Hm.", seal), Block::text("4")], "{deltas:?}");
    }
}

#[test]
fn pictures_come_whole() {
    let image =
        json!({"images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}, "index": 0}]});
    let gathered = read(&[json!({"content": "Here:"}), image], "stop");
    assert_eq!(gathered.choice().blocks.len(), 2);
    assert!(
        matches!(&gathered.choice().blocks[1].body, Body::Image(media) if media.media_type.as_deref() == Some("image/png"))
    );
}

/// Writes these events.
fn write(frame: Frame, events: &[ChatEvent<'_>]) -> String {
    let (mut writer, mut out) = (StreamWriter::new(frame), Vec::new());
    events.iter().for_each(|event| writer.event(*event, &mut out));
    String::from_utf8(out).expect("text")
}

const START: ChatEvent<'_> = ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None };

fn open(block: u32, opening: Opening<'_>) -> ChatEvent<'_> {
    ChatEvent::Open { choice: 0, block, opening }
}

fn delta(block: u32, delta: Delta<'_>) -> ChatEvent<'_> {
    ChatEvent::Delta { choice: 0, block, delta }
}

fn close(block: u32) -> ChatEvent<'static> {
    ChatEvent::Close { choice: 0, block }
}

#[test]
fn a_client_s_stream_is_what_the_api_sends() {
    let usage = UsageReport { input: 3, output: 2, ..UsageReport::default() };
    let events = [
        START,
        open(0, Opening::Text),
        delta(0, Delta::Text(RawStr::escaped("H\\u00e9"))),
        close(0),
        ChatEvent::Finish { choice: 0, finish: Finish::Stop, stop_sequence: None },
        ChatEvent::Usage { usage: &usage, service_tier: Some(RawStr::plain("flex")) },
        ChatEvent::End,
    ];
    let head = r#"data: {"id":"chatcmpl-u1","object":"chat.completion.chunk","created":7,"model":"alias","choices":"#;
    let rest = |choice: &str| format!("{head}[{{\"index\":0,{choice}}}],\"usage\":null}}\n\n");
    let expected = [
        rest(r#""delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null"#),
        rest(r#""delta":{"content":"H\u00e9"},"logprobs":null,"finish_reason":null"#),
        rest(r#""delta":{},"logprobs":null,"finish_reason":"stop""#),
    ];
    let text = write(frame(), &events);
    let (front, back) = text.split_at(expected.concat().len());
    assert_eq!(front, expected.concat());
    let last = value(data(back)[0]);
    assert_eq!(
        (&last["choices"], &last["usage"]["total_tokens"], &last["service_tier"]),
        (&json!([]), &json!(5), &json!("flex"))
    );
    assert!(back.ends_with("}\n\ndata: [DONE]\n\n"));
    // Whoever did not ask for usage gets none.
    let text = write(Frame { include_usage: false, ..frame() }, &events);
    assert!(!text.contains("usage") && text.ends_with("}]}\n\ndata: [DONE]\n\n"), "{text}");
}

#[test]
fn calls_are_written_as_clients_gather_them() {
    let opening = |id| Opening::ToolCall { id: RawStr::plain(id), name: RawStr::plain("f"), custom: id == "c" };
    let text = write(
        frame(),
        &[
            START,
            open(0, opening("a")),
            delta(0, Delta::Signature { origin: Dialect::Gemini, data: RawStr::plain("c2ln") }),
            open(1, opening("b")),
            delta(1, Delta::Object("{\n\"x\": \"\\n\"}")),
            open(2, opening("c")),
            delta(2, Delta::Arguments(RawStr::escaped("free"))),
            close(0),
            close(1),
            close(2),
            ChatEvent::Finish { choice: 0, finish: Finish::ToolCalls, stop_sequence: None },
            ChatEvent::End,
        ],
    );
    let deltas: Vec<_> = data(&text)[..8].iter().map(|event| value(event)["choices"][0]["delta"].clone()).collect();
    assert_eq!(deltas[0], json!({"role": "assistant", "content": null, "refusal": null}));
    let call = |call: Value| json!({"tool_calls": [call]});
    let first = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}});
    assert_eq!(deltas[1], call(first));
    let seal = json!({"google": {"thought_signature": "c2ln"}});
    // Clients look for more arguments in every part of a call.
    assert_eq!(deltas[2], call(json!({"index": 0, "function": {"arguments": ""}, "extra_content": seal})));
    assert_eq!(deltas[4], call(json!({"index": 1, "function": {"arguments": "{\n\"x\": \"\\n\"}"}})));
    assert_eq!(deltas[5], call(json!({"index": 2, "id": "c", "type": "custom", "custom": {"name": "f", "input": ""}})));
    assert_eq!(deltas[6], call(json!({"index": 2, "custom": {"input": "free"}})));
    // No arguments are an empty object: clients parse what they gathered.
    assert_eq!(deltas[7], call(json!({"index": 0, "function": {"arguments": "{}"}})));
    let gathered = gather(data(&text));
    let calls = &gathered.choice().blocks;
    assert_eq!(calls[0].signature, Some(Signature::new(Dialect::Gemini, "c2ln")));
    assert_eq!(calls[1], call_of(&calls[1], "{\n\"x\": \"\\n\"}"));
    assert_eq!(calls.len(), 3);
}

fn call_of(block: &Block, arguments: &str) -> Block {
    let Body::ToolCall(call) = &block.body else { panic!("a call") };
    Block::new(Body::ToolCall(ToolCall { arguments: arguments.to_owned(), ..call.clone() }))
}

#[test]
fn citations_of_any_dialect_point_into_the_whole_text() {
    let cited = Citation {
        url: Some("https://a.b".into()),
        title: Some("T".into()),
        ..Citation::new(Dialect::Anthropic, "{}")
    };
    let note = Delta::Citation(&cited);
    let own = Citation::new(Dialect::Openai, "{\"type\":\n\"note\"}");
    let document = Citation::new(Dialect::Anthropic, "{\"type\":\"page_location\"}");
    let (own, lost) = (Delta::Citation(&own), Delta::Citation(&document));
    let text = write(
        frame(),
        &[
            START,
            open(0, Opening::Text),
            delta(0, Delta::Text(RawStr::escaped("\\ud83d\\ude00 "))),
            close(0),
            open(1, Opening::Text),
            delta(1, Delta::Text(RawStr::escaped("Won."))),
            delta(1, note),
            delta(1, own),
            delta(1, lost),
            close(1),
            open(2, Opening::Text),
            delta(2, Delta::Text(RawStr::escaped("!"))),
            delta(2, note),
            close(2),
        ],
    );
    let notes = data(&text).into_iter().map(|event| value(event)["choices"][0]["delta"]["annotations"].clone());
    let notes: Vec<_> = notes.filter(Value::is_array).collect();
    let at = |start: u64, end: u64| json!({"start_index": start, "end_index": end, "url": "https://a.b", "title": "T"});
    assert_eq!(notes[0], json!([{"index": 0, "type": "url_citation", "url_citation": at(2, 6)}, {"type": "note"}]));
    // A client that gathers the stream merges a second list by index only.
    assert_eq!(notes[1], json!([{"index": 2, "type": "url_citation", "url_citation": at(6, 7)}]));
}

/// Places count all text of the answer, and a reader of pieces knows where the first begins.
#[test]
fn annotations_may_come_first_and_are_placed_in_the_first_text_only() {
    let note = |url: &str| {
        let inner = json!({"url": url, "title": "T", "start_index": 0, "end_index": 1});
        json!({"annotations": [{"type": "url_citation", "url_citation": inner}]})
    };
    let text = |text: &str| json!({"content": text});
    let call = json!({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]});
    let deltas =
        [note("https://a"), json!({"reasoning_content": "Hm."}), text("ab"), call, text("c"), note("https://b")];
    let gathered = read(&deltas, "stop");
    let cited = gathered.choice().blocks.iter().filter_map(|block| match &block.body {
        Body::Text { citations, .. } => {
            Some(citations.iter().map(|one| (one.address(), one.range)).collect::<Vec<_>>())
        }
        _ => None,
    });
    let cited: Vec<_> = cited.collect();
    assert_eq!(cited, [[(Some("https://a"), Some((0, 1)))], [(Some("https://b"), None)]]);
}

#[test]
fn a_broken_stream_ends_with_an_error_and_nothing_more() {
    let failure = Failure {
        status: 503,
        kind: "server_error",
        code: "provider_overloaded",
        message: "Try again.",
        param: None,
        source: Some("provider"),
        request_id: "r",
    };
    let mut out = Vec::new();
    let mut writer = StreamWriter::new(frame());
    writer.event(START, &mut out);
    writer.event(ChatEvent::Ping, &mut out);
    assert_eq!(out, b": keep-alive\n\n");
    out.clear();
    writer.fail(&failure, &mut out);
    writer.event(ChatEvent::End, &mut out);
    let text = String::from_utf8(out).expect("text");
    let [event] = data(&text)[..] else { panic!("one event: {text}") };
    let event = value(event);
    let mut error =
        json!({"message": "Try again.", "type": "server_error", "param": null, "code": "provider_overloaded"});
    error["metadata"] = json!({"source": "provider"});
    assert_eq!(event["error"], error);
    assert_eq!(
        event["choices"],
        json!([{"index": 0, "delta": {"content": ""}, "logprobs": null, "finish_reason": "error"}])
    );
    assert_eq!(write_error(&failure), json!({"error": error}));
    assert!(gather(data(&text)).error.is_some());
}

#[test]
fn ids_of_other_dialects_get_a_prefix_and_own_ones_stay() {
    let first = |id: &str| {
        let stream = file("text.stream.txt").replace("chatcmpl-A1", id);
        value(data(&rewrite(data(&stream), frame()))[0])["id"].clone()
    };
    assert_eq!((first("msg_A1"), first("chatcmpl-B")), (json!("chatcmpl-msg_A1"), json!("chatcmpl-B")));
}
