//! Any split of a stream, and any form that means the same, gives the client the same bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use router_core::domain::Dialect;

use super::heard::client_hears;
use super::provider::answer;
use super::relay::{self, Client, PROVIDERS, clients, pairs, relay, translator};

/// Every number of bytes that may be special: 1 cuts inside of everything.
const SIZES: [usize; 4] = [1, 2, 7, 64];

/// A stream in pieces, cut anywhere.
fn cut<'s>(stream: &'s [u8], cuts: &[Index]) -> Vec<&'s [u8]> {
    let mut ends: Vec<_> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).chain([0, stream.len()]).collect();
    ends.sort_unstable();
    ends.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect()
}

fn any_size_is_the_same(provider: Dialect) {
    for (case, stream) in relay::streams(provider) {
        for client in clients() {
            let translator = translator(client, provider);
            let whole = relay(&translator, [&stream[..]]);
            for size in SIZES {
                assert_eq!(relay(&translator, stream.chunks(size)), whole, "{case} for {client:?} by {size}");
            }
        }
    }
}

#[test]
fn openais_corpus_gives_the_same_bytes_in_any_pieces() {
    any_size_is_the_same(Dialect::Openai);
}

#[test]
fn the_corpus_of_responses_gives_the_same_bytes_in_any_pieces() {
    any_size_is_the_same(Dialect::Responses);
}

#[test]
fn anthropics_corpus_gives_the_same_bytes_in_any_pieces() {
    any_size_is_the_same(Dialect::Anthropic);
}

#[test]
fn geminis_corpus_gives_the_same_bytes_in_any_pieces() {
    any_size_is_the_same(Dialect::Gemini);
}

#[test]
fn bedrocks_frames_give_the_same_bytes_in_any_pieces() {
    any_size_is_the_same(Dialect::Bedrock);
}

/// How a stream is put on the wire: what the format leaves free.
#[derive(Clone, Debug)]
struct Dress {
    /// LF, CR LF or CR, line by line.
    ends: Vec<u8>,
    /// What stands before a line: nothing, mostly.
    asides: Vec<u8>,
    bom: bool,
    /// JSON is broken over lines.
    broken: bool,
    /// No space after the colon.
    tight: bool,
}

fn dress() -> impl Strategy<Value = Dress> {
    (vec(0..3_u8, 1..9), vec(0..12_u8, 1..9), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(ends, asides, bom, broken, tight)| Dress { ends, asides, bom, broken, tight })
}

impl Dress {
    fn put_on(&self, stream: &[u8]) -> Vec<u8> {
        let mut out = if self.bom { "\u{FEFF}".as_bytes().to_vec() } else { Vec::new() };
        let mut lines = 0;
        let mut line = |text: &str| {
            let end = ["\n", "\r\n", "\r"][usize::from(self.ends[lines % self.ends.len()])];
            // CR and LF in a row would be one line end.
            let end = if text.is_empty() && end == "\n" && out.last() == Some(&b'\r') { "\r\n" } else { end };
            out.extend_from_slice(text.as_bytes());
            out.extend_from_slice(end.as_bytes());
            lines += 1;
        };
        for (at, text) in String::from_utf8_lossy(stream).lines().enumerate() {
            match self.asides[at % self.asides.len()] {
                0 => line(": data: not é this 😀"),
                1 => line("id: 7"),
                2 => line("retry"),
                3 => line("database: x"),
                _ => {}
            }
            let Some(data) = text.strip_prefix("data: ") else {
                line(text);
                continue;
            };
            let field = if self.tight { "data:" } else { "data: " };
            match data.strip_prefix('{').filter(|_| self.broken) {
                Some(rest) => {
                    line(&format!("{field}{{"));
                    line("data");
                    line(&format!("{field}{rest}"));
                }
                None => line(&format!("{field}{data}")),
            }
        }
        out
    }
}

#[test]
fn no_form_of_line_ends_joins_two_events() {
    for ends in [vec![0], vec![1], vec![2], vec![2, 0], vec![0, 2], vec![1, 2, 0]] {
        let dress = Dress { ends, asides: vec![9], bom: true, broken: true, tight: false };
        let stream = dress.put_on(b"data: {\"a\":1}\n\ndata: [DONE]\n\n");
        assert_eq!(super::heard::data(&stream), ["{\n\n\"a\":1}", "[DONE]"], "{dress:?}");
    }
}

/// Where bytes go through as they are, what they say must not change.
fn same(client: Client, provider: Dialect, plain: &[u8], dressed: &[u8]) -> Result<(), TestCaseError> {
    if client.dialect == provider {
        let [plain, dressed] = [plain, dressed].map(|out| client_hears(client, out).expect("a stream"));
        prop_assert_eq!(dressed, plain, "{:?}", client);
    } else {
        prop_assert_eq!(String::from_utf8_lossy(dressed), String::from_utf8_lossy(plain), "{:?}", client);
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::cases(24))]

    #[test]
    fn a_stream_of_the_corpus_gives_the_same_bytes_in_any_dress_and_split(
        case in any::<Index>(), dress in dress(), cuts in vec(any::<Index>(), 0..40),
    ) {
        for (client, provider) in pairs().filter(|(_, provider)| *provider != Dialect::Bedrock) {
            let cases = relay::cases(provider);
            let plain = relay::stream(provider, &cases[case.index(cases.len())]);
            let dressed = dress.put_on(&plain);
            let translator = translator(client, provider);
            let (plain, whole) = (relay(&translator, [&plain[..]]), relay(&translator, [&dressed[..]]));
            prop_assert_eq!(plain.complete, whole.complete);
            same(client, provider, &plain.out, &whole.out)?;
            prop_assert_eq!(relay(&translator, cut(&dressed, &cuts)), whole);
        }
    }

    #[test]
    fn any_answer_gives_the_same_bytes_in_any_split(
        answer in answer(), cuts in vec(any::<Index>(), 0..40), size in 1..9_usize,
    ) {
        for (client, provider) in pairs() {
            let (stream, translator) = (answer.stream(provider), translator(client, provider));
            let whole = relay(&translator, [&stream[..]]);
            prop_assert_eq!(&relay(&translator, cut(&stream, &cuts)), &whole);
            prop_assert_eq!(&relay(&translator, stream.chunks(size)), &whole);
        }
    }

    #[test]
    fn garbage_gives_the_same_bytes_in_any_split(
        garbage in vec(any::<u8>(), 0..200), case in any::<Index>(), at in any::<Index>(), cuts in vec(any::<Index>(), 0..9),
    ) {
        for provider in PROVIDERS {
            let cases = relay::cases(provider);
            let mut stream = relay::stream(provider, &cases[case.index(cases.len())]);
            let at = at.index(stream.len());
            stream.splice(at..at, garbage.iter().copied());
            for client in clients() {
                let translator = translator(client, provider);
                let whole = relay(&translator, [&stream[..]]);
                prop_assert_eq!(relay(&translator, cut(&stream, &cuts)), whole);
            }
        }
    }
}
