//! What Prometheus scrapes. The only file that knows metric names; labels are closed sets, never a tenant or a key.
//!
//! Handles for a deployment are resolved once, when it is published: counting a request is a few atomic additions.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::{
    CounterVec, Encoder, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};
use router_core::domain::{Credits, Usage};

use crate::route::Inference;

/// Heap allocations of the process, counted by the binary's allocator.
pub static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// Seconds of our own work.
const OVERHEAD_BUCKETS: &[f64] =
    &[0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.05, 0.25, 1.0];
/// Seconds of a whole exchange.
const DURATION_BUCKETS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 900.0];

/// Statuses with a counter of their own; others are counted as `other`.
const STATUSES: [u16; 22] =
    [200, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 499, 500, 501, 502, 503, 504, 505, 529];

/// All metrics of the data plane.
pub(crate) struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    upstream_seconds: HistogramVec,
    first_token_seconds: HistogramVec,
    tokens: IntCounterVec,
    cost: CounterVec,
    faults: IntCounterVec,
    retries: IntCounterVec,
    pub(crate) overhead_seconds: Histogram,
    pub(crate) in_flight: IntGauge,
    pub(crate) unpriced: IntCounter,
    pub(crate) uncounted: IntCounter,
    pub(crate) log_dropped: IntCounter,
    allocations: IntCounter,
    connections: IntCounterVec,
    snapshot: IntGauge,
}

/// The handles of one deployment.
pub(crate) struct TargetMetrics {
    labels: [String; 2],
    codes: [[OnceLock<IntCounter>; STATUSES.len() + 1]; Inference::COUNT],
    pub(crate) request_seconds: Histogram,
    pub(crate) upstream_seconds: Histogram,
    pub(crate) first_token_seconds: Histogram,
    tokens: [IntCounter; TOKEN_TYPES.len()],
    cost: prometheus::Counter,
}

const TOKEN_TYPES: [&str; 5] = ["input", "cache_read", "cache_write", "output", "reasoning"];

impl Metrics {
    /// Registers everything.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let on = Registrar(&registry);
        let metrics = Self {
            requests: on.counters(
                "tollgate_requests_total",
                "Requests answered, by endpoint, model, provider and status.",
                &["route", "model", "provider", "code"],
            )?,
            request_seconds: on.seconds(
                "tollgate_request_duration_seconds",
                "From the request's head to the end of the answer.",
                &["model", "provider"],
            )?,
            upstream_seconds: on.seconds(
                "tollgate_upstream_duration_seconds",
                "From the request sent to the provider to the end of its answer.",
                &["model", "provider"],
            )?,
            first_token_seconds: on.seconds(
                "tollgate_time_to_first_token_seconds",
                "From the request's head to the first byte of content, for streams.",
                &["model", "provider"],
            )?,
            tokens: on.counters("tollgate_tokens_total", "Tokens as billed.", &["type", "model", "provider"])?,
            cost: on.money("tollgate_cost_usd_total", "What the tokens cost, for display.", &["model", "provider"])?,
            faults: on.counters(
                "tollgate_upstream_faults_total",
                "Attempts that failed, by reason.",
                &["reason", "provider"],
            )?,
            retries: on.counters(
                "tollgate_retries_total",
                "Attempts that failed and were followed by another, by the provider that failed.",
                &["provider"],
            )?,
            overhead_seconds: on.overhead(
                "tollgate_overhead_seconds",
                "Time to the head of the answer that was not spent waiting for the provider.",
            )?,
            in_flight: on.gauge("tollgate_in_flight", "Requests being answered.")?,
            unpriced: on.counter("tollgate_unpriced_requests_total", "Answered requests without a known price.")?,
            uncounted: on.counter("tollgate_uncounted_requests_total", "Answered requests without a token count.")?,
            log_dropped: on
                .counter("tollgate_access_log_dropped_total", "Log lines lost because the disk was slow.")?,
            allocations: on.counter("tollgate_allocations_total", "Heap allocations of the process.")?,
            connections: on.counters(
                "tollgate_upstream_connections_total",
                "Connections to providers, opened or used again.",
                &["provider", "event"],
            )?,
            snapshot: on.gauge("tollgate_snapshot_number", "The snapshot that is in force.")?,
            registry: registry.clone(),
        };
        Ok(metrics)
    }

    /// The handles of a deployment.
    pub(crate) fn target(&self, model: &str, provider: &str) -> TargetMetrics {
        let pair = [model, provider];
        TargetMetrics {
            labels: pair.map(str::to_owned),
            codes: Default::default(),
            request_seconds: self.request_seconds.with_label_values(&pair),
            upstream_seconds: self.upstream_seconds.with_label_values(&pair),
            first_token_seconds: self.first_token_seconds.with_label_values(&pair),
            tokens: TOKEN_TYPES.map(|kind| self.tokens.with_label_values(&[kind, model, provider])),
            cost: self.cost.with_label_values(&pair),
        }
    }

    /// Counts a request that reached a deployment.
    pub(crate) fn count(&self, target: &TargetMetrics, inference: Inference, status: u16) {
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        let counter = target.codes[inference as usize][at].get_or_init(|| {
            let [model, provider] = &target.labels;
            self.requests.with_label_values(&[inference.label(), model, provider, code_label(at)])
        });
        counter.inc();
    }

    /// Counts a request that reached no deployment.
    pub(crate) fn count_refused(&self, route: &str, status: u16) {
        let at = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len());
        self.requests.with_label_values(&[route, "", "", code_label(at)]).inc();
    }

    /// Counts an attempt that failed.
    pub(crate) fn count_fault(&self, reason: &str, provider: &str) {
        self.faults.with_label_values(&[reason, provider]).inc();
    }

    /// Counts an attempt at a provider that another one follows.
    pub(crate) fn count_retry(&self, provider: &str) {
        self.retries.with_label_values(&[provider]).inc();
    }

    /// Renders everything for a scrape. `connections` are provider, opened, reused; totals since the start.
    pub(crate) fn render<'p>(
        &self,
        snapshot: u64,
        connections: impl Iterator<Item = (&'p str, u64, u64)>,
    ) -> Result<Vec<u8>, prometheus::Error> {
        catch_up(&self.allocations, ALLOCATIONS.load(Ordering::Relaxed));
        self.snapshot.set(i64::try_from(snapshot).unwrap_or(i64::MAX));
        for (provider, opened, reused) in connections {
            catch_up(&self.connections.with_label_values(&[provider, "opened"]), opened);
            catch_up(&self.connections.with_label_values(&[provider, "reused"]), reused);
        }
        let mut out = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut out)?;
        Ok(out)
    }
}

