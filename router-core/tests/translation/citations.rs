//! What a text rests on, and which part of it: in whole answers and in streams, for every pair of dialects.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use router_core::chat::{Body, Citation};
use router_core::dialect::translate::read_response;
use router_core::domain::Dialect;
use serde_json::{Value, json};

use super::heard::client_hears;
use super::provider::{ascii, pieces, text};
use super::relay::{PROVIDERS, clients, frame, relay, translator};

const URL: &str = "https://example.com/a?b=\"c\"";
const TITLE: &str = "Ä title, \\ quoted";

/// A text in pieces, and a part of it that rests on a page. Not all dialects can name a part.
#[derive(Clone, Debug)]
struct Said {
    text: String,
    pieces: Vec<String>,
    /// In characters.
    range: (usize, usize),
    /// The citation comes before the text, where the dialect lets it.
    early: bool,
    /// Letters beyond ASCII are escaped.
    ascii: bool,
}

fn said() -> impl Strategy<Value = Said> {
    let text = text().prop_filter("something must be said", |text| !text.trim().is_empty());
    let how = any::<(bool, bool)>();
    (text, vec(any::<Index>(), 0..4), any::<[Index; 2]>(), how).prop_map(|(text, cuts, ends, (early, ascii))| {
        let chars = text.chars().count();
        let start = ends[0].index(chars);
        let range = (start, start + 1 + ends[1].index(chars - start));
        let pieces = pieces(&text, &cuts).into_iter().filter(|piece| !piece.is_empty()).collect();
        Said { text, pieces, range, early, ascii }
    })
}

impl Said {
    fn bytes(&self) -> (usize, usize) {
        let byte = |chars: usize| self.text.chars().take(chars).map(char::len_utf8).sum();
        (byte(self.range.0), byte(self.range.1))
    }

    fn words(&self) -> &str {
        let (start, end) = self.bytes();
        &self.text[start..end]
    }

    fn citation(&self, provider: Dialect) -> Value {
        let (start, end) = self.range;
        let members = json!({"url": URL, "title": TITLE, "start_index": start, "end_index": end});
        match provider {
            Dialect::Openai => json!({"type": "url_citation", "url_citation": members}),
            Dialect::Responses => json!({"type": "url_citation", "url": URL, "title": TITLE, "start_index": start,
                "end_index": end}),
            Dialect::Anthropic => json!({"type": "web_search_result_location", "url": URL, "title": TITLE,
                "encrypted_index": "E", "cited_text": "Q"}),
            Dialect::Gemini => {
                let (start, end) = self.bytes();
                let segment = json!({"startIndex": start, "endIndex": end, "text": self.words()});
                json!({"groundingChunks": [{"web": {"uri": URL, "title": TITLE}}],
                    "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}]})
            }
            Dialect::Bedrock => json!({"title": TITLE, "location": {"web": {"url": URL}},
                "sourceContent": [{"text": "Q"}]}),
        }
    }

    fn answer(&self, provider: Dialect) -> Value {
        let (text, cited) = (&self.text, self.citation(provider));
        match provider {
            Dialect::Openai => {
                let message = json!({"role": "assistant", "content": text, "annotations": [cited]});
                json!({"choices": [{"message": message, "finish_reason": "stop"}]})
            }
            Dialect::Responses => {
                let part = json!({"type": "output_text", "text": text, "annotations": [cited]});
                json!({"output": [{"type": "message", "role": "assistant", "content": [part]}]})
            }
            Dialect::Anthropic => json!({"content": [{"type": "text", "text": text, "citations": [cited]}]}),
            Dialect::Gemini => {
                json!({"candidates": [{"content": {"parts": [{"text": text}]}, "groundingMetadata": cited}]})
            }
            Dialect::Bedrock => {
                let content = json!({"content": [{"text": text}], "citations": [cited]});
                json!({"output": {"message": {"content": [{"citationsContent": content}]}}, "stopReason": "end_turn"})
            }
        }
    }

    fn stream(&self, provider: Dialect) -> Vec<u8> {
        let events = match provider {
            Dialect::Openai => self.openai(),
            Dialect::Responses => self.responses(),
            Dialect::Anthropic => self.anthropic(),
            Dialect::Gemini => self.gemini(),
            Dialect::Bedrock => self.bedrock(),
        };
        let mut stream = Vec::new();
        for (kind, event) in events {
            let event = if self.ascii { ascii(&event.to_string()) } else { event.to_string() };
            match provider {
                Dialect::Bedrock => frame(&mut stream, kind, &event),
                _ => stream.extend_from_slice(format!("data: {event}\n\n").as_bytes()),
            }
        }
        if provider == Dialect::Openai {
            stream.extend_from_slice(b"data: [DONE]\n\n");
        }
        stream
    }

    /// What is said, and the citation before or after it.
    fn around(&self, text: impl Fn(&str) -> Value, cited: Value) -> Vec<(&'static str, Value)> {
        let mut events: Vec<_> = self.pieces.iter().map(|piece| text(piece)).collect();
        events.insert(if self.early { 0 } else { events.len() }, cited);
        events.into_iter().map(|event| ("", event)).collect()
    }

    fn openai(&self) -> Vec<(&'static str, Value)> {
        let chunk = |delta: Value| json!({"id": "c", "choices": [{"index": 0, "delta": delta}]});
        let cited = chunk(json!({"annotations": [self.citation(Dialect::Openai)]}));
        let mut events = self.around(|piece| chunk(json!({"content": piece})), cited);
        events.push(("", json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})));
        events
    }

