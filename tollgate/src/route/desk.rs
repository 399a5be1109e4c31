//! The engine, and the requests that it was asked about and that have not ended.

use std::collections::BTreeMap;
use std::time::Duration;

use router_core::domain::{Seed, Tick};
use router_core::health::{self, Fault, RateLimits};
use router_core::plan::{Ask, Board, Capabilities, Capability, Choice, Decision, Ending, Policy, Ticket};

use super::hello::{Hello, seconds};
use super::line::{Answer, Done, First, Limit, Limits, Outcome, Request};

/// Requests that may be open at once.
const OPEN_MAX: usize = 1_000_000;
/// A choice that is no longer to be had is made again, so often.
const CHOICES_MAX: u32 = 4;
/// Hashes that are read of a request.
const PREFIX_MAX: usize = 1_024;

pub(super) struct Desk {
    board: Board,
    policy: Policy,
    names: Vec<String>,
    everybody: Vec<u32>,
    seed: Seed,
    decisions: u32,
    now: Tick,
    open: BTreeMap<String, Open>,
}

/// A request on its way.
#[derive(Default)]
struct Open {
    arrived: Tick,
    waited: Duration,
    /// When it was last told to wait.
    waits_since: Option<Tick>,
    chain: Vec<u64>,
    attempts: Vec<(u32, Ticket)>,
}

impl Desk {
    /// A desk for what the first line says, and the answer to it.
    pub(super) fn open(hello: &Hello) -> Result<(Self, Answer), String> {
        let layout = hello.layout()?;
        let objective = seconds(hello.objective_s).ok_or("`objective_s` is not a number of seconds")?;
        let names: Vec<String> = hello.deployments.iter().map(|deployment| deployment.name.clone()).collect();
        let desk = Self {
            board: Board::new(&layout),
            policy: hello.policy.policy(objective).map_err(|message| format!("`policy`: {message}"))?,
            everybody: (0u32..).take(names.len()).collect(),
            names,
            seed: Seed::new(hello.seed).fork("decide"),
            decisions: 0,
            now: Tick(0),
            open: BTreeMap::new(),
        };
        let answer = Answer::Ready { ready: true, deployments: desk.names.len() };
        Ok((desk, answer))
    }

