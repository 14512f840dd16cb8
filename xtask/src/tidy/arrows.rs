//! Which room may use which: the arrows of ARCHITECTURE.md.

use std::collections::BTreeMap;

use super::document::Document;
use super::manifest::{dependencies, members};
use super::{Tree, Violation};

/// A kind of folder that holds a crate.
struct Room {
    /// Its path; `*` for any one name.
    folder: &'static str,
    /// The rooms its crates may use.
    uses: &'static [&'static str],
    /// The only crate from outside that it may use, where others have no business there.
    only: Option<&'static str>,
}

const ROOMS: [Room; 12] = [
    room("crates/blocks", &["crates/kernels"]),
    room("crates/kernels", &[]),
    room("crates/data", &[]),
    room("crates/report", &[]),
    room("crates/inspect", &["crates/blocks"]),
    room("crates/weights", &[]),
    room(
        "crates/trainer",
        &[
            "crates/blocks",
            "crates/data",
            "crates/kernels",
            "crates/report",
        ],
    ),
    room(
        "crates/zoo",
        &[
            "models/*",
            "datasets",
            "crates/trainer",
            "crates/data",
            "crates/blocks",
            "crates/inspect",
            "crates/kernels",
            "crates/weights",
        ],
    ),
    room("crates/cli", &["crates/zoo"]),
    Room {
        folder: "models/*",
        uses: &["crates/blocks"],
        only: Some("burn"),
    },
    room("datasets", &["crates/data"]),
    room("xtask", &[]),
];

const fn room(folder: &'static str, uses: &'static [&'static str]) -> Room {
    Room {
        folder,
        uses,
        only: None,
    }
}

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let root = tree
        .text("Cargo.toml")
        .and_then(|text| Document::parse("Cargo.toml", text).ok());
    let Some(folders) = root.as_ref().map(folders_of_our_crates) else {
        return Vec::new(); // What is wrong with the root is said by another check.
    };
    // What is wrong with an unreadable manifest is said by another check, too.
    members(tree)
        .iter()
        .flatten()
        .flat_map(|member| arrows(member, &folders))
        .collect()
}

/// Package → folder, of the workspace's own crates.
fn folders_of_our_crates<'a>(root: &'a Document<'_>) -> BTreeMap<&'a str, &'a str> {
    let dependencies = root
        .table_at(&["workspace", "dependencies"])
        .into_iter()
        .flatten();
    dependencies
        .filter_map(|(name, value)| {
            Some((
                name.get_ref().as_ref(),
                value.get_ref().get("path")?.get_ref().as_str()?,
            ))
        })
        .collect()
}

fn arrows(member: &Document<'_>, folders: &BTreeMap<&str, &str>) -> Vec<Violation> {
    let folder = member.path.trim_end_matches("/Cargo.toml");
    let Some(room) = ROOMS.iter().find(|room| matches(room.folder, folder)) else {
        let what = format!(
            "a crate in {folder}, expected one in {}",
            ROOMS.map(|room| room.folder).join(", ")
        );
        return vec![Violation::new(member.path, 1, what)];
    };
    let mut found = Vec::new();
    for dependency in dependencies(member) {
        let refused = match folders.get(dependency.name) {
            Some(used) => !room.uses.iter().any(|pattern| matches(pattern, used)),
            None => !dependency.dev && room.only.is_some_and(|only| only != dependency.name),
        };
        if refused {
            let name = dependency.name;
            let place = folders
                .get(name)
                .map_or(String::new(), |used| format!(" ({used})"));
            let what = format!(
                "{} uses {name}{place}, expected only {}",
                room.folder,
                room.allowed()
            );
            found.push(member.violation(&dependency.value.span(), what));
        }
    }
    found
}

impl Room {
    fn allowed(&self) -> String {
        let outside = self.only.unwrap_or("crates from outside the workspace");
        let rooms = self.uses.iter().copied().chain([outside]);
        rooms.collect::<Vec<_>>().join(", ")
    }
}

fn matches(pattern: &str, folder: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(parent) => folder
            .strip_prefix(parent)
            .is_some_and(|name| !name.is_empty() && !name.contains('/')),
        None => pattern == folder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, manifest, sole};

    /// The one complaint about the crate in `folder` when `lines` stand at its end.
    fn complaint(folder: &str, lines: &str) -> String {
        sole(
            check,
            &good().with(&format!("{folder}/Cargo.toml"), &manifest("it", lines)),
        )
        .what
    }

    #[test]
    fn each_forbidden_arrow_is_found() {
        for (folder, used) in [
            ("models/lenet", "burn-zoo-data"),
            ("models/lenet", "burn-zoo-resnet"),
            ("models/lenet", "burn-zoo-trainer"),
            ("models/lenet", "burn-zoo-datasets"),
            ("crates/blocks", "burn-zoo-data"),
            ("crates/data", "burn-zoo-blocks"),
            ("crates/trainer", "burn-zoo-lenet"),
            ("crates/trainer", "burn-zoo-datasets"),
            ("crates/trainer", "burn-zoo"),
            ("datasets", "burn-zoo-trainer"),
            ("crates/cli", "burn-zoo-trainer"),
            ("xtask", "burn-zoo-blocks"),
        ] {
            let what = complaint(
                folder,
                &format!("[dependencies]\n{used}.workspace = true\n"),
            );
            assert!(what.contains(&format!("uses {used} (")), "{what}");
        }
    }

    #[test]
    fn tests_keep_to_the_arrows_too() {
        let what = complaint(
            "models/lenet",
            "[dev-dependencies]\nburn-zoo-datasets.workspace = true\n",
        );
        assert_eq!(
            what,
            "models/* uses burn-zoo-datasets (datasets), expected only crates/blocks, burn"
        );
    }

    #[test]
    fn a_model_uses_burn_alone_of_what_is_outside() {
        let what = complaint("models/lenet", "[dependencies]\nserde.workspace = true\n");
        assert_eq!(
            what,
            "models/* uses serde, expected only crates/blocks, burn"
        );
        let test = manifest("it", "[dev-dependencies]\nserde.workspace = true\n");
        assert_eq!(check(&good().with("models/lenet/Cargo.toml", &test)), []);
    }

    #[test]
    fn a_crate_without_a_room_is_found() {
        let what = complaint("crates/helpers", "");
        assert!(
            what.starts_with("a crate in crates/helpers, expected one in crates/blocks, "),
            "{what}"
        );
        assert!(complaint("models/vgg/extra", "").starts_with("a crate in models/vgg/extra"));
    }
}
