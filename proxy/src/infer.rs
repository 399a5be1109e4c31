//! The way of a question: to one deployment, and to others while the client has nothing.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use router_core::dialect::Frame;
use router_core::dialect::features::Features;
use router_core::dialect::openai::{Peek, Peeker, ProviderError};
use router_core::dialect::translate::Writer;
use router_core::domain::Tick;
use router_core::exchange::{BodyKind, Outcome, Terms, UpstreamFault};
use router_core::plan::{Choice, Ticket};

use crate::answer::{self, AnswerLines};
use crate::client::{Client, Gone};
use crate::clock;
use crate::ending::Ending;
use crate::gateway::{Accepted, Gateway, Intake};
use crate::respond::Refusal;
use crate::route::{Asked, Inference};
use crate::stage::admit::{self, NotAdmitted};
use crate::stage::attempt::{self, Body, Prepared, Request};
use crate::stage::counting;
use crate::stage::plan::{Attempted, Bounds, Journey, Next};
use crate::stage::stream::{Flight, Job, Relayed, relay};
use crate::upstream::Outgoing;
use crate::world::Target;

/// A client that waits for events hears from us at least this often.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream is kept from the client for so long at most while another deployment could take over.
const HOLD_HEAD: Duration = Duration::from_secs(10);
/// Says that tokens were not counted: nobody who can was there to ask.
const ESTIMATED: &[u8] = b"x-tollgate-tokens-source: estimated\r\n";

/// A request whose body was read and understood as far as we need it.
struct Question<'q> {
    intake: &'q Intake,
    accepted: &'q Accepted,
    asked: &'q Asked,
    peek: Peek<'q>,
    /// The body, if it is too large to be copied; else the client has it.
    shared: Bytes,
    bytes: u64,
    /// When all of it was here.
    read_at: Tick,
}

/// What becomes of a question next.
enum Step {
    /// A provider is asked.
    Ask(Ready),
    /// It is looked at again, then.
    Wait(Tick),
    /// The answer is an estimate of our own.
    Estimate(Vec<u8>),
}

/// An attempt that can be made.
struct Ready {
    target: Arc<Target>,
    /// The model's name at an undeclared target.
    undeclared: Option<Box<str>>,
    choice: Choice,
    prepared: Prepared,
}

/// An attempt that was made.
struct Tried {
    relayed: Relayed,
    ending: Ending,
}

/// What an attempt came to.
enum Verdict {
    /// That is how the request ended.
    Final(Tried),
    /// Somebody else may do better, and the client knows of nothing.
    Again(Tried),
    /// Others took the place meanwhile: nothing was sent.
    Late,
    /// The client left before anything was sent.
    Gone,
}

impl Gateway {
    /// Answers a question.
    pub(crate) async fn infer<C: Client>(&self, client: &mut C, intake: &Intake, accepted: &Accepted, asked: &Asked) {
        let peeker = match admit::read_body(client, &self.limits).await {
            Ok(peeker) => peeker,
            Err(NotAdmitted::Gone) => return self.record(intake, Some(accepted), Ending::gone(0)),
            Err(NotAdmitted::Refused(refusal)) => {
                return self.refuse(client, intake, Some(accepted), &refusal, Ending::default()).await;
            }
        };
        let read_at = clock::now();
        let bytes = client.body().len() as u64;
        let shared = if Outgoing::is_small(client.body().len()) { Bytes::new() } else { client.take_body() };
        let mut model = std::mem::take(&mut client.scratch().model);
        let body = if shared.is_empty() { client.body() } else { &shared };
        let peek = match understand(peeker, body, asked, &mut model) {
            Ok(peek) => peek,
            Err(refusal) => {
                let ending = Ending { request_bytes: bytes, ..Ending::default() };
                return self.refuse(client, intake, Some(accepted), &refusal, ending).await;
            }
        };
        let question = Question { intake, accepted, asked, peek, shared, bytes, read_at };
        self.find_answer(client, &question).await;
        drop(question);
        client.scratch().model = model;
    }

