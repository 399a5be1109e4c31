//! Masks of a block of 64 bytes: bit *i* tells about byte *i*.
//!
//! Plain Rust in a shape that compilers turn into vector code: [`has`] becomes compares and one test, [`mask`] compares
//! and eight multiplications. So ask [`has`] first where the answer is mostly no.

/// Bytes in a block.
pub const BLOCK: usize = 64;

/// Whether any byte matches.
#[inline]
pub fn has(block: &[u8; BLOCK], matches: impl Fn(u8) -> bool) -> bool {
    block.iter().fold(0, |hits, &byte| hits | u8::from(matches(byte))) != 0
}

/// Which bytes match.
#[inline]
pub fn mask(block: &[u8; BLOCK], matches: impl Fn(u8) -> bool) -> u64 {
    /// Moves bit 0 of byte *i* to bit 56 + *i*, without any two meeting.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let mut hits = [0; BLOCK];
    for (hit, &byte) in hits.iter_mut().zip(block) {
        *hit = u8::from(matches(byte));
    }
    let (words, _) = hits.as_chunks::<8>();
    words
        .iter()
        .enumerate()
        .fold(0, |mask, (at, &word)| mask | (u64::from_le_bytes(word).wrapping_mul(GATHER) >> 56) << (8 * at))
}

/// Which bytes match, for a block where mostly none does.
#[inline]
pub fn rare_mask(block: &[u8; BLOCK], matches: impl Fn(u8) -> bool) -> u64 {
    if has(block, &matches) { mask(block, matches) } else { 0 }
}

/// For each bit, whether the number of set bits up to and including it is odd.
#[inline]
pub fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Which bytes are escaped by a backslash before them, given the backslashes. `carry` is 1 when the byte before the
/// block escapes its first one, otherwise 0.
#[inline]
pub fn escaped(backslashes: u64, carry: u64) -> u64 {
    const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
    if backslashes == 0 {
        return carry;
    }
    // A run of backslashes escapes every other one of itself, and what follows if it is odd: the subtraction carries
    // through each run, so that the parity of its end against its start can be read off. An escaped one starts no run.
    let starters = backslashes & !carry;
    let parity = ((starters << 1) | ODD).wrapping_sub(starters) ^ ODD;
    parity ^ (backslashes | carry)
}

/// The carry at byte `at` of a text, whose own carry is given: whether an odd run of backslashes ends there.
#[inline]
pub fn carry_at(text: &[u8], at: usize, carry: u64) -> u64 {
    match text[..at].iter().rposition(|&byte| byte != b'\\') {
        Some(before) => (at - 1 - before) as u64 & 1,
        None => at as u64 & 1 ^ carry,
    }
}

/// Whether a string that has not ended before byte `at` of the text certainly does not end in the block that starts
/// there: every quote follows a backslash that follows something else. `false` means that it must be looked at closely.
#[inline]
pub fn goes_on(text: &[u8], at: usize) -> bool {
    let Some(window) = at.checked_sub(2).and_then(|from| text[from..].first_chunk::<{ BLOCK + 2 }>()) else {
        return false;
    };
    // Without shortcuts, which would be branches.
    let ends = |at: usize| (window[at + 2] == b'"') & !((window[at + 1] == b'\\') & (window[at] != b'\\'));
    !(0..BLOCK).fold(false, |any, at| any | ends(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive(block: &[u8; BLOCK], matches: impl Fn(u8) -> bool) -> u64 {
        (0..BLOCK).map(|at| u64::from(matches(block[at])) << at).sum()
    }

    fn block() -> impl Strategy<Value = [u8; BLOCK]> {
        let byte =
            prop_oneof![Just(b'"'), Just(b'\\'), prop::sample::select(b"[]{}\x02\x5a;=}".as_slice()), any::<u8>()];
        proptest::collection::vec(byte, BLOCK).prop_map(|bytes| bytes.try_into().expect("it has 64 bytes"))
    }

    /// Text with the odd escaped quote, such as most blocks of a prompt are.
    fn prose() -> impl Strategy<Value = [u8; BLOCK]> {
        let bytes = proptest::collection::vec(prop::sample::select(br#"aaaaaaaaaaaaaaa"\\\"#.as_slice()), BLOCK);
        bytes.prop_map(|bytes| bytes.try_into().expect("it has 64 bytes"))
    }

    /// Bits that are mostly set, so that there are long runs.
    fn runs() -> impl Strategy<Value = u64> {
        prop_oneof![
            proptest::num::u64::ANY,
            [proptest::num::u64::ANY; 3].prop_map(|[a, b, c]| a | b | c),
            Just(u64::MAX),
            Just(0)
        ]
    }

    /// The bytes that are escaped, and whether the byte after the block is.
    fn naive_escaped(backslashes: u64, before: bool) -> (u64, u64) {
        let (mut escaped, mut next) = (0, before);
        for at in 0..BLOCK {
            escaped |= u64::from(next) << at;
            next = backslashes >> at & 1 == 1 && !next;
        }
        (escaped, u64::from(next))
    }

    proptest! {
        #[test]
        fn a_mask_tells_what_a_look_at_every_byte_tells(block in block(), wanted: u8) {
            let matches = |byte| byte == wanted || byte | 0x20 == b'}';
            prop_assert_eq!(mask(&block, matches), naive(&block, matches));
            prop_assert_eq!(rare_mask(&block, matches), naive(&block, matches));
            prop_assert_eq!(has(&block, matches), naive(&block, matches) != 0);
        }

        #[test]
        fn every_other_backslash_of_a_run_escapes(backslashes in runs(), before: bool) {
            prop_assert_eq!(escaped(backslashes, u64::from(before)), naive_escaped(backslashes, before).0);
        }

        #[test]
        fn a_look_back_finds_the_carry(backslashes in runs(), before: bool) {
            let block: [u8; BLOCK] = std::array::from_fn(|at| if backslashes >> at & 1 == 1 { b'\\' } else { b'x' });
            let (escaped, after) = naive_escaped(backslashes, before);
            prop_assert_eq!(carry_at(&block, BLOCK, u64::from(before)), after);
            for at in 0..BLOCK {
                prop_assert_eq!(carry_at(&block, at, u64::from(before)), escaped >> at & 1);
            }
        }

        #[test]
        fn a_string_that_goes_on_has_no_end_in_the_block(before in prose(), block in prose()) {
            let text = [before, block].concat();
            let backslashes = naive(&block, |byte| byte == b'\\');
            let carry = carry_at(&text, BLOCK, 0);
            let ends = naive(&block, |byte| byte == b'"') & !escaped(backslashes, carry);
            prop_assert!(!goes_on(&text, BLOCK) || ends == 0);
            prop_assert!(!goes_on(&text, 0));
        }

        #[test]
        fn prefix_xor_is_the_parity_so_far(bits: u64) {
            let expected = (0..64).map(|at| u64::from((bits << (63 - at)).count_ones() & 1) << at).sum::<u64>();
            prop_assert_eq!(prefix_xor(bits), expected);
        }
    }
}
