//! Compares all strategies in all scenarios, and writes the tables into a page: see `tollgate_simulator::page`.

use std::process::ExitCode;

use router_core::domain::Seed;
use tollgate_simulator::page::renew;
use tollgate_simulator::table::{Size, compare};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        return fail("name the page to write into, such as docs/routing.md");
    };
    let table = compare(Size::FULL, Seed::new(1));
    let page = std::fs::read_to_string(&path).map_err(|error| error.to_string());
    let page = page.and_then(|page| renew(&page, &table, Size::FULL).ok_or("it has no marks".to_owned()));
    match page.and_then(|page| std::fs::write(&path, page).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&format!("{path}: {error}")),
    }
}

fn fail(message: &str) -> ExitCode {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{message}");
    ExitCode::FAILURE
}
