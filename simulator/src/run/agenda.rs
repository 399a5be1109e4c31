//! What will happen, and when. Events of the same moment happen in the order in which they were put down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use router_core::domain::Tick;

use crate::strategy::Failure;

/// Something that happens to a request or to an attempt, each by its number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Event {
    /// A request arrives.
    Arrive(usize),
    /// A request wants its next attempt.
    Ask(usize),
    /// An attempt at a deployment leaves, and is given up after so many microseconds without a token.
    Depart(usize, usize, u64),
    /// A client leaves, if it has no token yet.
    Impatient(usize),
    /// The first token of an attempt.
    First(usize),
    /// The last token of an attempt.
    Last(usize),
    /// An attempt fails.
    Fail(usize, Failure),
}

/// A heap of events by time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    heap: BinaryHeap<Reverse<Entry>>,
    count: u64,
}

#[derive(Debug)]
struct Entry {
    at: Tick,
    number: u64,
    event: Event,
}

impl Agenda {
    /// Puts an event down.
    pub(super) fn put(&mut self, at: Tick, event: Event) {
        self.count += 1;
        self.heap.push(Reverse(Entry { at, number: self.count, event }));
    }

    /// Takes the earliest event.
    pub(super) fn next(&mut self) -> Option<(Tick, Event)> {
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.event))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_and_then_by_order() {
        let mut agenda = Agenda::default();
        agenda.put(Tick(5), Event::Ask(0));
        agenda.put(Tick(3), Event::Ask(1));
        agenda.put(Tick(3), Event::Ask(2));
        let order: Vec<_> = std::iter::from_fn(|| agenda.next()).collect();
        assert_eq!(order, [(Tick(3), Event::Ask(1)), (Tick(3), Event::Ask(2)), (Tick(5), Event::Ask(0))]);
    }
}
