//! Somebody else's shards, and what can be wrong with them.

use super::*;

/// A tar file of `members`.
fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

/// Writes a training and a validation shard.
fn write(root: &Path, train: &[u8], valid: &[u8]) {
    std::fs::write(root.join("train-000000.tar"), train).unwrap();
    std::fs::write(root.join("val-000000.tar"), valid).unwrap();
}

fn good() -> Vec<u8> {
    tar(&[
        ("0.png", &image(0)),
        ("0.cls", b"0"),
        ("1.cls", b"1"),
        ("1.png", &image(1)),
        ("2.note", b"no sample"),
        ("3.json", br#"{"label": 1, "caption": "x"}"#),
        ("3.png", &image(3)),
    ])
}

#[test]
fn shards_of_others_are_indexed_once() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &good(), &good());
    let data = read(root.path()).unwrap();
    assert_eq!(data.info.classes, ["0", "1"]);
    let mut expected = [(image(0), 0), (image(1), 1), (image(3), 1)];
    expected.sort();
    assert_eq!(content(&data.train), expected);
    // An index is its shard's while it is the younger one.
    let shard = root.path().join("train-000000.tar");
    let earlier = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let file = std::fs::File::options().write(true).open(&shard).unwrap();
    file.set_modified(earlier).unwrap();
    let index = root.path().join("train-000000.tar.index");
    let text = std::fs::read_to_string(&index).unwrap();
    // The known one is used: a label that only it has comes back.
    std::fs::write(&index, text.replace("\t0\t0.png", "\t1\t0.png")).unwrap();
    let labels = |root: &Path| -> Vec<usize> {
        let found = content(&read(root).unwrap().train);
        found.iter().map(|(_, label)| *label).collect()
    };
    assert_eq!(labels(root.path()), [1, 1, 1]);
    // That of another file is made anew, of the same length or not.
    std::fs::write(&shard, good()).unwrap();
    assert_eq!(labels(root.path()).iter().sum::<usize>(), 2);
    let longer = tar(&[
        ("a.png", &image(9)),
        ("a.cls", b"0"),
        ("b.txt", &[b'x'; 9000]),
    ]);
    write(root.path(), &longer, &good());
    assert_eq!(content(&read(root.path()).unwrap().train), [(image(9), 0)]);
}

#[test]
fn labels_are_numbers_or_names() {
    let root = tempfile::tempdir().unwrap();
    let named = |label: &[u8]| tar(&[("0.png", &image(0)), ("0.cls", label)]);
    write(root.path(), &named(b"tabby cat\n"), &named(b"ant"));
    let data = read(root.path()).unwrap();
    assert_eq!(data.info.classes, ["ant", "tabby cat"]);
    assert_eq!(data.train.get(0).unwrap().label, 1);
    std::fs::write(root.path().join("classes.txt"), "tabby cat\nbee\n").unwrap();
    let message = refusal(root.path());
    assert!(
        message.contains("val-000000.tar") && message.contains("\"0.png\" has the label \"ant\""),
        "{message}"
    );
    std::fs::write(root.path().join("classes.txt"), "tabby cat\nbee\nant\n").unwrap();
    assert_eq!(read(root.path()).unwrap().valid.get(0).unwrap().label, 2);
    write(root.path(), &named(b"1"), &named(b"3"));
    assert!(refusal(root.path()).contains("expected a number from 0 to 2 or the name of a class"));
}

#[test]
fn a_shard_that_is_cut_is_refused_wherever_it_is() {
    let root = tempfile::tempdir().unwrap();
    let whole = good();
    // The last zeros may be missing, down to one block of them.
    for length in (0..whole.len() - 512).step_by(97).chain([1024, 1536, 2048]) {
        write(root.path(), &whole[..length], &whole);
        let message = refusal(root.path());
        assert!(
            message.contains("train-000000.tar: "),
            "{length}: {message}"
        );
        let is_told = ["truncated", "damaged"]
            .iter()
            .any(|word| message.contains(word));
        assert!(is_told, "{length}: {message}");
    }
}

/// Names of a tar file's members, and what they hold.
type Members<'a> = &'a [(&'a str, &'a [u8])];