    async fn find_answer<C: Client>(&self, client: &mut C, question: &Question<'_>) {
        let (intake, accepted) = (question.intake, Some(question.accepted));
        let buffers = std::mem::take(&mut client.scratch().places);
        let key = &question.accepted.key;
        let (world, model) = (question.accepted.world(), &question.peek.model);
        let features = question.features(client.body());
        let begun = Journey::begin(world, key, model, question.bounds(), &features, buffers);
        let mut journey = match begun {
            Ok(journey) => journey,
            Err(refusal) => return self.refuse(client, intake, accepted, &refusal, question.ending()).await,
        };
        let mut last = None;
        let tried = loop {
            let wire = std::mem::take(&mut client.scratch().wire);
            match question.next(&mut journey, client.body(), wire) {
                Ok(Step::Ask(ready)) => match self.attempt(client, question, &mut journey, ready).await {
                    Verdict::Final(tried) => break tried,
                    Verdict::Again(tried) => last = Some(tried),
                    Verdict::Late => {}
                    Verdict::Gone => return self.record(intake, accepted, Ending::gone(question.bytes)),
                },
                Ok(Step::Wait(until)) => {
                    if pause(client, until).await.is_err() {
                        return self.record(intake, accepted, Ending::gone(question.bytes));
                    }
                }
                Ok(Step::Estimate(body)) => {
                    return self.answer(client, intake, question.accepted, &body, ESTIMATED).await;
                }
                // What a provider said tells more than that there is nobody left to ask.
                Err(refusal) => match last {
                    Some(tried) => break tried,
                    None => return self.refuse(client, intake, accepted, &refusal, question.ending()).await,
                },
            }
        };
        client.scratch().places = journey.into_buffers();
        self.settle(client, intake, question.accepted, tried).await;
    }

    /// Asks one deployment.
    async fn attempt<C: Client>(
        &self,
        client: &mut C,
        question: &Question<'_>,
        journey: &mut Journey,
        ready: Ready,
    ) -> Verdict {
        let Ready { target, undeclared, choice, prepared } = ready;
        let Prepared { mut outgoing, stream, strip_usage, translator, losses } = prepared;
        if !choice.delay.is_zero() && pause(client, clock::now().after(choice.delay)).await.is_err() {
            return Verdict::Gone;
        }
        let Some(mut ticket) = journey.sent(&choice, clock::now()) else { return Verdict::Late };
        let attempts = journey.attempts() + 1;
        let mut relayed = match target.upstream.authorise(&mut outgoing, question.intake.at).await {
            Err(why) => {
                log::warn!("provider {}: {why}", target.upstream.provider.name);
                Relayed::not_sent(UpstreamFault::NoAccess)
            }
            Ok(()) => {
                let lines = AnswerLines {
                    request_id: &question.intake.request_id,
                    started: question.read_at,
                    at: question.intake.at,
                    undeclared: undeclared.as_deref(),
                    dialect: question.intake.dialect,
                    losses: &losses,
                    attempts,
                };
                let kind = translator.as_ref().map(|translator| match translator.streams() && !translator.as_array() {
                    true => BodyKind::Events,
                    false => BodyKind::Json,
                });
                let rescue = journey.has_others(&choice, clock::now()).then_some(choice.first_token_timeout);
                let terms = self.terms(question, strip_usage, rescue.filter(|_| stream));
                let (world, chain) = (journey.world(), journey.chain());
                let flight = Flight { world, ticket: &mut ticket, chain, stream };
                relay(client, Job { target: &target, terms, kind, lines, flight }, outgoing, translator).await
            }
        };
        relayed.give_back(client.scratch());
        let again = conclude(journey, ticket, &relayed);
        let ending = Ending {
            target: Some((target, question.asked.inference)),
            stream,
            overhead_us: overhead_us(question, &relayed),
            losses,
            attempts,
            ..question.ending()
        };
        let tried = Tried { relayed, ending };
        if again {
            self.note_setback(&tried);
            return Verdict::Again(tried);
        }
        Verdict::Final(tried)
    }

    /// The bounds of one attempt. With a rescue, somebody else takes over when there is no first word by then.
    fn terms(&self, question: &Question<'_>, strip_usage: bool, rescue: Option<Duration>) -> Terms {
        let spent = Duration::from_micros(clock::now().micros_since(question.read_at));
        Terms {
            client: question.intake.dialect,
            strip_usage,
            hold_bytes_max: self.limits.hold_bytes_max,
            translate_bytes_max: self.limits.body_bytes_max,
            hold_head: rescue.map_or(Duration::ZERO, |_| HOLD_HEAD),
            keep_alive: KEEP_ALIVE,
            connect: self.deadlines.connect,
            first_byte: rescue.map_or(self.deadlines.first_byte, |rescue| rescue.min(self.deadlines.first_byte)),
            between_chunks: self.deadlines.between_chunks,
            total: self.deadlines.total.saturating_sub(spent),
        }
    }

