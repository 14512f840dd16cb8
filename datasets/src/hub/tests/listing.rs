//! What the Hub lists, and what it answers in the place of a list.

use super::*;

#[test]
fn a_listing_that_does_not_serve_says_why() {
    let table = corpus("parquet/snappy");
    let at = |paths: &[&'static str]| -> Vec<(&'static str, Vec<u8>)> {
        paths.iter().map(|path| (*path, table.clone())).collect()
    };
    let two = ["de/train/0000.parquet", "en/train/0000.parquet"];
    for (name, files, part) in [
        (
            "hf:owner/set",
            at(&two),
            "`zoo data fetch hf:owner/set:de` (configs: de, en)",
        ),
        (
            "hf:owner/set:fr",
            at(&two),
            "no such config (configs: de, en)",
        ),
        (
            "hf:owner/set",
            at(&["default/partial-train/0.parquet"]),
            "ends early (\"partial-train\")",
        ),
        (
            "hf:owner/set",
            at(&["default/all/0.parquet"]),
            "no split \"train\" (splits: all)",
        ),
        ("hf:owner/set", at(&["README.md"]), "no Parquet files"),
        (
            "hf:owner/set",
            at(&["a/../train.parquet"]),
            "under a name that is not allowed for a local file",
        ),
        (
            "hf:owner/other",
            Vec::new(),
            "there is no such set on the Hub",
        ),
    ] {
        let message = refusal(name, &files);
        assert!(
            message.starts_with(name) && message.contains(part),
            "{part}: {message}"
        );
    }
    for (status, part) in [
        ("401 Unauthorized", "HF_TOKEN"),
        ("403 Forbidden", "accept its terms"),
        ("500 Oops", "500"),
    ] {
        let root = tempfile::tempdir().unwrap();
        let server = Server::start(move |_| answer(status, "", 0, b""));
        let message = run("hf:owner/set", root.path(), &options(&server))
            .unwrap_err()
            .to_string();
        assert!(message.contains(part), "{message}");
        assert_eq!(
            asked(&server).len(),
            if status.starts_with('5') { 5 } else { 1 }
        );
    }
}

#[test]
fn a_long_listing_is_read_to_its_end() {
    let table = corpus("parquet/snappy");
    let pages: Vec<String> = ["default/train/0000.parquet", "default/test/0000.parquet"]
        .iter()
        .map(|path| {
            json!([{ "type": "directory", "path": "default" }, entry(path, &table)]).to_string()
        })
        .collect();
    // As the Hub says it, whatever mirror was asked.
    let next = format!("Link: <https://huggingface.co{LISTING}&cursor=2>; rel=\"next\"\r\n");
    let server = Server::start(move |request| match request.path.as_str() {
        LISTING => answer("200 OK", &next, pages[0].len(), pages[0].as_bytes()),
        path if path.ends_with("cursor=2") => ok(&pages[1]),
        _ => ranged(&table, request),
    });
    let root = tempfile::tempdir().unwrap();
    let data = read(&run("hf:owner/set", root.path(), &options(&server)).unwrap());
    assert_eq!(content(&data.valid), expected(1));
}

#[test]
fn a_listing_that_goes_in_circles_is_left() {
    let next = format!("Link: <{LISTING}>; rel=\"next\"\r\n");
    let server = Server::start(move |_| answer("200 OK", &next, 2, b"[]"));
    let root = tempfile::tempdir().unwrap();
    let error = run("hf:owner/set", root.path(), &options(&server)).unwrap_err();
    assert!(error.to_string().contains("in circles"), "{error}");
    assert_eq!(asked(&server).len(), 2);
}

#[test]
fn a_set_under_an_old_name_is_asked_for_with_the_token_again() {
    let table = corpus("parquet/snappy");
    let listing = json!([entry("default/train/0000.parquet", &table)]).to_string();
    let server = Server::start(move |request| match &request.token {
        None => answer("401 Unauthorized", "", 0, b""),
        Some(_) if request.path.starts_with("/api/datasets/owner/set") => {
            let new = format!("Location: {}\r\n", LISTING.replace("owner", "heir"));
            answer("307 Temporary Redirect", &new, 0, b"")
        }
        Some(_) if request.path.starts_with("/api/") => ok(&listing),
        // Who may see the list may not have the files.
        Some(_) => answer("403 Forbidden", "", 0, b""),
    });
    let options = HubOptions {
        token: Some("hf_secret".to_owned()),
        ..options(&server)
    };
    let root = tempfile::tempdir().unwrap();
    let error = run("hf:owner/set", root.path(), &options)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("accept its terms there") && !error.contains("hf_secret"),
        "{error}"
    );
    assert_eq!(asked(&server).len(), 3);
}