#[test]
fn what_is_wrong_with_a_sample_is_said() {
    let root = tempfile::tempdir().unwrap();
    let image = image(0);
    let cases: [(Members, &str); 8] = [
        (
            &[("0.png", &image)],
            "\"0.png\" has no label: expected \"0.cls\"",
        ),
        (
            &[("0.png", &image), ("1.cls", b"0")],
            "\"0.png\" has no label",
        ),
        (
            &[("0.png", &image), ("0.cls", b"")],
            "\"0.cls\" has the label \"\"",
        ),
        (
            &[("0.png", &image), ("0.cls", b"\xff\xfe")],
            "\"0.cls\" cannot be read as text",
        ),
        (
            &[("0.png", &image), ("0.json", b"{")],
            "\"0.json\" is not JSON",
        ),
        (
            &[("0.png", &image), ("0.json", br#"{"label": [1]}"#)],
            "has the label [1]",
        ),
        (
            &[("0.png", &image), ("0.jpg", b""), ("0.cls", b"0")],
            "two images of one sample",
        ),
        (&[("0.cls", b"0")], "holds no images"),
    ];
    for (members, part) in cases {
        write(root.path(), &tar(members), &good());
        let message = refusal(root.path());
        assert!(
            message.contains("train-000000.tar: ") && message.contains(part),
            "{message}"
        );
    }
    write(
        root.path(),
        b"this is no tar file".repeat(99).as_slice(),
        &good(),
    );
    assert!(refusal(root.path()).contains("train-000000.tar: a damaged tar file"));
}

#[test]
fn folders_without_shards_say_what_was_looked_for() {
    let root = tempfile::tempdir().unwrap();
    for path in [root.path().to_owned(), root.path().join("nowhere")] {
        let message = refusal(&path);
        assert!(
            message.contains("zoo data pack") && message.contains("dataset.json"),
            "{message}"
        );
    }
    std::fs::write(root.path().join("train-000000.tar.gz"), "x").unwrap();
    assert!(refusal(root.path()).contains("gunzip"));
    std::fs::write(root.path().join("test-000000.tar"), good()).unwrap();
    assert!(refusal(root.path()).contains("holds 1 shards to validate on and none to train on"));
}

#[test]
fn manifest_index_and_shard_must_belong_together() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let file = |name: &str| out.join(name);
    let with = |name: &str, change: &dyn Fn(Vec<u8>) -> Vec<u8>, parts: &[&str]| {
        let before = std::fs::read(file(name)).unwrap();
        std::fs::write(file(name), change(before.clone())).unwrap();
        let message = refusal(&out);
        for part in parts {
            assert!(message.contains(part), "{part}: {message}");
        }
        std::fs::write(file(name), before).unwrap();
    };
    let cut = |bytes: Vec<u8>| bytes[..bytes.len() - 600].to_vec();
    with("train-000001.tar", &cut, &["train-000001.tar: truncated"]);
    with(
        "train-000001.tar.index",
        &|mut bytes| {
            bytes.truncate(90);
            bytes
        },
        &["train-000001.tar.index"],
    );
    with(
        "train-000001.tar.index",
        &|_| std::fs::read(file("train-000004.tar.index")).unwrap(),
        &["train-000001.tar.index", "another set's"],
    );
    let text = |from: &'static str, to: &'static str| {
        move |bytes: Vec<u8>| {
            String::from_utf8(bytes)
                .unwrap()
                .replace(from, to)
                .into_bytes()
        }
    };
    with(
        "train-000001.tar.index",
        &text("\t2\t", "\t7\t"),
        &["train-000001.tar", "has the label \"7\"", "from 0 to 2"],
    );
    with(
        "dataset.json",
        &text("burn_zoo_shards\": 1", "burn_zoo_shards\": 2"),
        &["dataset.json", "version 2"],
    );
    with(
        "dataset.json",
        &text("train-000001.tar", "../train-000001.tar"),
        &["dataset.json", "not below it"],
    );
    with(
        "dataset.json",
        &text("\"classes\"", "\"clases\""),
        &["dataset.json", "clases"],
    );
    std::fs::remove_file(file("train-000001.tar.index")).unwrap();
    assert!(refusal(&out).contains("train-000001.tar.index: there is no such file"));
    // Of the same length, number and shape, but another shard's: met when an image is read.
    std::fs::copy(
        file("train-000000.tar.index"),
        file("train-000001.tar.index"),
    )
    .unwrap();
    let data = read(&out).unwrap();
    let message = data.train.get(7).unwrap_err().to_string();
    assert!(
        message.contains("train-000001.tar: its index is another file's"),
        "{message}"
    );
    assert!(data.train.get(6).is_ok());
}
