//! `tollgate replay`: what policies would have made of a log of requests, in virtual time.
//!
//! The log has times and counts, and no prompt. The world is modelled, so the answer is as good as the model; but the
//! decisions are those of the gateway's own engine. The same files and seed give the same bytes.

mod policy;
mod problem;
mod report;
mod trace;
mod world;

use std::path::Path;

use router_core::domain::Seed;
use tollgate_simulator::report::Report;
use tollgate_simulator::run::{Job, facts, run as simulate};

use crate::cli::ReplayArgs;
use crate::print;
use policy::Contender;

/// Runs the command.
pub(crate) fn run(args: &ReplayArgs) -> Result<(), String> {
    let (file, world) =
        world::read(&name(&args.world), &read(&args.world)?).map_err(|problems| problems.to_string())?;
    let contenders: Vec<(&String, Contender)> =
        args.policies.iter().map(|name| Ok((name, policy::contender(name, &file)?))).collect::<Result<_, String>>()?;
    let requests = trace::read(&name(&args.trace), &read(&args.trace)?, file.gateways);
    let requests = requests.map_err(|problems| problems.to_string())?;
    let first = contenders.iter().find_map(|(_, contender)| contender.policy());
    let weights = policy::weights(first, file.objective);
    let seed = Seed::new(args.seed);
    let job = Job {
        world: &world,
        requests: &requests,
        weights: &weights,
        patience_s: file.patience.as_secs_f64(),
        seed: seed.fork("world"),
    };
    let facts = facts(&world);
    let replay = |(name, contender): &(&String, Contender)| {
        let minds =
            (0u32..).take(file.gateways).map(|gateway| contender.mind(&facts, seed.fork("gateway").step(gateway)));
        ((*name).clone(), simulate(&job, minds.collect()))
    };
    let reports: Vec<(String, Report)> = contenders.iter().map(replay).collect();
    let shown = report::Replay { world: &world, requests: &requests, weights: &weights, seed: args.seed };
    print::out(&if args.json { shown.json(&reports) } else { shown.text(&reports) });
    Ok(())
}

fn read(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    String::from_utf8(bytes).map_err(|error| {
        let line =
            error.as_bytes()[..error.utf8_error().valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("{}:{line}: not UTF-8", path.display())
    })
}

fn name(path: &Path) -> String {
    path.display().to_string()
}
