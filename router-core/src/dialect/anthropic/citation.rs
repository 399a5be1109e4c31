//! Where a text comes from.

use serde_json::{Value, json};

use crate::chat::Citation;
use crate::dialect::Invalid;
use crate::domain::Dialect;

/// Citations of a whole text block, which is what the API's citations are for.
pub(super) fn read(items: Vec<Value>, text: &str, path: &str) -> Result<Vec<Citation>, Invalid> {
    let end = text.chars().count() as u64;
    let citations = items.into_iter().enumerate().map(|(at, raw)| {
        if !raw.is_object() {
            return Err(Invalid::at(format!("{path}[{at}]"), "must be an object"));
        }
        let member = |key| raw.get(key).and_then(Value::as_str).map(str::to_owned);
        let source = member("source").filter(|source| source.starts_with("http"));
        Ok(Citation {
            url: member("url").or(source),
            title: member("title").or_else(|| member("document_title")),
            text: member("cited_text").filter(|text| !text.is_empty()),
            range: Some((0, end)),
            dialect: Dialect::Anthropic,
            raw,
        })
    });
    citations.collect()
}

/// A citation in the API's form: its own as it was, others as a result of a search of the web. `None` for one that has
/// no address.
pub(super) fn write(citation: &Citation, text: &str) -> Option<Value> {
    if citation.dialect == Dialect::Anthropic {
        return Some(citation.raw.clone());
    }
    let ranged = || {
        let (start, end) = citation.range?;
        let skip = usize::try_from(start).ok()?;
        let take = usize::try_from(end.checked_sub(start)?).ok()?;
        Some(text.chars().skip(skip).take(take).collect::<String>())
    };
    let cited = citation.text.clone().or_else(ranged).unwrap_or_default();
    Some(web(citation.url.as_deref()?, citation.title.as_deref(), &cited))
}

/// Whether the API takes a citation back: it must have been its own, since it checks the index.
pub(super) fn is_ours(citation: &Citation) -> bool {
    let index = citation.raw.get("encrypted_index").and_then(Value::as_str);
    citation.dialect == Dialect::Anthropic && index != Some("")
}

/// A streamed citation of another dialect: an address and a title, wherever they stand in it.
pub(super) fn of_json(json: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(json).ok()?;
    let inner = ["url_citation", "web"].iter().find_map(|key| value.get(key)).unwrap_or(&value);
    let member = |keys: &[&str]| keys.iter().find_map(|key| inner.get(key)?.as_str());
    Some(web(member(&["url", "uri"])?, member(&["title"]), member(&["cited_text"]).unwrap_or_default()))
}

fn web(url: &str, title: Option<&str>, cited: &str) -> Value {
    json!({
        "type": "web_search_result_location",
        "url": url,
        "title": title,
        "encrypted_index": "",
        "cited_text": cited,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_citation_of_another_dialect_keeps_its_address_title_and_words() {
        let citation = Citation {
            url: Some("https://example.com".into()),
            title: Some("T".into()),
            text: None,
            range: Some((1, 3)),
            dialect: Dialect::Openai,
            raw: json!({}),
        };
        let written = write(&citation, "äbcd").expect("has an address");
        assert_eq!(written["cited_text"], "bc");
        assert_eq!(written["url"], "https://example.com");
        assert!(!is_ours(&citation));
        assert_eq!(write(&Citation { url: None, ..citation }, ""), None);
    }

    #[test]
    fn streamed_citations_are_found_in_any_form() {
        for json in [
            r#"{"type":"url_citation","url":"u","title":"t"}"#,
            r#"{"type":"url_citation","url_citation":{"url":"u","title":"t"}}"#,
            r#"{"web":{"uri":"u","title":"t"}}"#,
        ] {
            let written = of_json(json).expect("has an address");
            assert_eq!((&written["url"], &written["title"]), (&json!("u"), &json!("t")), "{json}");
        }
        assert_eq!(of_json("{}"), None);
    }
}
