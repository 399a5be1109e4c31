//! Chance from the operating system: secrets that nobody can guess, and identities that sort by time.

use argon2::password_hash::rand_core::{OsRng, RngCore};
use router_core::domain::{Id128, Timestamp};
use uuid::Builder;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A random text of letters and digits: just under six bits per character, so 43 of them hold 256 bits.
pub(crate) fn random_text(characters: usize) -> String {
    let mut text = String::with_capacity(characters);
    let mut bytes = [0; 64];
    while text.len() < characters {
        OsRng.fill_bytes(&mut bytes);
        text.extend(bytes.iter().filter_map(|byte| letter(*byte)).take(characters - text.len()));
    }
    text
}

/// Four bytes cover the alphabet evenly up to 248; a byte beyond would make some letters likelier than others.
fn letter(byte: u8) -> Option<char> {
    (byte < 248).then(|| char::from(ALPHABET[usize::from(byte % 62)]))
}

/// A fresh identity: UUIDv7 (RFC 9562, 5.7).
pub(crate) fn fresh_id(now: Timestamp) -> Id128 {
    let mut chance = [0; 10];
    OsRng.fill_bytes(&mut chance);
    let millis = u64::try_from(now.0 / 1_000).unwrap_or_default();
    Id128(Builder::from_unix_timestamp_millis(millis, &chance).into_uuid().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_is_as_likely_as_any_other() {
        for wanted in ALPHABET {
            let ways = (0..=u8::MAX).filter(|byte| letter(*byte) == Some(char::from(*wanted))).count();
            assert_eq!(ways, 4, "{}", char::from(*wanted));
        }
    }

    #[test]
    fn a_random_text_has_the_asked_length_and_never_comes_back() {
        assert_eq!(random_text(43).len(), 43);
        assert_eq!(random_text(200).len(), 200);
        assert_ne!(random_text(43), random_text(43));
    }

    #[test]
    fn later_identities_sort_after_earlier_ones() {
        let earlier = fresh_id(Timestamp(1_700_000_000_000_000));
        let later = fresh_id(Timestamp(1_700_000_000_001_000));
        assert!(earlier < later);
        assert_eq!(uuid::Uuid::from_bytes(earlier.0).get_version_num(), 7);
    }
}
