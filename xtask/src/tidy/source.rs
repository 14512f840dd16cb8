//! Source files: their first line, their length, and that they name no folder of somebody's machine.

use super::{Tree, Violation};

/// A file longer than this has two subjects.
const MAX_LINES: usize = 400;

/// Folders that are there on one machine and not on another.
const MACHINE: [&str; 6] = ["home", "Users", "root", "work", "tmp", "mnt"];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        if path.ends_with(".rs") {
            found.extend(first_line(path, text));
            found.extend(length(path, text));
        }
        found.extend(machine_paths(path, text));
    }
    found
}

fn first_line(path: &str, text: &str) -> Option<Violation> {
    let first = text.lines().next().unwrap_or_default();
    let subject = first.strip_prefix("//!").map(str::trim);
    if subject.is_some_and(|subject| !subject.is_empty()) {
        return None;
    }
    Some(Violation::new(
        path,
        1,
        format!("found {first:?}, expected `//!` and what the file is about"),
    ))
}

fn length(path: &str, text: &str) -> Option<Violation> {
    let lines = text.lines().count();
    (lines > MAX_LINES).then(|| {
        Violation::new(
            path,
            lines,
            format!("{lines} lines, expected at most {MAX_LINES}: split it by subject"),
        )
    })
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
    fn a_file_of_400_lines_is_short_enough() {
        let lines = |count: usize| format!("//! Long.\n{}", "\n".repeat(count - 1));
        assert_eq!(check(&good().with("xtask/src/long.rs", &lines(400))), []);
        let found = sole(check, &good().with("xtask/src/long.rs", &lines(401)));
        assert!(found.what.starts_with("401 lines"), "{found}");
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
