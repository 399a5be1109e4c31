//! AWS Signature Version 4: which header lines prove that a request comes from the holder of a key.
//!
//! What is signed: method, path, query, the given headers, host, time, session token, and the body's digest. The path is
//! the one that goes on the wire, already percent-encoded; it is encoded a second time for the signature, as every
//! service but S3 wants it. `.` and `..` in it are not resolved: our paths have none.

use std::fmt;

use hmac::{Hmac, Mac};
use router_core::domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::upstream::Secret;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct AwsKey {
    /// Names the key; not a secret.
    pub(crate) id: String,
    pub(crate) secret: Secret,
    /// With temporary keys only.
    pub(crate) session_token: Option<Secret>,
}

impl fmt::Debug for AwsKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a signature is good for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'s> {
    /// `us-east-1`
    pub(crate) region: &'s str,
    /// The name that the service signs by: `bedrock` for `bedrock-runtime` too.
    pub(crate) service: &'s str,
}

/// A request that is to be signed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signed<'s> {
    pub(crate) method: &'s str,
    /// As in the header `host`.
    pub(crate) host: &'s str,
    /// As it goes on the wire, without the query.
    pub(crate) path: &'s str,
    /// Not encoded.
    pub(crate) query: &'s [(&'s str, &'s str)],
    /// Other headers to be signed, such as `content-type`.
    pub(crate) headers: &'s [(&'s str, &'s str)],
    pub(crate) body: &'s [u8],
}

/// A header line.
pub(crate) type HeaderLine = (&'static str, String);

/// The header lines that the request must carry besides those that it has. They hold for some minutes.
pub(crate) fn sign(key: &AwsKey, scope: Scope<'_>, request: &Signed<'_>, now: Timestamp) -> Vec<HeaderLine> {
    let time = iso_time(now);
    let day = &time[..8];
    let mut lines = vec![("x-amz-date", time.clone())];
    lines.extend(key.session_token.as_ref().map(|token| ("x-amz-security-token", token.expose().to_owned())));
    let (canonical, names) = canonical_request(request, &lines);
    let scope_text = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope_text}\n{}", hex(&Sha256::digest(&canonical)));
    let signature = hex(&mac(&signing_key(&key.secret, day, scope), &to_sign));
    let id = &key.id;
    let proof = format!("{ALGORITHM} Credential={id}/{scope_text}, SignedHeaders={names}, Signature={signature}");
    lines.push(("authorization", proof));
    lines
}

/// The request in the form whose digest is signed, and the names of the signed headers.
fn canonical_request(request: &Signed<'_>, lines: &[HeaderLine]) -> (String, String) {
    let mut headers = vec![("host".to_owned(), request.host.to_owned())];
    headers.extend(request.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), squeezed(value))));
    headers.extend(lines.iter().map(|(name, value)| ((*name).to_owned(), squeezed(value))));
    headers.sort_by(|a, b| a.0.cmp(&b.0));
    headers.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 = format!("{},{}", earlier.1, later.1);
        }
        same
    });
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut query: Vec<_> =
        request.query.iter().map(|(key, value)| [key, value].map(|x| percent_encoded(x, false))).collect();
    query.sort();
    let query: Vec<_> = query.into_iter().map(|pair| pair.join("=")).collect();
    let path = if request.path.is_empty() { "/" } else { request.path };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let (method, path, query) = (request.method, percent_encoded(path, true), query.join("&"));
    let digest = hex(&Sha256::digest(request.body));
    (format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{digest}"), names)
}

