//! What the corpus promises of Responses: whatever the API says comes back as it was, whole or as a stream.

mod responses_support;

use responses_support::{cases, data, document, file, frame, hear, kinds, normal, parse, relay, told, written};
use router_core::chat::Losses;
use router_core::dialect::responses::{echo, read_request, read_response, write_response};
use serde_json::Value;

#[test]
fn every_request_goes_on_as_it_came() {
    let cases = cases("request.json");
    assert!(cases.len() >= 30, "{cases:?}");
    for case in cases {
        let request = document(&case, "request").expect("a request");
        let read = read_request(request.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
        let (body, losses) = written(&read);
        assert_eq!(normal(body.expect("can be said")), normal(request), "{case}");
        assert!(losses.is_empty(), "{case}: {losses:?}");
    }
}

#[test]
fn every_answer_goes_on_as_it_came() {
    let cases = cases("answer.json");
    assert!(cases.len() >= 33, "{cases:?}");
    for case in cases {
        let answer = document(&case, "answer").expect("an answer");
        let read = read_response(answer.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(normal(write_response(&read, &frame())), normal(answer), "{case}");
    }
}

#[test]
fn every_stream_says_what_its_answer_says() {
    let mut compared = 0;
    for case in cases("stream.txt") {
        let Some(answer) = document(&case, "answer") else { continue };
        let stream = file(&case, "stream.txt").expect("a stream");
        let read = read_response(answer).expect("an answer");
        assert_eq!(hear(data(&stream)).told(), told(&read), "{case}");
        compared += 1;
    }
    assert!(compared >= 33, "{compared}");
}

#[test]
fn a_stream_that_was_written_reads_as_the_one_that_was_read() {
    for case in cases("stream.txt") {
        if document(&case, "answer").is_none() {
            continue;
        }
        let stream = file(&case, "stream.txt").expect("a stream");
        let written = relay(data(&stream), frame());
        assert_eq!(hear(data(&written)).told(), hear(data(&stream)).told(), "{case}");
    }
}

/// What SDKs rely on: they refuse a stream whose last event does not repeat what the others said.
#[test]
fn the_last_event_of_a_written_stream_is_the_whole_answer() {
    for case in cases("stream.txt") {
        let Some(answer) = document(&case, "answer") else { continue };
        let stream = file(&case, "stream.txt").expect("a stream");
        let mut frame = frame();
        if let Some(request) = document(&case, "request") {
            frame.echo = echo(&read_request(request).expect("a request"), &Losses::default());
        }
        let written = relay(data(&stream), frame);
        let last = parse(data(&written).last().expect("an event"))["response"].take();
        let read = read_response(last.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(told(&read), hear(data(&stream)).told(), "{case}");
        for key in ["id", "object", "created_at", "status", "incomplete_details", "model", "usage", "service_tier"] {
            assert_eq!(last[key], answer[key], "{case}: {key}");
        }
    }
}

#[test]
fn written_events_are_numbered_and_every_item_begins_and_ends_once() {
    for case in cases("stream.txt") {
        let stream = file(&case, "stream.txt").expect("a stream");
        let written = relay(data(&stream), frame());
        assert!(written.ends_with("\n\n"), "{case}");
        let events: Vec<Value> = data(&written).into_iter().map(parse).collect();
        for (number, event) in events.iter().enumerate() {
            assert_eq!(event["sequence_number"], number, "{case}");
        }
        let kinds = kinds(&written);
        assert_eq!(kinds[..2], ["response.created", "response.in_progress"], "{case}");
        if document(&case, "answer").is_none() {
            continue;
        }
        let count = |kind: &str| kinds.iter().filter(|other| *other == kind).count();
        assert_eq!(count("response.output_item.added"), count("response.output_item.done"), "{case}");
        assert_eq!(count("response.content_part.added"), count("response.content_part.done"), "{case}");
        let output = events.last().expect("an event")["response"]["output"].as_array().expect("an output").clone();
        for event in events.iter().filter(|event| event["type"] == "response.output_item.done") {
            let index = usize::try_from(event["output_index"].as_u64().expect("an index")).expect("small");
            assert_eq!(event["item"], output[index], "{case}");
        }
    }
}

/// The whole sequence for one message: what the API's reference shows.
#[test]
fn a_text_is_told_in_the_apis_own_sequence_of_events() {
    for case in ["text", "refusal", "tool_call_answer", "parallel_calls_answer", "thinking_answer", "citations"] {
        let stream = file(case, "stream.txt").expect("a stream");
        assert_eq!(kinds(&relay(data(&stream), frame())), kinds(&stream), "{case}");
    }
}

#[test]
fn a_stream_that_breaks_never_looks_complete() {
    let broken = hear(data(&file("stream_error", "stream.txt").expect("a stream")));
    let (kind, message) = broken.error.expect("the provider gave up");
    assert_eq!(kind, "server_is_overloaded");
    assert!(message.contains("overloaded"));
    assert_eq!(broken.blocks[0]["text"], "Once upon");
    let truncated = hear(data(&file("truncated", "stream.txt").expect("a stream")));
    assert!(!truncated.ended && truncated.error.is_none());
    let written = relay(data(&file("truncated", "stream.txt").expect("a stream")), frame());
    assert_eq!(kinds(&written).last().map(String::as_str), Some("response.output_text.delta"));
}

#[test]
fn the_corpus_tells_every_case() {
    let told = [cases("request.json"), cases("answer.json"), cases("stream.txt")].concat();
    let wanted = "text system developer multi_turn image_url image_base64 document_pdf audio_input tools_auto \
                  tool_forced tools_none tools_parallel tool_result_image tool_result_error strict_tool \
                  structured_output json_mode stop_sequences sampling logprobs reasoning_effort thinking_history \
                  redacted_thinking refusal safety_stop citations cache_control service_tier metadata_user \
                  web_search length usage_details unicode tool_call_answer parallel_calls_answer thinking_answer \
                  stream_error truncated";
    for case in wanted.split_whitespace() {
        assert!(told.iter().any(|name| name == case), "{case}");
    }
}
