//! Who was sent which start of a prompt, and when.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::domain::Tick;

/// Entries that may hold one hash.
const WAYS: usize = 4;
/// Deployments that an entry remembers.
pub(in crate::plan) const OWNERS: usize = 14;
/// Bits of an owner's word that are a time.
const TIME_BITS: u32 = 18;
const TIME_MASK: u32 = (1 << TIME_BITS) - 1;
/// Seconds per unit of time: 18 bits of these are twelve days, after which a forgotten entry looks fresh again.
const UNIT_S: u64 = 4;

/// A deployment's number in the index, from 1; other deployments never get it while the process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Mark(u32);

impl Mark {
    /// Deployments that can have one; caches of further ones are not remembered.
    pub(in crate::plan) const MAX: u32 = (1 << (32 - TIME_BITS)) - 1;

    pub(in crate::plan) const fn new(number: u32) -> Option<Self> {
        if number == 0 || number > Self::MAX { None } else { Some(Self(number)) }
    }

    pub(in crate::plan) const fn number(self) -> u32 {
        self.0
    }
}

/// Somebody who was sent a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct Owner {
    pub(in crate::plan) mark: u32,
    /// Seconds since, to a few seconds.
    pub(in crate::plan) age_s: u32,
}

/// One hash: a cache line.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Entry {
    /// The upper half of the hash, or 0 when there is none.
    tag: AtomicU32,
    /// When it was last sent to anybody.
    used: AtomicU32,
    /// Who, in the upper bits, and when; filled from the front.
    owners: [AtomicU32; OWNERS],
}

/// A fixed table: what is new takes the place of what was not used for longest. Its memory is allocated when the first
/// prompt is remembered. Readers and writers do not wait for each other; where they meet, a guess may be wrong.
#[derive(Debug)]
pub(in crate::plan) struct Prefixes {
    sets: OnceLock<Box<[[Entry; WAYS]]>>,
    count: usize,
}

impl Prefixes {
    /// A table of at least so many sets of four entries, 256 bytes each.
    pub(in crate::plan) fn new(sets: usize) -> Self {
        Self { sets: OnceLock::new(), count: sets.clamp(1, 1 << 20).next_power_of_two() }
    }

    /// Remembers that a deployment was sent everything up to each of these hashes.
    pub(in crate::plan) fn remember(&self, chain: &[u64], mark: Mark, now: Tick) {
        let sets = self.sets.get_or_init(|| (0..self.count).map(|_| <[Entry; WAYS]>::default()).collect());
        let now = units(now);
        for hash in chain {
            remember_one(&sets[self.place(*hash)], tag(*hash), mark, now);
        }
    }

    /// Who was sent everything up to this hash.
    pub(in crate::plan) fn owners(&self, hash: u64, now: Tick) -> impl Iterator<Item = Owner> + '_ {
        let (tag, now) = (tag(hash), units(now));
        let set = self.sets.get().map(|sets| &sets[self.place(hash)]);
        let entry = set.and_then(|set| set.iter().find(|entry| entry.tag.load(Ordering::Relaxed) == tag));
        let words = entry.into_iter().flat_map(|entry| &entry.owners).map(|word| word.load(Ordering::Relaxed));
        words.take_while(|word| *word != 0).map(move |word| Owner { mark: word >> TIME_BITS, age_s: age_s(word, now) })
    }

    /// Whether anything was ever remembered.
    pub(in crate::plan) fn is_empty(&self) -> bool {
        self.sets.get().is_none()
    }

    #[expect(clippy::cast_possible_truncation, reason = "the mask keeps the lower bits only")]
    const fn place(&self, hash: u64) -> usize {
        hash as usize & (self.count - 1)
    }
}

