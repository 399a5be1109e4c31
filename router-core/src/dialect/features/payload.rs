//! Base64 inside of a prompt: pictures, sound and documents, whose bytes are not text.

use memchr::memchr;

/// Bytes from one look to the next. A payload of less than this and a look may pass for text, of so many bytes at most.
const STRIDE: usize = 1024;
/// Bytes of one look. Prose and code have a space, a quote or a dot sooner.
const LOOK: usize = 48;
/// Keys of the members that hold base64, where it is not part of a data URL.
const KEYS: [&[u8]; 5] =
    [b"\"data\"", b"\"file_data\"", b"\"signature\"", b"\"thoughtSignature\"", b"\"encrypted_content\""];

/// The text of a JSON value, in the stretches that are between its payloads of base64.
pub(super) fn texts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(value);
    std::iter::from_fn(move || {
        let all = rest.take()?;
        match payload(all) {
            None => Some(all),
            Some((start, end)) => {
                rest = Some(&all[end..]);
                Some(&all[..start])
            }
        }
    })
}

/// Where the first payload is.
fn payload(text: &[u8]) -> Option<(usize, usize)> {
    let mut at = STRIDE;
    while let Some(look) = text.get(at..at + LOOK) {
        at = match is_run(look) {
            false => at + STRIDE,
            true => match around(text, at) {
                Ok(found) => return Some(found),
                Err(next) => next,
            },
        };
    }
    None
}

/// The payload around a byte, or where to look next.
fn around(text: &[u8], at: usize) -> Result<(usize, usize), usize> {
    let start = text[..at].iter().rposition(|byte| !is_base64(*byte)).map_or(0, |before| before + 1);
    let end = memchr(b'"', &text[at..]).map_or(text.len(), |ahead| at + ahead);
    if !introduces(&text[..start]) {
        return Err(end + 1);
    }
    let is_text = |from: &usize| !is_run(&text[*from..end.min(*from + LOOK)]);
    match (at..end).step_by(STRIDE).find(is_text) {
        None => Ok((start, end)),
        Some(text_at) => Err(text_at + STRIDE),
    }
}

/// Whether base64 is to be expected behind this.
fn introduces(before: &[u8]) -> bool {
    let key = || before.strip_suffix(b"\"")?.trim_ascii_end().strip_suffix(b":");
    before.ends_with(b";base64,")
        || key().is_some_and(|key| KEYS.iter().any(|known| key.trim_ascii_end().ends_with(known)))
}

fn is_run(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| is_base64(*byte))
}

/// In either alphabet (RFC 4648), and with slashes escaped as some writers of JSON do.
const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_' | b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(text: &str) -> usize {
        texts(text.as_bytes()).map(<[u8]>::len).sum()
    }

    /// Base64 of so many bytes.
    fn base64(bytes: usize) -> String {
        "iVBORw0KGgo/AAAA+NSUhEUg".chars().cycle().take(bytes).collect()
    }

    #[test]
    fn a_payload_is_no_text_wherever_it_stands() {
        for (before, after) in [
            (r#"[{"image_url":{"url":"data:image/png;base64,"#, r#""}}]"#),
            (r#"[{"source":{"data":"#, r#"","type":"base64"}}]"#),
            ("[{\"inlineData\":{\"data\" : ", r#""}}]"#),
        ] {
            let before = if before.ends_with(',') { before.to_owned() } else { format!("{before}\"") };
            for lead in [0, 1, 700, 1023, 1024, 1025, 5_000] {
                let text = |size: usize| format!("{}{before}{}{after}", "a word ".repeat(lead / 7), base64(size));
                let none = text(0).len();
                for size in [STRIDE + LOOK, 5_000, 100_000] {
                    assert_eq!(bytes_of(&text(size)), none, "{before} {lead} {size}");
                }
                assert!(bytes_of(&text(STRIDE)) <= none + STRIDE);
            }
        }
    }

    #[test]
    fn many_payloads_leave_all_the_text_between_them() {
        let part = |size: usize| format!(r#"{{"data":"{}"}},"{}","#, base64(size), "prose and more ".repeat(90));
        let with: String = [3_000, 2_000, 50_000].into_iter().map(part).collect();
        let without: String = [0, 0, 0].into_iter().map(part).collect();
        assert_eq!(bytes_of(&with), without.len());
    }

    #[test]
    fn escaped_slashes_and_line_ends_inside_do_not_make_it_text() {
        let payload = base64(9_000).replace('/', r"\/");
        assert_eq!(bytes_of(&format!(r#"{{"data":"{payload}"}}"#)), r#"{"data":""}"#.len());
    }

    #[test]
    fn what_only_looks_like_base64_is_text() {
        let long = "x".repeat(50_000);
        for text in [
            format!(r#"[{{"content":"{long}"}}]"#),
            format!(r#"[{{"arguments":"{{\"data\":\"{long}\"}}"}}]"#),
            format!(r#"[{{"source":{{"type":"text","data":"{}"}}}}]"#, "a plain document ".repeat(500)),
            format!(r#"[{{"data":"{}{}"}}]"#, "y".repeat(1_500), " and so on".repeat(900)),
        ] {
            assert_eq!(bytes_of(&text), text.len(), "{}", &text[..60]);
        }
    }
}
