//! Where a text comes from: `annotations`, both ways. Their places count the characters of their part.

use serde_json::Value;

use crate::chat::Citation;
use crate::dialect::cite;
use crate::dialect::openai::annotation;
use crate::domain::Dialect;
use crate::json::Object;

/// Reads an annotation.
pub(super) fn read(json: &str) -> Citation<'_> {
    annotation::read(Dialect::Responses, json)
}

/// Whether this dialect can say it: a page by its address, a file by its id.
pub(super) fn can_say(citation: &Citation<'_>) -> bool {
    citation.dialect == Dialect::Responses || citation.file.is_some() || citation.address().is_some()
}

/// Writes an annotation of somebody else's. `whole` is the place of all of the text, for one that names no part of it.
pub(super) fn write(citation: &Citation<'_>, whole: (u64, u64), out: &mut Object<'_>) {
    let range = citation.range.unwrap_or(whole);
    match (citation.address(), &citation.file) {
        (Some(url), _) => {
            out.text("type", "url_citation");
            annotation::write_members(citation, url, range, out);
        }
        (None, file) => {
            let file = file.as_deref().unwrap_or_default();
            out.text("type", "file_citation");
            out.number("index", range.1);
            out.text("file_id", file);
            out.text("filename", citation.title.as_deref().unwrap_or(file));
        }
    }
}

/// An annotation of a whole text; `None` if nothing here can say it.
pub(super) fn annotation(citation: &Citation<'_>, text: &str) -> Option<Value> {
    if citation.dialect == Dialect::Responses {
        return Some(cite::own(citation));
    }
    can_say(citation).then(|| cite::value(|out| write(citation, (0, cite::count(text)), out)))
}
