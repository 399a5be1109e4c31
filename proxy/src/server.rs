//! The process: Pingora's server with our listeners, and its end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::listeners::tls::TlsSettings;
use pingora_core::listeners::{L4BufferSettings, ListenerConfig};
use pingora_core::server::configuration::{Opt, ServerConf};
use pingora_core::server::{RunArgs, Server, ShutdownSignal, ShutdownSignalWatch, ShutdownWatch};
use pingora_core::services::background::{BackgroundService, background_service};
use pingora_core::services::listening::Service;
use tokio::signal::unix::{SignalKind, signal};

use crate::config::{GatewayConfig, TlsFiles};
use crate::feed::Feed;
use crate::gateway::Gateway;
use crate::listener::Edge;
use crate::operations::Operations;

/// How often kept connections are looked through, and what was learned is kept.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// How often the end of running requests is looked for.
const DRAIN_EVERY: Duration = Duration::from_millis(20);

/// Why the data plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The access log's file cannot be opened.
    #[error("the access log cannot be opened: {0}")]
    AccessLog(std::io::Error),
    /// The certificate or key cannot be used.
    #[error("the listener's certificate or key cannot be used: {0}")]
    Tls(String),
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// Why not.
        error: std::io::Error,
    },
    /// Two metrics have one name.
    #[error("metrics cannot be registered: {0}")]
    Metrics(prometheus::Error),
}

/// The data plane of one process.
pub struct Proxy {
    config: GatewayConfig,
    gateway: Arc<Gateway>,
}

impl Proxy {
    /// Prepares everything that can fail; nothing listens yet.
    pub fn new(config: GatewayConfig) -> Result<Self, StartError> {
        if !config.upgrade {
            for address in [config.listen, config.operations_listen] {
                // Pingora would try for half a minute and then panic.
                std::net::TcpListener::bind(address).map_err(|error| StartError::Listen { address, error })?;
            }
        }
        let gateway = Arc::new(Gateway::new(&config)?);
        if let Some(files) = &config.tls {
            tls_settings(files)?;
        }
        Ok(Self { config, gateway })
    }

    /// Where snapshots are put in force.
    pub fn feed(&self) -> Feed {
        Feed::new(Arc::clone(&self.gateway))
    }

    /// Serves until a signal ends the process: SIGTERM and SIGINT let running requests finish, SIGQUIT hands the
    /// listening sockets to a new process first. Must not be called from an async runtime.
    pub fn run(self) -> Result<std::convert::Infallible, StartError> {
        let options = Opt { upgrade: self.config.upgrade, ..Opt::default() };
        let mut server = Server::new_with_opt_and_conf(options, server_conf(&self.config));
        server.bootstrap();
        let mut public = Service::new("public".to_owned(), Edge::new(Arc::clone(&self.gateway)));
        let mut listener =
            ListenerConfig::tcp(self.config.listen.to_string()).l4_buffer(L4BufferSettings::unbuffered());
        if let Some(files) = &self.config.tls {
            listener = listener.tls(tls_settings(files)?);
        }
        public.add_listener(listener);
        public.threads = Some(self.config.threads);
        server.add_service(public);
        let mut operations = Service::new("operations".to_owned(), Operations::new(Arc::clone(&self.gateway)));
        operations.add_tcp(&self.config.operations_listen.to_string());
        operations.threads = Some(1);
        server.add_service(operations);
        let keeper = Keeper { gateway: self.gateway, grace: self.config.shutdown_grace };
        server.add_service(background_service("keeper", keeper));
        server.run(RunArgs { shutdown_signal: Box::new(Signals) });
        std::process::exit(0);
    }
}

fn server_conf(config: &GatewayConfig) -> ServerConf {
    ServerConf {
        threads: 1,
        listener_tasks_per_fd: 1,
        upgrade_sock: config.upgrade_socket.display().to_string(),
        // The keeper ends the process long before; these bound a keeper that hangs.
        grace_period_seconds: Some(config.shutdown_grace.as_secs() + 5),
        graceful_shutdown_timeout_seconds: Some(1),
        ..ServerConf::default()
    }
}

fn tls_settings(files: &TlsFiles) -> Result<TlsSettings, StartError> {
    let (certificate, key) = (files.certificate.display().to_string(), files.key.display().to_string());
    let mut settings =
        TlsSettings::intermediate(&certificate, &key).map_err(|error| StartError::Tls(error.to_string()))?;
    settings.enable_h2();
    Ok(settings)
}

/// SIGINT is as polite as SIGTERM: somebody at a keyboard also wants answers to finish.
struct Signals;

#[async_trait]
impl ShutdownSignalWatch for Signals {
    async fn recv(&self) -> ShutdownSignal {
        let (Ok(mut terminate), Ok(mut interrupt), Ok(mut quit)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::quit()))
        else {
            log::error!("signals cannot be watched; stopping");
            return ShutdownSignal::FastShutdown;
        };
        tokio::select! {
            _ = terminate.recv() => ShutdownSignal::GracefulTerminate,
            _ = interrupt.recv() => ShutdownSignal::GracefulTerminate,
            _ = quit.recv() => ShutdownSignal::GracefulUpgrade,
        }
    }
}

/// Looks after kept connections, and ends the process once the last request is answered.
struct Keeper {
    gateway: Arc<Gateway>,
    grace: Duration,
}

#[async_trait]
impl BackgroundService for Keeper {
    async fn start(&self, mut shutdown: ShutdownWatch) {
        let mut sweep = tokio::time::interval(SWEEP_EVERY);
        while !*shutdown.borrow() {
            tokio::select! {
                changed = shutdown.changed() => if changed.is_err() { break },
                _ = sweep.tick() => {
                    self.sweep();
                    self.gateway.keep_health();
                }
            }
        }
        self.gateway.stop();
        let drained = async {
            let mut look = tokio::time::interval(DRAIN_EVERY);
            while self.gateway.metrics.in_flight.get() > 0 {
                look.tick().await;
            }
        };
        if tokio::time::timeout(self.grace, drained).await.is_err() {
            log::warn!("{} requests did not finish in time", self.gateway.metrics.in_flight.get());
        }
        self.gateway.keep_health();
        self.gateway.close_log();
        std::process::exit(0);
    }
}

impl Keeper {
    fn sweep(&self) {
        if let Some(world) = self.gateway.world() {
            world.upstreams.iter().for_each(|upstream| upstream.sweep());
        }
    }
}
