//! One request's state machine: what it answers to every order of events, and a seeded simulation of a shell around it.

#[path = "exchange/corpus.rs"]
mod corpus;
#[path = "exchange/held.rs"]
mod held;
#[path = "exchange/shell.rs"]
mod shell;

use std::time::Duration;

use router_core::domain::{Dialect, Seed, Tick};
use router_core::exchange::{BodyKind, Fact, Input, Opening, Outcome, Terms, UpstreamFault};

use shell::{DOCUMENT, DONE, EVENT, Shell, TERMS, USAGE};

#[test]
fn a_client_that_waits_for_events_hears_from_us_in_the_words_of_its_dialect() {
    for (client, words) in [
        (Dialect::Openai, ": keep-alive\n\n"),
        (Dialect::Anthropic, "event: ping\ndata: {\"type\": \"ping\"}\n\n"),
        // Google's SDKs take a comment for a broken answer.
        (Dialect::Gemini, "\n\n"),
    ] {
        let silence = Duration::from_secs(10);
        let mut shell = Shell::new(Terms { client, between_chunks: silence, total: silence, ..TERMS });
        shell.head(200, BodyKind::Events);
        assert_eq!(shell.wake_at, Tick(300_002), "before the deadline");
        shell.tell(Input::Wake, 300_001);
        assert_eq!(shell.received(), "");
        shell.tell(Input::Wake, 300_002).tell(Input::Wake, 600_002);
        assert_eq!(shell.received(), words.repeat(2), "{client:?}");
        assert_eq!(shell.begun, Some(Opening::Streamed));
        shell.tell(Input::Fault(UpstreamFault::Closed), 600_003);
        assert_eq!(shell.outcome, Some(Outcome::Broken(UpstreamFault::Closed)), "the client has a byte");
    }
}

#[test]
fn nobody_is_kept_waiting_in_the_middle_of_an_event() {
    let silence = Duration::from_secs(10);
    let mut shell = Shell::new(Terms { between_chunks: silence, total: silence, ..TERMS });
    let long = format!("data: {}", "x".repeat(70_000));
    shell.head(200, BodyKind::Events).body(&long, 3).tell(Input::Wake, 400_000);
    assert_eq!(shell.received(), long, "a comment would become a part of the event");
}

#[test]
fn a_document_is_not_kept_alive() {
    let silence = Duration::from_secs(10);
    let mut shell = Shell::new(Terms { between_chunks: silence, total: silence, ..TERMS });
    shell.head(200, BodyKind::Json).tell(Input::Wake, 400_000);
    assert_eq!((shell.received(), shell.begun), ("", None));
}

#[test]
fn a_stream_is_forwarded_event_by_event_without_the_usage_nobody_asked_for() {
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(EVENT, 3);
    assert_eq!((shell.received(), shell.begun), (EVENT, Some(Opening::Streamed)));
    shell.body(&EVENT[..10], 4);
    assert_eq!(shell.received(), EVENT, "half an event waits for its other half");
    shell.body(&EVENT[10..], 5).body(USAGE, 6).body(DONE, 7).end(8);
    assert_eq!(shell.received(), [EVENT, EVENT, DONE].concat());
    assert_eq!(shell.outcome, Some(Outcome::Complete));
    assert_eq!(shell.exchange.usage().map(|usage| (usage.input, usage.output)), Some((3, 2)));
    assert_eq!(shell.facts, [Fact::Sent, Fact::FirstByte, Fact::FirstForward]);
}

#[test]
fn a_client_that_asked_for_usage_gets_it() {
    let mut shell = Shell::new(Terms { strip_usage: false, ..TERMS });
    shell.head(200, BodyKind::Events).body(&[EVENT, USAGE, DONE].concat(), 3).end(4);
    assert_eq!(shell.received(), [EVENT, USAGE, DONE].concat());
}

#[test]
fn a_document_is_held_until_its_usage_can_stand_in_the_head() {
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Json).body(&DOCUMENT[..20], 3);
    assert_eq!(shell.begun, None);
    shell.body(&DOCUMENT[20..], 4).end(5);
    assert_eq!((shell.received(), shell.begun), (DOCUMENT, Some(Opening::Whole { bytes: DOCUMENT.len() })));
    assert_eq!(shell.exchange.usage().map(|usage| usage.total), Some(Some(5)));
}

