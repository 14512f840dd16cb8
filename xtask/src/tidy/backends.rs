//! Backends and devices are the program's choice: no library enables one in Cargo, and none names one in its code.

use super::document::{Document, strings};
use super::manifest::{dependencies, members};
use super::{Tree, Violation};

/// Burn's features that bring a backend, and `Device`'s constructors of the same name.
const BACKENDS: [&str; 11] = [
    "cpu", "cuda", "flex", "metal", "ndarray", "remote", "rocm", "tch", "vulkan", "webgpu", "wgpu",
];

/// Crates that offer a backend as a feature of their own, for whoever builds the program to choose.
const FORWARD: [&str; 3] = [
    "crates/kernels/Cargo.toml",
    "crates/zoo/Cargo.toml",
    "crates/cli/Cargo.toml",
];

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let root = tree
        .text("Cargo.toml")
        .and_then(|text| Document::parse("Cargo.toml", text).ok());
    let mut found: Vec<Violation> = root.iter().flat_map(shared).collect();
    for member in members(tree).iter().flatten() {
        found.extend(enabled(member));
        if !FORWARD.contains(&member.path) {
            found.extend(offered(member));
        }
    }
    found.extend(
        tree.texts()
            .filter(|(path, _)| is_library(path))
            .flat_map(|(path, text)| named(path, text)),
    );
    found
}

/// The line of `burn` that all members share.
fn shared(root: &Document<'_>) -> Vec<Violation> {
    let burn = root
        .table_at(&["workspace", "dependencies"])
        .and_then(|table| table.get("burn"));
    let features = burn.and_then(|burn| burn.get_ref().get("features"));
    strings(features)
        .filter(|(feature, _)| BACKENDS.contains(feature))
        .map(|(feature, span)| {
            root.violation(
                &span,
                format!("burn/{feature} for every crate, expected no backend here"),
            )
        })
        .collect()
}

/// Backends that a member switches on for everyone who depends on it.
fn enabled(member: &Document<'_>) -> Vec<Violation> {
    let burn = dependencies(member)
        .into_iter()
        .filter(|dependency| dependency.name == "burn" && !dependency.dev);
    let features = burn.flat_map(|burn| strings(burn.value.get_ref().get("features")));
    features
        .filter(|(feature, _)| BACKENDS.contains(feature))
        .map(|(feature, span)| {
            member.violation(
                &span,
                format!("enables burn/{feature}, expected no backend: the program chooses one"),
            )
        })
        .collect()
}

/// Backends that a member has features for.
fn offered(member: &Document<'_>) -> Vec<Violation> {
    let features = member
        .table_at(&["features"])
        .into_iter()
        .flat_map(|features| features.values());
    features
        .flat_map(|feature| strings(Some(feature)))
        .filter(|(item, _)| {
            item.strip_prefix("burn/")
                .is_some_and(|feature| BACKENDS.contains(&feature))
        })
        .map(|(item, span)| {
            member.violation(
                &span,
                format!(
                    "a feature for {item}, expected backends in crates/kernels, crates/zoo and crates/cli only"
                ),
            )
        })
        .collect()
}

/// Whether a file is part of a library, as opposed to its tests and to the program.
fn is_library(path: &str) -> bool {
    let outside = ["crates/cli/", "xtask/", "examples/"]
        .iter()
        .any(|folder| path.starts_with(folder));
    path.ends_with(".rs") && !outside && path.contains("/src/") && !path.ends_with("/tests.rs")
}

/// Lines that make a device of a certain backend. Comments may: a doc example needs one.
fn named(path: &str, text: &str) -> Vec<Violation> {
    let code = text
        .lines()
        .take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
    let mut found = Vec::new();
    for (number, line) in code
        .enumerate()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
    {
        let name = line.match_indices("Device::").find_map(|(at, before)| {
            let rest = &line[at + before.len()..];
            let name = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_')?];
            (BACKENDS.contains(&name) || name == "default").then_some(name)
        });
        if let Some(name) = name {
            let what = format!("makes Device::{name}, expected a device that the caller hands in");
            found.push(Violation::new(path, number + 1, what));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::testing::{good, manifest, sole};

    #[test]
    fn a_library_that_enables_a_backend_is_found() {
        for backend in BACKENDS {
            let burn = format!(
                "[dependencies]\nburn = {{ workspace = true, features = [\"train\", \"{backend}\"] }}\n"
            );
            let found = sole(
                check,
                &good().with("crates/trainer/Cargo.toml", &manifest("it", &burn)),
            );
            assert!(
                found.what.starts_with(&format!("enables burn/{backend},")),
                "{found}"
            );
        }
    }

    #[test]
    fn the_program_and_the_facade_offer_backends_but_enable_none() {
        let feature = manifest("it", "[features]\nflex = [\"burn/flex\"]\n");
        for path in FORWARD {
            assert_eq!(check(&good().with(path, &feature)), []);
            let enabled = manifest(
                "it",
                "[dependencies]\nburn = { workspace = true, features = [\"flex\"] }\n",
            );
            assert!(
                sole(check, &good().with(path, &enabled))
                    .what
                    .starts_with("enables burn/flex")
            );
        }
        let found = sole(check, &good().with("crates/data/Cargo.toml", &feature));
        assert!(found.what.starts_with("a feature for burn/flex"), "{found}");
    }

    #[test]
    fn tests_may_compute() {
        let tests = manifest(
            "it",
            "[dev-dependencies]\nburn = { workspace = true, features = [\"flex\"] }\n",
        );
        assert_eq!(check(&good().with("crates/data/Cargo.toml", &tests)), []);
    }

    #[test]
    fn a_backend_for_everyone_is_found() {
        let tree = good().replace(
            "Cargo.toml",
            "features = [\"std\"]",
            "features = [\"std\", \"wgpu\"]",
        );
        assert!(
            sole(check, &tree)
                .what
                .starts_with("burn/wgpu for every crate")
        );
    }

    #[test]
    fn a_device_in_library_code_is_found_outside_tests_and_comments() {
        let code = "//! Layers.\n\nfn here() -> Device {\n    Device::flex()\n}\n";
        let found = sole(check, &good().with("crates/blocks/src/here.rs", code));
        assert_eq!(
            found.to_string(),
            "crates/blocks/src/here.rs:4: makes Device::flex, expected a device that the caller hands in"
        );
        let fine = "//! let device = Device::flex();\n\n#[cfg(test)]\nmod tests {\n    // Device::flex()\n    fn device() { Device::flex() }\n}\n";
        assert_eq!(check(&good().with("crates/blocks/src/here.rs", fine)), []);
        for path in [
            "crates/blocks/tests/here.rs",
            "crates/blocks/src/here/tests.rs",
            "crates/cli/src/here.rs",
        ] {
            assert_eq!(check(&good().with(path, code)), []);
        }
    }
}
