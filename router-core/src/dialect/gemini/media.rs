//! Kinds of what is not text, by MIME types and addresses.

use crate::chat::{Body, Media};

/// Endings of addresses and the MIME types that they promise.
const ENDINGS: &[(&str, &str)] = &[
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("webp", "image/webp"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("wav", "audio/wav"),
    ("mp3", "audio/mpeg"),
    ("aac", "audio/aac"),
    ("ogg", "audio/ogg"),
    ("flac", "audio/flac"),
    ("mp4", "video/mp4"),
    ("mov", "video/quicktime"),
    ("mpeg", "video/mpeg"),
    ("webm", "video/webm"),
    ("pdf", "application/pdf"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
    ("csv", "text/csv"),
    ("html", "text/html"),
    ("json", "application/json"),
];

/// The MIME type that an address promises by its ending.
pub(super) fn type_of_address(address: &str) -> Option<&'static str> {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let ending = path.rsplit('/').next()?.rsplit_once('.')?.1.to_ascii_lowercase();
    ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, media_type)| *media_type)
}

/// What kind of block something is; a document where nothing tells.
pub(super) fn body(media: Media, address: Option<&str>) -> Body {
    let video = |address: &str| address.contains("youtube.com/") || address.contains("youtu.be/");
    let guessed = || {
        let address = address?;
        if video(address) { Some("video/*") } else { type_of_address(address) }
    };
    let media_type = media.media_type.as_deref().or_else(guessed).unwrap_or_default();
    match media_type.split('/').next() {
        Some("image") => Body::Image(media),
        Some("audio") => Body::Audio(media),
        Some("video") => Body::Video(media),
        _ => Body::Document(media),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_tells_its_type_by_its_ending() {
        assert_eq!(type_of_address("https://example.com/a.b/cat.PNG?size=1.gif#x.pdf"), Some("image/png"));
        assert_eq!(type_of_address("gs://bucket/report.pdf"), Some("application/pdf"));
        assert_eq!(type_of_address("https://example.com/cat"), None);
        assert_eq!(type_of_address("https://example.com"), None);
    }
}
