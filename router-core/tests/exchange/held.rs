//! Streams that are kept from the client until they say something.

use std::time::Duration;

use router_core::dialect::translate::{self, Ask, Translator};
use router_core::dialect::{Complaint, Target};
use router_core::domain::{Dialect, Quirks};
use router_core::exchange::{BodyKind, Fact, Input, Opening, Outcome, Terms, UpstreamFault};

use super::shell::{DONE, EVENT, Shell, TERMS};

const ROLE: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n";
const TEXT: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";
const FAILURE: &str = "data: {\"error\":{\"message\":\"busy\",\"code\":\"overloaded\"}}\n\n";

/// In microseconds: held for 20,000.
const HELD: Terms = Terms { hold_head: Duration::from_millis(20), ..TERMS };

fn to_anthropic() -> Option<Box<Translator>> {
    let outbound = translate::request(Ask {
        client: Dialect::Anthropic,
        provider: Dialect::Openai,
        body: br#"{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"?"}]}"#,
        model: "m",
        target: Target { model: "m", quirks: &Quirks::default() },
        stream: None,
        as_array: false,
        unique: "1",
        created: 1,
    });
    Some(Box::new(outbound.expect("a valid request").translator))
}

/// Both ways in which a stream of OpenAI's reaches a client.
fn shells() -> [Shell; 2] {
    let mut shells =
        [Shell::new(HELD), Shell::translating(Terms { client: Dialect::Anthropic, ..HELD }, to_anthropic())];
    for shell in &mut shells {
        shell.head(200, BodyKind::Events);
    }
    shells
}

#[test]
fn a_stream_without_a_word_is_kept_and_leaves_with_the_first_word() {
    for mut shell in shells() {
        shell.body(ROLE, 10);
        assert_eq!((shell.begun, shell.received()), (None, ""));
        shell.body(TEXT, 20);
        assert_eq!(shell.begun, Some(Opening::Streamed));
        assert!(shell.received().contains("assistant") && shell.received().contains("hi"), "{}", shell.received());
    }
}

#[test]
fn an_error_before_the_first_word_is_a_failure_that_the_client_knows_nothing_of() {
    for mut shell in shells() {
        shell.body(ROLE, 10).body(FAILURE, 20);
        assert_eq!(shell.outcome, Some(Outcome::Failed(UpstreamFault::Reported(Complaint::Overloaded))));
        assert_eq!(shell.begun, None);
    }
}

#[test]
fn an_end_or_a_reset_before_the_first_word_is_one_too() {
    for mut shell in shells() {
        shell.body(ROLE, 10).end(20);
        assert_eq!((shell.outcome, shell.begun), (Some(Outcome::Failed(UpstreamFault::Truncated)), None));
    }
    for mut shell in shells() {
        shell.body(ROLE, 10).tell(Input::Fault(UpstreamFault::Closed), 20);
        assert_eq!((shell.outcome, shell.begun), (Some(Outcome::Failed(UpstreamFault::Closed)), None));
    }
}

#[test]
fn half_a_word_that_ends_is_no_answer() {
    let mut shell = Shell::new(HELD);
    shell.head(200, BodyKind::Events).body(&TEXT[..TEXT.len() - 1], 10).end(20);
    assert_eq!((shell.outcome, shell.begun), (Some(Outcome::Failed(UpstreamFault::Truncated)), None));
    let mut shell = Shell::new(HELD);
    shell.head(200, BodyKind::Events).body("data: {\"choi", 10).end(20);
    assert_eq!((shell.outcome, shell.begun), (Some(Outcome::Failed(UpstreamFault::Truncated)), None));
}

#[test]
fn a_stream_that_is_silent_for_too_long_leaves_without_a_word_and_is_kept_alive() {
    let patient = Terms { between_chunks: Duration::from_secs(10), total: Duration::from_secs(10), ..HELD };
    for (client, translator) in [(Dialect::Openai, None), (Dialect::Anthropic, to_anthropic())] {
        let mut shell = Shell::translating(Terms { client, ..patient }, translator);
        shell.head(200, BodyKind::Events).body(ROLE, 10);
        assert_eq!(shell.wake_at.0, 20_002, "{client:?}");
        shell.tell(Input::Wake, 20_002);
        assert_eq!(shell.begun, Some(Opening::Streamed));
        shell.tell(Input::Wake, 300_010);
        assert!(shell.received().contains("keep-alive") || shell.received().contains("ping"), "{}", shell.received());
        shell.body(TEXT, 300_011);
        assert!(shell.received().contains("hi"));
    }
}

