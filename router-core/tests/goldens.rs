//! Every ordered pair of dialects, case by case: what a provider is sent for a client's request, what it cannot be told,
//! and what the client gets for the provider's answer and stream.
//!
//! Requests come from `corpus/<client>`, answers and streams from `corpus/<provider>`; the corpora were written from the
//! vendors' API references. `golden/<client>-<provider>/<case>.txt` is what must come of them. With `UPDATE_GOLDENS=1`
//! the files are written anew: read the difference before you commit it, for nobody else will. That what is in them has
//! the vendors' own form is checked with the vendors' SDKs, in `tests/sdk`.

#[path = "goldens/case.rs"]
mod case;
#[path = "goldens/pass.rs"]
mod pass;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use case::Case;
use router_core::domain::Dialect;

/// Cases that each pair has at least.
const CASES_MIN: usize = 25;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)
}

/// The names of all cases, of whatever corpus.
fn cases() -> BTreeSet<String> {
    let names = Dialect::INGRESS.into_iter().flat_map(|dialect| {
        let files = fs::read_dir(folder("corpus").join(dialect.name())).expect("a corpus");
        files.map(|file| file.expect("a file").file_name().into_string().expect("a plain name"))
    });
    names.filter_map(|name| name.split('.').next().map(str::to_owned)).collect()
}

fn compare(client: Dialect, provider: Dialect) {
    let golden = folder("golden").join(format!("{}-{}", client.name(), provider.name()));
    let update = std::env::var_os("UPDATE_GOLDENS").is_some();
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for name in cases() {
        let case = Case::read(&folder("corpus"), client, provider, &name);
        let Some(text) = case.told() else { continue };
        seen.insert(format!("{name}.txt"));
        let file = golden.join(format!("{name}.txt"));
        if update {
            fs::create_dir_all(&golden).expect("a folder");
            fs::write(&file, &text).expect("a file");
        } else if fs::read_to_string(&file).unwrap_or_default() != text {
            wrong.push(format!("{}:\n{text}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{} differ (UPDATE_GOLDENS=1 writes them anew):\n{}", wrong.len(), wrong.join("\n"));
    assert!(seen.len() >= CASES_MIN, "only {} cases", seen.len());
    let there: BTreeSet<_> = fs::read_dir(&golden)
        .expect("goldens")
        .map(|file| file.expect("a file").file_name().into_string().expect("a plain name"))
        .collect();
    assert_eq!(there, seen, "goldens without a case");
}

macro_rules! pairs {
    ($($name:ident: $client:ident, $provider:ident;)*) => {
        $(
            #[test]
            fn $name() {
                compare(Dialect::$client, Dialect::$provider);
            }
        )*
    };
}

pairs! {
    openai_to_openai: Openai, Openai;
    openai_to_responses: Openai, Responses;
    openai_to_anthropic: Openai, Anthropic;
    openai_to_gemini: Openai, Gemini;
    responses_to_openai: Responses, Openai;
    responses_to_responses: Responses, Responses;
    responses_to_anthropic: Responses, Anthropic;
    responses_to_gemini: Responses, Gemini;
    anthropic_to_openai: Anthropic, Openai;
    anthropic_to_responses: Anthropic, Responses;
    anthropic_to_anthropic: Anthropic, Anthropic;
    anthropic_to_gemini: Anthropic, Gemini;
    gemini_to_openai: Gemini, Openai;
    gemini_to_responses: Gemini, Responses;
    gemini_to_anthropic: Gemini, Anthropic;
    gemini_to_gemini: Gemini, Gemini;
}
