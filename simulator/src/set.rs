//! A few deployments, as bits.

/// Deployments that one world may have.
pub const DEPLOYMENTS_MAX: usize = 64;

/// A set of places of deployments, each below [`DEPLOYMENTS_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Set(u64);

impl Set {
    /// The first `count` places.
    pub fn first(count: usize) -> Self {
        (0..count).collect()
    }

    /// How many there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether one is among them.
    pub const fn has(self, place: usize) -> bool {
        place < DEPLOYMENTS_MAX && self.0 & (1 << place) != 0
    }

    /// All but one.
    #[must_use]
    pub const fn without(self, place: usize) -> Self {
        if place < DEPLOYMENTS_MAX { Self(self.0 & !(1 << place)) } else { self }
    }

    /// This set, or another where this one is empty.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        if self.is_empty() { other } else { self }
    }

    /// The places, lowest first.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let place = rest.trailing_zeros() as usize;
            rest &= rest.wrapping_sub(1);
            (place < DEPLOYMENTS_MAX).then_some(place)
        })
    }

    /// Those for which a rule holds.
    #[must_use]
    pub fn filter(self, mut rule: impl FnMut(usize) -> bool) -> Self {
        self.iter().filter(|place| rule(*place)).collect()
    }

    /// The place with the least score; the lowest of several. `None` for an empty set.
    pub fn least(self, mut score: impl FnMut(usize) -> f64) -> Option<usize> {
        let scored = self.iter().map(|place| (score(place), place));
        scored.min_by(|(a, _), (b, _)| a.total_cmp(b)).map(|(_, place)| place)
    }

    /// The place with this number among them, counted from the lowest.
    pub fn nth(self, number: usize) -> Option<usize> {
        self.iter().nth(number)
    }
}

impl FromIterator<usize> for Set {
    fn from_iter<I: IntoIterator<Item = usize>>(places: I) -> Self {
        Self(places.into_iter().filter(|place| *place < DEPLOYMENTS_MAX).fold(0, |bits, place| bits | 1 << place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let set: Set = [0, 5, 63, 64].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 5, 63]);
        assert_eq!(set.without(5).len(), 2);
        assert_eq!(set.least(|place| -(place as f64)), Some(63));
        assert_eq!(set.nth(1), Some(5));
        assert_eq!(Set::default().or(set), set);
        assert_eq!(Set::first(64).len(), 64);
    }
}
