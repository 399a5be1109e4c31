//! A request goes to those who can serve it, and to whoever has its beginning in a cache.

mod common;

use common::request::chat_with;
use common::{Answer, JSON_ANSWER, Raw, config, gateway};
use serde_json::{Value, json};
use tollgate_testkit::{Gateway, Scripted, Step};

/// A gateway whose model `m` is served by two providers, the first one first, with these further settings of the two.
fn pair(urls: [&str; 2], settings: [&str; 2]) -> Gateway {
    let mut text = String::from("[routing]\nstrategy = \"priority\"\n");
    for (number, settings) in settings.iter().enumerate() {
        text.push_str(&format!(
            "[[deployments]]\nmodel = \"m\"\nprovider = \"p{number}\"\npriority = {number}\n{settings}\n"
        ));
    }
    gateway(&config(&urls, &text))
}

fn ask(gateway: &Gateway, body: &Value) -> Answer {
    Raw::connect(gateway.port()).ask(chat_with(&body.to_string()))
}

/// Says that a request passes a first deployment of these settings over, and is refused if there is nobody else.
#[track_caller]
fn expect_passed_over(first: &str, body: &Value, code: &str, named: &str) {
    let [unable, able] = [Scripted::json(200, JSON_ANSWER), Scripted::json(200, JSON_ANSWER)];
    let gateway = pair([&unable.url(), &able.url()], [first, ""]);
    let plain = ask(&gateway, &json!({"model": "m", "messages": []}));
    assert_eq!(plain.header("x-tollgate-model"), Some("p0/m"), "{first}: it can serve others");
    let answer = ask(&gateway, body);
    assert_eq!((answer.status, answer.header("x-tollgate-model")), (200, Some("p1/m")), "{first}: {}", answer.text());
    assert_eq!(answer.header("x-tollgate-attempts"), Some("1"), "{first}: nobody was asked in vain");
    let gateway = pair([&unable.url(), &able.url()], [first, first]);
    let error = ask(&gateway, body).expect_error(first, 400, "invalid_request_error", code);
    assert!(error["message"].as_str().is_some_and(|message| message.contains(named)), "{error}");
    assert_eq!((unable.requests().len(), able.requests().len()), (1, 1), "{first}");
}

#[test]
fn what_a_deployment_cannot_do_is_sent_elsewhere_or_refused_by_name() {
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let body = json!({"model": "m", "messages": [], "tools": tools});
    expect_passed_over("capabilities = [\"vision\"]", &body, "unsupported_parameter", "tools");
    let image = json!({"type": "image_url", "image_url": {"url": "https://example.com/a.png"}});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [image]}]});
    expect_passed_over("capabilities = [\"tools\"]", &body, "unsupported_parameter", "vision");
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {}}});
    let body = json!({"model": "m", "messages": [], "response_format": format});
    expect_passed_over("capabilities = []", &body, "unsupported_parameter", "json_schema");
}

#[test]
fn a_prompt_that_is_too_long_is_sent_elsewhere_or_refused_with_the_window() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "word ".repeat(4_000)}]});
    expect_passed_over("context_window = 5000", &body, "context_length_exceeded", "5000");
    let body = json!({"model": "m", "max_tokens": 6_000, "messages": []});
    expect_passed_over("context_window = 5000", &body, "context_length_exceeded", "5000");
}

