//! Compares all strategies in all scenarios.

use std::io::Write;

use router_core::domain::Seed;
use tollgate_simulator::table::{Size, compare};

fn main() {
    let size = if std::env::args().any(|arg| arg == "--short") { Size::SHORT } else { Size::FULL };
    let table = compare(size, Seed::new(1));
    let _ = std::io::stdout().write_all(table.matrix().as_bytes());
    for (place, name) in table.scenarios.iter().enumerate() {
        let _ = writeln!(std::io::stdout(), "{name} {:?} oracle {}", table.best_rival(place), table.oracle.loss[place]);
    }
}
