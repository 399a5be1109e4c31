//! Google's service accounts: a key file, and the assertion that it signs (RFC 7523).

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use router_core::domain::Timestamp;
use serde::Deserialize;
use serde_json::json;

/// What an access token is asked for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
/// How long an assertion holds: as long as Google allows.
const ASSERTION_SECONDS: i64 = 3600;
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// Why a key file is of no use. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyFault {
    #[error("the key file is not JSON with client_email and private_key: download it again from Google Cloud")]
    Unreadable,
    #[error("the key file's type is not service_account: make a key of a service account")]
    OtherType,
    #[error("the key file's private_key is not an RSA key in PKCS #8 and PEM: download it again from Google Cloud")]
    PrivateKey,
    #[error("the key file's token_uri must be an https:// address")]
    TokenUri,
    #[error("the private key cannot sign")]
    Signing,
}

/// A service account that we have the key of.
pub(crate) struct ServiceAccount {
    client_email: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    token_uri: String,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("client_email", &self.client_email).finish_non_exhaustive()
    }
}

/// Members that we do not need are many, and they differ.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: Option<String>,
    client_email: String,
    private_key: String,
    private_key_id: Option<String>,
    token_uri: Option<String>,
}

impl ServiceAccount {
    /// Reads a key file as Google Cloud gives it out.
    pub(crate) fn from_json(text: &str) -> Result<Self, KeyFault> {
        let file: KeyFile = serde_json::from_str(text).map_err(|_| KeyFault::Unreadable)?;
        if file.kind.is_some_and(|kind| kind != "service_account") {
            return Err(KeyFault::OtherType);
        }
        let der = der_of_pem(&file.private_key).ok_or(KeyFault::PrivateKey)?;
        let key = RsaKeyPair::from_pkcs8(&der).map_err(|_| KeyFault::PrivateKey)?;
        let token_uri = file.token_uri.unwrap_or_else(|| TOKEN_URI.to_owned());
        if !is_private(&token_uri) {
            return Err(KeyFault::TokenUri);
        }
        Ok(Self { client_email: file.client_email, key_id: file.private_key_id, key, token_uri })
    }

    /// Where assertions are traded for access tokens.
    pub(crate) fn token_uri(&self) -> &str {
        &self.token_uri
    }

    /// Proves to the token server that we hold the key. The same moment gives the same assertion.
    pub(crate) fn assertion(&self, now: Timestamp) -> Result<String, KeyFault> {
        let issued = now.0.div_euclid(1_000_000);
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        if let Some(id) = &self.key_id {
            header["kid"] = id.as_str().into();
        }
        let claims = json!({
            "iss": self.client_email,
            "scope": SCOPE,
            "aud": self.token_uri,
            "iat": issued,
            "exp": issued.saturating_add(ASSERTION_SECONDS),
        });
        let encode = |part: &serde_json::Value| URL_SAFE_NO_PAD.encode(part.to_string());
        let signed = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        // Chance hides the key from who measures the time; the signature does not depend on it.
        let signing = self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature);
        signing.map_err(|_| KeyFault::Signing)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// Whether what is sent there can be read by nobody on the way.
fn is_private(uri: &str) -> bool {
    reqwest::Url::parse(uri).is_ok_and(|url| match url.scheme() {
        "https" => url.has_host(),
        "http" => matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost")),
        _ => false,
    })
}

/// The bytes of a PEM block `PRIVATE KEY`; text around it is allowed (RFC 7468, 2).
fn der_of_pem(pem: &str) -> Option<Vec<u8>> {
    let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
    let base64: String = body.split_ascii_whitespace().collect();
    STANDARD.decode(base64).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
    use serde_json::Value;

    use super::*;

    const PEM: &str = include_str!("test_key.pem");
    const MOMENT: Timestamp = Timestamp(1_763_974_800_123_456);

    /// A key file for tests, of a server at `token_uri`.
    pub(in crate::upstream::sign) fn key_file(token_uri: &str) -> String {
        let file = json!({
            "type": "service_account",
            "project_id": "tollgate-test",
            "private_key_id": "0123456789abcdef",
            "private_key": PEM,
            "client_email": "gateway@tollgate-test.iam.gserviceaccount.com",
            "client_id": "1",
            "token_uri": token_uri,
        });
        file.to_string()
    }

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    }

