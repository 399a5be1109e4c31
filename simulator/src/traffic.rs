//! Who asks, when and for how much: made in full before a run, so that every strategy gets the same requests.

use router_core::domain::{Seed, Tick};

use crate::chance::{Dice, mix};
use crate::units::{after, whole};
use crate::world::BLOCK_TOKENS;

/// One request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it arrives.
    pub at: Tick,
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens that the answer will have, which no strategy knows beforehand.
    pub output_tokens: u64,
    /// The most tokens that the client allows, if it said.
    pub max_tokens: Option<u64>,
    /// The hash of each block of [`BLOCK_TOKENS`] together with all before it: equal hashes are equal prefixes.
    pub prefix: Vec<u64>,
    /// Who asks: a session, a user or a key, hashed.
    pub user: u64,
    /// The gateway that it reaches.
    pub replica: usize,
}

/// How requests are made.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// Seconds and requests a second: the rate changes evenly from one point to the next, and stays after the last.
    pub rate: Vec<(f64, f64)>,
    /// No request arrives later.
    pub length_s: f64,
    /// Kinds of requests.
    pub classes: Vec<Class>,
    /// Gateways that share the traffic, each with a strategy of its own.
    pub replicas: usize,
}

/// One kind of request.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// Its part of all requests; the parts of all classes should make 1.
    pub share: f64,
    /// Tokens of a prompt; in a session, of what is added in each turn.
    pub prompt: Spread,
    /// Tokens of an answer.
    pub output: Spread,
    /// What the client sends as `max_tokens`.
    pub max_tokens: u64,
    /// Whether requests belong together.
    pub session: Option<Session>,
}

/// A lognormal distribution of tokens.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// Half lie below.
    pub median: f64,
    /// Deviation of the logarithm.
    pub sigma: f64,
    /// None lies above.
    pub max: f64,
}

/// Conversations: each begins with the system prompt of one of the applications and grows by turns.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    /// Applications, each with a system prompt of its own.
    pub apps: usize,
    /// Tokens of a system prompt.
    pub system_tokens: u64,
    /// Turns, on average; geometric.
    pub turns: f64,
    /// Seconds from one turn to the next, on average; exponential, and never less than a fifth of that.
    pub think_s: f64,
}

impl Spread {
    /// A distribution by median and deviation, up to 20 times the median.
    pub const fn new(median: f64, sigma: f64) -> Self {
        Self { median, sigma, max: median * 20.0 }
    }

    fn draw(&self, dice: &mut Dice) -> u64 {
        whole(dice.lognormal(self.median, self.sigma).min(self.max)).max(1)
    }
}

impl Traffic {
    /// A steady stream of one class through one gateway.
    pub fn steady(per_second: f64, length_s: f64, class: Class) -> Self {
        Self { rate: vec![(0.0, per_second)], length_s, classes: vec![class], replicas: 1 }
    }

    /// All requests, by time.
    pub fn requests(&self, seed: Seed) -> Vec<Request> {
        let mut all = Vec::new();
        for (place, class) in self.classes.iter().enumerate() {
            let mut dice = Dice::new(seed.fork("class")).for_each(place as u64);
            self.class(class, &mut dice, &mut all);
        }
        all.retain(|request| request.at <= after(Tick(0), self.length_s));
        all.sort_by_key(|request| (request.at, request.user));
        all
    }

    fn class(&self, class: &Class, dice: &mut Dice, all: &mut Vec<Request>) {
        let turns = class.session.map_or(1.0, |session| session.turns);
        let most = self.rate.iter().map(|(_, rate)| *rate).fold(0.0, f64::max) * class.share / turns;
        if most <= 0.0 {
            return;
        }
        let mut now = 0.0;
        loop {
            // Thinning (Lewis and Shedler 1979): arrivals at the highest rate, of which the present rate's part is kept.
            now += dice.exponential(1.0 / most);
            if now > self.length_s {
                return;
            }
            if dice.happens(self.rate_at(now) * class.share / turns / most) {
                let mut own = dice.for_each(all.len() as u64);
                self.conversation(class, now, &mut own, all);
            }
        }
    }

