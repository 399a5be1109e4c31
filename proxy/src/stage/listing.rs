//! The models that a key may use, in the shape that each dialect has for them.

use router_core::domain::Dialect;
use router_core::snapshot::{Deployment, Key, Snapshot};
use serde_json::{Value, json};

/// What stands where a date is wanted: models carry none yet.
const NO_DATE: &str = "1970-01-01T00:00:00Z";

/// `GET /v1/models`: names that can be asked for as they stand.
pub(crate) fn models(snapshot: &Snapshot, key: &Key, dialect: Dialect) -> Vec<u8> {
    let mut names: Vec<&str> = Vec::new();
    let mut data = Vec::new();
    for deployment in visible(snapshot, key) {
        if !names.contains(&deployment.model.as_str()) {
            names.push(&deployment.model);
            data.push(entry(snapshot, deployment, dialect, &deployment.model));
        }
    }
    let list = match dialect {
        Dialect::Anthropic => json!({
            "data": data, "has_more": false, "first_id": names.first(), "last_id": names.last(),
        }),
        Dialect::Gemini => json!({ "models": data }),
        _ => json!({ "object": "list", "data": data }),
    };
    list.to_string().into_bytes()
}

/// `GET /v1/models/{id}`: by bare or by qualified name.
pub(crate) fn model(snapshot: &Snapshot, key: &Key, dialect: Dialect, id: &str) -> Option<Vec<u8>> {
    let deployment = visible(snapshot, key).find(|deployment| {
        let qualified = id.strip_prefix(snapshot.providers[deployment.provider].name.as_str());
        id == deployment.model || qualified.and_then(|rest| rest.strip_prefix('/')) == Some(&deployment.model)
    })?;
    Some(entry(snapshot, deployment, dialect, id).to_string().into_bytes())
}

fn visible<'s>(snapshot: &'s Snapshot, key: &Key) -> impl Iterator<Item = &'s Deployment> {
    snapshot
        .deployments
        .iter()
        .filter(|deployment| key.models.allows(&snapshot.providers[deployment.provider].name, &deployment.model))
}

fn entry(snapshot: &Snapshot, deployment: &Deployment, dialect: Dialect, id: &str) -> Value {
    match dialect {
        Dialect::Anthropic => json!({ "type": "model", "id": id, "display_name": id, "created_at": NO_DATE }),
        Dialect::Gemini => json!({
            "name": format!("models/{id}"), "baseModelId": id, "displayName": id, "version": "",
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent", "countTokens"],
        }),
        _ => openai_entry(snapshot, deployment, id),
    }
}

fn openai_entry(snapshot: &Snapshot, deployment: &Deployment, id: &str) -> Value {
    let provider = &snapshot.providers[deployment.provider].name;
    // OpenAI's clients want a number; ours has no meaning until models carry a date.
    let mut entry = json!({ "id": id, "object": "model", "created": 0, "owned_by": provider });
    if let Some(price) = &deployment.price {
        let usd = |pico: u64| format!("{}.{:012}", pico / 1_000_000_000_000, pico % 1_000_000_000_000);
        entry["pricing"] = json!({
            "prompt": usd(price.input.0),
            "completion": usd(price.output.0),
            "input_cache_read": usd(price.cache_read.0),
            "input_cache_write": usd(price.cache_write.0),
        });
    }
    entry
}
