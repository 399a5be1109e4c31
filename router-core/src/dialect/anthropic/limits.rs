//! What the API takes, in numbers and characters.

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Number;

use crate::chat::Losses;

/// The bound on an answer when the caller sets none: the API wants one.
pub(super) const MAX_TOKENS_DEFAULT: u64 = 4_096;

/// The most that we set ourselves; every model that thinks can write as much.
pub(super) const MAX_TOKENS_OWN: u64 = 32_000;

/// The least budget for thoughts.
pub(super) const BUDGET_MIN: u64 = 1_024;

/// A number between 0 and 1; what lies outside is moved to the nearer end, and named.
pub(super) fn unit(number: &Number, name: &'static str, losses: &mut Losses) -> Number {
    let value = number.as_f64().unwrap_or(1.0);
    if (0.0..=1.0).contains(&value) {
        return number.clone();
    }
    losses.add(name);
    Number::from(u8::from(value > 1.0))
}

/// A call's id in the characters that the API takes. Different ids stay different.
pub(super) fn call_id(id: &str) -> Cow<'_, str> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(fits) {
        return Cow::Borrowed(id);
    }
    let mut spelt = String::with_capacity(id.len() + 8);
    for c in id.chars() {
        if fits(c) {
            spelt.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(spelt, "_{:x}", u32::from(c));
        }
    }
    Cow::Owned(spelt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_outside_are_clamped_and_named() {
        let mut losses = Losses::default();
        let number = |value: f64| Number::from_f64(value).expect("finite");
        assert_eq!(unit(&number(0.5), "a", &mut losses), number(0.5));
        assert_eq!(unit(&number(1.5), "b", &mut losses), Number::from(1));
        assert_eq!(unit(&number(-0.5), "c", &mut losses), Number::from(0));
        assert_eq!(losses.to_string(), "b, c");
    }

    #[test]
    fn ids_are_spelt_in_the_characters_that_the_api_takes() {
        assert_eq!(call_id("call_1-A"), "call_1-A");
        assert_eq!(call_id("functions.f:0"), "functions_2ef_3a0");
        assert_ne!(call_id("a.b"), call_id("a:b"));
    }
}
