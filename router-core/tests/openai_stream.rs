//! What judging a stream promises.

mod json_support;

use json_support::{Split, spelling, split, text};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use router_core::dialect::passing::{EVENT_BYTES_MAX, Step, StreamEnd, StreamScan};
use router_core::domain::Dialect;

/// Everything that can be told after a stream.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    forwarded: String,
    input: Option<u64>,
    events: u64,
    saw_error: bool,
    end: StreamEnd,
}

/// Plays the caller: keeps the window, does what it is told, and lets nothing wait that could go on.
struct Caller {
    scan: StreamScan,
    window: Vec<u8>,
    forwarded: Vec<u8>,
}

impl Caller {
    fn new(strip_usage: bool) -> Self {
        Self { scan: StreamScan::new(Dialect::Openai, strip_usage), window: Vec::new(), forwarded: Vec::new() }
    }

    fn receive(&mut self, chunk: &[u8]) {
        self.window.extend_from_slice(chunk);
        while let Some(step) = self.scan.next(&self.window) {
            let (Step::Forward(len) | Step::Drop(len)) = step;
            assert!(0 < len && len <= self.window.len(), "{step:?} of {}", self.window.len());
            self.obey(step);
        }
        assert!(self.window.len() <= EVENT_BYTES_MAX, "too much is held back");
    }

    fn obey(&mut self, step: Step) {
        match step {
            Step::Forward(len) => self.forwarded.extend(self.window.drain(..len)),
            Step::Drop(len) => drop(self.window.drain(..len)),
        }
    }

    fn end(mut self) -> Told {
        let end = self.scan.finish(&self.window);
        self.obey(end.tail);
        assert!(self.window.is_empty());
        Told {
            forwarded: String::from_utf8_lossy(&self.forwarded).into_owned(),
            input: self.scan.usage().map(|usage| usage.input),
            events: self.scan.events(),
            saw_error: self.scan.saw_error(),
            // The tail's length depends on what the split left over; what matters is in `forwarded`.
            end: StreamEnd { tail: Step::Drop(0), ..end },
        }
    }
}

fn judge(stream: &[u8], strip_usage: bool, split: &Split) -> Told {
    let mut caller = Caller::new(strip_usage);
    for piece in split.pieces(stream) {
        caller.receive(piece);
    }
    caller.end()
}

fn whole(stream: &str, strip_usage: bool) -> Told {
    judge(stream.as_bytes(), strip_usage, &Split::At(Vec::new()))
}

/// An event, and what is to become of it.
#[derive(Debug, Clone)]
struct Event {
    text: String,
    /// The usage chunk: dropped, if the client did not ask for it.
    is_usage: bool,
    input: Option<u64>,
    has_data: bool,
    is_error: bool,
}

fn plain(text: String) -> Event {
    Event { text, is_usage: false, input: None, has_data: true, is_error: false }
}

/// The lines of an event, with one kind of line end.
fn lines(lines: &[String]) -> impl Strategy<Value = String> + use<> {
    let lines = lines.to_vec();
    select(&["\n", "\r\n", "\r"][..])
        .prop_map(move |end| lines.iter().map(|line| format!("{line}{end}")).collect::<String>() + end)
}

/// One or more lines of data that make up this JSON.
fn data(json: String) -> impl Strategy<Value = String> {
    // Between the members of our events `,"` stands nowhere but at the top level.
    let parts = json.split(",\"").enumerate();
    let many = parts.map(|(at, part)| if at == 0 { format!("data: {part}") } else { format!("data: ,\"{part}") });
    let many = Just(many.collect::<Vec<_>>());
    let one = select(&["data:", "data: "][..]).prop_map(move |field| vec![format!("{field}{json}")]);
    prop_oneof![4 => one, 1 => many].prop_flat_map(|data| lines(&data))
}

fn event() -> BoxedStrategy<Event> {
    let content = || text().prop_flat_map(spelling).prop_map(|content| content.text.replace(",\"", ", \""));
    let null = select(&["", ",\"usage\":null", ",\"usage\" : null"][..]);
    let delta = (content(), null)
        .prop_flat_map(|(content, usage)| data(format!("{{\"choices\":[{{\"delta\":{content}}}]{usage}}}")))
        .prop_map(plain);
    let usage = (any::<u16>(), select(&["[]", "[ ]"][..])).prop_flat_map(|(input, choices)| {
        data(format!("{{\"choices\":{choices},\"usage\": {{\"prompt_tokens\":{input}}}}}"))
            .prop_map(move |text| Event { is_usage: true, input: Some(input.into()), ..plain(text) })
    });
    let with_choices = any::<u16>().prop_flat_map(|input| {
        data(format!("{{\"choices\":[{{}}],\"usage\":{{\"prompt_tokens\":{input}}}}}"))
            .prop_map(move |text| Event { input: Some(input.into()), ..plain(text) })
    });
    let error = content()
        .prop_flat_map(|content| data(format!("{{\"error\":{{\"message\":{content}}}}}")))
        .prop_map(|text| Event { is_error: true, ..plain(text) });
    let comment = "[a-z{}\"]{0,20}"
        .prop_flat_map(|remark| lines(&[format!(": {remark}"), "event: x".to_owned()]))
        .prop_map(|text| Event { has_data: false, ..plain(text) });
    let garbage = "[a-z{}\"\\\\]{0,20}".prop_flat_map(data).prop_map(plain);
    prop_oneof![4 => delta, 2 => usage, 1 => with_choices, 1 => error, 1 => comment, 1 => garbage].boxed()
}

