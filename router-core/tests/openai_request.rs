//! What reading and editing a request body promises.

mod json_support;

use json_support::{
    Member, Object, Split, around, member, members, near_json, object, spaces, spelling, split, string, text,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use router_core::dialect::openai::{BadBody, Edits, MEMBERS_MAX, Peek, Peeker, peek};
use router_core::json::{Fault, Malformed};
use serde_json::{Value, json};

/// The members that are read, apart from `model`.
const READ: [&str; 6] = ["stream", "stream_options", "max_tokens", "max_completion_tokens", "n", "user"];

/// Whether a key is read, or would be but for its letter case, which is refused.
fn is_read(key: &str) -> bool {
    ["model"].iter().chain(&READ).any(|name| key.eq_ignore_ascii_case(name))
}

/// A `stream_options` that can be read.
fn stream_options() -> impl Strategy<Value = String> {
    let flag = select(&["true", "false", "null"][..]).prop_map(str::to_owned);
    let with_flag =
        (members(0..4), member("include_usage", flag), any::<Index>()).prop_map(|(mut members, flag, at)| {
            members.retain(|member| member.key.says != "include_usage");
            members.insert(at.index(members.len() + 1), flag);
            members
        });
    let no_space = [String::new(), String::new()];
    let options = prop_oneof![with_flag, members(0..3)].prop_map(move |members| object(&members, &no_space).text);
    prop_oneof![1 => Just("null".to_owned()), 3 => options, 1 => spaces().prop_map(|space| format!("{{{space}}}"))]
}

fn read_member(name: &'static str) -> BoxedStrategy<Option<Member>> {
    let value = match name {
        "stream" => select(&["true", "false", "null"][..]).prop_map(str::to_owned).boxed(),
        "stream_options" => stream_options().boxed(),
        "user" => json_support::value().boxed(),
        _ => prop_oneof![any::<u64>().prop_map(|count| count.to_string()), Just("null".to_owned())].boxed(),
    };
    prop::option::of(member(name, value)).boxed()
}

/// A request that is in order, with members in any order and spelling; and its model.
fn request_members() -> BoxedStrategy<Vec<Member>> {
    let model = text().prop_filter("not empty", |model| !model.is_empty()).prop_flat_map(spelling);
    let model = model.prop_flat_map(|model| member("model", Just(model.text)));
    let [a, b, c, d, e, f] = READ.map(read_member);
    (model, members(0..5), a, b, c, d, e, f)
        .prop_flat_map(|(model, mut others, a, b, c, d, e, f)| {
            others.retain(|member| !is_read(&member.key.says));
            others.push(model);
            others.extend([a, b, c, d, e, f].into_iter().flatten());
            Just(others).prop_shuffle()
        })
        .boxed()
}

fn request() -> impl Strategy<Value = Object> {
    (request_members(), around()).prop_map(|(members, around)| object(&members, &around))
}

fn arrive<'b>(body: &'b [u8], split: &Split) -> Result<Peek<'b>, BadBody> {
    let mut peeker = Peeker::new();
    for end in split.ends(body.len()) {
        peeker.advance(&body[..end])?;
    }
    peeker.finish(body)
}

/// The same by way of serde.
fn by_serde(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("the request is valid")
}

fn edited(edits: &Edits<'_>) -> Vec<u8> {
    edits.segments().collect::<Vec<_>>().concat()
}