    fn rate_at(&self, now: f64) -> f64 {
        let next = self.rate.partition_point(|(from, _)| *from <= now);
        let Some((from, rate)) = next.checked_sub(1).map(|last| self.rate[last]) else { return 0.0 };
        let Some((to, goal)) = self.rate.get(next) else { return rate };
        rate + (goal - rate) * (now - from) / (to - from)
    }

    fn conversation(&self, class: &Class, start_s: f64, dice: &mut Dice, all: &mut Vec<Request>) {
        let (user, replica) = (dice.bits(), dice.below(self.replicas.max(1)));
        let Some(session) = class.session else {
            let (prompt, output) = (class.prompt.draw(dice), class.output.draw(dice));
            all.push(request(class, after(Tick(0), start_s), (prompt, output), (user, replica)));
            return;
        };
        let app = dice.below(session.apps.max(1)) as u64;
        let (mut at, mut tokens) = (start_s, session.system_tokens);
        loop {
            tokens += class.prompt.draw(dice);
            let output = class.output.draw(dice);
            // Each turn may reach another gateway: clients are behind a load balancer.
            let replica = dice.below(self.replicas.max(1));
            let mut turn = request(class, after(Tick(0), at), (tokens, output), (user, replica));
            turn.prefix = chain(tokens, session.system_tokens, mix(app + 1), user);
            all.push(turn);
            tokens += output;
            if dice.happens(1.0 / session.turns) {
                return;
            }
            at += session.think_s * 0.2 + dice.exponential(session.think_s * 0.8);
        }
    }
}

fn request(class: &Class, at: Tick, (prompt, output): (u64, u64), (user, replica): (u64, usize)) -> Request {
    Request {
        at,
        prompt_tokens: prompt,
        output_tokens: output.min(class.max_tokens),
        max_tokens: Some(class.max_tokens),
        prefix: Vec::new(),
        user,
        replica,
    }
}

/// The hashes of a prompt's whole blocks: those of the system prompt are its application's, the others the session's.
fn chain(tokens: u64, system_tokens: u64, app: u64, user: u64) -> Vec<u64> {
    (1..=tokens / BLOCK_TOKENS)
        .map(
            |block| {
                if block * BLOCK_TOKENS <= system_tokens { mix(app ^ block << 32) } else { mix(user ^ block << 32) }
            },
        )
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: Class = Class {
        share: 1.0,
        prompt: Spread::new(400.0, 0.8),
        output: Spread::new(200.0, 0.6),
        max_tokens: 1_000,
        session: Some(Session { apps: 2, system_tokens: 4_096, turns: 5.0, think_s: 10.0 }),
    };

    #[test]
    fn a_conversation_grows_and_keeps_its_prefix() {
        let requests = Traffic::steady(5.0, 200.0, CHAT).requests(Seed::new(1));
        let user = requests.iter().find(|one| requests.iter().filter(|other| other.user == one.user).count() > 3);
        let user = user.expect("a conversation of four turns").user;
        let turns: Vec<_> = requests.iter().filter(|request| request.user == user).collect();
        for pair in turns.windows(2) {
            assert!(pair[0].prompt_tokens < pair[1].prompt_tokens);
            assert!(pair[1].prefix.starts_with(&pair[0].prefix));
        }
        let systems: std::collections::BTreeSet<_> = requests.iter().map(|request| request.prefix[7]).collect();
        assert_eq!(systems.len(), 2);
    }

    #[test]
    fn arrivals_follow_the_rate() {
        let single = Class { session: None, ..CHAT };
        let traffic = Traffic { rate: vec![(0.0, 10.0), (100.0, 50.0)], ..Traffic::steady(0.0, 200.0, single) };
        let requests = traffic.requests(Seed::new(1));
        let early = requests.iter().filter(|request| request.at < Tick(100_000_000)).count();
        assert!((2_800..3_200).contains(&early), "{early}");
        assert!((4_800..5_200).contains(&(requests.len() - early)));
    }
}
