//! train, eval and predict on runs of a few steps.

mod common;

use std::path::Path;
use std::process::Command;

use common::{TINY, folder, refuse, run, succeed, write};
use serde_json::Value;

/// A finished run in `runs/tiny`.
fn trained() -> tempfile::TempDir {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    succeed(folder.path(), &["train", "tiny.toml", "--out", "runs/tiny"]);
    folder
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The lines of `metrics.jsonl` without what depends on the clock.
fn metrics(run: &Path) -> Vec<Value> {
    let text = String::from_utf8(read(run.join("metrics.jsonl"))).expect("text");
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("one JSON object a line");
        for clock in ["seconds", "images_per_second"] {
            record.as_object_mut().expect("an object").remove(clock);
        }
        record
    });
    lines.collect()
}

#[test]
fn a_run_leaves_a_run_folder_and_a_summary() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let done = succeed(folder.path(), &["train", "tiny.toml", "--json"]);
    let summary = done.json();
    assert_eq!(summary["model"], "lenet5_modern");
    assert_eq!(summary["dataset"], "glyphs");
    assert_eq!(summary["params"], 61_706);
    assert_eq!(summary["epochs"], 2);
    assert_eq!(summary["run"], "runs/glyphs-lenet5_modern");
    for line in ["epoch 1/2", "epoch 2/2"] {
        assert!(done.stderr.contains(line), "{}", done.stderr);
    }
    let out = folder.path().join("runs/glyphs-lenet5_modern");
    for name in [
        "config.toml",
        "metrics.jsonl",
        "best.bpk",
        "summary.json",
        "checkpoints",
    ] {
        assert!(out.join(name).exists(), "{name}");
    }
    let written: Value = serde_json::from_slice(&read(out.join("summary.json"))).expect("JSON");
    assert_eq!(written["valid"], summary["valid"]);

    let text = succeed(folder.path(), &["train", "tiny.toml", "--out", "b"]).stdout;
    assert!(
        text.contains("b: lenet5_modern on glyphs, 2 epochs, 61,706 parameters"),
        "{text}"
    );
    assert_eq!(
        metrics(&out),
        metrics(&folder.path().join("b")),
        "the same run file, the same numbers"
    );
}

