//! Seals of any provider come back through Chat Completions as they were issued, in whole answers and in streams.

mod openai_chat_support;

use openai_chat_support::{Gathered, data, frame, gather, value};
use router_core::chat::{
    Block, Body, ChatEvent, ChatResponse, Choice, Citation, Delta, Finish, Media, Opening, RawStr, Signature, Source,
    Thinking, ToolCall,
};
use router_core::dialect::Frame;
use router_core::dialect::openai::chat::{StreamWriter, read_request, read_response, write_response};
use router_core::domain::Dialect;
use serde_json::{Value, json};

fn thought(text: &str, summary: &[&str], redacted: bool, signature: Option<Signature>) -> Block {
    let summary = summary.iter().map(|part| (*part).to_owned()).collect();
    Block { signature, ..Block::new(Body::Thinking(Thinking { text: text.to_owned(), summary, redacted })) }
}

fn sealed(origin: Dialect) -> Option<Signature> {
    Some(Signature::new(origin, "EqQB.+/=.x"))
}

fn item(data: &str) -> Option<Signature> {
    Some(Signature { origin: Dialect::Responses, id: Some("rs_1".into()), data: data.to_owned() })
}

fn call(signature: Option<Signature>) -> Block {
    let (id, name, arguments) = ("c".to_owned(), "f".to_owned(), "{}".to_owned());
    Block { signature, ..Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false })) }
}

/// Everything that a provider may have thought and sealed.
fn histories() -> Vec<Vec<Block>> {
    let text = Block::text("4");
    let sealed_text = Block { signature: sealed(Dialect::Gemini), ..text.clone() };
    vec![
        vec![thought("Hm.", &[], false, sealed(Dialect::Anthropic)), text.clone()],
        vec![thought("Hm.", &[], false, sealed(Dialect::Openai)), text.clone()],
        vec![thought("Hm.", &[], false, None), text.clone()],
        vec![thought("", &[], true, sealed(Dialect::Anthropic)), text.clone()],
        vec![thought("", &[], false, sealed(Dialect::Anthropic)), text.clone()],
        vec![
            thought("One.", &[], false, sealed(Dialect::Anthropic)),
            thought("", &[], true, sealed(Dialect::Anthropic)),
            thought("Two.", &[], false, sealed(Dialect::Anthropic)),
            text.clone(),
        ],
        vec![thought("", &["One.", "Two."], false, item("gAAA")), text.clone(), call(None)],
        vec![thought("", &[], false, item("gAAA")), call(sealed(Dialect::Gemini))],
        vec![thought("", &["One."], false, item("gAAA")), thought("", &["Two."], false, item("gBBB")), text],
        vec![thought("Hm.", &[], false, None), sealed_text.clone()],
        vec![sealed_text, call(sealed(Dialect::Gemini))],
    ]
}

/// An answer of another dialect.
fn answer(blocks: Vec<Block>) -> ChatResponse {
    let choice = Choice { blocks, finish: Some(Finish::Stop), ..Choice::default() };
    ChatResponse { choices: vec![choice], ..ChatResponse::new(Dialect::Anthropic) }
}

#[test]
fn a_client_that_sends_an_answer_back_sends_its_seals_back() {
    for blocks in histories() {
        let body = write_response(&answer(blocks.clone()), &frame());
        let message = body["choices"][0]["message"].clone();
        let request = json!({"model": "m", "messages": [message]});
        assert_eq!(read_request(request).expect("a request").messages[0].blocks, blocks, "{body}");
        assert_eq!(read_response(body.clone()).expect("an answer").choices[0].blocks, blocks, "{body}");
    }
}

/// The events of an answer, as a reader of another dialect would give them.
fn stream(blocks: &[Block]) -> String {
    let (mut writer, mut out) = (StreamWriter::new(frame()), Vec::new());
    let mut put = |event: ChatEvent<'_>| writer.event(event, &mut out);
    put(ChatEvent::Start { id: None, model: None, created: None, usage: None, service_tier: None });
    for (at, block) in blocks.iter().enumerate() {
        let (choice, number) = (0, u32::try_from(at).expect("few"));
        let id = block.signature.as_ref().and_then(|seal| seal.id.as_deref()).map(RawStr::plain);
        let opening = match &block.body {
            Body::Thinking(thinking) if thinking.redacted => Opening::Redacted,
            Body::Thinking(_) => Opening::Thinking { id, summary: id.is_some() },
            Body::ToolCall(call) => {
                Opening::ToolCall { id: RawStr::plain(&call.id), name: RawStr::plain(&call.name), custom: false }
            }
            _ => Opening::Text,
        };
        put(ChatEvent::Open { choice, block: number, opening });
        let mut more = |delta: Delta<'_>| put(ChatEvent::Delta { choice, block: number, delta });
        match &block.body {
            Body::Thinking(thinking) => {
                halves(&thinking.text, &mut more);
                for part in &thinking.summary {
                    more(Delta::SummaryPart);
                    halves(part, &mut more);
                }
            }
            Body::ToolCall(_) => more(Delta::Object("{}")),
            Body::Text { text, .. } => halves(text, &mut more),
            other => panic!("{other:?}"),
        }
        if let Some(seal) = &block.signature {
            more(Delta::Signature { origin: seal.origin, data: RawStr::plain(&seal.data) });
        }
        put(ChatEvent::Close { choice, block: number });
    }
    put(ChatEvent::Finish { choice: 0, finish: Finish::Stop, stop_sequence: None });
    put(ChatEvent::End);
    String::from_utf8(out).expect("text")
}

