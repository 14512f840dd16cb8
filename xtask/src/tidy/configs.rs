//! Run files: TOML, a base that is there, and a header that says how to run them and what to expect.

use super::document::Document;
use super::tree::resolve;
use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.texts() {
        if !(path.starts_with("configs/") && path.ends_with(".toml")) {
            continue;
        }
        match Document::parse(path, text) {
            Ok(document) => found.extend(base(tree, &document)),
            Err(violation) => found.push(violation),
        }
        // What several runs share is no run itself.
        if !path.contains("/_base/") {
            found.extend(header(path, text));
        }
    }
    found
}

fn base(tree: &Tree, document: &Document<'_>) -> Option<Violation> {
    let extends = document.table.get("extends")?;
    let Some(base) = extends.get_ref().as_str() else {
        return Some(document.violation(
            &extends.span(),
            "`extends` is not a string, expected the path of a run file",
        ));
    };
    let target = resolve(document.path, base);
    match target
        .as_deref()
        .is_some_and(|target| tree.text(target).is_some())
    {
        true => None,
        false => {
            let what = format!(
                "extends {base:?}, which is not there; the path starts at this file's folder"
            );
            Some(document.violation(&extends.span(), what))
        }
    }
}

/// What a header says: the start of a line, and whether a figure belongs to it.
const LINES: [(&str, bool); 3] = [("expected:", true), ("time:", true), ("hardware:", false)];

fn header(path: &str, text: &str) -> Vec<Violation> {
    let lines: Vec<&str> = text
        .lines()
        .map_while(|line| line.strip_prefix('#'))
        .map(str::trim)
        .collect();
    let mut found = Vec::new();
    // As `zoo train …` or as `cargo run --release -- train …`.
    let command = format!("train {path}");
    let has_command = lines.iter().any(|line| {
        let mut behind = line.split(&command).skip(1);
        behind.any(|rest| {
            !rest.starts_with(|next: char| next.is_alphanumeric() || "._-/".contains(next))
        })
    });
    if !has_command {
        let what = format!("the header has no command, expected `zoo {command}` in it");
        found.push(Violation::new(path, 1, what));
    }
    for (start, is_figure) in LINES {
        let value = lines.iter().zip(1..).find_map(|(line, number)| {
            let (head, value) = line.split_at_checked(start.len())?;
            head.eq_ignore_ascii_case(start)
                .then_some((value.trim(), number))
        });
        let (line, what) = match value {
            None => (
                1,
                format!("the header has no line `# {start} …`, expected one"),
            ),
            Some((value, line)) if value.is_empty() || value.starts_with("to be ") => (
                line,
                format!("`{start}` says nothing yet, expected what was measured"),
            ),
            Some((value, line)) if is_figure && !value.contains(|c: char| c.is_ascii_digit()) => {
                (line, format!("`{start} {value}`: expected a figure"))
            }
            Some(_) => continue,
        };
        found.push(Violation::new(path, line, what));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, sole};

    const RUN: &str = "configs/mnist/lenet5.toml";

    #[test]
    fn what_is_no_toml_is_found_in_bases_too() {
        for path in [RUN, "configs/_base/mnist.toml"] {
            let text = format!("{}[data\n", good().text(path).unwrap());
            let found = sole(check, &good().with(path, &text));
            assert_eq!(found.line, text.lines().count(), "{found}");
            assert!(found.what.starts_with("not TOML: "), "{found}");
        }
    }

    #[test]
    fn a_base_must_be_there() {
        for (base, what) in [
            ("\"../_base/mnst.toml\"", "extends \"../_base/mnst.toml\""),
            ("3", "`extends` is not a string"),
        ] {
            let found = sole(check, &good().replace(RUN, "\"../_base/mnist.toml\"", base));
            assert!(found.what.starts_with(what), "{found}");
            assert_eq!(found.line, 8);
        }
    }

    #[test]
    fn the_command_names_the_files_own_path() {
        for other in ["configs/mnist/lenet.toml", "configs/mnist/lenet5.toml.bak"] {
            let found = sole(check, &good().replace(RUN, RUN, other));
            assert!(
                found
                    .what
                    .contains("expected `zoo train configs/mnist/lenet5.toml`"),
                "{found}"
            );
        }
    }

    #[test]
    fn the_command_may_be_cargos() {
        let tree = good().replace(RUN, "zoo train", "cargo run --release -- train");
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn each_line_of_the_header_is_wanted_with_its_figure() {
        for (start, is_figure) in LINES {
            let text = good().text(RUN).unwrap().to_owned();
            let line = text.lines().find(|line| line.contains(start)).unwrap();
            let missing = sole(check, &good().replace(RUN, &format!("{line}\n"), ""));
            assert!(missing.what.contains(start), "{missing}");
            let later = sole(
                check,
                &good().replace(RUN, line, &format!("# {start} to be measured")),
            );
            assert!(later.what.contains("says nothing yet"), "{later}");
            let vague = check(&good().replace(RUN, line, &format!("# {start} plenty")));
            assert_eq!(vague.len(), usize::from(is_figure), "{vague:?}");
        }
    }

    #[test]
    fn a_base_needs_no_header() {
        assert_eq!(
            check(&good().with("configs/_base/bare.toml", "[data]\nname = \"mnist\"\n")),
            []
        );
    }
}
