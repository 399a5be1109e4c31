//! The keys of one object, and whether any is there twice.

use std::borrow::Cow;

use super::BadBody;
use super::request::MEMBERS_MAX;
use crate::json::{Span, unescape_bytes};

/// Keys compared pair by pair, without the heap: more than any request of the API has.
const FEW: usize = 32;

/// Bytes of a key that an error repeats.
const SHOWN_MAX: usize = 64;

/// Where the keys of an object are.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    count: usize,
    few: [Span; FEW],
    /// All keys, once they are many or one has escapes.
    many: Vec<Span>,
    escapes: bool,
}

impl Keys {
    pub(super) const fn new() -> Self {
        Self { count: 0, few: [Span { start: 0, end: 0 }; FEW], many: Vec::new(), escapes: false }
    }

    /// Takes note of the key at `span` of `text`, quotes included, and answers with its text.
    pub(super) fn add<'t>(&mut self, text: &'t [u8], span: Span) -> Result<Cow<'t, [u8]>, BadBody> {
        if self.count == MEMBERS_MAX {
            return Err(BadBody::TooManyMembers);
        }
        let key = unescape_bytes(span.of(text)).ok_or(BadBody::BadKey { at: span.start })?;
        if let Some(slot) = self.few.get_mut(self.count) {
            *slot = span;
        } else {
            if self.many.is_empty() {
                self.many.extend(self.few);
            }
            self.many.push(span);
        }
        self.count += 1;
        self.escapes |= matches!(key, Cow::Owned(_));
        Ok(key)
    }

    /// A key that is there more than once, escapes decoded.
    pub(super) fn twice(&self, text: &[u8]) -> Option<String> {
        if self.many.is_empty() && !self.escapes {
            return twice_in_few(text, &self.few[..self.count]);
        }
        let all = if self.many.is_empty() { &self.few[..self.count] } else { &self.many };
        twice_in_many(text, all)
    }
}

fn twice_in_few(text: &[u8], keys: &[Span]) -> Option<String> {
    let (_, twice) = keys.iter().enumerate().find(|&(at, key)| {
        let key = key.of(text);
        keys[..at].iter().any(|other| other.of(text) == key)
    })?;
    unescape_bytes(twice.of(text)).as_deref().map(shown)
}

/// Sorts, so that a hostile body costs little more than an honest one.
fn twice_in_many(text: &[u8], keys: &[Span]) -> Option<String> {
    let mut keys: Vec<_> = keys.iter().filter_map(|key| unescape_bytes(key.of(text))).collect();
    keys.sort_unstable();
    keys.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| shown(&pair[0]))
}

fn shown(key: &[u8]) -> String {
    let key = String::from_utf8_lossy(key);
    match key.floor_char_boundary(SHOWN_MAX) {
        all if all == key.len() => key.into_owned(),
        end => format!("{}…", &key[..end]),
    }
}
