//! Shards on a server.

use std::error::Error;

use burn_zoo_data::Unreachable;

use super::server::{Manner, Server};
use super::*;

#[test]
fn a_server_gives_what_the_folder_gives() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let here = read(&out).unwrap();
    let server = Server::start(&out, Manner::Ranges, "");
    let there = read(&server.address).unwrap();
    assert_eq!(there.info, here.info);
    assert_eq!(there.shards, here.shards);
    let all = content(&here.train);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| assert_eq!(content(&there.train), all));
        }
    });
    // One block each for all threads, beside the one byte that shows whether ranges are answered.
    assert_eq!(server.asked_for("train-000003.tar"), 1);
    assert_eq!(server.asked_for("train-000000.tar"), 2);
    assert_eq!(server.asked_for("train-000000.tar.index"), 1);
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let all = content(&read(&out).unwrap().train);
    for manner in [Manner::Drops, Manner::Busy] {
        let server = Server::start(&out, manner, "");
        let data = read(&server.address).unwrap();
        assert_eq!(content(&data.train), all, "{manner:?}");
        assert_eq!(server.asked_for("train-000003.tar"), 3, "{manner:?}");
    }
    // What came before a connection broke is not asked for again.
    let server = Server::start(&out, Manner::Drops, "3.tar");
    assert_eq!(content(&read(&server.address).unwrap().train), all);
    let requests = server.requests.lock().unwrap();
    let firsts: Vec<usize> = requests
        .iter()
        .filter(|(file, _)| file == "train-000003.tar")
        .map(|(_, range)| range.unwrap()[0])
        .collect();
    assert!(
        firsts[0] == 0 && firsts.is_sorted() && firsts[1] > 0,
        "{firsts:?}"
    );
}

#[test]
fn a_server_that_cannot_serve_is_told_of_at_once() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let server = Server::start(&out, Manner::Whole, ".tar");
    let message = refusal(&server.address);
    assert!(
        message.starts_with(&format!(
            "{}train-000000.tar: the server sends whole files only",
            server.address.display()
        )),
        "{message}"
    );
    let server = Server::start(&out, Manner::Broken, ".index");
    let message = refusal(&server.address);
    assert!(
        message.contains(
            ".tar.index: the server answered 500 Internal Server Error (after 5 attempts)"
        ),
        "{message}"
    );
    let server = Server::start(root.path(), Manner::Ranges, "");
    let message = refusal(&server.address);
    assert!(
        message.contains("dataset.json: there is no such file")
            && message.contains("zoo data pack shards"),
        "{message}"
    );
    let message = refusal(Path::new("http://127.0.0.1:1/set"));
    assert!(
        message.starts_with("http://127.0.0.1:1/set/dataset.json: "),
        "{message}"
    );
}

#[test]
fn another_file_under_the_same_name_is_noticed() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    let server = Server::start(&out, Manner::Ranges, "");
    let data = read(&server.address).unwrap();
    std::fs::copy(out.join("train-000004.tar"), out.join("train-000002.tar")).unwrap();
    let message = data.train.get(14).unwrap_err().to_string();
    assert!(
        message.contains("train-000002.tar: has")
            && message.contains("its index was made for one of"),
        "{message}"
    );
    std::fs::remove_file(out.join("train-000003.tar")).unwrap();
    let message = data.train.get(21).unwrap_err().to_string();
    assert!(
        message.contains("train-000003.tar: the server answered 404 Not Found"),
        "{message}"
    );
}

#[test]
fn a_server_that_is_gone_is_no_bad_image() {
    let root = tempfile::tempdir().unwrap();
    let out = packed(root.path());
    // The index is served, its images are not.
    let server = Server::start(&out, Manner::Broken, "train-000002.tar");
    let error = read(&server.address).unwrap().train.get(14).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("train-000002.tar: the server answered 500"),
        "{error}"
    );
    assert!(error.source().unwrap().is::<Unreachable>());
}
