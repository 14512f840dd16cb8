//! The files of the repository, read once.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Files by their path from the root, `/` between folders; `None` for a file that is no text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the checkout that the current folder lies in: tracked files, and new ones that git does not ignore.
    ///
    /// # Errors
    /// One sentence, where git does not answer or a file cannot be read.
    pub(crate) fn read() -> Result<Self, String> {
        let root = root()?;
        let listed = git(&[
            "ls-files",
            "-z",
            "--full-name",
            "--cached",
            "--others",
            "--exclude-standard",
            ":/",
        ])?;
        let mut files = BTreeMap::new();
        for path in listed.split_terminator('\0') {
            let full = root.join(path);
            // Deleted but not committed, or a link to a folder: no file of ours.
            if !full.is_file() {
                continue;
            }
            let bytes = fs::read(&full).map_err(|error| format!("cannot read {path}: {error}"))?;
            files.insert(path.to_owned(), String::from_utf8(bytes).ok());
        }
        Ok(Self { files })
    }

    pub(crate) fn len(&self) -> usize {
        self.files.len()
    }

    /// Path and text of every file that is text, by path.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// Whether `path` is a file, or a folder with a file in it.
    pub(crate) fn has(&self, path: &str) -> bool {
        let inside = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self
                .files
                .range(inside.clone()..)
                .next()
                .is_some_and(|(next, _)| next.starts_with(&inside))
    }

    /// Whether `name` is a file or folder of the root.
    pub(crate) fn has_at_root(&self, name: &str) -> bool {
        !name.is_empty() && !name.contains('/') && self.has(name)
    }
}

#[cfg(test)]
impl Tree {
    /// The tree with one file more, or another content of it.
    pub(crate) fn with(mut self, path: &str, text: &str) -> Self {
        self.files.insert(path.to_owned(), Some(text.to_owned()));
        self
    }

    /// The tree with `from` replaced by `to` in the file `path`, where it must stand.
    pub(crate) fn replace(self, path: &str, from: &str, to: &str) -> Self {
        let text = self.text(path).expect("the file is there").to_owned();
        assert!(text.contains(from), "{path} does not contain {from:?}");
        self.with(path, &text.replacen(from, to, 1))
    }
}

/// The root of the checkout that the current folder lies in.
///
/// # Errors
/// One sentence, where git does not answer.
pub(crate) fn root() -> Result<PathBuf, String> {
    let root = git(&["rev-parse", "--show-toplevel"])?;
    Ok(PathBuf::from(root.trim_end()))
}

/// The path that `link` means in the file `from`; `None` where it leaves the repository.
pub(crate) fn resolve(from: &str, link: &str) -> Option<String> {
    let mut folders: Vec<&str> = match link.starts_with('/') {
        true => return None,
        false => from.split('/').collect(),
    };
    folders.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                folders.pop()?;
            }
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}

fn git(arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("git")
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot run git, which says what files there are: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "git: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| "a file's name is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_a_file_is_in_it() {
        let tree = Tree::default()
            .with("crates/data/src/lib.rs", "")
            .with("crates-x/a", "");
        assert!(
            tree.has("crates/data/src/lib.rs") && tree.has("crates/data") && tree.has("crates")
        );
        assert!(!tree.has("crates/dat") && !tree.has("data"));
        assert!(
            tree.has_at_root("crates") && !tree.has_at_root("crates/data") && !tree.has_at_root("")
        );
    }

    #[test]
    fn links_start_at_their_file() {
        assert_eq!(
            resolve("configs/mnist/a.toml", "../_base/x.toml").as_deref(),
            Some("configs/_base/x.toml")
        );
        assert_eq!(
            resolve("README.md", "./docs/a.png").as_deref(),
            Some("docs/a.png")
        );
        assert_eq!(resolve("README.md", "../a"), None);
        assert_eq!(resolve("README.md", "/etc/hosts"), None);
    }
}
