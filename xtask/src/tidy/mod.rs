//! The repository's rules, as far as a program can check them: each check reads a [`Tree`] and names what breaks a rule.

mod backends;
mod configs;
mod document;
mod links;
mod packages;
mod source;
#[cfg(test)]
mod testing;
mod tree;
mod workspace;

pub(crate) use packages::{Package, read as read_packages};
pub(crate) use source::long_files;
pub(crate) use tree::{Tree, root};

use std::fmt;

use crate::keys;

/// A place that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    path: String,
    /// Counted from 1.
    line: usize,
    /// What was found, and what is expected.
    what: String,
}

impl Violation {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

/// Everything in `tree` and `packages` that breaks a rule, by file and line.
pub(crate) fn check(tree: &Tree, packages: &[Package]) -> Vec<Violation> {
    let checks = [
        source::check,
        workspace::check,
        backends::check,
        configs::check,
        links::check,
    ];
    let mut violations: Vec<Violation> = checks.iter().flat_map(|check| check(tree)).collect();
    violations.extend(packages::check(packages));
    violations.extend(size(tree));
    violations.extend(stale_keys(tree));
    violations.sort();
    // Two checks may meet the same file that is no TOML.
    violations.dedup();
    violations
}

/// The table and the list of keys, where they are not those of the schema.
fn stale_keys(tree: &Tree) -> Vec<Violation> {
    let made = [
        (keys::DOCUMENT, keys::document(tree)),
        (keys::LIST, keys::defaults(tree)),
    ];
    // A tree without the document is a test's.
    let made = made
        .into_iter()
        .filter(|_| tree.text(keys::DOCUMENT).is_some());
    made.filter_map(|(path, made)| match made {
        Ok(current) if tree.text(path) == Some(&current) => None,
        Ok(_) => {
            let what = "the keys are not the schema's, run `cargo xtask keys`";
            Some(Violation::new(path, 1, what))
        }
        Err(what) => Some(Violation::new(path, 1, what)),
    })
    .collect()
}

/// Bytes of ARCHITECTURE.md: it is a map, reasons are in docs/decisions.
const MAP: usize = 10_000;

fn size(tree: &Tree) -> Option<Violation> {
    let text = tree.text("ARCHITECTURE.md")?;
    (text.len() > MAP).then(|| {
        let what = format!("{} bytes, expected at most {MAP}", text.len());
        Violation::new("ARCHITECTURE.md", 1, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_tree_breaks_no_rule() {
        assert_eq!(check(&testing::good(), &[]), []);
    }

    #[test]
    fn all_violations_are_reported_in_order() {
        let tree = testing::good()
            .with("xtask/src/main.rs", "fn main() {}\n")
            .with("Cargo.toml", "[package\n")
            .replace("configs/mnist/lenet5.toml", "# time: 2 min", "# time: long");
        let found: Vec<String> = check(&tree, &[]).iter().map(Violation::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].starts_with("Cargo.toml:1: not TOML: "));
        assert!(found[1].starts_with("configs/mnist/lenet5.toml:6: `time: long`"));
        assert_eq!(
            found[2],
            "xtask/src/main.rs:1: found \"fn main() {}\", expected `//!` and what the file is about"
        );
    }
}
