//! `tollgate serve`: both planes and, if wanted, the demo provider in one process.
//!
//! The proxy owns the main thread and makes its own threads. The control plane and the demo provider share one small
//! runtime beside it, which lives until the process ends: they are never on a request's way, except that the demo
//! provider is a provider like any other, behind a socket.

use std::convert::Infallible;
use std::fs::DirBuilder;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use control_plane::publish::{PublishError as DocumentError, Publisher};
use control_plane::{BootstrapError, FirstStart, Store, StoreError, bootstrap};
use router_core::snapshot::{CompileError, Snapshot, SnapshotDoc};
use tokio::net::TcpListener;
use tollgate_proxy::upstream::Credentials;
use tollgate_proxy::{Feed, Proxy, PublishError, StartError};

use crate::config::{self, Environment, Problems, Settings};
use crate::{alloc, demo, logging, print, summary};

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ServeError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Problems),
    /// The data folder cannot be made.
    #[error("cannot make the folder {}: {source}; make it, or let `store.url` point elsewhere", path.display())]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gives no event loop.
    #[error("cannot start the control plane's threads: {0}")]
    Runtime(io::Error),
    /// The demo provider has no socket.
    #[error("cannot start the demo provider: {0}; `demo.enabled = false` goes without it")]
    Demo(io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The first start failed.
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    /// The control plane has no document.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The document is not a snapshot.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// The proxy refused the first snapshot.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The proxy cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
}

/// Runs until a signal ends the process.
pub(crate) fn run(file: Option<&Path>, upgrade: bool) -> Result<Infallible, ServeError> {
    let mut settings = config::load(file, &Environment::of_process())?;
    settings.gateway.upgrade = upgrade;
    logging::start(settings.level);
    alloc::use_small_pages();
    make_private_folder(&settings.data_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("tollgate-control")
        .enable_all()
        .build()
        .map_err(ServeError::Runtime)?;
    // Before the store is touched: a port that is taken must not cost the first login, which is shown only once.
    let proxy = Proxy::new(settings.gateway.clone())?;
    let control = runtime.block_on(ControlPlane::start(&settings))?;
    let feed = proxy.feed();
    feed.publish(Snapshot::compile(&control.document)?, &settings.credentials)?;
    let key = control.first.as_ref().map(|first| first.key.secret.as_str());
    print::out(&summary::ready(&settings, &control.document, key));
    alloc::give_back();
    let published = control.document.number;
    runtime.spawn(keep_publishing(control.publisher, feed, settings.credentials, published));
    Ok(proxy.run()?)
}

/// The control plane, ready to publish.
struct ControlPlane {
    publisher: Publisher,
    document: SnapshotDoc,
    first: Option<FirstStart>,
}

impl ControlPlane {
    /// Opens the store, fills an empty one, and starts the demo provider if it is wanted.
    async fn start(settings: &Settings) -> Result<Self, ServeError> {
        let demo = match settings.demo {
            Some(pace) => start_demo(pace).await.map_err(ServeError::Demo)?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };
        let store = Store::open(&settings.store_url).await?;
        let first = bootstrap(&store).await?;
        if let Some(first) = &first {
            // At once: whatever fails from here on, these are known to nobody else.
            print::out(&summary::first_credentials(first));
        }
        let publisher = Publisher::new(store, settings.document(demo));
        let document = publisher.document().await?;
        Ok(Self { publisher, document, first })
    }
}

/// Starts the demo provider on a free port of this machine.
async fn start_demo(pace: Duration) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        if let Err(error) = demo::serve(listener, pace).await {
            tracing::error!(%error, "the demo provider stopped");
        }
    });
    Ok(address)
}

/// Hands every newer document to the proxy, for as long as the process lives.
async fn keep_publishing(publisher: Publisher, feed: Feed, credentials: Credentials, mut published: u64) {
    let publish = |document: SnapshotDoc| {
        if document.number <= published {
            return;
        }
        let number = document.number;
        let snapshot = match Snapshot::compile(&document) {
            Ok(snapshot) => snapshot,
            Err(error) => return tracing::error!(%error, number, "a snapshot does not compile; the last one stays"),
        };
        match feed.publish(snapshot, &credentials) {
            Ok(()) => {
                published = number;
                tracing::info!(number, keys = document.keys.len(), "published a snapshot");
            }
            Err(error) => tracing::error!(%error, number, "the proxy refused a snapshot; the last one stays"),
        }
    };
    publisher.watch(publish).await;
}

/// Makes a folder that only its owner can read; one that exists stays as it is.
fn make_private_folder(path: &Path) -> Result<(), ServeError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|source| ServeError::DataDir { path: path.to_owned(), source })
}
