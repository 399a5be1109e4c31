//! The way of a request through the stages. Takes no decision of its own: each stage decides, the exchange decides.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use prometheus::IntGauge;
use router_core::domain::{Dialect, Tick, Timestamp};
use router_core::snapshot::{Key, Snapshot};

use crate::access_log::Logger;
use crate::answer;
use crate::client::Client;
use crate::clock;
use crate::config::{Deadlines, GatewayConfig, Limits};
use crate::ending::Ending;
use crate::feed::PublishError;
use crate::health;
use crate::http1::RequestHead;
use crate::metrics::Metrics;
use crate::request_id::RequestIdText;
use crate::respond::Refusal;
use crate::route::{self, Route};
use crate::server::StartError;
use crate::stage::attempt::Passed;
use crate::stage::authenticate::authenticate;
use crate::stage::hints::Hints;
use crate::stage::listing;
use crate::upstream::Credentials;
use crate::world::World;

/// What all connections share.
pub(crate) struct Gateway {
    pub(crate) limits: Limits,
    pub(crate) deadlines: Deadlines,
    pub(crate) metrics: Metrics,
    /// Whether keys are taken from the headers of other gateways too.
    migrated_keys: bool,
    health_file: PathBuf,
    world: ArcSwapOption<World>,
    pub(crate) logger: Option<Logger>,
    stopping: AtomicBool,
}

/// A request whose head was read.
pub(crate) struct Intake {
    pub(crate) request_id: RequestIdText,
    pub(crate) client: Option<SocketAddr>,
    pub(crate) at: Timestamp,
    pub(crate) started: Tick,
    pub(crate) route: &'static str,
    /// In which the client is answered.
    pub(crate) dialect: Dialect,
    verdict: Result<Accepted, Refusal>,
}

/// A request that may be served.
pub(crate) struct Accepted {
    route: Route,
    pub(crate) key: Arc<Key>,
    world: Arc<World>,
    passed: Passed,
    hints: Hints,
}

impl Accepted {
    /// What it is served from.
    pub(crate) fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Headers of the client that providers are shown.
    pub(crate) fn passed(&self) -> &Passed {
        &self.passed
    }

    /// Headers of the client that are for routing.
    pub(crate) fn hints(&self) -> &Hints {
        &self.hints
    }
}

/// Counts a request as long as it lives.
struct InFlight<'g>(&'g IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Gateway {
    pub(crate) fn new(config: &GatewayConfig) -> Result<Self, StartError> {
        Ok(Self {
            limits: config.limits,
            deadlines: config.deadlines,
            metrics: Metrics::new().map_err(StartError::Metrics)?,
            migrated_keys: config.migrated_keys,
            health_file: config.health_file.clone(),
            world: ArcSwapOption::empty(),
            logger: Logger::start(&config.access_log).map_err(StartError::AccessLog)?,
            stopping: AtomicBool::new(false),
        })
    }

    /// Puts a snapshot in force.
    pub(crate) fn publish(&self, snapshot: Snapshot, credentials: &Credentials) -> Result<(), PublishError> {
        let before = self.world.load_full();
        if let Some(before) = &before
            && snapshot.number < before.snapshot.number
        {
            return Err(PublishError::Outdated { offered: snapshot.number, in_force: before.snapshot.number });
        }
        let world = World::build(snapshot, credentials, &self.metrics, before.as_deref());
        if before.is_none() {
            health::restore(&world.board, &self.health_file, clock::now());
        }
        self.world.store(Some(Arc::new(world)));
        Ok(())
    }

    /// Keeps what was learned of deployments.
    pub(crate) fn keep_health(&self) {
        if let Some(world) = self.world()
            && let Err(error) = health::keep(&world.board, &self.health_file)
        {
            log::warn!("{} cannot be written: {error}", self.health_file.display());
        }
    }

    /// The snapshot in force, if there is one yet.
    pub(crate) fn world(&self) -> Option<Arc<World>> {
        self.world.load_full()
    }

    /// Whether the process is about to end.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Lets connections end after the request that they are at.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Writes out what the log still holds.
    pub(crate) fn close_log(&self) {
        if let Some(logger) = &self.logger {
            logger.stop();
        }
    }

