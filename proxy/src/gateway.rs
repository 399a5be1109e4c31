//! The way of a request through the stages. Takes no decision of its own: each stage decides, the exchange decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use prometheus::IntGauge;
use router_core::dialect::Frame;
use router_core::dialect::openai::{Peeker, ProviderError};
use router_core::dialect::translate::Writer;
use router_core::domain::{Dialect, Tick, Timestamp};
use router_core::exchange::{BodyKind, Outcome, Terms, UpstreamFault};
use router_core::snapshot::{Key, Snapshot};

use crate::access_log::Logger;
use crate::answer::{self, AnswerLines};
use crate::client::Client;
use crate::clock;
use crate::config::{Deadlines, GatewayConfig, Limits};
use crate::ending::Ending;
use crate::feed::PublishError;
use crate::http1::RequestHead;
use crate::metrics::Metrics;
use crate::request_id::RequestIdText;
use crate::respond::Refusal;
use crate::route::{self, Asked, Inference, Route};
use crate::server::StartError;
use crate::stage::admit::{self, NotAdmitted};
use crate::stage::attempt::{self, Body, Passed, Prepared, Request};
use crate::stage::authenticate::authenticate;
use crate::stage::plan::{Destination, plan};
use crate::stage::stream::{Job, Relayed, relay};
use crate::stage::{counting, listing};
use crate::upstream::{Credentials, Outgoing};
use crate::world::{Target, World};

/// A client that waits for events hears from us at least this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Says that tokens were not counted: nobody who can was there to ask.
const ESTIMATED: &[u8] = b"x-tollgate-tokens-source: estimated\r\n";

/// What all connections share.
pub(crate) struct Gateway {
    pub(crate) limits: Limits,
    pub(crate) deadlines: Deadlines,
    pub(crate) metrics: Metrics,
    /// Whether keys are taken from the headers of other gateways too.
    migrated_keys: bool,
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
    dialect: Dialect,
    verdict: Result<Accepted, Refusal>,
}

/// A request that may be served.
pub(crate) struct Accepted {
    route: Route,
    pub(crate) key: Arc<Key>,
    world: Arc<World>,
    passed: Passed,
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
        self.world.store(Some(Arc::new(world)));
        Ok(())
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
            None => Ok(Accepted { route, key, world, passed: Passed::of(head) }),
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

    async fn infer<C: Client>(&self, client: &mut C, intake: &Intake, accepted: &Accepted, asked: &Asked) {
        let peeker = match admit::read_body(client, &self.limits).await {
            Ok(peeker) => peeker,
            Err(NotAdmitted::Gone) => {
                let ending = Ending { status: 499, outcome: "client_gone", ..Ending::default() };
                return self.record(intake, Some(accepted), ending);
            }
            Err(NotAdmitted::Refused(refusal)) => {
                return self.refuse(client, intake, Some(accepted), &refusal, Ending::default()).await;
            }
        };
        let read_at = clock::now();
        let request_bytes = client.body().len() as u64;
        let shared = if Outgoing::is_small(client.body().len()) { Bytes::new() } else { client.take_body() };
        let wire = std::mem::take(&mut client.scratch().wire);
        let bytes = if shared.is_empty() { client.body() } else { &shared };
        let ready = prepare(intake, accepted, asked, peeker, wire, Body { bytes, shared: &shared });
        drop(shared);
        let Ready { target, undeclared, prepared } = match ready {
            Ok(Way::Ask(ready)) => ready,
            Ok(Way::Estimate(body)) => return self.answer(client, intake, accepted, &body, ESTIMATED).await,
            Err(refusal) => {
                let ending = Ending { request_bytes, ..Ending::default() };
                return self.refuse(client, intake, Some(accepted), &refusal, ending).await;
            }
        };
        let Prepared { mut outgoing, stream, strip_usage, translator, losses } = prepared;
        if let Err(why) = target.upstream.authorise(&mut outgoing, intake.at).await {
            log::warn!("provider {}: {why}", target.upstream.provider.name);
            let ending = Ending { request_bytes, target: Some((target, asked.inference)), ..Ending::default() };
            return self.refuse(client, intake, Some(accepted), &Refusal::no_access(), ending).await;
        }
        let lines = AnswerLines {
            request_id: &intake.request_id,
            started: read_at,
            at: intake.at,
            undeclared: undeclared.as_deref(),
            dialect: intake.dialect,
            losses: &losses,
        };
        let kind = translator.as_ref().map(|translator| match translator.streams() && !translator.as_array() {
            true => BodyKind::Events,
            false => BodyKind::Json,
        });
        let job = Job { target: &target, terms: self.terms(intake.dialect, strip_usage), kind, lines };
        let relayed = relay(client, job, outgoing, translator).await;
        let ending = Ending {
            target: Some((target, asked.inference)),
            stream,
            request_bytes,
            overhead_us: answer::overhead_us(read_at, relayed.times.first_forward.unwrap_or(read_at), &relayed.times),
            losses,
            ..Ending::default()
        };
        self.settle(client, intake, accepted, relayed, ending).await;
    }

