//! A snapshot with all that the data plane hangs on it: connections, prebuilt heads, metric handles.

use std::sync::Arc;

use router_core::domain::Price;
use router_core::plan::{Board, Layout, Policy};
use router_core::snapshot::{Deployment, Provider, Snapshot};

use crate::metrics::{Metrics, TargetMetrics};
use crate::upstream::{Credentials, Upstream};

/// What requests are served from. Replaced whole; a request keeps the parts that it began with.
pub(crate) struct World {
    pub(crate) snapshot: Snapshot,
    /// By place in [`Snapshot::providers`].
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    /// How they fare.
    pub(crate) board: Board,
    pub(crate) policy: Policy,
    /// By place on the board.
    targets: Vec<Arc<Target>>,
}

/// A deployment, ready to be sent to.
pub(crate) struct Target {
    /// `provider/model`, or `provider/*` for all undeclared models together.
    pub(crate) name: String,
    /// The model's name at the provider; `None` when the client's own is used.
    pub(crate) provider_model: Option<String>,
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) price: Option<Price>,
    pub(crate) metrics: TargetMetrics,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("name", &self.name).finish_non_exhaustive()
    }
}

impl World {
    /// Builds the world of a snapshot. What has not changed since `before` is taken over: its connections stay open.
    pub(crate) fn build(
        snapshot: Snapshot,
        credentials: &Credentials,
        metrics: &Metrics,
        before: Option<&Self>,
    ) -> Self {
        let kept = |provider: &Provider| {
            let mut upstreams = before.iter().flat_map(|world| &world.upstreams);
            upstreams.find(|upstream| upstream.is(provider, credentials.get(&provider.id))).cloned()
        };
        let open =
            |provider: &Provider| Arc::new(Upstream::new(provider.clone(), credentials.get(&provider.id).cloned()));
        let upstreams: Vec<_> =
            snapshot.providers.iter().map(|provider| kept(provider).unwrap_or_else(|| open(provider))).collect();
        let declared = snapshot
            .deployments
            .iter()
            .map(|deployment| Arc::new(declared(deployment, &upstreams[deployment.provider], metrics)));
        let undeclared = upstreams.iter().map(|upstream| Arc::new(undeclared(upstream, metrics)));
        let targets = declared.chain(undeclared).collect();
        let layout = Layout::of(&snapshot);
        let board = before.map_or_else(|| Board::new(&layout), |before| before.board.successor(&layout));
        let policy = Policy::of(&snapshot.policy);
        Self { snapshot, upstreams, board, policy, targets }
    }

    /// What is sent to a place on the board.
    pub(crate) fn target(&self, place: u32) -> &Arc<Target> {
        &self.targets[place as usize]
    }
}

fn declared(deployment: &Deployment, upstream: &Arc<Upstream>, metrics: &Metrics) -> Target {
    let provider = &upstream.provider.name;
    Target {
        name: format!("{provider}/{}", deployment.model),
        provider_model: Some(deployment.provider_model.clone()),
        upstream: Arc::clone(upstream),
        price: deployment.price,
        metrics: metrics.target(&deployment.model, provider),
    }
}

/// All undeclared models of a provider are one target: their names are the clients' choice and may be any number.
fn undeclared(upstream: &Arc<Upstream>, metrics: &Metrics) -> Target {
    let provider = &upstream.provider.name;
    Target {
        name: format!("{provider}/*"),
        provider_model: None,
        upstream: Arc::clone(upstream),
        price: None,
        metrics: metrics.target("*", provider),
    }
}
