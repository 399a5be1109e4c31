//! The mind that sees everything but later requests.

use router_core::domain::{Credits, Tick};

use super::Job;
use crate::provider::{Providers, Visit, usage};
use crate::report::micro_dollars;
use crate::set::Set;
use crate::strategy::Choice;
use crate::units::{after, between};

/// Where nothing can be sent now, it looks again after this.
const AGAIN_S: f64 = 0.1;
/// Seconds after which it tells the client that there is nobody.
const WAIT_MAX_S: f64 = 3.0;

/// The deployment where the request at hand loses least.
pub(super) fn choose(job: &Job<'_>, providers: &mut Providers<'_>, open: Set, visit: Visit<'_>, now: Tick) -> Choice {
    let elapsed_s = between(visit.request.at, now);
    let best = open.filter(|place| providers.foretell(place, visit, now).is_some());
    let best = best.least(|place| {
        let Some((wait_s, service)) = providers.foretell(place, visit, now) else { return f64::INFINITY };
        let deployment = &job.world.deployments[place];
        let request = visit.request;
        let used = usage(deployment, request.prompt_tokens, service.cached_tokens, request.output_tokens);
        let cost = deployment.price.charge(&used).unwrap_or(Credits::ZERO);
        let first_s = wait_s + service.first_s;
        let miss = if elapsed_s + first_s > job.weights.objective_s { job.weights.miss } else { 0.0 };
        let time = job.weights.first_token_s * first_s + job.weights.decode_s * service.decode_s;
        micro_dollars(cost) + time + miss
    });
    match best {
        Some(deployment) => Choice::Send { deployment, delay_s: 0.0, timeout_s: job.patience_s },
        None if elapsed_s > WAIT_MAX_S => Choice::Refuse,
        None => Choice::Wait { until: after(now, AGAIN_S) },
    }
}
