//! One request's way from arrival to its end, and each of its attempts.

use router_core::domain::Tick;

use super::agenda::Event;
use super::oracle;
use super::{ATTEMPTS_MAX, BUDGET_MAX, BUDGET_PER_REQUEST, Engine, IDLE_S, Mind};
use crate::provider::{Reception, Service, Visit, usage};
use crate::report::{ClientError, Ending};
use crate::strategy::{Ask, Attempt, Choice, Failure, LimitsLeft, Outcome, Strategy};
use crate::units::{after, between, micros, whole};

/// A strategy that wants to be asked again is not asked sooner than this.
const WAIT_MIN_S: f64 = 0.02;
/// A strategy that changes its mind when an attempt is about to leave is asked again after this.
const ASK_AGAIN_S: f64 = 0.001;

/// Where a request stands.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    tried: Vec<usize>,
    waited_s: f64,
    live: Option<usize>,
    has_token: bool,
    ended: bool,
}

/// Where an attempt stands.
#[derive(Debug)]
pub(super) struct Flight {
    request: usize,
    deployment: usize,
    tries: u64,
    sent_at: Tick,
    first_at: Option<Tick>,
    phase: Phase,
    /// What the head of the answer will say of limits.
    limits: Option<LimitsLeft>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    /// Nobody serves it: it fails soon, or is never heard of.
    Lost,
    Queued,
    Served(Service),
    Ended,
}

