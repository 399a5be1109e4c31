//! How deep the prefix is that each candidate has: a few looks for all of them together.

use super::index::{Owner, Prefixes};
use crate::domain::Tick;

/// A chain that is looked up at one moment.
struct Search<'a, F> {
    index: &'a Prefixes,
    chain: &'a [u64],
    now: Tick,
    place: F,
}

impl Prefixes {
    /// Finds for each candidate how many blocks of a chain it was sent, and raises `depths` to that.
    ///
    /// `place` says which of the candidates an owner is, if it still counts. Who has a hash has all before it, so the
    /// deepest is found by halving; then the deepest of the others in the same way, and what was seen on the way counts
    /// for everybody. So the two that matter are exact, and the others known from below.
    pub(in crate::plan) fn depths(
        &self,
        chain: &[u64],
        now: Tick,
        depths: &mut [u32],
        place: impl Fn(Owner) -> Option<usize>,
    ) {
        let search = Search { index: self, chain, now, place };
        let blocks = u32::try_from(chain.len()).unwrap_or(u32::MAX);
        if blocks == 0 || self.is_empty() || !search.look(1, u32::MAX, depths) {
            return;
        }
        let deepest = search.halve(1, blocks, u32::MAX, depths);
        let next = depths.iter().copied().filter(|depth| *depth < deepest).max().unwrap_or(0);
        if next > 0 {
            search.halve(next, deepest - 1, deepest, depths);
        }
    }
}

impl<F: Fn(Owner) -> Option<usize>> Search<'_, F> {
    /// The greatest depth from `low` to `high` at which a candidate is found that is known for less than `below`.
    fn halve(&self, mut low: u32, mut high: u32, below: u32, depths: &mut [u32]) -> u32 {
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if self.look(middle, below, depths) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        low
    }

    /// Whether a candidate is found at this depth that is known for less than `below`.
    fn look(&self, depth: u32, below: u32, depths: &mut [u32]) -> bool {
        let mut found = false;
        for owner in self.index.owners(self.chain[depth as usize - 1], self.now) {
            let known = (self.place)(owner).and_then(|at| depths.get_mut(at));
            if let Some(known) = known.filter(|known| **known < below) {
                *known = depth.max(*known);
                found = true;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::affinity::Mark;

    const NOW: Tick = Tick(1_000_000_000);

    fn depths(index: &Prefixes, chain: &[u64], candidates: usize) -> Vec<u32> {
        let mut depths = vec![0; candidates];
        index.depths(chain, NOW, &mut depths, |owner| Some(owner.mark as usize - 1));
        depths
    }

    fn chain(blocks: u64) -> Vec<u64> {
        (1..=blocks).map(|block| block.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
    }

    fn remember(index: &Prefixes, chain: &[u64], mark: u32) {
        index.remember(chain, Mark::new(mark).expect("a number in range"), NOW);
    }

    #[test]
    fn the_deepest_and_the_next_are_found_exactly() {
        let chain = chain(128);
        for deep in [1, 2, 31, 64, 65, 127, 128] {
            for shallow in (0..deep).step_by(7) {
                let index = Prefixes::new(1024);
                remember(&index, &chain[..deep], 2);
                remember(&index, &chain[..shallow], 1);
                let expected = [shallow, deep, 0].map(|depth| u32::try_from(depth).unwrap());
                assert_eq!(depths(&index, &chain, 3), expected);
            }
        }
    }

    #[test]
    fn no_candidate_is_believed_to_have_more_than_it_was_sent() {
        let chain = chain(60);
        let index = Prefixes::new(1024);
        let sent = [60, 3, 47, 22, 9];
        for (mark, sent) in (1..).zip(sent) {
            remember(&index, &chain[..sent], mark);
        }
        let found = depths(&index, &chain, 5);
        assert_eq!((found[0], found[2]), (60, 47));
        assert!(found.iter().zip(sent).all(|(found, sent)| *found as usize <= sent && *found > 0), "{found:?}");
    }

    #[test]
    fn a_chain_that_nobody_was_sent_is_found_nowhere() {
        let index = Prefixes::new(1024);
        remember(&index, &chain(4), 1);
        let other: Vec<_> = chain(4).iter().map(|hash| !hash).collect();
        assert_eq!(depths(&index, &other, 1), [0]);
        assert_eq!(depths(&index, &[], 1), [0]);
    }
}
