//! The layers of a run file (bases, the file, `--set`) merged into one table that remembers where each key came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::{RunFile, RunFileError};

/// The merged table, and the place of every key in it.
pub(super) struct Sources {
    /// What the layers say together; later layers win.
    pub(super) table: Table,
    /// Dotted key → `file:line`, or the `--set` that gave it.
    places: BTreeMap<String, String>,
    /// The file that was asked for: the place of what is missing.
    file: PathBuf,
}

impl Sources {
    /// Reads `path` and all it extends, the furthest base first.
    pub(super) fn read(path: &Path) -> Result<Self, RunFileError> {
        let mut layers = Self {
            table: Table::new(),
            places: BTreeMap::new(),
            file: path.to_path_buf(),
        };
        layers.read_file(path, &mut Vec::new())?;
        Ok(layers)
    }

    fn read_file(&mut self, path: &Path, readers: &mut Vec<PathBuf>) -> Result<(), RunFileError> {
        let read_error = |source| RunFileError::Read {
            path: path.to_path_buf(),
            by: readers.last().cloned(),
            source,
        };
        let text = std::fs::read_to_string(path).map_err(&read_error)?;
        let identity = path.canonicalize().map_err(&read_error)?;
        let seen = |reader: &PathBuf| reader.canonicalize().is_ok_and(|seen| seen == identity);
        if readers.iter().any(seen) {
            return Err(RunFileError::Cycle {
                path: path.to_path_buf(),
            });
        }

        let place = |offset: usize| {
            let line = text[..offset.min(text.len())].matches('\n').count() + 1;
            format!("{}:{line}", path.display())
        };
        let syntax = |error: toml::de::Error| RunFileError::Syntax {
            place: place(error.span().map_or(0, |span| span.start)),
            message: error.message().trim().replace('\n', "; "),
        };
        let mut table: Table = toml::from_str(&text).map_err(&syntax)?;
        let spanned = DeTable::parse(&text).map_err(&syntax)?;

        if let Some(base) = table.remove("extends") {
            let Value::String(base) = base else {
                return Err(RunFileError::Value {
                    place: place(
                        spanned
                            .get_ref()
                            .get("extends")
                            .map_or(0, |v| v.span().start),
                    ),
                    message: format!(
                        "`extends`: found {}, expected the path of a run file",
                        base.type_str()
                    ),
                });
            };
            readers.push(path.to_path_buf());
            self.read_file(&path.with_file_name("").join(base), readers)?;
            readers.pop();
        }
        merge(&mut self.table, table);
        note_places(&mut self.places, "", spanned.get_ref(), &place);
        Ok(())
    }