impl TargetMetrics {
    /// Counts tokens and money.
    pub(crate) fn count_usage(&self, usage: &Usage, cost: Option<Credits>) {
        let output = usage.out_text.saturating_add(usage.out_audio);
        let input = usage.fresh.saturating_add(usage.audio_in);
        let counts = [input, usage.cache_read, usage.cache_write, output, usage.out_reasoning];
        for (counter, count) in self.tokens.iter().zip(counts).filter(|(_, count)| *count > 0) {
            counter.inc_by(count);
        }
        if let Some(cost) = cost.filter(|cost| cost.nano() > 0) {
            // For display: the ledger has whole numbers.
            self.cost.inc_by(cost.nano() as f64 / 1e9);
        }
    }
}

fn catch_up(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

fn code_label(at: usize) -> &'static str {
    const LABELS: [&str; STATUSES.len()] = [
        "200", "400", "401", "402", "403", "404", "405", "408", "409", "413", "415", "422", "429", "431", "499", "500",
        "501", "502", "503", "504", "505", "529",
    ];
    LABELS.get(at).copied().unwrap_or("other")
}

struct Registrar<'r>(&'r Registry);

impl Registrar<'_> {
    fn add<C: prometheus::core::Collector + Clone + 'static>(&self, collector: C) -> Result<C, prometheus::Error> {
        self.0.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, prometheus::Error> {
        self.add(IntCounter::new(name, help)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.add(IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn money(&self, name: &str, help: &str, labels: &[&str]) -> Result<CounterVec, prometheus::Error> {
        self.add(CounterVec::new(Opts::new(name, help), labels)?)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.add(IntGauge::new(name, help)?)
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, prometheus::Error> {
        self.add(HistogramVec::new(HistogramOpts::new(name, help).buckets(DURATION_BUCKETS.to_vec()), labels)?)
    }

    fn overhead(&self, name: &str, help: &str) -> Result<Histogram, prometheus::Error> {
        self.add(Histogram::with_opts(HistogramOpts::new(name, help).buckets(OVERHEAD_BUCKETS.to_vec()))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_its_own_status() {
        let metrics = Metrics::new().expect("names are distinct");
        let target = metrics.target("m", "p");
        metrics.count(&target, Inference::Embeddings, 200);
        metrics.count(&target, Inference::Embeddings, 418);
        let text = metrics.render(7, std::iter::empty()).expect("text");
        let text = String::from_utf8(text).expect("text is UTF-8");
        let line =
            |code| format!(r#"tollgate_requests_total{{code="{code}",model="m",provider="p",route="embeddings"}} 1"#);
        assert!(text.contains(&line("200")) && text.contains(&line("other")), "{text}");
    }

    #[test]
    fn every_status_has_its_own_label() {
        for (at, status) in STATUSES.iter().enumerate() {
            assert_eq!(code_label(at), status.to_string());
        }
    }
}