proptest! {
    #[test]
    fn peek_agrees_with_serde(request in request()) {
        let body = request.text.as_bytes();
        let peek = peek(body).expect("a valid request");
        let value = by_serde(body);
        let at = |span: router_core::json::Span| by_serde(span.of(body));
        let options = value.get("stream_options");
        prop_assert_eq!(Some(peek.model.as_ref()), value["model"].as_str());
        prop_assert_eq!(peek.model_span.map(at), value.get("model").cloned());
        prop_assert_eq!(peek.stream, value.get("stream") == Some(&json!(true)));
        prop_assert_eq!(peek.stream_options.map(at), options.cloned());
        prop_assert_eq!(peek.include_usage, options.is_some_and(|options| options["include_usage"] == json!(true)));
        let include_usage = options.and_then(|options| options.get("include_usage"));
        prop_assert_eq!(peek.include_usage_span.map(at), include_usage.cloned());
        prop_assert_eq!(peek.max_tokens, value.get("max_tokens").and_then(Value::as_u64));
        prop_assert_eq!(peek.max_completion_tokens, value.get("max_completion_tokens").and_then(Value::as_u64));
        prop_assert_eq!(peek.n, value.get("n").and_then(Value::as_u64));
        prop_assert_eq!(peek.user.map(at), value.get("user").cloned());
        prop_assert_eq!(body[peek.object_start], b'{');
    }

    #[test]
    fn every_split_of_a_body_is_read_the_same(request in request(), split in split()) {
        prop_assert_eq!(arrive(request.text.as_bytes(), &split), peek(request.text.as_bytes()));
    }

    #[test]
    fn every_split_of_garbage_is_refused_the_same(body in near_json(), split in split()) {
        prop_assert_eq!(arrive(&body, &split), peek(&body));
    }

    #[test]
    fn a_body_without_a_model_is_refused(mut members in members(0..8), around in around()) {
        members.retain(|member| !is_read(&member.key.says));
        let object = object(&members, &around);
        prop_assert_eq!(peek(object.text.as_bytes()), Err(BadBody::NoModel));
    }

    #[test]
    fn every_prefix_of_a_request_is_refused(request in request(), cut in any::<Index>()) {
        let body = request.text.trim_ascii_end().as_bytes();
        prop_assert!(peek(&body[..cut.index(body.len())]).is_err());
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused(
        (members, twin) in request_members().prop_flat_map(|members| {
            let key = any::<Index>().prop_map({
                let members = members.clone();
                move |which| which.get(&members).key.says.clone()
            });
            (Just(members), key.prop_flat_map(|key| member(key, json_support::value())))
        }),
        at: Index,
        around in around(),
        split in split(),
    ) {
        let mut members = members;
        members.insert(at.index(members.len() + 1), twin.clone());
        let object = object(&members, &around);
        let refused = arrive(object.text.as_bytes(), &split);
        let Err(BadBody::Twice { key }) = refused else { panic!("{refused:?}") };
        prop_assert!(twin.key.says.starts_with(key.trim_end_matches('…')));
    }

    #[test]
    fn without_edits_the_body_is_one_piece_and_the_callers_own(request in request()) {
        let body = request.text.as_bytes();
        let peek = peek(body).expect("a valid request");
        let same = Edits::new(body, &peek).model(&peek.model);
        prop_assert_eq!(same.segments().collect::<Vec<_>>(), [body]);
        prop_assert_eq!(same.len(), body.len());
    }

    #[test]
    fn an_edited_body_says_what_was_meant_and_nothing_else(
        request in request(),
        model in prop::option::of(text()),
        include_usage: bool,
    ) {
        let body = request.text.as_bytes();
        let peek = peek(body).expect("a valid request");
        let mut edits = Edits::new(body, &peek);
        let mut meant = by_serde(body);
        if let Some(model) = &model {
            edits = edits.model(model);
            meant["model"] = json!(model);
        }
        if include_usage {
            edits = edits.include_usage();
            meant["stream_options"]["include_usage"] = json!(true);
        }
        let sent = edited(&edits);
        prop_assert_eq!(by_serde(&sent), meant);
        prop_assert_eq!(edits.len(), sent.len());
        prop_assert!(edits.segments().all(|piece| !piece.is_empty()) && edits.segments().count() <= 5);
    }

    #[test]
    fn an_edited_body_is_still_a_request(request in request(), model in string()) {
        prop_assume!(!model.says.is_empty());
        let body = request.text.as_bytes();
        let before = peek(body).expect("a valid request");
        let sent = edited(&Edits::new(body, &before).model(&model.says).include_usage());
        let after = peek(&sent).expect("still valid");
        prop_assert_eq!(&after.model, &model.says);
        prop_assert!(after.include_usage);
        prop_assert_eq!((after.stream, after.max_tokens, after.n), (before.stream, before.max_tokens, before.n));
    }
}

#[test]
fn an_escaped_spelling_of_a_key_is_still_a_duplicate() {
    let twice = |key: &str| Err(BadBody::Twice { key: key.to_owned() });
    assert_eq!(peek(br#"{"model":"a","mod\u0065l":"b"}"#), twice("model"));
    assert_eq!(peek(br#"{"x\/y":1,"model":"a","x/y":2}"#), twice("x/y"));
    assert_eq!(peek(r#"{"model":"a","é":1,"\u00e9":2}"#.as_bytes()), twice("é"));
    let nested = br#"{"model":"a","stream_options":{"include_usage":true,"include\u005fusage":false}}"#;
    assert_eq!(peek(nested), twice("stream_options.include_usage"));
}

#[test]
fn an_escaped_spelling_of_a_key_is_read() {
    let body = br#"{"\u006dodel":"\u0067pt","strea\u006d":true}"#;
    let peek = peek(body).expect("a valid request");
    assert_eq!((peek.model.as_ref(), peek.stream), ("gpt", true));
}

#[test]
fn a_duplicate_is_found_among_many_members() {
    let body = |last: &str| {
        let many: String = (0..MEMBERS_MAX - 2).map(|number| format!("\"key{number}\":0,")).collect();
        format!("{{{many}\"model\":\"a\",\"{last}\":0}}")
    };
    assert!(peek(body("other").as_bytes()).is_ok());
    for twin in ["key0", "key40", "key1021"] {
        assert_eq!(peek(body(twin).as_bytes()), Err(BadBody::Twice { key: twin.to_owned() }));
    }
}

#[test]
fn members_are_bounded_at_the_top_and_in_options() {
    let members = |count: usize| (0..count).map(|number| format!("\"key{number}\":0,")).collect::<String>();
    let top = |count: usize| format!("{{{}\"model\":\"a\"}}", members(count - 1));
    assert!(peek(top(MEMBERS_MAX).as_bytes()).is_ok());
    assert_eq!(peek(top(MEMBERS_MAX + 1).as_bytes()), Err(BadBody::TooManyMembers));
    let nested = format!("{{\"model\":\"a\",\"stream_options\":{{{}\"last\":0}}}}", members(MEMBERS_MAX));
    assert_eq!(peek(nested.as_bytes()), Err(BadBody::TooManyMembers));
}

#[test]
fn a_long_key_is_cut_where_it_is_shown() {
    let key = "é".repeat(100);
    let body = format!("{{\"{key}\":1,\"{key}\":2}}");
    assert_eq!(peek(body.as_bytes()), Err(BadBody::Twice { key: format!("{}…", "é".repeat(32)) }));
}

#[test]
fn each_mistake_is_told_with_its_parameter() {
    let model = r#""model":"a""#;
    for (body, param, told) in [
        ("".to_owned(), None, "the body is empty: send a JSON object"),
        (" \n".to_owned(), None, "the body is empty: send a JSON object"),
        ("[1]".to_owned(), None, "the body must be a JSON object, and nothing but one"),
        ("{} {}".to_owned(), None, "the body must be a JSON object, and nothing but one"),
        ("{\"a\" 1}".to_owned(), None, "the body is not valid JSON: expected a colon at byte 5"),
        ("{\"a\":1".to_owned(), None, "the body is not valid JSON: the text ends too early at byte 6"),
        ("{\"\\x\":1}".to_owned(), None, "the body is not valid JSON: the key at byte 1 is not valid text"),
        ("{\"\\ud800\":1}".to_owned(), None, "the body is not valid JSON: the key at byte 1 is not valid text"),
        ("{}".to_owned(), Some("model"), "\"model\" is missing: name the model that should answer"),
        ("{\"model\":\"\"}".to_owned(), Some("model"), "\"model\" is empty: name the model that should answer"),
        ("{\"model\":7}".to_owned(), Some("model"), "\"model\" must be a string of valid text"),
        ("{\"model\":null}".to_owned(), Some("model"), "\"model\" must be a string of valid text"),
        (format!("{{{model},{model}}}"), Some("model"), "\"model\" is there twice: send it once"),
        (format!("{{{model},\"stream\":\"yes\"}}"), Some("stream"), "\"stream\" must be true, false or null"),
        (
            format!("{{{model},\"stream_options\":[]}}"),
            Some("stream_options"),
            "\"stream_options\" must be an object or null",
        ),
        (
            format!("{{{model},\"stream_options\":{{\"include_usage\":1}}}}"),
            Some("stream_options.include_usage"),
            "\"stream_options.include_usage\" must be true, false or null",
        ),
    ] {
        let bad = peek(body.as_bytes()).expect_err(&body);
        assert_eq!((bad.param(), bad.to_string().as_str()), (param, told), "{body}");
    }
}

#[test]
fn a_fault_in_options_is_placed_in_the_body() {
    let body = br#"{"model":"a","stream_options":{"include_usage" true}}"#;
    assert_eq!(peek(body), Err(BadBody::NotJson(Malformed { fault: Fault::NoColon, at: 47 })));
    assert_eq!(peek(br#"{"model":"a","stream_options":{"\x":1}}"#), Err(BadBody::BadKey { at: 31 }));
}

#[test]
fn a_limit_is_a_whole_number_or_refused() {
    for param in ["max_tokens", "max_completion_tokens", "n"] {
        for value in ["-1", "1.5", "1e3", "18446744073709551616", "\"7\"", "true", "[]", "{}"] {
            let body = format!("{{\"model\":\"a\",\"{param}\":{value}}}");
            let expected = "a whole number that is not negative, or null";
            assert_eq!(peek(body.as_bytes()), Err(BadBody::WrongType { param, expected }), "{body}");
        }
    }
}

#[test]
fn what_no_continuation_could_mend_is_refused_at_once() {
    assert_eq!(Peeker::new().advance(b"["), Err(BadBody::NotAnObject));
    assert_eq!(Peeker::new().advance(b"{\"a\":1,}").map_err(|bad| bad.param().is_none()), Err(true));
    assert_eq!(Peeker::new().advance(b"{\"a\":1"), Ok(()));
}

#[test]
fn options_are_edited_where_they_stand() {
    for (options, sent) in [
        ("", r#"{"stream_options":{"include_usage":true},"model":"a"}"#),
        (r#","stream_options":null"#, r#"{"model":"a","stream_options":{"include_usage":true}}"#),
        (r#","stream_options":{}"#, r#"{"model":"a","stream_options":{"include_usage":true}}"#),
        (r#","stream_options":{ }"#, r#"{"model":"a","stream_options":{"include_usage":true }}"#),
        (r#","stream_options":{"x":1}"#, r#"{"model":"a","stream_options":{"include_usage":true,"x":1}}"#),
        (r#","stream_options":{"include_usage":false}"#, r#"{"model":"a","stream_options":{"include_usage":true}}"#),
        (r#","stream_options":{"include_usage":null}"#, r#"{"model":"a","stream_options":{"include_usage":true}}"#),
        (r#","stream_options":{"include_usage":true}"#, r#"{"model":"a","stream_options":{"include_usage":true}}"#),
    ] {
        let body = format!("{{\"model\":\"a\"{options}}}");
        let peek = peek(body.as_bytes()).expect("a valid request");
        let edits = Edits::new(body.as_bytes(), &peek).include_usage();
        assert_eq!(String::from_utf8_lossy(&edited(&edits)), sent);
    }
}

#[test]
fn a_key_in_other_letter_case_is_refused_where_it_would_be_read() {
    for (body, key) in [
        (r#"{"model":"cheap","Model":"dear"}"#, "model"),
        (r#"{"MODEL":"dear"}"#, "model"),
        (r#"{"model":"m","Stream":true}"#, "stream"),
        (r#"{"model":"m","mod\u0045l":"dear"}"#, "model"),
    ] {
        assert_eq!(peek(body.as_bytes()), Err(BadBody::Miscased { key }), "{body}");
    }
    assert!(peek(br#"{"model":"m","Models":"x"}"#).is_ok());
}

#[test]
fn a_request_for_vertex_loses_its_model_wherever_it_stands_and_gets_the_version() {
    for (body, sent) in [
        (r#"{"model":"c","max_tokens":1}"#, r#"{"anthropic_version":"vertex-2023-10-16","max_tokens":1}"#),
        (r#"{"max_tokens":1, "mod\u0065l" : "c" }"#, r#"{"anthropic_version":"vertex-2023-10-16","max_tokens":1 }"#),
        (r#"{ "a":1,"model":"c" ,"b":2}"#, r#"{"anthropic_version":"vertex-2023-10-16", "a":1,"b":2}"#),
    ] {
        let peek = peek(body.as_bytes()).expect("a valid request");
        let edits = Edits::new(body.as_bytes(), &peek).for_vertex();
        assert_eq!(String::from_utf8_lossy(&edited(&edits)), sent);
        assert_eq!(edits.len(), sent.len());
    }
}

#[test]
fn a_model_that_the_address_names_counts_more_than_the_bodys() {
    for (body, sent) in [
        (r#"{"messages":[]}"#, r#"{"model":"real","messages":[]}"#),
        ("{ }", r#"{"model":"real" }"#),
        (r#"{"model":"other","messages":[]}"#, r#"{"model":"real","messages":[]}"#),
        (r#"{"model":7,"messages":[]}"#, r#"{"model":"real","messages":[]}"#),
        (r#"{"model":"real","messages":[]}"#, r#"{"model":"real","messages":[]}"#),
    ] {
        let peek = Peeker::new().finish_for(body.as_bytes(), Some("asked")).expect("a valid request");
        assert_eq!(peek.model, "asked");
        let edits = Edits::new(body.as_bytes(), &peek).model("real");
        assert_eq!(String::from_utf8_lossy(&edited(&edits)), sent);
    }
}

#[test]
fn what_wants_something_remembered_is_found() {
    let state = |member: &str| {
        let body = format!("{{\"model\":\"m\",{member}}}");
        peek(body.as_bytes()).expect("a valid request").state
    };
    assert_eq!(state(r#""previous_response_id":"r""#), Some("previous_response_id"));
    assert_eq!(state(r#""background":true"#), Some("background"));
    assert_eq!(state(r#""background":false,"conversation":null"#), None);
}