/// A header's value without space around it, and one blank for several.
fn squeezed(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

/// RFC 3986's unreserved characters as they are, all others by their bytes.
fn percent_encoded(text: &str, keep_slashes: bool) -> String {
    let mut encoded = String::with_capacity(text.len() + 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slashes && byte == b'/') {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The key of a day, a region and a service.
fn signing_key(secret: &Secret, day: &str, scope: Scope<'_>) -> [u8; 32] {
    let first = format!("AWS4{}", secret.expose());
    let steps = [day, scope.region, scope.service, "aws4_request"];
    let day_key = mac(first.as_bytes(), steps[0]);
    steps[1..].iter().fold(day_key, |key, step| mac(&key, step))
}

fn mac(key: &[u8], text: &str) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `20150830T123600Z`
fn iso_time(now: Timestamp) -> String {
    let seconds = now.0.div_euclid(1_000_000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute) = (second / 3600, second / 60 % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{:02}Z", second % 60)
}

/// The date of a day counted from 1970-01-01, in the Gregorian calendar. Years begin in March, so that the day that leap
/// years have more comes last, and 400 of them have 146 097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march_0000 = days + 719_468;
    let (era, day) = (from_march_0000.div_euclid(146_097), from_march_0000.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
    (era * 400 + year, month, day_of_month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::encode_segment;

    /// The path as the gateway writes it.
    fn converse_path(model: &str, call: &str) -> String {
        format!("/model/{}/{call}", encode_segment(model))
    }

    /// 2015-08-30T12:36:00Z, the moment of AWS's test suite.
    const MOMENT: Timestamp = Timestamp(1_440_938_160_000_000);
    const SUITE: Scope<'_> = Scope { region: "us-east-1", service: "service" };
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIe\
        oIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFv\
        lRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIl\
        TJabIQwj2ICCR/oLxBA==";

    fn secret(text: &str) -> Secret {
        Secret::new(text.to_owned()).expect("plain")
    }

    fn key() -> AwsKey {
        let secret = secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        AwsKey { id: "AKIDEXAMPLE".into(), secret, session_token: None }
    }

    fn vanilla(method: &'static str) -> Signed<'static> {
        Signed { method, host: "example.amazonaws.com", path: "/", query: &[], headers: &[], body: b"" }
    }

    fn signature(key: &AwsKey, scope: Scope<'_>, request: &Signed<'_>) -> (String, String) {
        let lines = sign(key, scope, request, MOMENT);
        let (_, proof) = lines.iter().find(|(name, _)| *name == "authorization").expect("there is a proof");
        let after = |name: &str| proof.split_once(name).expect("it is there").1;
        let names = after("SignedHeaders=").split(',').next().expect("names");
        (names.to_owned(), after("Signature=").to_owned())
    }

    #[test]
    fn the_vectors_of_the_test_suite_hold() {
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let unreserved = "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
        for (case, request, expected) in [
            ("get-vanilla", vanilla("GET"), "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("post-vanilla", vanilla("POST"), "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "get-vanilla-query-order-key-case",
                Signed { query: &[("Param2", "value2"), ("Param1", "value1")], ..vanilla("GET") },
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-vanilla-utf8-query",
                Signed { query: &[("ሴ", "bar")], ..vanilla("GET") },
                "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
            ),
            (
                "get-unreserved",
                Signed { path: unreserved, ..vanilla("GET") },
                "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
            ),
            (
                "get-utf8",
                Signed { path: "/ሴ", ..vanilla("GET") },
                "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
            ),
            (
                "get-header-value-trim",
                Signed { headers: &[("My-Header1", " value1"), ("My-Header2", " \"a   b   c\"")], ..vanilla("GET") },
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "get-header-key-duplicate",
                Signed {
                    headers: &[("My-Header1", "value2"), ("My-Header1", "value2"), ("My-Header1", "value1")],
                    ..vanilla("GET")
                },
                "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
            ),
            (
                "post-x-www-form-urlencoded",
                Signed { headers: &[form], body: b"Param1=value1", ..vanilla("POST") },
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ] {
            assert_eq!(signature(&key(), SUITE, &request).1, expected, "{case}");
        }
    }

    #[test]
    fn a_session_token_is_signed_and_sent() {
        let key = AwsKey { session_token: Some(secret(TOKEN)), ..key() };
        let (names, signature) = signature(&key, SUITE, &vanilla("POST"));
        assert_eq!(names, "host;x-amz-date;x-amz-security-token");
        assert_eq!(signature, "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
        let lines = sign(&key, SUITE, &vanilla("POST"), MOMENT);
        assert!(lines.contains(&("x-amz-security-token", TOKEN.to_owned())));
    }

    #[test]
    fn the_examples_of_the_documentation_hold() {
        let scope = Scope { region: "us-east-1", service: "iam" };
        let request = Signed {
            host: "iam.amazonaws.com",
            query: &[("Action", "ListUsers"), ("Version", "2010-05-08")],
            headers: &[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
            ..vanilla("GET")
        };
        let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
            SignedHeaders=content-type;host;x-amz-date, \
            Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
        let lines = sign(&key(), scope, &request, MOMENT);
        assert_eq!(lines, [("x-amz-date", "20150830T123600Z".to_owned()), ("authorization", expected.to_owned())]);
        let derived = signing_key(&key().secret, "20150830", scope);
        assert_eq!(hex(&derived), "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
    }

    #[test]
    fn a_models_colon_is_encoded_once_on_the_wire_and_twice_in_the_signature() {
        let path = converse_path("anthropic.claude-3-5-sonnet-20240620-v1:0", "converse-stream");
        assert_eq!(path, "/model/anthropic.claude-3-5-sonnet-20240620-v1%3A0/converse-stream");
        let request = Signed { path: &path, ..vanilla("POST") };
        let (canonical, _) = canonical_request(&request, &[]);
        let line = canonical.lines().nth(1).expect("a path");
        assert_eq!(line, "/model/anthropic.claude-3-5-sonnet-20240620-v1%253A0/converse-stream");
        let profile = converse_path("arn:aws:bedrock:us-east-1:1:inference-profile/x", "converse");
        assert_eq!(profile, "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse");
    }

    #[test]
    fn a_call_of_bedrock_is_signed_as_awss_own_client_signs_it() {
        let scope = Scope { region: "us-east-1", service: "bedrock" };
        let path = converse_path("anthropic.claude-3-5-sonnet-20240620-v1:0", "converse");
        let request = Signed {
            host: "bedrock-runtime.us-east-1.amazonaws.com",
            path: &path,
            headers: &[("content-type", "application/json")],
            body: br#"{"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}"#,
            ..vanilla("POST")
        };
        let (names, signature) = signature(&key(), scope, &request);
        assert_eq!(names, "content-type;host;x-amz-date");
        assert_eq!(signature, "9d104b2d0ec2f76e1fe3d3a0f8878371cc8b30fd48a0a3c02f76a259a979e984");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_763_974_800, "20251124T090000Z"),
            (4_107_542_400, "21000301T000000Z"),
            (-1, "19691231T235959Z"),
        ] {
            assert_eq!(iso_time(Timestamp(seconds * 1_000_000)), expected);
        }
    }

    #[test]
    fn a_key_does_not_show_its_secrets() {
        let key = AwsKey { session_token: Some(secret(TOKEN)), ..key() };
        let shown = format!("{key:?}");
        assert!(shown.contains("AKIDEXAMPLE") && !shown.contains("wJalr") && !shown.contains("AQoD"), "{shown}");
    }
}
