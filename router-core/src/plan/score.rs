//! What sending a request to a deployment is expected to cost, with everything that has a price, in µUSD.
//!
//! The sum is the Lagrangian of "least cost, subject to the objective being met, the limits kept, and errors rare":
//! each constraint has a price, and the least sum wins. Every term is a function here:
//!
//! ```text
//! cached = min(512 * depth, prompt - 1) * hit             if depth blocks were sent there, and enough for its cache
//! cost   = cached * p_cached + (prompt - cached) * p_fresh + output * p_output
//! queue  = (q + 1 - knee) * occupancy / knee              seconds; q requests of ours are there; 0 up to the knee
//! first  = max(line(prompt - cached, q) * slowness + queue, mean age of those that wait for a first token)
//! mean   = first * skew + queue                           the toll: a second in a queue costs those behind it one too
//! miss   = P(first > what is left of the objective)       lognormal; the same for the whole answer
//! loss   = cost + waiting * mean + decoding * output * between_tokens + missing * miss
//! score  = (1 - e) * loss + e * (fail * waiting + max(loss, second best loss) + missing if fail > 1 s + e * error / 2)
//!        + scarcity of requests + scarcity of tokens * (prompt + output) / 1400
//! ```

use std::time::Duration;

use super::facts::{Tariff, Terms};
use super::policy::{Objective, Weights};
use crate::health::math::{exp, ln, logistic};
use crate::health::{Reading, first_token_s, queue_s};

/// Tokens of a block of prompt, for which a cache is remembered.
pub(super) const BLOCK_TOKENS: f32 = 512.0;
/// A deployment with fewer answers than this, and fewer requests in flight than [`COLD_IN_FLIGHT`], …
const COLD_SAMPLES: u32 = 3;
const COLD_IN_FLIGHT: f32 = 2.0;
/// … is expected to be at least as fast as this, in seconds: so everyone is tried.
const COLD_FIRST_TOKEN_S: f32 = 0.25;
/// A second in a queue costs those behind it a second as well.
const TOLL: f32 = 1.0;
/// The spread is never believed to be less than this.
const SIGMA_LEAST: f32 = 0.15;
/// The logistic curve with this slope is the normal distribution, to one hundredth.
const NORMAL_SLOPE: f32 = 1.702;
/// Below this probability errors have no price: everybody has some.
const ERROR_FREE: f32 = 0.004;
/// A failure that takes longer than this makes the objective be missed.
const SLOW_FAILURE_S: f32 = 1.0;
/// Tokens of a usual request, to which the price of scarce tokens refers.
const USUAL_TOKENS: f32 = 1400.0;

/// What is the same for all candidates of one decision.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) prompt_tokens: f32,
    pub(super) weights: Weights,
    first_token: Option<Budget>,
    whole: Option<Budget>,
}

/// Time that is left for an objective.
#[derive(Clone, Copy, Debug)]
struct Budget {
    left_s: f32,
    ln_left: f32,
}

impl Request {
    pub(super) fn new(prompt_tokens: u32, weights: Weights, objective: Option<&Objective>, elapsed: Duration) -> Self {
        let budget = |within: Option<Duration>| {
            within.map(|within| {
                let left_s = within.saturating_sub(elapsed).as_secs_f32();
                Budget { left_s, ln_left: ln(left_s) }
            })
        };
        let first_token = budget(objective.and_then(|objective| objective.first_token));
        let whole = budget(objective.and_then(|objective| objective.whole));
        Self { prompt_tokens: prompt_tokens as f32, weights, first_token, whole }
    }
}

