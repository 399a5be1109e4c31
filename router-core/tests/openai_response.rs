//! What watching a response that is not streamed promises, and reading its usage or its error.

mod json_support;

use json_support::{Split, any_object, around, member, members, near_json, object, split};
use proptest::prelude::*;
use proptest::sample::Index;
use router_core::dialect::openai::ProviderError;
use router_core::dialect::passing::{ResponseEnd, ResponseScan};
use router_core::domain::Dialect;
use router_core::domain::UsageReport;

fn scan(response: &[u8], split: &Split) -> ResponseEnd {
    let mut scan = ResponseScan::new(Dialect::Openai);
    for piece in split.pieces(response) {
        scan.push(piece);
    }
    scan.finish()
}

fn whole(response: &str) -> ResponseEnd {
    scan(response.as_bytes(), &Split::At(Vec::new()))
}

fn usage_of(usage: &str) -> Option<UsageReport> {
    whole(&format!("{{\"id\":\"x\",\"usage\":{usage}}}")).usage
}

proptest! {
    #[test]
    fn usage_is_found_in_any_split_wherever_it_stands(
        members in members(0..6),
        usage in member("usage", Just(r#"{"prompt_tokens":3,"completion_tokens":4}"#.to_owned())),
        at: Index,
        around in around(),
        split in split(),
    ) {
        let mut members = members;
        members.retain(|member| member.key.says != "usage");
        members.insert(at.index(members.len() + 1), usage);
        let response = object(&members, &around);
        let usage = Some(UsageReport { input: 3, output: 4, ..UsageReport::default() });
        prop_assert_eq!(scan(response.text.as_bytes(), &split), ResponseEnd { complete: true, usage });
    }

    #[test]
    fn a_response_that_breaks_off_is_not_complete(object in any_object(), cut in any::<Index>(), split in split()) {
        let response = object.text.trim_ascii_end().as_bytes();
        prop_assert!(!scan(&response[..cut.index(response.len())], &split).complete);
        prop_assert!(scan(response, &split).complete);
    }

    #[test]
    fn every_split_of_garbage_is_judged_the_same(response in near_json(), split in split()) {
        let garbage = [b"{\"usage\":".as_slice(), &response].concat();
        prop_assert_eq!(scan(&garbage, &split), scan(&garbage, &Split::At(Vec::new())));
        prop_assert_eq!(scan(&response, &split), scan(&response, &Split::At(Vec::new())));
    }

    #[test]
    fn any_error_body_is_read_or_left_without_panic(body in near_json()) {
        let _ = ProviderError::read(&body);
        let _ = ProviderError::read(&[b"{\"error\":", body.as_slice(), b"}"].concat());
    }
}

#[test]
fn every_count_of_the_field_table_is_read() {
    let usage = usage_of(
        r#"{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,
            "prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10,"audio_tokens":5,"text_tokens":95},
            "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":7,"accepted_prediction_tokens":1},
            "cost":0.25,"unknown":{"nested":[1,{"prompt_tokens":-1}]}}"#,
    );
    let expected = UsageReport {
        input: 100,
        output: 50,
        total: Some(150),
        cache_read: 60,
        cache_write: 10,
        audio_in: 5,
        reasoning: 20,
        audio_out: 7,
        ..UsageReport::default()
    };
    assert_eq!(usage, Some(expected));
}

#[test]
fn embeddings_have_no_output() {
    let usage = usage_of(r#"{"prompt_tokens":8,"total_tokens":8}"#);
    assert_eq!(usage, Some(UsageReport { input: 8, total: Some(8), ..UsageReport::default() }));
}

#[test]
fn what_is_null_is_not_given() {
    let usage = usage_of(
        r#"{"prompt_tokens":8,"completion_tokens":null,"total_tokens":null,"prompt_tokens_details":null,
            "completion_tokens_details":{"reasoning_tokens":null}}"#,
    );
    assert_eq!(usage, Some(UsageReport { input: 8, ..UsageReport::default() }));
    assert_eq!(usage_of("null"), None);
}