impl Engine<'_> {
    pub(super) fn arrive(&mut self, request: usize, now: Tick) {
        if let Some(next) = self.job.requests.get(request + 1) {
            self.agenda.put(next.at, Event::Arrive(request + 1));
        }
        self.exchanges.push(Exchange::default());
        let gateway = &mut self.gateways[self.job.requests[request].replica];
        gateway.retry_budget = (gateway.retry_budget + BUDGET_PER_REQUEST).min(BUDGET_MAX);
        self.agenda.put(after(now, self.job.patience_s), Event::Impatient(request));
        self.ask(request, now);
    }

    pub(super) fn ask(&mut self, request: usize, now: Tick) {
        if self.exchanges[request].ended {
            return;
        }
        match self.choose(request, now) {
            Choice::Send { deployment, delay_s, timeout_s } => {
                if !self.exchanges[request].tried.is_empty() {
                    let gateway = &mut self.gateways[self.job.requests[request].replica];
                    if gateway.retry_budget < 1.0 {
                        return self.fail_request(request, ClientError::Exhausted, now);
                    }
                    gateway.retry_budget -= 1.0;
                }
                let event = Event::Depart(request, deployment, micros(timeout_s));
                if delay_s > 0.0 {
                    self.agenda.put(after(now, delay_s), event);
                } else {
                    self.handle(event, now);
                }
            }
            Choice::Wait { until } => {
                let until = until.max(after(now, WAIT_MIN_S));
                self.exchanges[request].waited_s += between(now, until);
                self.agenda.put(until, Event::Ask(request));
            }
            Choice::Refuse => self.fail_request(request, ClientError::Refused, now),
        }
    }

    fn choose(&mut self, number: usize, now: Tick) -> Choice {
        let request = &self.job.requests[number];
        let tried = &self.exchanges[number].tried;
        let ask = Ask {
            request: number as u64,
            arrived: request.at,
            waited_s: self.exchanges[number].waited_s,
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            prefix: &request.prefix,
            user: request.user,
            fits: self.fits(request),
        };
        if ask.fits.is_empty() {
            return Choice::Refuse;
        }
        match &mut self.gateways[request.replica].mind {
            Mind::Strategy(strategy) => strategy.choose(&ask, tried, now),
            Mind::Oracle => {
                let visit =
                    Visit { attempt: self.flights.len(), request, number: ask.request, tries: tried.len() as u64 };
                oracle::choose(self.job, &mut self.providers, ask.open(tried), visit, now)
            }
        }
    }

    pub(super) fn depart(&mut self, request: usize, deployment: usize, timeout: u64, now: Tick) {
        if self.exchanges[request].ended {
            return;
        }
        let number = self.flights.len();
        let tries = self.exchanges[request].tried.len() as u64;
        let flight =
            Flight { request, deployment, tries, sent_at: now, first_at: None, phase: Phase::Lost, limits: None };
        self.flights.push(flight);
        if self.tell(number, |strategy, attempt| strategy.sent(attempt, now)) == Some(false) {
            self.flights.pop();
            return self.agenda.put(after(now, ASK_AGAIN_S), Event::Ask(request));
        }
        self.report.attempts[deployment] += 1;
        self.exchanges[request].tried.push(deployment);
        self.exchanges[request].live = Some(number);
        let reception = self.providers.receive(deployment, visit(self.job, &self.flights, number), now);
        self.flights[number].limits = self.providers.limits_left(deployment, now);
        match reception {
            Reception::Fails(after_s, failure) => self.agenda.put(after(now, after_s), Event::Fail(number, failure)),
            Reception::Silent => {}
            Reception::Queued => {
                self.flights[number].phase = Phase::Queued;
                self.advance(deployment, now);
            }
            Reception::Served(service) => self.served(number, service, now),
        }
        let given_up = Tick(now.0.saturating_add(timeout));
        self.agenda.put(given_up, Event::Fail(number, Failure::FirstTokenTimeout));
    }

    fn served(&mut self, number: usize, service: Service, now: Tick) {
        self.flights[number].phase = Phase::Served(service);
        let event = if service.fails { Event::Fail(number, Failure::Status5xx) } else { Event::First(number) };
        self.agenda.put(after(now, service.first_s), event);
    }

    pub(super) fn first(&mut self, number: usize, now: Tick) {
        let Phase::Served(service) = self.flights[number].phase else { return };
        let Flight { request, deployment, .. } = self.flights[number];
        self.flights[number].first_at = Some(now);
        self.exchanges[request].has_token = true;
        self.providers.remember(deployment, &self.job.requests[request], now);
        self.tell_limits(number, now);
        self.tell(number, |strategy, attempt| strategy.first(attempt, now));
        match service.stalls {
            Some(part) => {
                let at = after(now, service.decode_s * part + IDLE_S);
                self.agenda.put(at, Event::Fail(number, Failure::Broken));
            }
            None => self.agenda.put(after(now, service.decode_s), Event::Last(number)),
        }
    }

    pub(super) fn last(&mut self, number: usize, now: Tick) {
        let Phase::Served(service) = self.flights[number].phase else { return };
        let Flight { request, first_at, .. } = self.flights[number];
        let output_tokens = self.job.requests[request].output_tokens;
        self.bill(number, service.cached_tokens, output_tokens);
        let outcome = Outcome::Complete { output_tokens, cached_tokens: service.cached_tokens };
        self.end_attempt(number, &outcome, now);
        let first_at = first_at.unwrap_or(now);
        let first_s = between(self.job.requests[request].at, first_at);
        self.end_request(request, Ending::Served { first_s, decode_s: between(first_at, now) });
    }

    pub(super) fn fail(&mut self, number: usize, failure: Failure, now: Tick) {
        let Flight { request, first_at, phase, .. } = self.flights[number];
        // A timer of an attempt that has a token, or has ended, means nothing any more.
        if phase == Phase::Ended || (failure == Failure::FirstTokenTimeout && first_at.is_some()) {
            return;
        }
        if failure.is_throttle() {
            self.tell_limits(number, now);
        }
        self.bill_failed(number, failure);
        self.end_attempt(number, &Outcome::Failed(failure), now);
        if let Some(first_at) = first_at {
            let after_s = between(self.job.requests[request].at, first_at);
            return self.end_request(request, Ending::Failed { after_s, error: ClientError::Broken });
        }
        self.next_attempt(request, now);
    }

    fn next_attempt(&mut self, request: usize, now: Tick) {
        if self.exchanges[request].tried.len() >= ATTEMPTS_MAX {
            return self.fail_request(request, ClientError::Exhausted, now);
        }
        self.ask(request, now);
    }

    pub(super) fn impatient(&mut self, request: usize, now: Tick) {
        let Exchange { live, has_token, ended, .. } = self.exchanges[request];
        if ended || has_token {
            return;
        }
        if let Some(number) = live {
            self.bill_failed(number, Failure::FirstTokenTimeout);
            self.end_attempt(number, &Outcome::ClientGone, now);
        }
        self.fail_request(request, ClientError::Impatient, now);
    }

    fn fail_request(&mut self, request: usize, error: ClientError, now: Tick) {
        let after_s = between(self.job.requests[request].at, now);
        self.end_request(request, Ending::Failed { after_s, error });
    }

    fn end_request(&mut self, request: usize, ending: Ending) {
        self.exchanges[request].ended = true;
        self.report.ended(ending, self.job.weights);
    }

    /// Takes an attempt off its provider and tells the strategy.
    fn end_attempt(&mut self, number: usize, outcome: &Outcome, now: Tick) {
        let Flight { request, deployment, phase, .. } = self.flights[number];
        self.flights[number].phase = Phase::Ended;
        self.exchanges[request].live = None;
        match phase {
            Phase::Lost | Phase::Ended => {}
            Phase::Queued => self.providers.abandon(deployment, number),
            Phase::Served(_) => self.providers.leave(deployment),
        }
        self.tell(number, |strategy, attempt| strategy.done(attempt, outcome, now));
        self.advance(deployment, now);
    }

    /// Serves those in line for whom there are slots.
    fn advance(&mut self, deployment: usize, now: Tick) {
        while let Some(next) = self.providers.next_in_line(deployment, now) {
            let service = self.providers.serve(deployment, visit(self.job, &self.flights, next), now);
            self.served(next, service, now);
        }
    }

    /// A prompt that was read is paid, and so is what was written of an answer; a refusal costs nothing.
    fn bill_failed(&mut self, number: usize, failure: Failure) {
        let flight = &self.flights[number];
        let Phase::Served(service) = flight.phase else { return };
        let output_tokens = self.job.requests[flight.request].output_tokens;
        match failure {
            Failure::Broken => {
                let written = service.stalls.unwrap_or(1.0) * output_tokens as f64;
                self.bill(number, service.cached_tokens, whole(written));
            }
            Failure::FirstTokenTimeout => self.bill(number, service.cached_tokens, 0),
            Failure::Connect | Failure::Status5xx | Failure::Throttled { .. } => {}
        }
    }

    fn bill(&mut self, number: usize, cached_tokens: u64, output_tokens: u64) {
        let Flight { request, deployment, .. } = self.flights[number];
        let prompt_tokens = self.job.requests[request].prompt_tokens;
        let deployment = &self.job.world.deployments[deployment];
        let used = usage(deployment, prompt_tokens, cached_tokens, output_tokens);
        self.report.prompt_tokens += prompt_tokens;
        self.report.cached_tokens += cached_tokens;
        // A world whose prices overflow a sum of money is not worth a comparison: the cost stays out.
        self.report.spend(deployment.price.charge(&used).unwrap_or_default());
    }

    fn tell<T>(&mut self, number: usize, what: impl FnOnce(&mut dyn Strategy, &Attempt<'_>) -> T) -> Option<T> {
        let flight = &self.flights[number];
        let request = &self.job.requests[flight.request];
        let attempt = Attempt {
            id: number as u64,
            request: flight.request as u64,
            deployment: flight.deployment,
            sent_at: flight.sent_at,
            first_at: flight.first_at,
            prompt_tokens: request.prompt_tokens,
            max_tokens: request.max_tokens,
            prefix: &request.prefix,
        };
        match &mut self.gateways[request.replica].mind {
            Mind::Strategy(strategy) => Some(what(strategy.as_mut(), &attempt)),
            Mind::Oracle => None,
        }
    }

    fn tell_limits(&mut self, number: usize, now: Tick) {
        if let Some(left) = self.flights[number].limits {
            self.tell(number, |strategy, attempt| strategy.limits(attempt, &left, now));
        }
    }
}

fn visit<'a>(job: &super::Job<'a>, flights: &[Flight], number: usize) -> Visit<'a> {
    let flight = &flights[number];
    Visit {
        attempt: number,
        request: &job.requests[flight.request],
        number: flight.request as u64,
        tries: flight.tries,
    }
}