/// What is expected of one candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Estimate {
    /// Tokens that its cache answers.
    pub(super) cached: f32,
    /// Tokens of the answer.
    pub(super) output: f32,
    /// µUSD for the tokens of the prompt; NaN when its prices are not known.
    pub(super) input_cost: f32,
    /// µUSD for all tokens; NaN when its prices are not known.
    pub(super) cost: f32,
    /// Seconds in its queue.
    pub(super) queue_s: f32,
    /// Seconds to the first token, as such requests usually take: the median.
    pub(super) usual_s: f32,
    /// The same, and not less than those wait already which have none.
    pub(super) first_s: f32,
    /// The same with its spread and the toll: the mean.
    pub(super) mean_first_s: f32,
    /// Seconds from the first token to the last.
    pub(super) decode_s: f32,
    /// How many objectives are missed on average.
    pub(super) misses: f32,
}

impl Estimate {
    /// Nothing is expected.
    pub(super) const NOTHING: Self = Self {
        cached: 0.0,
        output: 0.0,
        input_cost: 0.0,
        cost: 0.0,
        queue_s: 0.0,
        usual_s: 0.0,
        first_s: 0.0,
        mean_first_s: 0.0,
        decode_s: 0.0,
        misses: 0.0,
    };
}

/// Everything that one candidate is expected to be like.
pub(super) fn estimate(request: &Request, terms: &Terms, known: &Reading, depth: u32, output: f32) -> Estimate {
    let prompt = request.prompt_tokens;
    let cached = cached_tokens(prompt, terms, known, depth);
    let queue_s = queue_s(known.in_flight, known.knee, known.occupancy_s);
    let usual_s = usual_s(known, (prompt - cached) * 1e-3, queue_s);
    // A hang is seen here before there is any answer.
    let first_s = usual_s.max(known.pending_s);
    let decode_s = output * known.between_tokens_s;
    let mean_first_s = first_s * known.skew + TOLL * queue_s;
    let misses = miss(request.first_token, first_s, known.sigma) + miss(request.whole, first_s + decode_s, known.sigma);
    let tariff = if prompt > terms.long_above as f32 { &terms.long_tariff } else { &terms.tariff };
    let input_cost = input_cost(tariff, prompt, cached);
    let cost = input_cost + output * tariff.output;
    Estimate { cached, output, input_cost, cost, queue_s, usual_s, first_s, mean_first_s, decode_s, misses }
}

/// Tokens of the prompt that its cache is expected to answer: what was sent there, as often as that was found before.
fn cached_tokens(prompt: f32, terms: &Terms, known: &Reading, depth: u32) -> f32 {
    let sent = BLOCK_TOKENS * depth as f32;
    if depth == 0 || sent < terms.cache_min as f32 { 0.0 } else { sent.min(prompt - 1.0).max(0.0) * known.hit }
}

/// The price of the prompt.
fn input_cost(tariff: &Tariff, prompt: f32, cached: f32) -> f32 {
    cached * tariff.cached + (prompt - cached) * tariff.fresh
}

/// Seconds to the first token: the line, times the present slowness, plus the queue.
fn usual_s(known: &Reading, uncached_k: f32, queue_s: f32) -> f32 {
    let expected = first_token_s(known.line, uncached_k, known.in_flight) * known.slowness + queue_s;
    let cold = known.samples < COLD_SAMPLES && known.in_flight < COLD_IN_FLIGHT;
    if cold { expected.min(COLD_FIRST_TOKEN_S) } else { expected }
}

/// The chance that a time with this median and spread is longer than what is left.
fn miss(budget: Option<Budget>, median_s: f32, sigma: f32) -> f32 {
    match budget {
        None => 0.0,
        Some(Budget { left_s, .. }) if left_s <= 0.0 => 1.0,
        Some(Budget { ln_left, .. }) => logistic(NORMAL_SLOPE * (ln(median_s) - ln_left) / sigma.max(SIGMA_LEAST)),
    }
}

/// Tokens, waiting, decoding and missed objectives, if nothing goes wrong.
pub(super) fn loss(weights: &Weights, expected: &Estimate) -> f32 {
    expected.cost
        + weights.waiting * expected.mean_first_s
        + weights.decoding * expected.decode_s
        + weights.miss * expected.misses
}

