//! A provider's prompt cache: which prefixes are alive.

use std::collections::BTreeMap;

use router_core::domain::Tick;

use crate::traffic::Request;
use crate::units::after;
use crate::world::{BLOCK_TOKENS, Cache};

/// Blocks after which the dead ones are cleared away.
const BLOCKS_BEFORE_CLEARING: usize = 1 << 14;

/// Blocks and until when they live.
#[derive(Debug, Default)]
pub(super) struct PromptCache {
    until: BTreeMap<u64, Tick>,
    clear_at: usize,
}

impl PromptCache {
    /// Tokens of a prompt's longest living prefix. The last token is never cached: something has to be computed.
    pub(super) fn tokens(&self, cache: &Cache, request: &Request, now: Tick) -> u64 {
        let lives = |block: &&u64| self.until.get(block).is_some_and(|until| *until > now);
        let blocks = request.prefix.iter().take_while(lives).count() as u64;
        let tokens = (blocks * BLOCK_TOKENS).min(request.prompt_tokens.saturating_sub(1));
        if tokens >= cache.tokens_min { tokens } else { 0 }
    }

    /// Keeps a prompt's prefix, or lets it live longer.
    pub(super) fn keep(&mut self, cache: &Cache, request: &Request, now: Tick) {
        if request.prompt_tokens < cache.tokens_min {
            return;
        }
        let until = after(now, cache.ttl_s);
        self.until.extend(request.prefix.iter().map(|block| (*block, until)));
        if self.until.len() > self.clear_at.max(BLOCKS_BEFORE_CLEARING) {
            self.until.retain(|_, until| *until > now);
            self.clear_at = self.until.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_lives_from_its_last_use() {
        let rules = Cache { ttl_s: 10.0, tokens_min: 1_024, found: 1.0 };
        let long = Request {
            at: Tick(0),
            prompt_tokens: 2_000,
            output_tokens: 1,
            max_tokens: None,
            prefix: vec![1, 2, 3],
            user: 0,
            replica: 0,
        };
        let short = Request { prompt_tokens: 600, prefix: vec![1], ..long.clone() };
        let mut cache = PromptCache::default();
        cache.keep(&rules, &long, Tick(0));
        assert_eq!(cache.tokens(&rules, &long, Tick(9_000_000)), 1_536);
        assert_eq!(cache.tokens(&rules, &short, Tick(0)), 0, "below the provider's minimum");
        cache.keep(&rules, &long, Tick(9_000_000));
        assert_eq!(cache.tokens(&rules, &long, Tick(18_000_000)), 1_536);
        assert_eq!(cache.tokens(&rules, &long, Tick(19_000_000)), 0);
    }
}
