//! Chance as an argument: a tree of seeds, forked by name.

/// A source of chance that replays. Forking by name keeps a new draw in one place from moving the draws in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// A seed from 64 bits of the caller's choosing.
    pub const fn new(bits: u64) -> Self {
        Self(bits)
    }

    /// The seed for one named purpose.
    #[must_use]
    pub fn fork(self, name: &str) -> Self {
        // FNV-1a over the name, then the finaliser of SplitMix64 (Steele, Lea and Flood 2014).
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ self.0, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(hash))
    }

    /// The seed for one of several draws with the same purpose.
    #[must_use]
    pub const fn step(self, draw: u32) -> Self {
        Self(mix(self.0 ^ draw as u64))
    }

    /// A number below `bound`, which must not be 0; near enough to uniform for any bound under 2^32.
    pub fn below(self, bound: u32) -> u32 {
        let wide = u128::from(mix(self.0)) * u128::from(bound);
        u32::try_from(wide >> 64).unwrap_or(0)
    }
}

const fn mix(mut bits: u64) -> u64 {
    bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forks_by_name_are_repeatable_and_apart() {
        let seed = Seed::new(7);
        assert_eq!(seed.fork("pick"), seed.fork("pick"));
        assert_ne!(seed.fork("pick"), seed.fork("jitter"));
    }

    #[test]
    fn every_number_below_the_bound_is_drawn_about_equally() {
        let mut counts = [0u32; 5];
        for bits in 0..50_000 {
            counts[Seed::new(bits).below(5) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
    }
}