    /// Tells the client how a request ended that has no answer, and books it.
    async fn settle<C: Client>(&self, client: &mut C, intake: &Intake, accepted: &Accepted, tried: Tried) {
        let Tried { relayed, mut ending } = tried;
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

    /// Counts and logs an attempt that another one follows.
    fn note_setback(&self, tried: &Tried) {
        let Some((target, _)) = &tried.ending.target else { return };
        let name = &target.upstream.provider.name;
        match tried.relayed.outcome {
            Outcome::Refused { status } => log::info!("provider {name} answered {status}; trying again"),
            Outcome::Failed(fault) => {
                self.note_fault(&tried.ending, fault);
                log::info!("provider {name}: {fault}; trying again");
            }
            Outcome::Complete | Outcome::Broken(_) | Outcome::ClientGone => {}
        }
        self.metrics.count_retry(name);
    }

    fn note_fault(&self, ending: &Ending, fault: UpstreamFault) {
        if let Some((target, _)) = &ending.target {
            self.metrics.count_fault(fault.reason(), &target.upstream.provider.name);
        }
    }
}

impl Question<'_> {
    /// What its log line says of it already.
    fn ending(&self) -> Ending {
        Ending { request_bytes: self.bytes, ..Ending::default() }
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            max_tokens: self.peek.max_completion_tokens.or(self.peek.max_tokens),
            batch: !self.asked.inference.is_chat(),
            started: self.intake.started,
        }
    }

    fn streams(&self) -> bool {
        self.asked.stream.unwrap_or(self.peek.stream)
    }

    /// What routing may look at.
    fn features<'l>(&'l self, body: &'l [u8]) -> Features<'l> {
        Features {
            dialect: self.asked.inference.dialect(),
            body: if self.shared.is_empty() { body } else { &self.shared },
            peek: &self.peek,
            streams: self.streams(),
            session: self.accepted.hints().session(),
            metadata: self.accepted.hints().metadata(),
        }
    }

    /// Finds out what to do next. Who cannot be asked such a question is passed over.
    fn next(&self, journey: &mut Journey, body: &[u8], wire: Vec<u8>) -> Result<Step, Refusal> {
        let mut wire = Some(wire);
        loop {
            let choice = match journey.next(clock::now())? {
                Next::Send(choice) => choice,
                Next::Wait(until) => return Ok(Step::Wait(until)),
            };
            match self.prepare(journey, choice, body, wire.take().unwrap_or_default()) {
                Err(_) if journey.pass_over(&choice) => {}
                prepared => return prepared,
            }
        }
    }

    fn prepare(&self, journey: &Journey, choice: Choice, body: &[u8], wire: Vec<u8>) -> Result<Step, Refusal> {
        let target = Arc::clone(journey.target(&choice));
        let (inference, bytes) = (self.asked.inference, if self.shared.is_empty() { body } else { &self.shared });
        if inference.counts() && target.upstream.provider.dialect_for(inference.dialect()) != inference.dialect() {
            return counting::estimate(inference, bytes).map(Step::Estimate);
        }
        let undeclared = journey.undeclared_prefix().map(|prefix_bytes| &self.peek.model[prefix_bytes..]);
        let model = undeclared.or(target.provider_model.as_deref()).unwrap_or(&self.peek.model);
        let request = Request {
            asked: self.asked,
            body: Body { bytes, shared: &self.shared },
            peek: &self.peek,
            model,
            passed: self.accepted.passed(),
            id: &self.intake.request_id,
            at: self.intake.at,
        };
        let prepared = attempt::prepare(wire, &target, &request)?;
        if self.accepted.key.refuse_lossy && !prepared.losses.is_empty() {
            return Err(Refusal::lossy(&prepared.losses));
        }
        let undeclared = undeclared.map(Box::from);
        Ok(Step::Ask(Ready { target, undeclared, choice, prepared }))
    }
}

/// Reads what we need of a body. The model's name is kept in `model`, so that the body can go its own way.
fn understand<'m>(peeker: Peeker, body: &[u8], asked: &Asked, model: &'m mut String) -> Result<Peek<'m>, Refusal> {
    let peek = peeker.finish_for(body, asked.model.as_deref()).map_err(|error| Refusal::from(&error))?;
    if asked.inference == Inference::Responses
        && let Some(member) = peek.state
    {
        return Err(Refusal::stateful(member));
    }
    model.clear();
    model.push_str(&peek.model);
    Ok(peek.named(model))
}

/// Tells the plan how an attempt went; gives whether another one is to be made.
fn conclude(journey: &mut Journey, ticket: Ticket, relayed: &Relayed) -> bool {
    let attempted = Attempted { outcome: relayed.outcome, usage: relayed.report, retry_after: relayed.retry_after };
    journey.ended(ticket, &attempted, clock::now())
}

fn overhead_us(question: &Question<'_>, relayed: &Relayed) -> u64 {
    let head_at = relayed.times.first_forward.unwrap_or(question.read_at);
    answer::overhead_us(question.read_at, head_at, &relayed.times)
}

/// Waits, unless the client leaves.
async fn pause<C: Client>(client: &mut C, until: Tick) -> Result<(), Gone> {
    std::future::poll_fn(|cx| {
        if client.poll_gone(cx).is_ready() {
            return std::task::Poll::Ready(Err(Gone));
        }
        client.poll_deadline(cx, until).map(Ok)
    })
    .await
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