fn halves(text: &str, more: &mut impl FnMut(Delta<'_>)) {
    let (front, back) = text.split_at(text.len() / 2);
    for half in [front, back].into_iter().filter(|half| !half.is_empty()) {
        more(Delta::Text(RawStr::plain(half)));
    }
}

/// What a client gathers: texts are joined, and items of lists merged by their index.
fn accumulate(so_far: &mut Value, delta: &Value) {
    match (so_far, delta) {
        (Value::Object(so_far), Value::Object(delta)) => {
            for (key, value) in delta {
                // As OpenAI's own client does: any other text is joined, ids too.
                let set = matches!(key.as_str(), "index" | "type");
                match so_far.get_mut(key).filter(|old| !old.is_null() && !set) {
                    Some(old) => accumulate(old, value),
                    None if key == "reasoning_details" || key == "tool_calls" => {
                        so_far.insert(key.clone(), json!([]));
                        accumulate(&mut so_far[key], value);
                    }
                    None => drop(so_far.insert(key.clone(), value.clone())),
                }
            }
        }
        (Value::Array(so_far), Value::Array(delta)) => {
            for item in delta {
                let at = usize::try_from(item["index"].as_u64().expect("an index")).expect("small");
                assert!(at <= so_far.len(), "a place is left out: {item}");
                match so_far.get_mut(at) {
                    Some(old) => accumulate(old, item),
                    None => so_far.push(item.clone()),
                }
            }
        }
        (Value::String(so_far), Value::String(delta)) => so_far.push_str(delta),
        (so_far, delta) => panic!("{delta} for {so_far}"),
    }
}

fn deltas(stream: &str) -> Vec<Value> {
    let chunks = data(stream).into_iter().filter(|event| *event != "[DONE]").map(value);
    chunks.map(|chunk| chunk["choices"][0]["delta"].clone()).collect()
}

#[test]
fn a_client_that_gathers_a_stream_sends_its_seals_back() {
    for blocks in histories() {
        let stream = stream(&blocks);
        let mut merged = json!({});
        deltas(&stream).iter().for_each(|delta| accumulate(&mut merged, delta));
        let read = |message: &Value| {
            let request = read_request(json!({"model": "m", "messages": [message]})).expect("a request");
            request.messages[0].blocks.clone()
        };
        assert_eq!(read(&merged), blocks, "{merged}");
        // Other clients only line up the entries.
        let mut lined = merged.clone();
        let entries = deltas(&stream).into_iter().filter_map(|delta| delta["reasoning_details"].as_array().cloned());
        let entries: Vec<_> = entries.flatten().collect();
        if !entries.is_empty() {
            lined["reasoning_details"] = entries.into();
        }
        assert_eq!(read(&lined), blocks, "{lined}");
    }
}

#[test]
fn a_gateway_behind_this_one_reads_the_same_from_the_stream() {
    for mut blocks in histories() {
        let Gathered { answer, complete, .. } = gather(data(&stream(&blocks)));
        assert!(complete);
        let mut told = answer.expect("an answer").choices.remove(0).blocks;
        for block in blocks.iter_mut().chain(&mut told) {
            // Events tell an item's id when it opens, and an item without a summary has no part.
            block.signature.iter_mut().for_each(|seal| seal.id = None);
            if let Body::Thinking(thinking) = &mut block.body {
                thinking.summary.retain(|part| !part.is_empty());
            }
        }
        assert_eq!(told, blocks);
    }
}

#[test]
fn a_providers_own_entries_go_back_as_they_were() {
    let entries = json!([
        {"type": "reasoning.summary", "summary": "One.", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "format": "openai-responses-v1", "index": 0},
        {"type": "reasoning.text", "text": "Two.", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.unheard_of", "x": 1},
        {"type": "reasoning.summary", "summary": "a", "id": "rs_2", "index": 4},
        {"type": "reasoning.summary", "summary": "b", "id": "rs_2", "index": 5},
    ]);
    let message = json!({"role": "assistant", "content": "4", "reasoning_details": entries});
    let request = read_request(json!({"model": "m", "messages": [message]})).expect("a request");
    let (body, losses) = openai_chat_support::written(&request);
    assert_eq!((&body["messages"][0]["reasoning_details"], losses.len()), (&entries, 0));
}

#[test]
fn a_seal_whose_words_were_dropped_gets_them_from_the_plain_thoughts() {
    let entry = json!({"type": "reasoning.text", "signature": "tg1.anthropic..c2ln", "index": 0});
    let message = json!({"role": "assistant", "content": "4", "reasoning": "Hm.", "reasoning_details": [entry]});
    let request = read_request(json!({"model": "m", "messages": [message]})).expect("a request");
    let seal = Some(Signature::new(Dialect::Anthropic, "c2ln"));
    assert_eq!(request.messages[0].blocks[0], thought("Hm.", &[], false, seal));
}

#[test]
fn an_answer_of_another_dialect_is_one_of_this_one() {
    let cite = |url: Option<&str>, range| Citation {
        url: url.map(|url| url.to_owned().into()),
        range,
        ..Citation::new(Dialect::Anthropic, "{}")
    };
    let body = |text: &str, citations| Block::new(Body::Text { text: text.to_owned(), citations });
    let picture =
        Media { source: Source::Base64("iVBO".into()), media_type: Some("image/png".into()), name: None, detail: None };
    let mut response = answer(vec![
        body("Fré ", vec![]),
        body("won.", vec![cite(Some("https://a.b"), None), cite(Some("https://c.d"), Some((0, 1))), cite(None, None)]),
        Block::new(Body::Foreign { dialect: Dialect::Anthropic, value: json!({"type": "server_tool_use", "id": "s"}) }),
        Block::new(Body::Image(picture)),
    ]);
    response.id = "msg_A1".into();
    response.extra.insert("container".into(), json!({}));
    let body = write_response(&response, &Frame { created: 7, model: "alias".into(), ..Frame::default() });
    let message = &body["choices"][0]["message"];
    assert_eq!(
        (&body["id"], &body["created"], &body["model"]),
        (&json!("chatcmpl-msg_A1"), &json!(7), &json!("alias"))
    );
    assert_eq!((&message["content"], body.get("container"), body.get("usage")), (&json!("Fré won."), None, None));
    let note = |from: u64, to: u64, url: &str| json!({"type": "url_citation", "url_citation": {"start_index": from, "end_index": to, "url": url, "title": url}});
    assert_eq!(message["annotations"], json!([note(4, 8, "https://a.b"), note(4, 5, "https://c.d")]));
    assert_eq!(message["images"][0]["image_url"]["url"], "data:image/png;base64,iVBO");
    assert_eq!(write_response(&answer(vec![]), &frame())["id"], "chatcmpl-u1");
}

#[test]
fn every_end_has_a_word_that_clients_know() {
    let word = |finish: Finish, blocks: Vec<Block>| {
        let mut response = answer(blocks);
        response.choices[0].finish = Some(finish);
        write_response(&response, &frame())["choices"][0]["finish_reason"].clone()
    };
    let words = [
        (Finish::Stop, "stop"),
        (Finish::StopSequence, "stop"),
        (Finish::Paused, "stop"),
        (Finish::Malformed, "stop"),
        (Finish::Length, "length"),
        (Finish::ContextFull, "length"),
        (Finish::ToolCalls, "tool_calls"),
        (Finish::Filtered, "content_filter"),
        (Finish::Refused, "content_filter"),
    ];
    for (finish, expected) in words {
        assert_eq!(word(finish, vec![Block::text("x")]), expected);
    }
    assert_eq!(word(Finish::Refused, vec![Block::new(Body::Refusal("No.".into()))]), "stop");
}

#[test]
fn answers_that_are_none_are_refused_with_their_place() {
    let wrong = [
        (json!([]), ""),
        (json!({"error": {"message": "No."}}), "error"),
        (json!({"id": "x"}), "choices"),
        (json!({"choices": [{}]}), "choices[0].message"),
        (json!({"choices": [{"message": {"content": 5}}]}), "choices[0].message.content"),
        (json!({"choices": [{"message": {}, "finish_reason": "error"}]}), "choices[0].finish_reason"),
    ];
    for (body, path) in wrong {
        assert_eq!(read_response(body.clone()).expect_err(&body.to_string()).path, path);
    }
    let careless =
        json!({"id": 5, "created": "now", "choices": [{"message": {"content": "x"}}], "usage": {"total_tokens": 1}});
    let read = read_response(careless).expect("an answer");
    assert_eq!((read.id.as_str(), read.created, read.usage, read.choices[0].finish), ("", None, None, None));
    let older = json!({"id": "x", "choices": [{"index": 1, "message": {"content": "b"}, "finish_reason": "eos"},
        {"index": 0, "message": {"content": null, "function_call": {"name": "f", "arguments": "{}"}},
         "stop_reason": "END", "finish_reason": "function_call"}]});
    let read = read_response(older).expect("an answer");
    assert!(matches!(&read.choices[0].blocks[0].body, Body::ToolCall(call) if call.id == "call_x_0"));
    assert_eq!((read.choices[0].finish, read.choices[1].finish), (Some(Finish::ToolCalls), Some(Finish::Stop)));
    let written = write_response(&read, &frame());
    assert_eq!(written["choices"][0]["finish_reason"], "function_call");
    assert_eq!(
        (&written["choices"][0]["stop_reason"], &written["choices"][1]["finish_reason"]),
        (&json!("END"), &json!("eos"))
    );
}
