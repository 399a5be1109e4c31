//! How long answers of one model are.

use super::math::whole;
use super::real::Real;

/// Classes of prompts, by the logarithm of their tokens: up to 127, up to 255, … from 2 million.
const PROMPT_CLASSES: usize = 16;
/// Classes of bounds: none, then by powers of four up to 15, 63, … from 64 Ki.
const BOUND_CLASSES: usize = 9;
/// Answers that the model's mean is worth against those of one class.
const SHRINK: f32 = 5.0;
/// Answers that the memory of a mean is worth at most.
const MEMORY: f32 = 200.0;

/// Mean tokens per answer, by the size of the prompt and by the bound that the client set.
#[derive(Debug)]
pub struct Outputs {
    all: Mean,
    classes: [[Mean; BOUND_CLASSES]; PROMPT_CLASSES],
}

#[derive(Debug, Default)]
struct Mean {
    count: Real,
    mean: Real,
}

impl Mean {
    fn add(&self, value: f32) {
        let count = (self.count.get() + 1.0).min(MEMORY);
        self.count.set(count);
        self.mean.approach(value, 1.0 / count);
    }
}

impl Outputs {
    /// Answers of which nothing is known yet but how long they usually are.
    pub fn new(usual_tokens: f32) -> Self {
        let outputs = Self { all: Mean::default(), classes: Default::default() };
        outputs.suppose(usual_tokens);
        outputs
    }

    /// Tokens that the answer to such a request should have.
    pub fn expected(&self, prompt_tokens: u32, max_tokens: Option<u32>) -> f32 {
        let class = self.class(prompt_tokens, max_tokens);
        let count = class.count.get();
        let mean = (count * class.mean.get() + SHRINK * self.all.mean.get()) / (count + SHRINK);
        max_tokens.map_or(mean, |max| mean.min(max as f32)).max(1.0)
    }

    /// Takes in how many tokens an answer had.
    pub fn learn(&self, prompt_tokens: u32, max_tokens: Option<u32>, tokens: u32) {
        self.class(prompt_tokens, max_tokens).add(tokens as f32);
        self.all.add(tokens as f32);
    }

    /// The mean over all answers, in whole tokens.
    pub fn mean(&self) -> u32 {
        whole(self.all.mean.get() + 0.5)
    }

    /// Takes a mean from elsewhere as a start; a handful of answers outweighs it.
    pub fn suppose(&self, tokens: f32) {
        self.all.mean.set(tokens.max(1.0));
        self.all.count.set(SHRINK);
    }

    fn class(&self, prompt_tokens: u32, max_tokens: Option<u32>) -> &Mean {
        let prompt = log2(prompt_tokens).saturating_sub(6).min(PROMPT_CLASSES - 1);
        let bound = max_tokens.map_or(0, |max| (log2(max) / 2).clamp(1, BOUND_CLASSES - 1));
        &self.classes[prompt][bound]
    }
}

const fn log2(tokens: u32) -> usize {
    (31 - (tokens | 1).leading_zeros()) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_expected_as_they_were_in_their_own_class() {
        let outputs = Outputs::new(300.0);
        assert_eq!(outputs.expected(1000, None), 300.0);
        for _ in 0..200 {
            outputs.learn(1000, None, 800);
            outputs.learn(50_000, Some(100), 40);
        }
        let long = outputs.expected(1000, None);
        assert!((750.0..800.0).contains(&long), "{long}");
        let short = outputs.expected(50_000, Some(100));
        assert!((40.0..60.0).contains(&short), "{short}");
    }

    #[test]
    fn no_answer_is_expected_beyond_its_bound() {
        let outputs = Outputs::new(300.0);
        assert_eq!(outputs.expected(1000, Some(10)), 10.0);
        assert_eq!(outputs.expected(1000, Some(0)), 1.0);
        for tokens in [0, 1, u32::MAX] {
            assert!(outputs.expected(tokens, Some(tokens)).is_finite());
        }
    }
}
