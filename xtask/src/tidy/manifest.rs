//! The members' manifests: what they inherit from the workspace, and the dependencies they name.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::{Document, inherits};
use super::{Tree, Violation};

/// What a package takes from `[workspace.package]`.
const INHERITED: [&str; 5] = [
    "version",
    "edition",
    "rust-version",
    "license",
    "repository",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    members(tree)
        .into_iter()
        .flat_map(|member| member.map_or_else(|bad| vec![bad], |member| inheritance(&member)))
        .collect()
}

/// The manifests of the workspace's members, or what makes one unreadable.
pub(super) fn members(tree: &Tree) -> Vec<Result<Document<'_>, Violation>> {
    // A package with a workspace of its own stands outside of ours.
    let is_member = |manifest: &Document<'_>| manifest.table_at(&["workspace"]).is_none();
    tree.texts()
        .filter(|(path, _)| path.ends_with("/Cargo.toml"))
        .map(|(path, text)| Document::parse(path, text))
        .filter(|read| read.as_ref().map_or(true, is_member))
        .collect()
}

fn inheritance(member: &Document<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let package = member.table_at(&["package"]);
    for key in INHERITED {
        match package.and_then(|package| package.get(key)) {
            Some(value) if inherits(value.get_ref()) => {}
            Some(value) => {
                let what =
                    format!("package.{key} is stated here, expected `{key}.workspace = true`");
                found.push(member.violation(&value.span(), what));
            }
            None => {
                let what = format!("package.{key} is missing, expected `{key}.workspace = true`");
                found.push(Violation::new(member.path, 1, what));
            }
        }
    }
    match member.table.get("lints") {
        Some(lints) if inherits(lints.get_ref()) => {}
        other => {
            let line = other.map_or(0..0, Spanned::span);
            let what =
                "the workspace's lints are not inherited, expected `[lints] workspace = true`";
            found.push(member.violation(&line, what));
        }
    }
    for dependency in dependencies(member) {
        if !inherits(dependency.value.get_ref()) {
            let what = format!(
                "`{name}` is stated here, expected `{name}.workspace = true` and a line in the root's [workspace.dependencies]",
                name = dependency.name
            );
            found.push(member.violation(&dependency.value.span(), what));
        }
    }
    found
}

/// A line of a dependency table.
pub(super) struct Dependency<'d, 'a> {
    pub(super) name: &'d str,
    pub(super) value: &'d Spanned<DeValue<'a>>,
    /// Whether it serves tests, examples and benchmarks alone.
    pub(super) dev: bool,
}

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Every dependency of a member, those of single targets included.
pub(super) fn dependencies<'d, 'a>(member: &'d Document<'a>) -> Vec<Dependency<'d, 'a>> {
    let targets = member
        .table_at(&["target"])
        .into_iter()
        .flat_map(|targets| targets.values());
    let targets = targets.filter_map(|target| target.get_ref().as_table());
    let mut found = Vec::new();
    for table in std::iter::once(&member.table).chain(targets) {
        for kind in TABLES {
            let lines = table
                .get(kind)
                .and_then(|table| table.get_ref().as_table())
                .map(DeTable::iter);
            found.extend(lines.into_iter().flatten().map(|(name, value)| Dependency {
                name: name.get_ref(),
                value,
                dev: kind == "dev-dependencies",
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, sole};

    const TRAINER: &str = "crates/trainer/Cargo.toml";

    #[test]
    fn each_key_must_be_inherited() {
        for key in INHERITED {
            let line = format!("{key}.workspace = true\n");
            let stated = sole(
                check,
                &good().replace(TRAINER, &line, &format!("{key} = \"1\"\n")),
            );
            assert!(
                stated
                    .what
                    .starts_with(&format!("package.{key} is stated here")),
                "{stated}"
            );
            let missing = sole(check, &good().replace(TRAINER, &line, ""));
            assert!(
                missing
                    .what
                    .starts_with(&format!("package.{key} is missing")),
                "{missing}"
            );
        }
    }

    #[test]
    fn lints_must_be_inherited() {
        let found = sole(
            check,
            &good().replace(TRAINER, "[lints]\nworkspace = true\n", ""),
        );
        assert!(found.what.contains("lints are not inherited"), "{found}");
        let own = good().replace(
            TRAINER,
            "[lints]\nworkspace = true\n",
            "[lints.rust]\nunsafe_code = \"allow\"\n",
        );
        assert!(sole(check, &own).what.contains("lints are not inherited"));
    }

    #[test]
    fn a_version_of_its_own_is_found_in_every_table() {
        for line in [
            "serde = \"1.0\"",
            "serde = { version = \"1.0\" }",
            "serde = { path = \"../serde\" }",
        ] {
            for table in [
                "dependencies",
                "dev-dependencies",
                "build-dependencies",
                "target.'cfg(unix)'.dependencies",
            ] {
                let text = format!("{}\n[{table}]\n{line}\n", testing_header());
                let found = sole(check, &good().with("crates/blocks/Cargo.toml", &text));
                assert!(found.what.starts_with("`serde` is stated here"), "{found}");
                assert_eq!(found.line, text.lines().count());
            }
        }
    }

    #[test]
    fn a_manifest_outside_the_workspace_may_state_its_own() {
        let text =
            "[package]\nname = \"alone\"\nversion = \"0.0.0\"\n[dependencies]\nburn = \"0.22\"\n";
        let inside = good().with("xtask/alone/Cargo.toml", text);
        assert!(!check(&inside).is_empty());
        let outside = good().with("xtask/alone/Cargo.toml", &format!("{text}[workspace]\n"));
        assert_eq!(check(&outside), []);
    }

    fn testing_header() -> String {
        crate::tidy::testing::manifest("burn-zoo-blocks", "")
    }
}
