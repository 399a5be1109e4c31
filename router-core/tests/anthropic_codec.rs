//! The corpus through the Anthropic codec: what goes in comes out.

mod anthropic_codec_support;

use anthropic_codec_support::{cases, data, document, frame, rewritten, summary, text, told, written};
use router_core::chat::{Body, Effort, Finish, Format, Hosted, Role, Source, ToolBody, ToolChoice};
use router_core::dialect::anthropic::{read_request, read_response, read_usage, write_response};
use router_core::domain::UsageReport;
use serde_json::{Value, json};

const MODEL: &str = "claude-sonnet-4-5";

/// The requests that the API has words for: not those for sound, any JSON, several answers or likelihoods.
const REQUESTS: usize = 32;

#[test]
fn every_request_comes_back_as_it_was() {
    let cases = cases(".request.json");
    assert_eq!(cases.len(), REQUESTS, "{cases:?}");
    for case in cases {
        let body = document(&case, ".request.json");
        let request = read_request(body.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(written(&request, MODEL), (body, String::new()), "{case}");
        let (other, _) = written(&request, "other");
        assert_eq!(other["model"], "other", "{case}");
    }
}

#[test]
fn every_answer_comes_back_as_it_was() {
    for case in cases(".answer.json") {
        let body = document(&case, ".answer.json");
        let response = read_response(body.clone()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(write_response(&response, &frame()), body, "{case}");
    }
}

#[test]
fn a_stream_adds_up_to_the_answer() {
    let mut compared = 0;
    for case in cases(".stream.txt") {
        if ["stream_error", "truncated"].contains(&case.as_str()) {
            continue;
        }
        let stream = text(&case, ".stream.txt");
        let told = told(data(&stream));
        let response = read_response(document(&case, ".answer.json")).expect(&case);
        let choice = &response.choices[0];
        assert_eq!(told.id.as_deref(), Some("msg_A1"), "{case}");
        assert_eq!(told.model.as_deref(), Some(MODEL), "{case}");
        assert_eq!(told.blocks, choice.blocks.iter().map(summary).collect::<Vec<_>>(), "{case}");
        assert_eq!((told.finish, &told.stop_sequence), (choice.finish, &choice.stop_sequence), "{case}");
        assert_eq!((told.usage, &told.service_tier), (response.usage, &response.service_tier), "{case}");
        assert!(told.is_complete, "{case}");
        compared += 1;
    }
    assert_eq!(compared, cases(".answer.json").len());
}

#[test]
fn a_stream_that_is_written_again_reads_the_same() {
    for case in cases(".stream.txt") {
        let stream = text(&case, ".stream.txt");
        let once = rewritten(data(&stream));
        let (before, after) = (told(data(&stream)), told(data(&once)));
        assert_eq!(after.blocks, before.blocks, "{case}");
        if before.is_complete {
            assert_eq!(after, before, "{case}");
        } else {
            assert!(!after.is_complete && !once.contains("message_delta"), "{case}");
        }
        // Every event's name is the type in its data.
        for event in once.split_terminator("\n\n") {
            let (name, data) = event.split_once("\ndata: ").expect("an event of two lines");
            let data: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str(), "{case}");
        }
    }
}

#[test]
fn no_beginning_of_a_stream_is_an_answer() {
    for case in cases(".stream.txt") {
        let stream = text(&case, ".stream.txt");
        let data = data(&stream);
        let told_before_the_end = (0..data.len()).map(|len| told(data[..len].iter().copied()));
        assert!(told_before_the_end.into_iter().all(|told| !told.is_complete), "{case}");
    }
    let truncated = text("truncated", ".stream.txt");
    let truncated = told(data(&truncated));
    assert!(!truncated.is_complete && truncated.error.is_none());
    let failed = text("stream_error", ".stream.txt");
    let failed = told(data(&failed));
    assert!(!failed.is_complete);
    assert_eq!(failed.error, Some(("overloaded_error".into(), "Overloaded".into())));
    assert_eq!(failed.blocks[0]["text"], "Once upon");
}

#[test]
fn the_common_model_has_it_where_others_look_for_it() {
    let read = |case: &str| read_request(document(case, ".request.json")).expect(case);
    assert_eq!(read("system").system[0].as_text(), Some("Answer in French."));
    let cached = read("cache_control").system[0].cache.clone();
    assert_eq!(cached.and_then(|mark| mark.ttl).as_deref(), Some("1h"));
    let pdf = read("document_pdf").messages[0].blocks[1].body.clone();
    let Body::Document(pdf) = pdf else { panic!("{pdf:?}") };
    assert_eq!((pdf.source, pdf.name.as_deref()), (Source::Base64("JVBERi0xLjQK".into()), Some("report.pdf")));
    let forced = read("tool_forced");
    assert_eq!(forced.tool_choice, Some(ToolChoice::Tool("get_weather".into())));
    assert_eq!(forced.parallel_tools, Some(false));
    let failed = read("tool_result_error").messages[2].clone();
    assert_eq!(failed.role, Role::User);
    assert!(matches!(&failed.blocks[0].body, Body::ToolResult(result) if result.is_error && result.id == "toolu_1"));
    assert!(matches!(read("strict_tool").tools[0].body, ToolBody::Function { strict: Some(true), .. }));
    assert!(matches!(read("structured_output").format, Some(Format::Schema { .. })));
    let reasoning = read("reasoning_effort").reasoning.expect("reasoning");
    assert_eq!((reasoning.budget, reasoning.budget.map(Effort::of_budget)), (Some(16_384), Some(Effort::High)));
    assert_eq!(read("metadata_user").user.as_deref(), Some("user-123"));
    assert_eq!(read("service_tier").service_tier.as_deref(), Some("auto"));
    let search = ToolBody::Hosted {
        hosted: Hosted::WebSearch,
        dialect: router_core::domain::Dialect::Anthropic,
        value: json!({"name": "web_search", "max_uses": 3, "type": "web_search_20250305"}),
    };
    assert_eq!(read("web_search").tools[0].body, search);
    let answer = |case: &str| read_response(document(case, ".answer.json")).expect(case);
    assert_eq!(answer("refusal").choices[0].finish, Some(Finish::Refused));
    let cited = answer("citations").choices[0].blocks[0].body.clone();
    let Body::Text { citations, .. } = cited else { panic!("{cited:?}") };
    assert_eq!(citations[0].url.as_deref(), Some("https://example.com/final"));
    assert_eq!((citations[0].title.as_deref(), citations[0].range), (Some("The final"), None));
    assert_eq!(answer("unicode").choices[0].blocks[0].as_text(), Some("é\u{2028}\u{2029}😀\0\"\\"));
}

#[test]
fn usage_is_told_in_openais_terms() {
    let usage = |case: &str| read_response(document(case, ".answer.json")).expect(case).usage.expect(case);
    let plain = UsageReport { input: 21, output: 12, ..UsageReport::default() };
    assert_eq!(usage("text"), plain);
    assert_eq!(usage("usage_details"), UsageReport { cache_read: 10, reasoning: 4, ..plain });
    let (cache_read, cache_write) = (1_500, 500);
    let cached = UsageReport { input: 2_021, cache_read, cache_write, cache_write_long: 500, ..plain };
    assert_eq!(usage("cache_control"), cached);
    assert_eq!(usage("web_search").web_searches, 1);
    assert_eq!(read_usage(json!({"input_tokens": 3})).expect("enough").input, 3);
    for wrong in [
        json!({"output_tokens": 1}),
        json!({"input_tokens": -1}),
        json!({"input_tokens": 1.5}),
        json!({"input_tokens": "1"}),
        json!({"input_tokens": 1_000_000_001}),
        json!({"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": -1}}),
        json!([]),
    ] {
        assert_eq!(read_usage(wrong.clone()), None, "{wrong}");
    }
}
