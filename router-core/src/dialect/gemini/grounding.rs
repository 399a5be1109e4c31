//! `groundingMetadata` ⇄ citations.
//!
//! Google lists what it found (`groundingChunks`) and, apart from that, which part of the answer rests on which of it
//! (`groundingSupports`, with positions in bytes). A citation of ours is one pair of the two. Google has no object for
//! such a pair; ours has the members of its `Citation`, and in streams it is written like that.

use serde_json::{Map, Value, json};

use super::member::camel;
use crate::chat::{Block, Body, Citation};
use crate::domain::Dialect;

/// Puts citations to the texts that they are for.
pub(super) fn attach(metadata: &Value, blocks: &mut [Block]) {
    for pair in pairs(metadata) {
        let is_text = |block: &&mut Block| matches!(block.body, Body::Text { .. });
        let at = if blocks.get(pair.part).is_some_and(|block| block.as_text().is_some()) { pair.part } else { 0 };
        let Some(block) = blocks.iter_mut().skip(at).find(is_text) else { return };
        if let Body::Text { text, citations } = &mut block.body {
            citations.push(pair.citation(text));
        }
    }
}

/// What was found, and for which bytes of which part.
pub(super) struct Pair {
    url: Option<String>,
    title: Option<String>,
    part: usize,
    bytes: Option<(usize, usize)>,
}

impl Pair {
    /// The citation, with its range in characters of `text`.
    pub(super) fn citation(&self, text: &str) -> Citation {
        let chars = |byte: usize| text.char_indices().take_while(|(at, _)| *at < byte).count() as u64;
        let range = self.bytes.map(|(start, end)| (chars(start), chars(end)));
        let mut raw = Map::new();
        let position = |at: Option<usize>| at.map(Value::from);
        let members = [
            ("uri", self.url.as_deref().map(Value::from)),
            ("url", self.url.as_deref().map(Value::from)),
            ("title", self.title.as_deref().map(Value::from)),
            ("startIndex", position(self.bytes.map(|(start, _)| start))),
            ("endIndex", position(self.bytes.map(|(_, end)| end))),
        ];
        raw.extend(members.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
        Citation {
            url: self.url.clone(),
            title: self.title.clone(),
            text: None,
            range,
            dialect: Dialect::Gemini,
            raw: Value::Object(raw),
        }
    }
}

/// All pairs of a `groundingMetadata`; a chunk that supports nothing in particular is for all of the text.
pub(super) fn pairs(metadata: &Value) -> Vec<Pair> {
    let metadata = camel(metadata.clone());
    let list = |key: &str| metadata.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let chunks: Vec<_> = list("groundingChunks").iter().map(found).collect();
    let mut pairs = Vec::new();
    for support in list("groundingSupports") {
        let support = camel(support);
        let segment = camel(support.get("segment").cloned().unwrap_or_default());
        let number = |key: &str| segment.get(key).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let bytes = number("endIndex").map(|end| (number("startIndex").unwrap_or_default(), end));
        let indices = support.get("groundingChunkIndices").and_then(Value::as_array);
        for index in indices.into_iter().flatten().filter_map(Value::as_u64) {
            let chunk = usize::try_from(index).ok().and_then(|index| chunks.get(index));
            if let Some((url, title)) = chunk {
                let part = number("partIndex").unwrap_or_default();
                pairs.push(Pair { url: url.clone(), title: title.clone(), part, bytes });
            }
        }
    }
    if pairs.is_empty() {
        pairs.extend(chunks.into_iter().map(|(url, title)| Pair { url, title, part: 0, bytes: None }));
    }
    pairs
}

/// The address and the title of a chunk, whatever it was found in.
fn found(chunk: &Value) -> (Option<String>, Option<String>) {
    let source = camel(chunk.clone());
    let source = ["web", "maps", "retrievedContext", "image"].into_iter().find_map(|key| source.get(key).cloned());
    let source = camel(source.unwrap_or_default());
    let text = |key: &str| source.get(key).and_then(Value::as_str).map(str::to_owned);
    (text("uri").or_else(|| text("sourceUri")), text("title"))
}

/// How many searches Google made.
pub(super) fn searches(metadata: &Value) -> u64 {
    let queries = metadata.get("webSearchQueries").or_else(|| metadata.get("web_search_queries"));
    queries.and_then(Value::as_array).map_or(0, |queries| queries.len() as u64)
}

/// Gathers citations of other dialects into a `groundingMetadata`.
#[derive(Debug, Default)]
pub(super) struct Grounding {
    chunks: Vec<Value>,
    supports: Vec<Value>,
}

impl Grounding {
    /// Takes a citation for the text of a part; without a range it is for all of it.
    pub(super) fn add(&mut self, citation: &Citation, part: usize, text: &str) {
        let Some(url) = &citation.url else { return };
        let title = citation.title.as_deref().unwrap_or(url);
        let chunk = json!({"web": {"uri": url, "title": title}});
        let index = self.chunks.iter().position(|known| *known == chunk).unwrap_or_else(|| {
            self.chunks.push(chunk);
            self.chunks.len() - 1
        });
        let byte = |chars: u64| {
            let chars = usize::try_from(chars).unwrap_or(usize::MAX);
            text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
        };
        let (start, end) = citation.range.map_or((0, text.len()), |(start, end)| (byte(start), byte(end)));
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
            Some(indices) => indices.push(index.into()),
            None => self.supports.push(json!({"segment": segment, "groundingChunkIndices": [index]})),
        }
    }

    /// The whole; `None` if nothing was cited.
    pub(super) fn into_value(self) -> Option<Value> {
        if self.chunks.is_empty() {
            return None;
        }
        Some(json!({"groundingChunks": self.chunks, "groundingSupports": self.supports}))
    }
}

/// Reads a citation of a stream, whatever dialect's form it has: all of them name an address and a title, at the top or
/// one level below, and those that say where count characters.
pub(super) fn streamed(dialect: Dialect, json: &str) -> Option<Citation> {
    let raw: Value = serde_json::from_str(json).ok()?;
    let nested =
        ["url_citation", "location", "web"].into_iter().find_map(|key| raw.get(key).filter(|at| at.is_object()));
    let members = nested.unwrap_or(&raw);
    let text = |keys: &[&str]| keys.iter().find_map(|key| members.get(*key)?.as_str()).map(str::to_owned);
    let number = |key: &str| members.get(key).and_then(Value::as_u64);
    let url = text(&["url", "uri", "source"])?;
    let title = text(&["title", "document_title"]);
    let range = number("start_index").zip(number("end_index"));
    let words = text(&["cited_text"]);
    Some(Citation { url: Some(url), title, text: words, range, dialect, raw })
}
