//! Numbers as text, straight into a buffer: the formatting machinery costs more than a whole look-up.

use router_core::domain::Credits;

/// Appends a number in decimal.
pub(crate) fn push_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Appends an amount as a plain decimal with nine places, exactly as it prints.
pub(crate) fn push_credits(out: &mut Vec<u8>, amount: Credits) {
    const NANO: u64 = 1_000_000_000;
    if amount.nano() < 0 {
        out.push(b'-');
    }
    let nano = amount.nano().unsigned_abs();
    push_number(out, nano / NANO);
    out.push(b'.');
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(nano % NANO).as_bytes();
    out.extend_from_slice(&b"000000000"[digits.len()..]);
    out.extend_from_slice(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_reads_as_it_prints() {
        for nano in [0, 1, -1, 999_999_999, 1_000_000_000, -1_000_000_001, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            push_credits(&mut out, Credits::from_nano(nano));
            assert_eq!(String::from_utf8(out), Ok(Credits::from_nano(nano).to_string()));
        }
    }
}
