//! Where a secret is found. The secret itself never stands in the configuration, so the file can be shown to anybody.

use std::fmt;
use std::path::PathBuf;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::layers::Environment;

/// `{ env = "NAME" }` or `{ file = "path" }`
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SecretSource {
    /// The value of an environment variable.
    Env(String),
    /// The content of a file, without white space around it.
    File(PathBuf),
}

impl SecretSource {
    /// Fetches the secret, or says what to do so that it can be.
    pub(super) fn fetch(&self, environment: &Environment) -> Result<String, String> {
        match self {
            Self::Env(name) => environment
                .get(name)
                .map(|value| value.trim().to_owned())
                .filter(|value| !value.is_empty())
                .ok_or_else(|| format!("the environment variable {name} is not set: set it, or remove the setting")),
            Self::File(path) => match std::fs::read_to_string(path) {
                Ok(text) if text.trim().is_empty() => {
                    Err(format!("{} is empty: put the secret into it", path.display()))
                }
                Ok(text) => Ok(text.trim().to_owned()),
                Err(error) => Err(format!("cannot read {}: {error}", path.display())),
            },
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "from ${name}"),
            Self::File(path) => write!(f, "from {}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SecretSource;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ env = \"NAME\" } or { file = \"path\" }")
    }

    /// Refuses a secret in plain sight, without repeating it.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<SecretSource, E> {
        Err(E::custom(
            "secrets do not stand in the configuration: put it into an environment variable or a file, and write \
             { env = \"NAME\" } or { file = \"path\" } here",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<SecretSource, A::Error> {
        let table = Table::deserialize(de::value::MapAccessDeserializer::new(map))?;
        match (table.env, table.file) {
            (Some(name), None) => Ok(SecretSource::Env(name)),
            (None, Some(path)) => Ok(SecretSource::File(path)),
            _ => Err(de::Error::custom("expected exactly one of { env = \"NAME\" } and { file = \"path\" }")),
        }
    }
}
