//! Where a text comes from. The text of its block is what a citation is for.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::{Citation, Place, Unit};
use crate::dialect::cite::{text, whole};
use crate::domain::Dialect;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source: Option<&'a RawValue>,
    #[serde(borrow, default)]
    source_content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    location: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Words<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    #[serde(borrow, default)]
    web: Option<Span<'a>>,
    #[serde(borrow, default)]
    document_char: Option<Span<'a>>,
    #[serde(borrow, default)]
    document_page: Option<Span<'a>>,
    #[serde(borrow, default)]
    document_chunk: Option<Span<'a>>,
    #[serde(borrow, default)]
    search_result_location: Option<Span<'a>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Span<'a> {
    #[serde(borrow, default)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    document_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    search_result_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    start: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end: Option<&'a RawValue>,
}

impl Location<'_> {
    fn place(&self) -> Option<Place> {
        let units = [
            (Unit::Characters, self.document_char),
            (Unit::Pages, self.document_page),
            (Unit::Blocks, self.document_chunk),
            (Unit::ResultBlocks, self.search_result_location),
        ];
        let (unit, span) = units.into_iter().find_map(|(unit, span)| Some((unit, span?)))?;
        let number = span.document_index.or(span.search_result_index);
        Some(Place { unit, number: whole(number)?, start: whole(span.start)?, end: whole(span.end)? })
    }
}

/// Reads a citation, whole or as a stream brings it; `None` for what is no object.
pub(super) fn read(json: &str) -> Option<Citation<'_>> {
    let wire: Wire<'_> = serde_json::from_str(json).ok().filter(|_| json.starts_with('{'))?;
    let location = wire.location.and_then(|location| serde_json::from_str::<Location<'_>>(location.get()).ok());
    let location = location.unwrap_or_default();
    Some(Citation {
        url: location.web.and_then(|web| text(web.url)).or_else(|| text(wire.source)),
        title: text(wire.title),
        place: location.place(),
        quote: wire.source_content.and_then(quote),
        ..Citation::new(Dialect::Bedrock, json)
    })
}

/// The words of the source, which come in pieces.
fn quote(content: &RawValue) -> Option<Cow<'_, str>> {
    let pieces: Vec<Words<'_>> = serde_json::from_str(content.get()).ok()?;
    pieces.into_iter().filter_map(|piece| text(piece.text)).reduce(|said, more| said + more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_place_is_read() {
        for (unit, location) in [
            (Unit::Characters, r#"{"documentChar":{"documentIndex":1,"start":3,"end":5}}"#),
            (Unit::Pages, r#"{"documentPage":{"documentIndex":1,"start":3,"end":5}}"#),
            (Unit::Blocks, r#"{"documentChunk":{"documentIndex":1,"start":3,"end":5}}"#),
            (Unit::ResultBlocks, r#"{"searchResultLocation":{"searchResultIndex":1,"start":3,"end":5}}"#),
        ] {
            let json = format!(
                r#"{{"title":"T","source":"s","sourceContent":[{{"text":"a"}},{{"text":"b"}}],"location":{location}}}"#
            );
            let citation = read(&json).expect("a citation");
            assert_eq!(citation.place, Some(Place { unit, number: 1, start: 3, end: 5 }));
            assert_eq!((citation.quote.as_deref(), citation.url.as_deref()), (Some("ab"), Some("s")));
        }
    }

    #[test]
    fn what_is_odd_says_less_and_harms_nothing() {
        assert_eq!(read("[]"), None);
        let odd = r#"{"title":1,"location":{"web":7},"sourceContent":"x"}"#;
        assert_eq!(read(odd), Some(Citation::new(Dialect::Bedrock, odd)));
        let bare = r#"{"title":"T","location":{"web":{}}}"#;
        assert_eq!(read(bare).expect("a citation").place, None);
    }
}
