//! The way of a request through the stages. Takes no decision of its own: each stage decides, the exchange decides.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use prometheus::IntGauge;
use router_core::dialect::openai::{Peeker, ProviderError};
use router_core::domain::{Tick, Timestamp};
use router_core::exchange::{Outcome, Terms, UpstreamFault};
use router_core::snapshot::{Key, Snapshot};

use crate::access_log::{Logger, Record};
use crate::answer::{self, AnswerLines};
use crate::client::Client;
use crate::clock;
use crate::config::{Deadlines, GatewayConfig, Limits};
use crate::feed::PublishError;
use crate::http1::RequestHead;
use crate::metrics::Metrics;
use crate::request_id::RequestIdText;
use crate::respond::Refusal;
use crate::route::{Inference, Route};
use crate::server::StartError;
use crate::stage::admit::{self, NotAdmitted};
use crate::stage::attempt::{self, Body, Prepared};
use crate::stage::authenticate::authenticate;
use crate::stage::listing;
use crate::stage::plan::plan;
use crate::stage::settle::Bill;
use crate::stage::stream::{Job, Relayed, Times, relay};
use crate::upstream::{Credentials, Outgoing};
use crate::world::{Target, World};

/// What all connections share.
pub(crate) struct Gateway {
    pub(crate) limits: Limits,
    pub(crate) deadlines: Deadlines,
    pub(crate) metrics: Metrics,
    world: ArcSwapOption<World>,
    logger: Option<Logger>,
    stopping: AtomicBool,
}

/// A request whose head was read.
pub(crate) struct Intake {
    request_id: RequestIdText,
    client: Option<SocketAddr>,
    at: Timestamp,
    started: Tick,
    route: &'static str,
    verdict: Result<Accepted, Refusal>,
}

/// A request that may be served.
struct Accepted {
    route: Route,
    key: Arc<Key>,
    world: Arc<World>,
}

/// Counts a request as long as it lives.
struct InFlight<'g>(&'g IntGauge);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// What the log is told of a request beyond its head.
#[derive(Default)]
struct Ending {
    status: u16,
    outcome: &'static str,
    code: Option<Box<str>>,
    target: Option<(Arc<Target>, Inference)>,
    stream: bool,
    request_bytes: u64,
    answer_bytes: u64,
    overhead_us: u64,
    times: Times,
    bill: Bill,
}

