//! Where a text comes from.
//!
//! A block of text is what its citations are for, so they name no part of it; and where they stand is the source, not
//! the answer.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::chat::{Citation, Place, Unit};
use crate::dialect::Invalid;
use crate::dialect::cite::{self, text, whole};
use crate::domain::Dialect;
use crate::json::Object;

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow, default)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    document_title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    cited_text: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    document_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    search_result_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    start_char_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end_char_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    start_page_number: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end_page_number: Option<&'a RawValue>,
    #[serde(borrow, default)]
    start_block_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end_block_index: Option<&'a RawValue>,
}

impl Wire<'_> {
    fn place(&self) -> Option<Place> {
        let (unit, number, start, end) = match text(self.kind)?.as_ref() {
            "char_location" => (Unit::Characters, self.document_index, self.start_char_index, self.end_char_index),
            "page_location" => (Unit::Pages, self.document_index, self.start_page_number, self.end_page_number),
            "content_block_location" => {
                (Unit::Blocks, self.document_index, self.start_block_index, self.end_block_index)
            }
            "search_result_location" => {
                (Unit::ResultBlocks, self.search_result_index, self.start_block_index, self.end_block_index)
            }
            _ => return None,
        };
        Some(Place { unit, number: whole(number)?, start: whole(start)?, end: whole(end)? })
    }
}

/// Reads a citation; `None` for what is no object.
pub(super) fn read(json: &str) -> Option<Citation<'_>> {
    let wire: Wire<'_> = serde_json::from_str(json).ok().filter(|_| json.starts_with('{'))?;
    Some(Citation {
        url: text(wire.url).or_else(|| text(wire.source)),
        file: text(wire.file_id),
        title: text(wire.title).or_else(|| text(wire.document_title)),
        place: wire.place(),
        quote: text(wire.cited_text),
        ..Citation::new(Dialect::Anthropic, json)
    })
}

/// Reads the citations of a whole text.
pub(super) fn read_all(items: Vec<Value>, path: &str) -> Result<Vec<Citation<'static>>, Invalid> {
    let citations = items.into_iter().enumerate().map(|(at, raw)| {
        let citation = read(&raw.to_string()).map(Citation::into_owned);
        citation.ok_or_else(|| Invalid::at(format!("{path}[{at}]"), "must be an object"))
    });
    citations.collect()
}

/// Whether the API has a form for it: a page by its address, or a place in what the request brought along.
pub(super) fn can_say(citation: &Citation<'_>) -> bool {
    citation.dialect == Dialect::Anthropic || citation.place.is_some() || citation.address().is_some()
}

/// Writes a citation of somebody else's. What the source says stays empty where nobody told it: the words of the answer
/// are not the source's.
pub(super) fn write(citation: &Citation<'_>, out: &mut Object<'_>) {
    let Some(place) = citation.place else {
        out.text("type", "web_search_result_location");
        out.text("url", citation.address().unwrap_or_default());
        or_null(out, "title", citation.title.as_deref());
        out.text("encrypted_index", "");
        out.text("cited_text", citation.quote.as_deref().unwrap_or_default());
        return;
    };
    let (kind, start, end) = match place.unit {
        Unit::Characters => ("char_location", "start_char_index", "end_char_index"),
        Unit::Pages => ("page_location", "start_page_number", "end_page_number"),
        Unit::Blocks => ("content_block_location", "start_block_index", "end_block_index"),
        Unit::ResultBlocks => ("search_result_location", "start_block_index", "end_block_index"),
    };
    out.text("type", kind);
    out.text("cited_text", citation.quote.as_deref().unwrap_or_default());
    if place.unit == Unit::ResultBlocks {
        out.text("source", citation.url.as_deref().unwrap_or_default());
        or_null(out, "title", citation.title.as_deref());
        out.number("search_result_index", place.number);
    } else {
        out.number("document_index", place.number);
        or_null(out, "document_title", citation.title.as_deref());
        or_null(out, "file_id", citation.file.as_deref());
    }
    out.number(start, place.start);
    out.number(end, place.end);
}

fn or_null(out: &mut Object<'_>, key: &'static str, text: Option<&str>) {
    match text {
        Some(text) => out.text(key, text),
        None => out.null(key),
    }
}

/// A citation of a whole text; `None` if the API has no form for it.
pub(super) fn written(citation: &Citation<'_>) -> Option<Value> {
    if citation.dialect == Dialect::Anthropic {
        return Some(cite::own(citation));
    }
    can_say(citation).then(|| cite::value(|out| write(citation, out)))
}

/// The citation as the API takes it back: it must have been its own, since it checks the index.
pub(super) fn taken_back(citation: &Citation<'_>) -> Option<Value> {
    let own = Some(citation).filter(|citation| citation.dialect == Dialect::Anthropic).map(cite::own)?;
    let index = own.get("encrypted_index").and_then(Value::as_str);
    (index != Some("")).then_some(own)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_citation_of_another_dialect_keeps_its_address_and_title() {
        let citation = Citation {
            url: Some("https://example.com".into()),
            title: Some("T".into()),
            range: Some((1, 3)),
            ..Citation::new(Dialect::Openai, "{}")
        };
        let expected = json!({"type": "web_search_result_location", "url": "https://example.com", "title": "T",
            "encrypted_index": "", "cited_text": ""});
        assert_eq!(written(&citation), Some(expected));
        assert_eq!(taken_back(&citation), None);
        assert_eq!(written(&Citation { url: None, ..citation }), None);
    }

    #[test]
    fn every_kind_of_place_is_read_and_written() {
        let document = json!({"document_index": 1, "document_title": "D", "file_id": null, "cited_text": "q"});
        let result = json!({"search_result_index": 2, "source": "kb-1", "title": "R", "cited_text": "q"});
        for (unit, kind, start, end, common) in [
            (Unit::Characters, "char_location", "start_char_index", "end_char_index", &document),
            (Unit::Pages, "page_location", "start_page_number", "end_page_number", &document),
            (Unit::Blocks, "content_block_location", "start_block_index", "end_block_index", &document),
            (Unit::ResultBlocks, "search_result_location", "start_block_index", "end_block_index", &result),
        ] {
            let mut form = common.clone();
            (form["type"], form[start], form[end]) = (kind.into(), 3.into(), 5.into());
            let json = form.to_string();
            let citation = read(&json).expect("a citation");
            let place = citation.place.expect("a place");
            assert_eq!((place.unit, place.start, place.end, citation.quote.as_deref()), (unit, 3, 5, Some("q")));
            assert_eq!(written(&citation).as_ref(), Some(&form), "its own bytes");
            let foreign = Citation { dialect: Dialect::Bedrock, json: "{}".into(), ..citation };
            assert_eq!(written(&foreign), Some(form));
        }
        assert_eq!(read("1"), None);
    }
}
