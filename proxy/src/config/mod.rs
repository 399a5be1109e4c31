//! The data plane's settings, whole and checked: whoever builds them has already refused what cannot work.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Settings of one gateway process.
#[derive(Clone, Debug)]
pub struct GatewayConfig {
    /// Public address: clients connect here.
    pub listen: SocketAddr,
    /// Address for metrics and health, never public.
    pub operations_listen: SocketAddr,
    /// Worker threads; at least 1.
    pub threads: usize,
    /// Certificate for the public address; plain HTTP without.
    pub tls: Option<TlsFiles>,
    /// Bounds on what a client may send.
    pub limits: Limits,
    /// How long each phase of a request may take.
    pub deadlines: Deadlines,
    /// How long running requests get to finish after the signal to stop.
    pub shutdown_grace: Duration,
    /// Unix socket over which a new process takes over the listening sockets of the old one.
    pub upgrade_socket: PathBuf,
    /// Whether this process takes over the listening sockets of a running one.
    pub upgrade: bool,
    /// Where the line per request goes.
    pub access_log: AccessLog,
    /// Whether keys are taken from the headers of other gateways too.
    pub migrated_keys: bool,
    /// Where what was learned of deployments is kept over a restart.
    pub health_file: PathBuf,
}

/// PEM files of a listener's certificate.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, leaf first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Bounds on what a client may send.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest request head, in bytes.
    pub head_bytes_max: usize,
    /// Largest request body, in bytes.
    pub body_bytes_max: usize,
    /// Largest response that is held back whole, so that its usage can stand in the response's head, in bytes.
    pub hold_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { head_bytes_max: 32 << 10, body_bytes_max: 32 << 20, hold_bytes_max: 256 << 10 }
    }
}

/// How long each phase of a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Deadlines {
    /// A connection without a request is closed after this.
    pub client_idle: Duration,
    /// From a request's first byte to the end of its head.
    pub client_head: Duration,
    /// Between two reads of a request's body.
    pub client_body: Duration,
    /// Between two writes to a client that does not read.
    pub client_write: Duration,
    /// Name resolution, connection and TLS handshake with the provider.
    pub connect: Duration,
    /// From the request sent to the first byte of the answer.
    pub first_byte: Duration,
    /// Between two reads of the answer.
    pub between_chunks: Duration,
    /// The whole exchange with providers.
    pub total: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            client_idle: Duration::from_secs(75),
            client_head: Duration::from_secs(10),
            client_body: Duration::from_secs(30),
            client_write: Duration::from_secs(30),
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(120),
            between_chunks: Duration::from_secs(60),
            total: Duration::from_secs(15 * 60),
        }
    }
}

/// Where the line per request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output.
    Stdout,
    /// The end of a file, made if it is missing.
    File(PathBuf),
}
