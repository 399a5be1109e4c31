//! Signatures in a `thoughtSignature`, which holds bytes in base64.

use crate::chat::Signature;
use crate::dialect::base64;
use crate::domain::Dialect;

/// What the mark of a signature of somebody else's begins with in base64.
const MARKED: &str = "dGcxL";

/// What Google documents for calls that Gemini did not make: the signature is not asked for.
pub(super) const SKIPPED: &str = "skip_thought_signature_validator";

/// Reads a field. Gemini's own signatures stay as they were issued, to the letter.
pub(super) fn read(field: &str) -> Signature {
    let own = || Signature::new(Dialect::Gemini, field);
    if !field.starts_with(MARKED) {
        return own();
    }
    let marked = base64::decode(field).and_then(|bytes| String::from_utf8(bytes).ok());
    let signature = marked.map(|text| Signature::from_field(Dialect::Gemini, &text));
    signature.filter(|signature| signature.origin != Dialect::Gemini).unwrap_or_else(own)
}

/// Writes a field for a client of Gemini's dialect, whoever made the signature.
pub(super) fn carried(signature: &Signature) -> String {
    if signature.origin == Dialect::Gemini {
        return signature.data.clone();
    }
    base64::encode(signature.carried_in(Dialect::Gemini).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_somebody_else_comes_back_in_either_alphabet() {
        for data in ["EqQB+/==", "", "a.b.c", "ÿÿÿ???>>>"] {
            let signature = Signature { origin: Dialect::Responses, id: Some("rs_1".into()), data: data.into() };
            let field = carried(&signature);
            assert_eq!(read(&field), signature);
            assert_eq!(read(&field.replace('+', "-").replace('/', "_")), signature);
        }
    }

    #[test]
    fn geminis_own_stays_to_the_letter() {
        for field in ["CuQB-_8=", "dGcxL", "dGcxLm5vYm9keS54", ""] {
            assert_eq!(read(field), Signature::new(Dialect::Gemini, field));
            assert_eq!(carried(&read(field)), field);
        }
    }
}