fn done() -> impl Strategy<Value = Event> {
    select(&["data: [DONE]", "data:[DONE]"][..]).prop_flat_map(|line| lines(&[line.to_owned()])).prop_map(plain)
}

fn stream() -> impl Strategy<Value = Vec<Event>> {
    (vec(event(), 0..12), done()).prop_map(|(mut events, done)| {
        events.push(done);
        events
    })
}

/// Text made of what streams are made of.
fn garbage() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(
        &[
            "\n",
            "\r",
            "\r\n",
            "\n\n",
            "data",
            ":",
            " ",
            "data: ",
            "[DONE]",
            "data: [DONE]",
            "\u{FEFF}",
            "{",
            "}",
            "\"usage\":",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1}}",
            "\"error\":",
            "x",
            ": comment",
            "\0",
            "data: {\"usage\":{}}",
        ][..],
    );
    prop_oneof![
        3 => vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes()),
        1 => vec(any::<u8>(), 0..100),
    ]
}

proptest! {
    #[test]
    fn a_stream_is_forwarded_but_for_its_usage_in_any_split(
        events in stream(),
        after in "[a-z]{0,9}",
        strip_usage: bool,
        bom: bool,
        split in split(),
    ) {
        let bom = if bom { "\u{FEFF}" } else { "" };
        let text: String = events.iter().map(|event| event.text.as_str()).collect();
        let kept = events.iter().filter(|event| !(strip_usage && event.is_usage)).map(|event| event.text.as_str());
        let mut forwarded: String = kept.collect();
        // The byte order mark goes with the event it stands before.
        if !(strip_usage && events[0].is_usage) {
            forwarded.insert_str(0, bom);
        }
        let told = judge(format!("{bom}{text}{after}").as_bytes(), strip_usage, &split);
        prop_assert_eq!(&told.forwarded, &forwarded);
        prop_assert_eq!(told.input, events.iter().filter_map(|event| event.input).next_back());
        prop_assert_eq!(told.events, events.iter().filter(|event| event.has_data).count() as u64);
        prop_assert_eq!(told.saw_error, events.iter().any(|event| event.is_error));
        prop_assert_eq!(told.end, StreamEnd { complete: true, tail: Step::Drop(0), torn: false });
    }

    #[test]
    fn a_whole_event_goes_on_at_once(events in stream(), strip_usage: bool) {
        let mut caller = Caller::new(strip_usage);
        for event in &events {
            caller.receive(event.text.as_bytes());
            prop_assert!(caller.window.is_empty(), "{:?} is held back", event.text);
        }
        prop_assert!(caller.scan.done());
    }

    #[test]
    fn as_much_goes_on_at_once_as_can(events in stream()) {
        let text: String = events.iter().map(|event| event.text.as_str()).collect();
        prop_assert_eq!(StreamScan::new(Dialect::Openai, false).next(text.as_bytes()), Some(Step::Forward(text.len())));
    }

    #[test]
    fn every_split_of_a_stream_is_judged_the_same(stream in garbage(), strip_usage: bool, split in split()) {
        prop_assert_eq!(judge(&stream, strip_usage, &split), judge(&stream, strip_usage, &Split::At(Vec::new())));
    }

    #[test]
    fn a_stream_that_breaks_off_is_not_complete_and_ends_with_a_whole_event(
        events in stream(),
        cut: Index,
        split in split(),
    ) {
        let text: String = events[..events.len() - 1].iter().map(|event| event.text.as_str()).collect();
        let cut = text.floor_char_boundary(cut.index(text.len() + 1));
        let told = judge(&text.as_bytes()[..cut], false, &split);
        prop_assert!(!told.end.complete && !told.end.torn);
        let mut ends = events.iter().scan(0, |end, event| {
            *end += event.text.len();
            Some(*end)
        });
        // Of CR LF, an event needs no more than the CR.
        let is_whole = |len: usize| len == 0 || ends.any(|end| end == len || end == len + 1);
        prop_assert!(Some(told.forwarded.len()).is_some_and(is_whole));
    }
}

/// An event of exactly `len` bytes, whose data looks like the usage chunk.
fn long_event(len: usize, end: &str) -> String {
    let (head, tail) = ("data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1},\"x\":\"", "\"}");
    head.to_owned() + &"x".repeat(len - head.len() - tail.len() - 2 * end.len()) + tail + end + end
}