#[test]
fn a_first_word_that_does_not_come_in_time_is_a_failure_however_much_frame_there_is() {
    let patient = Duration::from_secs(10);
    let terms = Terms { hold_head: patient, first_byte: Duration::from_millis(30), between_chunks: patient, ..HELD };
    let mut shell = Shell::new(Terms { total: patient, ..terms });
    shell.head(200, BodyKind::Events).body(ROLE, 10).body(ROLE, 29_000);
    assert_eq!((shell.wake_at.0, shell.outcome), (30_001, None));
    shell.tell(Input::Wake, 30_001);
    assert_eq!((shell.outcome, shell.begun), (Some(Outcome::Failed(UpstreamFault::FirstByteTimeout)), None));
}

#[test]
fn a_stream_that_has_begun_to_speak_may_pause_past_the_time_for_its_first_word() {
    let patient = Duration::from_secs(10);
    let terms = Terms { hold_head: patient, first_byte: Duration::from_millis(30), between_chunks: patient, ..HELD };
    for (client, translator) in [(Dialect::Openai, None), (Dialect::Anthropic, to_anthropic())] {
        let mut shell = Shell::translating(Terms { client, total: patient, keep_alive: patient, ..terms }, translator);
        shell.head(200, BodyKind::Events).body(TEXT, 29_000).tell(Input::Wake, 30_001);
        assert_eq!(shell.outcome, None, "{client:?}");
        assert!(shell.wake_at.0 > 1_000_000, "{client:?}: {:?}", shell.wake_at);
        shell.body(TEXT, 9_000_000);
        assert_eq!(shell.received().matches("hi").count(), 2, "{client:?}");
    }
}

#[test]
fn a_first_word_is_noted_when_it_comes_and_not_when_the_frame_leaves() {
    let patient = Terms { between_chunks: Duration::from_secs(10), total: Duration::from_secs(10), ..HELD };
    for (client, translator) in [(Dialect::Openai, None), (Dialect::Anthropic, to_anthropic())] {
        let mut shell = Shell::translating(Terms { client, ..patient }, translator);
        shell.head(200, BodyKind::Events).body(ROLE, 10).tell(Input::Wake, 20_002).tell(Input::Wake, 300_010);
        let noted = |shell: &Shell| shell.facts.iter().filter(|fact| **fact == Fact::FirstForward).count();
        assert_eq!((noted(&shell), shell.begun), (0, Some(Opening::Streamed)), "{client:?}");
        shell.body(TEXT, 300_011).body(TEXT, 300_012);
        assert_eq!(noted(&shell), 1, "{client:?}");
    }
}

#[test]
fn nothing_is_said_to_a_client_whose_stream_is_kept() {
    let chatty = Terms { keep_alive: Duration::from_millis(5), ..HELD };
    let mut shell = Shell::new(chatty);
    shell.head(200, BodyKind::Events).body(ROLE, 10).tell(Input::Wake, 6_000);
    assert_eq!((shell.begun, shell.received()), (None, ""));
}

#[test]
fn a_stream_that_is_not_held_and_a_long_one_leave_at_once() {
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(ROLE, 10);
    assert_eq!(shell.received(), ROLE);
    let mut shell = Shell::new(HELD);
    let long = ROLE.repeat(1 + TERMS.hold_bytes_max / ROLE.len());
    shell.head(200, BodyKind::Events).body(&long, 10);
    assert_eq!(shell.received(), long);
}

#[test]
fn what_was_kept_leaves_whole() {
    let mut shell = Shell::new(HELD);
    let finish = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    shell.head(200, BodyKind::Events).body(ROLE, 10).body(EVENT, 11).body(finish, 12).body(DONE, 13).end(14);
    assert_eq!(shell.received(), [ROLE, EVENT, finish, DONE].concat());
    assert_eq!(shell.outcome, Some(Outcome::Complete));
}