#[test]
fn a_document_over_the_bound_is_passed_on_as_it_comes_and_still_counted() {
    let filler = format!("{{\"data\":\"{}\",", "x".repeat(2000));
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Json).body(&filler, 3);
    assert_eq!((shell.received(), shell.begun), (filler.as_str(), Some(Opening::Streamed)));
    shell.body(&DOCUMENT[1..], 4).end(5);
    assert_eq!(shell.outcome, Some(Outcome::Complete));
    assert_eq!(shell.exchange.usage().map(|usage| usage.input), Some(3));
}

#[test]
fn an_answer_that_ends_early_is_never_taken_for_a_whole_one() {
    let truncated = UpstreamFault::Truncated;
    for (kind, body, expected) in [
        (BodyKind::Events, "", Outcome::Failed(truncated)),
        (BodyKind::Events, EVENT, Outcome::Broken(truncated)),
        (BodyKind::Json, &DOCUMENT[..30], Outcome::Failed(truncated)),
        (BodyKind::Json, "", Outcome::Failed(truncated)),
    ] {
        let mut shell = Shell::new(TERMS);
        shell.head(200, kind).body(body, 3).end(4);
        assert_eq!(shell.outcome, Some(expected), "{kind:?} {body:?}");
    }
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(EVENT, 3).tell(Input::Fault(truncated), 4);
    assert_eq!(shell.outcome, Some(Outcome::Broken(truncated)));
}

#[test]
fn a_refusal_is_kept_in_the_window_and_cut_at_a_bound() {
    let mut shell = Shell::new(TERMS);
    shell.head(429, BodyKind::Json).body("{\"error\":", 3).body("{}}", 4).end(5);
    assert_eq!(shell.outcome, Some(Outcome::Refused { status: 429 }));
    assert_eq!((shell.window.as_slice(), shell.begun), (&b"{\"error\":{}}"[..], None));
    let mut shell = Shell::new(TERMS);
    shell.head(500, BodyKind::Opaque).body(&"x".repeat(70_000), 3);
    assert_eq!(shell.outcome, Some(Outcome::Refused { status: 500 }), "an endless refusal ends");
}

#[test]
fn a_closed_kept_connection_is_replaced_once_and_only_before_an_answer() {
    let stale = Input::Fault(UpstreamFault::StaleReuse);
    let mut shell = Shell::new(TERMS);
    shell.tell(stale, 1);
    assert_eq!((shell.dials, shell.outcome), (2, None));
    shell.tell(Input::Fault(UpstreamFault::StaleReuse), 2);
    assert_eq!((shell.dials, shell.outcome), (2, Some(Outcome::Failed(UpstreamFault::StaleReuse))));

    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).tell(Input::Fault(UpstreamFault::StaleReuse), 3);
    assert_eq!(shell.dials, 1);
}

#[test]
fn each_phase_has_its_own_deadline_and_the_whole_has_one_too() {
    let millis = |millis: u64| millis * 1000;
    let mut shell = Shell::new(TERMS);
    assert_eq!(shell.wake_at, Tick(millis(10)));
    shell.tell(Input::Wake, millis(10));
    assert_eq!(shell.outcome, Some(Outcome::Failed(UpstreamFault::ConnectTimeout)));

    let mut shell = Shell::new(TERMS);
    shell.tell(Input::Sent, millis(1)).tell(Input::Wake, millis(10));
    assert_eq!((shell.outcome, shell.wake_at), (None, Tick(millis(101))), "waking early is not a deadline");
    shell.tell(Input::Wake, millis(101));
    assert_eq!(shell.outcome, Some(Outcome::Failed(UpstreamFault::FirstByteTimeout)));

    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(EVENT, millis(3)).tell(Input::Wake, millis(53));
    assert_eq!(shell.outcome, Some(Outcome::Broken(UpstreamFault::Stalled)));

    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events);
    for now in (40..500).step_by(40) {
        shell.body(EVENT, millis(now));
    }
    assert_eq!(shell.wake_at, Tick(millis(500)));
    shell.tell(Input::Wake, millis(500));
    assert_eq!(shell.outcome, Some(Outcome::Broken(UpstreamFault::TotalTimeout)));
}

