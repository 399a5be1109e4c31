//! What the codec of Chat Completions promises of its whole corpus: what is read is written as it was, and a stream says
//! what its answer says.

mod openai_chat_support;

use openai_chat_support::{bare, cases, data, file, frame, gather, rewrite, value, written};
use router_core::chat::{Block, Body, Citation, Effort, Finish, Format, Media, Role, Source};
use router_core::dialect::Frame;
use router_core::dialect::openai::chat::{read_request, read_response, read_usage, write_response};
use router_core::domain::UsageReport;
use serde_json::{Value, json};

#[test]
fn every_request_is_written_as_it_was_read() {
    for (case, text) in cases(".request.json") {
        let request = read_request(value(&text)).unwrap_or_else(|error| panic!("{case}: {error}"));
        let (body, losses) = written(&request);
        let mut expected = value(&text);
        if expected["stream"] == true {
            // Whoever meters must know.
            expected["stream_options"] = json!({"include_usage": true});
        }
        assert_eq!(bare(body), bare(expected), "{case}");
        assert!(losses.is_empty(), "{case} loses {losses:?}");
    }
}

#[test]
fn every_answer_is_written_as_it_was_read() {
    for (case, text) in cases(".answer.json") {
        let answer = read_response(value(&text)).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(write_response(&answer, &Frame::default()), value(&text), "{case}");
    }
}

#[test]
fn every_stream_says_what_its_answer_says() {
    let mut both = 0;
    let streams: Vec<_> = cases(".stream.txt");
    for (case, answer) in cases(".answer.json") {
        let (_, stream) = streams.iter().find(|(other, _)| *other == case).expect("a stream for every answer");
        let gathered = gather(data(stream));
        assert!(gathered.complete && gathered.error.is_none(), "{case}");
        let mut answer = read_response(value(&answer)).expect("an answer");
        // What only one dialect knows of an answer is not in its events.
        answer.extra.clear();
        answer.choices.iter_mut().for_each(|choice| choice.extra.clear());
        assert_eq!(gathered.answer, Some(answer), "{case}");
        both += 1;
    }
    assert!(both > 30);
}

#[test]
fn what_is_written_of_a_stream_reads_the_same() {
    for (case, stream) in cases(".stream.txt") {
        let again = rewrite(data(&stream), frame());
        let (first, second) = (gather(data(&stream)), gather(data(&again)));
        // The provider's own error is not for clients.
        let events = first.events.iter().filter(|event| !event.starts_with("Error"));
        assert!(events.eq(second.events.iter()), "{case}: {:#?}\n{again}", first.events);
        if first.error.is_none() {
            assert_eq!((first.complete, first.answer), (second.complete, second.answer), "{case}");
        }
        for event in data(&again).into_iter().filter(|event| *event != "[DONE]") {
            let chunk = value(event);
            assert_eq!((&chunk["id"], &chunk["object"]), (&json!("chatcmpl-A1"), &json!("chat.completion.chunk")));
            assert_eq!((&chunk["created"], &chunk["model"]), (&json!(1_763_974_800), &json!("gpt-5.1")));
            assert!(chunk["usage"].is_null() || chunk["choices"] == json!([]));
        }
        assert_eq!(again.ends_with("data: [DONE]\n\n"), first.complete, "{case}");
    }
}

#[test]
fn a_stream_that_breaks_off_never_looks_complete() {
    for (case, stream) in cases(".stream.txt").into_iter().filter(|(case, _)| case != "stream_error") {
        let events = data(&stream);
        for len in 0..events.len() {
            let gathered = gather(events[..len].iter().copied());
            assert!(!gathered.complete, "{case} is complete after {len} events");
        }
        let errors = gather(data(&file("stream_error.stream.txt"))).error;
        assert_eq!(errors.map(|(kind, _)| kind), Some("overloaded".into()));
    }
    assert!(!gather(data(&file("truncated.stream.txt"))).complete);
}

fn request(case: &str) -> router_core::chat::ChatRequest {
    read_request(value(&file(&format!("{case}.request.json")))).expect("a request")
}

fn answer(case: &str) -> router_core::chat::ChatResponse {
    read_response(value(&file(&format!("{case}.answer.json")))).expect("an answer")
}