    /// Applies one `key=value`.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), RunFileError> {
        let malformed = || RunFileError::Assignment {
            assignment: assignment.to_string(),
        };
        let (key, value) = assignment.split_once('=').ok_or_else(malformed)?;
        let (key, value) = (key.trim(), value.trim());
        // A bare word is a string: nobody types quotes through a shell.
        let table: Table = toml::from_str(&format!("{key} = {value}"))
            .or_else(|_| toml::from_str(&format!("{key} = {}", Value::String(value.to_string()))))
            .map_err(|_| malformed())?;
        if value.is_empty() || table.is_empty() {
            return Err(malformed());
        }
        merge(&mut self.table, table);
        self.places
            .insert(key.to_string(), format!("--set {assignment}"));
        Ok(())
    }

    /// Turns serde's complaint into ours, with the key's place and the nearest valid key.
    pub(super) fn explain(
        &self,
        error: serde_path_to_error::Error<toml::de::Error>,
    ) -> RunFileError {
        let path = match error.path().to_string() {
            root if root == "." => String::new(),
            path => path,
        };
        let message = error.inner().message().trim().replace('\n', "; ");
        let path = self.offending_key(&path, &message).unwrap_or(path);
        if let Some((key, valid)) = unknown_field(&message) {
            let key = match path.rsplit_once('.') {
                // The path ends in the unknown key itself where serde saw the map.
                Some((_, last)) if last == key => path.clone(),
                _ if path == key || path.is_empty() => key.to_string(),
                _ => format!("{path}.{key}"),
            };
            let leaf = key.rsplit('.').next().unwrap_or(&key);
            return RunFileError::UnknownKey {
                place: self.place(&key),
                hint: hint(leaf, &valid),
                key,
            };
        }
        let place = self.place(&path);
        let message = match unknown_variant(&message) {
            Some((found, valid)) => {
                format!("unknown value `{found}`; {}", hint(&found, &valid))
            }
            None => message,
        };
        let message = if path.is_empty() {
            message
        } else {
            format!("`{path}`: {message}")
        };
        RunFileError::Value { place, message }
    }

    /// The key of a section with a `kind` that holds a value of a wrong type. Serde reads such a section as a whole and
    /// names only the section; the key whose removal changes the complaint is the one.
    fn offending_key(&self, section: &str, message: &str) -> Option<String> {
        if !message.starts_with("invalid") {
            return None;
        }
        let keys = self.table.get(section)?.as_table()?.keys();
        let is_offending = |key: &&String| {
            let mut table = self.table.clone();
            let section = table.get_mut(section).and_then(Value::as_table_mut);
            section.and_then(|section| section.remove(key.as_str()));
            match RunFile::deserialize(table) {
                Ok(_) => true,
                Err(error) => error.message().trim().replace('\n', "; ") != message,
            }
        };
        let key = keys.filter(|key| *key != "kind").find(is_offending)?;
        Some(format!("{section}.{key}"))
    }

    /// A value that has the right type but makes no sense.
    pub(super) fn out_of_range(&self, key: &str, expected: &str) -> RunFileError {
        let found = key
            .split('.')
            .try_fold(None::<&Value>, |value, part| match value {
                None => self.table.get(part).map(Some),
                Some(value) => value.get(part).map(Some),
            })
            .flatten();
        let found = found.map_or("nothing".to_string(), ToString::to_string);
        RunFileError::Value {
            place: self.place(key),
            message: format!("`{key}`: found {found}, expected {expected}"),
        }
    }

    /// Where a key, or the nearest table around it, was written.
    fn place(&self, key: &str) -> String {
        let mut key = key;
        loop {
            if let Some(place) = self.places.get(key) {
                return place.clone();
            }
            match key.rsplit_once('.') {
                Some((parent, _)) => key = parent,
                None => return self.file.display().to_string(),
            }
        }
    }
}

/// Keys that belong to one `kind` of optimizer or schedule, and are wrong beside another.
const OF_ONE_KIND: [&str; 21] = [
    "momentum",
    "nesterov",
    "betas",
    "eps",
    "alpha",
    "centered",
    "ns_steps",
    "adjust_lr",
    "adamw_lr",
    "adamw_betas",
    "milestones",
    "step_size",
    "gamma",
    "final_fraction",
    "power",
    "pct_start",
    "div_factor",
    "final_div_factor",
    "factor",
    "patience",
    "threshold",
];

/// Lays `upper` over `lower`: tables are merged. A change of `kind` takes the keys of the old kind along, so that a
/// base's `momentum` does not linger when the optimizer becomes AdamW; its `lr` stays.
fn merge(lower: &mut Table, upper: Table) {
    let other_kind = matches!((lower.get("kind"), upper.get("kind")), (Some(a), Some(b)) if a != b);
    if other_kind {
        lower.retain(|key, _| !OF_ONE_KIND.contains(&key));
    }
    for (key, value) in upper {
        match (lower.get_mut(&key), value) {
            (Some(Value::Table(lower)), Value::Table(upper)) => merge(lower, upper),
            (_, value) => {
                lower.insert(key, value);
            }
        }
    }
}

fn note_places(
    places: &mut BTreeMap<String, String>,
    prefix: &str,
    table: &DeTable<'_>,
    place: &dyn Fn(usize) -> String,
) {
    for (key, value) in table.iter() {
        let dotted = match prefix {
            "" => key.get_ref().to_string(),
            prefix => format!("{prefix}.{}", key.get_ref()),
        };
        if let DeValue::Table(inner) = Spanned::get_ref(value) {
            note_places(places, &dotted, inner, place);
        }
        places.insert(dotted, place(key.span().start));
    }
}

/// "did you mean", then everything that would have been valid.
fn hint(found: &str, valid: &[String]) -> String {
    let nearest = valid
        .iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 3)
        .min();
    let all = valid
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`? (valid: {all})"),
        None => format!("valid: {all}"),
    }
}

/// Takes serde's "unknown field `x`, expected one of `a`, `b`" apart.
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    quoted_after(message, "unknown field ")
}

fn unknown_variant(message: &str) -> Option<(String, Vec<String>)> {
    quoted_after(message, "unknown variant ")
}

fn quoted_after(message: &str, prefix: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix(prefix)?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_string);
    Some((quoted.next()?, quoted.collect()))
}
