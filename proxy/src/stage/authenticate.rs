//! Who asks: from a credential to a key of ours.

use std::borrow::Cow;
use std::sync::Arc;

use router_core::domain::{KeyDigest, Timestamp};
use router_core::snapshot::{Key, Snapshot};

use crate::http1::RequestHead;
use crate::route::decode_percent;

/// Longest credential that is looked at, in bytes.
const CREDENTIAL_BYTES_MAX: usize = 512;

/// Why nobody is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unauthenticated {
    #[error("You did not provide an API key. Send it as `Authorization: Bearer <key>`.")]
    Missing,
    #[error("The API key is not valid. Check it, or ask for a new one.")]
    Unknown,
    #[error("The API key has expired. Ask for a new one.")]
    Expired,
    #[error("The request carries several API keys that disagree. Send one.")]
    Disagreeing,
}

/// Finds the key that a request carries.
pub(crate) fn authenticate(
    snapshot: &Snapshot,
    head: &RequestHead<'_>,
    now: Timestamp,
) -> Result<Arc<Key>, Unauthenticated> {
    let credential = credential(head)?;
    if credential.len() > CREDENTIAL_BYTES_MAX {
        return Err(Unauthenticated::Unknown);
    }
    let key = snapshot.keys.get(&KeyDigest::of(credential.as_bytes())).ok_or(Unauthenticated::Unknown)?;
    match key.expires_at {
        Some(end) if now >= end => Err(Unauthenticated::Expired),
        _ => Ok(Arc::clone(key)),
    }
}

/// The one credential of a request, in whichever way it was sent.
fn credential<'h>(head: &RequestHead<'h>) -> Result<Cow<'h, str>, Unauthenticated> {
    if head.repeated.is_some() {
        return Err(Unauthenticated::Disagreeing);
    }
    let bearer = match head.authorization {
        Some(value) => Some(bearer(value).ok_or(Unauthenticated::Unknown)?),
        None => None,
    };
    let mut found: Option<Cow<'h, str>> = None;
    // Other gateways' clients may send a bearer of their own scheme in their header.
    let migrated = head.migrated_key.map(|value| self::bearer(value).unwrap_or(value));
    let headers = [migrated, head.x_api_key, head.api_key, bearer, head.x_goog_api_key];
    let headers = headers.into_iter().flatten().map(Cow::Borrowed);
    for credential in headers.chain(query_keys(head.query)) {
        match &found {
            Some(other) if *other != credential => return Err(Unauthenticated::Disagreeing),
            Some(_) => {}
            None => found = Some(credential),
        }
    }
    found.filter(|credential| !credential.is_empty()).ok_or(Unauthenticated::Missing)
}

/// The token of an `authorization: Bearer` field (RFC 6750, 2.1); the scheme's case does not matter.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start_matches(' '))
}

fn query_keys(query: &str) -> impl Iterator<Item = Cow<'_, str>> {
    query.split('&').filter_map(|pair| pair.strip_prefix("key=")).map(|value| match decode_percent(value) {
        Some(decoded) if decoded != value => Cow::Owned(decoded),
        _ => Cow::Borrowed(value),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::Version;

    fn found(target: &'static str, fields: &[(&str, &'static str)]) -> Result<String, Unauthenticated> {
        let mut head = RequestHead::new("GET", target, Version::Http11);
        for (name, value) in fields {
            head.note_field(name, value.as_bytes());
        }
        credential(&head).map(Cow::into_owned)
    }

    #[test]
    fn a_key_is_found_however_it_is_sent() {
        let key = Ok("tg-1".to_owned());
        assert_eq!(found("/", &[("Authorization", "Bearer tg-1")]), key);
        assert_eq!(found("/", &[("authorization", "bearer  tg-1")]), key);
        assert_eq!(found("/", &[("X-Api-Key", "tg-1")]), key);
        assert_eq!(found("/", &[("api-key", "tg-1")]), key);
        assert_eq!(found("/", &[("x-goog-api-key", "tg-1")]), key);
        assert_eq!(found("/", &[("X-LiteLLM-Api-Key", "Bearer tg-1")]), key);
        assert_eq!(found("/", &[("x-bf-vk", "tg-1")]), key);
        assert_eq!(found("/", &[("x-portkey-api-key", "tg-1"), ("authorization", "Bearer tg-1")]), key);
        assert_eq!(found("/?a=b&key=tg%2D1", &[]), key);
        assert_eq!(found("/?key=tg-1", &[("x-api-key", "tg-1"), ("authorization", "Bearer tg-1")]), key);
    }

    #[test]
    fn keys_that_disagree_are_refused_and_not_ranked() {
        let disagreeing = Err(Unauthenticated::Disagreeing);
        assert_eq!(found("/", &[("x-api-key", "a"), ("authorization", "Bearer b")]), disagreeing);
        assert_eq!(found("/?key=a&key=b", &[]), disagreeing);
        assert_eq!(found("/", &[("x-api-key", "a"), ("x-api-key", "a")]), disagreeing);
    }

    #[test]
    fn no_key_and_no_bearer_are_told_apart() {
        assert_eq!(found("/", &[]), Err(Unauthenticated::Missing));
        assert_eq!(found("/", &[("authorization", "Bearer ")]), Err(Unauthenticated::Missing));
        assert_eq!(found("/", &[("authorization", "Basic dTpw")]), Err(Unauthenticated::Unknown));
    }
}
