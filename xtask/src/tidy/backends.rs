//! Devices are the caller's choice: no library makes one of a certain backend.

use super::packages::BACKENDS;
use super::{Tree, Violation};

pub(super) fn check(tree: &Tree) -> Vec<Violation> {
    let libraries = tree.texts().filter(|(path, _)| is_library(path));
    libraries
        .flat_map(|(path, text)| named(path, text))
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
    use crate::tidy::testing::{good, sole};

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