    /// Decides on a request.
    pub(super) fn request(&mut self, line: &Request) -> Result<Answer, String> {
        let candidates = match &line.candidates {
            Some(names) => self.places(names)?,
            None => self.everybody.clone(),
        };
        let tried = self.places(&line.tried)?;
        let chain = line.prefix.iter().take(PREFIX_MAX).map(|hash| hex(hash)).collect::<Result<Vec<_>, _>>()?;
        let user = line.user.as_deref().map_or(0, label);
        self.advance(line.now)?;
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&line.id) {
            return Err(format!("{OPEN_MAX} requests are open: end some with `done`"));
        }
        let now = self.now;
        let open = self.open.entry(line.id.clone()).or_insert_with(|| Open { arrived: now, ..Open::default() });
        if let Some(since) = open.waits_since.take() {
            open.waited += Duration::from_micros(now.micros_since(since));
        }
        // A later line of the same request may leave its prefix out.
        if !chain.is_empty() {
            open.chain = chain;
        }
        let (chain, arrived, waited) = (open.chain.clone(), open.arrived, open.waited);
        let ask = Ask {
            prompt_tokens: line.prompt_tokens,
            max_tokens: line.max_tokens,
            chain: &chain,
            needs: Capabilities::NONE.with(Capability::Streaming),
            elapsed: Duration::from_micros(now.micros_since(arrived)),
            waited,
            candidates: &candidates,
            tried: &tried,
            user,
            repeatable: true,
            ..Ask::default()
        };
        if line.hedge { self.hedge(&line.id, &ask) } else { Ok(self.decide(&line.id, &ask)) }
    }

    fn decide(&mut self, id: &str, ask: &Ask<'_>) -> Answer {
        for _ in 0..CHOICES_MAX {
            let seed = self.next_seed();
            let choice = match self.board.decide(ask, &self.policy, self.now, seed) {
                Decision::Send(choice) => choice,
                Decision::Wait { until } => {
                    self.open.entry(id.to_owned()).or_default().waits_since = Some(self.now);
                    return Answer::Wait { id: id.to_owned(), wait_until: until.0 as f64 / 1e6 };
                }
                Decision::Refused { retry_after } => {
                    self.forget(id);
                    return Answer::Refused { id: id.to_owned(), retry_after_s: retry_after.as_secs_f64() };
                }
                Decision::Unfit(unfit) => {
                    self.forget(id);
                    return Answer::Unfit { id: id.to_owned(), unfit: unfit.reason(), message: unfit.to_string() };
                }
            };
            if !ask.tried.is_empty() && !self.board.retry(ask, &self.policy) {
                self.forget(id);
                return Answer::Nobody { id: id.to_owned(), deployment: (), reason: "retries_used_up" };
            }
            if let Some(answer) = self.send(id, &choice, ask) {
                return answer;
            }
        }
        self.forget(id);
        Answer::Nobody { id: id.to_owned(), deployment: (), reason: "taken_meanwhile" }
    }

    fn hedge(&mut self, id: &str, ask: &Ask<'_>) -> Result<Answer, String> {
        let first = self.open.get(id).and_then(|open| open.attempts.first()).map(|(_, ticket)| ticket.sent_at());
        let sent_at = first.ok_or_else(|| format!("{id:?} has no attempt to hedge"))?;
        let seed = self.next_seed();
        let choice = self.board.hedge(ask, sent_at, &self.policy, self.now, seed);
        let answer = choice.and_then(|choice| self.send(id, &choice, ask));
        let nobody = || Answer::Nobody { id: id.to_owned(), deployment: (), reason: "not_worth_it" };
        Ok(answer.unwrap_or_else(nobody))
    }

    /// Counts the request as sent; `None` if that is no longer to be had.
    fn send(&mut self, id: &str, choice: &Choice, ask: &Ask<'_>) -> Option<Answer> {
        let ticket = self.board.sent(choice, ask, self.now)?;
        self.open.entry(id.to_owned()).or_default().attempts.push((choice.deployment, ticket));
        Some(Answer::Send {
            id: id.to_owned(),
            deployment: self.names[choice.deployment as usize].clone(),
            timeout_s: choice.first_token_timeout.as_secs_f64(),
            hedge_after_s: choice.hedge_after.map(|after| after.as_secs_f64()),
            delay_s: choice.delay.as_secs_f64(),
        })
    }

    /// A first token came.
    pub(super) fn first(&mut self, line: &First) -> Result<(), String> {
        let said = limits(&line.limits)?;
        self.advance(line.now)?;
        let at = self.attempt(&line.id, line.deployment.as_deref())?;
        let Some(open) = self.open.get_mut(&line.id) else { return Ok(()) };
        let (_, ticket) = &mut open.attempts[at];
        self.board.limits(ticket, &said, self.now);
        self.board.first(ticket, &open.chain, self.now);
        Ok(())
    }

    /// An attempt ended. After a failure the request stays open for its next attempt; if there is to be none, a second
    /// line says that the client is gone.
    pub(super) fn done(&mut self, line: &Done) -> Result<(), String> {
        let said = limits(&line.limits)?;
        let retry_after =
            line.retry_after_s.map(|after| seconds(after).ok_or("`retry_after_s` is not a number of seconds"));
        let retry_after = retry_after.transpose()?;
        self.advance(line.now)?;
        if matches!(line.outcome, Outcome::Gone) && self.open.get(&line.id).is_some_and(|open| open.attempts.is_empty())
        {
            self.open.remove(&line.id);
            return Ok(());
        }
        let at = self.attempt(&line.id, line.deployment.as_deref())?;
        let Some(open) = self.open.get_mut(&line.id) else { return Ok(()) };
        let (_, ticket) = open.attempts.swap_remove(at);
        self.board.limits(&ticket, &said, self.now);
        let ending = match line.outcome {
            Outcome::Complete => {
                Ending::Complete { output_tokens: line.output_tokens, cached_tokens: line.cached_tokens }
            }
            Outcome::Failed => Ending::Failed(Fault::Broken),
            Outcome::TimedOut => Ending::Failed(Fault::TimedOut),
            Outcome::Unauthorized => Ending::Failed(Fault::Unauthorized),
            Outcome::UnknownModel => Ending::Failed(Fault::UnknownModel),
            Outcome::Limited => Ending::Limited { retry_after },
            Outcome::Refused => Ending::Refused,
            Outcome::Gone => Ending::Gone,
        };
        self.board.done(ticket, ending, self.now);
        let over = matches!(line.outcome, Outcome::Complete | Outcome::Refused | Outcome::Gone);
        if over && open.attempts.is_empty() {
            self.open.remove(&line.id);
        }
        Ok(())
    }

    /// The number of the attempt that is meant.
    fn attempt(&self, id: &str, deployment: Option<&str>) -> Result<usize, String> {
        let attempts = self.open.get(id).map_or(&[][..], |open| &open.attempts);
        match deployment {
            None if attempts.len() == 1 => Ok(0),
            None if attempts.is_empty() => Err(format!("{id:?} has no attempt on its way")),
            None => Err(format!("{id:?} has several attempts on their way: say which `deployment`")),
            Some(name) => attempts
                .iter()
                .position(|(place, _)| self.names[*place as usize] == name)
                .ok_or_else(|| format!("{id:?} has no attempt on its way to {name:?}")),
        }
    }

    fn advance(&mut self, now: f64) -> Result<(), String> {
        let now = seconds(now).and_then(|now| u64::try_from(now.as_micros()).ok()).map(Tick);
        let now = now.ok_or("`now` is not a number of seconds")?;
        if now < self.now {
            return Err(format!("`now` goes back: it was {} s already", self.now.0 as f64 / 1e6));
        }
        self.now = now;
        Ok(())
    }

    fn places(&self, names: &[String]) -> Result<Vec<u32>, String> {
        let place = |name: &String| self.names.iter().position(|known| known == name);
        let place = |name: &String| place(name).and_then(|place| u32::try_from(place).ok());
        names.iter().map(|name| place(name).ok_or_else(|| format!("there is no deployment {name:?}"))).collect()
    }

    /// Closes a request that has no attempt on its way.
    fn forget(&mut self, id: &str) {
        if self.open.get(id).is_some_and(|open| open.attempts.is_empty()) {
            self.open.remove(id);
        }
    }

    fn next_seed(&mut self) -> Seed {
        self.decisions = self.decisions.wrapping_add(1);
        self.seed.step(self.decisions)
    }
}

fn limits(said: &Limits) -> Result<RateLimits, String> {
    let limit = |limit: &Limit| {
        let reset = limit.reset_s.map(|reset| seconds(reset).ok_or("`reset_s` is not a number of seconds"));
        let reset = reset.transpose()?;
        Ok::<_, String>(health::Limit { limit: limit.limit, remaining: limit.remaining, reset })
    };
    Ok(RateLimits {
        requests: limit(&said.requests)?,
        tokens: limit(&said.tokens)?,
        input_tokens: limit(&said.input_tokens)?,
        output_tokens: limit(&said.output_tokens)?,
    })
}

fn hex(text: &str) -> Result<u64, String> {
    u64::from_str_radix(text, 16).map_err(|_| format!("`prefix`: expected up to 16 hexadecimal digits, found {text:?}"))
}

/// A user's name as a number (FNV-1a).
fn label(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
