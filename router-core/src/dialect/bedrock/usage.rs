//! Token counts. `inputTokens` leaves out what a cache read or wrote, as with Anthropic.

use serde::Deserialize;
use serde_json::Value;

use crate::dialect::tokens::TOKENS_MAX;
use crate::domain::UsageReport;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    total_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    cache_write_input_tokens: Option<u64>,
    cache_details: Option<Vec<CacheDetail>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CacheDetail {
    ttl: Option<String>,
    input_tokens: Option<u64>,
}

/// Reads the object `usage`. `None` if it reports nothing, or what cannot be.
pub fn read_usage(usage: Value) -> Option<UsageReport> {
    serde_json::from_value(usage).ok().and_then(report)
}

/// The same from its text.
pub(super) fn usage_of_json(json: &str) -> Option<UsageReport> {
    serde_json::from_str(json).ok().and_then(report)
}

fn report(counts: Counts) -> Option<UsageReport> {
    if counts.input_tokens.is_none() && counts.output_tokens.is_none() {
        return None;
    }
    let details = counts.cache_details.unwrap_or_default();
    let long =
        details.iter().filter(|detail| detail.ttl.as_deref() != Some("5m")).filter_map(|detail| detail.input_tokens);
    let cache_write_long = long.fold(0, u64::saturating_add);
    let count = |count: Option<u64>| count.unwrap_or(0);
    let (fresh, output) = (count(counts.input_tokens), count(counts.output_tokens));
    let (cache_read, cache_write) = (count(counts.cache_read_input_tokens), count(counts.cache_write_input_tokens));
    let all = [fresh, output, cache_read, cache_write, cache_write_long, count(counts.total_tokens)];
    if all.iter().any(|count| *count > TOKENS_MAX) {
        return None;
    }
    let input = fresh + cache_read + cache_write;
    // Models differ in whether their total has the cache's tokens in it; a total that leaves them out says nothing new.
    let total = counts.total_tokens.map(|total| if total == fresh + output { input + output } else { total });
    (input.max(total.unwrap_or(0)) <= TOKENS_MAX).then_some(UsageReport {
        input,
        output,
        total,
        cache_read,
        cache_write,
        cache_write_long: cache_write_long.min(cache_write),
        ..UsageReport::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn input_includes_what_the_cache_read_and_wrote() {
        let details = json!([{"ttl": "1h", "inputTokens": 400}, {"ttl": "5m", "inputTokens": 100}]);
        let usage = json!({"inputTokens": 21, "outputTokens": 12, "totalTokens": 2033, "cacheReadInputTokens": 1500,
            "cacheWriteInputTokens": 500, "cacheDetails": details});
        let report = read_usage(usage.clone()).expect("a report");
        let expected = UsageReport {
            input: 2021,
            output: 12,
            total: Some(2033),
            cache_read: 1500,
            cache_write: 500,
            cache_write_long: 400,
            ..UsageReport::default()
        };
        assert_eq!(report, expected);
        assert_eq!(usage_of_json(&usage.to_string()), Some(expected));
    }

    #[test]
    fn a_total_without_the_caches_tokens_is_made_whole() {
        let usage = json!({"inputTokens": 21, "outputTokens": 12, "totalTokens": 33, "cacheReadInputTokens": 100});
        assert_eq!(read_usage(usage).and_then(|report| report.total), Some(133));
        let odd = json!({"inputTokens": 21, "outputTokens": 12, "totalTokens": 40});
        assert_eq!(read_usage(odd).and_then(|report| report.total), Some(40));
    }

    #[test]
    fn counts_that_cannot_be_are_no_report() {
        for wrong in [json!(-1), json!(1.5), json!("21"), json!(1_000_000_001_u64)] {
            assert_eq!(read_usage(json!({"inputTokens": wrong, "outputTokens": 1})), None);
        }
        for wrong in [json!({}), json!(null), json!([]), json!({"totalTokens": 3})] {
            assert_eq!(read_usage(wrong), None);
        }
    }
}
