//! From the shape of the file to what the planes are given. The only place where the two meet.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use router_core::snapshot::{CompileError, Snapshot};
use tollgate_proxy::config::{Deadlines, GatewayConfig, Limits, TlsFiles};

use super::catalog::{self, Catalog};
use super::file::{DemoMode, File};
use super::layers::{Environment, Layers, SettingPath};
use super::problem::Problem;
use super::{Settings, pem};

/// Worker threads, at most: more than any machine has cores, and few enough to start.
const THREADS_MAX: usize = 1024;
/// Stands for the demo provider's address before it has one.
const DEMO_ADDRESS: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 1);

/// Collects what is wrong while building goes on, so that one run tells it all.
pub(super) struct Complaints<'a> {
    layers: &'a Layers,
    list: Vec<Problem>,
}

impl Complaints<'_> {
    /// Notes what is wrong with a setting.
    pub(super) fn add(&mut self, path: &SettingPath, message: impl std::fmt::Display) {
        self.list.push(Problem::at(self.layers.place(path), format!("`{path}`: {message}")));
    }

    /// The value, or a note and nothing.
    pub(super) fn take<T>(&mut self, path: &SettingPath, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(path, message)).ok()
    }
}

/// Checks the file and builds the settings of both planes from it.
pub(super) fn build(file: File, layers: &Layers, environment: &Environment) -> Result<Settings, Vec<Problem>> {
    let mut complaints = Complaints { layers, list: Vec::new() };
    let data_dir = data_dir(&file.store.url, &mut complaints);
    let gateway = gateway(&file, &data_dir, &mut complaints);
    let demo_interval = file.demo.chunk_interval;
    let mode = file.demo.enabled;
    let Catalog { base, credentials, notes, .. } = catalog::build(&file, environment, &mut complaints);
    let demo = match mode {
        DemoMode::Auto => base.providers.is_empty(),
        DemoMode::On => true,
        DemoMode::Off => false,
    };
    let settings = Settings {
        gateway,
        store_url: file.store.url,
        data_dir,
        level: file.log.level,
        demo: demo.then_some(demo_interval),
        base,
        credentials,
        notes,
        file: layers.file.clone(),
    };
    // What compiles here compiles in the proxy.
    if let Err(error) = Snapshot::compile(&settings.document(DEMO_ADDRESS)) {
        let list = match error {
            CompileError::NoSuchProvider { .. } => SettingPath::of("deployments"),
            CompileError::Twice { .. } | CompileError::BadName { .. } | CompileError::BadUrl { .. } => {
                SettingPath::of("providers")
            }
        };
        // A consequence of something that was named already needs no line of its own.
        if complaints.list.is_empty() {
            complaints.list.push(Problem::at(layers.place(&list), error.to_string()));
        }
    }
    if complaints.list.is_empty() { Ok(settings) } else { Err(complaints.list) }
}

fn gateway(file: &File, data_dir: &Path, complaints: &mut Complaints<'_>) -> GatewayConfig {
    let from = &file.gateway;
    let path = |key: &str| SettingPath::of("gateway").key(key);
    if from.listen.port() != 0 && from.listen.port() == from.operations_listen.port() {
        let (public, operations) = (from.listen.ip(), from.operations_listen.ip());
        if public == operations || public.is_unspecified() || operations.is_unspecified() {
            complaints.add(&path("operations_listen"), "has the port of `gateway.listen`: give it another one");
        }
    }
    if from.threads > THREADS_MAX {
        complaints.add(&path("threads"), format!("at most {THREADS_MAX} threads can be started"));
    }
    if let Some(tls) = &from.tls {
        complaints.take(&path("tls"), pem::check_pair(&tls.certificate, &tls.key));
    }
    let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
    GatewayConfig {
        listen: from.listen,
        operations_listen: from.operations_listen,
        threads: if from.threads == 0 { cores() } else { from.threads },
        tls: from.tls.as_ref().map(|tls| TlsFiles { certificate: tls.certificate.clone(), key: tls.key.clone() }),
        limits: limits(file, complaints),
        deadlines: deadlines(file, complaints),
        shutdown_grace: from.shutdown_grace,
        migrated_keys: from.migrated_keys,
        health_file: data_dir.join("health.json"),
        upgrade_socket: from.upgrade_socket.clone().unwrap_or_else(|| data_dir.join("upgrade.sock")),
        upgrade: false,
        access_log: file.log.access.clone(),
    }
}

fn limits(file: &File, complaints: &mut Complaints<'_>) -> Limits {
    let from = &file.gateway.limits;
    let mut at_least = |key: &str, bytes: usize, least: usize| {
        if bytes < least {
            let path = SettingPath::of("gateway").key("limits").key(key);
            complaints.add(&path, format!("is {bytes} bytes: at least {least} are needed to serve any request"));
        }
        bytes
    };
    Limits {
        head_bytes_max: at_least("head_bytes_max", from.head_bytes_max, 1 << 10),
        body_bytes_max: at_least("body_bytes_max", from.body_bytes_max, 1 << 10),
        hold_bytes_max: from.hold_bytes_max,
    }
}

fn deadlines(file: &File, complaints: &mut Complaints<'_>) -> Deadlines {
    let from = &file.gateway.deadlines;
    let mut some = |key: &str, duration: Duration| {
        if duration.is_zero() {
            let path = SettingPath::of("gateway").key("deadlines").key(key);
            complaints.add(&path, "is no time at all: every request would fail");
        }
        duration
    };
    Deadlines {
        client_idle: some("client_idle", from.client_idle),
        client_head: some("client_head", from.client_head),
        client_body: some("client_body", from.client_body),
        client_write: some("client_write", from.client_write),
        connect: some("connect", from.connect),
        first_byte: some("first_byte", from.first_byte),
        between_chunks: some("between_chunks", from.between_chunks),
        total: some("total", from.total),
    }
}

/// The folder of what the process keeps: the SQLite file's own, or `data` when the store is elsewhere.
fn data_dir(url: &str, complaints: &mut Complaints<'_>) -> PathBuf {
    let elsewhere = PathBuf::from("data");
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return elsewhere;
    }
    let Some(rest) = url.strip_prefix("sqlite:") else {
        let path = SettingPath::of("store").key("url");
        // Not the text itself: an address of a database may hold a password.
        complaints.add(&path, "expected \"sqlite:data/tollgate.db\" or \"postgres://user:password@host/database\"");
        return elsewhere;
    };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    if path == ":memory:" {
        complaints.add(&SettingPath::of("store").key("url"), "a database in memory forgets its keys: name a file");
    }
    match Path::new(path).parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => elsewhere,
    }
}
