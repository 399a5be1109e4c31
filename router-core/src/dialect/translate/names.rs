//! Losses, by the names that the client has for them.
//!
//! Writers name what they lose by its place in the common model, which is the same for all clients. A client knows its
//! own request only, so what it is told are members of that: readers left the site of each message, block and tool, and
//! for the rest there are tables. A name is cut short where the client's request has no such member.

use serde_json::Value;

use super::name_tables::{Table, of_parts, of_request};
use crate::chat::{Block, Body, ChatRequest, Losses};
use crate::domain::Dialect;

/// The losses of a request that came as `body`.
pub(super) fn in_request(client: Dialect, body: &[u8], request: &ChatRequest, losses: &Losses) -> Losses {
    let mut named = Losses::default();
    if losses.is_empty() {
        return named;
    }
    let body = serde_json::from_slice(body).unwrap_or_default();
    for name in losses.iter() {
        named.add(name_of(client, &body, request, name));
    }
    named
}

fn name_of(client: Dialect, body: &Value, request: &ChatRequest, name: &str) -> String {
    let (candidates, whole) = match locate(request, name) {
        Some((site, rest)) => (candidates(of_parts(client), &site, rest), join(&site, rest)),
        None => (candidates(of_request(client), "", name), name.to_owned()),
    };
    let found = candidates.iter().find(|path| known(body, path) == path.len());
    let path = found.or(candidates.first()).cloned().unwrap_or(whole);
    match known(body, &path) {
        0 => path,
        len => path[..len].to_owned(),
    }
}

/// The site of the message, block or tool that a name begins with, and what of the name is left.
fn locate<'n>(request: &ChatRequest, name: &'n str) -> Option<(String, &'n str)> {
    let (list, at, mut rest) = indexed(name)?;
    let (mut site, mut blocks) = match list {
        "system" => return request.system.get(at).map(|block| (own(block, name, rest), rest)),
        "tools" => {
            let site = request.tools.get(at)?.site.path();
            return Some((site.map_or_else(|| before(name, rest), str::to_owned), rest));
        }
        "messages" => {
            let message = request.messages.get(at)?;
            (message.site.path().map_or_else(|| before(name, rest), str::to_owned), &message.blocks)
        }
        _ => return None,
    };
    while let Some(("content", at, more)) = indexed(rest)
        && let Some(block) = blocks.get(at)
    {
        (site, rest) = (own(block, name, more), more);
        match &block.body {
            Body::ToolResult(result) => blocks = &result.content,
            _ => break,
        }
    }
    Some((site, rest))
}

fn own(block: &Block, name: &str, rest: &str) -> String {
    block.site.path().map_or_else(|| before(name, rest), str::to_owned)
}

/// What of a name comes before its rest.
fn before(name: &str, rest: &str) -> String {
    name[..name.len() - rest.len()].trim_end_matches('.').to_owned()
}

/// Takes `list[7].` off the front of a name.
fn indexed(name: &str) -> Option<(&str, usize, &str)> {
    let (list, rest) = name.split_once('[')?;
    let (index, rest) = rest.split_once(']')?;
    Some((list, index.parse().ok()?, rest.strip_prefix('.').unwrap_or(rest)))
}

/// The client's paths for a member of `site`, the likeliest first. None if the table does not have it.
fn candidates(table: Table, site: &str, member: &str) -> Vec<String> {
    let fits = |key: &str| member.strip_prefix(key).filter(|tail| tail.is_empty() || tail.starts_with('.'));
    let Some((tail, theirs)) = table.iter().find_map(|(key, theirs)| Some((fits(key)?, theirs))) else {
        return Vec::new();
    };
    let absolute = |path: &str| match (path.strip_prefix('/'), path.strip_prefix('^')) {
        (Some(path), _) => path.to_owned(),
        (_, Some(path)) => join(site.split('.').next().unwrap_or(site), path),
        _ => join(site, path),
    };
    theirs.iter().map(|path| absolute(path) + tail).collect()
}

fn join(site: &str, member: &str) -> String {
    match (site, member) {
        (site, "") => site.to_owned(),
        ("", member) => member.to_owned(),
        (site, member) if member.starts_with('[') => format!("{site}{member}"),
        (site, member) => format!("{site}.{member}"),
    }
}

/// How much of a path the body has, in bytes.
fn known(body: &Value, path: &str) -> usize {
    let (mut value, mut len) = (body, 0);
    let starts = path.char_indices().filter(|(at, letter)| *at == 0 || matches!(letter, '.' | '[')).map(|(at, _)| at);
    let ends = starts.clone().skip(1).chain([path.len()]);
    for (start, end) in starts.zip(ends) {
        let step = path[start..end].trim_start_matches('.');
        let next = match step.strip_prefix('[').and_then(|index| index.strip_suffix(']')) {
            Some(index) => element(value, index),
            None => member(value, step),
        };
        match next.filter(|next| !next.is_null()) {
            Some(next) => (value, len) = (next, end),
            None => break,
        }
    }
    len
}

/// Google takes one element in place of a list of one.
fn element<'v>(value: &'v Value, index: &str) -> Option<&'v Value> {
    match value {
        Value::Array(items) => items.get(index.parse::<usize>().ok()?),
        Value::Object(_) if index == "0" => Some(value),
        _ => None,
    }
}

/// Google's members have two spellings.
fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    value.get(key).or_else(|| {
        let snake = |letter: char| match letter {
            'A'..='Z' => vec!['_', letter.to_ascii_lowercase()],
            letter => vec![letter],
        };
        value.get(key.chars().flat_map(snake).collect::<String>())
    })
}
