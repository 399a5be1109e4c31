//! What must not be in a file, or must be.

use super::code::code_only;
use super::prove;
use super::tree::Source;

const LINES_MAX: usize = 500;

/// Leftovers of work that is not done, and what to do about each.
const LEFTOVERS: &[(&str, &str)] = &[
    ("todo!", "write it, or return an error that says it is missing"),
    ("unimplemented!", "write it, or return an error that says it is missing"),
    ("dbg!", "remove it, or write a log line"),
    ("#[ignore", "make the test pass, or delete it"),
];

/// Where tests may sleep: the polling helper, and the pause of a scripted provider.
const MAY_SLEEP: &[&str] = &["proxy/testkit/src/wait.rs", "proxy/testkit/src/provider/serve.rs"];

pub(crate) fn too_long(file: &Source) -> Vec<String> {
    let lines = file.text.lines().count();
    let complaint = || format!("{}: {lines} lines are more than {LINES_MAX}: give each job a file", file.path);
    (lines > LINES_MAX).then(complaint).into_iter().collect()
}

pub(crate) fn leftovers(file: &Source) -> Vec<String> {
    let code = code_only(&file.text);
    let found = LEFTOVERS.iter().filter(|(text, _)| code.contains(text));
    found.map(|(text, remedy)| format!("{}: has {text}: {remedy}", file.path)).collect()
}

pub(crate) fn sleeping_tests(file: &Source) -> Vec<String> {
    if MAY_SLEEP.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let code = code_only(&file.text);
    let all_tests = file.path.contains("/tests") || file.path.starts_with("tests/") || file.path.contains("testkit/");
    let tests = if all_tests { &code[..] } else { code.find("#[cfg(test)]").map_or("", |at| &code[at..]) };
    let sleeps = ["sleep(", "sleep_until("].iter().any(|call| {
        tests.match_indices(call).any(|(at, _)| !tests[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
    });
    let complaint = || format!("{}: a test sleeps: wait for what it waits for, with testkit's wait_until", file.path);
    sleeps.then(complaint).into_iter().collect()
}

pub(crate) fn silent_migrations(file: &Source) -> Vec<String> {
    let name = file.path.rsplit('/').next().unwrap_or_default();
    let (number, rest) = name.split_once('_').unwrap_or_default();
    let mut complaints = Vec::new();
    if number.len() != 4 || !number.bytes().all(|byte| byte.is_ascii_digit()) || !rest.contains('_') {
        complaints.push(format!("{}: name it NNNN_verb_noun.sql", file.path));
    }
    let why = file.text.lines().next().and_then(|line| line.strip_prefix("-- ")).unwrap_or_default();
    if why.split_whitespace().count() < 3 {
        complaints.push(format!("{}: begin with a comment that says why", file.path));
    }
    complaints
}

#[test]
fn every_lapse_is_noticed() {
    prove(too_long, "x.rs", &"\n".repeat(LINES_MAX), &[&"\n".repeat(LINES_MAX + 1)]);
    prove(
        leftovers,
        "x.rs",
        "// todo!()\nlet todo = 1;",
        &["todo!()", "dbg!(x)", "unimplemented!()", "#[ignore]\nfn x() {}"],
    );
    let waits = "fn pause() { thread::sleep(x) }\n#[cfg(test)]\nmod tests { fn x() { wait_until(y) } }";
    prove(sleeping_tests, "proxy/src/x.rs", waits, &["#[cfg(test)]\nmod tests { fn x() { tokio::time::sleep(y) } }"]);
    prove(sleeping_tests, "proxy/tests/x.rs", "", &["use std::thread::sleep;\nfn x() { sleep(y) }"]);
    prove(silent_migrations, "migrations/0001_add_x.sql", "-- Because it helps.\nselect 1;", &["select 1;", "--\n"]);
    prove(silent_migrations, "migrations/0001_add_x.sql", "-- Because it helps.", &[]);
    assert!(!silent_migrations(&Source { path: "migrations/x.sql".into(), text: "-- a b c".into() }).is_empty());
}
