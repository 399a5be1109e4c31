//! What the process says to the person who starts it: what runs, where, and what to try first.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use control_plane::FirstStart;
use router_core::snapshot::SnapshotDoc;

use crate::config::Settings;

/// Models that are listed by name, at most.
const MODELS_SHOWN_MAX: usize = 12;

/// The answer of `tollgate check`.
pub(crate) fn checked(settings: &Settings, document: &SnapshotDoc) -> String {
    let file = settings.file.as_ref().map_or_else(
        || "there is no file, and nothing is wrong with the environment".to_owned(),
        |path| format!("nothing is wrong with {}", path.display()),
    );
    let mut text = format!("Checked: {file}. `tollgate serve` would run:\n\n");
    addresses(&mut text, settings);
    line(&mut text, "store", &without_password(&settings.store_url));
    line(&mut text, "threads", &settings.gateway.threads.to_string());
    catalog(&mut text, settings, document);
    line(&mut text, "file keys", &document.keys.len().to_string());
    text
}

/// What every start says. `key` is the one that the first start made; later starts have none to show, for what they
/// say ends up in logs.
pub(crate) fn ready(settings: &Settings, document: &SnapshotDoc, key: Option<&str>) -> String {
    let mut text = "Tollgate is ready.\n\n".to_owned();
    addresses(&mut text, settings);
    catalog(&mut text, settings, document);
    if let Some(key) = key {
        text.push_str(&first_request(settings, document, key));
    }
    text
}

/// A request to paste.
fn first_request(settings: &Settings, document: &SnapshotDoc, key: &str) -> String {
    let Some(model) = chat_model(document) else {
        return "\nNo model can be asked yet: add [[providers]] and [[deployments]] to tollgate.toml.\n".to_owned();
    };
    let url = public_url(settings);
    format!(
        "\nTry it:\n\n  curl {url}/v1/chat/completions \\\n    -H 'Authorization: Bearer {key}' \\\n    \
         -H 'Content-Type: application/json' \\\n    \
         -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"Hello!\"}}]}}'\n"
    )
}

/// What a store that was empty got: shown once, wherever the first command was run.
pub(crate) fn first_credentials(first: &FirstStart) -> String {
    let mut text = "This is the first start; what follows is shown only now, so keep it.\n\n".to_owned();
    line(&mut text, "sign in as", &first.email);
    line(&mut text, "password", &first.password);
    line(&mut text, "API key", &first.key.secret);
    text.push('\n');
    text
}

fn addresses(text: &mut String, settings: &Settings) {
    line(text, "public", &public_url(settings));
    line(text, "operations", &format!("http://{}", reachable(settings.gateway.operations_listen)));
}

fn public_url(settings: &Settings) -> String {
    let scheme = if settings.gateway.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}", reachable(settings.gateway.listen))
}

/// An address that can be typed on this machine: one that means "everywhere" is shown as `localhost`.
fn reachable(address: SocketAddr) -> String {
    let local = address.ip().is_unspecified() || address.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST);
    if local { format!("localhost:{}", address.port()) } else { address.to_string() }
}

fn catalog(text: &mut String, settings: &Settings, document: &SnapshotDoc) {
    for provider in &document.providers {
        let any = if provider.any_model { format!(", any model as {}/…", provider.name) } else { String::new() };
        let key = if settings.credentials.contains_key(&provider.id) { ", with a key" } else { "" };
        // The demo provider has an address only while it runs.
        let place = if settings.runs_as_demo(&provider.name) { "inside this process" } else { &provider.base_url };
        line(text, "provider", &format!("{} ({place}{key}{any})", provider.name));
    }
    let mut models: Vec<&str> = Vec::new();
    for deployment in &document.deployments {
        if !models.contains(&deployment.model.as_str()) {
            models.push(&deployment.model);
        }
    }
    let more = models.len().saturating_sub(MODELS_SHOWN_MAX);
    models.truncate(MODELS_SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    line(text, "models", &format!("{}{more}", if models.is_empty() { "none".to_owned() } else { models.join(", ") }));
    for note in &settings.notes {
        line(text, "note", note);
    }
    if settings.demo.is_some() {
        line(text, "note", "the demo provider has no AI behind it; set OPENAI_API_KEY or add a provider");
    }
}

/// The first model that can be asked to chat.
fn chat_model(document: &SnapshotDoc) -> Option<&str> {
    let mut models = document.deployments.iter().map(|deployment| deployment.model.as_str());
    models.find(|model| !model.contains("embed") && !model.contains('\''))
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:<12}{value}");
}

/// A database's address without what stands between `:` and `@`.
fn without_password(url: &str) -> String {
    let parts = url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?)));
    let Some((scheme, (account, place))) = parts else { return url.to_owned() };
    let user = account.split_once(':').map_or(account, |(user, _)| user);
    format!("{scheme}://{user}@{place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_one_that_can_be_typed() {
        let shown = |address: &str| reachable(address.parse().expect("an address"));
        assert_eq!(shown("0.0.0.0:8080"), "localhost:8080");
        assert_eq!(shown("[::]:80"), "localhost:80");
        assert_eq!(shown("10.0.0.5:80"), "10.0.0.5:80");
    }

    #[test]
    fn a_databases_password_is_never_shown() {
        assert_eq!(without_password("postgres://jo:p@ss@db/x"), "postgres://jo@db/x");
        assert_eq!(without_password("sqlite:data/tollgate.db"), "sqlite:data/tollgate.db");
    }
}