    #[test]
    fn an_assertion_says_who_asks_for_what_and_is_signed() {
        let account = ServiceAccount::from_json(&key_file(TOKEN_URI)).expect("a key file");
        let assertion = account.assertion(MOMENT).expect("signed");
        let parts: Vec<_> = assertion.split('.').collect();
        assert_eq!(decoded(parts[0]), json!({"alg": "RS256", "typ": "JWT", "kid": "0123456789abcdef"}));
        let claims = json!({
            "iss": "gateway@tollgate-test.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "aud": "https://oauth2.googleapis.com/token",
            "iat": 1_763_974_800,
            "exp": 1_763_978_400,
        });
        assert_eq!(decoded(parts[1]), claims);
        let public: RsaPublicKeyComponents<Vec<u8>> = account.key.public().into();
        let (signed, signature) = assertion.rsplit_once('.').expect("three parts");
        let signature = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature).expect("a good signature");
        assert_eq!(account.assertion(MOMENT).as_deref(), Ok(assertion.as_str()));
    }

    #[test]
    fn an_assertion_is_the_one_that_openssl_signs() {
        let account = ServiceAccount::from_json(&key_file(TOKEN_URI)).expect("a key file");
        let assertion = account.assertion(MOMENT).expect("signed");
        let (_, signature) = assertion.rsplit_once('.').expect("three parts");
        assert_eq!(
            signature,
            "TVGJzy-641hUBsb6CVP3whgf3X4Yicb9mjONlcuAb7PqlGDlcX3TEIRVr60uzaWs1dFSquRV9c6dS4AzWI20Wa54YiCFjw2OIMaa\
            7WUeM5RW4JpegpNhrmGR7uKhWrzA0wNqbMtfE8FM55e2qvphuTijKhTEjOv4kXltZcR3-Fac4-KtZljwIOIXpYiYOIPUNlkN4i9Z\
            7n4t1oWSXMHY_3FeUuBt_DxmVmfvAcXvz7xykk5kFkRScXTkl7f-oww7QQs8IDYpUhBYvEkv8UfhsB6YDacrQ6TT3PSG_2YFDfl6\
            gvV1Hw7DkY2_6qXZOAsrAhqnF0XSgkpVjN_Y_35lzA"
        );
    }

    #[test]
    fn a_bad_key_file_is_refused_without_being_repeated() {
        let with = |key: &str, value: Value| {
            let mut file: Value = serde_json::from_str(&key_file(TOKEN_URI)).expect("JSON");
            file[key] = value;
            ServiceAccount::from_json(&file.to_string()).expect_err("it is bad")
        };
        assert_eq!(ServiceAccount::from_json("{").expect_err("it is bad"), KeyFault::Unreadable);
        assert_eq!(with("client_email", Value::Null), KeyFault::Unreadable);
        assert_eq!(with("type", "authorized_user".into()), KeyFault::OtherType);
        assert_eq!(with("private_key", "-----BEGIN PRIVATE KEY-----\n!".into()), KeyFault::PrivateKey);
        let empty = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        assert_eq!(with("private_key", empty.into()), KeyFault::PrivateKey);
        for uri in [
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://127.0.0.1:80@example.com/",
            "ftp://localhost/",
        ] {
            assert_eq!(with("token_uri", uri.into()), KeyFault::TokenUri);
        }
        assert!(ServiceAccount::from_json(&key_file("http://127.0.0.1:8080/token")).is_ok());
    }

    #[test]
    fn an_account_does_not_show_its_key() {
        let account = ServiceAccount::from_json(&key_file(TOKEN_URI)).expect("a key file");
        let shown = format!("{account:?}");
        assert_eq!(shown, "ServiceAccount { client_email: \"gateway@tollgate-test.iam.gserviceaccount.com\", .. }");
    }
}
