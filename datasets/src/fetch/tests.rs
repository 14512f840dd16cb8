//! Fetching from a local server: whole, cut, wrong, refused and continued.

pub(crate) mod server;

use std::io::Write;
use std::net::TcpListener;
use std::sync::Arc;

use flate2::{Compression, write::GzEncoder};

use super::*;
use server::{Server, answer, content, ranged, sha256, whole};

/// A set of one file `a.bin` in the folder `set`.
fn plain(server: &Server, content: &[u8]) -> Source {
    let remote = RemoteFile {
        url: format!("{}/a.bin", server.address),
        file: "a.bin".into(),
        bytes: Some(content.len() as u64),
        sha256: sha256(content),
    };
    Source {
        folder: "set".into(),
        files: vec![remote],
        archive: None,
    }
}

fn packed(server: &Server, content: &[u8], archive: Archive) -> Source {
    Source {
        archive: Some(archive),
        ..plain(server, content)
    }
}

fn run(source: &Source, root: &Path) -> Result<PathBuf, FetchError> {
    fetch_source(DatasetName::Mnist, source, root, &mut |_| {})
}

fn message(source: &Source, root: &Path) -> String {
    run(source, root).unwrap_err().to_string()
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn tar_gz(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, *bytes).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

#[test]
fn a_file_arrives_with_its_progress() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let content = content.clone();
        move |_| whole(&content)
    });
    let mut phases = Vec::new();
    let mut last = 0;
    let folder = fetch_source(
        DatasetName::Mnist,
        &plain(&server, &content),
        root.path(),
        &mut |progress| {
            assert_eq!((progress.file, progress.total), ("a.bin", 200_000));
            if phases.last() != Some(&progress.phase) {
                phases.push(progress.phase);
                last = 0;
            }
            assert!(progress.done >= last && progress.done <= progress.total);
            last = progress.done;
        },
    )
    .unwrap();
    assert_eq!(phases, [Phase::Download, Phase::Verify]);
    assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content);
    assert_eq!(names(&folder), ["a.bin"]);
    assert_eq!(names(root.path()), ["set"]);
    run(&plain(&server, &content), root.path()).unwrap();
    assert_eq!(server.starts(), [None], "nothing is asked for again");
}

#[test]
fn an_interrupted_download_goes_on_where_it_stopped() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let content = content.clone();
        move |request| ranged(&content, request)
    });
    fs::create_dir(root.path().join("set")).unwrap();
    fs::write(root.path().join("set/a.bin.part"), &content[..70_000]).unwrap();
    let folder = run(&plain(&server, &content), root.path()).unwrap();
    assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content);
    assert_eq!(server.starts(), [Some(70_000)]);
}

#[test]
fn a_server_without_ranges_starts_over() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let content = content.clone();
        move |_| whole(&content)
    });
    fs::create_dir(root.path().join("set")).unwrap();
    fs::write(root.path().join("set/a.bin.part"), [7; 300]).unwrap();
    let folder = run(&plain(&server, &content), root.path()).unwrap();
    assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content);
}

#[test]
fn rubbish_left_by_an_earlier_run_is_replaced() {
    // Too short, complete in length, too long.
    for length in [5000, 200_000, 200_001] {
        let (content, root) = (content(), tempfile::tempdir().unwrap());
        let server = Server::start({
            let content = content.clone();
            move |request| ranged(&content, request)
        });
        fs::create_dir(root.path().join("set")).unwrap();
        fs::write(root.path().join("set/a.bin.part"), vec![0; length]).unwrap();
        let folder = run(&plain(&server, &content), root.path()).unwrap();
        assert_eq!(fs::read(folder.join("a.bin")).unwrap(), content, "{length}");
        assert_eq!(server.starts().last(), Some(&None));
    }
}

#[test]
fn a_cut_answer_is_reported_and_completed_by_the_next_run() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let content = content.clone();
        move |request| match request.from {
            None => answer("200 OK", "", content.len(), &content[..120_000]),
            Some(_) => ranged(&content, request),
        }
    });
    let source = plain(&server, &content);
    let message = message(&source, root.path());
    assert!(
        message.contains("after 120000 of 200000 bytes") && message.contains("again"),
        "{message}"
    );
    assert_eq!(
        names(&root.path().join("set")),
        ["a.bin.part"],
        "nothing looks complete"
    );
    run(&source, root.path()).unwrap();
    assert_eq!(fs::read(root.path().join("set/a.bin")).unwrap(), content);
    assert_eq!(server.starts(), [None, Some(120_000)]);
}

