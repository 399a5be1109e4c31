//! One JSON object a line.

use serde_json::{Map, Value};

use super::{Column, Line, Row, column};

/// Every line that is not empty.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(number, line)| (number + 1, row(line))).collect())
}

fn row(line: &str) -> Result<Row, String> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("not a JSON object: {error}"))?;
    let mut row = Row::default();
    // Mooncake's traces have milliseconds under the name under which others have seconds.
    let in_ms = object.contains_key("hash_ids") || object.contains_key("input_length");
    for (name, value) in &object {
        let Some(column) = column(name) else { continue };
        let column = if in_ms && column == Column::Arrival { Column::ArrivalMs } else { column };
        let text = text(value).ok_or_else(|| format!("`{name}`: expected a number, text, or a list of them"))?;
        row.put(column, &text).map_err(|message| format!("`{name}`: {message}"))?;
    }
    Ok(row)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) => Some(values.iter().map(text).collect::<Option<Vec<_>>>()?.join(" ")),
        Value::Bool(_) | Value::Object(_) => None,
    }
}
