//! What a request used and what that costs.

use billing_meter::meter;
use router_core::domain::{Credits, Price, Usage, UsageReport};

use crate::text::{push_credits, push_number};

/// The bill of one request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bill {
    pub(crate) usage: Usage,
    /// `None` when the price or the count is not known.
    pub(crate) cost: Option<Credits>,
}

/// Turns a provider's report into a bill.
pub(crate) fn bill(report: Option<&UsageReport>, price: Option<&Price>) -> Bill {
    let usage = meter::from_openai(report);
    let cost = report.and_then(|_| price?.charge(&usage).ok());
    Bill { usage, cost }
}

/// Appends the header lines that tell a client what its request used. Each part is rounded up by itself, so that the
/// parts may exceed the whole by a billionth each.
pub(crate) fn write_lines(lines: &mut Vec<u8>, bill: &Bill, price: Option<&Price>) {
    let usage = &bill.usage;
    let none = Usage { provenance: usage.provenance, ..Usage::default() };
    let (Some(price), Some(cost)) = (price, bill.cost) else { return };
    write_cost(lines, "usd", cost);
    let parts = [
        ("input", Usage { fresh: usage.fresh, audio_in: usage.audio_in, ..none }),
        ("output", Usage { out_text: usage.out_text, out_audio: usage.out_audio, ..none }),
        ("cache-read", Usage { cache_read: usage.cache_read, ..none }),
        ("cache-write", Usage { cache_write: usage.cache_write, ..none }),
        ("reasoning", Usage { out_reasoning: usage.out_reasoning, ..none }),
    ];
    for (name, part) in parts.iter().filter(|(_, part)| part.input() + part.output() > 0) {
        if let Ok(cost) = price.charge(part) {
            write_cost(lines, name, cost);
        }
    }
}

fn write_cost(lines: &mut Vec<u8>, name: &str, cost: Credits) {
    lines.extend_from_slice(b"x-tollgate-cost-");
    lines.extend_from_slice(name.as_bytes());
    lines.extend_from_slice(b": ");
    push_credits(lines, cost);
    lines.extend_from_slice(b"\r\n");
}

/// Appends the token counts.
pub(crate) fn write_tokens(lines: &mut Vec<u8>, usage: &Usage) {
    lines.extend_from_slice(b"x-tollgate-tokens-input: ");
    push_number(lines, usage.input());
    lines.extend_from_slice(b"\r\nx-tollgate-tokens-output: ");
    push_number(lines, usage.output());
    lines.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price() -> Price {
        let per_million = |text: &str| text.parse().expect("a price");
        Price {
            input: per_million("2"),
            output: per_million("10"),
            cache_read: per_million("1"),
            cache_write: per_million("2"),
        }
    }

    #[test]
    fn a_bill_names_the_whole_and_the_parts_that_are_not_nothing() {
        let report = UsageReport { input: 100, output: 10, cache_read: 50, ..UsageReport::default() };
        let bill = bill(Some(&report), Some(&price()));
        let mut lines = Vec::new();
        write_lines(&mut lines, &bill, Some(&price()));
        let expected = "x-tollgate-cost-usd: 0.000250000\r\nx-tollgate-cost-input: 0.000100000\r\n\
                        x-tollgate-cost-output: 0.000100000\r\nx-tollgate-cost-cache-read: 0.000050000\r\n";
        assert_eq!(String::from_utf8(lines).expect("ASCII"), expected);
    }

    #[test]
    fn what_is_not_known_costs_nothing_in_particular_rather_than_zero() {
        assert_eq!(bill(None, Some(&price())).cost, None);
        assert_eq!(bill(Some(&UsageReport::default()), None).cost, None);
    }
}
