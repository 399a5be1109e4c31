//! Where the events of a `text/event-stream` end, and where their data is (WHATWG HTML, 9.2.5 and 9.2.6).
//!
//! Works on a window that the caller owns: whatever has arrived and was not taken away yet. Copies nothing, except to
//! join the lines of an event that has several lines of data. Looks at each byte for a line end once, however the
//! stream is split.

use std::ops::Range;

use memchr::memchr2;

/// Finds the events of one stream, one after the other.
#[derive(Debug)]
pub struct Splitter {
    /// Bytes of the open event that were looked at.
    scanned: usize,
    /// Where the open line starts, counted from the open event's start.
    line: usize,
    /// The beginning of the open line was taken away, so it is not empty.
    line_torn: bool,
    /// The beginning of the open event was taken away.
    torn: bool,
    data: Data,
    /// The last byte looked at is a CR: an LF that follows is part of the same line end.
    after_cr: bool,
    /// No line has ended yet: this one may start with a byte order mark.
    first_line: bool,
}

/// An event that has ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Event {
    /// Its bytes, its blank line included, but not the LF of a blank line that ends with CR LF: the event is whole
    /// before that comes. See [`Splitter::straggler`].
    pub len: usize,
    /// Its data.
    pub data: Data,
    /// Its beginning was taken away before it ended: `len` counts what is left, and `data` tells nothing.
    pub torn: bool,
}

/// The data of an event.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Data {
    /// No line of data: comments and other fields at most.
    #[default]
    None,
    /// One line, counted from the event's start.
    Line(Range<usize>),
    /// Several lines, joined by LF.
    Joined(Vec<u8>),
}

