//! Requests of other dialects, as Anthropic gets them, and what is lost.

mod anthropic_codec_support;

use anthropic_codec_support::written;
use router_core::chat::{
    Block, Body, CacheMark, ChatRequest, Citation, Losses, Media, Message, Role, Signature, Source, Thinking, Tool,
    ToolBody, ToolCall, ToolResult,
};
use router_core::dialect::anthropic::{read_request, write_request};
use router_core::dialect::{Quirks, Target};
use router_core::domain::Dialect;
use serde_json::{Value, json};

const MODEL: &str = "claude-sonnet-4-5";

fn request(messages: Vec<Message>) -> ChatRequest {
    ChatRequest { messages, max_tokens: Some(1024), ..ChatRequest::new(Dialect::Openai) }
}

fn says(role: Role, text: &str) -> Message {
    Message::new(role, vec![Block::text(text)])
}

fn call(id: &str, arguments: &str) -> Block {
    let (id, name, arguments) = (id.to_owned(), "f".to_owned(), arguments.to_owned());
    Block::new(Body::ToolCall(ToolCall { id, name, arguments, custom: false }))
}

fn result(id: &str, content: Vec<Block>) -> Block {
    Block::new(Body::ToolResult(ToolResult { id: id.to_owned(), name: None, content, is_error: false }))
}

fn thought(signature: Option<Signature>) -> Block {
    let thinking = Thinking { text: "hm".into(), ..Thinking::default() };
    Block { signature, ..Block::new(Body::Thinking(thinking)) }
}

fn media(source: Source, media_type: &str) -> Media {
    Media { source, media_type: Some(media_type.to_owned()), name: None, detail: None }
}

fn refused(request: &ChatRequest) -> String {
    let quirks = Quirks::default();
    let target = Target { model: MODEL, quirks: &quirks };
    write_request(request, &target, &mut Losses::default()).expect_err("cannot be written").to_string()
}

#[test]
fn instructions_stand_apart_and_later_ones_are_said_by_the_user() {
    let mut request = request(vec![
        says(Role::System, "One."),
        says(Role::Developer, "Two."),
        says(Role::User, "Hi"),
        says(Role::Assistant, "Ho"),
        says(Role::Developer, "Three."),
        says(Role::User, "Go"),
    ]);
    request.system = vec![Block { cache: Some(CacheMark { ttl: None }), ..Block::text("Zero.") }];
    let (body, losses) = written(&request, MODEL);
    let mark = json!({"type": "ephemeral"});
    let system = json!([
        {"type": "text", "text": "Zero.", "cache_control": mark},
        {"type": "text", "text": "One."},
        {"type": "text", "text": "Two."},
    ]);
    assert_eq!(body["system"], system);
    let last = json!([{"type": "text", "text": "Three."}, {"type": "text", "text": "Go"}]);
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Ho"},
        {"role": "user", "content": last},
    ]);
    assert_eq!(body["messages"], messages);
    assert_eq!(losses, "messages[4].role");
}