#[test]
fn wrong_content_is_refused_and_removed() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let mut wrong = content.clone();
        wrong[100_000] ^= 1;
        move |_| whole(&wrong)
    });
    let source = plain(&server, &content);
    let message = message(&source, root.path());
    assert!(
        message.contains("sha256") && message.contains(&source.files[0].sha256),
        "{message}"
    );
    assert!(names(&root.path().join("set")).is_empty());
}

#[test]
fn a_refusing_server_or_none_says_how_to_do_it_by_hand() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let missing = Server::start(|_| answer("404 Not Found", "", 4, b"none"));
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let nobody = Server {
        address: closed,
        requests: Arc::default(),
    };
    for (server, reason) in [(&missing, "404 Not Found"), (&nobody, "efused")] {
        let source = plain(server, &content);
        let error = run(&source, root.path()).unwrap_err();
        assert!(error.is_remote());
        let message = error.to_string();
        let folder = root.path().join("set").display().to_string();
        for part in [
            reason,
            "by hand",
            &folder,
            &source.files[0].url,
            &source.files[0].sha256,
            "zoo data fetch mnist",
        ] {
            assert!(message.contains(part), "{part} in: {message}");
        }
        assert!(!root.path().join("set/a.bin").exists());
    }
}

#[test]
fn a_file_brought_by_hand_is_verified_and_used() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start(|_| answer("404 Not Found", "", 0, b""));
    let source = plain(&server, &content);
    fs::create_dir(root.path().join("set")).unwrap();
    let path = root.path().join("set/a.bin");
    fs::write(&path, &content[1..]).unwrap();
    let message = message(&source, root.path());
    assert!(
        message.contains("a.bin: this file was there already") && message.contains("remove"),
        "{message}"
    );
    assert!(path.exists(), "a file of the user's is not removed");
    fs::write(&path, &content).unwrap();
    run(&source, root.path()).unwrap();
    assert!(server.starts().is_empty());
}

