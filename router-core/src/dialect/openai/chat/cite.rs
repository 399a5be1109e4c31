//! Where a text comes from: `annotations`, both ways.

use serde_json::{Value, json};

use crate::chat::{Block, Body, Citation};
use crate::domain::Dialect;

/// Reads one annotation. What is no citation of an address keeps its form and says no more.
pub(super) fn read(raw: Value) -> Citation {
    let inner = raw.get("url_citation").unwrap_or(&Value::Null);
    let text = |key: &str| inner.get(key).and_then(Value::as_str).map(str::to_owned);
    let whole = |key: &str| inner.get(key).and_then(Value::as_u64);
    let (url, title, range) = (text("url"), text("title"), whole("start_index").zip(whole("end_index")));
    Citation { url, title, text: None, range, dialect: Dialect::Openai, raw }
}

/// All annotations of an answer, whose text is that of its text blocks, one after the other.
pub(super) fn write_all<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Vec<Value> {
    let (mut annotations, mut start) = (Vec::new(), 0);
    for block in blocks {
        let Body::Text { text, citations } = &block.body else { continue };
        let len = count(text);
        let own = citations.iter().filter_map(|citation| write(citation, start, start + len));
        annotations.extend(own);
        start += len;
    }
    annotations
}

/// One annotation of a text that goes from `start` to `end`; `None` when there is no address to point at.
fn write(citation: &Citation, start: u64, end: u64) -> Option<Value> {
    if citation.dialect == Dialect::Openai {
        return Some(citation.raw.clone());
    }
    let range =
        citation.range.map_or((start, end), |(from, to)| (start.saturating_add(from), start.saturating_add(to)));
    Some(annotation(citation.url.as_deref()?, citation.title.as_deref(), range))
}

fn annotation(url: &str, title: Option<&str>, (start, end): (u64, u64)) -> Value {
    let inner = json!({"start_index": start, "end_index": end, "url": url, "title": title.unwrap_or(url)});
    json!({"type": "url_citation", "url_citation": inner})
}

/// The same of a citation in another dialect's form, as a stream brings it.
pub(super) fn translate(json: &str, start: u64, end: u64) -> Option<Value> {
    let value: Value = serde_json::from_str(json).ok()?;
    // Dialects differ in where they put an address: at the top, or in an object that says what it is.
    let nested = value.as_object()?.values().find(|inner| address(inner).is_some());
    let source = if address(&value).is_some() { &value } else { nested? };
    let whole = |key: &str| value.get(key)?.as_u64();
    let range = whole("start_index").zip(whole("end_index"));
    let range = range.map_or((start, end), |(from, to)| (start.saturating_add(from), start.saturating_add(to)));
    Some(annotation(address(source)?, source.get("title").and_then(Value::as_str), range))
}

fn address(source: &Value) -> Option<&str> {
    source.get("url").or_else(|| source.get("uri"))?.as_str()
}

/// Characters of a text.
fn count(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

/// Characters of a text that is still escaped. A pair of surrogates is one.
pub(super) fn count_escaped(escaped: &str) -> u64 {
    let (mut chars, mut rest) = (0, escaped);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        chars += count(&rest[..at]);
        let code = rest.get(at + 2..at + 6).filter(|_| rest[at + 1..].starts_with('u'));
        let unit = code.and_then(|hex| u16::from_str_radix(hex, 16).ok());
        chars += u64::from(!unit.is_some_and(|unit| (0xD800..0xDC00).contains(&unit)));
        rest = rest.get(at + if unit.is_some() { 6 } else { 2 }..).unwrap_or_default();
    }
    chars + count(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_counted_through_escapes() {
        for (escaped, chars) in
            [("abc", 3), (r"a\nb", 3), (r"\ud83d\ude00!", 2), ("é😀", 2), (r"\u00e9\\", 2), ("\\", 1)]
        {
            assert_eq!(count_escaped(escaped), chars, "{escaped}");
        }
    }

    #[test]
    fn an_address_is_found_where_other_dialects_put_it() {
        let forms = [
            r#"{"type":"web_search_result_location","url":"https://a.b","title":"T","cited_text":"x"}"#,
            r#"{"web":{"uri":"https://a.b","title":"T"}}"#,
        ];
        for form in forms {
            let inner = json!({"start_index": 3, "end_index": 9, "url": "https://a.b", "title": "T"});
            assert_eq!(translate(form, 3, 9), Some(json!({"type": "url_citation", "url_citation": inner})));
        }
        assert_eq!(translate(r#"{"type":"page_location","document_index":0}"#, 0, 1), None);
    }
}
