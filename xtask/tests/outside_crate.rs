//! Crates outside the workspace: the examples compile, and an architecture brings nothing of the zoo but its blocks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo offline in `folder` and gives what it prints.
fn cargo(folder: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(root().join(folder))
        // Beside the artefacts of this workspace, so that a second run finds its own again.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples"),
        )
        .output()
        .expect("cargo starts");
    assert!(
        output.status.success(),
        "cargo {} failed:\n{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_examples_compile() {
    let lock = root().join("examples/Cargo.lock");
    fs::copy(root().join("Cargo.lock"), lock).expect("the lock file can be copied");
    cargo("examples", &["check", "--quiet", "--workspace"]);
}

#[test]
fn an_architecture_brings_its_blocks_alone() {
    for architecture in ["alexnet", "googlenet", "lenet", "resnet", "vgg", "zfnet"] {
        let package = format!("burn-zoo-{architecture}");
        let arguments = [
            "tree", "--prefix", "none", "--format", "{p}", "-e", "normal", "-p", &package,
        ];
        let tree = cargo(".", &arguments);
        let names = tree.lines().filter_map(|line| line.split(' ').next());
        let ours: BTreeSet<_> = names.filter(|name| name.starts_with("burn-zoo")).collect();
        let expected = ["burn-zoo-blocks", "burn-zoo-kernels", package.as_str()];
        assert_eq!(ours, BTreeSet::from(expected));
    }
}
