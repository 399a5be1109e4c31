//! `tollgate replay` as an operator runs it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/examples/replay")
}

fn replay(folder: &Path, line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.arg("replay").args(line.split_whitespace()).current_dir(folder).env_clear();
    command.output().expect("the binary runs")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("text")
}

/// The complaint about one trace in the example's world.
fn complaint(trace: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("trace"), trace).expect("a file");
    std::fs::copy(examples().join("world.toml"), folder.path().join("world.toml")).expect("the example");
    let output = replay(folder.path(), "--world world.toml --trace trace");
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stdout));
    text(&output.stderr).to_owned()
}

const EXAMPLE: &str = "--world world.toml --trace trace.csv --policy balanced,impatient,least_busy,oracle";

#[test]
fn the_example_shows_every_policy_in_a_column_of_its_own() {
    let output = replay(&examples(), EXAMPLE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("400 requests over "), "{shown}");
    for line in ["balanced", "cost, $", "first token p99, s", "objective met", "cached input", "errors", "to standard"]
    {
        let line = shown.lines().find(|shown| shown.contains(line)).unwrap_or_else(|| panic!("{line}:\n{shown}"));
        assert!(line.split_whitespace().count() >= 4, "{line}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    for form in ["", " --json"] {
        let run = |seed: u32| replay(&examples(), &format!("{EXAMPLE} --seed {seed}{form}")).stdout;
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}

#[test]
fn json_has_the_same_figures_as_the_text() {
    let json: Value = serde_json::from_slice(&replay(&examples(), &format!("{EXAMPLE} --json")).stdout).expect("JSON");
    assert_eq!(json["requests"], 400);
    let policies = json["policies"].as_array().expect("a list");
    assert_eq!(policies.len(), 4);
    let shown = replay(&examples(), EXAMPLE).stdout;
    let costs = text(&shown).lines().find(|line| line.starts_with("cost, $")).expect("the line of costs");
    for policy in policies {
        let cost = policy["cost_usd"].as_f64().expect("a number");
        assert!(costs.contains(&format!("{cost:.6}")), "{cost}: {costs}");
        let attempts = policy["attempts"].as_object().expect("by deployment");
        assert!(attempts.values().filter_map(Value::as_u64).sum::<u64>() >= 400);
    }
}

#[test]
fn a_public_trace_is_replayed_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n\
                 2023-11-16 18:15:50.9951690,396,109\n2023-11-16 18:15:51.2224670,879,55\n";
    std::fs::write(folder.path().join("azure.csv"), trace).expect("a file");
    std::fs::copy(examples().join("world.toml"), folder.path().join("world.toml")).expect("the example");
    let output = replay(folder.path(), "--world world.toml --trace azure.csv");
    assert!(text(&output.stdout).starts_with("3 requests over 5 s, 3 deployments"), "{}", text(&output.stderr));
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let text = complaint("arrival,prompt_tokens,output_tokens\n1,2,3\n2,many,3\n");
    assert!(text.contains("trace:3: `prompt_tokens`: expected a whole number of tokens, found \"many\""), "{text}");
    assert!(complaint("when,what\n").contains("trace:1: a trace needs `arrival`"));
    assert!(
        complaint("{\"arrival\": 1, \"prompt_tokens\": 1, \"output_tokens\": 1}\nnonsense\n").contains("trace:2: ")
    );

    let unknown = replay(&examples(), "--world world.toml --trace trace.csv --policy best");
    assert_eq!(unknown.status.code(), Some(1));
    assert!(
        text_of(&unknown).contains("there is no policy \"best\"; the world has: impatient"),
        "{}",
        text_of(&unknown)
    );
    let missing = replay(&examples(), "--world nowhere.toml --trace trace.csv");
    assert!(text_of(&missing).contains("nowhere.toml: "), "{}", text_of(&missing));
}

fn text_of(output: &Output) -> &str {
    text(&output.stderr)
}
