//! Where a text comes from: `annotations`, both ways.
//!
//! Their places count the characters of all of a message's text. Those of the common model count in their own block.

use serde_json::Value;

use crate::chat::{Block, Body, Citation};
use crate::dialect::cite::{count, own, value};
use crate::dialect::openai::annotation;
use crate::domain::Dialect;
use crate::json::Object;

/// Puts annotations to the texts that they are for. Gives back those of an answer without text.
pub(super) fn read_all(items: Vec<Value>, blocks: &mut [Block]) -> Vec<Value> {
    let mut texts: Vec<_> = blocks
        .iter_mut()
        .filter_map(|block| match &mut block.body {
            Body::Text { text, citations } => Some((count(text), citations)),
            _ => None,
        })
        .collect();
    if texts.is_empty() {
        return items;
    }
    for item in items {
        let json = item.to_string();
        let citation = annotation::read(Dialect::Openai, &json).into_owned();
        let lens: Vec<u64> = texts.iter().map(|(len, _)| *len).collect();
        let (at, range) = place(&lens, citation.range);
        texts[at].1.push(citation.with_range(range));
    }
    Vec::new()
}

/// Which of several texts a part of the whole is in, and its place there. A part that spans several is for the last of
/// them, as is one that has no place.
fn place(lens: &[u64], range: Option<(u64, u64)>) -> (usize, Option<(u64, u64)>) {
    let last = lens.len().saturating_sub(1);
    let Some((from, to)) = range else { return (last, None) };
    let mut start = 0;
    for (at, len) in lens.iter().enumerate() {
        if from >= start && (to <= start + len || at == last && from < start + len) {
            return (at, Some((from - start, to - start)));
        }
        start += len;
    }
    (last, None)
}

/// All annotations of an answer, whose text is that of its text blocks, one after the other.
pub(super) fn write_all<'b>(blocks: impl IntoIterator<Item = &'b Block>) -> Vec<Value> {
    let (mut annotations, mut start) = (Vec::new(), 0);
    for block in blocks {
        let Body::Text { text, citations } = &block.body else { continue };
        let len = count(text);
        for citation in citations {
            if citation.dialect == Dialect::Openai {
                annotations.push(own(citation));
            } else if let Some(url) = citation.address() {
                annotations.push(value(|out| write(citation, url, (start, start + len), out)));
            }
        }
        start += len;
    }
    annotations
}

/// Writes the annotation of a page, for a text that goes from `start` to `end` in the whole. The API's annotations have
/// to say a part: where none is known, it is all of that text.
pub(super) fn write(citation: &Citation<'_>, url: &str, (start, end): (u64, u64), out: &mut Object<'_>) {
    let inside = |(from, to): (u64, u64)| (start.saturating_add(from), start.saturating_add(to));
    out.text("type", "url_citation");
    annotation::write_members(
        citation,
        url,
        citation.range.map_or((start, end), inside),
        &mut out.object("url_citation"),
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_in_the_whole_is_found_in_its_text() {
        assert_eq!(place(&[4, 3], Some((1, 3))), (0, Some((1, 3))));
        assert_eq!(place(&[4, 3], Some((4, 7))), (1, Some((0, 3))));
        assert_eq!(place(&[4, 3], Some((5, 9))), (1, Some((1, 5))), "a provider that counts too far");
        assert_eq!(place(&[4, 3], Some((2, 5))), (1, None));
        assert_eq!(place(&[4], Some((9, 12))), (0, None));
        assert_eq!(place(&[4], None), (0, None));
    }

    #[test]
    fn places_count_from_the_beginning_of_all_text() {
        let cited = |text: &str, range| {
            let url = Some("https://a.b".into());
            let citation = Citation { url, range, ..Citation::new(Dialect::Anthropic, "{}") };
            Block::new(Body::Text { text: text.into(), citations: vec![citation] })
        };
        let written = write_all(&[cited("né", None), cited("abc", Some((1, 2)))]);
        let places: Vec<_> = written.iter().map(|one| &one["url_citation"]).collect();
        assert_eq!((&places[0]["start_index"], &places[0]["end_index"]), (&json!(0), &json!(2)));
        assert_eq!((&places[1]["start_index"], &places[1]["end_index"]), (&json!(3), &json!(4)));
        assert_eq!(read_all(written.clone(), &mut [Block::text("né"), Block::text("abc")]), Vec::<Value>::new());
        assert_eq!(read_all(written.clone(), &mut []), written);
    }
}
