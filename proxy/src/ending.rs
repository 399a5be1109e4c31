//! How a request ended, as metrics and log are told.

use std::sync::Arc;

use router_core::chat::Losses;
use router_core::domain::{Provenance, Tick};

use crate::access_log::Record;
use crate::clock;
use crate::gateway::{Accepted, Gateway, Intake};
use crate::route::Inference;
use crate::stage::settle::Bill;
use crate::stage::stream::Times;
use crate::world::Target;

/// What the log is told of a request beyond its head.
#[derive(Default)]
pub(crate) struct Ending {
    pub(crate) status: u16,
    pub(crate) outcome: &'static str,
    pub(crate) code: Option<Box<str>>,
    pub(crate) target: Option<(Arc<Target>, Inference)>,
    pub(crate) stream: bool,
    pub(crate) request_bytes: u64,
    pub(crate) answer_bytes: u64,
    pub(crate) overhead_us: u64,
    pub(crate) times: Times,
    pub(crate) bill: Bill,
    /// What the provider could not be told.
    pub(crate) losses: Losses,
    /// Attempts at providers.
    pub(crate) attempts: u32,
}

impl Ending {
    /// The client left before a provider was asked.
    pub(crate) fn gone(request_bytes: u64) -> Self {
        Self { status: 499, outcome: "client_gone", request_bytes, ..Self::default() }
    }
}

impl Gateway {
    /// Counts and logs a request.
    pub(crate) fn record(&self, intake: &Intake, accepted: Option<&Accepted>, ending: Ending) {
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
            losses: ending.losses,
            attempts: ending.attempts,
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
            if ending.bill.usage.provenance == Provenance::Missing {
                self.metrics.uncounted.inc();
            } else if ending.bill.cost.is_none() {
                self.metrics.unpriced.inc();
            }
        }
        metrics.count_usage(&ending.bill.usage, ending.bill.cost);
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
