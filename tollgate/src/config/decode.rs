//! From a table to the shape of the file, with as many mistakes at once as can be found.

use serde_path_to_error::Segment;
use toml::{Table, Value};

use super::file::File;
use super::layers::{Layers, SettingPath, Step};
use super::problem::Problem;

/// Mistakes that are told at once, at most.
const PROBLEMS_MAX: usize = 20;
/// How alike two names must be for one to be taken for the other, from 0 to 1.
const LIKENESS_MIN: f64 = 0.8;

/// Reads the shape. A setting that is wrong is taken out and the rest is read again, so that one run names them all.
pub(super) fn decode(layers: &Layers) -> Result<File, Vec<Problem>> {
    let mut table = layers.table.clone();
    let mut removed: Vec<SettingPath> = Vec::new();
    let mut problems = Vec::new();
    while problems.len() < PROBLEMS_MAX {
        let error = match serde_path_to_error::deserialize::<_, File>(Value::Table(table.clone())) {
            Ok(file) if problems.is_empty() => return Ok(file),
            Ok(_) => break,
            Err(error) => error,
        };
        let path = setting_path(error.path());
        let message = error.inner().message();
        // A needed setting that was taken out just now is missing because of us.
        let missing = quoted(message).next().filter(|_| message.starts_with("missing field"));
        if missing.is_some_and(|field| removed.contains(&path.clone().key(field))) {
            break;
        }
        problems.push(Problem::at(layers.place(&path), explain(layers, &path, message)));
        if !remove(&mut table, &path) {
            break;
        }
        removed.push(path);
    }
    Err(problems)
}

fn setting_path(path: &serde_path_to_error::Path) -> SettingPath {
    path.iter().fold(SettingPath::default(), |way, segment| match segment {
        Segment::Seq { index } => way.index(*index),
        Segment::Map { key } => way.key(key),
        Segment::Enum { .. } | Segment::Unknown => way,
    })
}

fn explain(layers: &Layers, path: &SettingPath, message: &str) -> String {
    if !message.starts_with("unknown field") {
        return if path.0.is_empty() { message.to_owned() } else { format!("`{path}`: {message}") };
    }
    let mut names = quoted(message);
    let wrong = names.next().unwrap_or_default();
    let known: Vec<&str> = names.collect();
    let parent = SettingPath(path.0.split_last().map_or_else(Vec::new, |(_, parent)| parent.to_vec()));
    match nearest(wrong, &known) {
        Some(name) => {
            let right = parent.key(name);
            let variable = right.variable().filter(|_| layers.environment_gave(path));
            let variable = variable.map(|variable| format!(" ({variable})")).unwrap_or_default();
            format!("`{path}` is not a setting; did you mean `{right}`{variable}?")
        }
        None => format!("`{path}` is not a setting; there are: {}", known.join(", ")),
    }
}

/// The texts between backticks: serde names fields so.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The known name that was most likely meant.
pub(super) fn nearest<'a>(wrong: &str, known: &[&'a str]) -> Option<&'a str> {
    let scored = known.iter().map(|name| (strsim::jaro_winkler(wrong, name), *name));
    let best = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (best.0 >= LIKENESS_MIN).then_some(best.1)
}

/// Takes a setting out, if it is a field: elements of lists stay, so that the others keep their numbers.
fn remove(table: &mut Table, path: &SettingPath) -> bool {
    let Some((Step::Key(last), way)) = path.0.split_last() else { return false };
    let mut parent: Option<&mut Table> = Some(table);
    let mut list: Option<&mut Vec<Value>> = None;
    for step in way {
        let value = match step {
            Step::Key(key) => parent.take().and_then(|table| table.get_mut(key)),
            Step::Index(index) => list.take().and_then(|list| list.get_mut(*index)),
        };
        match value {
            Some(Value::Table(inner)) => parent = Some(inner),
            Some(Value::Array(inner)) => list = Some(inner),
            _ => return false,
        }
    }
    parent.is_some_and(|table| table.remove(last).is_some())
}