#[test]
fn a_large_picture_is_no_long_prompt() {
    let provider = Scripted::json(200, JSON_ANSWER);
    let settings = "context_window = 8000\ncapabilities = [\"vision\"]";
    let gateway = pair([&provider.url(), &provider.url()], [settings, settings]);
    let url = format!("data:image/png;base64,{}", "iVBORw0KGgo/".repeat(30_000));
    let content = json!([{"type": "image_url", "image_url": {"url": url}}]);
    let answer = ask(&gateway, &json!({"model": "m", "messages": [{"role": "user", "content": content}]}));
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_batch_of_texts_needs_no_window_that_holds_them_all() {
    let provider = Scripted::json(200, r#"{"object":"list","data":[],"usage":{"prompt_tokens":1,"total_tokens":1}}"#);
    let gateway = pair([&provider.url(), &provider.url()], ["context_window = 1000"; 2]);
    let body = json!({"model": "m", "input": vec!["some words to embed "; 1_000]}).to_string();
    let head = format!(
        "POST /v1/embeddings HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        common::KEY,
        body.len()
    );
    assert_eq!(Raw::connect(gateway.port()).ask(head + &body).status, 200);
}

/// A gateway with two deployments that differ in nothing.
fn twins(urls: [&str; 2], cache: &str) -> Gateway {
    let price = "price = { input = \"2\", output = \"2\", cache_read = \"0.2\" }";
    let deployment =
        |number: usize| format!("[[deployments]]\nmodel = \"m\"\nprovider = \"p{number}\"\n{price}\ncache = {cache}\n");
    gateway(&config(&urls, &format!("[routing]\n{}{}", deployment(0), deployment(1))))
}

/// A conversation of 8,000 tokens on its own rules, with a last word.
fn conversation(rules: &str, last: &str) -> Value {
    let system = json!({"role": "system", "content": format!("{rules} and nothing else. ").repeat(1_200)});
    json!({"model": "m", "messages": [system, {"role": "user", "content": last}]})
}

fn served_by(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.header("x-tollgate-model").expect("it says who served").to_owned()
}

/// An answer whose provider found most of the prompt in its cache.
const CACHED_ANSWER: &str = r#"{"id":"c-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":8000,"completion_tokens":2,"total_tokens":8002,"prompt_tokens_details":{"cached_tokens":7900}}}"#;

#[test]
fn a_conversation_stays_where_its_beginning_is_cached() {
    let providers = [Scripted::json(200, CACHED_ANSWER), Scripted::json(200, CACHED_ANSWER)];
    let gateway = twins([&providers[0].url(), &providers[1].url()], "{ tokens_min = 1024, ttl = \"5m\" }");
    let mut homes = Vec::new();
    for number in 0..12 {
        let rules = format!("Rule {number}: be brief");
        let home = served_by(&ask(&gateway, &conversation(&rules, "hello")));
        for turn in 0..4 {
            let again = served_by(&ask(&gateway, &conversation(&rules, &format!("turn {turn}"))));
            assert_eq!(again, home, "{rules}, turn {turn}");
        }
        homes.push(home);
    }
    let first = homes.iter().filter(|home| *home == "p0/m").count();
    assert!((1..12).contains(&first), "new conversations go to either: {homes:?}");
}

#[test]
fn a_conversation_moves_when_its_home_is_broken() {
    let broken = || vec![Step::json(503, "{}"), Step::Close];
    let scripts = || vec![vec![Step::json(200, CACHED_ANSWER)], broken()];
    let providers = [Scripted::start(scripts()), Scripted::start(scripts())];
    let gateway = twins([&providers[0].url(), &providers[1].url()], "{}");
    let home = served_by(&ask(&gateway, &conversation("be brief", "hello")));
    let answer = ask(&gateway, &conversation("be brief", "and now?"));
    assert_ne!(served_by(&answer), home);
    assert_eq!(answer.header("x-tollgate-attempts"), Some("2"), "its home was asked first");
}

#[test]
fn without_a_cache_nobody_is_a_home() {
    let providers = [Scripted::json(200, CACHED_ANSWER), Scripted::json(200, CACHED_ANSWER)];
    let gateway = twins([&providers[0].url(), &providers[1].url()], "false");
    for turn in 0..40 {
        served_by(&ask(&gateway, &conversation("be brief", &format!("turn {turn}"))));
    }
    let shares = [providers[0].requests().len(), providers[1].requests().len()];
    assert!(shares.iter().all(|share| *share > 3), "{shares:?}");
}
