//! Proofs that a provider attaches to its thoughts and wants back as they were.

use crate::domain::Dialect;

/// How a mark begins when a signature is carried in another dialect's field.
const MARK: &str = "tg1.";

/// The mark in base64, as Gemini's field has it: the first bytes of any text that starts with the mark.
const MARK_IN_BASE64: &str = "dGcxL";

/// Whether a body in `dialect` carries a seal of somebody else's. Looks for the mark at the start of any string, so it
/// may say yes of a text that only talks about marks, and never no of a seal.
pub fn carries_foreign_seals(dialect: Dialect, body: &[u8]) -> bool {
    let mark = if dialect == Dialect::Gemini { MARK_IN_BASE64 } else { MARK };
    memchr::memmem::find_iter(body, mark.as_bytes()).any(|at| at > 0 && body[at - 1] == b'"')
}

/// A provider's seal on a thought or a tool call: Anthropic's `signature` or redacted `data`, Gemini's
/// `thoughtSignature`, the `encrypted_content` of OpenAI's reasoning. It means something to the API that made it only,
/// and must come back to it byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Who made it.
    pub origin: Dialect,
    /// The id of the item that it stands in, where its API wants that back too (OpenAI's `rs_…`).
    pub id: Option<String>,
    /// The seal as it was issued.
    pub data: String,
}

impl Signature {
    /// A seal without an id.
    pub fn new(origin: Dialect, data: impl Into<String>) -> Self {
        Self { origin, id: None, data: data.into() }
    }

    /// As it is carried in the field that `dialect` has for signatures: its own as they are, others behind a mark that
    /// tells whose they are.
    pub fn carried_in(&self, dialect: Dialect) -> String {
        if self.origin == dialect && self.id.is_none() {
            return self.data.clone();
        }
        format!("{MARK}{}.{}.{}", self.origin.name(), self.id.as_deref().unwrap_or(""), self.data)
    }

    /// What a field of `dialect` carries: somebody else's signature if it has a mark, else that dialect's own.
    pub fn from_field(dialect: Dialect, field: &str) -> Self {
        Self::marked(field).unwrap_or_else(|| Self::new(dialect, field))
    }

    fn marked(field: &str) -> Option<Self> {
        let mut parts = field.strip_prefix(MARK)?.splitn(3, '.');
        let origin = Dialect::named(parts.next()?)?;
        let id = parts.next().filter(|id| !id.is_empty()).map(str::to_owned);
        Some(Self { origin, id, data: parts.next()?.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_comes_back_from_any_dialects_field_as_it_was() {
        for origin in [Dialect::Anthropic, Dialect::Gemini, Dialect::Responses] {
            for id in [None, Some("rs_1".to_owned())] {
                let signature = Signature { origin, id, data: "EqQB.+/=.x".to_owned() };
                for dialect in Dialect::INGRESS {
                    assert_eq!(Signature::from_field(dialect, &signature.carried_in(dialect)), signature);
                }
            }
        }
    }

    #[test]
    fn a_body_with_somebody_elses_seal_is_noticed() {
        for dialect in [Dialect::Anthropic, Dialect::Responses] {
            let body = |seal: &Signature| format!("{{\"signature\":\"{}\"}}", seal.carried_in(dialect));
            assert!(carries_foreign_seals(dialect, body(&Signature::new(Dialect::Gemini, "c2ln")).as_bytes()));
            assert!(!carries_foreign_seals(dialect, body(&Signature::new(dialect, "c2ln")).as_bytes()));
        }
        // The base64 of "tg1.anthropic..c2ln".
        let body = br#"{"thoughtSignature":"dGcxLmFudGhyb3BpYy4uYzJsbg=="}"#;
        assert!(carries_foreign_seals(Dialect::Gemini, body));
        assert!(!carries_foreign_seals(Dialect::Gemini, br#"{"thoughtSignature":"c2ln","text":"my tg1.x"}"#));
    }

    #[test]
    fn what_has_no_mark_is_the_dialects_own() {
        let own = Signature::from_field(Dialect::Anthropic, "tg1.unknown.x");
        assert_eq!((own.origin, own.data.as_str()), (Dialect::Anthropic, "tg1.unknown.x"));
        assert_eq!(own.carried_in(Dialect::Anthropic), "tg1.unknown.x");
    }
}
