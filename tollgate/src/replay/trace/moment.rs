//! Moments as traces write them: seconds, or a date and a time.

/// Microseconds of `12.5`, `2023-11-16 18:15:46.68059` or `2024-05-10T00:00:00.009+00:00`. Dates count from 1970.
pub(super) fn micros(text: &str) -> Result<i64, String> {
    decimal(text, 1_000_000).ok().or_else(|| date_and_time(text)).ok_or_else(|| {
        format!("expected seconds or a time such as \"2026-11-16 18:15:46.68\" (UTC or with an offset), found {text:?}")
    })
}

/// A decimal number in units of which `scale` make one.
pub(super) fn decimal(text: &str, scale: i64) -> Result<i64, String> {
    let number: f64 = text.parse().map_err(|_| format!("expected a number, found {text:?}"))?;
    let scaled = number * scale as f64;
    if !(0.0..9e15).contains(&scaled) {
        return Err(format!("{text} is out of range"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was looked at just now")]
    Ok(scaled.round() as i64)
}

fn date_and_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_once([' ', 'T'])?;
    let (time, offset_s) = zone(time)?;
    let [year, month, day] = numbers(date, '-')?;
    let (clock, part) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let part: f64 = format!("0.{part}").parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset_s;
    Some(seconds * 1_000_000 + decimal(&part.to_string(), 1_000_000).ok()?)
}

/// The time without its zone, and the zone's offset in seconds.
fn zone(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let [hours, minutes] = numbers(&time[at + 1..], ':')?;
    let size = hours * 3_600 + minutes * 60;
    Some((&time[..at], if time[at..].starts_with('-') { -size } else { size }))
}

fn numbers<const N: usize>(text: &str, between: char) -> Option<[i64; N]> {
    let parts: Option<Vec<i64>> = text.split(between).map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

/// Days since 1970-01-01. Years begin in March, so that a leap day is the last of its year (Hinnant, days_from_civil).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_have_the_microseconds_that_the_calendar_says() {
        // Seconds by GNU date, `date -u -d 2024-02-29 +%s`.
        assert_eq!(micros("2024-02-29 00:00:00"), Ok(1_709_164_800_000_000));
        assert_eq!(micros("1970-01-01T00:00:01.5Z"), Ok(1_500_000));
        assert_eq!(micros("1970-01-01 01:00:00+01:00"), Ok(0));
        assert_eq!(micros("0.25"), Ok(250_000));
        for wrong in ["", "x", "-1", "2024-13-01 00:00:00", "2024-01-01", "2024-01-01 25:00:00", "inf", "NaN"] {
            assert!(micros(wrong).is_err(), "{wrong}");
        }
    }
}
