//! Base64 (RFC 4648), as blobs stand in JSON.

use std::borrow::Cow;

use ::base64::alphabet;
use ::base64::engine::general_purpose::STANDARD;
use ::base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Reads what is padded or not, and does not mind bits that are left over.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Writes bytes in the standard alphabet, padded.
pub(super) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads what [`encode`] makes; `None` for anything else.
pub(super) fn decode_strict(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Reads bytes of either alphabet, padded or not; `None` where there is anything else.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(&*standard(text)).ok()
}

/// The same bytes in the standard alphabet, padded: Google reads both alphabets, everybody else that one. Borrows where
/// it is so already.
pub(super) fn standard(text: &str) -> Cow<'_, str> {
    if text.len().is_multiple_of(4) && !text.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        return Cow::Borrowed(text);
    }
    let mut standard: String = text
        .chars()
        .map(|letter| match letter {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    Cow::Owned(standard)
}

/// Whether `text` is a blob that is not empty.
pub(super) fn is_blob(text: &str) -> bool {
    !text.is_empty() && decode_strict(text).is_some()
}

/// Appends a blob to another one: blobs that are padded cannot just be set side by side.
pub(super) fn append(blob: &mut String, more: &str) {
    if !blob.ends_with('=') {
        blob.push_str(more);
    } else if let (Some(mut bytes), Some(rest)) = (decode_strict(blob), decode_strict(more)) {
        bytes.extend(rest);
        *blob = encode(&bytes);
    } else {
        blob.push_str(more);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_vectors_of_the_rfc_hold() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode_strict(text).as_deref(), Some(bytes.as_bytes()));
            assert_eq!(decode(text.trim_end_matches('=')).as_deref(), Some(bytes.as_bytes()));
        }
        for wrong in ["Zg", "Zg=", "Z_==", "Zg==Zg==", "===="] {
            assert_eq!(decode_strict(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_alphabets_become_the_standard_one() {
        assert_eq!(standard("-_8"), "+/8=");
        assert!(matches!(standard("+/8="), Cow::Borrowed(_)));
        assert_eq!(decode("-_8"), decode("+/8="));
        assert_eq!((decode("a"), decode("Zg!!")), (None, None));
    }

    proptest! {
        #[test]
        fn blobs_are_appended_by_their_bytes(pieces: Vec<Vec<u8>>) {
            let mut blob = String::new();
            for piece in &pieces {
                append(&mut blob, &encode(piece));
            }
            prop_assert_eq!(decode_strict(&blob), Some(pieces.concat()));
        }
    }
}
