//! Rust source without what is not code, and the paths that it names.

/// The source with comments and the contents of strings and characters blanked out; lines stay where they are.
pub(crate) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (len, is_code) = match piece(rest, code.chars().next_back()) {
            Some(len) => (len, false),
            None => (first.len_utf8(), true),
        };
        let (taken, after) = rest.split_at(len);
        if is_code {
            code.push_str(taken);
        } else {
            code.extend(taken.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// The length of the comment or literal at the start of `rest`, if there is one.
fn piece(rest: &str, before: Option<char>) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    let in_word = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with('r') && (!in_word || before == Some('b')) {
        return raw_string(rest);
    }
    if rest.starts_with('\'') {
        let mut inside = rest.chars().skip(1);
        let (first, second) = (inside.next(), inside.next());
        // Anything else is a lifetime.
        return (first == Some('\\') || second == Some('\'')).then(|| quoted(rest, '\''));
    }
    None
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    let close = rest.char_indices().skip(1).find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    close.map_or(rest.len(), |(at, _)| at + 1)
}

fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].bytes().take_while(|byte| *byte == b'#').count();
    if !rest[1 + hashes..].starts_with('"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let body = 2 + hashes;
    Some(rest[body..].find(&close).map_or(rest.len(), |at| body + at + close.len()))
}

/// Every path that the code names, each `use` group expanded: `use a::{b, c::d}` gives `a::b` and `a::c::d`.
pub(crate) fn paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut groups: Vec<String> = Vec::new();
    let mut prefix = String::new();
    let mut rest = code;
    let mut in_use = false;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        if word > 0 {
            let (name, after) = rest.split_at(word);
            rest = after;
            if name == "use" {
                (in_use, prefix) = (true, String::new());
            } else {
                prefix.push_str(name);
            }
            continue;
        }
        if let Some(after) = rest.strip_prefix("::") {
            prefix.push_str("::");
            rest = after;
            continue;
        }
        if in_use && first == '{' {
            groups.push(std::mem::take(&mut prefix));
            prefix = groups.last().cloned().unwrap_or_default();
        } else {
            found.push(std::mem::take(&mut prefix));
            if in_use && first == '}' {
                groups.pop();
            }
            if first == ';' {
                groups.clear();
                in_use = false;
            }
            prefix = groups.last().cloned().unwrap_or_default();
        }
        rest = &rest[first.len_utf8()..];
    }
    found.push(prefix);
    found.retain(|path| path.contains("::") || !path.is_empty());
    found
}

#[test]
fn comments_and_literals_are_not_code() {
    let source = "a // tokio::x\n/* b /* c */ d */ e \"f \\\" tokio::g\" r#\"h \" i\"# b'\\'' '\"' 'l j 'k'";
    let code = code_only(source);
    assert_eq!(code.split_whitespace().collect::<Vec<_>>(), ["a", "e", "b", "'l", "j"]);
    assert_eq!(code.lines().count(), source.lines().count());
}

#[test]
fn a_use_is_expanded_and_a_mention_in_the_code_is_found() {
    let found = paths("use a::{b, c::{d, e as f}, self};\nfn g() -> ::h::I { j::k::l(); m }");
    for path in ["a::b", "a::c::d", "a::c::e", "a::self", "::h::I", "j::k::l", "m"] {
        assert!(found.iter().any(|other| other == path), "{path} in {found:?}");
    }
}
