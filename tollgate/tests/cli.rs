//! The binary as an operator runs it.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The binary in a folder of its own, without this process's environment.
fn tollgate(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(line.split_whitespace()).current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, line: &str) -> Output {
    tollgate(folder, line).output().expect("the binary runs")
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("text")
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("text")
}

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("tollgate.toml"), config).expect("a file");
    folder
}

/// A running process that ends with the test.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("the binary runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    /// What it says up to a line that contains `mark`.
    fn read_to(&mut self, mark: &str) -> String {
        let mut text = String::new();
        loop {
            let start = text.len();
            let read = self.lines.read_line(&mut text).expect("text");
            assert!(read > 0, "it ended before it said {mark:?}:\n{text}");
            if text[start..].contains(mark) {
                return text;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn check_says_what_would_run() {
    let folder = folder("[store]\nurl = \"postgres://jo:hunter2@db/tollgate\"\n");
    let output = tollgate(folder.path(), "check").env("OPENAI_API_KEY", "sk-hunter2").output().expect("it runs");
    let text = out(&output);
    assert!(output.status.success(), "{}", err(&output));
    for part in
        ["nothing is wrong with tollgate.toml", "http://localhost:8080", "postgres://jo@db/tollgate", "openai ("]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert!(!text.contains("hunter2") && !folder.path().join("data").exists());
}

#[test]
fn check_names_all_mistakes_and_fails() {
    let folder = folder("[gateway]\nlisen = \"x\"\nthreads = \"many\"\n");
    let output = run(folder.path(), "check --config tollgate.toml");
    let text = err(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text.contains("tollgate.toml:2: `gateway.lisen` is not a setting; did you mean `gateway.listen`?"),
        "{text}"
    );
    assert!(text.contains("tollgate.toml:3: `gateway.threads`"), "{text}");
}

#[test]
fn serve_refuses_what_check_refuses() {
    let folder = folder("[store]\nurl = \"mysql:x\"\n");
    let output = run(folder.path(), "serve");
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("`store.url`: expected"), "{}", err(&output));
}

#[test]
fn a_minted_key_is_printed_alone_listed_without_its_secret_and_revoked() {
    let folder = folder("");
    let minted = run(folder.path(), "keys mint ci --models demo,openai/*");
    let secret = out(&minted);
    assert!(minted.status.success(), "{}", err(&minted));
    assert!(secret.starts_with("tg-") && secret.lines().count() == 1, "{secret}");
    assert!(err(&minted).contains("password"), "an empty store's first login was not shown");
    assert!(!err(&run(folder.path(), "keys mint again")).contains("password"));

    let listed = out(&run(folder.path(), "keys list"));
    assert!(listed.contains("ci (demo, openai/*)") && !listed.contains(secret.trim()), "{listed}");
    let line = listed.lines().find(|line| line.contains("ci (")).expect("a line of its own");
    let id = line.split_whitespace().next().expect("an id");

    assert!(run(folder.path(), &format!("keys revoke {id}")).status.success());
    assert!(out(&run(folder.path(), "keys list")).contains("revoked"));
    let stranger = run(folder.path(), "keys revoke key_00000000000000000000000000000000");
    assert_eq!(stranger.status.code(), Some(1));
    assert!(err(&stranger).contains("keys list"), "{}", err(&stranger));
}

#[tokio::test]
async fn the_demo_provider_runs_alone_on_a_free_port() {
    let folder = folder("");
    let mut running = Running::start(tollgate(folder.path(), "demo-provider --listen 127.0.0.1:0"));
    let line = running.read_to("/v1");
    let base = line.trim().strip_prefix("Demo provider on ").expect("its address");
    let models: Value = reqwest::get(format!("{base}/models")).await.expect("an answer").json().await.expect("JSON");
    assert_eq!(models["data"][0]["id"], "demo");
}

/// An address nobody listens on right now.
fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address").to_string()
}

#[tokio::test]
async fn a_first_start_answers_with_the_key_it_prints_and_a_second_start_prints_none() {
    let folder = folder("");
    let (public, operations) = (free_address(), free_address());
    let serve = || {
        let mut command = tollgate(folder.path(), "serve");
        command.env("TOLLGATE__GATEWAY__LISTEN", &public).env("TOLLGATE__GATEWAY__OPERATIONS_LISTEN", &operations);
        command.env("TOLLGATE__GATEWAY__THREADS", "1").env("TOLLGATE__LOG__ACCESS", "off");
        command
    };
    let mut first = Running::start(serve());
    let text = first.read_to("-d '");
    let key =
        text.split(|char: char| !char.is_ascii_alphanumeric() && char != '-').find(|word| word.starts_with("tg-"));
    let key = key.expect("a key").to_owned();
    assert!(text.contains("password") && text.contains("\"model\": \"demo\""), "{text}");

    let body = json!({"model": "demo", "messages": [{"role": "user", "content": "ping"}]});
    let answer = ask(&public, &key, &body).await;
    assert!(answer["choices"][0]["message"]["content"].as_str().expect("text").contains("\"ping\""));
    drop(first);

    let mut second = Running::start(serve());
    let text = second.read_to("note");
    assert!(text.contains("Tollgate is ready") && !text.contains("tg-") && !text.contains("password"), "{text}");
    assert_eq!(ask(&public, &key, &body).await["choices"][0]["finish_reason"], "stop");
}

#[test]
fn a_start_that_fails_does_not_use_up_the_first_login() {
    let folder = folder("");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken_address = taken.local_addr().expect("a bound socket has an address").to_string();
    let serve = |public: &str| {
        let mut command = tollgate(folder.path(), "serve");
        command.env("TOLLGATE__GATEWAY__LISTEN", public).env("TOLLGATE__GATEWAY__OPERATIONS_LISTEN", free_address());
        command
    };
    let failed = serve(&taken_address).output().expect("the binary runs");
    assert_eq!(failed.status.code(), Some(1));
    assert!(err(&failed).contains(&format!("cannot listen on {taken_address}")), "{}", err(&failed));
    Running::start(serve(&free_address())).read_to("password");
}

/// Asks once the port is open, which is a moment after the process says that it is ready.
async fn ask(public: &str, key: &str, body: &Value) -> Value {
    let open = || std::net::TcpStream::connect(public).is_ok();
    tollgate_testkit::wait_until(std::time::Duration::from_secs(10), "the public port opens", open);
    let url = format!("http://{public}/v1/chat/completions");
    let response = reqwest::Client::new().post(&url).bearer_auth(key).json(body).send().await.expect("an answer");
    assert_eq!(response.status(), 200);
    response.json().await.expect("JSON")
}
