//! Money is whole: credits in billionths, prices in trillionths of a credit per token.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::usage::{Overflow, Usage};

const NANO_PER_CREDIT: i64 = 1_000_000_000;
const PICO_PER_NANO: i128 = 1_000;
/// A price per million tokens in whole credits is this many pico-credits per token.
const PICO_PER_TOKEN_OF_ONE_PER_MILLION: u64 = 1_000_000;

/// A credit amount in billionths (one credit is one US dollar unless configured). Negative is a debt, which is a fact
/// and not a bug. There is no `Add`: use [`Credits::checked_add`] and decide what an overflow means. On the wire it is a
/// whole number of billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credits(i64);

impl Credits {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Takes whole nano-credits.
    pub const fn from_nano(nano: i64) -> Self {
        Self(nano)
    }

    /// Gives whole nano-credits.
    pub const fn nano(self) -> i64 {
        self.0
    }

    /// Adds, or says that the sum does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
}

impl fmt::Display for Credits {
    /// A plain decimal with nine places: exact, and no exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (
            self.0.unsigned_abs() / NANO_PER_CREDIT.unsigned_abs(),
            self.0.unsigned_abs() % NANO_PER_CREDIT.unsigned_abs(),
        );
        write!(f, "{sign}{whole}.{part:09}")
    }
}

/// A price: trillionths of a credit per token. Every published price is a whole number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PicoPerToken(pub u64);

/// A text that is not a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a price per million tokens such as \"2.50\", with at most six decimals")]
pub struct ParseMoneyError;

impl PicoPerToken {
    /// Reads a published price, in credits per million tokens (`"2.50"`), without rounding.
    pub fn from_per_million(text: &str) -> Result<Self, ParseMoneyError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || part.len() > 6 || !digits(whole) || !digits(part) {
            return Err(ParseMoneyError);
        }
        let whole: u64 = whole.parse().map_err(|_| ParseMoneyError)?;
        let part: u64 = format!("{part:0<6}").parse().map_err(|_| ParseMoneyError)?;
        whole
            .checked_mul(PICO_PER_TOKEN_OF_ONE_PER_MILLION)
            .and_then(|pico| pico.checked_add(part))
            .map(Self)
            .ok_or(ParseMoneyError)
    }
}

impl FromStr for PicoPerToken {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, ParseMoneyError> {
        Self::from_per_million(text)
    }
}

/// What the tokens of one deployment cost. The price book with its validity dates is built on top of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Input tokens that no cache answered.
    pub input: PicoPerToken,
    /// Output tokens, reasoning among them.
    pub output: PicoPerToken,
    /// Input tokens that the provider's prompt cache answered.
    pub cache_read: PicoPerToken,
    /// Input tokens written to the provider's prompt cache.
    pub cache_write: PicoPerToken,
}

impl Price {
    /// Turns tokens into money: the only place that does. Rounds up to whole nano-credits, once, at the end.
    pub fn charge(&self, usage: &Usage) -> Result<Credits, Overflow> {
        let input = usage.fresh.checked_add(usage.audio_in).ok_or(Overflow)?;
        let output = [usage.out_text, usage.out_reasoning, usage.out_audio];
        let output = output.iter().try_fold(0u64, |sum, part| sum.checked_add(*part)).ok_or(Overflow)?;
        let lines = [
            (input, self.input),
            (output, self.output),
            (usage.cache_read, self.cache_read),
            (usage.cache_write, self.cache_write),
        ];
        let pico = lines.iter().try_fold(0i128, |sum, (tokens, price)| {
            sum.checked_add(i128::from(*tokens).checked_mul(i128::from(price.0))?)
        });
        let pico = pico.ok_or(Overflow)?;
        let nano = pico.div_euclid(PICO_PER_NANO) + i128::from(pico.rem_euclid(PICO_PER_NANO) != 0);
        i64::try_from(nano).map(Credits).map_err(|_| Overflow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(input: &str, output: &str) -> Price {
        let read = |text: &str| text.parse().expect("a price in a test");
        Price { input: read(input), output: read(output), cache_read: read("0.25"), cache_write: read(input) }
    }

    #[test]
    fn a_published_price_is_read_exactly_or_refused() {
        assert_eq!("2.50".parse(), Ok(PicoPerToken(2_500_000)));
        assert_eq!("0.000001".parse(), Ok(PicoPerToken(1)));
        for wrong in ["", ".5", "-1", "1e3", "0.0000001", "2,5", "99999999999999999999"] {
            assert_eq!(wrong.parse::<PicoPerToken>(), Err(ParseMoneyError), "{wrong}");
        }
    }

    #[test]
    fn a_charge_rounds_up_once_at_the_end() {
        let usage = Usage { fresh: 1, out_text: 1, ..Usage::default() };
        // 0.0001 per million is 100 pico per token: two tokens are 200 pico, a fifth of a nano-credit.
        assert_eq!(price("0.0001", "0.0001").charge(&usage), Ok(Credits::from_nano(1)));
        assert_eq!(price("2.50", "10").charge(&usage), Ok(Credits::from_nano(12_500)));
    }

    #[test]
    fn a_charge_that_does_not_fit_is_an_error_and_never_small() {
        let usage = Usage { fresh: u64::MAX, ..Usage::default() };
        assert_eq!(price("1000000", "1").charge(&usage), Err(Overflow));
    }

    #[test]
    fn credits_print_as_a_plain_decimal() {
        assert_eq!(Credits::from_nano(1_500_000_001).to_string(), "1.500000001");
        assert_eq!(Credits::from_nano(-12_500).to_string(), "-0.000012500");
    }
}
