//! Fetches that ended somewhere on their way.

use super::*;

#[test]
fn an_interrupted_fetch_goes_on_where_it_stopped() {
    let (first, second) = (corpus("parquet/snappy"), corpus("parquet/zstd"));
    let listing = json!([
        entry("default/train/0000.parquet", &first),
        entry("default/train/0001.parquet", &second),
    ])
    .to_string();
    let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let server = Server::start({
        let is_up = is_up.clone();
        move |request| match request.path.rsplit('/').next().unwrap() {
            // The connection ends in the middle, and is taken up again.
            "0000.parquet" if request.from.is_none() => {
                answer("200 OK", "", first.len(), &first[..2000])
            }
            "0000.parquet" => ranged(&first, request),
            "0001.parquet" if is_up.load(std::sync::atomic::Ordering::Relaxed) => {
                ranged(&second, request)
            }
            "0001.parquet" => answer("404 Not Found", "", 0, b""),
            _ => ok(&listing),
        }
    });
    let root = tempfile::tempdir().unwrap();
    let message = run("hf:owner/set", root.path(), &options(&server))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("404 Not Found") && message.contains("zoo data fetch hf:owner/set"),
        "{message}"
    );
    let starts: Vec<_> = asked(&server)
        .into_iter()
        .map(|request| request.from)
        .collect();
    assert_eq!(starts, [None, None, Some(2000), None]);
    is_up.store(true, std::sync::atomic::Ordering::Relaxed);
    let data = read(&run("hf:owner/set", root.path(), &options(&server)).unwrap());
    assert_eq!(asked(&server).len(), 2, "the listing and the second file");
    assert_eq!(data.train.len() + data.valid.len(), 24);
}

#[test]
fn a_set_that_changed_meanwhile_is_fetched_anew() {
    let root = tempfile::tempdir().unwrap();
    let (broken, _store) = hub(&[
        ("default/test/0000.parquet", b"no table".to_vec()),
        ("default/train/0000.parquet", corpus("parquet/snappy")),
    ]);
    assert!(run("hf:owner/set", root.path(), &options(&broken)).is_err());
    let aside = root.path().join(".owner--set.fetching");
    assert!(aside.join("tars/train-000000.tar").exists());
    let (mended, _store) = hub(&[("default/train/0000.parquet", corpus("parquet/names"))]);
    let data = read(&run("hf:owner/set", root.path(), &options(&mended)).unwrap());
    // The first states them in another order.
    assert_eq!(data.info.classes, ["bird", "cat", "dog, hound"]);
}

#[test]
fn a_fetch_that_ended_before_it_had_cleaned_up_is_complete() {
    let root = tempfile::tempdir().unwrap();
    let (hub, _store) = hub(&[("default/train/0000.parquet", corpus("parquet/snappy"))]);
    let folder = run("hf:owner/set", root.path(), &options(&hub)).unwrap();
    let aside = root.path().join(".owner--set.fetching");
    fs::create_dir(&aside).unwrap();
    asked(&hub);
    assert_eq!(
        run("hf:owner/set", root.path(), &options(&hub)).unwrap(),
        folder
    );
    assert!(asked(&hub).is_empty() && !aside.exists());
}

#[test]
fn a_fetch_that_ended_between_its_last_steps_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let (hub, store) = hub(&[("default/train/0000.parquet", corpus("parquet/snappy"))]);
    let folder = run("hf:owner/set", root.path(), &options(&hub)).unwrap();
    let whole = fs::read(folder.join(MANIFEST)).unwrap();
    let aside = root.path().join(".owner--set.fetching");
    fs::remove_dir_all(&folder).unwrap();
    let listing = Listing::ask(&"hf:owner/set".parse().unwrap(), &options(&hub)).unwrap();
    // What was left of a removal goes: it has no plan.
    fs::create_dir_all(aside.join("tars")).unwrap();
    fs::write(aside.join("tars/train-000000.tar.index"), "of another set").unwrap();
    listing.begin(&aside).unwrap();
    assert!(!aside.join("tars").exists());
    // Packed, but for the name of the folder.
    run("hf:owner/set", root.path(), &options(&hub)).unwrap();
    let (tars, shards) = (aside.join("tars"), aside.join("shards"));
    listing.begin(&aside).unwrap();
    convert::all(
        &"hf:owner/set".parse().unwrap(),
        &listing,
        &aside,
        &tars,
        &options(&hub),
        "",
        &mut |_| {},
    )
    .unwrap();
    fs::rename(&folder, &shards).unwrap();
    asked(&store);
    run("hf:owner/set", root.path(), &options(&hub)).unwrap();
    assert_eq!(fs::read(folder.join(MANIFEST)).unwrap(), whole);
    assert!(asked(&store).is_empty() && !aside.exists());
}
