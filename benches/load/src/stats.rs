//! The few statistics the report needs. Nothing is smoothed: a percentile is a value that was seen.

/// The middle of a distribution, in hundred-thousandths.
pub(crate) const P50: usize = 50_000;
/// The slowest hundredth starts here.
pub(crate) const P99: usize = 99_000;
/// The slowest thousandth starts here.
pub(crate) const P999: usize = 99_900;

const WHOLE: usize = 100_000;

/// Nearest-rank percentile of ascending `sorted`: the smallest value that at least `share` of all do not exceed.
///
/// `share` is in hundred-thousandths, so that the rank is whole arithmetic. Nothing seen gives zero.
pub(crate) fn percentile(sorted: &[u64], share: usize) -> u64 {
    let rank = (sorted.len() * share).div_ceil(WHOLE).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

/// The middle value, or the mean of the two in the middle; `None` if there are none.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        even if even % 2 == 0 => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
        _ => Some(sorted[middle]),
    }
}

/// The smallest value.
pub(crate) fn minimum(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

/// Median of `ours[i] / theirs[i]`: rounds run side by side share the noise of the machine, so it cancels.
pub(crate) fn paired_ratio(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    let ratios: Vec<f64> =
        ours.iter().zip(theirs).filter(|(_, their)| **their > 0.0).map(|(our, their)| our / their).collect();
    median(&ratios)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_nearest_rank() {
        let thousand: Vec<u64> = (1..=1000).collect();
        assert_eq!(percentile(&thousand, P50), 500);
        assert_eq!(percentile(&thousand, P99), 990);
        assert_eq!(percentile(&thousand, P999), 999);
        assert_eq!(percentile(&[7], P50), 7);
        assert_eq!(percentile(&[1, 2, 3], P99), 3);
        assert_eq!(percentile(&[], P99), 0);
    }

    #[test]
    fn one_slow_answer_in_a_thousand_shows_at_p999_only_when_there_are_two() {
        let mut seen = vec![1; 998];
        seen.extend([9, 9]);
        assert_eq!(percentile(&seen, P999), 9);
        seen[998] = 1;
        assert_eq!(percentile(&seen, P999), 1);
    }

    #[test]
    fn a_median_ignores_order_and_one_outlier() {
        assert_eq!(median(&[3.0, 1.0, 100.0]), Some(3.0));
        assert_eq!(median(&[4.0, 1.0, 3.0, 2.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(minimum(&[4.0, 1.0, 3.0]), Some(1.0));
    }

    #[test]
    fn a_paired_ratio_cancels_noise_shared_by_a_round() {
        assert_eq!(paired_ratio(&[10.0, 30.0, 11.0], &[20.0, 60.0, 22.0]), Some(0.5));
        assert_eq!(paired_ratio(&[1.0], &[0.0]), None);
    }
}