impl Gateway {
    pub(crate) fn new(config: &GatewayConfig) -> Result<Self, StartError> {
        Ok(Self {
            limits: config.limits,
            deadlines: config.deadlines,
            metrics: Metrics::new().map_err(StartError::Metrics)?,
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
        let route = Route::find(head.method, head.path);
        let label = route.as_ref().map_or("unknown", Route::label);
        let verdict = match route {
            Err(missing) => Err(missing.into()),
            Ok(route) => self.accept(route, head, at),
        };
        let request_id = RequestIdText::take_or_make(head.request_id.or(head.client_request_id), at);
        Intake { request_id, client, at, started: clock::now(), route: label, verdict }
    }

    /// A request whose head was not even readable.
    pub(crate) fn unreadable(&self, refusal: Refusal, client: Option<SocketAddr>) -> Intake {
        let at = clock::timestamp();
        let request_id = RequestIdText::take_or_make(None, at);
        Intake { request_id, client, at, started: clock::now(), route: "unknown", verdict: Err(refusal) }
    }

    fn accept(&self, route: Route, head: &RequestHead<'_>, at: Timestamp) -> Result<Accepted, Refusal> {
        let world = self.world.load_full().ok_or_else(Refusal::no_snapshot)?;
        let key = authenticate(&world.snapshot, head, at)?;
        match head.content_encoding.filter(|encoding| !encoding.eq_ignore_ascii_case("identity")) {
            Some(encoding) => Err(Refusal::encoded_body(encoding)),
            None => Ok(Accepted { route, key, world }),
        }
    }

    /// Answers a request. Whatever happens, the client got an answer or is gone, and the request is in the log.
    pub(crate) async fn serve<C: Client>(&self, client: &mut C, intake: Intake) {
        self.metrics.in_flight.inc();
        let _in_flight = InFlight(&self.metrics.in_flight);
        match &intake.verdict {
            Err(refusal) => self.refuse(client, &intake, None, refusal, Ending::default()).await,
            Ok(accepted) => match &accepted.route {
                Route::Inference(inference) => self.infer(client, &intake, accepted, *inference).await,
                Route::Models => {
                    let body = listing::models(&accepted.world.snapshot, &accepted.key);
                    self.answer(client, &intake, accepted, &body).await;
                }
                Route::Model(id) => match listing::model(&accepted.world.snapshot, &accepted.key, id) {
                    Some(body) => self.answer(client, &intake, accepted, &body).await,
                    None => {
                        let refusal = Refusal::no_route(router_core::plan::NoRoute::UnknownModel, id);
                        self.refuse(client, &intake, Some(accepted), &refusal, Ending::default()).await;
                    }
                },
            },
        }
    }

    async fn infer<C: Client>(&self, client: &mut C, intake: &Intake, accepted: &Accepted, inference: Inference) {
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
        let request_bytes = client.body().len();
        let shared = if Outgoing::is_small(request_bytes) { Bytes::new() } else { client.take_body() };
        let wire = std::mem::take(&mut client.scratch().wire);
        let bytes = if shared.is_empty() { client.body() } else { &shared };
        let ready = match self.prepare(accepted, inference, peeker, wire, Body { bytes, shared: &shared }) {
            Ok(ready) => ready,
            Err(refusal) => {
                let ending = Ending { request_bytes: request_bytes as u64, ..Ending::default() };
                return self.refuse(client, intake, Some(accepted), &refusal, ending).await;
            }
        };
        drop(shared);
        let Ready { target, undeclared, stream, prepared: Prepared { outgoing, strip_usage } } = ready;
        let lines = AnswerLines {
            request_id: &intake.request_id,
            started: read_at,
            at: intake.at,
            undeclared: undeclared.as_deref(),
        };
        let job = Job { target: &target, inference, terms: self.terms(strip_usage), lines };
        let relayed = relay(client, job, outgoing).await;
        let ending = Ending {
            target: Some((target, inference)),
            stream,
            request_bytes: request_bytes as u64,
            overhead_us: answer::overhead_us(read_at, relayed.times.first_forward.unwrap_or(read_at), &relayed.times),
            ..Ending::default()
        };
        self.settle(client, intake, accepted, relayed, ending).await;
    }

    fn prepare(
        &self,
        accepted: &Accepted,
        inference: Inference,
        peeker: Peeker,
        wire: Vec<u8>,
        body: Body<'_>,
    ) -> Result<Ready, Refusal> {
        let peek = peeker.finish(body.bytes).map_err(|error| Refusal::from(&error))?;
        let destination = plan(&accepted.world, &accepted.key, &peek.model)?;
        let target = destination.target;
        let model = destination.rename.or(target.provider_model.as_deref()).unwrap_or(&peek.model);
        let prepared = attempt::prepare(wire, &target, inference, body, &peek, model);
        let undeclared = destination.undeclared.map(Box::from);
        Ok(Ready { stream: peek.stream, undeclared, prepared, target })
    }

    fn terms(&self, strip_usage: bool) -> Terms {
        Terms {
            strip_usage,
            hold_bytes_max: self.limits.hold_bytes_max,
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
                ending.code = Some(self.break_off(client, fault, relayed.events).await);
            }
        }
        self.record(intake, Some(accepted), ending);
    }

    fn note_fault(&self, ending: &Ending, fault: UpstreamFault) {
        if let Some((target, _)) = &ending.target {
            self.metrics.count_fault(fault.reason(), &target.upstream.provider.name);
        }
    }

    /// Ends an answer of which the client has a part: events by an event that says so, anything else by breaking off.
    async fn break_off<C: Client>(&self, client: &mut C, fault: UpstreamFault, events: bool) -> Box<str> {
        let refusal = Refusal::from(fault);
        if events {
            // A client that is gone meanwhile needs no event.
            let _ = client.flush(&refusal.event(), true).await;
        } else {
            client.abort();
        }
        refusal.code
    }

    async fn refuse<C: Client>(
        &self,
        client: &mut C,
        intake: &Intake,
        accepted: Option<&Accepted>,
        refusal: &Refusal,
        mut ending: Ending,
    ) {
        let body = refusal.body();
        let mut lines = std::mem::take(&mut client.scratch().lines);
        answer::start(&mut lines, &intake.request_id, intake.at);
        refusal.write_lines(&mut lines);
        client.begin(refusal.status, &lines, Some(body.len()));
        client.scratch().lines = lines;
        // A client that is gone meanwhile needs no error.
        let _ = client.flush(&body, true).await;
        ending.status = refusal.status;
        ending.answer_bytes = body.len() as u64;
        ending.code = Some(refusal.code.clone());
        if ending.outcome.is_empty() {
            ending.outcome = "refused";
        }
        self.record(intake, accepted, ending);
    }

    async fn answer<C: Client>(&self, client: &mut C, intake: &Intake, accepted: &Accepted, body: &[u8]) {
        let mut lines = std::mem::take(&mut client.scratch().lines);
        answer::start(&mut lines, &intake.request_id, intake.at);
        lines.extend_from_slice(b"content-type: application/json\r\n");
        client.begin(200, &lines, Some(body.len()));
        client.scratch().lines = lines;
        let sent = client.flush(body, true).await.is_ok();
        let (status, outcome) = if sent { (200, "complete") } else { (499, "client_gone") };
        let ending = Ending { status, outcome, answer_bytes: body.len() as u64, ..Ending::default() };
        self.record(intake, Some(accepted), ending);
    }

    /// Counts and logs a request.
    fn record(&self, intake: &Intake, accepted: Option<&Accepted>, ending: Ending) {
        let now = clock::now();
        let total_us = now.micros_since(intake.started);
        match &ending.target {
            None => self.metrics.count_refused(intake.route, ending.status),
            Some((target, inference)) => {
                self.metrics.count(&target.metrics, *inference, ending.status);
                self.measure(target, &ending, intake.started, now);
            }
        }
        let Some(logger) = &self.logger else { return };
        let record = Record {
            at: intake.at,
            request_id: intake.request_id,
            client: intake.client,
            route: intake.route,
            key: accepted.map(|accepted| (accepted.key.id, accepted.key.tenant)),
            target: ending.target.map(|(target, _)| target),
            status: ending.status,
            outcome: ending.outcome,
            code: ending.code,
            stream: ending.stream,
            request_bytes: ending.request_bytes,
            answer_bytes: ending.answer_bytes,
            total_us,
            overhead_us: ending.overhead_us,
            first_byte_us: ending.times.first_byte.map(|at| at.micros_since(intake.started)),
            usage: ending.bill.usage,
            cost: ending.bill.cost,
        };
        if !logger.push(record) {
            self.metrics.log_dropped.inc();
        }
    }

    fn measure(&self, target: &Target, ending: &Ending, started: Tick, now: Tick) {
        let metrics = &target.metrics;
        metrics.request_seconds.observe(seconds(now.micros_since(started)));
        if let Some(sent) = ending.times.sent {
            metrics.upstream_seconds.observe(seconds(now.micros_since(sent)));
        }
        if let Some(first) = ending.times.first_forward {
            self.metrics.overhead_seconds.observe(seconds(ending.overhead_us));
            if ending.stream {
                metrics.first_token_seconds.observe(seconds(first.micros_since(started)));
            }
            if ending.bill.usage.provenance == router_core::domain::Provenance::Missing {
                self.metrics.uncounted.inc();
            } else if ending.bill.cost.is_none() {
                self.metrics.unpriced.inc();
            }
        }
        metrics.count_usage(&ending.bill.usage, ending.bill.cost);
    }
}

/// A request that can be sent.
struct Ready {
    target: Arc<Target>,
    undeclared: Option<Box<str>>,
    stream: bool,
    prepared: Prepared,
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
