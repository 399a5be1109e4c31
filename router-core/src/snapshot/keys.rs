//! Keys by their digest: found by one look-up, replaced one at a time without touching the others.

use std::sync::Arc;

use super::compile::Key;
use crate::domain::KeyDigest;

/// The first twelve bits of a digest choose a shard; a million keys make shards of about 250.
const SHARDS: usize = 1 << 12;

/// An immutable map from digest to key. [`KeyIndex::with`] shares all shards but one with its parent, so that a changed
/// key costs a few microseconds however many keys there are, and readers of the old map notice nothing.
#[derive(Clone, Debug)]
pub struct KeyIndex {
    /// Each shard is sorted by digest.
    shards: Box<[Arc<[Arc<Key>]>]>,
}

impl KeyIndex {
    /// Indexes keys. Of two with the same digest the later one counts.
    pub fn new(keys: impl IntoIterator<Item = Arc<Key>>) -> Self {
        let mut shards = vec![Vec::new(); SHARDS];
        for key in keys {
            insert(&mut shards[shard_of(&key.digest)], key);
        }
        Self { shards: shards.into_iter().map(Arc::from).collect() }
    }

    /// The key with this digest. A digest is no secret and nobody can choose one bit by bit, so the time this takes
    /// tells nothing about the keys that exist.
    pub fn get(&self, digest: &KeyDigest) -> Option<&Arc<Key>> {
        let shard = &self.shards[shard_of(digest)];
        shard.binary_search_by(|key| key.digest.cmp(digest)).ok().map(|at| &shard[at])
    }

    /// The same index with one key added or replaced.
    #[must_use]
    pub fn with(&self, key: Arc<Key>) -> Self {
        let at = shard_of(&key.digest);
        self.with_shard(at, |shard| insert(shard, key))
    }

    /// The same index without one key.
    #[must_use]
    pub fn without(&self, digest: &KeyDigest) -> Self {
        self.with_shard(shard_of(digest), |shard| shard.retain(|key| key.digest != *digest))
    }

    fn with_shard(&self, at: usize, change: impl FnOnce(&mut Vec<Arc<Key>>)) -> Self {
        let mut shards = self.shards.clone();
        let mut shard = shards[at].to_vec();
        change(&mut shard);
        shards[at] = shard.into();
        Self { shards }
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.len()).sum()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.shards.iter().all(|shard| shard.is_empty())
    }
}

fn shard_of(digest: &KeyDigest) -> usize {
    usize::from(digest.0[0]) << 4 | usize::from(digest.0[1] >> 4)
}

fn insert(shard: &mut Vec<Arc<Key>>, key: Arc<Key>) {
    match shard.binary_search_by(|other| other.digest.cmp(&key.digest)) {
        Ok(at) => shard[at] = key,
        Err(at) => shard.insert(at, key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KeyId, TenantId};
    use crate::snapshot::compile::ModelAccess;

    fn key(name: &str) -> Arc<Key> {
        Arc::new(Key {
            id: KeyId::named(name),
            tenant: TenantId::named("test"),
            digest: KeyDigest::of(name.as_bytes()),
            models: ModelAccess::new(&[]),
            expires_at: None,
            refuse_lossy: false,
        })
    }

    #[test]
    fn a_key_is_found_by_its_digest_and_no_other_is() {
        let index = KeyIndex::new((0..20_000).map(|number| key(&number.to_string())));
        assert_eq!(index.len(), 20_000);
        for number in 0..20_000 {
            let digest = KeyDigest::of(number.to_string().as_bytes());
            assert_eq!(index.get(&digest).map(|key| key.digest), Some(digest));
        }
        assert!(index.get(&KeyDigest::of(b"somebody else")).is_none());
    }

    #[test]
    fn adding_and_removing_leaves_the_parent_as_it_was() {
        let parent = KeyIndex::new([key("a")]);
        let child = parent.with(key("b")).without(&KeyDigest::of(b"a"));
        assert!(parent.get(&KeyDigest::of(b"a")).is_some() && parent.get(&KeyDigest::of(b"b")).is_none());
        assert!(child.get(&KeyDigest::of(b"a")).is_none() && child.get(&KeyDigest::of(b"b")).is_some());
    }
}
