//! `POST /v1/embeddings`: unit vectors that lie close together when their texts share words.
//!
//! Each token has a direction drawn from its letters; a text's vector is their sum, brought to length one.

use axum::Json;
use axum::body::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::ApiError;
use super::{request, text};

/// Numbers of a vector when the request does not say.
const DIMENSIONS: usize = 256;
/// Numbers of a vector, at most.
const DIMENSIONS_MAX: usize = 3_072;
/// Texts of one request, at most.
const INPUTS_MAX: usize = 2_048;
/// Tokens of one text, at most.
const TOKENS_MAX: usize = 8_192;
/// Tokens of one request, at most.
const TOKENS_TOTAL_MAX: usize = 300_000;

#[derive(Debug, Deserialize)]
struct EmbeddingRequest {
    model: String,
    input: Input,
    encoding_format: Option<Encoding>,
    dimensions: Option<usize>,
}

/// An input is text or token numbers, and there may be several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    Float,
    Base64,
}

/// Embeds texts.
pub(super) async fn create(body: Bytes) -> Result<Json<Value>, ApiError> {
    let request: EmbeddingRequest = request::parse(&body)?;
    let dimensions = match request.dimensions.unwrap_or(DIMENSIONS) {
        dimensions @ 1..=DIMENSIONS_MAX => dimensions,
        other => {
            let message = format!("{other} dimensions: from 1 to {DIMENSIONS_MAX} can be served");
            return Err(ApiError::bad_param("dimensions", message));
        }
    };
    let inputs = inputs(request.input)?;
    let tokens: usize = inputs.iter().map(Vec::len).sum();
    if tokens > TOKENS_TOTAL_MAX {
        let message = format!("{tokens} tokens: at most {TOKENS_TOTAL_MAX} can be served at once");
        return Err(ApiError::bad_param("input", message));
    }
    let encode = |vector: Vec<f32>| match request.encoding_format.unwrap_or(Encoding::Float) {
        Encoding::Float => json!(vector),
        Encoding::Base64 => json!(base64(&vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())),
    };
    let one = |(index, seeds): (usize, &Vec<u64>)| json!({"object": "embedding", "index": index, "embedding": encode(vector(seeds, dimensions))});
    Ok(Json(json!({
        "object": "list", "data": inputs.iter().enumerate().map(one).collect::<Vec<_>>(), "model": request.model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    })))
}

/// Each input as the seeds of its tokens.
fn inputs(input: Input) -> Result<Vec<Vec<u64>>, ApiError> {
    let seeds = |text: &String| text::pieces(text).map(seed).collect::<Vec<_>>();
    let inputs: Vec<Vec<u64>> = match input {
        Input::Text(text) => vec![seeds(&text)],
        Input::Texts(texts) => texts.iter().map(seeds).collect(),
        Input::Tokens(tokens) => vec![tokens],
        Input::TokenLists(lists) => lists,
    };
    let problem = match inputs.len() {
        0 => Some("input cannot be an empty array".to_owned()),
        len if len > INPUTS_MAX => Some(format!("{len} inputs: at most {INPUTS_MAX} can be served at once")),
        _ if inputs.iter().any(Vec::is_empty) => Some("input cannot be an empty string".to_owned()),
        _ if inputs.iter().any(|input| input.len() > TOKENS_MAX) => {
            Some(format!("an input has more than {TOKENS_MAX} tokens"))
        }
        _ => None,
    };
    match problem {
        Some(message) => Err(ApiError::bad_param("input", message)),
        None => Ok(inputs),
    }
}

/// A token's seed: FNV-1a over its letters in lower case, without the space before it.
fn seed(token: &str) -> u64 {
    let token = token.trim().to_lowercase();
    token.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn vector(seeds: &[u64], dimensions: usize) -> Vec<f32> {
    let mut sum = vec![0.0f32; dimensions];
    for seed in seeds {
        let mut state = *seed;
        for number in &mut sum {
            *number += draw(&mut state);
        }
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|x| *x /= length);
    } else {
        // Directions that cancel out to the last bit: any unit vector is as good as another.
        sum[0] = 1.0;
    }
    sum
}

/// A number from -1 to 1: the next of splitmix64, of which the upper 16 bits are used.
fn draw(state: &mut u64) -> f32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let upper = u16::try_from((bits ^ (bits >> 31)) >> 48).unwrap_or(u16::MAX);
    f32::from(upper) / 32_767.5 - 1.0
}

/// Standard base64 with padding (RFC 4648, 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = (0..3).fold(0usize, |group, at| group << 8 | usize::from(chunk.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let digit = ALPHABET[group >> (18 - 6 * at) & 63];
            out.push(if at <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn embed(text: &str) -> Vec<f32> {
        vector(&text::pieces(text).map(seed).collect::<Vec<_>>(), DIMENSIONS)
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn vectors_have_length_one_and_texts_that_share_words_lie_close() {
        let (cat, cats, tax) = (embed("The cat sat down."), embed("the cat sat"), embed("quarterly VAT return"));
        assert!((cosine(&cat, &cat) - 1.0).abs() < 1e-5);
        assert!(cosine(&cat, &cats) > 0.6 && cosine(&cat, &tax) < 0.4);
    }

    #[test]
    fn base64_is_the_published_one() {
        // RFC 4648, 10.
        let published = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in published {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