#[test]
fn consecutive_turns_are_one_and_results_come_first() {
    let request = request(vec![
        says(Role::User, "Hi"),
        Message::new(Role::Assistant, vec![Block::text(""), call("a:1", " "), call("b", r#"{"x":1}"#)]),
        says(Role::User, "Wait"),
        Message::new(Role::Tool, vec![result("b", vec![Block::text("B")])]),
        Message::new(Role::Tool, vec![result("a:1", vec![])]),
        says(Role::User, "   "),
    ]);
    let (body, losses) = written(&request, MODEL);
    let messages = json!([
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [
            {"type": "tool_use", "id": "a_3a1", "name": "f", "input": {}},
            {"type": "tool_use", "id": "b", "name": "f", "input": {"x": 1}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "b", "content": "B"},
            {"type": "tool_result", "tool_use_id": "a_3a1"},
            {"type": "text", "text": "Wait"},
        ]},
    ]);
    assert_eq!((&body["messages"], losses.as_str()), (&messages, ""));
}

#[test]
fn what_cannot_be_a_request_is_refused_by_its_place() {
    let bad = Message::new(Role::Assistant, vec![Block::text("x"), call("a", "{}"), call("b", "[1]")]);
    let place = "messages[1].tool_calls[1].function.arguments: must be the JSON text of an object";
    assert_eq!(refused(&request(vec![says(Role::User, "Hi"), bad])), place);
    assert!(refused(&request(vec![says(Role::System, "only")])).starts_with("messages: must have"));
    assert!(refused(&request(vec![])).starts_with("messages: must have"));
}

#[test]
fn thoughts_go_back_to_whoever_sealed_them() {
    let seal = |origin| Some(Signature::new(origin, "S"));
    let signed = Block { signature: seal(Dialect::Gemini), ..call("a", "{}") };
    let hidden = Thinking { redacted: true, ..Thinking::default() };
    let hidden = |origin| Block { signature: seal(origin), ..Block::new(Body::Thinking(hidden.clone())) };
    let blocks = vec![
        thought(seal(Dialect::Anthropic)),
        thought(seal(Dialect::Responses)),
        thought(None),
        hidden(Dialect::Anthropic),
        hidden(Dialect::Responses),
        thought(seal(Dialect::Bedrock)),
        hidden(Dialect::Bedrock),
        signed,
    ];
    let (body, losses) = written(&request(vec![says(Role::User, "x"), Message::new(Role::Assistant, blocks)]), MODEL);
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "redacted_thinking", "data": "S"},
        {"type": "thinking", "thinking": "hm", "signature": "S"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {}},
    ]);
    assert_eq!(body["messages"][1]["content"], content);
    let named = "messages[1].content[1].thinking, messages[1].content[2].thinking, messages[1].content[4].thinking, \
                 messages[1].content[6].thinking, messages[1].content[7].signature";
    assert_eq!(losses, named);
}

#[test]
fn seals_that_a_client_carried_for_others_do_not_reach_anthropic() {
    let carried = Signature::new(Dialect::Gemini, "R0VN").carried_in(Dialect::Anthropic);
    let reasoning = Signature { origin: Dialect::Responses, id: Some("rs_1".into()), data: "ENC".into() };
    let body = json!({"model": MODEL, "max_tokens": 9, "messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "so", "signature": reasoning.carried_in(Dialect::Anthropic)},
            {"type": "thinking", "thinking": "", "signature": carried},
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            {"type": "thinking", "thinking": "", "signature": carried},
        ]},
    ]});
    let request = read_request(body).expect("a request");
    let blocks = &request.messages[1].blocks;
    assert_eq!(blocks[0].signature, Some(reasoning));
    assert!(matches!(&blocks[1].body, Body::ToolCall(_)));
    assert_eq!(blocks[1].signature, Some(Signature::new(Dialect::Gemini, "R0VN")));
    // Nothing follows the last one, so it stays what it is.
    assert!(matches!(&blocks[2].body, Body::Thinking(_)) && blocks.len() == 3);
    let (body, losses) = written(&request, MODEL);
    let content = json!([{"type": "tool_use", "id": "a", "name": "f", "input": {}}]);
    assert_eq!(body["messages"][1]["content"], content);
    let named = "messages[1].content[0].thinking, messages[1].content[1].signature, messages[1].content[2].thinking";
    assert_eq!(losses, named);
}

#[test]
fn a_seal_that_came_after_its_text_is_of_that_text() {
    let seal = Signature::new(Dialect::Gemini, "R0VN");
    let after = Signature { id: Some("prev".into()), ..seal.clone() }.carried_in(Dialect::Anthropic);
    let carrier = json!({"type": "thinking", "thinking": "", "signature": after});
    let call = json!({"type": "tool_use", "id": "a", "name": "f", "input": {}});
    let body = json!({"model": MODEL, "max_tokens": 9, "messages": [
        {"role": "assistant", "content": [{"type": "text", "text": "4"}, carrier, call]},
        {"role": "assistant", "content": [carrier, call]},
    ]});
    let request = read_request(body).expect("a request");
    let signatures = |at: usize| -> Vec<_> {
        request.messages[at].blocks.iter().map(|block| (block.kind(), block.signature.clone())).collect()
    };
    assert_eq!(signatures(0), [("text", Some(seal)), ("tool_call", None)]);
    // Its text is gone.
    assert_eq!(signatures(1), [("tool_call", None)]);
}

#[test]
fn notes_of_other_dialects_are_no_losses() {
    let body = ToolBody::Function { name: "f".into(), description: None, schema: None, strict: None };
    let extra = [("\0spelling".to_owned(), json!(1)), ("loose".to_owned(), json!(2))].into_iter().collect();
    let tools = vec![Tool { extra, ..Tool::new(body) }];
    let request = ChatRequest { tools, ..request(vec![says(Role::User, "x")]) };
    assert_eq!(written(&request, MODEL).1, "tools[0].loose");
}

