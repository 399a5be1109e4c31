//! Settings that are written as text, and what to say when they are not what was expected.

use std::net::SocketAddr;
use std::time::Duration;

use router_core::domain::{Credits, PicoPerToken};
use serde::{Deserialize, Deserializer, de};
use tollgate_proxy::config::AccessLog;

use super::units::{parse_credits, parse_duration, parse_size};

/// A duration.
pub(super) fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    deserializer.deserialize_any(Text("a duration such as \"250ms\", \"5s\" or \"15m\"", parse_duration))
}

/// A size in bytes.
pub(super) fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    deserializer.deserialize_any(Text("a size such as \"64KiB\" or \"32MiB\"", parse_size))
}

/// An address to listen on.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    const EXPECTED: &str = "an IP address and a port, such as \"0.0.0.0:8080\" or \"[::]:8080\"";
    text(deserializer, EXPECTED, |text| text.parse().map_err(|_| format!("{text:?} is not {EXPECTED}")))
}

/// Where the line per request goes.
pub(super) fn access_log<'de, D: Deserializer<'de>>(deserializer: D) -> Result<AccessLog, D::Error> {
    text(deserializer, "\"stdout\", \"off\" or the path of a file", |text| match text {
        "" => Err("expected \"stdout\", \"off\" or the path of a file".to_owned()),
        "off" => Ok(AccessLog::Off),
        "stdout" => Ok(AccessLog::Stdout),
        path => Ok(AccessLog::File(path.into())),
    })
}

/// A price per million tokens.
pub(super) fn decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PicoPerToken, D::Error> {
    const EXPECTED: &str = "credits per million tokens as a decimal in quotes, such as \"2.50\"";
    text(deserializer, EXPECTED, |text| text.parse().map_err(|error| format!("{text:?}: {error}")))
}

/// A price that need not be there.
pub(super) fn some_decimal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PicoPerToken>, D::Error> {
    decimal(deserializer).map(Some)
}

/// An amount of credits that need not be there.
pub(super) fn some_credits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Credits>, D::Error> {
    const EXPECTED: &str = "credits as a decimal in quotes, such as \"0.0003\"";
    text(deserializer, EXPECTED, |text| parse_credits(text).ok_or_else(|| format!("{text:?} is not {EXPECTED}")))
        .map(Some)
}

/// A duration that need not be there.
pub(super) fn some_duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration(deserializer).map(Some)
}

fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    expected: &'static str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(Text(expected, parse))
}

/// A value written as text, what to expect and how to read it.
struct Text<F>(&'static str, F);

impl<T, F: FnOnce(&str) -> Result<T, String>> de::Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.1)(text).map_err(E::custom)
    }
}

/// A text that must be there but may be anything, such as a path.
pub(super) fn some_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(de::Error::custom("expected a text that is not empty")) } else { Ok(text) }
}
