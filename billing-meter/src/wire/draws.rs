//! What one exchange takes from each of several leases.

use router_core::domain::{Credits, LeaseId};

/// Budgets that one request can be held against: two each of its key, its user, its team and its organisation.
pub const BUDGETS_MAX: usize = 8;

/// An amount of one lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The lease.
    pub lease: LeaseId,
    /// The amount; never negative.
    pub amount: Credits,
}

/// An amount of each of a few leases. Fixed in size, so that no request allocates for it.
#[derive(Clone, Copy, Default)]
pub struct Draws {
    draws: [Option<Draw>; BUDGETS_MAX],
}

/// More budgets than one request can be held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request can be held against {BUDGETS_MAX} budgets at most")]
pub struct TooManyBudgets;

impl Draws {
    /// None.
    pub const NONE: Self = Self { draws: [None; BUDGETS_MAX] };

    /// Adds one.
    ///
    /// # Errors
    /// When there is no room for it.
    pub fn push(&mut self, draw: Draw) -> Result<(), TooManyBudgets> {
        let free = self.draws.iter_mut().find(|place| place.is_none()).ok_or(TooManyBudgets)?;
        *free = Some(draw);
        Ok(())
    }

    /// All of them, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = Draw> + '_ {
        self.draws.iter().map_while(|draw| *draw)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.draws[0].is_none()
    }

    /// What is taken from one lease.
    pub fn of(&self, lease: LeaseId) -> Option<Credits> {
        self.iter().find(|draw| draw.lease == lease).map(|draw| draw.amount)
    }
}

impl PartialEq for Draws {
    fn eq(&self, other: &Self) -> bool {
        self.draws == other.draws
    }
}

impl Eq for Draws {}

impl std::fmt::Debug for Draws {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(name: &str, nano: i64) -> Draw {
        Draw { lease: LeaseId::named(name), amount: Credits::from_nano(nano) }
    }

    #[test]
    fn draws_are_kept_in_order_and_found_by_lease() {
        let mut draws = Draws::NONE;
        assert!(draws.is_empty());
        draws.push(draw("a", 1)).expect("there is room");
        draws.push(draw("b", 2)).expect("there is room");
        assert_eq!(draws.iter().collect::<Vec<_>>(), [draw("a", 1), draw("b", 2)]);
        assert_eq!(draws.of(LeaseId::named("b")), Some(Credits::from_nano(2)));
        assert_eq!((draws.of(LeaseId::named("c")), draws.len()), (None, 2));
    }

    #[test]
    fn there_is_room_for_eight() {
        let mut draws = Draws::NONE;
        for at in 0..BUDGETS_MAX {
            draws.push(draw(&at.to_string(), 1)).expect("there is room");
        }
        assert_eq!(draws.push(draw("more", 1)), Err(TooManyBudgets));
    }
}
