//! `usageMetadata` ⇄ the common report.
//!
//! Google's prompt tokens include what a cache answered, but not what its own tools read; its candidates' tokens mostly
//! exclude thoughts. So the output is what the total leaves, where there is a total.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::dialect::tokens::TOKENS_MAX;
use crate::domain::UsageReport;

/// Reads a `usageMetadata`; `None` if it says nothing, or what cannot be.
// A `Value` by the signature that all dialects share.
#[expect(clippy::needless_pass_by_value, reason = "all dialects' doors have this signature")]
pub fn read_usage(usage: Value) -> Option<UsageReport> {
    let text = usage.to_string();
    let mut counts = Counts::default();
    counts.merge(&serde_json::from_str(&text).ok()?);
    counts.report()
}

/// Writes a `usageMetadata`. The class of service has no member in it that all of Google's APIs have.
pub(super) fn write(usage: &UsageReport) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
    put("promptTokenCount", usage.input.into());
    put("candidatesTokenCount", usage.output.saturating_sub(usage.reasoning).into());
    if usage.cache_read > 0 {
        put("cachedContentTokenCount", usage.cache_read.into());
    }
    if usage.reasoning > 0 {
        put("thoughtsTokenCount", usage.reasoning.into());
    }
    put("totalTokenCount", usage.input.saturating_add(usage.output).into());
    if usage.audio_in > 0 {
        put("promptTokensDetails", modalities(usage.input, usage.audio_in));
    }
    if usage.audio_out > 0 {
        put("candidatesTokensDetails", modalities(usage.output.saturating_sub(usage.reasoning), usage.audio_out));
    }
    Value::Object(out)
}

/// How Vertex calls the classes of service in an answer.
const TRAFFIC: [(&str, &str); 3] =
    [("default", "ON_DEMAND"), ("flex", "ON_DEMAND_FLEX"), ("priority", "ON_DEMAND_PRIORITY")];

/// The class of service by Vertex's word for it.
pub(super) fn tier_of(traffic: &str) -> Option<&'static str> {
    TRAFFIC.iter().find(|(_, known)| *known == traffic).map(|(tier, _)| *tier)
}

fn modalities(all: u64, audio: u64) -> Value {
    let text = all.saturating_sub(audio);
    json!([{"modality": "TEXT", "tokenCount": text}, {"modality": "AUDIO", "tokenCount": audio}])
}

/// A `usageMetadata` as it arrives. Nulls count as absent.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Wire<'a> {
    #[serde(borrow, default, alias = "prompt_token_count")]
    prompt_token_count: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "cached_content_token_count")]
    cached_content_token_count: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "candidates_token_count")]
    candidates_token_count: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "thoughts_token_count")]
    thoughts_token_count: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "tool_use_prompt_token_count")]
    tool_use_prompt_token_count: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "total_token_count")]
    total_token_count: Option<&'a RawValue>,
    #[serde(default, alias = "prompt_tokens_details")]
    prompt_tokens_details: Audio,
    #[serde(default, alias = "tool_use_prompt_tokens_details")]
    tool_use_prompt_tokens_details: Audio,
    #[serde(default, alias = "candidates_tokens_details")]
    candidates_tokens_details: Audio,
    /// Vertex's word for the class of service.
    #[serde(borrow, default, alias = "traffic_type")]
    pub(super) traffic_type: Option<&'a RawValue>,
}

/// A count as far as it is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Count {
    #[default]
    Absent,
    Known(u64),
    /// Negative, a fraction, a text, or beyond reason.
    Bad,
}

impl Count {
    fn read(raw: Option<&RawValue>) -> Self {
        match raw.map(|raw| raw.get().parse::<u64>()) {
            None => Self::Absent,
            Some(Ok(count)) if count <= TOKENS_MAX => Self::Known(count),
            Some(_) => Self::Bad,
        }
    }

    /// The last count that is there wins.
    fn merge(&mut self, newer: Self) {
        if newer != Self::Absent {
            *self = newer;
        }
    }

    const fn known(self) -> Option<u64> {
        match self {
            Self::Known(count) => Some(count),
            Self::Absent | Self::Bad => None,
        }
    }
}

