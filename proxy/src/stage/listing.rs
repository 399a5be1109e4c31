//! The models that a key may use, in OpenAI's shape.

use router_core::snapshot::{Deployment, Key, Snapshot};
use serde_json::{Value, json};

/// `GET /v1/models`: names that can be asked for as they stand.
pub(crate) fn models(snapshot: &Snapshot, key: &Key) -> Vec<u8> {
    let mut names: Vec<&str> = Vec::new();
    let mut data = Vec::new();
    for deployment in visible(snapshot, key) {
        if !names.contains(&deployment.model.as_str()) {
            names.push(&deployment.model);
            data.push(entry(snapshot, deployment, &deployment.model));
        }
    }
    json!({ "object": "list", "data": data }).to_string().into_bytes()
}

/// `GET /v1/models/{id}`: by bare or by qualified name.
pub(crate) fn model(snapshot: &Snapshot, key: &Key, id: &str) -> Option<Vec<u8>> {
    let deployment = visible(snapshot, key).find(|deployment| {
        let qualified = id.strip_prefix(snapshot.providers[deployment.provider].name.as_str());
        id == deployment.model || qualified.and_then(|rest| rest.strip_prefix('/')) == Some(&deployment.model)
    })?;
    Some(entry(snapshot, deployment, id).to_string().into_bytes())
}

fn visible<'s>(snapshot: &'s Snapshot, key: &Key) -> impl Iterator<Item = &'s Deployment> {
    snapshot
        .deployments
        .iter()
        .filter(|deployment| key.models.allows(&snapshot.providers[deployment.provider].name, &deployment.model))
}

fn entry(snapshot: &Snapshot, deployment: &Deployment, id: &str) -> Value {
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
