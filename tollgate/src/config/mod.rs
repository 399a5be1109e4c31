//! `tollgate.toml`: defaults, then the file, then the environment, checked whole before anything starts.
//!
//! [`load`] gives [`Settings`], in which nothing is left to be checked, or every mistake it could find, each with its
//! place and what to do. It reads files and variables; it opens no socket and no database.

mod build;
mod catalog;
mod decode;
mod file;
mod kinds;
mod layers;
mod pem;
mod problem;
mod routing;
mod secret;
mod shortcuts;
mod units;
mod values;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use router_core::domain::{Dialect, PicoPerToken, Price, ProviderId, Style};
use router_core::snapshot::{ProviderDoc, QuotaDoc, SnapshotDoc};
use tollgate_proxy::config::GatewayConfig;
use tollgate_proxy::upstream::Credentials;

use crate::demo;

pub(crate) use file::Level;
pub(crate) use layers::Environment;
pub(crate) use problem::Problems;
pub(crate) use units::parse_duration;

/// The demo provider's name.
const DEMO: &str = "demo";
/// One and two credits per million tokens: there so that a first answer has a cost to show.
const DEMO_PRICE: Price = Price {
    input: PicoPerToken(1_000_000),
    output: PicoPerToken(2_000_000),
    cache_read: PicoPerToken(1_000_000),
    cache_write: PicoPerToken(1_000_000),
};

/// Everything that one process needs to know, checked.
pub(crate) struct Settings {
    /// The data plane's own settings.
    pub(crate) gateway: GatewayConfig,
    /// The database.
    pub(crate) store_url: String,
    /// Where the process keeps its files.
    pub(crate) data_dir: PathBuf,
    /// The least grave diagnostics that are written.
    pub(crate) level: Level,
    /// The demo provider's pace, if it runs.
    pub(crate) demo: Option<Duration>,
    /// Providers, deployments and keys of the file.
    base: SnapshotDoc,
    /// The providers' secrets.
    pub(crate) credentials: Credentials,
    /// What was added without being asked for, for people.
    pub(crate) notes: Vec<String>,
    /// The file that was read.
    pub(crate) file: Option<PathBuf>,
}

impl Settings {
    /// Whether the provider of this name is the one inside this process.
    pub(crate) fn runs_as_demo(&self, name: &str) -> bool {
        self.demo.is_some() && name == DEMO
    }

    /// The document that the control plane adds its keys to. `demo` is where the demo provider listens; it counts only
    /// when that provider runs.
    pub(crate) fn document(&self, demo: SocketAddr) -> SnapshotDoc {
        let mut document = self.base.clone();
        if self.demo.is_some() {
            document.providers.push(ProviderDoc {
                id: ProviderId::named(DEMO),
                name: DEMO.to_owned(),
                dialect: Dialect::Openai,
                also: Vec::new(),
                style: Style::default(),
                base_url: format!("http://{demo}/v1"),
                http2: false,
                ca_file: None,
                any_model: true,
                quota: QuotaDoc::default(),
            });
            for model in [demo::CHAT_MODEL, demo::EMBEDDING_MODEL] {
                let deployment = catalog::deployment(model, DEMO, model, Some(DEMO_PRICE));
                if document.deployments.iter().all(|known| known.id != deployment.id) {
                    document.deployments.push(deployment);
                }
            }
        }
        document
    }
}

/// Reads and checks the configuration. `named` is the file that the command line names.
pub(crate) fn load(named: Option<&Path>, environment: &Environment) -> Result<Settings, Problems> {
    let layers = layers::Layers::read(named, environment).map_err(Problems)?;
    let file = decode::decode(&layers).map_err(Problems)?;
    build::build(file, &layers, environment).map_err(Problems)
}

#[cfg(test)]
mod tests;