/// The counts of an answer, or of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    prompt: Count,
    cached: Count,
    candidates: Count,
    thoughts: Count,
    tool_use: Count,
    total: Count,
    audio_prompt: Count,
    audio_tool_use: Count,
    audio_out: Count,
}

impl Counts {
    /// Takes what is newer, field by field.
    pub(super) fn merge(&mut self, wire: &Wire<'_>) {
        self.prompt.merge(Count::read(wire.prompt_token_count));
        self.cached.merge(Count::read(wire.cached_content_token_count));
        self.candidates.merge(Count::read(wire.candidates_token_count));
        self.thoughts.merge(Count::read(wire.thoughts_token_count));
        self.tool_use.merge(Count::read(wire.tool_use_prompt_token_count));
        self.total.merge(Count::read(wire.total_token_count));
        self.audio_prompt.merge(wire.prompt_tokens_details.0);
        self.audio_tool_use.merge(wire.tool_use_prompt_tokens_details.0);
        self.audio_out.merge(wire.candidates_tokens_details.0);
    }

    /// What they come to; `None` if nothing is known, or one of them cannot be.
    pub(super) fn report(&self) -> Option<UsageReport> {
        let main = [self.prompt, self.candidates, self.thoughts, self.tool_use, self.total];
        let all = main.into_iter().chain([self.cached, self.audio_prompt, self.audio_tool_use, self.audio_out]);
        if all.into_iter().any(|count| count == Count::Bad) || main.into_iter().all(|count| count == Count::Absent) {
            return None;
        }
        let or_none = |count: Count| count.known().unwrap_or_default();
        let input = or_none(self.prompt) + or_none(self.tool_use);
        let reasoning = or_none(self.thoughts);
        let left = self.total.known().and_then(|total| total.checked_sub(input));
        let output = left.unwrap_or(or_none(self.candidates) + reasoning);
        let audio_in = or_none(self.audio_prompt) + or_none(self.audio_tool_use);
        let largest = input.max(output).max(audio_in).max(or_none(self.audio_out));
        (largest <= TOKENS_MAX).then(|| UsageReport {
            input,
            output,
            total: self.total.known(),
            cache_read: or_none(self.cached),
            audio_in,
            reasoning,
            audio_out: or_none(self.audio_out),
            ..UsageReport::default()
        })
    }
}

/// The usage of a stream that is not read otherwise.
#[derive(Debug, Default)]
pub(in crate::dialect) struct Fold(Counts);

impl Fold {
    /// Begins with a first report.
    pub(in crate::dialect) fn of(object: &[u8]) -> Self {
        let mut fold = Self::default();
        fold.add(object);
        fold
    }

    /// Takes a later report in; one that is no object of JSON says nothing.
    pub(in crate::dialect) fn add(&mut self, object: &[u8]) {
        if let Ok(later) = serde_json::from_slice(object) {
            self.0.merge(&later);
        }
    }

    /// What is known by now.
    pub(in crate::dialect) fn report(&self) -> Option<UsageReport> {
        self.0.report()
    }
}

/// The audio tokens of a list of modalities, summed up without keeping the list.
#[derive(Clone, Copy, Debug, Default)]
struct Audio(Count);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modality<'a> {
    #[serde(borrow, default)]
    modality: Option<&'a RawValue>,
    #[serde(borrow, default, alias = "token_count")]
    token_count: Option<&'a RawValue>,
}

impl<'de> Deserialize<'de> for Audio {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Audio;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of modalities")
            }

            fn visit_unit<E>(self) -> Result<Audio, E> {
                Ok(Audio::default())
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Audio, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Audio::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Audio, A::Error> {
                let mut sum = Count::Absent;
                while let Some(item) = list.next_element::<Modality<'de>>()? {
                    if item.modality.is_none_or(|modality| modality.get() != "\"AUDIO\"") {
                        continue;
                    }
                    sum = match (sum, Count::read(item.token_count)) {
                        (Count::Known(sum), Count::Known(more)) => Count::Known(sum + more),
                        (Count::Absent, count) | (count, Count::Absent) => count,
                        (Count::Bad, _) | (_, Count::Bad) => Count::Bad,
                    };
                }
                Ok(Audio(sum))
            }
        }
        deserializer.deserialize_any(List)
    }
}
