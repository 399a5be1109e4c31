//! Draws from a seed, as a stream.

use router_core::domain::Seed;

/// A stream of draws. Two streams from the same seed are the same.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The stream of one seed.
    pub fn new(seed: Seed) -> Self {
        let half = |name: &str| u64::from(seed.fork(name).below(u32::MAX));
        Self(half("high") << 32 | half("low"))
    }

    /// The stream for one of many things that are counted, such as an attempt of a request.
    #[must_use]
    pub fn for_each(&self, number: u64) -> Self {
        Self(mix(self.0 ^ mix(number)))
    }

    /// 64 even bits (SplitMix64; Steele, Lea and Flood 2014).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Evenly from 0 up to, but not, 1.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `bound`, which must not be 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.bits()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Whether something of this probability happens.
    pub fn happens(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Exponential with this mean: the gap between arrivals that know nothing of each other.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Lognormal: half of the draws lie below `median`.
    pub fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }
}

/// Spreads the bits of a number.
pub const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(draw: impl Fn(&mut Dice) -> f64) -> f64 {
        let mut dice = Dice::new(Seed::new(3));
        (0..100_000).map(|_| draw(&mut dice)).sum::<f64>() / 100_000.0
    }

    #[test]
    fn draws_have_the_means_of_their_laws() {
        assert!((mean(Dice::unit) - 0.5).abs() < 0.005);
        assert!((mean(|dice| dice.exponential(4.0)) - 4.0).abs() < 0.05);
        assert!(mean(Dice::normal).abs() < 0.01);
        // The mean of a lognormal is its median times exp(sigma²/2).
        assert!((mean(|dice| dice.lognormal(2.0, 0.5)) - 2.0 * 0.125_f64.exp()).abs() < 0.02);
        assert!((mean(|dice| f64::from(u8::from(dice.below(3) == 0))) - 1.0 / 3.0).abs() < 0.005);
    }

    #[test]
    fn the_same_seed_gives_the_same_stream_and_numbers_give_others() {
        let draw = |dice: &Dice| dice.clone().bits();
        let one = Dice::new(Seed::new(1));
        assert_eq!(draw(&one), draw(&Dice::new(Seed::new(1))));
        assert_ne!(draw(&one), draw(&Dice::new(Seed::new(2))));
        assert_ne!(draw(&one.for_each(0)), draw(&one.for_each(1)));
    }
}
