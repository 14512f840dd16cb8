//! A crate outside the workspace imports one architecture and Burn, nothing else: `examples/import-model`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs cargo on the example, offline and with the workspace's versions; gives what it prints.
fn cargo(arguments: &[&str]) -> String {
    let example = root().join("examples/import-model");
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--manifest-path"])
        .arg(example.join("Cargo.toml"))
        // Beside the artefacts of this workspace, so that a second run finds its own again.
        .env(
            "CARGO_TARGET_DIR",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("import-model"),
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
fn every_architecture_compiles_with_burn_alone() {
    let lock = "examples/import-model/Cargo.lock";
    fs::copy(root().join("Cargo.lock"), root().join(lock)).expect("the lock file can be copied");

    for architecture in ["alexnet", "googlenet", "lenet", "resnet", "vgg", "zfnet"] {
        let only = ["--no-default-features", "--features", architecture];
        let tree = cargo(
            &[
                &["tree", "--prefix", "none", "--format", "{p}"],
                only.as_slice(),
            ]
            .concat(),
        );
        let ours: BTreeSet<_> = tree
            .lines()
            .filter_map(|line| line.split(' ').next())
            .filter(|name| name.starts_with("burn-zoo"))
            .collect();
        let package = format!("burn-zoo-{architecture}");
        let expected = ["burn-zoo-blocks", "burn-zoo-kernels", package.as_str()];
        assert_eq!(ours, BTreeSet::from(expected));
        cargo(&[&["check", "--quiet"], only.as_slice()].concat());
    }
}
