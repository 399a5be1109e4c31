//! House rules that a test can check: who may import whom, how long a file may be, what must not be left in one.
//!
//! The rules are those of ARCHITECTURE.md. Each is a function from a file to complaints, and a sample proves that it
//! can complain. A complaint says what to do.

#[path = "tidy/code.rs"]
mod code;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/manners.rs"]
mod manners;
#[path = "tidy/tree.rs"]
mod tree;

use imports::{banned_dependencies, banned_names, rooms_of_the_core};
use manners::{leftovers, silent_migrations, sleeping_tests, too_long};
use tree::{Source, files};

fn check(endings: &[&str], folder: &str, rule: impl Fn(&Source) -> Vec<String>) {
    let files = files(endings).into_iter().filter(|file| file.path.starts_with(folder));
    let complaints: Vec<_> = files.flat_map(|file| rule(&file)).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn no_crate_names_what_it_must_not_know() {
    check(&[".rs"], "", banned_names);
    check(&["Cargo.toml"], "", banned_dependencies);
}

#[test]
fn the_rooms_of_the_core_import_only_those_below_them() {
    check(&[".rs"], "router-core/src/", rooms_of_the_core);
}

#[test]
fn every_source_file_fits_a_sitting() {
    check(&[".rs", ".sql", ".sh", ".py", ".js", ".ts"], "", too_long);
}

#[test]
fn nothing_is_left_half_done() {
    check(&[".rs"], "", leftovers);
}

#[test]
fn no_test_sleeps() {
    check(&[".rs"], "", sleeping_tests);
}

#[test]
fn every_migration_says_why() {
    check(&[".sql"], "migrations/", silent_migrations);
}

/// Asserts that a rule accepts the first sample and complains about all others.
#[track_caller]
fn prove(rule: impl Fn(&Source) -> Vec<String>, path: &str, good: &str, bad: &[&str]) {
    let judge = |text: &str| rule(&Source { path: path.to_owned(), text: text.to_owned() });
    assert_eq!(judge(good), Vec::<String>::new());
    for sample in bad {
        assert!(!judge(sample).is_empty(), "not noticed: {sample}");
    }
}