#[test]
fn a_run_that_is_there_is_kept_resumed_or_overwritten() {
    let folder = trained();
    let out = folder.path().join("runs/tiny");
    let before = read(out.join("metrics.jsonl"));
    let train = ["train", "tiny.toml", "--out", "runs/tiny"];
    let with = |more: &[&'static str]| {
        train
            .iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };

    refuse(
        folder.path(),
        &train,
        &["runs/tiny", "--resume", "--overwrite"],
    );
    assert_eq!(read(out.join("metrics.jsonl")), before);

    refuse(
        folder.path(),
        &with(&["--resume", "--set", "optimizer.lr=0.5"]),
        &["optimizer.lr", "0.02", "0.5"],
    );
    refuse(
        folder.path(),
        &with(&["--resume", "--set", "model.arch=lenet5"]),
        &["model.arch", "lenet5_modern"],
    );
    assert_eq!(read(out.join("metrics.jsonl")), before);

    succeed(folder.path(), &with(&["--resume"]));
    assert_eq!(
        metrics(&out).len(),
        2,
        "a finished run has nothing left to do"
    );

    succeed(
        folder.path(),
        &with(&["--overwrite", "--set", "train.epochs=1"]),
    );
    assert_eq!(metrics(&out).len(), 1);

    // A folder with something else in it is not ours to write into.
    write(folder.path(), "mine/letter.txt", "dear");
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--out", "mine"],
        &["mine"],
    );
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--out", "tiny.toml"],
        &["tiny.toml"],
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_step_and_the_printed_command_goes_on_to_the_same_numbers() {
    let folder = folder();
    let long = TINY
        .replace("train_size = 64", "train_size = 2000")
        .replace("epochs = 2", "epochs = 3");
    write(folder.path(), "long.toml", long);
    let binary = assert_cmd::cargo::cargo_bin("zoo");
    let child = Command::new(&binary)
        .args(["train", "long.toml", "--set", "seed=3", "--out", "cut"])
        .current_dir(folder.path())
        .env_remove("BURN_DEVICE")
        .stderr(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    // The first epoch is over once its line is written.
    let metrics_file = folder.path().join("cut/metrics.jsonl");
    for _ in 0..2400 {
        if std::fs::metadata(&metrics_file).is_ok_and(|file| file.len() > 0) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let signalled = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(signalled.expect("kill is everywhere").success());
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(output.stdout.is_empty());
    let command = stderr
        .lines()
        .map(str::trim)
        .find(|line| line.starts_with("zoo train"))
        .expect("a command");
    assert_eq!(
        command,
        "zoo train long.toml --set seed=3 --out cut --resume"
    );
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    succeed(folder.path(), &arguments);

    succeed(
        folder.path(),
        &["train", "long.toml", "--set", "seed=3", "--out", "whole"],
    );
    let (cut, whole) = (folder.path().join("cut"), folder.path().join("whole"));
    assert_eq!(metrics(&cut), metrics(&whole));
    assert_eq!(
        read(cut.join("best.bpk")).len(),
        read(whole.join("best.bpk")).len()
    );
}

#[test]
fn an_evaluation_repeats_the_best_validation() {
    let folder = trained();
    let run = folder.path().join("runs/tiny");
    let summary: Value = serde_json::from_slice(&read(run.join("summary.json"))).expect("JSON");
    let report = succeed(folder.path(), &["eval", "runs/tiny", "--json"]).json();
    assert_eq!(report["model"], "lenet5_modern");
    assert_eq!(report["dataset"], "glyphs");
    assert_eq!(report["samples"], 32);
    assert_eq!(report["top1"], summary["best"]["top1"]);
    let (ours, theirs) = (
        report["loss"].as_f64().unwrap(),
        summary["best"]["loss"].as_f64().unwrap(),
    );
    assert!((ours - theirs).abs() < 1e-5, "{ours} {theirs}");

    let text = succeed(
        folder.path(),
        &["eval", "runs/tiny", "--batch-size", "5", "--workers", "0"],
    )
    .stdout;
    assert!(
        text.contains("lenet5_modern (runs/tiny/best.bpk) on glyphs: loss"),
        "{text}"
    );

    let model = [
        "eval",
        "--model",
        "lenet5_modern",
        "--weights",
        "runs/tiny/best.bpk",
        "--data",
        "glyphs",
        "--json",
    ];
    let report = succeed(folder.path(), &model).json();
    assert_eq!(report["weights"], "runs/tiny/best.bpk");
    assert!(
        report["samples"].as_u64().expect("a number") > 32,
        "the whole validation split"
    );
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let folder = trained();
    let weights = read(folder.path().join("runs/tiny/best.bpk"));
    write(folder.path(), "cut.bpk", &weights[..weights.len() / 2]);
    write(folder.path(), "text.bpk", "no weights");
    let eval = |model: &'static str, weights: &'static str| {
        [
            "eval",
            "--model",
            model,
            "--weights",
            weights,
            "--data",
            "glyphs",
        ]
    };
    let best = "runs/tiny/best.bpk";
    refuse(
        folder.path(),
        &eval("resnet20", best),
        &[best, "do not fit resnet20"],
    );
    refuse(
        folder.path(),
        &eval("lenet5", best),
        &[best, "do not fit lenet5"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_moder", best),
        &["did you mean lenet5_modern?"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "cut.bpk"),
        &["cut.bpk", "not a whole burnpack file"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "text.bpk"),
        &["text.bpk", "not a whole burnpack file"],
    );
    refuse(
        folder.path(),
        &eval("lenet5_modern", "none.bpk"),
        &["none.bpk", "cannot be read"],
    );
    refuse(folder.path(), &eval("lenet5_modern", "runs"), &["runs"]);
    refuse(
        folder.path(),
        &["eval", "nowhere"],
        &["nowhere", "not a run folder"],
    );
    refuse(
        folder.path(),
        &["eval", "runs/tiny", "--batch-size", "0"],
        &["--batch-size"],
    );

    // A run folder whose weights are of another network.
    succeed(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--set",
            "model.arch=lenet5",
            "--out",
            "other",
        ],
    );
    std::fs::copy(
        folder.path().join("other/best.bpk"),
        folder.path().join(best),
    )
    .expect("writable");
    refuse(
        folder.path(),
        &["eval", "runs/tiny"],
        &["best.bpk", "do not fit lenet5_modern"],
    );
    std::fs::remove_file(folder.path().join(best)).expect("writable");
    refuse(
        folder.path(),
        &["eval", "runs/tiny"],
        &["best.bpk", "--resume"],
    );
}

#[test]
fn predictions_name_classes_and_probabilities() {
    let folder = trained();
    let digit = folder.path().join("pictures/some/digit.png");
    std::fs::create_dir_all(digit.parent().expect("below")).expect("writable");
    image::GrayImage::from_fn(32, 32, |x, _| {
        image::Luma([if (14..18).contains(&x) { 255 } else { 0 }])
    })
    .save(&digit)
    .expect("writable");
    image::RgbImage::from_pixel(70, 50, image::Rgb([9, 80, 200]))
        .save(folder.path().join("pictures/photo.jpg"))
        .expect("writable");

    let report = succeed(
        folder.path(),
        &["predict", "runs/tiny", "pictures", "--json"],
    )
    .json();
    let predictions = report["predictions"].as_array().expect("a list");
    assert_eq!(predictions.len(), 2);
    for prediction in predictions {
        let classes = prediction["classes"].as_array().expect("a list");
        assert_eq!(classes.len(), 5);
        let probabilities: Vec<f64> = classes
            .iter()
            .map(|class| class["probability"].as_f64().expect("a number"))
            .collect();
        assert!(
            probabilities.is_sorted_by(|a, b| a >= b),
            "{probabilities:?}"
        );
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)));
    }
    let all = succeed(
        folder.path(),
        &[
            "predict",
            "runs/tiny",
            "pictures/some/digit.png",
            "-k",
            "99",
            "--json",
        ],
    )
    .json();
    let classes = all["predictions"][0]["classes"]
        .as_array()
        .expect("a list")
        .clone();
    assert_eq!(classes.len(), 10, "no more than there are");
    let sum: f64 = classes
        .iter()
        .filter_map(|class| class["probability"].as_f64())
        .sum();
    assert!((sum - 1.0).abs() < 1e-5, "{sum}");

    let text = succeed(
        folder.path(),
        &["predict", "runs/tiny", "pictures/*.jpg", "-k", "1"],
    )
    .stdout;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.contains("pictures/photo.jpg"), "{text}");

    let weights = [
        "predict",
        "--model",
        "lenet5_modern",
        "--weights",
        "runs/tiny/best.bpk",
    ];
    let with = |more: &[&'static str]| {
        weights
            .iter()
            .copied()
            .chain(more.iter().copied())
            .collect::<Vec<_>>()
    };
    let unnamed = succeed(folder.path(), &with(&["pictures", "--json"])).json();
    assert!(
        unnamed["predictions"][0]["classes"][0]["class"]
            .as_str()
            .expect("a name")
            .starts_with("class ")
    );
    let named = succeed(
        folder.path(),
        &with(&["--data", "glyphs", "pictures", "--json"]),
    )
    .json();
    assert_eq!(
        named["predictions"], report["predictions"],
        "the data set's names and statistics"
    );
}

