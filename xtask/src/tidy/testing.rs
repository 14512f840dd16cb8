//! A small tree that keeps every rule, for the tests of the checks to break.

use super::{Tree, Violation};

/// A workspace in small: each kind of room once, a run file with its base, a README.
pub(super) fn good() -> Tree {
    let root = r#"
[workspace]
members = ["crates/*", "models/*", "datasets", "xtask"]

[workspace.dependencies]
# The framework.
burn = { version = "0.22.1", default-features = false, features = ["std"] }

burn-zoo = { path = "crates/zoo", version = "0.1.0" }
burn-zoo-blocks = { path = "crates/blocks", version = "0.1.0" }
burn-zoo-data = { path = "crates/data", version = "0.1.0" }
burn-zoo-datasets = { path = "datasets", version = "0.1.0" }
burn-zoo-lenet = { path = "models/lenet", version = "0.1.0" }
burn-zoo-resnet = { path = "models/resnet", version = "0.1.0" }
burn-zoo-trainer = { path = "crates/trainer", version = "0.1.0" }
serde = "1.0" # run files

[workspace.lints.rust]
missing_docs = "warn"
unsafe_code = "deny"
"#;
    let run = r#"# LeNet-5 on MNIST.
#
#   zoo train configs/mnist/lenet5.toml
#
# expected: 99.0 % top-1
# time: 2 min
# hardware: 2 cores
extends = "../_base/mnist.toml"
"#;
    let mut tree = Tree::default()
        .with("Cargo.toml", root)
        .with(
            "README.md",
            "# Zoo\n\nSee [the data](crates/data) and `configs/mnist/lenet5.toml`.\n",
        )
        .with("configs/mnist/lenet5.toml", run)
        .with("configs/_base/mnist.toml", "[data]\nname = \"mnist\"\n");
    for folder in [
        "crates/blocks",
        "crates/data",
        "crates/trainer",
        "models/lenet",
        "xtask",
    ] {
        tree = tree.with(&format!("{folder}/src/lib.rs"), "//! A crate.\n");
    }
    tree
}

/// The one thing that `check` finds in `tree`.
#[track_caller]
pub(super) fn sole(check: fn(&Tree) -> Vec<Violation>, tree: &Tree) -> Violation {
    let found = check(tree);
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().expect("one was found")
}
