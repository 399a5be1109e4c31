//! Bedrock's answers.

mod bedrock_support;

use bedrock_support::*;
use router_core::chat::{Block, Body, Finish, Place, Signature, Source, Unit};
use router_core::dialect::bedrock::{read_response, read_response_from};
use router_core::domain::{Dialect, UsageReport};
use serde_json::{Value, json};

const USAGE: UsageReport = UsageReport {
    input: 21,
    output: 12,
    total: Some(33),
    cache_read: 0,
    cache_write: 0,
    cache_write_long: 0,
    audio_in: 0,
    reasoning: 0,
    audio_out: 0,
    web_searches: 0,
};

fn seal(data: &str) -> Option<Signature> {
    Some(Signature::new(Dialect::Anthropic, data))
}

#[test]
fn every_answer_of_the_corpus_says_what_its_conversation_says() {
    let seen = thought("Add them.", false, seal("c2lnbmF0dXJl"));
    let mut emulated = call("call_1", r#"{"name":"Paris"}"#);
    if let Body::ToolCall(call) = &mut emulated.body {
        call.name = "answer_in_this_format".into();
    }
    let paris = call("call_1", r#"{"city":"Paris"}"#);
    let rome = call("call_2", r#"{"city":"Rome"}"#);
    let sorry = "Sorry, the model cannot answer this question.";
    let proof = thought("Suppose not.", false, seal("c2lnbmF0dXJl"));
    let (text, stop) = (|text: &str| Block::text(text), Finish::Stop);
    let all = vec![
        ("text", vec![text("Rayleigh scattering.")], stop),
        ("system", vec![text("La diffusion de Rayleigh.")], stop),
        ("multi_turn", vec![text("You are Ada.")], stop),
        ("tool_call_answer", vec![paris.clone()], Finish::ToolCalls),
        ("parallel_calls_answer", vec![paris, rome], Finish::ToolCalls),
        ("structured_output", vec![emulated], Finish::ToolCalls),
        ("stop_sequences", vec![text("1, 2, ")], Finish::StopSequence),
        ("reasoning_effort", vec![proof, text("QED.")], stop),
        ("thinking_answer", vec![seen, text("4")], stop),
        ("redacted_thinking", vec![thought("", true, seal("ZW5jcnlwdGVk")), text("6")], stop),
        ("safety_stop", vec![text(sorry)], Finish::Filtered),
        ("cache_control", vec![text("Short.")], stop),
        ("service_tier", vec![text("Hello.")], stop),
        ("length", vec![text("1, 2, 3")], Finish::Length),
        ("usage_details", vec![text("Rayleigh scattering.")], stop),
        ("unicode", vec![text("é\u{2028}\u{2029}😀\u{0}\"\\")], stop),
    ];
    let mut names: Vec<_> = all.iter().map(|(name, ..)| (*name).to_owned()).collect();
    names.extend(["citations", "document_citations", "two_citations", "web_search"].map(str::to_owned));
    names.sort();
    assert_eq!(names, cases(".answer.json"), "each case has its file, and each file its case");
    for (name, blocks, finish) in all {
        let response =
            read_response(document(&format!("{name}.answer.json"))).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(response.choices.len(), 1);
        assert_eq!(response.choices[0].blocks, blocks, "{name}");
        assert_eq!(response.choices[0].finish, Some(finish), "{name}");
        assert_eq!(response.choices[0].stop_sequence.as_deref(), (name == "stop_sequences").then_some("3"));
        assert_eq!(response.service_tier.as_deref(), (name == "service_tier").then_some("flex"));
        let counted = response.usage.expect("a report");
        match name {
            "cache_control" => {
                assert_eq!((counted.input, counted.cache_read, counted.cache_write), (2021, 1500, 500));
                assert_eq!((counted.cache_write_long, counted.total), (500, Some(2033)));
            }
            "usage_details" => assert_eq!(counted, UsageReport { cache_read: 10, ..USAGE }),
            "length" => assert_eq!((counted.output, counted.total), (5, Some(26))),
            _ => assert_eq!(counted, USAGE, "{name}"),
        }
    }
}

#[test]
fn a_cited_text_says_where_it_comes_from() {
    let response = read_response(document("citations.answer.json")).expect("an answer");
    let Body::Text { text, citations } = &response.choices[0].blocks[0].body else { panic!("it is a text") };
    assert_eq!(text, "France won.");
    let citation = &citations[0];
    assert_eq!(citation.url.as_deref(), Some("https://example.com/final"));
    assert_eq!(citation.title.as_deref(), Some("The final"));
    assert_eq!(citation.quote.as_deref(), Some("France beat them all."));
    assert_eq!((citation.dialect, citation.range), (Dialect::Bedrock, None));
    // And back into the next request.
    let turns = vec![user(vec![Block::text("Who won?")]), assistant(response.choices[0].blocks.clone())];
    let (written, lost) = write_for(CLAUDE, &request(turns)).expect("it can be said");
    let block = &document("citations.answer.json")["output"]["message"]["content"][0];
    assert_eq!((&written.body["messages"][1]["content"][0], lost), (block, vec![]));
}

#[test]
fn a_cited_text_says_where_in_a_document_it_comes_from() {
    let response = read_response(document("document_citations.answer.json")).expect("an answer");
    let cited: Vec<_> = response.choices[0]
        .blocks
        .iter()
        .map(|block| match &block.body {
            Body::Text { citations, .. } => &citations[0],
            other => panic!("it is a text: {other:?}"),
        })
        .collect();
    let place = |unit, start, end| Some(Place { unit, number: 0, start, end });
    assert_eq!((cited[0].place, cited[0].quote.as_deref()), (place(Unit::Pages, 1, 2), Some("Be kind to others.")));
    assert_eq!((cited[1].place, cited[1].url.as_deref()), (place(Unit::ResultBlocks, 0, 1), Some("handbook")));
    assert_eq!(cited[1].address(), None, "a name that the caller gave is no address");
}

#[test]
fn tools_that_aws_runs_stay_as_they_stand() {
    let answer = document("web_search.answer.json");
    let response = read_response(answer.clone()).expect("an answer");
    let content = answer["output"]["message"]["content"].as_array().expect("blocks");
    for (block, value) in response.choices[0].blocks[..2].iter().zip(content) {
        assert_eq!(block.body, Body::Foreign { dialect: Dialect::Bedrock, value: value.clone() });
    }
    assert_eq!(response.choices[0].blocks.len(), 3);
}

#[test]
fn what_we_do_not_know_rides_along() {
    let response = read_response(document("safety_stop.answer.json")).expect("an answer");
    assert_eq!(response.extra.keys().collect::<Vec<_>>(), ["metrics", "trace"]);
    let more = json!({"output": {"message": {"role": "assistant", "content": [{"text": "x", "new": 1}]}},
        "additionalModelResponseFields": {"stop_sequence": null, "top_k": 5}, "stopReason": "some_day"});
    let response = read_response(more).expect("an answer");
    assert_eq!(response.extra["additionalModelResponseFields"], json!({"top_k": 5}));
    assert_eq!(response.choices[0].blocks[0].extra["new"], 1);
    assert_eq!((response.choices[0].finish, response.usage), (Some(Finish::Stop), None));
}

#[test]
fn reasons_to_end_are_told_apart() {
    for (reason, finish) in [
        ("end_turn", Finish::Stop),
        ("content_filtered", Finish::Filtered),
        ("guardrail_intervened", Finish::Filtered),
        ("malformed_model_output", Finish::Malformed),
        ("malformed_tool_use", Finish::Malformed),
        ("model_context_window_exceeded", Finish::ContextFull),
        ("refusal", Finish::Refused),
    ] {
        let answer = json!({"output": {"message": {"role": "assistant", "content": []}}, "stopReason": reason});
        assert_eq!(read_response(answer).expect("an answer").choices[0].finish, Some(finish), "{reason}");
    }
}

#[test]
fn a_seal_is_of_who_made_the_model() {
    let answer = document("thinking_answer.answer.json");
    for (model, origin) in [(CLAUDE, Dialect::Anthropic), (NOVA, Dialect::Bedrock)] {
        let response = read_response_from(model, answer.clone()).expect("an answer");
        assert_eq!(response.choices[0].blocks[0].signature.as_ref().map(|seal| seal.origin), Some(origin));
    }
}

#[test]
fn pictures_are_read_from_bytes_and_places() {
    let image = |source: Value| {
        let block = json!({"image": {"format": "webp", "source": source}});
        let answer = json!({"output": {"message": {"content": [block]}}});
        read_response(answer).expect("an answer").choices[0].blocks[0].body.clone()
    };
    let expected = |source| Body::Image(media(source, Some("image/webp"), None));
    assert_eq!(image(json!({"bytes": "AAAA"})), expected(Source::Base64("AAAA".into())));
    assert_eq!(image(json!({"s3Location": {"uri": "s3://a/b"}})), expected(Source::Url("s3://a/b".into())));
}

#[test]
fn faults_are_told_by_their_place() {
    let content = |block: Value| json!({"output": {"message": {"content": [{"text": "x"}, block]}}});
    for (answer, expected) in [
        (json!([]), "must be an object"),
        (json!({}), "output: is missing"),
        (json!({"output": {}}), "output.message: is missing"),
        (json!({"output": {"message": {"content": {}}}}), "output.message.content: must be an array"),
        (content(json!("x")), "output.message.content[1]: must be an object"),
        (content(json!({"text": 5})), "output.message.content[1].text: must be a string"),
        (content(json!({"toolUse": {}})), "output.message.content[1].toolUse.name: is missing: it must be a string"),
        (
            content(json!({"reasoningContent": {"reasoningText": {"text": 1}}})),
            "output.message.content[1].reasoningContent.reasoningText.text: must be a string",
        ),
        (
            content(json!({"citationsContent": {"content": [{"text": 1}]}})),
            "output.message.content[1].citationsContent.content[0].text: must be a string",
        ),
    ] {
        assert_eq!(read_response(answer).expect_err("it is wrong").to_string(), expected);
    }
}

#[test]
fn a_call_without_an_id_gets_one() {
    let calls = json!([{"toolUse": {"name": "a"}}, {"toolUse": {"toolUseId": "", "name": "b", "input": null}}]);
    let response = read_response(json!({"output": {"message": {"content": calls}}})).expect("an answer");
    let read = |block: &Block| match &block.body {
        Body::ToolCall(call) => (call.id.clone(), call.arguments.clone()),
        other => panic!("{other:?}"),
    };
    let calls: Vec<_> = response.choices[0].blocks.iter().map(read).collect();
    assert_eq!(calls, ["tooluse_0", "tooluse_1"].map(|id| (id.to_owned(), "{}".to_owned())));
}
