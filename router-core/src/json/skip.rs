//! Crosses strings and nested values, a block at a time.

use super::block::{BLOCK, carry_at, escaped, goes_on, mask, prefix_xor, rare_mask};

/// A string whose opening quote is behind us.
#[derive(Clone, Copy, Debug)]
pub struct InString {
    /// 1 when the byte before the text is a backslash that escapes.
    carry: u64,
}

impl InString {
    /// After the opening quote.
    pub const fn new() -> Self {
        Self { carry: 0 }
    }

    /// How many bytes of `text` belong to the string, its closing quote included; `None` when all do and it goes on.
    /// Afterwards another string can be crossed.
    pub fn cross(&mut self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(block) = text[at..].first_chunk::<BLOCK>() {
            if !goes_on(text, at) {
                let escaped = escaped(rare_mask(block, is_backslash), carry_at(text, at, self.carry));
                let ends = mask(block, is_quote) & !escaped;
                if ends != 0 {
                    self.carry = 0;
                    return Some(at + first(ends) + 1);
                }
            }
            at += BLOCK;
        }
        self.carry = carry_at(text, at, self.carry);
        for (ahead, &byte) in text[at..].iter().enumerate() {
            match byte {
                _ if self.carry == 1 => self.carry = 0,
                b'"' => return Some(at + ahead + 1),
                _ => self.carry = u64::from(byte == b'\\'),
            }
        }
        None
    }
}

/// Why a nested value cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stuck {
    /// More brackets are open than allowed, at this byte of the text.
    TooDeep(usize),
    /// A backslash that is in no string, at this byte of the text.
    StrayBackslash(usize),
}

/// An object or array, from its opening bracket on.
#[derive(Clone, Copy, Debug)]
pub struct InNested {
    /// Brackets that are open.
    depth: u32,
    /// All ones inside a string, otherwise 0.
    string: u64,
    /// 1 when the byte before the text is a backslash that escapes.
    carry: u64,
}

impl InNested {
    /// Before the opening bracket.
    pub const fn new() -> Self {
        Self { depth: 0, string: 0, carry: 0 }
    }

    /// How many bytes of `text` belong to the value, its closing bracket included; `None` when all do and it goes on.
    /// At most `depth_max` brackets may be open at once, its own included.
    pub fn cross(&mut self, text: &[u8], depth_max: u32) -> Result<Option<usize>, Stuck> {
        let mut at = 0;
        while let Some(block) = text[at..].first_chunk::<BLOCK>() {
            if self.string == 0 || !goes_on(text, at) {
                let carry = carry_at(text, at, self.carry);
                if let Some(end) = self.block(block, BLOCK, carry, depth_max).map_err(|stuck| stuck.shifted(at))? {
                    return Ok(Some(at + end));
                }
            }
            at += BLOCK;
        }
        let (rest, carry) = (&text[at..], carry_at(text, at, self.carry));
        let end = self.block(&padded(rest), rest.len(), carry, depth_max).map_err(|stuck| stuck.shifted(at))?;
        self.carry = carry_at(text, text.len(), self.carry);
        Ok(end.map(|end| at + end))
    }

    /// Crosses the first `len` bytes of a block; what follows them is zero.
    #[inline]
    fn block(&mut self, block: &[u8; BLOCK], len: usize, carry: u64, depth_max: u32) -> Result<Option<usize>, Stuck> {
        let backslashes = rare_mask(block, is_backslash);
        let quotes = mask(block, is_quote) & !escaped(backslashes, carry);
        let strings = prefix_xor(quotes) ^ self.string;
        self.string = 0u64.wrapping_sub(strings >> 63);
        let end = self.step(block, mask(block, is_bracket) & !strings, depth_max);
        // The earliest fault counts, wherever the text was split.
        let stray = backslashes & !strings & below(end.map_or_else(Stuck::at, |end| end.unwrap_or(len)));
        if stray == 0 { end } else { Err(Stuck::StrayBackslash(first(stray))) }
    }

    /// Follows the depth through a block's brackets; answers with the byte after the one that closes the value.
    #[inline]
    fn step(&mut self, block: &[u8; BLOCK], mut brackets: u64, depth_max: u32) -> Result<Option<usize>, Stuck> {
        while brackets != 0 {
            let at = first(brackets);
            brackets &= brackets - 1;
            if block[at] | 0x20 == b'{' {
                if self.depth == depth_max {
                    return Err(Stuck::TooDeep(at));
                }
                self.depth += 1;
            } else {
                self.depth -= 1;
                if self.depth == 0 {
                    return Ok(Some(at + 1));
                }
            }
        }
        Ok(None)
    }
}

/// `[`, `]`, `{` or `}`: the two kinds differ in bit 0x20 alone.
const fn is_bracket(byte: u8) -> bool {
    (byte | 0x20 == b'{') | (byte | 0x20 == b'}')
}

const fn is_quote(byte: u8) -> bool {
    byte == b'"'
}

const fn is_backslash(byte: u8) -> bool {
    byte == b'\\'
}

impl Stuck {
    const fn shifted(self, by: usize) -> Self {
        match self {
            Self::TooDeep(at) => Self::TooDeep(at + by),
            Self::StrayBackslash(at) => Self::StrayBackslash(at + by),
        }
    }

    const fn at(self) -> usize {
        match self {
            Self::TooDeep(at) | Self::StrayBackslash(at) => at,
        }
    }
}

/// The place of the lowest set bit of `bits`, which is not 0.
const fn first(bits: u64) -> usize {
    bits.trailing_zeros() as usize
}

/// The bits below `at`, which is at most 64.
const fn below(at: usize) -> u64 {
    if at == 64 { u64::MAX } else { (1 << at) - 1 }
}

fn padded(rest: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    block[..rest.len()].copy_from_slice(rest);
    block
}
