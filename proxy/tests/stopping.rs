//! The end of a process: running requests finish, new ones go elsewhere, and a successor can take the ports over.

mod common;

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::request::{chat_with, plain, streamed};
use common::{Ground, JSON_ANSWER, KEY, PATIENCE, Raw, environment};
use tollgate_testkit::{Scripted, Signal, Step, wait_until};

fn in_the_middle(go_on: &Signal) -> Scripted {
    Scripted::start(vec![
        vec![
            Step::sse_head(),
            Step::chunk("data: 1\n\n"),
            Step::WaitFor(go_on.clone()),
            Step::chunk("data: 2\n\n"),
            Step::chunk("data: [DONE]\n\n"),
            Step::last_chunk(),
        ],
        vec![Step::json(200, JSON_ANSWER)],
    ])
}

/// A client that has seen the first event.
fn streaming(ground: &Ground) -> Raw {
    let mut client = ground.connect();
    client.send(chat_with(&streamed("gpt"))).head();
    assert_eq!(client.chunks_until("1"), "data: 1\n\n");
    client
}

#[test]
fn a_stream_finishes_before_the_process_ends_and_nothing_new_begins() {
    for name in ["TERM", "INT"] {
        let go_on = Signal::default();
        let mut ground = Ground::new(in_the_middle(&go_on), "");
        let mut client = streaming(&ground);
        ground.gateway.signal(name);
        let port = ground.gateway.port();
        wait_until(PATIENCE, "the port is closed", || TcpStream::connect(("127.0.0.1", port)).is_err());
        assert!(ground.gateway.is_running(), "{name} waits for the stream");
        go_on.give();
        assert_eq!(client.chunks_until("DONE"), "data: 2\n\ndata: [DONE]\n\n", "{name}");
        assert_eq!(client.chunk().as_deref(), Some(&b""[..]), "{name}: the stream has its end");
        client.expect_closed();
        wait_until(PATIENCE, "the process ends", || !ground.gateway.is_running());
        assert!(ground.gateway.stop(), "{name}: it ended well");
        let log = ground.gateway.wait_for_log("\"tollgate.outcome\":\"complete\"");
        assert!(log.contains("chat_completions") && !log.contains("panicked"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_over_http_2_finishes_as_well() {
    let go_on = Signal::default();
    let mut ground = Ground::new(in_the_middle(&go_on), "");
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().expect("a client");
    let url = format!("{}/v1/chat/completions", ground.gateway.url());
    let request = client.post(url).bearer_auth(KEY).body(streamed("gpt"));
    let mut answer = request.send().await.expect("an answer");
    assert_eq!(&answer.chunk().await.expect("data").expect("an event")[..], b"data: 1\n\n");
    ground.gateway.signal("TERM");
    let port = ground.gateway.port();
    wait_until(PATIENCE, "the port is closed", || TcpStream::connect(("127.0.0.1", port)).is_err());
    go_on.give();
    assert_eq!(answer.text().await.expect("an orderly end"), "data: 2\n\ndata: [DONE]\n\n");
    wait_until(PATIENCE, "the process ends", || !ground.gateway.is_running());
    assert!(ground.gateway.stop());
}

#[test]
fn a_connection_without_a_request_does_not_hold_the_process_up() {
    let mut ground = Ground::json();
    let (mut idle, mut used) = (ground.connect(), ground.connect());
    assert_eq!(used.ask(plain()).status, 200);
    ground.gateway.signal("TERM");
    wait_until(PATIENCE, "the process ends", || !ground.gateway.is_running());
    idle.expect_closed();
    used.expect_closed();
    assert!(ground.gateway.stop());
}

#[test]
fn a_request_that_does_not_end_is_cut_when_the_grace_is_over() {
    let provider = Scripted::start(vec![vec![Step::HoldOpenUntilPeerCloses]]);
    let settings = "shutdown_grace = \"300ms\"\n";
    let config = common::config(&[&provider.url()], "").replacen("[gateway]\n", &format!("[gateway]\n{settings}"), 1);
    let mut gateway = common::gateway(&config);
    let mut client = Raw::connect(gateway.port());
    client.send(plain());
    provider.wait_for_requests(1);
    gateway.signal("TERM");
    provider.wait_for_hangup();
    client.expect_closed();
    assert!(gateway.stop());
}

/// A successor of the ground's gateway, killed when the test ends.
struct Successor(Child);

impl Drop for Successor {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Successor {
    fn of(ground: &Ground) -> Self {
        let mut command = Command::new(program());
        command
            .args(["serve", "--upgrade"])
            .current_dir(ground.gateway.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.env("TOLLGATE__GATEWAY__LISTEN", format!("127.0.0.1:{}", ground.gateway.port()));
        let operations = format!("127.0.0.1:{}", ground.gateway.operations_port());
        command.env("TOLLGATE__GATEWAY__OPERATIONS_LISTEN", operations);
        command.env("TOLLGATE_CONFIG", "tollgate.toml").envs(environment());
        Self(command.spawn().expect("the program starts"))
    }
}

/// The program that the kit runs: `$TOLLGATE_BIN`, or the one that cargo built beside this test.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let beside = || test.ancestors().map(|folder| folder.join("tollgate")).find(|path| path.is_file());
    std::env::var_os("TOLLGATE_BIN").map(PathBuf::from).or_else(beside).expect("cargo build -p tollgate")
}

#[test]
fn a_successor_takes_the_ports_over_without_a_request_lost() {
    let go_on = Signal::default();
    let mut ground = Ground::new(in_the_middle(&go_on), "");
    let mut client = streaming(&ground);
    let mut successor = Successor::of(&ground);
    // The successor waits for the ports at its socket; until it has them the old process serves.
    let socket = ground.gateway.folder().join("data/upgrade.sock");
    wait_until(PATIENCE, "the successor waits", || socket.exists());
    assert_eq!(ground.ask(plain()).0.status, 200);
    ground.gateway.signal("QUIT");
    wait_until(PATIENCE, "the old process takes no more connections", || {
        assert_eq!(ground.ask(plain()).0.text(), JSON_ANSWER, "there is always somebody at the port");
        ground.gateway.log().iter().any(|line| line.contains("Shutting down"))
    });
    assert_eq!(ground.ask(plain()).0.text(), JSON_ANSWER, "the successor answers");
    assert!(ground.gateway.is_running(), "the old process waits for its stream");
    go_on.give();
    assert_eq!(client.chunks_until("DONE"), "data: 2\n\ndata: [DONE]\n\n", "the old process finished its stream");
    wait_until(PATIENCE, "the old process ends", || !ground.gateway.is_running());
    assert!(ground.gateway.stop(), "the old process ended well");
    for _ in 0..5 {
        assert_eq!(ground.ask(plain()).0.text(), JSON_ANSWER);
    }
    assert!(matches!(successor.0.try_wait(), Ok(None)), "the successor serves");
}