#[test]
fn pictures_that_cannot_be_read_are_named() {
    let folder = trained();
    let good = folder.path().join("good.png");
    image::GrayImage::new(32, 32).save(&good).expect("writable");
    let bytes = read(&good);
    write(folder.path(), "cut.png", &bytes[..bytes.len() / 2]);
    write(folder.path(), "text.jpg", "this is no picture");
    std::fs::create_dir(folder.path().join("empty")).expect("writable");

    let predict = |images: &[&'static str]| {
        ["predict", "runs/tiny"]
            .iter()
            .copied()
            .chain(images.iter().copied())
            .collect::<Vec<_>>()
    };
    refuse(
        folder.path(),
        &predict(&["good.png", "cut.png"]),
        &["cut.png", "--skip-bad"],
    );
    refuse(folder.path(), &predict(&["text.jpg"]), &["text.jpg"]);
    refuse(
        folder.path(),
        &predict(&["text.jpg", "--skip-bad"]),
        &["none of the pictures"],
    );
    refuse(folder.path(), &predict(&["none.jpg"]), &["none.jpg"]);
    refuse(folder.path(), &predict(&["*.gif"]), &["*.gif"]);
    refuse(
        folder.path(),
        &predict(&["empty"]),
        &["empty", "no picture"],
    );
    refuse(folder.path(), &predict(&[]), &["no picture is named"]);
    refuse(
        folder.path(),
        &["predict", "good.png", "good.png"],
        &["good.png is not a run folder"],
    );
    let done = run(
        folder.path(),
        &predict(&["good.png", "cut.png", "text.jpg", "--skip-bad", "--json"]),
    );
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert_eq!(done.json()["predictions"].as_array().map(Vec::len), Some(1));
    assert_eq!(done.json()["left_out"].as_array().map(Vec::len), Some(2));
    assert!(
        done.stderr.contains("cut.png") && done.stderr.contains("text.jpg"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_model_and_a_data_set_must_fit() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let wrong: [(&str, &[&str]); 5] = [
        ("model.num_classes=7", &["7 classes", "10"]),
        ("data.size=28", &["lenet5_modern", "32×32", "28×28"]),
        (
            "model.in_channels=2",
            &["model.in_channels", "1 (grey) or 3 (RGB)"],
        ),
        ("data.name=mnist", &["mnist", "zoo data fetch mnist"]),
        ("data.name=image_folder", &["image_folder"]),
    ];
    for (assignment, parts) in wrong {
        refuse(
            folder.path(),
            &["train", "tiny.toml", "--set", assignment],
            parts,
        );
    }
    let other = [
        "train",
        "tiny.toml",
        "--set",
        "model.arch=resnet20",
        "--set",
        "data.size=64",
    ];
    refuse(
        folder.path(),
        &other,
        &["resnet20", "64×64", "32×32", "data.fit"],
    );
    assert!(
        !folder.path().join("runs").exists(),
        "nothing is written before all fits"
    );
}

#[test]
fn a_text_file_among_the_pictures_is_refused_or_skipped_as_the_run_file_says() {
    let folder = folder();
    for class in ["cats", "dogs"] {
        for (split, count) in [("train", 4), ("val", 2)] {
            for index in 0..count {
                let path = folder
                    .path()
                    .join(format!("set/{split}/{class}/{index}.png"));
                std::fs::create_dir_all(path.parent().expect("below the folder"))
                    .expect("writable");
                image::RgbImage::from_pixel(32, 32, image::Rgb([index * 40, 0, 90]))
                    .save(path)
                    .expect("writable");
            }
        }
    }
    write(
        folder.path(),
        "set/train/cats/fake.jpg",
        "this is no picture",
    );
    let config = TINY
        .replace(
            "name = \"glyphs\"",
            "name = \"image_folder\"\nroot = \"set\"",
        )
        .replace("batch_size = 16", "batch_size = 3");
    write(folder.path(), "set.toml", config);
    refuse(
        folder.path(),
        &["train", "set.toml", "--out", "a"],
        &["fake.jpg"],
    );
    let done = succeed(
        folder.path(),
        &[
            "train",
            "set.toml",
            "--out",
            "b",
            "--set",
            "data.on_bad=skip",
        ],
    );
    assert!(done.stderr.contains("fake.jpg"), "{}", done.stderr);

    std::fs::create_dir_all(folder.path().join("hollow/train/cats")).expect("writable");
    refuse(
        folder.path(),
        &["train", "set.toml", "--set", "data.root=hollow"],
        &["hollow"],
    );
    refuse(
        folder.path(),
        &["train", "set.toml", "--set", "data.root=gone"],
        &["gone"],
    );
}

#[test]
fn a_run_folder_that_cannot_be_written_is_named() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--out", "/proc/zoo"],
        &["/proc/zoo"],
    );
    write(folder.path(), "file", "");
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--out", "file/run"],
        &["file/run"],
    );
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let locked = folder.path().join("locked");
    std::fs::create_dir(&locked).expect("writable");
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o555)).expect("ours");
    if std::fs::write(locked.join("probe"), "").is_ok() {
        // The superuser writes anywhere.
        return;
    }
    refuse(
        folder.path(),
        &["train", "tiny.toml", "--out", "locked/run"],
        &["locked/run"],
    );
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).expect("ours");
}

/// A limit on the size of files makes every longer write fail, as a full disk does.
#[cfg(unix)]
#[test]
fn a_disk_that_takes_no_more_ends_the_run_with_a_sentence() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(assert_cmd::cargo::cargo_bin("zoo"))
        .args(["train", "tiny.toml", "--out", "full"])
        .current_dir(folder.path())
        .env_remove("BURN_DEVICE")
        .output()
        .expect("sh is everywhere");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("error: cannot write") && stderr.contains("full"),
        "{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn a_loss_that_is_no_number_any_more_is_a_failure_with_advice() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let wild = [
        "train",
        "tiny.toml",
        "--set",
        "optimizer.lr=1e30",
        "--out",
        "wild",
    ];
    let done = run(folder.path(), &wild);
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    assert!(done.stderr.contains("optimizer.lr"), "{}", done.stderr);
}
