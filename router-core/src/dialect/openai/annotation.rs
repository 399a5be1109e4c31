//! Where a text comes from: an item of `annotations`.
//!
//! Chat Completions puts the members of a `url_citation` into an object of that name, Responses puts them at the top.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::Citation;
use crate::dialect::cite::{text, whole};
use crate::domain::Dialect;
use crate::json::Object;

#[derive(Deserialize)]
struct Outer<'a> {
    #[serde(borrow, default)]
    url_citation: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Members<'a> {
    #[serde(borrow, default)]
    url: Option<&'a RawValue>,
    #[serde(borrow, default)]
    title: Option<&'a RawValue>,
    #[serde(borrow, default)]
    file_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    filename: Option<&'a RawValue>,
    #[serde(borrow, default)]
    start_index: Option<&'a RawValue>,
    #[serde(borrow, default)]
    end_index: Option<&'a RawValue>,
}

/// Reads an annotation of an API of OpenAI's; one that cites nothing keeps its form and says no more. The `index` of a
/// file is the place of a mark that the text no longer has, and no part of it.
pub(in crate::dialect) fn read(dialect: Dialect, json: &str) -> Citation<'_> {
    let blank = Citation::new(dialect, json);
    let Some(outer) = object::<Outer<'_>>(json) else { return blank };
    let Some(members) = object::<Members<'_>>(outer.url_citation.map_or(json, RawValue::get)) else { return blank };
    let range = whole(members.start_index).zip(whole(members.end_index));
    Citation {
        url: text(members.url),
        file: text(members.file_id),
        title: text(members.title).or_else(|| text(members.filename)),
        range: range.filter(|(start, end)| start <= end),
        ..blank
    }
}

/// What an object holds. A list would be taken for one whose members stand in the order of ours.
fn object<'a, T: Deserialize<'a>>(json: &'a str) -> Option<T> {
    serde_json::from_str(json).ok().filter(|_| json.starts_with('{'))
}

/// Writes the members of a `url_citation` of the text from `start` to `end`.
pub(in crate::dialect) fn write_members(
    citation: &Citation<'_>,
    url: &str,
    (start, end): (u64, u64),
    out: &mut Object<'_>,
) {
    out.number("start_index", start);
    out.number("end_index", end);
    out.text("url", url);
    out.text("title", citation.title.as_deref().unwrap_or(url));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_apis_forms_are_read() {
        let members = r#""url":"https://a.b","title":"T\n","start_index":3,"end_index":9"#;
        for json in [
            format!(r#"{{"type":"url_citation",{members}}}"#),
            format!(r#"{{"type":"url_citation","url_citation":{{{members}}}}}"#),
        ] {
            let read = read(Dialect::Openai, &json);
            assert_eq!((read.address(), read.title.as_deref()), (Some("https://a.b"), Some("T\n")), "{json}");
            assert_eq!((read.range, &*read.json), (Some((3, 9)), json.as_str()));
        }
    }

    #[test]
    fn what_makes_no_sense_says_nothing_and_keeps_its_form() {
        for json in ["1", "[]", r#"{"type":"note"}"#, r#"{"url":1,"start_index":-1,"end_index":2}"#] {
            assert_eq!(read(Dialect::Responses, json), Citation::new(Dialect::Responses, json));
        }
        let backwards = read(Dialect::Responses, r#"{"url":"https://a.b","start_index":2,"end_index":1}"#);
        assert_eq!((backwards.address(), backwards.range), (Some("https://a.b"), None));
    }

    #[test]
    fn a_file_is_cited_by_its_id_and_name() {
        let json = r#"{"type":"file_citation","file_id":"file-1","filename":"a.pdf","index":7}"#;
        let read = read(Dialect::Responses, json);
        assert_eq!((read.file.as_deref(), read.title.as_deref(), read.range), (Some("file-1"), Some("a.pdf"), None));
    }
}
