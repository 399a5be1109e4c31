//! The comparison: every strategy in every scenario, and the losses in relation to the best rival.

use std::fmt::Write;

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
    pub const FULL: Self = Self { length_s: 600.0, runs: 3 };
    /// What a test can wait for.
    pub const SHORT: Self = Self { length_s: 200.0, runs: 1 };
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
    let losses = (0..runs).map(|number| run(&Trial::new(scenario, seed.step(number))).mean_loss());
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

    /// The matrix of relative losses, as Markdown.
    pub fn matrix(&self) -> String {
        let mut text = String::from("| strategy | all |");
        for name in &self.scenarios {
            let _ = write!(text, " {name} |");
        }
        text.push_str("\n|---|---:|");
        text.push_str(&"---:|".repeat(self.scenarios.len()));
        for row in [&self.ours].into_iter().chain(&self.rivals).chain([&self.oracle]) {
            let relative = self.relative(row);
            let _ = write!(text, "\n| {} | {:.2} |", row.name, geometric_mean(&relative));
            for value in relative {
                let _ = write!(text, " {value:.2} |");
            }
        }
        text.push('\n');
        text
    }
}

/// The geometric mean of positive numbers.
pub fn geometric_mean(values: &[f64]) -> f64 {
    (values.iter().map(|value| value.ln()).sum::<f64>() / (values.len().max(1) as f64)).exp()
}
