//! What the engine promises against its rivals, on a shorter run than the documentation shows.

use router_core::domain::Seed;
use tollgate_simulator::page;
use tollgate_simulator::scenarios;
use tollgate_simulator::table::{Size, compare};

/// Over all scenarios, no rival loses less than so many times as much.
const MEAN_MAX: f64 = 0.85;
/// In no scenario is the loss above that of the best rival there by more than this.
const WORST_MAX: f64 = 1.05;

#[test]
fn the_engine_beats_every_rival_over_all_and_loses_to_none_anywhere() {
    let table = compare(Size::SHORT, Seed::new(1));
    let ours = table.mean(&table.ours);
    for rival in &table.rivals {
        let ratio = ours / table.mean(rival);
        assert!(ratio <= MEAN_MAX, "{ratio:.3} of the loss of {}", rival.name);
    }
    for (scenario, relative) in table.scenarios.iter().zip(table.relative(&table.ours)) {
        assert!(relative <= WORST_MAX, "{relative:.3} of the best rival's loss in {scenario}");
    }
    assert!(table.mean(&table.oracle) < ours, "nobody beats who sees everything, or the oracle is blind");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let page = format!("before {} {} after", page::BEGIN, page::END);
    let size = Size { length_s: 40.0, runs: 2 };
    let make = || page::renew(&page, &compare(size, Seed::new(7)), size).expect("it has marks");
    let made = make();
    assert_eq!(made, make());
    assert!(made.starts_with("before ") && made.ends_with(" after") && made.contains("| tollgate |"));
}

#[test]
fn the_page_has_its_generated_part() {
    let page = include_str!("../../docs/routing.md");
    for name in scenarios::all(1.0).iter().map(|scenario| scenario.name) {
        assert!(page.contains(&format!("| {name} |")), "{name}: run the command that stands at the mark");
    }
}
