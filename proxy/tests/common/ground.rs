//! A gateway and its providers.

use std::fmt::Write as _;
use std::net::TcpStream;

use tollgate_testkit::{Gateway, Recorded, Scripted, wait_until};

use super::{Answer, PATIENCE, Raw, request};

/// A key of the gateway that may use everything.
pub const KEY: &str = "tg-test-all";
/// A key that may use the model `narrow` only.
pub const NARROW_KEY: &str = "tg-test-narrow";
/// A key that refuses requests that would lose something; a test's own settings have to declare it.
pub const STRICT_KEY: &str = "tg-test-strict";
/// A key that is not known.
pub const CLOSED_KEY: &str = "tg-test-unknown";
/// The provider's credential: it must reach the provider and nobody else.
pub const CANARY: &str = "sk-canary-5e1f0c7d";
/// An answer of a provider that does not stream.
pub const JSON_ANSWER: &str = r#"{"id":"c-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":30,"completion_tokens":2,"total_tokens":32}}"#;

/// A gateway with one provider.
pub struct Ground {
    pub gateway: Gateway,
    pub provider: Scripted,
    /// Requests that the provider is known to have had.
    served: usize,
}

impl Ground {
    /// A gateway whose provider gives every request [`JSON_ANSWER`].
    pub fn json() -> Self {
        Self::new(Scripted::json(200, JSON_ANSWER), "")
    }

    /// A gateway with more settings, such as `[gateway.limits]`.
    pub fn new(provider: Scripted, settings: &str) -> Self {
        let gateway = gateway(&config(&[&provider.url()], settings));
        Self { gateway, provider, served: 0 }
    }

    pub fn connect(&self) -> Raw {
        Raw::connect(self.gateway.port())
    }

    /// Sends bytes on a connection of their own; gives the first answer and the connection.
    #[track_caller]
    pub fn ask(&self, bytes: impl AsRef<[u8]>) -> (Answer, Raw) {
        let mut client = self.connect();
        (client.ask(bytes), client)
    }

    /// Says that these bytes get nothing but one error, that we close the connection, that the provider is told
    /// nothing, and that the next client is served.
    #[track_caller]
    pub fn expect_refused(&mut self, what: &str, bytes: impl AsRef<[u8]>, status: u16, code: &str) {
        let (answer, mut client) = self.ask(bytes);
        answer.expect_error(what, status, "invalid_request_error", code);
        assert!(answer.closes(), "{what}: the end of the connection was not announced");
        let rest = client.rest();
        assert!(rest.is_empty(), "{what}: more came: {:?}", String::from_utf8_lossy(&rest));
        assert_eq!(self.provider.requests().len(), self.served, "{what}: the provider was asked");
        self.expect_served(what);
    }

    /// Says that a plain request on a fresh connection is served.
    #[track_caller]
    pub fn expect_served(&mut self, what: &str) {
        let (answer, _) = self.ask(request::plain());
        assert_eq!((answer.status, answer.text().as_str()), (200, JSON_ANSWER), "after {what}");
        self.served += 1;
        assert_eq!(self.provider.requests().len(), self.served, "after {what}");
    }

    /// Says that these bytes are one request that is served, and gives what the provider was sent as its body.
    #[track_caller]
    pub fn expect_accepted(&mut self, what: &str, bytes: impl AsRef<[u8]>) -> String {
        let (answer, _) = self.ask(bytes);
        assert_eq!(answer.status, 200, "{what}: {}{}", answer.head, answer.text());
        self.served += 1;
        let requests = self.provider.requests();
        assert_eq!(requests.len(), self.served, "{what}");
        requests.last().map(Recorded::text).unwrap_or_default()
    }

    /// What `GET /metrics` says.
    pub fn metrics(&self) -> String {
        let request = "GET /metrics HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n";
        Raw::connect(self.gateway.operations_port()).ask(request).text()
    }

    /// Says that the gateway never panicked and that it told nobody the provider's credential.
    #[track_caller]
    pub fn expect_calm(&self) {
        let log = self.gateway.log().join("\n");
        assert!(!log.contains("panicked"), "{log}");
        assert!(!log.contains(CANARY), "{log}");
        let metrics = self.metrics();
        assert!(metrics.contains("tollgate_") && !metrics.contains(CANARY), "{metrics}");
    }
}

/// Starts a gateway that knows the keys above. It says that it is ready a moment before it listens.
pub fn gateway(config: &str) -> Gateway {
    let gateway = Gateway::start_with(config, &environment());
    wait_until(PATIENCE, "the public port is open", || TcpStream::connect(("127.0.0.1", gateway.port())).is_ok());
    gateway
}

/// The secrets that [`config`] refers to.
pub fn environment() -> [(&'static str, &'static str); 4] {
    [("TEST_KEY", KEY), ("TEST_NARROW_KEY", NARROW_KEY), ("TEST_PROVIDER_KEY", CANARY), ("TEST_STRICT_KEY", STRICT_KEY)]
}

/// Settings with these providers, named `p0`, `p1` and so on. The first one serves `gpt`, and `alias` as `gpt-real`.
pub fn config(provider_urls: &[&str], settings: &str) -> String {
    let mut config = String::from("[gateway]\nthreads = 2\n");
    if !settings.contains("[log]") {
        config.push_str("[log]\naccess = \"stdout\"\n");
    }
    config.push_str("[demo]\nenabled = false\n");
    if !settings.contains("[routing]") {
        // Most tests are about one attempt.
        config.push_str("[routing]\nattempts_max = 1\n");
    }
    let _ = writeln!(config, "{settings}");
    for (number, url) in provider_urls.iter().enumerate() {
        let _ = write!(
            config,
            "[[providers]]\nname = \"p{number}\"\nbase_url = \"{url}/v1\"\nany_model = true\n\
             api_key = {{ env = \"TEST_PROVIDER_KEY\" }}\n"
        );
    }
    config.push_str(
        r#"
[[deployments]]
model = "gpt"
provider = "p0"
price = { input = "2", output = "10", cache_read = "1" }
[[deployments]]
model = "alias"
provider = "p0"
provider_model = "gpt-real"
[[deployments]]
model = "narrow"
provider = "p0"
[[keys]]
name = "all"
secret = { env = "TEST_KEY" }
[[keys]]
name = "narrow"
secret = { env = "TEST_NARROW_KEY" }
models = ["narrow"]
"#,
    );
    config
}
