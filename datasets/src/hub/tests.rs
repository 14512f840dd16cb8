//! A local server in the place of the Hub, and Parquet files that pyarrow wrote (`fuzz/make_corpus.py`).

mod interruption;
mod listing;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use burn::data::dataset::Dataset;
use burn_zoo_data::{ImageData, ImageSource, Split};
use serde_json::json;

use super::*;
use crate::fetch::tests::server::{Request, Server, answer, ranged, sha256, whole};

const LISTING: &str = "/api/datasets/owner/set/tree/refs%2Fconvert%2Fparquet?recursive=true";
const FILES: &str = "/datasets/owner/set/resolve/refs%2Fconvert%2Fparquet/";

/// A file of the corpus.
fn corpus(name: &str) -> Vec<u8> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    fs::read(corpus.join(name)).unwrap()
}

/// The image files in a table of the corpus, in the order of its rows; the label of each is its row modulo 3.
fn images() -> Vec<Vec<u8>> {
    [
        "png/alpha",
        "png/bits",
        "png/deep",
        "png/grey",
        "png/grey_alpha",
        "png/palette",
        "png/rgb",
    ]
    .into_iter()
    .chain([
        "webp/alpha",
        "webp/lossless",
        "webp/lossy",
        "webp/moving",
        "webp/palette",
    ])
    .map(corpus)
    .collect()
}

/// An entry of the Hub's listing.
fn entry(path: &str, content: &[u8]) -> serde_json::Value {
    json!({
        "type": "file", "oid": "0", "size": content.len(), "path": path,
        "lfs": { "oid": sha256(content), "size": content.len(), "pointerSize": 134 }
    })
}

fn ok(text: &str) -> Vec<u8> {
    whole(text.as_bytes())
}

/// A Hub with the set `owner/set` of these files; they lie on a server of their own, as the Hub's do.
fn hub(files: &[(&str, Vec<u8>)]) -> (Server, Server) {
    let content: BTreeMap<String, Vec<u8>> = files
        .iter()
        .map(|(path, content)| ((*path).to_owned(), content.clone()))
        .collect();
    let listing: Vec<_> = content
        .iter()
        .map(|(path, content)| entry(path, content))
        .collect();
    let listing = serde_json::to_string(&listing).unwrap();
    let store =
        Server::start(
            move |request| match content.get(&request.path[1..].replace("%20", " ")) {
                Some(content) => ranged(content, request),
                None => answer("404 Not Found", "", 0, b""),
            },
        );
    // Another host by its name.
    let address = store.address.replace("127.0.0.1", "localhost");
    let hub = Server::start(move |request| match request.path.strip_prefix(FILES) {
        Some(file) => answer(
            "302 Found",
            &format!("Location: {address}/{file}\r\n"),
            0,
            b"",
        ),
        None if request.path == LISTING => ok(&listing),
        None => answer("404 Not Found", "", 0, b""),
    });
    (hub, store)
}

fn options(hub: &Server) -> HubOptions {
    HubOptions {
        endpoint: format!("{}/", hub.address),
        ..HubOptions::default()
    }
}

fn run(name: &str, root: &Path, options: &HubOptions) -> Result<PathBuf, HubError> {
    fetch_hub(&name.parse().unwrap(), root, options, &mut |_| {})
}

/// Why a set of these files is refused.
fn refusal(name: &str, files: &[(&str, Vec<u8>)]) -> String {
    let root = tempfile::tempdir().unwrap();
    let (hub, _store) = hub(files);
    let error = run(name, root.path(), &options(&hub))
        .unwrap_err()
        .to_string();
    let folder = name.parse::<HubSet>().unwrap().folder(None);
    assert!(!root.path().join(folder).exists(), "nothing looks complete");
    error
}

fn read(folder: &Path) -> ImageData {
    let options = OpenOptions {
        root: Some(folder.to_owned()),
        ..OpenOptions::default()
    };
    open(DatasetName::Shards, &options).unwrap()
}

/// File and label of every sample, sorted.
fn content(split: &Split) -> Vec<(Vec<u8>, usize)> {
    let sample = |index| {
        let sample = split.get(index).unwrap();
        let ImageSource::Encoded { bytes, .. } = sample.image else {
            panic!("not encoded");
        };
        (bytes, sample.label)
    };
    let mut all: Vec<_> = (0..split.len()).map(sample).collect();
    all.sort();
    all
}

/// What a table of the corpus holds, `times` over.
fn expected(times: usize) -> Vec<(Vec<u8>, usize)> {
    let rows = images().into_iter().enumerate();
    let mut all: Vec<_> = rows.map(|(row, image)| (image, row % 3)).collect();
    all = vec![all; times].concat();
    all.sort();
    all
}

fn asked(server: &Server) -> Vec<Request> {
    std::mem::take(&mut server.requests.lock().unwrap())
}

