//! The usage of any dialect, as it is reported in one piece or in several.

use serde_json::{Map, Value};

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
pub(super) struct Fold(Map<String, Value>);

impl Fold {
    /// Takes another report in; one that is no object of JSON says nothing.
    pub(super) fn add(&mut self, object: &[u8]) {
        let Ok(Value::Object(members)) = serde_json::from_slice(object) else { return };
        for (key, value) in members {
            if !value.is_null() {
                self.0.insert(key, value);
            }
        }
    }

    /// What is known by now.
    pub(super) fn report(&self, dialect: Dialect) -> Option<UsageReport> {
        if self.0.is_empty() { None } else { of_value(dialect, Value::Object(self.0.clone())) }
    }
}
