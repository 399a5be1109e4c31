//! Provider credentials: the only plaintext secrets in the process.

use std::collections::HashMap;
use std::fmt;

use router_core::domain::ProviderId;

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret. Control characters are refused, for they could end a header.
    pub fn new(text: String) -> Option<Self> {
        let clean = !text.is_empty() && text.bytes().all(|byte| (0x21..0x7f).contains(&byte));
        clean.then_some(Self(text))
    }

    /// Wraps a document that is a secret, such as a key file. It goes into no header.
    pub const fn document(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the one place that sends it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The credential of each provider that wants one.
pub type Credentials = HashMap<ProviderId, Secret>;
