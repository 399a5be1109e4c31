//! Reports side by side, as text for people.

use std::fmt::Write;

use crate::report::{ClientError, Report, micro_dollars, quantile};
use crate::world::World;

/// Width of the first column.
const LABEL: usize = 22;

/// A line of the text: what it is called, and what it says of a report.
type Line<'a> = (String, Box<dyn Fn(&Report) -> String + 'a>);

/// One column for each report, under its name.
pub fn columns(world: &World, reports: &[(String, Report)]) -> String {
    let lines = lines(world);
    let cells: Vec<Vec<String>> =
        reports.iter().map(|(_, report)| lines.iter().map(|(_, cell)| cell(report)).collect()).collect();
    let width = |number: usize| {
        let widest = cells[number].iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        widest.max(reports[number].0.chars().count()) + 2
    };
    let widths: Vec<usize> = (0..reports.len()).map(width).collect();
    let mut text = " ".repeat(LABEL);
    for ((name, _), width) in reports.iter().zip(&widths) {
        let _ = write!(text, "{name:>width$}");
    }
    for (number, (label, _)) in lines.iter().enumerate() {
        let _ = write!(text, "\n{label:<LABEL$}");
        for (column, width) in cells.iter().zip(&widths) {
            let _ = write!(text, "{:>width$}", column[number]);
        }
    }
    text.push('\n');
    text
}

fn lines(world: &World) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = vec![
        ("cost, $".into(), Box::new(|report| format!("{:.6}", micro_dollars(report.cost) / 1e6))),
        ("loss per request, µ$".into(), Box::new(|report| format!("{:.1}", report.mean_loss()))),
    ];
    for part in [0.5, 0.95, 0.99] {
        lines.push((label("first token", part), Box::new(move |report| seconds(quantile(&report.first_s, part)))));
    }
    for part in [0.5, 0.95, 0.99] {
        lines.push((label("whole answer", part), Box::new(move |report| seconds(quantile(&report.total_s, part)))));
    }
    lines.push(("objective met".into(), Box::new(|report| percent(report.attained()))));
    lines.push(("cached input".into(), Box::new(|report| percent(report.cached()))));
    lines.push(("errors".into(), Box::new(|report| report.failed().to_string())));
    for (place, error) in ClientError::ALL.into_iter().enumerate() {
        lines.push((format!("  {}", error.label()), Box::new(move |report| report.errors[place].to_string())));
    }
    lines.push((
        "attempts per request".into(),
        Box::new(|report| {
            let attempts = report.attempts.iter().sum::<u64>() as f64;
            format!("{:.3}", attempts / (report.requests.max(1) as f64))
        }),
    ));
    for (place, deployment) in world.deployments.iter().enumerate() {
        lines.push((format!("  to {}", deployment.name), Box::new(move |report| percent(report.share(place)))));
    }
    lines
}

fn label(what: &str, part: f64) -> String {
    format!("{what} p{:.0}, s", part * 100.0)
}

fn seconds(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}

fn percent(part: f64) -> String {
    format!("{:.1} %", part * 100.0)
}
