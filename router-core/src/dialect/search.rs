//! What providers that search the web themselves looked for.

use serde_json::Value;

use crate::domain::Dialect;

/// The queries of a block that is one dialect's search, in order; none if it is anything else.
pub(super) fn queries(dialect: Dialect, block: &Value) -> Vec<&str> {
    let is = |key: &str, text: &str| block[key] == text;
    match dialect {
        Dialect::Anthropic if is("type", "server_tool_use") && is("name", "web_search") => {
            block["input"]["query"].as_str().into_iter().collect()
        }
        Dialect::Responses if is("type", "web_search_call") => {
            let action = &block["action"];
            match action["queries"].as_array() {
                Some(queries) if !queries.is_empty() => queries.iter().filter_map(Value::as_str).collect(),
                _ => action["query"].as_str().into_iter().collect(),
            }
        }
        // As it stands in the metadata of an answer, or as the one who reads a stream hands it on.
        Dialect::Gemini => {
            let queries = block.get("webSearchQueries").or_else(|| block.get("web_search_queries"));
            queries.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn queries_are_found_in_either_form_of_a_search() {
        let anthropic = json!({"type": "server_tool_use", "name": "web_search", "input": {"query": "a"}});
        assert_eq!(queries(Dialect::Anthropic, &anthropic), ["a"]);
        let several = json!({"type": "web_search_call", "action": {"query": "a", "queries": ["a", "b"]}});
        assert_eq!(queries(Dialect::Responses, &several), ["a", "b"]);
        let old = json!({"type": "web_search_call", "action": {"query": "a"}});
        assert_eq!(queries(Dialect::Responses, &old), ["a"]);
        for key in ["webSearchQueries", "web_search_queries"] {
            assert_eq!(queries(Dialect::Gemini, &json!({key: ["a", "b"]})), ["a", "b"]);
        }
        for other in [json!({}), json!({"type": "server_tool_use", "name": "bash"}), json!({"type": "web_search_call"})]
        {
            assert!(queries(Dialect::Anthropic, &other).is_empty() && queries(Dialect::Responses, &other).is_empty());
        }
    }
}