#[test]
fn tables_become_shards_of_the_same_files() {
    let root = tempfile::tempdir().unwrap();
    let (hub, store) = hub(&[
        ("plain text/train/0000.parquet", corpus("parquet/snappy")),
        ("plain text/train/0001.parquet", corpus("parquet/zstd")),
        ("plain text/validation/0000.parquet", corpus("parquet/zstd")),
        ("plain text/test/0000.parquet", corpus("parquet/held_back")),
    ]);
    let options = HubOptions {
        token: Some("hf_secret".to_owned()),
        ..options(&hub)
    };
    let mut phases = Vec::new();
    let set: HubSet = "hf:owner/set".parse().unwrap();
    let folder = fetch_hub(&set, root.path(), &options, &mut |progress| {
        assert!(progress.done <= progress.total, "{progress:?}");
        if phases.last() != Some(&progress.phase) {
            phases.push(progress.phase);
        }
    })
    .unwrap();
    let of_a_file = [Phase::Download, Phase::Verify, Phase::Convert];
    assert_eq!(
        phases,
        [&of_a_file[..], &of_a_file, &of_a_file, &[Phase::Pack]].concat()
    );

    let left: Vec<_> = fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, ["owner--set"], "nothing else is left");
    let data = read(&folder);
    assert_eq!(data.info.classes, ["cat", "dog, hound", "bird"]);
    assert_eq!(content(&data.train), expected(2));
    assert_eq!(content(&data.valid), expected(1));
    // Two of the images lie on their side.
    assert_eq!((data.info.size, data.info.mean[0]), (None, 0.485));
    let order: Vec<usize> = (0..24)
        .map(|index| data.train.get(index).unwrap().label)
        .collect();
    assert_ne!(
        order,
        (0..24).map(|row| row % 12 % 3).collect::<Vec<_>>(),
        "shuffled"
    );

    assert!(
        asked(&hub)
            .iter()
            .all(|request| request.token.as_deref() == Some("hf_secret"))
    );
    let files = asked(&store);
    assert_eq!(files.len(), 3, "the test split is left alone");
    assert!(
        files.iter().all(|request| request.token.is_none()),
        "a token is the Hub's alone"
    );
    assert_eq!(files[0].path, "/plain%20text/train/0000.parquet");
    assert_eq!(run("hf:owner/set", root.path(), &options).unwrap(), folder);
    assert!(asked(&hub).is_empty(), "nothing is asked for again");
}

#[test]
fn a_set_without_a_second_split_validates_on_part_of_it() {
    // Names of classes in the place of numbers, and columns that nothing is stated of.
    for (table, classes) in [
        ("parquet/names", ["bird", "cat", "dog, hound"]),
        ("parquet/bare", ["0", "1", "2"]),
    ] {
        let root = tempfile::tempdir().unwrap();
        let (hub, _store) = hub(&[("default/train-part0/0000.parquet", corpus(table))]);
        let data = read(&run("hf:owner/set", root.path(), &options(&hub)).unwrap());
        assert_eq!(data.info.classes, classes);
        let (train, valid) = (content(&data.train), content(&data.valid));
        assert_eq!((train.len(), valid.len()), (9, 3));
        assert_eq!(
            valid.iter().map(|(_, label)| label).sum::<usize>(),
            3,
            "one of each class"
        );
        let number: HashMap<&str, usize> = classes.into_iter().zip(0..).collect();
        let mut rows: Vec<_> = expected(1);
        for (_, label) in &mut rows {
            let names = if classes[0] == "0" {
                ["0", "1", "2"]
            } else {
                ["cat", "dog, hound", "bird"]
            };
            *label = number[names[*label]];
        }
        let mut all = [train, valid].concat();
        all.sort();
        rows.sort();
        assert_eq!(all, rows);
    }
}

#[test]
fn the_column_of_the_labels_can_be_chosen() {
    let files = [("default/train/0000.parquet", corpus("parquet/two_labels"))];
    let message = refusal("hf:owner/set", &files);
    assert!(
        message.contains("--label one of fine_label, coarse_label"),
        "{message}"
    );
    let root = tempfile::tempdir().unwrap();
    let (hub, _store) = hub(&files);
    let with = |label: &str| HubOptions {
        label: Some(label.to_owned()),
        ..options(&hub)
    };
    let message = run("hf:owner/set", root.path(), &with("img"))
        .unwrap_err()
        .to_string();
    assert!(message.contains("\"img\" holds no labels"), "{message}");
    let message = run("hf:owner/set", root.path(), &with("x"))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("no column \"x\" (columns: img, fine_label, coarse_label)"),
        "{message}"
    );
    let data = read(&run("hf:owner/set", root.path(), &with("fine_label")).unwrap());
    assert_eq!(data.info.classes.len(), 3);
    // The config of that name would have the same folder.
    let error = run("hf:owner/set:fine_label", root.path(), &options(&hub)).unwrap_err();
    let part = "holds another set, hf:owner/set --label fine_label: rename that folder";
    assert!(error.to_string().contains(part), "{error}");
}

#[test]
fn tables_that_hold_no_labelled_images_are_refused() {
    let whole = corpus("parquet/snappy");
    let mut flipped = whole.clone();
    flipped[4] ^= 0xff;
    for (table, part) in [
        (corpus("parquet/held_back"), "row 1 has the label -1"),
        (corpus("parquet/gaps"), "row 1 holds no image"),
        (whole[..4000].to_vec(), "is damaged"),
        (flipped, "is damaged"),
        (b"PAR1".to_vec(), "is damaged"),
    ] {
        let message = refusal("hf:owner/set", &[("default/train/0000.parquet", table)]);
        assert!(
            message.contains("0000.parquet: ") && message.contains(part),
            "{part}: {message}"
        );
    }
}