/// The loss with the risk of failure. After one, the time is lost and the request goes elsewhere for `redo`, or fails
/// there too. The redo is never cheaper than the candidate itself: failing must not pay.
pub(super) fn with_risk(weights: &Weights, loss: f32, redo: f32, error: f32, fail_s: f32) -> f32 {
    if error <= ERROR_FREE {
        return loss;
    }
    let missed = if fail_s > SLOW_FAILURE_S { weights.miss } else { 0.0 };
    let failure = fail_s * weights.waiting + redo.max(loss) + missed + error * weights.error / 2.0;
    (1.0 - error) * loss + error * failure
}

/// The price of what is scarce at its account: one request, and tokens.
pub(super) fn scarcity((request, tokens): (f32, f32), prompt: f32, output: f32) -> f32 {
    request + tokens * (prompt + output) / USUAL_TOKENS
}

/// Seconds without a first token after which `z` standard deviations are passed.
pub(super) fn quantile_s(median_s: f32, sigma: f32, z: f32) -> f32 {
    median_s * exp(z * sigma)
}

/// The chance that the first token comes within the objective, if there is one.
pub(super) fn makes_first_token(request: &Request, expected: &Estimate, sigma: f32) -> f32 {
    1.0 - miss(request.first_token, expected.first_s, sigma)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DeploymentId, PicoPerToken, Price};
    use crate::health::{Prior, Vitals};
    use crate::plan::facts::{Facts, PromptCache};
    use crate::plan::policy::Policy;
    use proptest::prelude::*;

    fn known() -> Reading {
        Reading { samples: 100, ..Vitals::new(&Prior::default(), 0).read(crate::domain::Tick(0)) }
    }

    fn terms(input: u64, output: u64) -> Terms {
        let (input, output) = (PicoPerToken(input), PicoPerToken(output));
        let price = Price { input, output, cache_read: PicoPerToken(input.0 / 10), cache_write: input };
        let cache = PromptCache { tokens_min: 1024, ttl: Duration::from_secs(300), bills_writes: false };
        let id = DeploymentId::named("d");
        Terms::of(&Facts { price: Some(price), cache: Some(cache), ..Facts::new(id) })
    }

    fn request(prompt: u32) -> Request {
        let policy = Policy::BALANCED;
        Request::new(prompt, policy.weights(), policy.objective.as_ref(), Duration::ZERO)
    }

    fn scored(request: &Request, terms: &Terms, known: &Reading, depth: u32) -> f32 {
        let expected = estimate(request, terms, known, depth, 300.0);
        let loss = loss(&request.weights, &expected);
        with_risk(&request.weights, loss, 0.0, known.error, known.fail_s)
    }

    proptest! {
        /// Within the rounding of sums whose parts are large.
        #[test]
        fn the_score_rises_with_everything_that_is_bad(
            prompt in 1u32..200_000,
            price in 0u64..20_000_000,
            first_s in 0.02f32..5.0,
            slowness in 0.2f32..20.0,
            busy in 0u16..200,
            error in 0.0f32..0.9,
            depth in 0u32..100,
        ) {
            let request = request(prompt);
            let [_, b, c] = known().line;
            let one = Reading { line: [first_s, b, c], slowness, in_flight: f32::from(busy), error, ..known() };
            let score = scored(&request, &terms(price, price * 4), &one, depth);
            prop_assert!(score.is_finite() && score >= 0.0);
            let worse = [
                ("dearer", scored(&request, &terms(price + 100_000, price * 4 + 400_000), &one, depth)),
                ("slower", scored(&request, &terms(price, price * 4), &Reading { slowness: slowness * 1.1, ..one }, depth)),
                ("later", scored(&request, &terms(price, price * 4), &Reading { pending_s: one.pending_s + 9.0, ..one }, depth)),
                ("busier", scored(&request, &terms(price, price * 4), &Reading { in_flight: one.in_flight + 1.0, ..one }, depth)),
                ("queueing", scored(&request, &terms(price, price * 4), &Reading { knee: 8.0, ..one }, depth)),
                ("failing", scored(&request, &terms(price, price * 4), &Reading { error: error + 0.05, ..one }, depth)),
                ("hanging", scored(&request, &terms(price, price * 4), &Reading { fail_s: one.fail_s + 1.0, ..one }, depth)),
                ("colder", scored(&request, &terms(price, price * 4), &Reading { hit: one.hit / 2.0, ..one }, depth)),
            ];
            for (how, other) in worse {
                prop_assert!(other >= score * (1.0 - 1e-5) - 1e-3, "{}: {} and was {}", how, other, score);
            }
        }

        #[test]
        fn failing_never_pays(loss in 0.0f32..1e6, redo in 0.0f32..1e6, error in 0.0f32..1.0, fail_s in 0.0f32..100.0) {
            let weights = Policy::BALANCED.weights();
            prop_assert!(with_risk(&weights, loss, redo, error, fail_s) >= loss * (1.0 - 1e-6));
        }
    }

    #[test]
    fn a_cached_prompt_costs_its_reading_and_takes_less_time() {
        let (request, terms) = (request(12_000), terms(1_000_000, 4_000_000));
        let cold = estimate(&request, &terms, &known(), 0, 300.0);
        let warm = estimate(&request, &terms, &known(), 20, 300.0);
        assert_eq!((cold.cached, warm.cached), (0.0, 512.0 * 20.0 * 0.9));
        assert!((cold.input_cost - 12_000.0).abs() < 0.1, "one µUSD a token");
        assert!((warm.input_cost - (921.6 + 2_784.0)).abs() < 0.1, "a tenth of that for what is cached");
        assert!(warm.first_s < cold.first_s - 0.7, "0.08 s per thousand tokens");
        assert_eq!(estimate(&request, &terms, &known(), 1, 300.0).cached, 0.0, "too short for the cache");
    }

    #[test]
    fn the_chance_of_a_miss_is_that_of_a_lognormal_time() {
        let budget = |left_s: f32| Some(Budget { left_s, ln_left: ln(left_s) });
        assert_eq!(miss(None, 9.0, 0.4), 0.0);
        assert!((miss(budget(2.0), 2.0, 0.4) - 0.5).abs() < 1e-6, "half are slower than the median");
        // One standard deviation: 15.87 %.
        assert!((miss(budget(2.0), 2.0 * exp(-0.4), 0.4) - 0.1587).abs() < 0.01);
        assert_eq!(miss(budget(0.0), 0.5, 0.4), 1.0);
    }

    #[test]
    fn a_long_prompt_is_priced_by_its_own_tariff() {
        let price = |pico| Price {
            input: PicoPerToken(pico),
            output: PicoPerToken(pico),
            cache_read: PicoPerToken(pico),
            cache_write: PicoPerToken(pico),
        };
        let id = DeploymentId::named("d");
        let facts =
            Facts { price: Some(price(1_000_000)), long_price: Some((200_000, price(2_000_000))), ..Facts::new(id) };
        let cost = |prompt| estimate(&request(prompt), &Terms::of(&facts), &known(), 0, 0.0).cost;
        assert!((cost(200_000) - 200_000.0).abs() < 1.0 && (cost(200_001) - 400_002.0).abs() < 1.0);
    }

    #[test]
    fn one_that_has_never_answered_is_expected_to_be_fast() {
        let slow = Reading { line: [3.0, 0.0, 0.0], ..known() };
        let expected = |known: &Reading| estimate(&request(100), &terms(0, 0), known, 0, 1.0).first_s;
        assert_eq!(expected(&slow), 3.0);
        assert_eq!(expected(&Reading { samples: 2, ..slow }), COLD_FIRST_TOKEN_S);
        assert_eq!(expected(&Reading { samples: 2, in_flight: 2.0, ..slow }), 3.0, "but not by a crowd");
    }
}