#[test]
fn one_count_that_cannot_be_makes_the_whole_report_worthless() {
    for wrong in ["-1", "1.5", "1e2", "\"7\"", "true", "[]", "{}", "1000000001", "9223372036854775808", "1e400", "NaN"]
    {
        for usage in [
            format!(r#"{{"prompt_tokens":{wrong}}}"#),
            format!(r#"{{"prompt_tokens":1,"completion_tokens":{wrong}}}"#),
            format!(r#"{{"prompt_tokens":1,"total_tokens":{wrong}}}"#),
            format!(r#"{{"prompt_tokens":1,"prompt_tokens_details":{{"cached_tokens":{wrong}}}}}"#),
            format!(r#"{{"prompt_tokens":1,"completion_tokens_details":{{"reasoning_tokens":{wrong}}}}}"#),
        ] {
            assert_eq!(usage_of(&usage), None, "{usage}");
        }
    }
    for usage in ["{}", "[]", "7", "\"usage\"", r#"{"total_tokens":5}"#, r#"{"prompt_tokens":1,"prompt_tokens":2}"#] {
        assert_eq!(usage_of(usage), None, "{usage}");
    }
}

#[test]
fn usage_inside_of_something_else_is_not_the_responses() {
    let response = r#"{"choices":[{"usage":{"prompt_tokens":1}}],"x":"\"usage\":{\"prompt_tokens\":1}"}"#;
    assert_eq!(whole(response), ResponseEnd { complete: true, usage: None });
}

#[test]
fn the_last_usage_that_is_an_object_counts() {
    let usage = |response: &str| whole(response).usage.map(|usage| usage.input);
    assert_eq!(usage(r#"{"usage":{"prompt_tokens":1},"usage":{"prompt_tokens":2}}"#), Some(2));
    assert_eq!(usage(r#"{"usage":{"prompt_tokens":1},"usage":null}"#), Some(1));
}

#[test]
fn usage_is_read_up_to_a_bound_in_any_split() {
    for (len, read) in [(16 * 1024, true), (16 * 1024 + 1, false)] {
        let (head, tail) = ("{\"prompt_tokens\":1,\"x\":\"", "\"}");
        let usage = head.to_owned() + &"x".repeat(len - head.len() - tail.len()) + tail;
        let response = format!("{{\"usage\":{usage}}}");
        for split in [Split::At(Vec::new()), Split::Bytes] {
            let end = scan(response.as_bytes(), &split);
            assert_eq!((end.complete, end.usage.is_some()), (true, read), "{len}");
        }
    }
}

#[test]
fn a_response_that_breaks_off_after_its_usage_still_tells_it() {
    let end = whole(r#"{"usage":{"prompt_tokens":5},"choices":[{"#);
    assert_eq!((end.complete, end.usage.map(|usage| usage.input)), (false, Some(5)));
}

#[test]
fn each_shape_of_error_is_read() {
    let read = |body: &str| {
        let error = ProviderError::read(body.as_bytes())?;
        Some([error.message, error.kind, error.code, error.param].map(Option::unwrap_or_default))
    };
    let fields =
        |message: &str, kind: &str, code: &str, param: &str| Some([message, kind, code, param].map(str::to_owned));
    let openai =
        r#"{"error":{"message":"Bad","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#;
    assert_eq!(read(openai), fields("Bad", "invalid_request_error", "model_not_found", "model"));
    let nulls = r#"{"error":{"message":"Bad","type":"server_error","param":null,"code":null}}"#;
    assert_eq!(read(nulls), fields("Bad", "server_error", "", ""));
    let gemini = r#"[{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED","details":[]}}]"#;
    assert_eq!(read(gemini), fields("Slow down", "RESOURCE_EXHAUSTED", "429", ""));
    assert_eq!(read(r#"{"error":"text"}"#), fields("text", "", "", ""));
    let vllm = r#"{"object":"error","message":"Too long","type":"BadRequestError","param":null,"code":400}"#;
    assert_eq!(read(vllm), fields("Too long", "BadRequestError", "400", ""));
    for nothing in ["", "<html>", "[]", "{}", "7", "null", r#"{"error":null}"#, r#"{"error":{}}"#, r#"{"error":[1]}"#] {
        assert_eq!(read(nothing), None, "{nothing}");
    }
}

#[test]
fn a_huge_error_body_is_not_read() {
    let body = |len: usize| format!("{{\"error\":\"{}\"}}", "x".repeat(len - 12));
    assert!(ProviderError::read(body(64 * 1024).as_bytes()).is_some());
    assert!(ProviderError::read(body(64 * 1024 + 1).as_bytes()).is_none());
}
