//! How many tokens a prompt has, where no provider is there to ask: an estimate.

use router_core::dialect::translate;
use serde_json::json;

use crate::respond::Refusal;
use crate::route::Inference;

/// Answers a request that wants its tokens counted and whose provider cannot count.
pub(crate) fn estimate(inference: Inference, body: &[u8]) -> Result<Vec<u8>, Refusal> {
    let tokens = translate::estimate(inference.dialect(), body).map_err(|invalid| Refusal::invalid(&invalid))?;
    let answer = match inference {
        Inference::CountContent => json!({ "totalTokens": tokens }),
        _ => json!({ "input_tokens": tokens }),
    };
    Ok(answer.to_string().into_bytes())
}
