//! Whatever a provider of the client's own dialect says reaches the client byte for byte, over the whole corpus.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use router_core::domain::Dialect;
use router_core::exchange::{BodyKind, Outcome, Terms};

use super::shell::{Shell, TERMS};

const DIALECTS: [Dialect; 4] = [Dialect::Openai, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];
/// Bounds that no document of the corpus meets.
const WIDE: usize = 1 << 20;

fn files(dialect: Dialect, ending: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(dialect.name());
    let entries = fs::read_dir(folder).expect("every dialect has a corpus");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let wanted = paths.filter(|path| path.to_string_lossy().ends_with(ending));
    wanted.map(|path| (path.clone(), fs::read_to_string(path).expect("text"))).collect()
}

/// What a client of the same dialect gets of this body, which comes in pieces.
fn relayed(client: Dialect, kind: BodyKind, body: &str, hold_bytes_max: usize, piece: usize) -> Shell {
    let patient = Duration::from_secs(60);
    let terms = Terms { client, strip_usage: false, hold_bytes_max, between_chunks: patient, total: patient, ..TERMS };
    let mut shell = Shell::new(terms);
    shell.head(200, kind);
    let mut rest = body;
    while !rest.is_empty() {
        let mut at = piece.min(rest.len());
        while !rest.is_char_boundary(at) {
            at += 1;
        }
        shell.body(&rest[..at], 3);
        rest = &rest[at..];
    }
    shell.end(4);
    shell
}

#[test]
fn every_document_of_the_corpus_reaches_the_client_as_it_is() {
    let mut compared = 0;
    for dialect in DIALECTS {
        for (path, body) in files(dialect, ".answer.json") {
            // Held back whole, and passed on piece by piece.
            for (hold, piece) in [(WIDE, WIDE), (WIDE, 7), (10, 7)] {
                let shell = relayed(dialect, BodyKind::Json, &body, hold, piece);
                assert_eq!(shell.received(), body, "{}", path.display());
                assert_eq!(shell.outcome, Some(Outcome::Complete), "{}", path.display());
            }
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn every_stream_of_the_corpus_reaches_the_client_as_it_is() {
    let mut compared = 0;
    for dialect in DIALECTS {
        for (path, body) in files(dialect, ".stream.txt") {
            for piece in [WIDE, 7] {
                let shell = relayed(dialect, BodyKind::Events, &body, WIDE, piece);
                assert!(body.starts_with(shell.received()), "{}", path.display());
                // Half an event at the end of one that breaks off is no answer to anybody.
                let whole = shell.outcome == Some(Outcome::Complete);
                assert!(!whole || shell.received() == body, "{}", path.display());
                compared += u32::from(whole);
            }
        }
    }
    assert!(compared > 200, "{compared}");
}
