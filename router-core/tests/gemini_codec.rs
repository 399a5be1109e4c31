//! Gemini's codec over its corpus: nothing that Google's API can say is lost on the way in and out again.

mod gemini_support;

use gemini_support::{blocks_of, body, corpus, events, file, frame, json_of, read_stream};
use router_core::chat::{Body, Finish, Format, Role, Source, ToolBody, ToolChoice};
use router_core::dialect::gemini::{read_request, read_response, write_response};
use serde_json::{Value, json};

const MODEL: &str = "gemini-2.5-pro";

#[test]
fn every_request_comes_back_as_it_was() {
    for (case, text) in corpus(".request.json") {
        let request = read_request(json_of(&text)).unwrap_or_else(|error| panic!("{case}: {error}"));
        let (written, losses) = body(&request, MODEL);
        assert_eq!(written, json_of(&text), "{case}");
        assert_eq!(losses, Vec::<String>::new(), "{case}");
    }
}

#[test]
fn every_answer_comes_back_as_it_was() {
    for (case, text) in corpus(".answer.json") {
        let response = read_response(json_of(&text)).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(write_response(&response, &frame()), json_of(&text), "{case}");
        assert_eq!((response.id.as_str(), response.model.as_str()), ("A1", MODEL), "{case}");
    }
}

#[test]
fn every_stream_comes_to_its_answer() {
    for (case, answer) in corpus(".answer.json") {
        let (fold, complete, _) = read_stream(events(&file(&case, ".stream.txt")));
        let response = read_response(json_of(&answer)).expect("an answer");
        assert!(complete && fold.ended, "{case}");
        // A whole answer keeps its metadata as they are; of a stream's, what was searched for is handed on.
        let is_search = |block: &Value| block["value"]["webSearchQueries"].is_array();
        let said = |blocks: &Vec<Value>| blocks.iter().filter(|block| !is_search(block)).cloned().collect();
        let told: Vec<Vec<Value>> = fold.choices.iter().map(said).collect();
        assert_eq!(told, blocks_of(&response), "{case}");
        let finishes: Vec<_> = response.choices.iter().map(|choice| choice.finish).collect();
        assert_eq!(fold.finishes, finishes, "{case}");
        assert_eq!(fold.usage, response.usage, "{case}");
        assert_eq!(fold.service_tier, response.service_tier, "{case}");
        let logprobs: Vec<_> =
            response.choices.iter().map(|choice| choice.logprobs.clone().unwrap_or_default()).collect();
        assert_eq!(fold.logprobs, logprobs, "{case}");
        assert_eq!(fold.started, Some(json!({"id": "A1", "model": MODEL, "created": null})), "{case}");
    }
}

#[test]
fn every_stream_that_we_write_reads_as_the_same() {
    for (case, stream) in corpus(".stream.txt") {
        let (first, complete, written) = read_stream(events(&stream));
        let (mut second, complete_again, written_again) = read_stream(events(&written));
        assert_eq!(complete_again, complete, "{case}");
        assert_eq!(second.choices, first.choices, "{case}");
        assert_eq!(second.finishes, first.finishes, "{case}");
        // Searches are told in the metadata of Google's own answers only.
        if let (Some(second), Some(first)) = (&mut second.usage, &first.usage) {
            second.web_searches = first.web_searches;
        }
        if complete {
            assert_eq!(second.usage, first.usage, "{case}");
        }
        assert_eq!(second.logprobs, first.logprobs, "{case}");
        assert_eq!(written_again, written, "{case}: a fixed point");
    }
}

