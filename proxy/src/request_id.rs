//! The name that a request has in the answer, in the log and in support mails.

use std::cell::RefCell;

use router_core::domain::{Id128, RequestId, Timestamp};

/// Longest id that is taken over from a client, in bytes.
const TEXT_MAX: usize = 64;

/// A request id as text, without an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RequestIdText {
    bytes: [u8; TEXT_MAX],
    len: u8,
}

impl RequestIdText {
    /// The client's own id, if it has one that is short and plain, else a new one.
    pub(crate) fn take_or_make(sent: Option<&str>, now: Timestamp) -> Self {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        match sent {
            Some(sent) if (1..=TEXT_MAX).contains(&sent.len()) && sent.bytes().all(plain) => {
                Self::copied(sent.as_bytes())
            }
            _ => Self::made(now),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }

    fn copied(text: &[u8]) -> Self {
        let mut bytes = [0; TEXT_MAX];
        bytes[..text.len()].copy_from_slice(text);
        Self { bytes, len: u8::try_from(text.len()).unwrap_or(0) }
    }

    fn made(now: Timestamp) -> Self {
        let id = RequestId(uuid_v7(now));
        let mut text = [0; 36];
        text[..4].copy_from_slice(RequestId::PREFIX.as_bytes());
        text[4..].copy_from_slice(&id.0.hex());
        Self::copied(&text)
    }
}

/// A UUIDv7 (RFC 9562, 5.7): milliseconds, then chance. The chance names a request; it guards nothing.
fn uuid_v7(now: Timestamp) -> Id128 {
    thread_local! {
        static CHANCE: RefCell<fastrand::Rng> = RefCell::new(fastrand::Rng::new());
    }
    let chance = CHANCE.with_borrow_mut(|rng| rng.u128(..));
    let millis = u64::try_from(now.0 / 1000).unwrap_or(0);
    let uuid = uuid::Builder::from_unix_timestamp_millis(millis, &first_ten(chance)).into_uuid();
    Id128(*uuid.as_bytes())
}

fn first_ten(chance: u128) -> [u8; 10] {
    let mut ten = [0; 10];
    ten.copy_from_slice(&chance.to_le_bytes()[..10]);
    ten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_id_is_taken_over_and_any_other_replaced() {
        let id = |sent| RequestIdText::take_or_make(Some(sent), Timestamp(1_700_000_000_000_000)).as_str().to_owned();
        assert_eq!(id("abc-123_x.y:z"), "abc-123_x.y:z");
        for sent in ["", "a b", "a\"b", "a\r\nb", "é", &"x".repeat(65)] {
            assert!(id(sent).parse::<RequestId>().is_ok(), "{sent:?} gave {}", id(sent));
        }
    }

    #[test]
    fn made_ids_differ_and_sort_by_time() {
        let made = |micros| RequestIdText::take_or_make(None, Timestamp(micros)).as_str().to_owned();
        assert_ne!(made(1_000_000), made(1_000_000));
        assert!(made(1_700_000_000_000_000) < made(1_700_000_000_001_000));
    }
}
