//! `zoo data fetch hf:…` from a server in the place of the Hugging Face Hub.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::common::{Done, answer, folder, read, refuse, server, succeed, write, zoo};

/// A table of twelve images in three classes, two of them lying on their side.
fn table() -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    read(corpus.join("parquet/snappy"))
}

/// A Hub with one set, which trains on `table` and has no other split.
fn hub(table: Vec<u8>) -> String {
    let digest = Sha256::digest(&table);
    let oid: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let listing = serde_json::json!([{
        "type": "file", "path": "default/train/0000.parquet", "size": table.len(), "lfs": { "oid": oid, "size": table.len() }
    }]);
    let listing = listing.to_string();
    server(move |path| match path {
        "/api/datasets/owner/set/tree/refs%2Fconvert%2Fparquet?recursive=true" => {
            answer("200 OK", "", listing.as_bytes())
        }
        "/datasets/owner/set/resolve/refs%2Fconvert%2Fparquet/default/train/0000.parquet" => {
            answer("302 Found", "Location: /store/0\r\n", b"")
        }
        "/store/0" => answer("200 OK", "", &table),
        _ => answer("404 Not Found", "", b""),
    })
}

fn fetch(folder: &Path, hub: &str, set: &str) -> Done {
    let output = zoo(folder)
        .args(["data", "fetch", set, "--root", "sets"])
        .env("HF_ENDPOINT", hub)
        .env("HF_HOME", folder)
        .output();
    Done::of(output.expect("the binary starts"))
}

#[test]
fn a_set_of_the_hub_is_fetched_looked_at_and_trained_on() {
    let folder = folder();
    let done = fetch(folder.path(), &hub(table()), "hf:owner/set");
    assert_eq!((done.code, done.stderr.as_str()), (0, ""));
    let root = Path::new("sets").join("owner--set");
    assert_eq!(
        done.stdout,
        format!("hf:owner/set is in {}\n", root.display())
    );
    let root = root.to_str().expect("UTF-8");
    let seen = succeed(
        folder.path(),
        &["data", "inspect", "shards", "--root", root, "--json"],
    )
    .json();
    assert_eq!(seen["train"]["pictures"], 9);
    assert_eq!(seen["valid"]["pictures"], 3);
    let run = format!(
        r#"
[model]
arch = "resnet20"

[data]
name = "shards"
root = "{root}"
size = 32
fit = "resize"
batch_size = 3
workers = 1

[optimizer]
kind = "sgd"
lr = 0.01

[train]
epochs = 1
"#
    );
    write(folder.path(), "run.toml", run);
    succeed(folder.path(), &["train", "run.toml", "--out", "runs/hub"]);
}

#[test]
fn what_the_hub_does_not_give_leaves_nothing_behind() {
    let folder = folder();
    let hub = hub(b"no table".to_vec());
    for (set, parts) in [
        (
            "hf:owner/other",
            [
                "error: hf:owner/other: there is no such set",
                "datasets/owner/other",
            ],
        ),
        (
            "hf:set",
            [
                "\"hf:set\" is not the name of a set on the Hugging Face Hub",
                "hf:OWNER/NAME",
            ],
        ),
        ("hf:owner/set:fr", ["no such config", "default"]),
    ] {
        let done = fetch(folder.path(), &hub, set);
        assert_eq!(
            (done.code, done.stdout.as_str()),
            (2, ""),
            "{}",
            done.stderr
        );
        for part in parts {
            assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
        }
        assert!(!folder.path().join("sets").exists());
    }
    let done = fetch(folder.path(), &hub, "hf:owner/set");
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert!(
        done.stderr.contains("0000.parquet: is damaged"),
        "{}",
        done.stderr
    );
    assert!(!folder.path().join("sets/owner--set").exists());
    refuse(
        folder.path(),
        &["data", "fetch", "mnist", "--label", "x"],
        &["--label is for sets of the Hugging Face Hub"],
    );
}
