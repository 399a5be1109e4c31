//! From a provider's report to disjoint token classes.
//!
//! A provider's numbers are somebody else's claim: they may contradict each other, and a hostile one may be absurd.
//! Whatever comes in, the classes are disjoint, their sum is never more than the totals say, and nobody is credited.

use router_core::domain::{Provenance, Usage, UsageReport};

/// Sorts a report in OpenAI's terms, whose totals include their parts, into disjoint classes.
///
/// Source: docs/metering.md. Without a report all counts are 0 and the provenance is [`Provenance::Missing`].
pub fn from_openai(report: Option<&UsageReport>) -> Usage {
    let Some(report) = report else { return Usage::default() };
    let mut input = Budget::new(report.input);
    let cache_read = input.take(report.cache_read);
    let cache_write = input.take(report.cache_write);
    let audio_in = input.take(report.audio_in);
    let mut output = Budget::new(report.output.saturating_add(reasoning_outside(report)));
    let out_reasoning = output.take(report.reasoning);
    let out_audio = output.take(report.audio_out);
    let sums_up = report.total.is_none_or(|total| {
        Some(total) == report.input.checked_add(report.output) || Some(total) == report.input.checked_add(output.whole)
    });
    let consistent = sums_up && !input.overdrawn && !output.overdrawn;
    Usage {
        fresh: input.left,
        cache_read,
        cache_write,
        audio_in,
        out_text: output.left,
        out_reasoning,
        out_audio,
        provenance: if consistent { Provenance::Reported } else { Provenance::Derived },
    }
}

/// Some providers report reasoning beside `completion_tokens` instead of inside: then the total says so.
fn reasoning_outside(report: &UsageReport) -> u64 {
    let inside = report.input.checked_add(report.output);
    let beside = inside.and_then(|sum| sum.checked_add(report.reasoning));
    if report.reasoning > 0 && beside.is_some() && report.total == beside { report.reasoning } else { 0 }
}

/// A total from which its parts are taken, each no more than what is left.
struct Budget {
    whole: u64,
    left: u64,
    overdrawn: bool,
}

impl Budget {
    fn new(whole: u64) -> Self {
        Self { whole, left: whole, overdrawn: false }
    }

    fn take(&mut self, part: u64) -> u64 {
        let taken = part.min(self.left);
        self.overdrawn |= taken < part;
        self.left -= taken;
        taken
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parts_are_taken_out_of_their_totals() {
        let report = UsageReport {
            input: 100,
            output: 50,
            total: Some(150),
            cache_read: 60,
            cache_write: 10,
            reasoning: 20,
            ..UsageReport::default()
        };
        let usage = from_openai(Some(&report));
        assert_eq!((usage.fresh, usage.cache_read, usage.cache_write), (30, 60, 10));
        assert_eq!((usage.out_text, usage.out_reasoning), (30, 20));
        assert_eq!(usage.provenance, Provenance::Reported);
    }

    #[test]
    fn reasoning_reported_beside_the_output_is_counted() {
        let report = UsageReport { input: 10, output: 5, total: Some(35), reasoning: 20, ..UsageReport::default() };
        let usage = from_openai(Some(&report));
        assert_eq!((usage.out_text, usage.out_reasoning, usage.provenance), (5, 20, Provenance::Reported));
    }

    #[test]
    fn more_cached_than_there_was_is_cut_and_flagged() {
        let report = UsageReport { input: 10, cache_read: 500, ..UsageReport::default() };
        let usage = from_openai(Some(&report));
        assert_eq!((usage.fresh, usage.cache_read, usage.provenance), (0, 10, Provenance::Derived));
    }

    #[test]
    fn no_report_is_no_tokens_and_says_so() {
        assert_eq!(from_openai(None).provenance, Provenance::Missing);
    }

    proptest! {
        #[test]
        fn classes_are_disjoint_whatever_is_reported(
            input: u64, output: u64, total: Option<u64>, cache_read: u64, cache_write: u64, audio_in: u64,
            reasoning: u64, audio_out: u64,
        ) {
            let counts = UsageReport { input, output, total, cache_read, cache_write, ..UsageReport::default() };
            let report = UsageReport { audio_in, reasoning, audio_out, ..counts };
            let usage = from_openai(Some(&report));
            prop_assert_eq!(usage.input(), input);
            prop_assert!(usage.output() == output || Some(usage.output()) == output.checked_add(reasoning));
        }
    }
}