    fn responses(&self) -> Vec<(&'static str, Value)> {
        let of = |kind: &str, key: &str, value: Value| json!({"type": format!("response.output_text.{kind}"), "output_index": 0, "content_index": 0, key: value});
        let cited = of("annotation.added", "annotation", self.citation(Dialect::Responses));
        let mut events = self.around(|piece| of("delta", "delta", piece.into()), cited);
        let part = self.answer(Dialect::Responses)["output"][0]["content"][0].take();
        events.push(("", json!({"type": "response.content_part.done", "output_index": 0, "part": part})));
        events.push(("", json!({"type": "response.completed", "response": {"status": "completed"}})));
        events
    }

    fn anthropic(&self) -> Vec<(&'static str, Value)> {
        let of = |delta: Value| json!({"type": "content_block_delta", "index": 0, "delta": delta});
        let cited = of(json!({"type": "citations_delta", "citation": self.citation(Dialect::Anthropic)}));
        let block = json!({"type": "text", "text": "", "citations": []});
        let mut events = vec![("", json!({"type": "content_block_start", "index": 0, "content_block": block}))];
        events.extend(self.around(|piece| of(json!({"type": "text_delta", "text": piece})), cited));
        events.push(("", json!({"type": "message_stop"})));
        events
    }

    fn gemini(&self) -> Vec<(&'static str, Value)> {
        let part = |piece: &String| json!({"candidates": [{"content": {"parts": [{"text": piece}]}}]});
        let mut events: Vec<_> = self.pieces.iter().map(|piece| ("", part(piece))).collect();
        let metadata = self.citation(Dialect::Gemini);
        events.push(("", json!({"candidates": [{"finishReason": "STOP", "groundingMetadata": metadata}]})));
        events
    }

    fn bedrock(&self) -> Vec<(&'static str, Value)> {
        let of = |delta: Value| json!({"contentBlockIndex": 0, "delta": delta});
        let cited = of(json!({"citation": self.citation(Dialect::Bedrock)}));
        let events = self.around(|piece| of(json!({"text": piece})), cited);
        let mut events: Vec<_> = events.into_iter().map(|(_, event)| ("contentBlockDelta", event)).collect();
        events.push(("messageStop", json!({"stopReason": "end_turn"})));
        events
    }

    /// What a client must be told: the part that the provider named, as far as both dialects name parts.
    fn check(&self, provider: Dialect, client: Dialect, text: &str, cited: &[Citation<'_>]) {
        assert_eq!(text, self.text, "{provider:?} to {client:?}");
        let [citation] = cited else { panic!("{provider:?} to {client:?}: {cited:?}") };
        assert_eq!(citation.address(), Some(URL));
        assert_eq!(citation.title.as_deref(), Some(TITLE));
        let names_parts = |dialect| !matches!(dialect, Dialect::Anthropic | Dialect::Bedrock);
        let all = (0, self.text.chars().count());
        let expected = if names_parts(provider) { self.range } else { all };
        let wide = |(start, end): (usize, usize)| (start as u64, end as u64);
        let expected = names_parts(client).then(|| wide(expected));
        assert_eq!(citation.range, expected, "{provider:?} to {client:?}: {self:?}");
    }
}

proptest! {
    #![proptest_config(super::cases(96))]

    #[test]
    fn a_streamed_citation_is_for_the_same_words(said in said()) {
        for provider in PROVIDERS {
            let stream = said.stream(provider);
            for client in clients().filter(|client| client.dialect != provider) {
                let relayed = relay(&translator(client, provider), [&stream[..]]);
                prop_assert!(relayed.complete, "{provider:?}: {:?}", relayed.fault);
                let heard = client_hears(client, &relayed.out).expect("a stream");
                let cited: Vec<_> = heard.choices[&0].iter().flat_map(|told| told.cited.clone()).collect();
                said.check(provider, client.dialect, &heard.said("text"), &cited);
            }
        }
    }

    #[test]
    fn a_citation_of_a_whole_answer_is_for_the_same_words(said in said()) {
        for provider in PROVIDERS {
            let answer = said.answer(provider).to_string();
            for client in clients().filter(|client| client.dialect != provider && !client.as_array) {
                let mut out = Vec::new();
                translator(client, provider).document(answer.as_bytes(), &mut out).expect("an answer");
                let told = read_response(client.dialect, serde_json::from_slice(&out).expect("JSON")).expect("an answer");
                let Body::Text { text, citations } = &told.choices[0].blocks[0].body else { panic!("{told:?}") };
                said.check(provider, client.dialect, text, citations);
            }
        }
    }
}
