//! Durations and sizes as people write them: `"250ms"`, `"32MiB"`. A bare number is refused, for it has no unit.

use std::time::Duration;

use router_core::domain::Credits;

/// Reads a duration such as `250ms`, `5s`, `15m` or `2h`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "{text:?} is not a duration: expected a whole number and a unit, such as \"250ms\", \"5s\", \"15m\" or \"2h\""
        )
    };
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let seconds = |each: u64| number.checked_mul(each).map(Duration::from_secs);
    match unit {
        "ms" => Some(Duration::from_millis(number)),
        "s" => seconds(1),
        "m" => seconds(60),
        "h" => seconds(3_600),
        _ => None,
    }
    .ok_or_else(wrong)
}

/// Reads a size such as `64KiB` or `32MiB`, in bytes.
pub(super) fn parse_size(text: &str) -> Result<usize, String> {
    let wrong = || {
        format!(
            "{text:?} is not a size: expected a whole number and a unit, such as \"512B\", \"64KiB\", \"32MiB\" or \"1GiB\""
        )
    };
    let (number, unit) = split(text).ok_or_else(wrong)?;
    let bytes = match unit {
        "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1u64 << 30),
        _ => None,
    };
    bytes.and_then(|each| number.checked_mul(each)).and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(wrong)
}

fn split(text: &str) -> Option<(u64, &str)> {
    let (number, unit) = text.split_at(text.find(|char: char| !char.is_ascii_digit())?);
    Some((number.parse().ok()?, unit.trim_start()))
}

/// Reads an amount of credits: a decimal with nine places at most, and no sign.
pub(super) fn parse_credits(text: &str) -> Option<Credits> {
    let (whole, places) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(places) || places.len() > 9 || text.ends_with('.') {
        return None;
    }
    format!("{whole}{places:0<9}").parse().ok().map(Credits::from_nano)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_sizes_have_units_or_are_refused() {
        assert_eq!(parse_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse_duration("15m"), Ok(Duration::from_secs(900)));
        assert_eq!(parse_duration("2 h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse_size("32MiB"), Ok(32 << 20));
        assert_eq!(parse_size("0B"), Ok(0));
        for wrong in ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "9999999999999999h"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "5", "MiB", "1MB", "1kib", "99999999999999GiB"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn credits_are_read_exactly_or_not_at_all() {
        assert_eq!(parse_credits("0.0003"), Some(Credits::from_nano(300_000)));
        assert_eq!(parse_credits("12"), Some(Credits::from_nano(12_000_000_000)));
        for text in ["", ".5", "1.", "-1", "1e3", "0.0000000001", "99999999999999"] {
            assert_eq!(parse_credits(text), None, "{text}");
        }
    }
}
