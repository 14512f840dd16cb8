//! Documents: their links and the files they mention are there.

use super::tree::resolve;
use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| path.ends_with(".md")) {
        for (number, line) in text.lines().enumerate() {
            let dead = links(line).filter(|link| !is_there(tree, path, link));
            found.extend(dead.map(|link| {
                Violation::new(
                    path,
                    number + 1,
                    format!("links to {link:?}, which is not there"),
                )
            }));
            // A changelog speaks of files that are gone.
            if path != "CHANGELOG.md" {
                let gone = mentions(tree, line).filter(|file| !tree.has(file));
                found.extend(gone.map(|file| {
                    Violation::new(
                        path,
                        number + 1,
                        format!("mentions {file:?}, which is not there"),
                    )
                }));
            }
        }
    }
    found
}

/// Where the links of a line of Markdown or HTML lead: `[text](target)`, `[text]: target`, `src="target"`.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let inline = targets(line, "](", ')');
    let html = ["src=\"", "href=\""]
        .into_iter()
        .flat_map(move |start| targets(line, start, '"'));
    let definition = line
        .trim_start()
        .starts_with('[')
        .then(|| targets(line, "]: ", ' '))
        .into_iter()
        .flatten();
    inline.chain(html).chain(definition)
}

fn targets<'a>(line: &'a str, start: &'static str, end: char) -> impl Iterator<Item = &'a str> {
    line.match_indices(start).map(move |(at, _)| {
        let rest = &line[at + start.len()..];
        let target = rest.split(end).next().unwrap_or_default();
        // A title may follow: `(target "title")`.
        target.split_whitespace().next().unwrap_or_default()
    })
}

fn is_there(tree: &Tree, path: &str, link: &str) -> bool {
    let elsewhere = link.contains("://") || link.starts_with("mailto:") || link.starts_with('#');
    let file = link.split('#').next().unwrap_or_default();
    elsewhere || resolve(path, file).is_some_and(|file| tree.has(&file))
}

/// Paths below the root in a line, in text and in code: a first folder that is there, and more behind it. Patterns
/// (`models/*`, `configs/<dataset>`) are none.
fn mentions<'a>(tree: &Tree, line: &'a str) -> impl Iterator<Item = &'a str> {
    let separator = |c: char| c.is_whitespace() || "`'\"()[],;:|".contains(c);
    line.split(separator)
        .map(|word| word.trim_end_matches(['.', '/', '?', '!']))
        .filter(|word| {
            let first = word.split_once('/').map_or("", |(first, _)| first);
            let plain = word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            plain && tree.has_at_root(first)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, sole};

    #[test]
    fn a_dead_link_is_found_in_each_form() {
        for line in [
            "See [the sheet](docs/sheet.png).",
            "![a sheet](docs/sheet.png \"A sheet\")",
            "<img src=\"docs/sheet.png\" width=\"300\">",
            "[sheet]: docs/sheet.png",
            "[up](../sheet.png)",
        ] {
            let found = sole(
                check,
                &good().with("notes.md", &format!("# Notes\n\n{line}\n")),
            );
            assert_eq!(found.line, 3);
            assert!(
                found.what.contains("sheet.png\", which is not there"),
                "{found}"
            );
        }
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "[a](README.md#run) [b](https://example.org/x) [c](#run) [d](./crates/data) [e](mailto:a@example.org)\n";
        assert_eq!(check(&good().with("notes.md", text)), []);
        assert_eq!(
            check(&good().with("docs/deep.md", "[up](../README.md)\n")),
            []
        );
    }

    #[test]
    fn a_mentioned_file_must_be_there() {
        let found = sole(
            check,
            &good().with(
                "notes.md",
                "Run `zoo train configs/mnist/lenet6.toml --out x`.\n",
            ),
        );
        assert_eq!(
            found.what,
            "mentions \"configs/mnist/lenet6.toml\", which is not there"
        );
        let fine = "`configs/mnist/lenet5.toml`, configs/, models/*, `configs/<dataset>/x.toml`, runs/x, and/or.\n";
        assert_eq!(check(&good().with("notes.md", fine)), []);
    }

    #[test]
    fn a_changelog_may_speak_of_what_is_gone() {
        let text = "- Removed `configs/mnist/old.toml`.\n";
        assert_eq!(check(&good().with("CHANGELOG.md", text)), []);
    }
}
