//! The shape of `tollgate.toml`. What is read here is checked and turned into the planes' own types by `build`, once.
//!
//! Unknown fields are refused everywhere. A struct's `Default` is the built-in default of its section; the example
//! file in `deploy/` shows every setting and is tested against these defaults.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use router_core::domain::{Capability, Dialect, KeyDigest, PicoPerToken, Quirks};
use serde::{Deserialize, Deserializer, de};
use tollgate_proxy::config::{AccessLog, Deadlines as ProxyDeadlines, Limits as ProxyLimits};

use super::kinds::Kind;
use super::routing::{Cache, Routing, capabilities};
use super::secret::SecretSource;
use super::values::{access_log, address, decimal, duration, size, some_decimal, some_text};

/// The whole file.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct File {
    pub(super) gateway: Gateway,
    pub(super) store: Store,
    pub(super) log: Log,
    pub(super) demo: Demo,
    pub(super) routing: Routing,
    pub(super) providers: Vec<Provider>,
    pub(super) deployments: Vec<Deployment>,
    pub(super) keys: Vec<Key>,
}

/// `[gateway]`: the data plane.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Gateway {
    #[serde(deserialize_with = "address")]
    pub(super) listen: SocketAddr,
    #[serde(deserialize_with = "address")]
    pub(super) operations_listen: SocketAddr,
    pub(super) threads: usize,
    #[serde(deserialize_with = "duration")]
    pub(super) shutdown_grace: Duration,
    pub(super) migrated_keys: bool,
    pub(super) upgrade_socket: Option<PathBuf>,
    pub(super) tls: Option<Tls>,
    pub(super) limits: Limits,
    pub(super) deadlines: Deadlines,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([0, 0, 0, 0], 8080)),
            operations_listen: SocketAddr::from(([127, 0, 0, 1], 9464)),
            threads: 0,
            shutdown_grace: Duration::from_secs(30),
            migrated_keys: false,
            upgrade_socket: None,
            tls: None,
            limits: Limits::default(),
            deadlines: Deadlines::default(),
        }
    }
}

/// `gateway.tls`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

/// `[gateway.limits]`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    #[serde(deserialize_with = "size")]
    pub(super) head_bytes_max: usize,
    #[serde(deserialize_with = "size")]
    pub(super) body_bytes_max: usize,
    #[serde(deserialize_with = "size")]
    pub(super) hold_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let ProxyLimits { head_bytes_max, body_bytes_max, hold_bytes_max } = ProxyLimits::default();
        Self { head_bytes_max, body_bytes_max, hold_bytes_max }
    }
}

/// `[gateway.deadlines]`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Deadlines {
    #[serde(deserialize_with = "duration")]
    pub(super) client_idle: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) client_head: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) client_body: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) client_write: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) connect: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) first_byte: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) between_chunks: Duration,
    #[serde(deserialize_with = "duration")]
    pub(super) total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let ProxyDeadlines {
            client_idle,
            client_head,
            client_body,
            client_write,
            connect,
            first_byte,
            between_chunks,
            total,
        } = ProxyDeadlines::default();
        Self { client_idle, client_head, client_body, client_write, connect, first_byte, between_chunks, total }
    }
}

/// `[store]`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    pub(super) url: String,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite:data/tollgate.db".to_owned() }
    }
}

/// `[log]`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    pub(super) level: Level,
    #[serde(deserialize_with = "access_log")]
    pub(super) access: AccessLog,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, access: AccessLog::Stdout }
    }
}

/// The least grave diagnostics that are written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    /// What stops a request or the process.
    Error,
    /// What an operator should look at.
    Warn,
    /// What changed.
    Info,
    /// What happened, in detail.
    Debug,
    /// Everything.
    Trace,
}

/// `[demo]`
#[derive(Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Demo {
    pub(super) enabled: DemoMode,
    #[serde(deserialize_with = "duration")]
    pub(super) chunk_interval: Duration,
}

