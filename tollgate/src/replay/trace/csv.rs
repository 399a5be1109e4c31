//! Comma-separated values with a header. Fields may stand in quotes; none holds a line break.

use super::{Column, Line, NEEDED, Row, column};

/// Every line after the header that is not empty.
pub(super) fn lines(text: &str) -> Result<Vec<Line>, String> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let (_, header) = lines.next().ok_or("there is no header")?;
    let columns: Vec<(String, Option<Column>)> =
        fields(header).into_iter().map(|name| (name.clone(), column(&name))).collect();
    let has = |wanted: &[Column]| columns.iter().any(|(_, found)| found.is_some_and(|found| wanted.contains(&found)));
    if !(has(&[Column::Arrival, Column::ArrivalMs]) && has(&[Column::Prompt]) && has(&[Column::Output])) {
        return Err(format!("{NEEDED}; the header has {header:?}"));
    }
    let lines = lines.filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(number, line)| (number + 1, row(&columns, line))).collect())
}

fn row(columns: &[(String, Option<Column>)], line: &str) -> Result<Row, String> {
    let fields = fields(line);
    if fields.len() != columns.len() {
        return Err(format!("there are {} fields where the header has {}", fields.len(), columns.len()));
    }
    let mut row = Row::default();
    for ((name, column), field) in columns.iter().zip(&fields) {
        if let Some(column) = column {
            row.put(*column, field).map_err(|message| format!("`{name}`: {message}"))?;
        }
    }
    Ok(row)
}

fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for char in line.trim_end_matches('\r').chars() {
        match char {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("there is one from the start").push(other),
        }
    }
    fields.iter().map(|field| field.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comma_in_quotes_divides_nothing() {
        assert_eq!(fields("a, \"b,c\" ,,d\r"), ["a", "b,c", "", "d"]);
    }
}
