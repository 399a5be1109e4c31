//! Arguments that arrive value by value (`partialArgs`), each with the path of the place that it belongs to.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Longest list that a path may ask for.
const ITEMS_MAX: usize = 10_000;

/// Arguments in the making.
#[derive(Debug, Default)]
pub(super) struct Arguments(Map<String, Value>);

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default, alias = "json_path")]
    json_path: String,
    #[serde(default, alias = "string_value")]
    string_value: Option<String>,
    #[serde(default, alias = "number_value")]
    number_value: Option<serde_json::Number>,
    #[serde(default, alias = "bool_value")]
    bool_value: Option<bool>,
}

impl Arguments {
    /// Takes a list of values; `None` if it is none, or a path leads nowhere.
    pub(super) fn take(&mut self, pieces: &RawValue) -> Option<()> {
        for piece in serde_json::from_str::<Vec<Piece>>(pieces.get()).ok()? {
            let steps = steps(&piece.json_path)?;
            let value = (piece.string_value.map(Value::from))
                .or(piece.number_value.map(Value::from))
                .or(piece.bool_value.map(Value::from));
            self.put(&steps, value.unwrap_or_default())?;
        }
        Some(())
    }

    /// Takes arguments that came whole.
    pub(super) fn take_whole(&mut self, args: &RawValue) {
        if let Ok(members) = serde_json::from_str::<Map<String, Value>>(args.get()) {
            self.0.extend(members);
        }
    }

    /// The object.
    pub(super) fn into_json(self) -> String {
        Value::Object(self.0).to_string()
    }

    fn put(&mut self, steps: &[Step], value: Value) -> Option<()> {
        let (Step::Member(first), rest) = steps.split_first()? else { return None };
        let mut place = self.0.entry(first.clone()).or_insert(Value::Null);
        for step in rest {
            place = step.descend(place)?;
        }
        match (place, value) {
            // A long text comes in pieces.
            (Value::String(text), Value::String(more)) => text.push_str(&more),
            (place, value) => *place = value,
        }
        Some(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Step {
    Member(String),
    Item(usize),
}

impl Step {
    fn descend<'v>(&self, place: &'v mut Value) -> Option<&'v mut Value> {
        match self {
            Self::Member(name) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                Some(place.as_object_mut()?.entry(name.clone()).or_insert(Value::Null))
            }
            Self::Item(at) => {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let items = place.as_array_mut()?;
                if *at >= ITEMS_MAX {
                    return None;
                }
                if items.len() <= *at {
                    items.resize(at + 1, Value::Null);
                }
                items.get_mut(*at)
            }
        }
    }
}

/// Reads a path such as `$.cities[0].name` or `$['a.b']`.
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.strip_prefix('$').unwrap_or(path);
    let mut steps = Vec::new();
    while !rest.is_empty() {
        let (step, left) = if let Some(quoted) = rest.strip_prefix("['").or_else(|| rest.strip_prefix("[\"")) {
            let end = quoted.find("']").or_else(|| quoted.find("\"]"))?;
            (Step::Member(quoted[..end].to_owned()), &quoted[end + 2..])
        } else if let Some(index) = rest.strip_prefix('[') {
            let (digits, left) = index.split_once(']')?;
            (Step::Item(digits.parse().ok()?), left)
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[']).unwrap_or(name.len());
            (Step::Member(name[..end].to_owned()), &name[end..])
        };
        if step == Step::Member(String::new()) {
            return None;
        }
        steps.push(step);
        rest = left;
    }
    Some(steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(pieces: &[&str]) -> Option<String> {
        let mut arguments = Arguments::default();
        for pieces in pieces {
            arguments.take(serde_json::from_str(pieces).expect("JSON"))?;
        }
        Some(arguments.into_json())
    }

    #[test]
    fn values_find_their_places_and_texts_grow() {
        let json = gathered(&[
            r#"[{"jsonPath":"$.city","stringValue":"New ","willContinue":true}]"#,
            r#"[{"json_path":"$.city","string_value":"York"},{"jsonPath":"$.list[1].on","boolValue":true}]"#,
            r#"[{"jsonPath":"$['a.b']","numberValue":1.5},{"jsonPath":"$.none","nullValue":"NULL_VALUE"}]"#,
        ]);
        let expected = r#"{"city":"New York","list":[null,{"on":true}],"a.b":1.5,"none":null}"#;
        assert_eq!(json.as_deref(), Some(expected));
    }

    #[test]
    fn a_path_that_leads_nowhere_is_refused() {
        for path in ["", "$", "$[0]", "$.a[x]", "$.a[0", "$..a", "$['a", "$.a[99999999999]", "$.a[1000000]"] {
            let piece = format!(r#"[{{"jsonPath":"{path}","boolValue":true}}]"#);
            assert_eq!(gathered(&[&piece]), None, "{path}");
        }
        assert_eq!(gathered(&[r#"[{"jsonPath":"$.a","boolValue":true},{"jsonPath":"$.a.b"}]"#]), None);
        assert_eq!(gathered(&["{}"]), None);
    }
}
