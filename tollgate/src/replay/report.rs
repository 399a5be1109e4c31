//! What came of a replay, for people and for programs.

use serde::Serialize;
use std::collections::BTreeMap;
use tollgate_simulator::columns::columns;
use tollgate_simulator::report::{ClientError, Report, Weights, micro_dollars, quantile};
use tollgate_simulator::traffic::Request;
use tollgate_simulator::units::between;
use tollgate_simulator::world::World;

/// What was replayed.
pub(super) struct Replay<'a> {
    pub(super) world: &'a World,
    pub(super) requests: &'a [Request],
    pub(super) weights: &'a Weights,
    pub(super) seed: u64,
}

#[derive(Serialize)]
struct Document<'a> {
    requests: usize,
    seconds: f64,
    seed: u64,
    objective_s: f64,
    policies: Vec<Column<'a>>,
}

#[derive(Serialize)]
struct Column<'a> {
    policy: &'a str,
    cost_usd: f64,
    loss_usd_per_request: f64,
    first_token_s: Quantiles,
    whole_answer_s: Quantiles,
    objective_met: f64,
    cached_input: f64,
    errors: BTreeMap<&'static str, u64>,
    attempts: BTreeMap<&'a str, u64>,
}

/// `null` where nothing was served.
#[derive(Serialize)]
struct Quantiles {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
}

impl Replay<'_> {
    /// Columns side by side.
    pub(super) fn text(&self, reports: &[(String, Report)]) -> String {
        let (deployments, requests) = (self.world.deployments.len(), self.requests.len());
        let header = format!(
            "{requests} requests over {:.0} s, {deployments} deployments, first token wanted within {} s, seed {}",
            self.seconds(),
            self.weights.objective_s,
            self.seed
        );
        format!("{header}\n\n{}", columns(self.world, reports))
    }

    /// One line of JSON.
    pub(super) fn json(&self, reports: &[(String, Report)]) -> String {
        let column = |(policy, report)| self.column(policy, report);
        let document = Document {
            requests: self.requests.len(),
            seconds: self.seconds(),
            seed: self.seed,
            objective_s: self.weights.objective_s,
            policies: reports.iter().map(|(policy, report): &(String, Report)| column((policy, report))).collect(),
        };
        let text = serde_json::to_string_pretty(&document).expect("numbers and names are JSON");
        format!("{text}\n")
    }

    fn column<'a>(&'a self, policy: &'a str, report: &Report) -> Column<'a> {
        let names = self.world.deployments.iter().map(|deployment| deployment.name.as_str());
        Column {
            policy,
            cost_usd: micro_dollars(report.cost) / 1e6,
            loss_usd_per_request: report.mean_loss() / 1e6,
            first_token_s: Quantiles::of(&report.first_s),
            whole_answer_s: Quantiles::of(&report.total_s),
            objective_met: report.attained(),
            cached_input: report.cached(),
            errors: ClientError::ALL.iter().map(|error| error.label()).zip(report.errors).collect(),
            attempts: names.zip(report.attempts.iter().copied()).collect(),
        }
    }

    fn seconds(&self) -> f64 {
        self.requests.last().map_or(0.0, |last| between(router_core::domain::Tick(0), last.at))
    }
}

impl Quantiles {
    fn of(ascending: &[f64]) -> Self {
        let at = |part| quantile(ascending, part);
        Self { p50: at(0.5), p95: at(0.95), p99: at(0.99) }
    }
}