#[test]
fn an_event_that_is_too_long_is_forwarded_unread_in_any_split() {
    for end in ["\n", "\r", "\r\n"] {
        // Of the last CR LF, the LF does not count: the event is whole without it.
        let late = usize::from(end == "\r\n");
        for (len, read) in
            [(EVENT_BYTES_MAX + late, true), (EVENT_BYTES_MAX + late + 1, false), (3 * EVENT_BYTES_MAX, false)]
        {
            let event = long_event(len, end);
            let stream = format!("data: a{end}{end}{event}data: b{end}{end}data: [DONE]{end}{end}");
            let told = whole(&stream, true);
            assert_eq!(told.forwarded.len(), if read { stream.len() - event.len() } else { stream.len() });
            assert_eq!((told.input, told.events, told.end.complete), (read.then_some(1), 4, true), "{len}");
            assert_eq!(judge(stream.as_bytes(), true, &Split::Bytes), told, "{len} {end:?}");
        }
    }
}

#[test]
fn a_long_event_goes_on_as_it_comes_once_it_is_too_long() {
    let mut caller = Caller::new(true);
    caller.receive(&[b'x'; EVENT_BYTES_MAX]);
    assert_eq!(caller.forwarded.len(), 0);
    caller.receive(b"xx");
    assert_eq!(caller.forwarded.len(), EVENT_BYTES_MAX + 2);
    caller.receive(b"x");
    assert_eq!(caller.forwarded.len(), EVENT_BYTES_MAX + 3);
    let told = caller.end();
    assert!(told.end.torn && !told.end.complete, "the client has half an event");
}

#[test]
fn usage_with_choices_is_recorded_and_forwarded() {
    let stream = "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":5}}\n\ndata: [DONE]\n\n";
    let told = whole(stream, true);
    assert_eq!((told.forwarded.as_str(), told.input), (stream, Some(5)));
}

#[test]
fn an_empty_choices_array_alone_is_no_reason_to_drop() {
    for chunk in [
        r#"{"choices":[],"prompt_filter_results":[]}"#,
        r#"{"choices":[],"usage":null}"#,
        r#"{"choices":[{"usage":{"prompt_tokens":1}}]}"#,
        r#"{"choices":[],"usage":[]}"#,
        r#"{"usage":{"prompt_tokens":1}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":1},"error":{"message":"cut off"}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":1}"#,
    ] {
        let stream = format!("data: {chunk}\n\n");
        assert_eq!(whole(&stream, true).forwarded, stream);
    }
}

#[test]
fn usage_that_cannot_be_is_dropped_and_not_counted() {
    let first = "data: {\"choices\":[{}],\"usage\":{\"prompt_tokens\":5}}\n\n";
    let told = whole(&format!("{first}data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":-5}}}}\n\n"), true);
    assert_eq!((told.forwarded.as_str(), told.input), (first, None));
}

#[test]
fn an_error_counts_at_the_top_level_only() {
    for (chunk, saw_error) in [
        (r#"{"error":{"message":"x"},"choices":[]}"#, true),
        (r#"{"error":"x"}"#, true),
        (r#"{"error":null}"#, false),
        (r#"{"choices":[{"delta":{"content":"\"error\":{}"}}]}"#, false),
        (r#"{"choices":[{"error":{}}]}"#, false),
    ] {
        assert_eq!(whole(&format!("data: {chunk}\n\n"), false).saw_error, saw_error, "{chunk}");
    }
}

#[test]
fn done_counts_without_its_blank_line_at_the_end_of_the_stream() {
    for stream in ["data: [DONE]", "data: [DONE]\n", "data:[DONE]\r", "data: a\n\ndata: [DONE] \r\n"] {
        let told = whole(stream, true);
        assert_eq!((told.forwarded.as_str(), told.end.complete), (stream, true), "{stream:?}");
    }
    for stream in [
        "data: [DONE",
        "data: [DONE]x",
        "[DONE]\n\n",
        ": [DONE]\n\n",
        "data: \"[DONE]\"\n\n",
        "data: a\ndata: [DONE]\n\n",
    ] {
        assert!(!whole(stream, true).end.complete, "{stream:?}");
    }
}

#[test]
fn half_an_event_at_the_end_is_dropped_but_whole_usage_in_it_counts() {
    let told = whole("data: a\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n", false);
    assert_eq!((told.forwarded.as_str(), told.input, told.end.complete), ("data: a\n\n", Some(5), false));
}

#[test]
fn what_follows_done_is_dropped() {
    let mut caller = Caller::new(false);
    caller.receive(b"data: [DONE]\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n\n");
    caller.receive(b"more");
    let told = caller.end();
    assert_eq!((told.forwarded.as_str(), told.input, told.events), ("data: [DONE]\n\n", None, 1));
}