    fn terms(&self, client: Dialect, strip_usage: bool) -> Terms {
        Terms {
            client,
            strip_usage,
            hold_bytes_max: self.limits.hold_bytes_max,
            translate_bytes_max: self.limits.body_bytes_max,
            hold_head: Duration::ZERO,
            keep_alive: KEEP_ALIVE,
            connect: self.deadlines.connect,
            first_byte: self.deadlines.first_byte,
            between_chunks: self.deadlines.between_chunks,
            total: self.deadlines.total,
        }
    }

    /// Tells the client how a request ended that has no answer, and books it.
    async fn settle<C: Client>(
        &self,
        client: &mut C,
        intake: &Intake,
        accepted: &Accepted,
        relayed: Relayed,
        mut ending: Ending,
    ) {
        let scratch = client.scratch();
        (scratch.wire, scratch.window, scratch.outputs) = (relayed.wire, relayed.window, relayed.outputs);
        (ending.bill, ending.times, ending.answer_bytes) = (relayed.bill, relayed.times, relayed.answer_bytes);
        ending.status = 200;
        match relayed.outcome {
            Outcome::Complete => ending.outcome = "complete",
            Outcome::ClientGone => (ending.status, ending.outcome) = (499, "client_gone"),
            Outcome::Refused { status } => {
                let Some((target, _)) = &ending.target else { return };
                let error = ProviderError::read(&relayed.refusal_body);
                let redact = |text: &str| target.upstream.redact(text);
                let refusal = Refusal::from_provider(status, error, relayed.retry_after, redact);
                log::info!("provider {} answered {status}", target.upstream.provider.name);
                ending.outcome = "provider_refused";
                return self.refuse(client, intake, Some(accepted), &refusal, ending).await;
            }
            Outcome::Failed(fault) => {
                self.note_fault(&ending, fault);
                ending.outcome = fault.reason();
                return self.refuse(client, intake, Some(accepted), &fault.into(), ending).await;
            }
            Outcome::Broken(fault) => {
                self.note_fault(&ending, fault);
                ending.outcome = fault.reason();
                let events = relayed.events;
                ending.code = Some(break_off(client, intake, fault, relayed.writer, events).await);
            }
        }
        self.record(intake, Some(accepted), ending);
    }

    fn note_fault(&self, ending: &Ending, fault: UpstreamFault) {
        if let Some((target, _)) = &ending.target {
            self.metrics.count_fault(fault.reason(), &target.upstream.provider.name);
        }
    }

    async fn refuse<C: Client>(
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
    async fn answer<C: Client>(
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

/// A request that can be sent.
struct Ready {
    target: Arc<Target>,
    undeclared: Option<Box<str>>,
    prepared: Prepared,
}

/// What becomes of a request that may go on.
enum Way {
    /// A provider is asked.
    Ask(Ready),
    /// The answer is an estimate of our own.
    Estimate(Vec<u8>),
}

/// Finds the target of a request and what it is sent.
fn prepare(
    intake: &Intake,
    accepted: &Accepted,
    asked: &Asked,
    peeker: Peeker,
    wire: Vec<u8>,
    body: Body<'_>,
) -> Result<Way, Refusal> {
    let peek = peeker.finish_for(body.bytes, asked.model.as_deref()).map_err(|error| Refusal::from(&error))?;
    if asked.inference == Inference::Responses
        && let Some(member) = peek.state
    {
        return Err(Refusal::stateful(member));
    }
    let Destination { target, rename, undeclared } = plan(&accepted.world, &accepted.key, &peek.model)?;
    if asked.inference.counts()
        && target.upstream.provider.dialect_for(asked.inference.dialect()) != asked.inference.dialect()
    {
        return counting::estimate(asked.inference, body.bytes).map(Way::Estimate);
    }
    let model = rename.or(target.provider_model.as_deref()).unwrap_or(&peek.model);
    let request =
        Request { asked, body, peek: &peek, model, passed: &accepted.passed, id: &intake.request_id, at: intake.at };
    let prepared = attempt::prepare(wire, &target, &request)?;
    if accepted.key.refuse_lossy && !prepared.losses.is_empty() {
        return Err(Refusal::lossy(&prepared.losses));
    }
    let undeclared = undeclared.map(Box::from);
    Ok(Way::Ask(Ready { target, undeclared, prepared }))
}

/// Ends an answer of which the client has a part: events by an event that says so, anything else by breaking off.
async fn break_off<C: Client>(
    client: &mut C,
    intake: &Intake,
    fault: UpstreamFault,
    writer: Option<Writer>,
    events: bool,
) -> Box<str> {
    let refusal = Refusal::from(fault);
    let mut last = Vec::new();
    let writer = writer.or_else(|| {
        // A blank line first ends an event of which the client may have a part.
        last.extend_from_slice(b"\n\n");
        events.then(|| Writer::new(intake.dialect, Frame::default(), false))
    });
    match writer {
        Some(mut writer) => {
            writer.fail(&refusal.failure(intake.dialect, intake.request_id.as_str()), &mut last);
            // A client that is gone meanwhile needs no event.
            let _ = client.flush(&last, true).await;
        }
        None => client.abort(),
    }
    refusal.code
}
