//! A run folder, read for the page.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use thiserror::Error;

use crate::evaluation::EvaluationRecord;
use crate::files::{CONFIG, EVALUATION, MACHINE, METRICS, SUMMARY};
use crate::machine::Machine;
use crate::record::{EpochRecord, Summary};

/// Why a folder cannot be shown.
#[derive(Debug, Error)]
pub enum ReportError {
    /// No run lies there.
    #[error("{} is not a run folder: it holds no {CONFIG}; name a folder that `zoo train` or `zoo sweep` wrote", .0.display())]
    NoRun(PathBuf),
    /// A file that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file that holds something else than it should.
    #[error("{place}: {message}; restore the file, or go on with the run, which writes it anew")]
    Content {
        /// The file, and the line where it has several.
        place: String,
        /// What is wrong.
        message: String,
    },
}

/// A run as its folder tells it. What a run has not written yet is missing here.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What the page calls it.
    pub name: String,
    /// The resolved run file.
    pub config: toml::Table,
    /// The epochs that are done.
    pub history: Vec<EpochRecord>,
    /// Of a run that came to its end.
    pub summary: Option<Summary>,
    /// The best epoch, class by class.
    pub evaluation: Option<EvaluationRecord>,
    /// The processes that trained, the first one first.
    pub machines: Vec<Machine>,
}

impl Run {
    /// Reads the folder of a run, finished or not. Its name is the folder's.
    ///
    /// # Errors
    /// [`ReportError`], which names the file.
    pub fn read(folder: &Path) -> Result<Self, ReportError> {
        let path = folder.join(CONFIG);
        let Some(text) = read(&path)? else {
            return Err(ReportError::NoRun(folder.to_path_buf()));
        };
        let config = text
            .parse()
            .map_err(|error: toml::de::Error| ReportError::Content {
                place: path.display().to_string(),
                message: error.message().to_owned(),
            })?;
        let metrics = folder.join(METRICS);
        Ok(Self {
            name: name(folder),
            config,
            history: lines(&metrics, &read(&metrics)?.unwrap_or_default())?,
            summary: json(&folder.join(SUMMARY))?,
            evaluation: json(&folder.join(EVALUATION))?,
            machines: json(&folder.join(MACHINE))?.unwrap_or_default(),
        })
    }
}

/// The last part of a path, `runs/.` and `..` included.
fn name(folder: &Path) -> String {
    let full = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_path_buf());
    let last = full.file_name().unwrap_or(full.as_os_str());
    last.to_string_lossy().into_owned()
}

/// The text of a file; none where there is no such file.
fn read(path: &Path) -> Result<Option<String>, ReportError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(ReportError::Io {
            path: path.to_path_buf(),
            source,
        }),
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, ReportError> {
    let Some(text) = read(path)? else {
        return Ok(None);
    };
    let parsed = serde_json::from_str(&text);
    parsed.map(Some).map_err(|error| ReportError::Content {
        place: path.display().to_string(),
        message: error.to_string(),
    })
}

/// The epochs of `metrics.jsonl`. A last line without its end is one that was being written when the machine stopped, and
/// counts as not there.
fn lines(path: &Path, text: &str) -> Result<Vec<EpochRecord>, ReportError> {
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let records = whole.lines().zip(1..).map(|(line, number)| {
        serde_json::from_str(line).map_err(|error| ReportError::Content {
            place: format!("{}:{number}", path.display()),
            message: error.to_string(),
        })
    });
    records.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::record;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("writable");
        }
        folder
    }

    #[test]
    fn a_run_that_has_only_begun_is_read() {
        let folder = folder(&[(CONFIG, "seed = 3")]);
        let run = Run::read(folder.path()).expect("a run");
        assert_eq!(run.config["seed"].as_integer(), Some(3));
        assert!(run.history.is_empty() && run.machines.is_empty());
        assert!(run.summary.is_none() && run.evaluation.is_none());
    }

    #[test]
    fn a_torn_last_line_is_left_out_and_another_is_named() {
        let line = serde_json::to_string(&record(1)).expect("JSON");
        let torn = format!("{line}\n{}", &line[..40]);
        let of = |metrics: &str| folder(&[(CONFIG, ""), (METRICS, metrics)]);
        let run = Run::read(of(&torn).path()).expect("a run");
        assert_eq!(run.history, [record(1)]);

        let error = Run::read(of(&format!("{line}\n{{}}\n{line}\n")).path());
        let message = error.expect_err("the second line is no record").to_string();
        assert!(
            message.contains("metrics.jsonl:2: missing field"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_run_says_so() {
        let empty = folder(&[]);
        let message = Run::read(empty.path()).expect_err("no run").to_string();
        assert!(message.contains("is not a run folder"), "{message}");
        let broken = folder(&[(CONFIG, ""), (SUMMARY, "{")]);
        let message = Run::read(broken.path()).expect_err("no JSON").to_string();
        assert!(message.contains("summary.json: EOF"), "{message}");
    }
}
