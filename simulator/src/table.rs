//! The comparison: every strategy in every scenario, and the losses in relation to the best rival.

use router_core::domain::Seed;

use crate::report::Report;
use crate::rivals;
use crate::scenarios::{self, Scenario, Trial};

/// How much is run.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Seconds of virtual time of each run.
    pub length_s: f64,
    /// Runs of each scenario, each with other requests and other luck.
    pub runs: u32,
}

impl Size {
    /// What `docs/routing.md` shows.
    pub const FULL: Self = Self { length_s: 600.0, runs: 8 };
    /// What a test can wait for.
    pub const SHORT: Self = Self { length_s: 400.0, runs: 2 };
}

/// One strategy's mean loss in each scenario, in millionths of a dollar per request.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The strategy.
    pub name: &'static str,
    /// By scenario.
    pub loss: Vec<f64>,
}

/// Everything that was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The columns.
    pub scenarios: Vec<&'static str>,
    /// The rivals.
    pub rivals: Vec<Row>,
    /// The engine of the gateway.
    pub ours: Row,
    /// The oracle.
    pub oracle: Row,
}

/// Runs everything.
pub fn compare(size: Size, seed: Seed) -> Table {
    let all = scenarios::all(size.length_s);
    let row = |name, run: &dyn Fn(&Trial<'_>) -> Report| Row {
        name,
        loss: all.iter().map(|scenario| mean_loss(scenario, size.runs, seed, run)).collect(),
    };
    Table {
        scenarios: all.iter().map(|scenario| scenario.name).collect(),
        rivals: rivals::ALL.iter().map(|rival| row(rival.name, &|trial| trial.rival(rival))).collect(),
        ours: row("tollgate", &|trial| trial.production()),
        oracle: row("oracle", &|trial| trial.oracle()),
    }
}

fn mean_loss(scenario: &Scenario, runs: u32, seed: Seed, run: &dyn Fn(&Trial<'_>) -> Report) -> f64 {
    let losses = (0..runs).map(|number| run(&Trial::new(scenario, seed.fork("run").step(number))).mean_loss());
    losses.sum::<f64>() / f64::from(runs)
}

impl Table {
    /// The rival that loses least in a scenario, and what it loses.
    pub fn best_rival(&self, scenario: usize) -> (&'static str, f64) {
        let losses = self.rivals.iter().map(|row| (row.name, row.loss[scenario]));
        losses.min_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or(("", f64::NAN))
    }

    /// A row's losses as parts of the best rival's.
    pub fn relative(&self, row: &Row) -> Vec<f64> {
        row.loss.iter().enumerate().map(|(scenario, loss)| loss / self.best_rival(scenario).1).collect()
    }

    /// A row's mean over all scenarios, in relation to the best rival of each.
    pub fn mean(&self, row: &Row) -> f64 {
        geometric_mean(&self.relative(row))
    }

    /// The worst scenario of a row: its place, and the loss in relation to the best rival there.
    pub fn worst(&self, row: &Row) -> (usize, f64) {
        let relative = self.relative(row).into_iter().enumerate();
        relative.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or((0, f64::NAN))
    }
}

/// The geometric mean of positive numbers.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / (values.len().max(1) as f64)).exp()
}