#[test]
fn an_archive_becomes_a_folder() {
    let content = tar_gz(&[("set/one.bin", b"1"), ("set/deep/two.bin", b"22")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server::start({
        let content = content.clone();
        move |_| whole(&content)
    });
    // An earlier run was killed while it unpacked.
    let aside = root.path().join(".set.unpacking/set");
    fs::create_dir_all(&aside).unwrap();
    fs::write(aside.join("half.bin"), "half").unwrap();
    let source = packed(&server, &content, Archive::TarGz);
    let mut phases = Vec::new();
    let folder = fetch_source(
        DatasetName::Cifar10,
        &source,
        root.path(),
        &mut |progress| phases.push(progress.phase),
    )
    .unwrap();
    assert_eq!(phases.last(), Some(&Phase::Unpack));
    assert_eq!(names(&folder), ["deep", "one.bin"]);
    assert_eq!(fs::read(folder.join("deep/two.bin")).unwrap(), b"22");
    assert_eq!(
        names(root.path()),
        ["set"],
        "neither archive nor scratch remains"
    );
    run(&source, root.path()).unwrap();
    assert_eq!(server.starts(), [None]);
}

#[test]
fn an_archive_brought_by_hand_is_used_and_kept() {
    let content = tar_gz(&[("set/one.bin", b"1")]);
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(|_| answer("404 Not Found", "", 0, b""));
    fs::write(root.path().join("a.bin"), &content).unwrap();
    run(&packed(&server, &content, Archive::TarGz), root.path()).unwrap();
    assert_eq!(names(root.path()), ["a.bin", "set"]);
    assert!(server.starts().is_empty());
}

#[test]
fn a_zip_becomes_a_folder() {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    zip.add_directory("set/empty", options).unwrap();
    zip.start_file("set/val/one.txt", options).unwrap();
    zip.write_all(b"one").unwrap();
    let content = zip.finish().unwrap().into_inner();
    let root = tempfile::tempdir().unwrap();
    let server = Server::start({
        let content = content.clone();
        move |_| whole(&content)
    });
    let folder = run(&packed(&server, &content, Archive::Zip), root.path()).unwrap();
    assert_eq!(names(&folder), ["empty", "val"]);
    assert_eq!(fs::read(folder.join("val/one.txt")).unwrap(), b"one");
}

#[test]
fn an_archive_that_cannot_be_unpacked_leaves_no_folder() {
    let whole_archive = tar_gz(&[("set/one.bin", &content())]);
    let cut = whole_archive[..whole_archive.len() / 2].to_vec();
    let other = tar_gz(&[("elsewhere/one.bin", b"1")]);
    for (archive, content) in [
        (Archive::TarGz, cut.clone()),
        (Archive::TarGz, other),
        (Archive::TarGz, b"text".to_vec()),
        (Archive::Zip, cut),
    ] {
        let root = tempfile::tempdir().unwrap();
        let server = Server::start(|_| answer("404 Not Found", "", 0, b""));
        fs::write(root.path().join("a.bin"), &content).unwrap();
        let message = message(&packed(&server, &content, archive), root.path());
        assert!(message.contains("a.bin: cannot be unpacked"), "{message}");
        assert!(!root.path().join("set").exists() && !root.path().join(".set.unpacking").exists());
    }
}

#[test]
fn two_at_once_do_not_meet() {
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start({
        let content = content.clone();
        move |_| whole(&content)
    });
    let source = plain(&server, &content);
    let held = lock(&root.path().join(".mnist.lock")).unwrap();
    assert!(message(&source, root.path()).contains("another fetch of the same is running"));
    drop(held);
    run(&source, root.path()).unwrap();
}

#[test]
fn a_mirror_is_asked_for_the_files_of_the_set() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::start(|_| whole(b"not mnist"));
    let options = FetchOptions {
        mirror: Some(format!("{}/", server.address)),
    };
    let error = fetch(DatasetName::Mnist, root.path(), &options, &mut |_| {}).unwrap_err();
    assert!(error.to_string().contains("has sha256"), "{error}");
    let asked = server.requests.lock().unwrap()[0].path.clone();
    assert_eq!(asked, "/mnist/train-images-idx3-ubyte.gz");
}

#[test]
fn sets_without_files_say_so() {
    for name in [
        DatasetName::Glyphs,
        DatasetName::ImageFolder,
        DatasetName::Shards,
    ] {
        let error = fetch(
            name,
            Path::new("/nowhere"),
            &FetchOptions::default(),
            &mut |_| {},
        )
        .unwrap_err();
        assert!(
            error.to_string().contains("nothing to download") && !error.is_remote(),
            "{error}"
        );
    }
}

#[test]
fn every_source_is_complete() {
    for (source, files) in [
        (mnist::DIGITS.source(), 4),
        (mnist::FASHION.source(), 4),
        (cifar::CIFAR10.source(), 1),
        (cifar::CIFAR100.source(), 1),
        (tiny_imagenet::source(), 1),
    ] {
        assert_eq!(source.files.len(), files);
        for remote in source.files {
            assert!(
                remote.url.ends_with(&remote.file) && remote.url.starts_with("http"),
                "{remote:?}"
            );
            assert!(
                remote.sha256.len() == 64 && remote.sha256.bytes().all(|b| b.is_ascii_hexdigit()),
                "{remote:?}"
            );
        }
    }
}

#[test]
fn a_full_disk_and_a_file_in_the_way_are_named() {
    let full = Problem::disk(
        Path::new("/data/a.part"),
        std::io::ErrorKind::StorageFull.into(),
    );
    assert!(
        full.to_string()
            .starts_with("/data/a.part: the disk is full")
    );
    let (content, root) = (content(), tempfile::tempdir().unwrap());
    let server = Server::start(|_| answer("404 Not Found", "", 0, b""));
    fs::write(root.path().join("set"), "a file where the folder belongs").unwrap();
    let message = message(&plain(&server, &content), root.path());
    assert!(
        message.contains(&root.path().join("set").display().to_string()),
        "{message}"
    );
}