    /// Judges a request by its head alone.
    pub(crate) fn intake(&self, head: &RequestHead<'_>, client: Option<SocketAddr>) -> Intake {
        let at = clock::timestamp();
        let route = Route::find(head);
        let label = route.as_ref().map_or("unknown", Route::label);
        let dialect = match &route {
            Ok(Route::Inference(asked)) => asked.inference.dialect(),
            _ => route::dialect(head),
        };
        let verdict = match route {
            Err(missing) => Err(missing.into()),
            Ok(route) => self.accept(route, head, at),
        };
        let request_id = RequestIdText::take_or_make(head.request_id.or(head.client_request_id), at);
        Intake { request_id, client, at, started: clock::now(), route: label, dialect, verdict }
    }

    /// A request whose head was not even readable.
    pub(crate) fn unreadable(&self, refusal: Refusal, client: Option<SocketAddr>) -> Intake {
        let at = clock::timestamp();
        let request_id = RequestIdText::take_or_make(None, at);
        let (route, dialect) = ("unknown", Dialect::Openai);
        Intake { request_id, client, at, started: clock::now(), route, dialect, verdict: Err(refusal) }
    }

    fn accept(&self, route: Route, head: &RequestHead<'_>, at: Timestamp) -> Result<Accepted, Refusal> {
        let world = self.world.load_full().ok_or_else(Refusal::no_snapshot)?;
        let mut head = *head;
        if !self.migrated_keys {
            head.migrated_key = None;
        }
        let head = &head;
        let key = authenticate(&world.snapshot, head, at)?;
        match head.content_encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            Some(encoding) => Err(Refusal::encoded_body(encoding)),
            None => Ok(Accepted { route, key, world, passed: Passed::of(head), hints: Hints::of(head) }),
        }
    }

    /// Answers a request. Whatever happens, the client got an answer or is gone, and the request is in the log.
    pub(crate) async fn serve<C: Client>(&self, client: &mut C, intake: Intake) {
        self.metrics.in_flight.inc();
        let _in_flight = InFlight(&self.metrics.in_flight);
        match &intake.verdict {
            Err(refusal) => self.refuse(client, &intake, None, refusal, Ending::default()).await,
            Ok(accepted) => match &accepted.route {
                Route::Inference(asked) => self.infer(client, &intake, accepted, asked).await,
                Route::Models(dialect) => {
                    let body = listing::models(&accepted.world.snapshot, &accepted.key, *dialect);
                    self.answer(client, &intake, accepted, &body, b"").await;
                }
                Route::Model(dialect, id) => {
                    match listing::model(&accepted.world.snapshot, &accepted.key, *dialect, id) {
                        Some(body) => self.answer(client, &intake, accepted, &body, b"").await,
                        None => {
                            let refusal = Refusal::no_route(router_core::plan::NoRoute::UnknownModel, id);
                            self.refuse(client, &intake, Some(accepted), &refusal, Ending::default()).await;
                        }
                    }
                }
            },
        }
    }

    /// Answers with an error, and books the request.
    pub(crate) async fn refuse<C: Client>(
        &self,
        client: &mut C,
        intake: &Intake,
        accepted: Option<&Accepted>,
        refusal: &Refusal,
        mut ending: Ending,
    ) {
        let body = refusal.body(intake.dialect, intake.request_id.as_str());
        let status = refusal.status(intake.dialect);
        let mut lines = std::mem::take(&mut client.scratch().lines);
        answer::start(&mut lines, intake.dialect, &intake.request_id, intake.at);
        refusal.write_lines(&mut lines);
        client.begin(status, &lines, Some(body.len()));
        client.scratch().lines = lines;
        // A client that is gone meanwhile needs no error.
        let _ = client.flush(&body, true).await;
        ending.status = status;
        ending.answer_bytes = body.len() as u64;
        ending.code = Some(refusal.code.clone());
        if ending.outcome.is_empty() {
            ending.outcome = "refused";
        }
        self.record(intake, accepted, ending);
    }

    /// Answers with JSON of our own, and header lines that say more of it.
    pub(crate) async fn answer<C: Client>(
        &self,
        client: &mut C,
        intake: &Intake,
        accepted: &Accepted,
        body: &[u8],
        more_lines: &[u8],
    ) {
        let mut lines = std::mem::take(&mut client.scratch().lines);
        answer::start(&mut lines, intake.dialect, &intake.request_id, intake.at);
        lines.extend_from_slice(b"content-type: application/json\r\n");
        lines.extend_from_slice(more_lines);
        client.begin(200, &lines, Some(body.len()));
        client.scratch().lines = lines;
        let sent = client.flush(body, true).await.is_ok();
        let (status, outcome) = if sent { (200, "complete") } else { (499, "client_gone") };
        let ending = Ending { status, outcome, answer_bytes: body.len() as u64, ..Ending::default() };
        self.record(intake, Some(accepted), ending);
    }
}