#[test]
fn a_stream_that_is_cut_or_fails_never_ends_well() {
    let (cut, complete, _) = read_stream(events(&file("truncated", ".stream.txt")));
    assert!(!complete && !cut.ended && cut.errors.is_empty());
    assert_eq!(cut.choices, vec![vec![json!({"kind": "text", "text": "Once upon"})]]);
    let (failed, complete, written) = read_stream(events(&file("stream_error", ".stream.txt")));
    assert!(!complete && !failed.ended && !written.contains("finishReason"));
    let error = (Some("UNAVAILABLE".into()), Some("The model is overloaded. Please try again later.".into()));
    assert_eq!(failed.errors, vec![error]);
    for (case, stream) in corpus(".stream.txt") {
        let all = events(&stream);
        let (fold, complete, _) = read_stream(all[..all.len() - 1].iter().copied());
        assert!(!complete && !fold.ended, "{case} without its last event");
    }
}

#[test]
fn requests_mean_what_they_say() {
    let read = |case: &str| read_request(json_of(&file(case, ".request.json"))).expect(case);
    assert_eq!(read("system").system[0].as_text(), Some("Answer in French."));
    assert_eq!(read("text").max_tokens, Some(1024));
    let turns = read("multi_turn");
    let roles: Vec<_> = turns.messages.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::User]);
    let Body::Image(image) = &read("image_url").messages[0].blocks[1].body.clone() else { panic!("no image") };
    assert_eq!(image.source, Source::Url("https://example.com/cat.png".into()));
    let Body::Document(pdf) = &read("document_pdf").messages[0].blocks[1].body.clone() else { panic!("no document") };
    assert_eq!((pdf.name.as_deref(), pdf.media_type.as_deref()), (Some("report.pdf"), Some("application/pdf")));
    assert!(matches!(read("audio_input").messages[0].blocks[1].body, Body::Audio(_)));
    assert_eq!(read("tools_auto").tool_choice, Some(ToolChoice::Auto));
    assert_eq!(read("tool_forced").tool_choice, Some(ToolChoice::Tool("get_weather".into())));
    assert_eq!(read("tools_none").tool_choice, Some(ToolChoice::None));
    let ToolBody::Function { schema, strict, .. } = &read("tools_auto").tools[0].body.clone() else {
        panic!("no function")
    };
    let weather = json!({
        "type": "object",
        "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
        "required": ["city"],
    });
    assert_eq!((schema.as_ref(), *strict), (Some(&weather), None));
    let strict = read("strict_tool");
    assert!(matches!(strict.tools[0].body, ToolBody::Function { strict: Some(true), .. }));
    assert!(matches!(read("structured_output").format, Some(Format::Schema { .. })));
    assert_eq!(read("json_mode").format, Some(Format::Json));
    assert_eq!(read("reasoning_effort").reasoning.and_then(|reasoning| reasoning.budget), Some(16_384));
    assert!(read("thinking_history").reasoning.is_some_and(|reasoning| reasoning.adaptive));
    assert_eq!(read("metadata_user").metadata.get("team"), Some(&json!("blue")));
}

#[test]
fn answers_mean_what_they_say() {
    let read = |case: &str| read_response(json_of(&file(case, ".answer.json"))).expect(case);
    assert_eq!(read("tool_call_answer").choices[0].finish, Some(Finish::ToolCalls));
    assert_eq!(read("length").choices[0].finish, Some(Finish::Length));
    assert_eq!(read("safety_stop").choices[0].finish, Some(Finish::Filtered));
    assert_eq!(read("service_tier").service_tier.as_deref(), Some("flex"));
    let usage = read("usage_details").usage.expect("usage");
    assert_eq!((usage.input, usage.cache_read, usage.output, usage.reasoning), (21, 10, 12, 4));
    let searched = read("web_search").usage.expect("usage");
    assert_eq!((searched.input, searched.output, searched.web_searches), (21, 12, 1));
    assert_eq!(read("audio_input").usage.expect("usage").audio_in, 16);
    let top = read("logprobs").choices[0].logprobs.clone().expect("logprobs");
    let hi = json!({"token": "Hi", "logprob": -0.1, "bytes": [72, 105]});
    let hello = json!({"token": "Hello", "logprob": -2.5, "bytes": [72, 101, 108, 108, 111]});
    assert_eq!(top, json!([{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": [hi, hello]}]));
}
