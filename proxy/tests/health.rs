//! What routing learns is shown to operators, moves requests, and survives a restart.

mod common;

use common::request::chat_with;
use common::{Answer, JSON_ANSWER, PATIENCE, Raw, config, gateway};
use serde_json::Value;
use tollgate_testkit::{Gateway, Scripted, Step, wait_until};

const MODEL_AT_TWO: &str = "[routing]\nstrategy = \"priority\"\n\
    [[deployments]]\nmodel = \"m\"\nprovider = \"p0\"\npriority = 0\n\
    [[deployments]]\nmodel = \"m\"\nprovider = \"p1\"\npriority = 1\n";

fn before(providers: [&Scripted; 2]) -> Gateway {
    gateway(&config(&[&providers[0].url(), &providers[1].url()], MODEL_AT_TWO))
}

fn ask(gateway: &Gateway) -> Answer {
    Raw::connect(gateway.port()).ask(chat_with(r#"{"model":"m","messages":[]}"#))
}

fn health(gateway: &Gateway, deployment: &str) -> Value {
    let request = "GET /api/ai/health HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
    let answer = Raw::connect(gateway.operations_port()).ask(request);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let all = answer.json()["deployments"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|entry| entry["deployment"] == deployment).expect("every deployment is shown")
}

fn answer_with(headers: &str) -> Vec<Step> {
    let length = JSON_ANSWER.len();
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n");
    vec![Step::send(head + JSON_ANSWER), Step::HoldOpenUntilPeerCloses]
}

#[test]
fn every_deployment_is_shown_with_what_is_known_of_it() {
    let providers = [Scripted::json(200, JSON_ANSWER), Scripted::json(200, JSON_ANSWER)];
    let gateway = before([&providers[0], &providers[1]]);
    assert_eq!(health(&gateway, "p0/m")["samples"], 0);
    for _ in 0..3 {
        assert_eq!(ask(&gateway).status, 200);
    }
    // The client has its answer a moment before that is counted.
    let counted = || (health(&gateway, "p0/m")["samples"] == 3).then(|| health(&gateway, "p0/m")["in_flight"] == 0);
    wait_until(PATIENCE, "three answers are counted and nothing is in flight", || counted() == Some(true));
    assert_eq!(health(&gateway, "p0/m")["state"], "healthy");
    assert_eq!(health(&gateway, "p1/m")["samples"], 0, "nobody asked it");
}

#[test]
fn a_deployment_whose_headers_say_that_nothing_is_left_is_spared() {
    for headers in [
        "x-ratelimit-limit-requests: 60\r\nx-ratelimit-remaining-requests: 0\r\nx-ratelimit-reset-requests: 60s\r\n",
        "anthropic-ratelimit-requests-limit: 60\r\nanthropic-ratelimit-requests-remaining: 0\r\n\
         anthropic-ratelimit-requests-reset: 2999-01-01T00:00:00Z\r\n",
    ] {
        let providers = [Scripted::start(vec![answer_with(headers)]), Scripted::json(200, JSON_ANSWER)];
        let gateway = before([&providers[0], &providers[1]]);
        for _ in 0..3 {
            assert_eq!(ask(&gateway).status, 200);
        }
        assert_eq!((providers[0].requests().len(), providers[1].requests().len()), (1, 2), "{headers}");
    }
}

#[test]
fn what_was_learned_is_kept_when_the_gateway_ends() {
    let providers = [Scripted::json(200, JSON_ANSWER), Scripted::json(200, JSON_ANSWER)];
    let mut gateway = before([&providers[0], &providers[1]]);
    assert_eq!(ask(&gateway).status, 200);
    let id = health(&gateway, "p0/m")["id"].as_str().unwrap_or_default().to_owned();
    gateway.signal("TERM");
    wait_until(PATIENCE, "the gateway has ended", || !gateway.is_running());
    let kept = std::fs::read_to_string(gateway.folder().join("data/health.json")).expect("it was written");
    let kept: Value = serde_json::from_str(&kept).expect("it is JSON");
    assert_eq!(kept["deployments"][&id]["samples"], 1, "{kept}");
}
