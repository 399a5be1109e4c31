//! Identities. Each kind is its own type and prints with its own prefix, so that two kinds never mix.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// 128 bits that name one thing. Made by whoever asks for an effect (UUIDv7), or derived from a name in a file.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id128(pub [u8; 16]);

impl Id128 {
    /// The id of a thing that a file declares by name: the same name always gives the same id.
    pub fn named(kind: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(kind.as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(bytes)
    }

    /// Writes 32 lower-case hexadecimal digits.
    pub fn hex(&self) -> [u8; 32] {
        let mut out = [0; 32];
        for (pair, byte) in out.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        out
    }
}

impl fmt::Debug for Id128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).map_err(|_| fmt::Error)?)
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

fn decode_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        let high = char::from(pair[0]).to_digit(16)?;
        let low = char::from(pair[1]).to_digit(16)?;
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(out)
}

/// A text that is not an identity of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected} followed by 32 hexadecimal digits")]
pub struct ParseIdError {
    expected: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub Id128);

        impl $name {
            /// What the printed form starts with.
            pub const PREFIX: &'static str = $prefix;

            /// The id of a thing that a file declares by name.
            pub fn named(name: &str) -> Self {
                Self(Id128::named($prefix, name))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&self.0.hex()).map_err(|_| fmt::Error)?)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(decode_hex)
                    .map(|bytes| Self(Id128(bytes)))
                    .ok_or(ParseIdError { expected: $prefix })
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id!(
    /// An organisation: the boundary that tenants never see across.
    TenantId,
    "ten_"
);
id!(
    /// A person or service account of one tenant.
    UserId,
    "usr_"
);
id!(
    /// An API key of ours.
    KeyId,
    "key_"
);
id!(
    /// An account at a provider, with its address and credential.
    ProviderId,
    "prv_"
);
id!(
    /// One model at one provider: what the product calls an AI agent.
    DeploymentId,
    "dep_"
);
id!(
    /// One client request, also sent back to the client.
    RequestId,
    "req_"
);
id!(
    /// One exchange with a client: ours alone, unlike a [`RequestId`], which a client may choose and repeat.
    ExchangeId,
    "exc_"
);
id!(
    /// A budget: how much a key, a user, a team or an organisation may spend.
    BudgetId,
    "bud_"
);
id!(
    /// A slice of a budget's period that was lent to one node.
    LeaseId,
    "lea_"
);
id!(
    /// A proxy with its journal. It keeps its id over restarts, as its journal lies in its data folder.
    NodeId,
    "nod_"
);

/// SHA-256 of an API key: the only form in which a key is stored or compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyDigest(pub [u8; 32]);

impl KeyDigest {
    /// Digests a key as the client sent it.
    pub fn of(key: &[u8]) -> Self {
        Self(Sha256::digest(key).into())
    }
}

impl fmt::Display for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyDigest {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        decode_hex(text).map(Self).ok_or(ParseIdError { expected: "a SHA-256: 64 hexadecimal digits, that is \"\"" })
    }
}

impl Serialize for KeyDigest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyDigest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_prints_and_refuses_other_kinds() {
        let key = KeyId::named("ci");
        assert_eq!(key.to_string().parse(), Ok(key));
        assert!(key.to_string().parse::<TenantId>().is_err());
        assert!("key_12".parse::<KeyId>().is_err());
    }

    #[test]
    fn a_digest_is_the_published_sha256() {
        // FIPS 180-4, example "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(KeyDigest::of(b"abc").to_string(), expected);
        assert_eq!(expected.parse(), Ok(KeyDigest::of(b"abc")));
    }
}
