//! Fast exponentials and logarithms that give the same bits on every machine.
//!
//! The standard library's go to the platform's own: another libc, another last bit, and a decision that does not
//! replay. These are accurate to a few millionths, far below what any estimate here is worth.

/// The greatest exponent that [`exp`] computes; beyond it the result stays there.
const EXPONENT_MAX: f32 = 87.0;

/// `e` to the power of `x`, relative error below 4e-6; `x` is first brought into ±87.
pub(crate) fn exp(x: f32) -> f32 {
    let power = x.clamp(-EXPONENT_MAX, EXPONENT_MAX) * std::f32::consts::LOG2_E;
    // Biased so that the cut towards zero is the nearest whole number, for negative powers as well.
    let biased = whole(power + 127.5);
    let part = power - (biased as f32 - 127.0);
    // Taylor series of 2^part for part in ±0.5.
    let series = 1.0
        + part
            * (std::f32::consts::LN_2
                + part * (0.240_226_5 + part * (0.055_504_11 + part * (0.009_618_129 + part * 0.001_333_356))));
    series * f32::from_bits(biased << 23)
}

/// The natural logarithm, error below 1e-6 of 1 or of the result; anything not positive counts as the least number.
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.max(f32::MIN_POSITIVE).to_bits();
    let mut exponent = (bits >> 23) as f32 - 127.0;
    let mut mantissa = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
    if mantissa > std::f32::consts::SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // ln m = 2 artanh((m - 1) / (m + 1)).
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = 2.0 * s * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0))));
    exponent * std::f32::consts::LN_2 + series
}

/// The logistic curve: from 0 over one half at 0 to 1.
pub(crate) fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The whole part of a number that is not negative; too large ones are cut to the greatest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cutting is what it is for")]
pub(crate) const fn whole(x: f32) -> u32 {
    x as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evenly spaced numbers.
    fn sweep(from: f32, to: f32) -> impl Iterator<Item = f32> {
        (0..=100_000).map(move |step| from + (to - from) * (step as f32 / 100_000.0))
    }

    #[test]
    fn the_exponential_is_as_exact_as_it_says() {
        for x in sweep(-86.9, 86.9) {
            let error = (f64::from(exp(x)) / f64::from(x).exp() - 1.0).abs();
            // Beyond one, the error of x itself, half a unit in its last place, shows.
            assert!(error < 4e-6 + f64::from(x.abs()) * 1.2e-7, "exp({x}) is off by {error:e}");
        }
        assert_eq!(exp(1e9), exp(EXPONENT_MAX));
        assert!(exp(-1e9) >= 0.0 && exp(-1e9) < 1e-37 && exp(f32::NAN).is_nan());
    }

    #[test]
    fn the_logarithm_is_as_exact_as_it_says() {
        for x in sweep(-87.0, 88.0) {
            let x = x.exp();
            let exact = f64::from(x).ln();
            let error = (f64::from(ln(x)) - exact).abs();
            assert!(error < 1e-6 * exact.abs().max(1.0), "ln({x}) is off by {error:e}");
        }
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), ln(-3.0));
    }

    #[test]
    fn the_logistic_curve_rises_from_nothing_to_certainty() {
        assert_eq!(logistic(0.0), 0.5);
        assert!(logistic(-80.0) < 1e-30 && logistic(100.0) > 0.999_999);
        let values: Vec<_> = sweep(-10.0, 10.0).map(logistic).collect();
        assert!(values.windows(2).all(|pair| pair[1] >= pair[0] - 1e-6));
    }

    #[test]
    fn whole_parts_are_cut_and_never_wrap() {
        assert_eq!((whole(2.9), whole(-1.0), whole(1e20), whole(f32::NAN)), (2, 0, u32::MAX, 0));
    }
}
