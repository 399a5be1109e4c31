//! The comparison as a part of a page of documentation, between two marks.

use std::fmt::Write;

use crate::report::Weights;
use crate::rivals;
use crate::scenarios;
use crate::table::{Row, Size, Table};

/// Begins the generated part of a page.
pub const BEGIN: &str =
    "<!-- begin: made by `cargo run --release -p tollgate-simulator --example table -- docs/routing.md` -->";
/// Ends it.
pub const END: &str = "<!-- end -->";

/// A page with its generated part made anew; `None` if it has no marks.
pub fn renew(page: &str, table: &Table, size: Size) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n{END}{after}", generated(table, size)))
}

fn generated(table: &Table, size: Size) -> String {
    let terms = Weights::balanced(1.0, 1.0);
    let dollars = |micro: f64| micro / 1e6;
    let mut text = format!(
        "Each of {} scenarios is run {} times for {:.0} s of virtual time, each time with other requests and other luck, which \
         are the same for all strategies. A *loss* is what a request costs with everything that has a price: its tokens, ${} \
         for each second until the first token, ${} for each second from there to the last, ${} for a first token later than \
         the scenario wants it, and for an error that the client sees {} times what the scenario's requests cost on \
         average.\n\n",
        table.scenarios.len(),
        size.runs,
        size.length_s,
        dollars(terms.first_token_s),
        dollars(terms.decode_s),
        dollars(terms.miss),
        Weights::ERROR_IN_COSTS,
    );
    by_strategy(&mut text, table);
    by_scenario(&mut text, table, size);
    matrix(&mut text, table);
    text
}

fn by_strategy(text: &mut String, table: &Table) {
    text.push_str("| Strategy | Mean | Worst | In | What it is |\n|---|---:|---:|---|---|\n");
    let about = |name: &str| rivals::named(name).map_or("", |rival| rival.about);
    let mut rows: Vec<(&Row, &str)> = table.rivals.iter().map(|row| (row, about(row.name))).collect();
    rows.push((&table.ours, "this gateway, with the policy that wants what losses are counted by"));
    rows.push((&table.oracle, "sees queues, faults and the length of answers, but not later requests; no rival"));
    rows.sort_by(|(a, _), (b, _)| table.mean(a).total_cmp(&table.mean(b)));
    for (row, about) in rows {
        let (place, worst) = table.worst(row);
        let (mean, scenario) = (table.mean(row), table.scenarios[place]);
        let _ = writeln!(text, "| {} | {mean:.2} | {worst:.2} | {scenario} | {about} |", row.name);
    }
    text.push_str(
        "\nLosses are relative to the best rival *of each scenario*; the mean over all scenarios is geometric.\n\n",
    );
}

fn by_scenario(text: &mut String, table: &Table, size: Size) {
    text.push_str(
        "| Scenario | Best rival | Its loss, µ$ | Ours | Oracle | What happens |\n|---|---|---:|---:|---:|---|\n",
    );
    let (ours, oracle) = (table.relative(&table.ours), table.relative(&table.oracle));
    for (place, scenario) in scenarios::all(size.length_s).iter().enumerate() {
        let (best, loss) = table.best_rival(place);
        let (ours, oracle, about) = (ours[place], oracle[place], scenario.about);
        let _ = writeln!(text, "| {} | {best} | {loss:.0} | {ours:.2} | {oracle:.2} | {about} |", scenario.name);
    }
}

/// Every strategy in every scenario.
fn matrix(text: &mut String, table: &Table) {
    text.push_str("\n| |");
    for name in &table.scenarios {
        let _ = write!(text, " {} |", name.replace('_', " "));
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|".repeat(table.scenarios.len()));
    for row in [&table.ours].into_iter().chain(&table.rivals).chain([&table.oracle]) {
        let _ = write!(text, "\n| {} |", row.name);
        for value in table.relative(row) {
            let _ = write!(text, " {value:.2} |");
        }
    }
    text.push('\n');
}
