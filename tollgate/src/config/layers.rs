//! The layers of the configuration: file, then environment, put together into one TOML table that knows for each
//! setting where it came from. Defaults are the shape's own.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::problem::Problem;

/// What the environment variables that are settings start with.
const PREFIX: &str = "TOLLGATE__";
/// The variable that names the file.
const FILE_VARIABLE: &str = "TOLLGATE_CONFIG";
/// The file that is read when nothing names one, if it exists.
const DEFAULT_FILE: &str = "tollgate.toml";

/// The environment variables of the process, or of a test.
#[derive(Clone, Default)]
pub(crate) struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. Variables that are not Unicode are none of ours.
    pub(crate) fn of_process() -> Self {
        let unicode = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(unicode).collect())
    }

    /// The value of a variable.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

/// One step into the configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// A field.
    Key(String),
    /// An element of a list.
    Index(usize),
}

/// The way to a setting, printed as `providers[0].api_key`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SettingPath(pub(super) Vec<Step>);

impl SettingPath {
    /// A field at the top.
    pub(super) fn of(key: &str) -> Self {
        Self::default().key(key)
    }

    /// A field further down.
    #[must_use]
    pub(super) fn key(mut self, key: &str) -> Self {
        self.0.push(Step::Key(key.to_owned()));
        self
    }

    /// An element further down.
    #[must_use]
    pub(super) fn index(mut self, index: usize) -> Self {
        self.0.push(Step::Index(index));
        self
    }

    /// The same way in the environment; none through a list.
    pub(super) fn variable(&self) -> Option<String> {
        let keys = self.0.iter().map(|step| match step {
            Step::Key(key) => Some(key.to_uppercase()),
            Step::Index(_) => None,
        });
        Some(format!("{PREFIX}{}", keys.collect::<Option<Vec<_>>>()?.join("__")))
    }
}

impl fmt::Display for SettingPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// All layers in one table.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) table: Table,
    pub(super) file: Option<PathBuf>,
    text: String,
    /// Which settings the environment gave, and by which variable.
    variables: BTreeMap<SettingPath, String>,
}

impl Layers {
    /// Reads the file that was named, or the one that is there, and lays the environment over it.
    pub(super) fn read(named: Option<&FilePath>, environment: &Environment) -> Result<Self, Vec<Problem>> {
        let fallback = || Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists());
        let file = named
            .map(FilePath::to_owned)
            .or_else(|| environment.get(FILE_VARIABLE).map(PathBuf::from))
            .or_else(fallback);
        let mut layers = Self::default();
        if let Some(path) = &file {
            layers.text = std::fs::read_to_string(path)
                .map_err(|error| vec![Problem::at(path.display(), format!("cannot be read: {error}"))])?;
            layers.table = parse(path, &layers.text).map_err(|problem| vec![problem])?;
        }
        layers.file = file;
        let problems: Vec<Problem> =
            environment.0.iter().filter_map(|(name, raw)| layers.lay_over(name, raw).err()).collect();
        if problems.is_empty() { Ok(layers) } else { Err(problems) }
    }

    fn lay_over(&mut self, variable: &str, raw: &str) -> Result<(), Problem> {
        let Some(keys) = variable.strip_prefix(PREFIX) else { return Ok(()) };
        let keys: Vec<String> = keys.split("__").map(str::to_lowercase).collect();
        let place = || format!("environment variable {variable}");
        let Some((last, sections)) = keys.split_last().filter(|_| keys.iter().all(|key| !key.is_empty())) else {
            return Err(Problem::at(place(), format!("expected names between double underscores after {PREFIX}")));
        };
        let mut table = &mut self.table;
        for (at, key) in sections.iter().enumerate() {
            table = match table.entry(key).or_insert_with(|| Value::Table(Table::new())) {
                Value::Table(table) => table,
                _ => {
                    let name = keys[..=at].join(".");
                    let advice = format!("set {PREFIX}{} as a whole", keys[..=at].join("__").to_uppercase());
                    return Err(Problem::at(place(), format!("`{name}` has no settings inside: {advice}")));
                }
            };
        }
        table.insert(last.clone(), value(raw));
        let path = SettingPath(keys.into_iter().map(Step::Key).collect());
        self.variables.insert(path, variable.to_owned());
        Ok(())
    }

    /// Where a setting was given, for people: a variable, or a file and a line.
    pub(super) fn place(&self, path: &SettingPath) -> String {
        let from = self.variables.iter().find(|(given, _)| path.0.starts_with(&given.0));
        match (from, &self.file) {
            (Some((_, variable)), _) => format!("environment variable {variable}"),
            (None, Some(file)) => match line(&self.text, path) {
                Some(line) => format!("{}:{line}", file.display()),
                None => file.display().to_string(),
            },
            (None, None) => "configuration".to_owned(),
        }
    }

    /// Whether the environment gave a setting.
    pub(super) fn environment_gave(&self, path: &SettingPath) -> bool {
        self.variables.keys().any(|given| path.0.starts_with(&given.0))
    }
}

fn parse(path: &FilePath, text: &str) -> Result<Table, Problem> {
    text.parse().map_err(|error: toml::de::Error| {
        // Not the error's own rendering, which repeats the line: a secret might stand in it.
        let line = error.span().map(|span| line_at(text, span.start));
        let place = line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()));
        Problem::at(place, format!("is not TOML: {}", error.message()))
    })
}

/// A variable's value: TOML where it is TOML (`true`, `12`, `["a"]`), otherwise the text itself.
fn value(raw: &str) -> Value {
    let parsed = format!("value = {raw}").parse::<Table>().ok().filter(|table| table.len() == 1);
    parsed.and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(raw.to_owned()))
}

/// The line on which a setting, or as much of its way as there is, stands.
fn line(text: &str, path: &SettingPath) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut found = None;
    let mut table: Option<&DeTable<'_>> = Some(root.get_ref());
    let mut value: Option<&Spanned<DeValue<'_>>> = None;
    for step in &path.0 {
        let next = match step {
            Step::Key(key) => {
                let entry = table.and_then(|table| table.iter().find(|(name, _)| name.get_ref() == key));
                entry.map(|(name, value)| (name.span().start, value))
            }
            Step::Index(index) => {
                let list = value.and_then(|value| value.get_ref().as_array());
                list.and_then(|list| list.get(*index)).map(|value| (value.span().start, value))
            }
        };
        let Some((start, inner)) = next else { break };
        found = Some(start);
        value = Some(inner);
        table = inner.get_ref().as_table();
    }
    found.map(|start| line_at(text, start))
}

fn line_at(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