#[test]
fn pictures_and_documents_go_as_far_as_the_api_takes_them() {
    let image = |source| Block::new(Body::Image(media(source, "image/png")));
    let mut close = media(Source::Url("https://example.com/a.png".into()), "image/png");
    close.detail = Some("high".into());
    let mut named = media(Source::Base64("aGk=".into()), "text/plain");
    named.name = Some("a.txt".into());
    let blocks = vec![
        Block::new(Body::Image(close)),
        image(Source::File("file-1".into())),
        Block::new(Body::Audio(media(Source::Base64("UklGRg==".into()), "audio/wav"))),
        Block::new(Body::Document(named)),
        Block::new(Body::Foreign { dialect: Dialect::Gemini, value: json!({"x": 1}) }),
    ];
    let tool = result("a", vec![Block::new(Body::Audio(media(Source::Base64("UklGRg==".into()), "audio/wav")))]);
    let request = request(vec![
        Message::new(Role::User, blocks),
        Message::new(Role::Assistant, vec![call("a", "{}")]),
        Message::new(Role::Tool, vec![tool]),
    ]);
    let (body, losses) = written(&request, MODEL);
    let content = json!([
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "hi"}, "title": "a.txt"},
    ]);
    assert_eq!(body["messages"][0]["content"], content);
    assert_eq!(body["messages"][2]["content"][0]["content"], "[audio]");
    let named = "messages[0].content[0].detail, messages[0].content[1].image, messages[0].content[2].audio, \
                 messages[0].content[4].provider_specific, messages[2].content[0].content[0].audio";
    assert_eq!(losses, named);
}

#[test]
fn only_citations_that_the_api_made_go_back_to_it() {
    let citation = |dialect, raw: Value| Citation::new(dialect, raw.to_string());
    let ours = json!({"type": "char_location", "cited_text": "x", "document_index": 0});
    let carried = json!({"type": "web_search_result_location", "url": "u", "encrypted_index": ""});
    let citations = vec![
        citation(Dialect::Anthropic, ours.clone()),
        citation(Dialect::Anthropic, carried),
        citation(Dialect::Openai, json!({"type": "url_citation"})),
    ];
    let block = Block::new(Body::Text { text: "x".into(), citations });
    let (body, losses) =
        written(&request(vec![Message::new(Role::Assistant, vec![block]), says(Role::User, "y")]), MODEL);
    assert_eq!(body["messages"][0]["content"][0]["citations"], json!([ours]));
    assert_eq!(losses, "messages[0].content[0].citations");
}

#[test]
fn an_answers_beginning_does_not_end_in_white_space() {
    let request = request(vec![says(Role::User, "x"), says(Role::Assistant, "It is \n")]);
    assert_eq!(written(&request, MODEL).0["messages"][1]["content"], "It is");
}

#[test]
fn what_others_know_and_the_api_does_not_is_named() {
    let mut request = request(vec![Message { name: Some("ada".into()), ..says(Role::User, "x") }]);
    request.messages[0].extra.insert("weight".into(), 1.into());
    request.messages[0].blocks[0].extra.insert("video_metadata".into(), Value::Null);
    request.metadata.insert("team".into(), "blue".into());
    request.cache_key = Some("k".into());
    request.verbosity = Some("low".into());
    request.service_tier = Some("flex".into());
    request.user = Some("u".into());
    request.stop = vec![" ".into(), "END".into()];
    for (key, value) in [("store", json!(true)), ("logit_bias", json!({})), ("\0spelling", json!(1))] {
        request.extra.insert(key.into(), value);
    }
    let (body, losses) = written(&request, MODEL);
    let expected = json!({
        "model": MODEL, "max_tokens": 1024, "messages": [{"role": "user", "content": "x"}],
        "stop_sequences": ["END"], "metadata": {"user_id": "u"},
    });
    assert_eq!(body, expected);
    let named = "messages[0].content[0].video_metadata, messages[0].name, messages[0].weight, stop, service_tier, \
                 metadata, prompt_cache_key, verbosity, logit_bias";
    assert_eq!(losses, named);
    request.service_tier = Some("priority".into());
    assert_eq!(written(&request, MODEL).0["service_tier"], "auto");
}
