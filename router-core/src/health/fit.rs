//! A line through recent times to first token: what a request of a given size should take.

/// Samples that the memory is worth: each new one takes this share of the old away.
const MEMORY: f64 = 150.0;
/// How firmly the prior holds each coefficient, in the units of its own square.
const RIDGE: [f64; 3] = [4.0, 200.0, 2500.0];
/// A request in flight makes others slower by this share of an idle deployment's time at most. Beyond that it is a
/// queue, which bends where a line cannot, and is the knee's to find.
const BUSY_SHARE: f64 = 0.02;

/// Decayed weighted least squares of `y` on `(1, tokens, in_flight)`.
///
/// Sums are kept, not samples, so an update costs the same for ever. A ridge towards the prior keeps what the samples do not tell: with every prompt of one length, the
/// intercept and the slope cannot be told apart.
#[derive(Clone, Debug)]
pub(super) struct Fit {
    /// Upper triangle of the weighted sums of products: 11, 1u, 1q, uu, uq, qq.
    products: [f64; 6],
    /// Weighted sums of y, y·u, y·q.
    targets: [f64; 3],
    prior: [f64; 3],
}

impl Fit {
    pub(super) fn new(prior: [f32; 3]) -> Self {
        Self { products: [0.0; 6], targets: [0.0; 3], prior: prior.map(f64::from) }
    }

    /// Takes one sample in and gives the three coefficients, none of them negative: seconds, seconds per thousand
    /// uncached tokens, seconds per request in flight.
    pub(super) fn learn(&mut self, tokens_k: f32, in_flight: f32, y: f32, weight: f32) -> [f32; 3] {
        let x = [1.0, f64::from(tokens_k), f64::from(in_flight)];
        let (y, weight) = (f64::from(y), f64::from(weight));
        let keep = 1.0 - 1.0 / MEMORY;
        let pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)];
        for (sum, (i, j)) in self.products.iter_mut().zip(pairs) {
            *sum = *sum * keep + weight * x[i] * x[j];
        }
        for (sum, x) in self.targets.iter_mut().zip(x) {
            *sum = *sum * keep + weight * y * x;
        }
        self.solve()
    }

    /// Solves (products + ridge) θ = targets + ridge · prior by Cramer's rule; the ridge keeps it solvable.
    fn solve(&self) -> [f32; 3] {
        let [ii, iu, iq, uu, uq, qq] = self.products;
        let (ii, uu, qq) = (ii + RIDGE[0], uu + RIDGE[1], qq + RIDGE[2]);
        let right: [f64; 3] = std::array::from_fn(|i| self.targets[i] + RIDGE[i] * self.prior[i]);
        // The inverse of a symmetric matrix is that of its cofactors, which is symmetric too.
        let (c00, c01, c02) = (uu * qq - uq * uq, uq * iq - iu * qq, iu * uq - uu * iq);
        let (c11, c12, c22) = (ii * qq - iq * iq, iu * iq - ii * uq, ii * uu - iu * iu);
        let determinant = ii * c00 + iu * c01 + iq * c02;
        let rows = [[c00, c01, c02], [c01, c11, c12], [c02, c12, c22]];
        let [a, b, c] = rows.map(|row| row.iter().zip(right).map(|(cofactor, right)| cofactor * right).sum::<f64>());
        let (a, b, c) = (a / determinant, b / determinant, c / determinant);
        let most = BUSY_SHARE * a.max(self.prior[0]);
        if a >= 0.0 && b >= 0.0 && (0.0..=most).contains(&c) {
            return [a, b, c].map(narrow);
        }
        // With the last at its bound, the first two are the best for it.
        let c = c.clamp(0.0, most);
        let (right_i, right_u) = (right[0] - iq * c, right[1] - uq * c);
        let determinant = ii * uu - iu * iu;
        let (a, b) = ((uu * right_i - iu * right_u) / determinant, (ii * right_u - iu * right_i) / determinant);
        [a.max(0.0), b.max(0.0), c].map(narrow)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "estimates need no more digits than f32 has")]
fn narrow(x: f64) -> f32 {
    x as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_through_its_points() {
        let mut fit = Fit::new([0.5, 0.08, 0.01]);
        let mut found = [0.0; 3];
        for step in 0u16..600 {
            let (tokens, busy) = (f32::from(step % 17), f32::from(step % 5));
            let y = 0.3 + 0.2 * tokens + 0.01 * busy;
            found = fit.learn(tokens, busy, y, 1.0 / (y * y));
        }
        let [a, b, c] = found;
        assert!((a - 0.3).abs() < 0.04 && (b - 0.2).abs() < 0.02 && (c - 0.01).abs() < 0.002, "{found:?}");
    }

    #[test]
    fn what_samples_do_not_tell_stays_as_the_prior_says() {
        let mut fit = Fit::new([0.5, 0.08, 0.01]);
        let mut found = [0.0; 3];
        for _ in 0..200 {
            found = fit.learn(0.0, 0.0, 1.0, 4.0);
        }
        assert!((found[0] - 1.0).abs() < 0.05, "{found:?}");
        assert_eq!(found[1..], [0.08, 0.01]);
    }

    #[test]
    fn long_prompts_do_not_poison_the_estimate_of_short_ones() {
        let mut fit = Fit::new([0.5, 0.08, 0.01]);
        let mut found = [0.0; 3];
        for step in 0..300 {
            let tokens = if step % 4 == 0 { 100.0 } else { 1.0 };
            let y = 0.4 + 0.1 * tokens;
            found = fit.learn(tokens, 0.0, y, 1.0 / (y * y));
        }
        let short = found[0] + found[1];
        assert!((short - 0.5).abs() < 0.05, "a short prompt is expected to take {short} s");
    }

    #[test]
    fn no_coefficient_is_negative() {
        let mut fit = Fit::new([0.5, 0.08, 0.01]);
        for step in 0u16..300 {
            let tokens = f32::from(step % 10);
            let found = fit.learn(tokens, 9.0 - tokens, 2.0 - 0.15 * tokens, 1.0);
            assert!(found.iter().all(|value| *value >= 0.0), "{found:?}");
        }
    }
}
