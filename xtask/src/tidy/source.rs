//! Source files: their first line, words of the field, and that they name no folder of somebody's machine.

use super::{Tree, Violation};

/// A file longer than this may have two subjects.
const LONG: usize = 600;

/// Words that are not the field's, in lower case, and what to say instead.
const DIALECT: [(&str, &str); 6] = [
    ("picture", "image"),
    ("is no number", "NaN"),
    ("numbers that are none", "NaN or infinite values"),
    ("way back", "backward pass"),
    ("images a second", "images/s"),
    ("noshare", "a plain name"),
];

/// Folders that are there on one machine and not on another.
const MACHINE: [&str; 6] = ["home", "Users", "root", "work", "tmp", "mnt"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        if path.ends_with(".rs") {
            found.extend(first_line(path, text));
            if path != "xtask/src/tidy/source.rs" {
                found.extend(dialect(path, text));
            }
        }
        found.extend(machine_paths(path, text));
    }
    found
}

fn first_line(path: &str, text: &str) -> Option<Violation> {
    let first = text.lines().next().unwrap_or_default();
    let subject = first.strip_prefix("//!").map(str::trim);
    let is_readme = first == "#![doc = include_str!(\"../README.md\")]";
    if is_readme || subject.is_some_and(|subject| !subject.is_empty()) {
        return None;
    }
    Some(Violation::new(
        path,
        1,
        format!("found {first:?}, expected `//!` and what the file is about"),
    ))
}

/// Files that are so long that they may have two subjects: worth a look, no violation.
pub(crate) fn long_files(tree: &Tree) -> Vec<String> {
    let sources = tree.texts().filter(|(path, _)| path.ends_with(".rs"));
    sources
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            (lines > LONG).then(|| format!("{path}: {lines} lines: is it one subject?"))
        })
        .collect()
}

fn dialect(path: &str, text: &str) -> Vec<Violation> {
    // Keys of JSON records keep their names.
    let is_key = |line: &str| line.contains("\"picture\"") || line.contains("\"pictures\"");
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let lower = line.to_lowercase();
        for (word, say) in DIALECT {
            if lower.contains(word) && !is_key(&lower) {
                let what = format!("found {word:?}, expected the field's word: {say}");
                found.push(Violation::new(path, number + 1, what));
            }
        }
    }
    found
}

fn machine_paths(path: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let named = line.match_indices('/').find_map(|(at, _)| {
            let folder = line[at + 1..]
                .split('/')
                .next()
                .filter(|folder| MACHINE.contains(folder))?;
            let behind = line[at + 1 + folder.len()..].starts_with('/');
            // Inside a longer path or an address it means something else.
            let inside =
                line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-~/>})*".contains(c));
            (behind && !inside).then_some(folder)
        });
        if let Some(folder) = named {
            let what =
                format!("names a folder below `/{folder}`, expected a path that any machine has");
            found.push(Violation::new(path, number + 1, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, sole};

    #[test]
    fn the_first_line_says_what_the_file_is_about() {
        for text in [
            "use std::fs;\n//! Late.\n",
            "//!\n",
            "",
            "// Not a doc comment.\n",
        ] {
            let found = sole(check, &good().with("models/lenet/src/lib.rs", text));
            assert_eq!(
                (found.path.as_str(), found.line),
                ("models/lenet/src/lib.rs", 1),
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_long_file_is_worth_a_look_and_no_violation() {
        let lines = |count: usize| format!("//! Long.\n{}", "\n".repeat(count - 1));
        let tree = good().with("xtask/src/long.rs", &lines(LONG + 1));
        assert_eq!(check(&tree), []);
        assert_eq!(long_files(&tree).len(), 1);
        assert!(long_files(&good().with("xtask/src/long.rs", &lines(LONG))).is_empty());
    }

    #[test]
    fn words_that_are_not_the_fields_are_found_and_json_keys_are_not() {
        let text = "//! A picture.\nassert(x[\"pictures\"]);\n// Where NaN is no number.\n";
        let found = check(&good().with("crates/data/src/words.rs", text));
        let lines: Vec<usize> = found.iter().map(|violation| violation.line).collect();
        assert_eq!(lines, [1, 3]);
    }

    #[test]
    fn a_folder_of_one_machine_is_found_and_a_path_that_resembles_one_is_not() {
        for folder in MACHINE {
            let text = format!("# Data\nroot = \"/{folder}/someone/data\"\n");
            let found = sole(check, &good().with("notes.toml", &text));
            assert_eq!(found.line, 2, "{found}");
        }
        let fine = "https://example.org/home/a crates/work/b ../root/c /home `/`\n";
        assert_eq!(check(&good().with("notes.md", fine)), []);
    }
}
