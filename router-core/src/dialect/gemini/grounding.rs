//! `groundingMetadata` ⇄ citations.
//!
//! Google lists what it found (`groundingChunks`) and, apart from that, which part of the answer rests on which of it
//! (`groundingSupports`, with positions in bytes of UTF-8 and the words at them). A citation of ours is one pair of the
//! two, in whose form it has the chunk. A position is believed if the words are there; where they are not, but stand
//! in the text just once, that is where; otherwise no part is named.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::member::camel;
use crate::chat::{Block, Body, Citation};
use crate::dialect::cite::{self, count};
use crate::domain::Dialect;

/// Puts citations to the texts that they are for.
pub(super) fn attach(metadata: &Value, blocks: &mut [Block]) {
    for pair in pairs(metadata) {
        let named = blocks.get(pair.part).is_some_and(|block| block.as_text().is_some());
        let first = blocks.iter().position(|block| block.as_text().is_some());
        let Some(at) = first.map(|first| if named { pair.part } else { first }) else { return };
        if let Body::Text { text, citations } = &mut blocks[at].body {
            citations.push(pair.citation(pair.range(text, named)).into_owned());
        }
    }
}

/// What was found, and for which bytes of which part.
pub(super) struct Pair {
    /// The chunk, as Google wrote it.
    json: String,
    /// What the chunk says, wherever it was found.
    source: Value,
    is_document: bool,
    part: usize,
    bytes: Option<(usize, usize)>,
    words: Option<String>,
}

impl Pair {
    /// The part of `text`, in characters. Without words to compare, positions are believed only if they are `sure` to
    /// count in this text.
    pub(super) fn range(&self, text: &str, sure: bool) -> Option<(u64, u64)> {
        let words = self.words.as_deref();
        let told = self.bytes.filter(|(start, end)| {
            let there = text.get(*start..*end);
            there.is_some() && words.map_or(sure, |words| there == Some(words))
        });
        let (start, end) = told.or_else(|| once(text, words?))?;
        let before = count(&text[..start]);
        Some((before, before + count(&text[start..end])))
    }

    /// The citation, for that part of the text.
    pub(super) fn citation(&self, range: Option<(u64, u64)>) -> Citation<'_> {
        let text = |key: &str| self.source.get(key).and_then(Value::as_str).map(Cow::Borrowed);
        Citation {
            url: text("uri").or_else(|| text("sourceUri")),
            file: text("documentName").filter(|_| self.is_document),
            title: text("title"),
            quote: text("text").filter(|_| self.is_document),
            range,
            ..Citation::new(Dialect::Gemini, self.json.as_str())
        }
    }
}

/// Where words stand in a text that has them just once.
fn once(text: &str, words: &str) -> Option<(usize, usize)> {
    let mut found = text.match_indices(words).filter(|_| !words.is_empty());
    let (start, _) = found.next()?;
    found.next().is_none().then_some((start, start + words.len()))
}

/// All pairs of a `groundingMetadata`; chunks of which none supports anything are for no part in particular.
pub(super) fn pairs(metadata: &Value) -> Vec<Pair> {
    let metadata = camel(metadata.clone());
    let list = |key: &str| metadata.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let chunks = list("groundingChunks");
    let mut pairs = Vec::new();
    for support in list("groundingSupports") {
        let support = camel(support);
        let segment = camel(support.get("segment").cloned().unwrap_or_default());
        let number = |key: &str| segment.get(key).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let bytes = number("endIndex").map(|end| (number("startIndex").unwrap_or_default(), end));
        let words = segment.get("text").and_then(Value::as_str);
        let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
        for index in indices.into_iter().flatten().filter_map(Value::as_u64) {
            if let Some(chunk) = usize::try_from(index).ok().and_then(|index| chunks.get(index)) {
                let part = number("partIndex").unwrap_or_default();
                pairs.push(Pair { part, bytes, words: words.map(str::to_owned), ..found(chunk) });
            }
        }
    }
    if pairs.is_empty() {
        pairs.extend(chunks.iter().map(found));
    }
    pairs
}