#[test]
fn an_answer_that_said_it_is_done_is_complete_even_if_its_framing_never_ends() {
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(&[EVENT, DONE].concat(), 3);
    assert_eq!((shell.received(), shell.outcome), ([EVENT, DONE].concat().as_str(), None));
    shell.tell(Input::Wake, shell.wake_at.0);
    assert_eq!(shell.outcome, Some(Outcome::Complete));

    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events).body(&[EVENT, DONE].concat(), 3);
    shell.tell(Input::Fault(UpstreamFault::Truncated), 4);
    assert_eq!(shell.outcome, Some(Outcome::Complete));
}

#[test]
fn a_client_that_left_ends_the_exchange_in_every_phase() {
    let steps: [fn(&mut Shell); 5] = [
        |_| {},
        |shell| {
            shell.tell(Input::Sent, 1);
        },
        |shell| {
            shell.head(200, BodyKind::Events);
        },
        |shell| {
            shell.head(200, BodyKind::Events).body(EVENT, 3);
        },
        |shell| {
            shell.head(200, BodyKind::Events).body(&[EVENT, DONE].concat(), 3);
        },
    ];
    for (phase, step) in steps.iter().enumerate() {
        let mut shell = Shell::new(TERMS);
        step(&mut shell);
        shell.tell(Input::ClientGone, 9);
        assert_eq!(shell.outcome, Some(Outcome::ClientGone), "phase {phase}");
    }
}

/// Plays one exchange of chance: pieces of any size, faults at any point, deadlines that pass or not.
fn simulate(seed: Seed) {
    let draw = |name: &str, bound: u32| seed.fork(name).below(bound);
    let mut answer = String::new();
    for event in 0..draw("events", 6) {
        answer += if seed.fork("usage").step(event).below(4) == 0 { USAGE } else { EVENT };
    }
    let whole = draw("done", 3) > 0;
    if whole {
        answer += DONE;
    }
    let len = u32::try_from(answer.len()).expect("a short answer");
    let cut = if draw("cut", 2) == 0 { answer.len() } else { draw("cut at", len + 1) as usize };
    let mut shell = Shell::new(TERMS);
    shell.head(200, BodyKind::Events);
    let (mut at, mut now, mut step) = (0, 3, 0);
    while at < cut && shell.outcome.is_none() {
        step += 1;
        let piece = 1 + seed.fork("piece").step(step).below(60) as usize;
        let next = (at + piece).min(cut);
        now += u64::from(seed.fork("pause").step(step).below(20_000));
        shell.body(&answer[at..next], now);
        at = next;
    }
    if shell.outcome.is_none() {
        match draw("ending", 4) {
            0 => shell.tell(Input::Fault(UpstreamFault::Truncated), now),
            1 => shell.tell(Input::ClientGone, now),
            2 => shell.tell(Input::Wake, shell.wake_at.0),
            _ => shell.end(now),
        };
    }
    let outcome = shell.outcome.expect("every exchange ends");
    // A provider that forgets the blank line after `[DONE]` has still said it.
    let sent_whole = shell.received().contains(DONE.trim_end());
    assert!(!shell.received().contains("prompt_tokens"), "usage that nobody asked for");
    assert!(answer.replace(USAGE, "").starts_with(shell.received()), "nothing is made up and nothing repeated");
    if outcome == Outcome::Complete {
        assert!(sent_whole, "an answer without its end was called complete");
    }
    if matches!(outcome, Outcome::Failed(_)) {
        assert_eq!((shell.begun, shell.received()), (None, ""), "a failed exchange has sent nothing");
    }
}

#[test]
fn no_order_of_events_invents_repeats_or_hides_anything() {
    for number in 0..20_000 {
        let result = std::panic::catch_unwind(|| simulate(Seed::new(number)));
        assert!(result.is_ok(), "seed {number}");
    }
}