fn remember_one(set: &[Entry; WAYS], tag: u32, mark: Mark, now: u32) {
    let word = mark.0 << TIME_BITS | now;
    if let Some(entry) = set.iter().find(|entry| entry.tag.load(Ordering::Relaxed) == tag) {
        entry.used.store(now, Ordering::Relaxed);
        return remember_owner(&entry.owners, word, now);
    }
    let age = |entry: &&Entry| match entry.tag.load(Ordering::Relaxed) {
        0 => u32::MAX,
        _ => now.wrapping_sub(entry.used.load(Ordering::Relaxed)) & TIME_MASK,
    };
    let Some(entry) = set.iter().max_by_key(age) else { return };
    // Nobody finds it while its owners are exchanged.
    entry.tag.store(0, Ordering::Relaxed);
    for owner in &entry.owners[1..] {
        owner.store(0, Ordering::Relaxed);
    }
    entry.owners[0].store(word, Ordering::Relaxed);
    entry.used.store(now, Ordering::Relaxed);
    entry.tag.store(tag, Ordering::Release);
}

fn remember_owner(owners: &[AtomicU32; OWNERS], word: u32, now: u32) {
    let mut oldest = (0, 0);
    for (at, owner) in owners.iter().enumerate() {
        let known = owner.load(Ordering::Relaxed);
        if known == 0 || known >> TIME_BITS == word >> TIME_BITS {
            return owner.store(word, Ordering::Relaxed);
        }
        oldest = oldest.max((now.wrapping_sub(known) & TIME_MASK, at));
    }
    owners[oldest.1].store(word, Ordering::Relaxed);
}

/// Never 0, which stands for an empty entry.
const fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32 | 1
}

#[expect(clippy::cast_possible_truncation, reason = "the mask keeps the lower bits only")]
const fn units(now: Tick) -> u32 {
    (now.0 / (UNIT_S * 1_000_000)) as u32 & TIME_MASK
}

#[expect(clippy::cast_possible_truncation, reason = "a unit is a few seconds")]
const fn age_s(word: u32, now: u32) -> u32 {
    (now.wrapping_sub(word) & TIME_MASK) * UNIT_S as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: u64) -> Tick {
        Tick(n * 1_000_000)
    }

    fn mark(number: u32) -> Mark {
        Mark::new(number).expect("a number in range")
    }

    fn owners(index: &Prefixes, hash: u64, now: Tick) -> Vec<(u32, u32)> {
        index.owners(hash, now).map(|owner| (owner.mark, owner.age_s)).collect()
    }

    #[test]
    fn what_was_sent_is_remembered_with_its_age() {
        let index = Prefixes::new(64);
        assert!(index.is_empty() && owners(&index, 5, second(0)).is_empty());
        index.remember(&[5, 6], mark(3), second(100));
        index.remember(&[5], mark(9), second(160));
        assert_eq!(owners(&index, 5, second(200)), [(3, 100), (9, 40)]);
        assert_eq!(owners(&index, 6, second(200)), [(3, 100)]);
        index.remember(&[5], mark(3), second(200));
        assert_eq!(owners(&index, 5, second(200)), [(3, 0), (9, 40)]);
    }

    #[test]
    fn what_was_not_used_for_longest_gives_way() {
        let index = Prefixes::new(1);
        let hash = |n: u64| n << 40;
        for n in 1..=4 {
            index.remember(&[hash(n)], mark(1), second(n * 10));
        }
        index.remember(&[hash(1)], mark(1), second(50));
        index.remember(&[hash(5)], mark(1), second(60));
        let known: Vec<_> = (1..=5).filter(|n| index.owners(hash(*n), second(60)).count() > 0).collect();
        assert_eq!(known, [1, 3, 4, 5]);
    }

    #[test]
    fn an_entry_has_room_for_so_many_owners_and_forgets_the_oldest() {
        let index = Prefixes::new(1);
        for number in 1..=15 {
            index.remember(&[1], mark(number), second(u64::from(number) * 10));
        }
        let known = owners(&index, 1, second(150));
        assert_eq!(known.len(), OWNERS);
        assert!(!known.iter().any(|(mark, _)| *mark == 1) && known.iter().any(|(mark, _)| *mark == 15));
    }

    #[test]
    fn marks_have_a_range() {
        assert!(Mark::new(0).is_none() && Mark::new(Mark::MAX + 1).is_none());
        assert_eq!(mark(Mark::MAX).number(), Mark::MAX);
    }
}