#[test]
fn the_common_model_says_what_the_corpus_says() {
    let text = request("text");
    assert_eq!((text.model.as_str(), text.max_tokens), ("gpt-5.1", Some(1024)));
    assert_eq!(text.messages[0].blocks, [Block::text("Why is the sky blue?")]);
    assert_eq!(request("system").messages[0].role, Role::System);
    assert_eq!(request("developer").messages[0].role, Role::Developer);
    let media = |case: &str| match request(case).messages[0].blocks[1].body.clone() {
        Body::Image(media) | Body::Audio(media) | Body::Document(media) => media,
        other => panic!("{other:?}"),
    };
    let of = |source, media_type: Option<&str>, name: Option<&str>| {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Media { source, media_type: owned(media_type), name: owned(name), detail: None }
    };
    assert_eq!(media("image_url"), of(Source::Url("https://example.com/cat.png".into()), None, None));
    assert_eq!(media("image_base64"), of(Source::Base64("iVBORw0KGgo=".into()), Some("image/png"), None));
    let pdf = of(Source::Base64("JVBERi0xLjQK".into()), Some("application/pdf"), Some("report.pdf"));
    assert_eq!(media("document_pdf"), pdf);
    assert_eq!(media("audio_input"), of(Source::Base64("UklGRg==".into()), Some("audio/wav"), None));
    assert_eq!(request("json_mode").format, Some(Format::Json));
    assert_eq!(request("stop_sequences").stop, ["3", "END"]);
    assert_eq!(request("reasoning_effort").reasoning.and_then(|it| it.effort), Some(Effort::High));
    assert_eq!(request("cache_control").messages[0].blocks[0].cache.clone().and_then(|it| it.ttl), Some("1h".into()));
    assert_eq!(request("metadata_user").metadata["team"], "blue");
}

#[test]
fn answers_end_as_they_were_ended() {
    let finish = |case: &str| answer(case).choices[0].finish;
    assert_eq!(finish("text"), Some(Finish::Stop));
    assert_eq!(finish("length"), Some(Finish::Length));
    assert_eq!(finish("safety_stop"), Some(Finish::Filtered));
    assert_eq!(finish("refusal"), Some(Finish::Refused));
    assert_eq!(finish("tool_call_answer"), Some(Finish::ToolCalls));
    // The provider says "stop", but the client must run the tool.
    assert_eq!(finish("tool_forced"), Some(Finish::ToolCalls));
}

#[test]
fn citations_say_where_they_lead() {
    let answer = answer("citations");
    let Body::Text { text, citations } = &answer.choices[0].blocks[0].body else { panic!("text") };
    let [Citation { url, title, range, .. }] = citations.as_slice() else { panic!("one") };
    assert_eq!((text.as_str(), *range), ("France won.", Some((0, 11))));
    assert_eq!((url.as_deref(), title.as_deref()), (Some("https://example.com/final"), Some("The final")));
}

#[test]
fn usage_is_in_classes_and_what_we_do_not_book_rides_along() {
    let usage = answer("cache_control").usage.expect("usage");
    assert_eq!((usage.input, usage.cache_read, usage.cache_write, usage.output), (2021, 1500, 500, 12));
    let usage = answer("usage_details").usage.expect("usage");
    assert_eq!((usage.cache_read, usage.reasoning, usage.total), (10, 4, Some(33)));
    for bad in [json!(-1), json!(1.5), json!("3"), json!(2_000_000_000_u64)] {
        assert_eq!(read_usage(json!({"prompt_tokens": bad, "completion_tokens": 1})), None);
    }
    let few = read_usage(json!({"prompt_tokens": 3, "completion_tokens": 4}));
    assert_eq!(few, Some(UsageReport { input: 3, output: 4, ..UsageReport::default() }));
    let mut body = value(&file("text.answer.json"));
    body["usage"]["prompt_tokens_details"]["image_tokens"] = json!(5);
    body["usage"]["cost"] = json!(0.25);
    body["usage"]["completion_tokens_details"]["rejected_prediction_tokens"] = json!(2);
    body["moderation"] = json!({"input": {}});
    let read = read_response(body.clone()).expect("an answer");
    assert_eq!(read.usage, answer("text").usage);
    assert_eq!(bare(write_response(&read, &Frame::default())), bare(body));
}

#[test]
fn log_probabilities_go_along_with_their_text() {
    let gathered = gather(data(&file("logprobs.stream.txt")));
    let told: Vec<&Value> = gathered.choice().logprobs.iter().collect();
    assert_eq!(told[0][0]["token"], "Hi");
    // An array without tokens says nothing.
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":[ ]}}]}"#;
    assert!(!gather([chunk]).events.iter().any(|event| event.contains("Logprobs")));
}