/// A chunk, whatever it was found in.
fn found(chunk: &Value) -> Pair {
    let inside = camel(chunk.clone());
    let source = ["web", "maps", "retrievedContext", "image"].into_iter().find_map(|key| Some((key, inside.get(key)?)));
    let (kind, source) = source.map_or(("", Value::Null), |(kind, source)| (kind, camel(source.clone())));
    let is_document = kind == "retrievedContext";
    Pair { json: chunk.to_string(), source, is_document, part: 0, bytes: None, words: None }
}

/// How many searches Google made.
pub(super) fn searches(metadata: &Value) -> u64 {
    let queries = metadata.get("webSearchQueries").or_else(|| metadata.get("web_search_queries"));
    queries.and_then(Value::as_array).map_or(0, |queries| queries.len() as u64)
}

/// Whether a `groundingMetadata` can say it: a page by its address, a document by its name.
pub(super) fn can_say(citation: &Citation<'_>) -> bool {
    citation.dialect == Dialect::Gemini || name(citation).is_some()
}

/// What people know a source by.
fn name<'c>(citation: &'c Citation<'_>) -> Option<&'c str> {
    [&citation.title, &citation.url, &citation.file].into_iter().find_map(|name| name.as_deref())
}

/// A citation as a chunk.
fn chunk(citation: &Citation<'_>) -> Option<Value> {
    if citation.dialect == Dialect::Gemini {
        return Some(cite::own(citation));
    }
    let title = name(citation)?;
    if let Some(url) = citation.address() {
        return Some(json!({"web": {"uri": url, "title": title}}));
    }
    let mut document = json!({"title": title});
    if let Some(quote) = &citation.quote {
        document["text"] = quote.as_ref().into();
    }
    Some(json!({"retrievedContext": document}))
}

/// The bytes of `text` that a citation is for: all of them, unless it names characters that are there.
pub(super) fn bytes(citation: &Citation<'_>, text: &str) -> (usize, usize) {
    let byte = |chars: u64| {
        let at = usize::try_from(chars).ok()?;
        text.char_indices().map(|(byte, _)| byte).chain([text.len()]).nth(at)
    };
    let range = citation.range.filter(|(start, end)| start < end);
    range.and_then(|(start, end)| byte(start).zip(byte(end))).unwrap_or((0, text.len()))
}

/// Gathers citations of other dialects into a `groundingMetadata`.
#[derive(Debug, Default)]
pub(super) struct Grounding {
    chunks: Vec<Value>,
    supports: Vec<Value>,
    queries: Vec<Value>,
}

impl Grounding {
    /// Takes a citation for these bytes of the text of a part.
    pub(super) fn add(&mut self, citation: &Citation<'_>, part: usize, text: &str, (start, end): (usize, usize)) {
        let Some(chunk) = chunk(citation) else { return };
        let index = self.chunks.iter().position(|known| *known == chunk).unwrap_or_else(|| {
            self.chunks.push(chunk);
            self.chunks.len() - 1
        });
        let mut segment = Map::new();
        for (key, number) in [("partIndex", part), ("startIndex", start)] {
            // Google leaves noughts out.
            if number > 0 {
                segment.insert(key.to_owned(), number.into());
            }
        }
        segment.insert("endIndex".into(), end.into());
        segment.insert("text".into(), text.get(start..end).unwrap_or_default().into());
        let segment = Value::Object(segment);
        let same = self.supports.iter_mut().find(|support| support["segment"] == segment);
        match same.and_then(|support| support["groundingChunkIndices"].as_array_mut()) {
            Some(indices) if indices.iter().all(|known| *known != index) => indices.push(index.into()),
            Some(_) => {}
            None => self.supports.push(json!({"segment": segment, "groundingChunkIndices": [index]})),
        }
    }

