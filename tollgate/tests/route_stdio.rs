//! `tollgate route --stdio`, driven as a co-process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Router {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Router {
    fn start() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.args(["route", "--stdio"]).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().expect("a pipe")));
        Self { child, input, output }
    }

    /// A router that knows a cheap and a fast deployment.
    fn with_two() -> Self {
        let mut router = Self::start();
        let ready = router.ask(&json!({
            "type": "hello",
            "deployments": [
                {"name": "cheap", "price": {"input": "0.10", "output": "0.20"}, "context_window": 8000},
                {"name": "dear", "price": {"input": "5", "output": "20"}, "context_window": 64000},
            ],
            "policy": {"preset": "balanced"},
        }));
        assert_eq!(ready, json!({"ready": true, "deployments": 2}));
        router
    }

    fn tell(&mut self, line: &Value) {
        self.write(&line.to_string());
    }

    fn write(&mut self, line: &str) {
        writeln!(self.input.as_mut().expect("it is open"), "{line}").expect("it reads");
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("text");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
    }

    fn ask(&mut self, line: &Value) -> Value {
        self.tell(line);
        self.read()
    }

    fn request(&mut self, id: &str, now: f64, tried: &[&str]) -> Value {
        let line = json!({"type": "request", "id": id, "now": now, "prompt_tokens": 900, "max_tokens": 300,
                          "tried": tried});
        self.ask(&line)
    }

    fn serve(&mut self, id: &str, now: f64) -> String {
        let answer = self.request(id, now, &[]);
        self.tell(&json!({"type": "first", "id": id, "now": now + 0.4}));
        self.tell(&json!({"type": "done", "id": id, "now": now + 2.0, "outcome": "complete", "output_tokens": 150}));
        answer["deployment"].as_str().expect("a deployment").to_owned()
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

#[test]
fn a_request_is_sent_where_it_costs_least_with_a_time_to_give_up() {
    let mut router = Router::with_two();
    let answer = router.request("r1", 0.0, &[]);
    assert_eq!((&answer["id"], &answer["deployment"]), (&json!("r1"), &json!("cheap")));
    assert!(answer["timeout_s"].as_f64().expect("seconds") >= 8.0);
    assert_eq!(answer["hedge_after_s"], Value::Null, "the policy does not hedge");
}

#[test]
fn what_failed_is_not_asked_again_and_loses_its_place() {
    let mut router = Router::with_two();
    for round in 0..5 {
        let now = f64::from(round);
        let id = format!("r{round}");
        let first = router.request(&id, now, &[]);
        if first["deployment"] == "dear" {
            return;
        }
        router.tell(&json!({"type": "done", "id": id, "now": now + 0.01, "outcome": "failed"}));
        let second = router.request(&id, now + 0.01, &["cheap"]);
        assert_eq!(second["deployment"], "dear");
        router.tell(&json!({"type": "first", "id": id, "now": now + 0.4}));
        router.tell(&json!({"type": "done", "id": id, "now": now + 0.9, "outcome": "complete", "output_tokens": 9}));
    }
    panic!("after five failures in a row the broken one is still asked first");
}

#[test]
fn a_late_first_token_may_be_hedged_and_the_slower_attempt_is_told_apart() {
    let mut router = Router::start();
    let deployments = ["a", "b"].map(|name| json!({"name": name, "price": {"input": "0.10", "output": "0.20"}}));
    router.ask(&json!({"type": "hello", "deployments": deployments, "policy": {"hedging": true}}));
    // Hedges are paid from a budget that requests fill.
    for round in 0..200 {
        router.serve(&format!("r{round}"), f64::from(round) * 3.0);
    }
    let late = router.request("late", 700.0, &[]);
    let first = late["deployment"].as_str().expect("a deployment").to_owned();
    assert!(late["hedge_after_s"].as_f64().expect("seconds") >= 0.25);
    let mut hedge = json!({"type": "request", "id": "late", "now": 706, "prompt_tokens": 900, "tried": [first]});
    hedge["hedge"] = json!(true);
    let second = router.ask(&hedge)["deployment"].as_str().expect("worth six seconds of waiting").to_owned();
    assert_ne!(first, second);
    let done = |deployment: Option<&str>, outcome: &str| json!({"type": "done", "id": "late", "now": 707, "deployment": deployment, "outcome": outcome});
    assert!(router.ask(&done(None, "complete"))["error"].as_str().expect("an error").contains("several attempts"));
    router.tell(&done(Some(&second), "complete"));
    router.tell(&done(Some(&first), "gone"));
    assert!(router.ask(&done(None, "complete"))["error"].as_str().expect("an error").contains("no attempt"));
}

#[test]
fn a_request_that_fits_nowhere_is_told_why() {
    let mut router = Router::with_two();
    let line = json!({"type": "request", "id": "long", "now": 0, "prompt_tokens": 100_000});
    let answer = router.ask(&line);
    assert_eq!(answer["unfit"], "context_too_long");
    assert!(answer["message"].as_str().expect("text").contains("64000"));
}

#[test]
fn a_bad_line_is_answered_and_the_next_one_is_read() {
    let mut router = Router::start();
    let early = router.request("r", 0.0, &[]);
    assert_eq!(early, json!({"error": "the first line must be a hello"}));
    drop(router);

    let mut router = Router::with_two();
    let mut complaint = |line: &str| {
        router.write(line);
        router.read()["error"].as_str().expect("an error").to_owned()
    };
    assert!(complaint("nonsense").contains("line 1"));
    assert!(complaint("{\"type\": \"dance\"}").contains("unknown variant `dance`"));
    let unknown = "{\"type\": \"request\", \"id\": \"r\", \"now\": 1, \"prompt_tokens\": 1, \"model\": \"m\"}";
    assert!(complaint(unknown).contains("unknown field `model`"));
    let stranger = "{\"type\": \"done\", \"id\": \"r\", \"now\": 1, \"outcome\": \"complete\"}";
    assert!(complaint(stranger).contains("\"r\" has no attempt on its way"));
    assert!(complaint("{\"type\": \"first\", \"id\": \"r\", \"now\": 0.5}").contains("goes back"));
    assert!(complaint("{\"type\": \"hello\", \"deployments\": []}").contains("expected 1 to"));
    assert_eq!(router.request("r", 2.0, &[])["deployment"], "cheap");
}

#[test]
fn a_429_sends_others_elsewhere_until_its_time_is_over() {
    let mut router = Router::with_two();
    assert_eq!(router.serve("r1", 0.0), "cheap");
    assert_eq!(router.request("r2", 3.0, &[])["deployment"], "cheap");
    router.tell(&json!({"type": "done", "id": "r2", "now": 3.1, "outcome": "limited", "retry_after_s": 20}));
    assert_eq!(router.serve("r3", 3.2), "dear");
    assert_eq!(router.serve("r4", 24.0), "cheap");
}

#[test]
fn the_same_lines_give_the_same_answers() {
    let run = || {
        let mut router = Router::with_two();
        (0..40).map(|round| router.serve(&format!("r{round}"), f64::from(round) * 3.0)).collect::<Vec<_>>()
    };
    assert_eq!(run(), run());
}
