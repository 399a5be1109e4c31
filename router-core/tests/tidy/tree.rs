//! The files of the workspace.

use std::fs;
use std::path::Path;

/// A file, by its path from the workspace's root.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Folders that hold nothing of ours: what was built, fetched or is kept while running.
const SKIPPED: [&str; 5] = ["target", "node_modules", "data", "venv", "__pycache__"];

/// Every text file of the workspace whose name ends in one of `endings`, sorted by path.
pub(crate) fn files(endings: &[&str]) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the workspace");
    let mut found = Vec::new();
    walk(root, "", endings, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "no file ends in {endings:?}: does the walk still start at the workspace's root?");
    found
}

fn walk(folder: &Path, prefix: &str, endings: &[&str], found: &mut Vec<Source>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), endings, found);
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            // Somebody may be renaming it at this moment.
            found.extend(fs::read_to_string(entry.path()).ok().map(|text| Source { path, text }));
        }
    }
}

/// The crates that a manifest depends on, in any of its tables of dependencies.
pub(crate) fn dependencies(manifest: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut listing = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(table) = line.strip_prefix('[') {
            let table = table.trim_end_matches(']');
            listing = table.ends_with("dependencies") && !table.starts_with("workspace");
            let one = table.rsplit_once('.').filter(|(kind, _)| kind.ends_with("dependencies"));
            found.extend(one.filter(|_| !table.starts_with("workspace")).map(|(_, name)| name.to_owned()));
        } else if listing && !line.starts_with('#') {
            let name: String = line.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '-')).collect();
            found.extend((!name.is_empty()).then_some(name));
        }
    }
    found
}

#[test]
fn dependencies_are_read_from_every_table() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# no\na.workspace = true\nb-c = \"1\"\n\
        [dev-dependencies]\nd = { path = \"d\" }\n[dependencies.e]\nversion = \"1\"\n\
        [target.'cfg(unix)'.dependencies]\nf = \"1\"\n[workspace.dependencies]\ng = \"1\"\n[lints]\nworkspace = true";
    assert_eq!(dependencies(manifest), ["a", "b-c", "d", "e", "f"]);
}