    /// Takes what was searched for.
    pub(super) fn search(&mut self, query: &str) {
        self.queries.push(query.into());
    }

    /// The whole; `None` if nothing was cited or searched for.
    pub(super) fn into_value(self) -> Option<Value> {
        let lists = [
            ("webSearchQueries", self.queries),
            ("groundingChunks", self.chunks),
            ("groundingSupports", self.supports),
        ];
        let said = lists.into_iter().filter(|(_, list)| !list.is_empty());
        let metadata: Map<String, Value> = said.map(|(key, list)| (key.to_owned(), list.into())).collect();
        (!metadata.is_empty()).then_some(Value::Object(metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(metadata: &Value) -> Pair {
        let mut pairs = pairs(metadata);
        assert_eq!(pairs.len(), 1);
        pairs.remove(0)
    }

    fn segment(segment: &Value) -> Pair {
        let chunks = json!([{"web": {"uri": "https://a.b", "title": "A"}}]);
        let supports = json!([{"segment": segment, "groundingChunkIndices": [0]}]);
        only(&json!({"groundingChunks": chunks, "groundingSupports": supports}))
    }

    #[test]
    fn positions_in_bytes_become_positions_in_characters() {
        let pair = segment(&json!({"startIndex": 4, "endIndex": 9, "text": "été"}));
        assert_eq!(pair.range("L’été fini", false), Some((2, 5)));
        let citation = pair.citation(Some((2, 5)));
        assert_eq!(bytes(&citation, "L’été fini"), (4, 9));
    }

    #[test]
    fn a_position_is_never_guessed() {
        let text = "né né";
        for (wrong, range) in [
            // In the middle of a character, beyond the end, backwards.
            (json!({"startIndex": 0, "endIndex": 2}), None),
            (json!({"startIndex": 0, "endIndex": 99}), None),
            (json!({"startIndex": 3, "endIndex": 1}), None),
            // Other words than those that are there: once in the text, or twice.
            (json!({"startIndex": 0, "endIndex": 3, "text": "é n"}), Some((1, 4))),
            (json!({"startIndex": 1, "endIndex": 4, "text": "né"}), None),
            (json!({"startIndex": 0, "endIndex": 3, "text": ""}), None),
            (json!({}), None),
        ] {
            assert_eq!(segment(&wrong).range(text, true), range, "{wrong}");
        }
        let unproven = segment(&json!({"endIndex": 3}));
        assert_eq!((unproven.range(text, true), unproven.range(text, false)), (Some((0, 2)), None));
    }

    #[test]
    fn characters_that_are_not_there_are_no_bytes() {
        let of = |range| bytes(&Citation { range, ..Citation::new(Dialect::Openai, "{}") }, "né");
        assert_eq!((of(Some((1, 2))), of(Some((1, 9))), of(Some((1, 1))), of(None)), ((1, 3), (0, 3), (0, 3), (0, 3)));
    }

    #[test]
    fn a_document_is_cited_by_its_title_and_words() {
        let quoted = Citation {
            title: Some("Guide".into()),
            quote: Some("Be kind.".into()),
            ..Citation::new(Dialect::Anthropic, "{}")
        };
        let mut grounding = Grounding::default();
        grounding.add(&quoted, 0, "x", (0, 1));
        grounding.add(&quoted, 0, "x", (0, 1));
        let written = grounding.into_value().expect("something");
        assert_eq!(written["groundingChunks"], json!([{"retrievedContext": {"title": "Guide", "text": "Be kind."}}]));
        assert_eq!(written["groundingSupports"][0]["groundingChunkIndices"], json!([0]));
        let pair = only(&written);
        let read = pair.citation(None);
        assert_eq!((read.title.as_deref(), read.quote.as_deref()), (Some("Guide"), Some("Be kind.")));
        assert!(!can_say(&Citation { title: None, ..quoted }));
    }
}
