//! train: the run folder, resuming, Ctrl-C.

#[cfg(unix)]
use std::process::Command;

use serde_json::Value;

use crate::common::{TINY, folder, metrics, read, refuse, run, succeed, trained, write};

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

    // Whatever was good before stays.
    let later = [
        "train",
        "tiny.toml",
        "--set",
        "schedule={kind='exponential',gamma=1e30,by='epoch'}",
        "--out",
        "later",
    ];
    let done = run(folder.path(), &later);
    assert_eq!(done.code, 1, "{}{}", done.stdout, done.stderr);
    for part in ["step", "epoch 2"] {
        assert!(done.stderr.contains(part), "{part}: {}", done.stderr);
    }
    assert_eq!(metrics(&folder.path().join("later")).len(), 1);
    assert!(
        folder
            .path()
            .join("later/checkpoints/epoch-0001-batch-000000")
            .is_dir()
    );
    succeed(folder.path(), &["eval", "later"]);
}

/// Everything with chance or state in it.
#[cfg(unix)]
const RECIPE: &str = r#"
label_smoothing = 0.1
accumulate = 2

[schedule]
kind = "cosine"
warmup_steps = 10

[augment]
crop = "pad"
policy = "rand_augment"
color_jitter = { brightness = 0.2 }
erasing = { prob = 0.25, value = "random" }
cutout = 8
mixup = 0.2
cutmix = 1.0

[ema]
decay = 0.99
"#;

/// Kills a run at odd moments, each time without a warning, and lets it go on.
#[cfg(unix)]
#[test]
fn a_run_that_is_killed_at_any_moment_ends_as_one_that_is_not() {
    fn arguments(out: &str) -> [&str; 6] {
        [
            "train",
            "tiny.toml",
            "--set",
            "checkpoint.every_steps=3",
            "--out",
            out,
        ]
    }
    let folder = folder();
    let longer = TINY
        .replace("train_size = 64", "train_size = 640")
        .replace("epochs = 2", "epochs = 3");
    write(folder.path(), "tiny.toml", longer + RECIPE);
    succeed(folder.path(), &arguments("whole"));
    let whole = metrics(&folder.path().join("whole"));
    assert_eq!(whole.len(), 3);

    let binary = assert_cmd::cargo::cargo_bin("zoo");
    let mut killed = 0;
    for (number, milliseconds) in [5, 150, 400, 900].into_iter().enumerate() {
        let out = format!("killed-{number}");
        let mut child = Command::new(&binary)
            .args(arguments(&out))
            .current_dir(folder.path())
            .env_remove("BURN_DEVICE")
            .stderr(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("the binary starts");
        std::thread::sleep(std::time::Duration::from_millis(milliseconds));
        // SIGKILL, or nothing where it has ended already.
        let _ = child.kill();
        let status = child.wait().expect("it was started");
        killed += usize::from(status.code().is_none());
        let resumed: Vec<&str> = arguments(&out).into_iter().chain(["--resume"]).collect();
        succeed(folder.path(), &resumed);
        let run = folder.path().join(&out);
        assert_eq!(metrics(&run), whole, "killed after {milliseconds} ms");
        let left = std::fs::read_dir(run.join("checkpoints")).expect("a folder");
        for entry in left {
            let name = entry.expect("readable").file_name();
            assert!(name.to_string_lossy().starts_with("epoch-"), "{name:?}");
        }
    }
    assert!(killed >= 2, "only {killed} of the runs were still going");
}
