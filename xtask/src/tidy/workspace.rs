//! The root manifest: why each dependency is there, and the lints that stand for rules.

use super::document::Document;
use super::{Tree, Violation};

/// Lints whose absence would switch a rule off silently: public items are documented, unsafe code has its own room.
const LINTS: [(&str, &str); 2] = [("missing_docs", "warn"), ("unsafe_code", "deny")];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let Some(text) = tree.text("Cargo.toml") else {
        return vec![Violation::new(
            "Cargo.toml",
            1,
            "missing, expected the workspace's manifest",
        )];
    };
    let root = match Document::parse("Cargo.toml", text) {
        Ok(root) => root,
        Err(violation) => return vec![violation],
    };
    let mut found = reasons(&root);
    found.extend(lints(&root));
    found
}

/// A dependency's reason stands behind it or on the line above.
fn reasons(root: &Document<'_>) -> Vec<Violation> {
    let dependencies = root
        .table_at(&["workspace", "dependencies"])
        .into_iter()
        .flatten();
    let unexplained = dependencies.filter(|(name, value)| {
        let is_ours = value.get_ref().get("path").is_some();
        let above = root.line_above(&name.span()).is_some_and(is_comment);
        !is_ours && !above && !is_comment(root.rest_of_line(&value.span()))
    });
    unexplained
        .map(|(name, _)| {
            let what = format!(
                "`{}` has no reason, expected a comment behind it that says what it is for",
                name.get_ref()
            );
            root.violation(&name.span(), what)
        })
        .collect()
}

fn is_comment(text: &str) -> bool {
    text.trim()
        .strip_prefix('#')
        .is_some_and(|reason| !reason.trim().is_empty())
}

fn lints(root: &Document<'_>) -> Vec<Violation> {
    let lints = root.table_at(&["workspace", "lints", "rust"]);
    let level = |lint: &str| lints.and_then(|lints| lints.get(lint)?.get_ref().as_str());
    LINTS
        .iter()
        .filter(|(lint, expected)| {
            !matches!(level(lint), Some("deny" | "forbid")) && level(lint) != Some(*expected)
        })
        .map(|(lint, expected)| {
            let found = level(lint).unwrap_or("nothing");
            Violation::new(
                root.path,
                1,
                format!("workspace.lints.rust.{lint}: found {found}, expected {expected:?}"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, sole};

    #[test]
    fn a_dependency_without_a_reason_is_found() {
        let found = sole(check, &good().replace("Cargo.toml", " # run files", ""));
        assert!(found.what.starts_with("`serde` has no reason"), "{found}");
        let empty = sole(check, &good().replace("Cargo.toml", " # run files", " #"));
        assert_eq!(found, empty);
    }

    #[test]
    fn a_reason_may_stand_above_and_our_own_crates_need_none() {
        let tree = good().replace(
            "Cargo.toml",
            "serde = \"1.0\" # run files",
            "# Run files.\nserde = \"1.0\"",
        );
        assert_eq!(check(&tree), []);
        let several_lines =
            "serde = { version = \"1.0\", features = [\n  \"derive\",\n] } # run files";
        assert_eq!(
            check(&good().replace("Cargo.toml", "serde = \"1.0\" # run files", several_lines)),
            []
        );
    }

    #[test]
    fn a_lint_that_stands_for_a_rule_must_be_on() {
        let found = sole(
            check,
            &good().replace(
                "Cargo.toml",
                "missing_docs = \"warn\"",
                "missing_docs = \"allow\"",
            ),
        );
        assert!(found.what.contains("missing_docs: found allow"), "{found}");
        let found = sole(
            check,
            &good().replace("Cargo.toml", "unsafe_code = \"deny\"\n", ""),
        );
        assert!(found.what.contains("unsafe_code: found nothing"), "{found}");
        assert_eq!(
            check(&good().replace(
                "Cargo.toml",
                "missing_docs = \"warn\"",
                "missing_docs = \"deny\""
            )),
            []
        );
    }

    #[test]
    fn a_manifest_that_is_no_toml_is_one_violation() {
        let found = sole(
            check,
            &good().with("Cargo.toml", "[workspace]\nmembers = [\n"),
        );
        assert!(found.what.starts_with("not TOML: "), "{found}");
    }
}
