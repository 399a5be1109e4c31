//! One scenario in detail: `cargo run --release -p tollgate-simulator --example scenario -- surge least_busy`.

use std::io::Write;

use router_core::domain::Seed;
use tollgate_simulator::columns::columns;
use tollgate_simulator::scenarios::{self, Trial};
use tollgate_simulator::{rivals, table};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next().unwrap_or_default();
    let all = scenarios::all(table::Size::FULL.length_s);
    let Some(scenario) = all.iter().find(|scenario| scenario.name == wanted) else {
        let names: Vec<_> = all.iter().map(|scenario| scenario.name).collect();
        let _ = writeln!(std::io::stderr(), "name a scenario and rivals; there are: {}", names.join(", "));
        return;
    };
    let trial = Trial::new(scenario, Seed::new(1).fork("run").step(0));
    let mut reports = vec![("tollgate".to_owned(), trial.production()), ("oracle".to_owned(), trial.oracle())];
    let named = arguments.filter_map(|name| rivals::named(&name));
    reports.extend(named.map(|rival| (rival.name.to_owned(), trial.rival(rival))));
    let _ = writeln!(std::io::stdout(), "{}\n\n{}", scenario.about, columns(&scenario.world, &reports));
}
