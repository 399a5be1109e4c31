//! The usage of any dialect, as it is reported in one piece or in several.

use serde_json::Value;

use crate::dialect::{anthropic, gemini, openai, responses};
use crate::domain::{Dialect, UsageReport};

/// The member of a document that holds its usage.
pub(super) const fn member(dialect: Dialect) -> &'static [u8] {
    match dialect {
        Dialect::Gemini => b"usageMetadata",
        Dialect::Openai | Dialect::Responses | Dialect::Anthropic | Dialect::Bedrock => b"usage",
    }
}

/// Reads a whole usage object.
pub(super) fn read(dialect: Dialect, object: &[u8]) -> Option<UsageReport> {
    match dialect {
        Dialect::Openai => openai::usage::read(object),
        _ => of_value(dialect, serde_json::from_slice(object).ok()?),
    }
}

fn of_value(dialect: Dialect, value: Value) -> Option<UsageReport> {
    match dialect {
        Dialect::Openai => openai::usage::read(value.to_string().as_bytes()),
        Dialect::Responses => responses::read_usage(value),
        Dialect::Anthropic => anthropic::read_usage(value),
        Dialect::Gemini => gemini::read_usage(value),
        Dialect::Bedrock => None,
    }
}

/// Usage that comes bit by bit: of each member the last value that is not null counts (docs/metering.md).
#[derive(Debug, Default)]
pub(super) enum Fold {
    /// Nothing came yet, or of a dialect that reports in one piece.
    #[default]
    Nothing,
    Anthropic(anthropic::UsageFold),
    Gemini(gemini::UsageFold),
}

impl Fold {
    /// Takes another report in; one that is no object of JSON says nothing.
    pub(super) fn add(&mut self, dialect: Dialect, object: &[u8]) {
        match (&mut *self, dialect) {
            (Self::Anthropic(fold), _) => fold.add(object),
            (Self::Gemini(fold), _) => fold.add(object),
            (Self::Nothing, Dialect::Anthropic) => *self = Self::Anthropic(anthropic::UsageFold::of(object)),
            (Self::Nothing, Dialect::Gemini) => *self = Self::Gemini(gemini::UsageFold::of(object)),
            (Self::Nothing, Dialect::Openai | Dialect::Responses | Dialect::Bedrock) => {}
        }
    }

    /// What is known by now.
    pub(super) fn report(&self) -> Option<UsageReport> {
        match self {
            Self::Nothing => None,
            Self::Anthropic(fold) => fold.report(),
            Self::Gemini(fold) => fold.report(),
        }
    }
}