impl Default for Demo {
    fn default() -> Self {
        Self { enabled: DemoMode::Auto, chunk_interval: Duration::from_millis(20) }
    }
}

/// When the demo provider runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DemoMode {
    /// When there is no other provider.
    Auto,
    /// Always.
    On,
    /// Never.
    Off,
}

impl<'de> Deserialize<'de> for DemoMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Switch(bool),
            Text(String),
        }
        match Shape::deserialize(deserializer) {
            Ok(Shape::Switch(true)) => Ok(Self::On),
            Ok(Shape::Switch(false)) => Ok(Self::Off),
            Ok(Shape::Text(text)) if text == "auto" => Ok(Self::Auto),
            Ok(Shape::Text(_)) | Err(_) => Err(de::Error::custom("expected \"auto\", true or false")),
        }
    }
}

/// `[[providers]]`: an account at a provider.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) kind: Option<Kind>,
    pub(super) base_url: Option<String>,
    pub(super) api_key: Option<SecretSource>,
    pub(super) dialect: Option<Dialect>,
    pub(super) also: Option<Vec<Dialect>>,
    pub(super) credential: Option<Credential>,
    pub(super) query: Option<String>,
    pub(super) quirks: Option<Quirks>,
    pub(super) region: Option<String>,
    pub(super) aws: Option<Aws>,
    pub(super) project: Option<String>,
    pub(super) location: Option<String>,
    pub(super) google_account: Option<SecretSource>,
    #[serde(default)]
    pub(super) http2: bool,
    pub(super) ca_file: Option<PathBuf>,
    #[serde(default)]
    pub(super) any_model: bool,
    pub(super) requests_per_minute: Option<u64>,
    pub(super) tokens_per_minute: Option<u64>,
}

/// An access key of Amazon's.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Aws {
    pub(super) access_key_id: SecretSource,
    pub(super) secret_access_key: SecretSource,
    pub(super) session_token: Option<SecretSource>,
}

/// How a provider is shown its credential.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credential {
    /// `authorization: Bearer …`
    Bearer,
    /// `x-api-key: …`
    XApiKey,
    /// `api-key: …`
    ApiKey,
    /// `x-goog-api-key: …`
    XGoogApiKey,
}

/// `[[deployments]]`: one model at one provider.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Deployment {
    pub(super) model: String,
    pub(super) provider: String,
    pub(super) provider_model: Option<String>,
    pub(super) price: Option<Price>,
    pub(super) weight: Option<u32>,
    #[serde(default)]
    pub(super) priority: u8,
    #[serde(default, deserialize_with = "capabilities")]
    pub(super) capabilities: Option<Vec<Capability>>,
    pub(super) context_window: Option<NonZeroU32>,
    pub(super) output_tokens_max: Option<NonZeroU32>,
    pub(super) cache: Option<Cache>,
}

/// Credits per million tokens.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Price {
    #[serde(deserialize_with = "decimal")]
    pub(super) input: PicoPerToken,
    #[serde(deserialize_with = "decimal")]
    pub(super) output: PicoPerToken,
    #[serde(default, deserialize_with = "some_decimal")]
    pub(super) cache_read: Option<PicoPerToken>,
    #[serde(default, deserialize_with = "some_decimal")]
    pub(super) cache_write: Option<PicoPerToken>,
}

/// `[[keys]]`: an API key of this gateway.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    #[serde(deserialize_with = "some_text")]
    pub(super) name: String,
    pub(super) secret: Option<SecretSource>,
    pub(super) sha256: Option<KeyDigest>,
    #[serde(default = "all_models")]
    pub(super) models: Vec<String>,
    #[serde(default)]
    pub(super) lossy: Lossy,
}

/// What becomes of a request that a provider's dialect cannot express whole.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Lossy {
    /// It is sent without that, and the answer says what was left out.
    #[default]
    Warn,
    /// It is refused.
    Refuse,
}

fn all_models() -> Vec<String> {
    vec!["*".to_owned()]
}
