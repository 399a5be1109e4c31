//! From a prompt to the hashes of its blocks.

use rapidhash::v3::rapidhash_v3;

/// Bytes of one block: about 512 tokens. Providers cache in steps of 128 tokens or so; finer blocks would find little
/// more and cost more to remember.
pub const BLOCK_BYTES: usize = 2048;
/// Blocks that are looked at: half a megabyte. Prompts that agree so far are taken to agree.
pub const BLOCKS_MAX: usize = 256;

/// Hashes the blocks of a prompt that comes in pieces, in the provider's order: tools, system, messages. How it is cut
/// into pieces makes no difference. `salt` tells apart what no cache shares, such as prompt cache keys. A last block that
/// is not full is left out. What was in `out` is lost; its memory is used again.
pub fn chain<'a>(salt: u64, pieces: impl IntoIterator<Item = &'a [u8]>, out: &mut Vec<u64>) {
    out.clear();
    let mut last = salt;
    let mut partial = [0; BLOCK_BYTES];
    let mut filled = 0;
    for mut piece in pieces {
        if filled > 0 {
            let taken = piece.len().min(BLOCK_BYTES - filled);
            partial[filled..filled + taken].copy_from_slice(&piece[..taken]);
            filled += taken;
            piece = &piece[taken..];
            if filled < BLOCK_BYTES {
                continue;
            }
            last = link(last, &partial);
            out.push(last);
        }
        let mut blocks = piece.chunks_exact(BLOCK_BYTES);
        for block in blocks.by_ref().take(BLOCKS_MAX.saturating_sub(out.len())) {
            last = link(last, block);
            out.push(last);
        }
        if out.len() >= BLOCKS_MAX {
            out.truncate(BLOCKS_MAX);
            return;
        }
        let rest = blocks.remainder();
        partial[..rest.len()].copy_from_slice(rest);
        filled = rest.len();
    }
}

/// The hash of everything up to the end of a block.
fn link(before: u64, block: &[u8]) -> u64 {
    // The finaliser of SplitMix64, so that each bit of either changes about half of the result.
    let mut bits = before.rotate_left(23) ^ rapidhash_v3(block);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(bytes: usize) -> Vec<u8> {
        (0..bytes).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
    }

    fn chain_of(salt: u64, pieces: &[&[u8]]) -> Vec<u64> {
        let mut out = vec![1, 2, 3];
        chain(salt, pieces.iter().copied(), &mut out);
        out
    }

    #[test]
    fn every_cut_into_pieces_gives_the_same_chain() {
        let prompt = prompt(5 * BLOCK_BYTES + 100);
        let whole = chain_of(7, &[&prompt]);
        assert_eq!(whole.len(), 5);
        for first in [0, 1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES, prompt.len()] {
            for second in [first, first + 1, first + BLOCK_BYTES, prompt.len()] {
                let (first, second) = (first.min(prompt.len()), second.min(prompt.len()));
                let pieces = [&prompt[..first], &prompt[first..second], &prompt[second..]];
                assert_eq!(chain_of(7, &pieces), whole, "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn prompts_agree_exactly_as_far_as_their_chains_do() {
        let one = prompt(4 * BLOCK_BYTES);
        let mut other = one.clone();
        other[2 * BLOCK_BYTES] ^= 1;
        let (one, other) = (chain_of(0, &[&one]), chain_of(0, &[&other]));
        assert_eq!(one[..2], other[..2]);
        assert!(one[2] != other[2] && one[3] != other[3], "a difference is never forgotten");
    }

    #[test]
    fn another_salt_is_another_chain() {
        let prompt = prompt(2 * BLOCK_BYTES);
        assert_ne!(chain_of(1, &[&prompt]), chain_of(2, &[&prompt]));
    }

    #[test]
    fn a_chain_has_a_bound_and_short_prompts_have_none() {
        assert_eq!(chain_of(0, &[&prompt((BLOCKS_MAX + 10) * BLOCK_BYTES)]).len(), BLOCKS_MAX);
        assert!(chain_of(0, &[&prompt(BLOCK_BYTES - 1)]).is_empty());
        assert!(chain_of(0, &[]).is_empty());
    }
}