impl Data {
    /// The data of an event that starts where `window` starts.
    pub fn of<'d>(&'d self, window: &'d [u8]) -> Option<&'d [u8]> {
        match self {
            Self::None => None,
            Self::Line(line) => Some(&window[line.clone()]),
            Self::Joined(data) => Some(data),
        }
    }
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Splitter {
    /// At the start of a stream.
    pub const fn new() -> Self {
        Self { scanned: 0, line: 0, line_torn: false, torn: false, data: Data::None, after_cr: false, first_line: true }
    }

    /// The next event to end in `window`, which starts with the first byte after the event before it. `None` when it
    /// does not end there: ask again with the same bytes and more, or after [`Splitter::tear`].
    pub fn next(&mut self, window: &[u8]) -> Option<Event> {
        loop {
            if self.after_cr && self.scanned < window.len() {
                self.after_cr = false;
                self.scanned += usize::from(window[self.scanned] == b'\n');
                self.line = self.scanned;
            }
            let Some(ahead) = memchr2(b'\n', b'\r', &window[self.scanned..]) else {
                self.scanned = window.len();
                return None;
            };
            let end = self.scanned + ahead;
            self.scanned = end + 1;
            self.after_cr = window[end] == b'\r';
            if self.ends_line(window, end) {
                return Some(self.take(self.scanned));
            }
        }
    }

    /// Whether `window`, which starts right after an event, starts with the LF that belongs to that event's last CR.
    /// Ask before [`Splitter::next`], which would take it for a part of the event that follows.
    pub fn straggler(&mut self, window: &[u8]) -> bool {
        let between_events = self.scanned == 0 && !self.torn;
        let found = between_events && self.after_cr && window.first() == Some(&b'\n');
        if found {
            self.after_cr = false;
        }
        found
    }

    /// All of the window that [`Splitter::next`] answered `None` for is taken away, though the event goes on.
    pub fn tear(&mut self) {
        self.line_torn |= self.line < self.scanned;
        self.torn = true;
        self.data = Data::None;
        (self.scanned, self.line) = (0, 0);
    }

    /// Whether the beginning of the open event was taken away.
    pub const fn torn(&self) -> bool {
        self.torn
    }

    /// Ends the stream: the open event as it would be, had its last line and a blank line ended here.
    pub fn finish(&mut self, window: &[u8]) -> Event {
        if self.line < window.len() {
            self.ends_line(window, window.len());
        }
        self.take(window.len())
    }

    /// Takes note of the line that ends before `end`; answers whether it is blank.
    fn ends_line(&mut self, window: &[u8], end: usize) -> bool {
        let line_torn = std::mem::take(&mut self.line_torn);
        let mut start = std::mem::replace(&mut self.line, self.scanned);
        if std::mem::take(&mut self.first_line) && window[start..end].starts_with(b"\xEF\xBB\xBF") {
            start += 3;
        }
        if !self.torn
            && let Some(value) = data_value(&window[start..end])
        {
            self.data.push(window, end - value.len()..end);
        }
        start == end && !line_torn
    }

    fn take(&mut self, len: usize) -> Event {
        (self.scanned, self.line) = (0, 0);
        Event { len, data: std::mem::take(&mut self.data), torn: std::mem::take(&mut self.torn) }
    }
}

impl Data {
    fn push(&mut self, window: &[u8], line: Range<usize>) {
        match self {
            Self::None => *self = Self::Line(line),
            Self::Line(first) => *self = Self::Joined([&window[first.clone()], &window[line]].join(&b'\n')),
            Self::Joined(data) => {
                data.push(b'\n');
                data.extend_from_slice(&window[line]);
            }
        }
    }
}

/// The value of a line, if its field is `data`. One space after the colon is not part of it.
fn data_value(line: &[u8]) -> Option<&[u8]> {
    match line.strip_prefix(b"data")? {
        [] => Some(&[]),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every event's length and data.
    fn events(stream: &[u8]) -> Vec<(usize, Option<String>)> {
        let (mut splitter, mut at, mut events) = (Splitter::new(), 0, Vec::new());
        while let Some(event) = splitter.next(&stream[at..]) {
            let late = usize::from(splitter.straggler(&stream[at + event.len..]));
            let data = event.data.of(&stream[at..]).map(|data| String::from_utf8_lossy(data).into_owned());
            events.push((event.len + late, data));
            at += event.len + late;
        }
        events
    }

    fn data(stream: &str) -> Vec<Option<String>> {
        events(stream.as_bytes()).into_iter().map(|(_, data)| data).collect()
    }

    #[test]
    fn any_mix_of_line_ends_ends_an_event() {
        for (stream, len) in [
            ("data:a\n\nx", 8),
            ("data:a\r\n\r\nx", 10),
            ("data:a\r\rx", 8),
            ("data:a\r\n\nx", 9),
            ("data:a\n\r\nx", 9),
        ] {
            assert_eq!(events(stream.as_bytes()), [(len, Some("a".to_owned()))], "{stream:?}");
        }
    }

    #[test]
    fn one_space_after_the_colon_is_not_data() {
        assert_eq!(data("data:  a \n\n"), [Some(" a ".to_owned())]);
        assert_eq!(data("data\n\ndata:\n\n"), [Some(String::new()), Some(String::new())]);
    }

    #[test]
    fn several_lines_of_data_are_joined() {
        assert_eq!(data("data: a\nid: 1\ndata\n: remark\ndata:b\n\n"), [Some("a\n\nb".to_owned())]);
    }

    #[test]
    fn comments_and_other_fields_are_no_data() {
        assert_eq!(data(": data: a\n\ndatabase: a\nevent: data\n\n\n"), [None, None, None]);
    }

    #[test]
    fn a_byte_order_mark_counts_only_at_the_start_of_the_stream() {
        assert_eq!(data("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n"), [Some("a".to_owned()), None]);
        assert_eq!(data("\u{FEFF}\ndata: a\n\n"), [None, Some("a".to_owned())]);
    }

    #[test]
    fn a_line_feed_that_comes_late_belongs_to_the_event_before_it() {
        let mut splitter = Splitter::new();
        assert_eq!(splitter.next(b"data:a\r\n\r").map(|event| event.len), Some(9));
        assert!(splitter.straggler(b"\n"));
        assert!(!splitter.straggler(b"\n"), "only one of them does");
        assert_eq!(splitter.next(b"\n").map(|event| event.len), Some(1));
    }

    #[test]
    fn a_torn_event_ends_at_its_blank_line_and_tells_nothing() {
        for (pieces, lens) in
            [(["data: a", "\n", "\nx"], [None, None, Some(1)]), (["data: a\r", "\n", "\rx"], [None, None, Some(1)])]
        {
            let mut splitter = Splitter::new();
            for (piece, len) in pieces.iter().zip(lens) {
                let event = splitter.next(piece.as_bytes());
                assert_eq!(event.as_ref().map(|event| event.len), len, "{pieces:?}");
                match event {
                    Some(event) => assert_eq!((event.data, event.torn), (Data::None, true)),
                    None => splitter.tear(),
                }
            }
        }
    }

    #[test]
    fn the_end_of_the_stream_ends_the_last_line() {
        let mut splitter = Splitter::new();
        assert_eq!(splitter.next(b"data: a\ndata: b"), None);
        assert_eq!(splitter.finish(b"data: a\ndata: b").data, Data::Joined(b"a\nb".to_vec()));
    }
}
