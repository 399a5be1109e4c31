//! The header lines of an answer that a provider gave.

use std::cell::RefCell;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use router_core::chat::Losses;
use router_core::domain::{Dialect, Provenance, Tick, Timestamp};
use router_core::exchange::BodyKind;

use crate::clock;
use crate::request_id::RequestIdText;
use crate::stage::settle::{self, Bill};
use crate::stage::stream::Times;
use crate::text::push_number;
use crate::world::Target;

/// The head of a provider's answer, as far as the client's is made of it.
#[derive(Clone, Debug)]
pub(crate) struct AnswerHead {
    pub(crate) status: u16,
    pub(crate) kind: BodyKind,
    /// The content type, when `kind` does not say it.
    pub(crate) content_type: Option<Box<str>>,
}

/// What the lines need to know of a request.
#[derive(Clone, Copy)]
pub(crate) struct AnswerLines<'a> {
    pub(crate) request_id: &'a RequestIdText,
    pub(crate) started: Tick,
    pub(crate) at: Timestamp,
    /// The model's name at an undeclared target.
    pub(crate) undeclared: Option<&'a str>,
    /// The dialect that the client speaks.
    pub(crate) dialect: Dialect,
    /// What the provider could not be told.
    pub(crate) losses: &'a Losses,
    /// Attempts at providers, this one included.
    pub(crate) attempts: u32,
}

impl AnswerLines<'_> {
    /// Writes all lines, replacing what was in `lines`.
    pub(crate) fn write(
        &self,
        lines: &mut Vec<u8>,
        target: &Target,
        head: &AnswerHead,
        bill: Option<&Bill>,
        times: &Times,
    ) {
        start(lines, self.dialect, self.request_id, self.at);
        match head.kind {
            BodyKind::Events | BodyKind::AmazonEvents => lines.extend_from_slice(
                b"content-type: text/event-stream\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n",
            ),
            BodyKind::Json => lines.extend_from_slice(b"content-type: application/json\r\n"),
            BodyKind::Opaque => {
                lines.extend_from_slice(b"content-type: ");
                lines.extend_from_slice(head.content_type.as_deref().unwrap_or("application/octet-stream").as_bytes());
                lines.extend_from_slice(b"\r\n");
            }
        }
        lines.extend_from_slice(b"x-tollgate-model: ");
        match self.undeclared.filter(|name| name.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(name) => {
                lines.extend_from_slice(target.upstream.provider.name.as_bytes());
                lines.push(b'/');
                lines.extend_from_slice(name.as_bytes());
            }
            None => lines.extend_from_slice(target.name.as_bytes()),
        }
        lines.extend_from_slice(b"\r\nx-tollgate-attempts: ");
        push_number(lines, u64::from(self.attempts));
        lines.extend_from_slice(b"\r\nx-tollgate-overhead-us: ");
        push_number(lines, overhead_us(self.started, clock::now(), times));
        lines.extend_from_slice(b"\r\n");
        if !self.losses.is_empty() {
            lines.extend_from_slice(b"x-tollgate-dropped: ");
            lines.extend_from_slice(&header_text(&self.losses.to_string()));
            lines.extend_from_slice(b"\r\n");
        }
        if let Some(bill) = bill.filter(|bill| bill.usage.provenance != Provenance::Missing) {
            settle::write_tokens(lines, &bill.usage);
            settle::write_lines(lines, bill, target.price.as_ref());
        }
    }
}

/// Starts the lines of any answer.
pub(crate) fn start(lines: &mut Vec<u8>, dialect: Dialect, request_id: &RequestIdText, at: Timestamp) {
    lines.clear();
    lines.extend_from_slice(b"date: ");
    write_date(lines, at);
    lines.extend_from_slice(b"\r\nx-request-id: ");
    lines.extend_from_slice(request_id.as_str().as_bytes());
    lines.extend_from_slice(b"\r\n");
    if dialect == Dialect::Anthropic {
        lines.extend_from_slice(b"request-id: ");
        lines.extend_from_slice(request_id.as_str().as_bytes());
        lines.extend_from_slice(b"\r\n");
    }
}

/// Text that a caller may have had a part in, as a header can carry it.
fn header_text(text: &str) -> Vec<u8> {
    const BYTES_MAX: usize = 1024;
    text.bytes().take(BYTES_MAX).map(|byte| if (0x20..0x7f).contains(&byte) { byte } else { b'?' }).collect()
}

/// Microseconds of our own work until the head of an answer: all but the wait for the provider's.
pub(crate) fn overhead_us(started: Tick, head_at: Tick, times: &Times) -> u64 {
    let waited = match (times.sent, times.first_byte) {
        (Some(sent), Some(first_byte)) => first_byte.micros_since(sent),
        _ => 0,
    };
    head_at.micros_since(started).saturating_sub(waited)
}

/// Appends an HTTP date (RFC 9110, 5.6.7), made anew once a second.
fn write_date(lines: &mut Vec<u8>, at: Timestamp) {
    thread_local! {
        static DATE: RefCell<(u64, String)> = const { RefCell::new((u64::MAX, String::new())) };
    }
    let second = u64::try_from(at.0 / 1_000_000).unwrap_or(0);
    DATE.with_borrow_mut(|(cached, text)| {
        if *cached != second {
            let time: SystemTime = UNIX_EPOCH + Duration::from_secs(second);
            (*cached, *text) = (second, httpdate::fmt_http_date(time));
        }
        lines.extend_from_slice(text.as_bytes());
    });
}
