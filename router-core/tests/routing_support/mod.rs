//! A gateway with a hand clock: what is asked of a board, and what it is told, one step at a time.

#![allow(dead_code, reason = "each test file uses its own part of this")]

use std::time::Duration;

use router_core::domain::{DeploymentId, Id128, PicoPerToken, Price, Seed, Tick};
use router_core::health::{Fault, State};
use router_core::plan::{
    Ask, Board, Capabilities, Capability, Choice, Decision, Ending, Facts, Layout, Policy, PromptCache, Quota, Ticket,
};

/// Tokens of the usual answer.
pub const OUTPUT: u32 = 100;

/// A deployment that costs 1 and 4 per million tokens.
pub fn facts(name: &str) -> Facts {
    priced(name, "1", "4")
}

/// A deployment with these prices per million tokens; cached input costs a tenth.
pub fn priced(name: &str, input: &str, output: &str) -> Facts {
    let read = |text: &str| text.parse::<PicoPerToken>().expect("a price in a test");
    let (input, output) = (read(input), read(output));
    let cached = PicoPerToken(input.0 / 10);
    let price = Price { input, output, cache_read: cached, cache_write: input };
    Facts {
        model: Id128::named("model", "m"),
        price: Some(price),
        usual_output_tokens: OUTPUT,
        ..Facts::new(DeploymentId::named(name))
    }
}

/// The same with a prompt cache of five minutes.
pub fn cached(name: &str) -> Facts {
    let cache = PromptCache { tokens_min: 1024, ttl: Duration::from_secs(300), bills_writes: false };
    Facts { cache: Some(cache), ..facts(name) }
}

/// Hashes of a prompt of so many blocks; prompts of different numbers share nothing.
pub fn chain(prompt: u64, blocks: u64) -> Vec<u64> {
    (1..=blocks).map(|block| (prompt * 1_000 + block).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
}

/// A board, a policy and a clock.
pub struct Gateway {
    pub board: Board,
    pub policy: Policy,
    pub now: Tick,
    pub all: Vec<u32>,
    draws: u64,
}

impl Gateway {
    /// Each deployment has an account of its own.
    pub fn new(deployments: Vec<Facts>) -> Self {
        let account = |at: usize| Quota {
            id: Id128::named("quota", &at.to_string()),
            requests_per_minute: None,
            tokens_per_minute: None,
        };
        let accounts = (0..deployments.len()).map(account).collect();
        let deployments = deployments.into_iter().enumerate().map(|(account, facts)| Facts { account, ..facts });
        Self::laid_out(&Layout { deployments: deployments.collect(), accounts, ..Layout::default() })
    }

    pub fn laid_out(layout: &Layout) -> Self {
        let all = (0..u32::try_from(layout.deployments.len()).expect("a few")).collect();
        Self { board: Board::new(layout), policy: Policy::BALANCED, now: Tick(1_000_000), all, draws: 0 }
    }

    pub fn pass(&mut self, seconds: f64) {
        self.now = self.now.after(Duration::from_secs_f64(seconds));
    }

    /// A streamed request for any of the deployments.
    pub fn ask(&self) -> Ask<'_> {
        let needs = Capabilities::NONE.with(Capability::Streaming);
        Ask { prompt_tokens: 1000, needs, candidates: &self.all, repeatable: true, ..Ask::default() }
    }

    /// Another chance each time.
    pub fn seed(&mut self) -> Seed {
        self.draws += 1;
        Seed::new(self.draws)
    }

    pub fn decide(&mut self) -> Decision {
        let seed = self.seed();
        self.board.decide(&self.ask(), &self.policy, self.now, seed)
    }

    /// Where a request goes that can be sent.
    #[track_caller]
    pub fn choose(&mut self) -> Choice {
        match self.decide() {
            Decision::Send(choice) => choice,
            other => panic!("nothing is sent: {other:?}"),
        }
    }

    /// How many of a number of decisions, without anything happening between them, go to each.
    pub fn tally(&mut self, decisions: u32) -> Vec<u32> {
        let mut counts = vec![0; self.all.len()];
        for _ in 0..decisions {
            counts[self.choose().deployment as usize] += 1;
        }
        counts
    }

    /// Sends a request to this deployment, whatever the others are like.
    #[track_caller]
    pub fn send_to(&mut self, deployment: u32) -> Ticket {
        let seed = self.seed();
        let ask = Ask { candidates: &[deployment], ..self.ask() };
        match self.board.decide(&ask, &self.policy, self.now, seed) {
            Decision::Send(choice) => self.board.sent(&choice, &ask, self.now).expect("there is room"),
            other => panic!("nothing is sent to {deployment}: {other:?}"),
        }
    }

    #[track_caller]
    pub fn send(&mut self, choice: &Choice) -> Ticket {
        self.board.sent(choice, &self.ask(), self.now).expect("there is room")
    }

    /// A whole answer: its first token after this many seconds, and the others after another one.
    #[track_caller]
    pub fn serve(&mut self, deployment: u32, first_token_s: f64) {
        let mut ticket = self.send_to(deployment);
        self.pass(first_token_s);
        self.board.first(&mut ticket, &[], self.now);
        self.pass(1.0);
        self.board.done(ticket, complete(), self.now);
    }

    /// A failure after this many seconds.
    #[track_caller]
    pub fn fail(&mut self, deployment: u32, after_s: f64) {
        let ticket = self.send_to(deployment);
        self.pass(after_s);
        self.board.done(ticket, Ending::Failed(Fault::Broken), self.now);
    }

    /// Makes every deployment known to answer after this many seconds.
    pub fn warm_up(&mut self, first_token_s: f64) {
        for _ in 0..20 {
            for deployment in self.all.clone() {
                self.serve(deployment, first_token_s);
            }
        }
    }

    /// Fails as often as it takes to trip.
    pub fn trip(&mut self, deployment: u32) {
        for _ in 0..10 {
            if self.state(deployment) == State::Healthy {
                self.fail(deployment, 0.05);
            }
        }
        assert_eq!(self.state(deployment), State::Tripped);
    }

    pub fn state(&self, deployment: u32) -> State {
        self.board.vitals(deployment).expect("it is on the board").state()
    }

    pub fn in_flight(&self) -> u32 {
        self.all.iter().map(|at| self.board.vitals(*at).expect("it is on the board").in_flight()).sum()
    }

    /// Seconds to a first token that a request of 1000 tokens is expected to take.
    pub fn expected_s(&self, deployment: u32) -> f32 {
        let known = self.board.vitals(deployment).expect("it is on the board").read(self.now);
        (known.line[0] + known.line[1]) * known.slowness
    }
}

pub fn complete() -> Ending {
    Ending::Complete { output_tokens: Some(OUTPUT), cached_tokens: Some(0) }
}
