//! What providers say in response headers of their limits: OpenAI's `x-ratelimit-…`, which many have copied, and
//! Anthropic's `anthropic-ratelimit-…`.

use std::time::Duration;

use router_core::domain::Timestamp;
use router_core::health::{Limit, RateLimits};

use crate::clock;

/// The shortest name of such a header.
const NAME_BYTES_MIN: usize = 24;
const ABSENT: u32 = u32::MAX;
/// The limits, in the order in which they are kept.
const WHOSE: [&str; 4] = ["requests", "tokens", "input-tokens", "output-tokens"];
/// What is said of each, likewise; the last in milliseconds.
const WHAT: [&str; 3] = ["limit", "remaining", "reset"];

/// What one head said. Small, for a head is passed along by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard([[u32; WHAT.len()]; WHOSE.len()]);

impl Default for Heard {
    fn default() -> Self {
        Self([[ABSENT; WHAT.len()]; WHOSE.len()])
    }
}

impl Heard {
    /// Notes a header if it is one of these: `x-ratelimit-limit-requests`, `anthropic-ratelimit-input-tokens-reset` and
    /// so on. OpenAI's resets are durations such as `6m0s`, Anthropic's moments of RFC 3339.
    pub(super) fn note(&mut self, name: &str, value: &[u8]) {
        if name.len() < NAME_BYTES_MIN {
            return;
        }
        let Ok(value) = std::str::from_utf8(value) else { return };
        let openai = strip_prefix(name, "x-ratelimit-").and_then(|rest| rest.split_once('-'));
        let anthropic =
            || strip_prefix(name, "anthropic-ratelimit-")?.rsplit_once('-').map(|(whose, what)| (what, whose));
        let Some((what, whose)) = openai.or_else(anthropic) else { return };
        let place = |names: &[&str], name: &str| names.iter().position(|known| known.eq_ignore_ascii_case(name));
        let (Some(whose), Some(at)) = (place(&WHOSE, whose), place(&WHAT, what)) else { return };
        let number = match (WHAT[at], openai.is_some()) {
            ("reset", true) => duration(value.trim()).map(|reset| reset.as_millis()),
            ("reset", false) => until(value.trim(), clock::timestamp()).map(|reset| reset.as_millis()),
            _ => value.trim().parse().ok(),
        };
        self.0[whose][at] = number.map_or(ABSENT, |number| u32::try_from(number).unwrap_or(ABSENT - 1));
    }

    /// What it comes to; `None` if nothing was said.
    pub(crate) fn limits(&self) -> Option<RateLimits> {
        let of = |[limit, remaining, reset]: [u32; WHAT.len()]| {
            let said = |number: u32| (number != ABSENT).then(|| u64::from(number));
            Limit { limit: said(limit), remaining: said(remaining), reset: said(reset).map(Duration::from_millis) }
        };
        let [requests, tokens, input_tokens, output_tokens] = self.0.map(of);
        (*self != Self::default()).then_some(RateLimits { requests, tokens, input_tokens, output_tokens })
    }
}

fn strip_prefix<'n>(name: &'n str, prefix: &str) -> Option<&'n str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A duration in Go's form, such as `6m0s`, `8.64s` or `120ms`; a bare number is seconds.
fn duration(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = &rest[digits..];
        let unit = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        seconds += number
            * match &tail[..unit] {
                "" | "s" => 1.0,
                "ms" => 1e-3,
                "m" => 60.0,
                "h" => 3600.0,
                "d" => 86_400.0,
                _ => return None,
            };
        rest = &tail[unit..];
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

/// How long until a moment; nothing when it is over.
fn until(text: &str, now: Timestamp) -> Option<Duration> {
    let at = humantime::parse_rfc3339_weak(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_micros(u64::try_from(now.0).unwrap_or(0));
    Some(at.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(fields: &[(&str, &str)]) -> RateLimits {
        let mut heard = Heard::default();
        fields.iter().for_each(|(name, value)| heard.note(name, value.as_bytes()));
        heard.limits().expect("something was said")
    }

    #[test]
    fn openais_headers_are_read_in_any_case() {
        let limits = noted(&[
            ("x-ratelimit-limit-requests", "10000"),
            ("X-RateLimit-Remaining-Requests", "9999"),
            ("x-ratelimit-reset-requests", "8.64s"),
            ("x-ratelimit-remaining-tokens", "7"),
            ("x-ratelimit-reset-tokens", "6m0s"),
            ("x-ratelimit-remaining-images", "1"),
        ]);
        let reset = Some(Duration::from_millis(8640));
        assert_eq!(limits.requests, Limit { limit: Some(10_000), remaining: Some(9999), reset });
        assert_eq!(limits.tokens, Limit { limit: None, remaining: Some(7), reset: Some(Duration::from_secs(360)) });
    }

    #[test]
    fn anthropics_headers_are_read() {
        let limits = noted(&[
            ("anthropic-ratelimit-input-tokens-limit", "40000"),
            ("anthropic-ratelimit-output-tokens-remaining", "12"),
            ("anthropic-ratelimit-requests-reset", "2000-01-01T00:00:00Z"),
        ]);
        assert_eq!(limits.input_tokens.limit, Some(40_000));
        assert_eq!(limits.output_tokens.remaining, Some(12));
        assert_eq!(limits.requests.reset, Some(Duration::ZERO), "it is over");
    }

    #[test]
    fn a_head_without_them_says_nothing() {
        let mut heard = Heard::default();
        heard.note("x-ratelimit-remaining-images", b"1");
        heard.note("anthropic-ratelimit-unheard-of", b"1");
        assert_eq!(heard.limits(), None);
    }

    #[test]
    fn moments_are_seen_from_now() {
        let now = Timestamp(1_767_225_590_000_000);
        assert_eq!(until("2026-01-01T00:00:00Z", now), Some(Duration::from_secs(10)));
        assert_eq!(until("soon", now), None);
    }

    #[test]
    fn what_is_no_duration_is_none() {
        for text in ["", "s", "1x", "-1s", "1..2s"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
        assert_eq!(duration("120ms"), Some(Duration::from_millis(120)));
        assert_eq!(duration("1h2m"), Some(Duration::from_secs(3720)));
        assert_eq!(duration("3"), Some(Duration::from_secs(3)));
    }
}
