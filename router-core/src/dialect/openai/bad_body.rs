//! Why a request body is refused.

use super::request::MEMBERS_MAX;
use crate::json::{Fault, Malformed};

/// Why a body is not a request. The text tells the caller what to change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadBody {
    /// Nothing, or nothing but whitespace.
    #[error("the body is empty: send a JSON object")]
    Empty,
    /// Something else than an object.
    #[error("the body must be a JSON object, and nothing but one")]
    NotAnObject,
    /// Not JSON.
    #[error("the body is not valid JSON: {0}")]
    NotJson(Malformed),
    /// A key is no text: raw control characters, bad escapes or bytes that are not UTF-8.
    #[error("the body is not valid JSON: the key at byte {at} is not valid text")]
    BadKey {
        /// Where its quote is.
        at: usize,
    },
    /// A key is there twice, however it is spelt: one reader would take the first, another one the last.
    #[error("{key:?} is there twice: send it once")]
    Twice {
        /// The key, after a dot if it is nested; a long one is cut.
        key: String,
    },
    /// A key that we read, in other letter case: some readers take it for the one that we price and authorise, some do
    /// not.
    #[error("a key differs from {key:?} only in upper and lower case: spell it {key:?}")]
    Miscased {
        /// How it must be spelt.
        key: &'static str,
    },
    /// An object has more than [`MEMBERS_MAX`] members.
    #[error("an object has more than {MEMBERS_MAX} members: send fewer")]
    TooManyMembers,
    /// No `model`.
    #[error("\"model\" is missing: name the model that should answer")]
    NoModel,
    /// An empty `model`.
    #[error("\"model\" is empty: name the model that should answer")]
    EmptyModel,
    /// A member that we read has a value of the wrong kind.
    #[error("{param:?} must be {expected}")]
    WrongType {
        /// Its name.
        param: &'static str,
        /// What it can be.
        expected: &'static str,
    },
}

impl BadBody {
    /// The parameter to blame: the `param` of an OpenAI error.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::Empty | Self::NotAnObject | Self::NotJson(_) | Self::BadKey { .. } | Self::TooManyMembers => None,
            Self::Twice { key } => Some(key),
            Self::NoModel | Self::EmptyModel => Some("model"),
            Self::WrongType { param, .. } | Self::Miscased { key: param } => Some(param),
        }
    }

    /// The same, found in a part of the body that starts at byte `by`.
    pub(super) fn shifted(self, by: usize) -> Self {
        match self {
            Self::NotJson(malformed) => Self::NotJson(Malformed { at: malformed.at + by, ..malformed }),
            Self::BadKey { at } => Self::BadKey { at: at + by },
            other => other,
        }
    }
}

impl From<Malformed> for BadBody {
    fn from(malformed: Malformed) -> Self {
        match malformed.fault {
            Fault::NotAnObject | Fault::Trailing => Self::NotAnObject,
            _ => Self::NotJson(malformed),
        }
    }
}
