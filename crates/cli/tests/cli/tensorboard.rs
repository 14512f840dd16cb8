//! The event file, read back by TensorBoard's own Python package where `python3` has it.

use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value};

use crate::common::{TINY, folder, metrics, read, succeed, write};
use crate::report::assert_csv;

const READER: &str = r#"
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
events.Reload()
tags = events.Tags()["scalars"]
print(json.dumps({tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)] for tag in tags}))
"#;

/// Tag → (step, value, time) of every scalar in the run folder; none where there is no TensorBoard.
fn scalars(run: &Path) -> Option<Map<String, Value>> {
    let python = |code: &str| Command::new("python3").args(["-c", code]).arg(run).output();
    let has_it = python("import tensorboard").is_ok_and(|output| output.status.success());
    if !has_it {
        eprintln!("skipped: python3 has no tensorboard (pip install tensorboard)");
        return None;
    }
    let output = python(READER).expect("it has just run");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("text");
    let parsed = serde_json::from_str(text.lines().last().expect("a line"));
    Some(parsed.expect("JSON"))
}

/// Every number of `metrics.jsonl` is one scalar, and there is no other.
fn assert_scalars(run: &Path) {
    let Some(scalars) = scalars(run) else {
        return;
    };
    let text = String::from_utf8(read(run.join("metrics.jsonl"))).expect("text");
    let machines: Value = serde_json::from_slice(&read(run.join("machine.json"))).expect("JSON");
    let started = machines[0]["started"].as_f64().expect("a time");
    let records: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut tags = 0;
    for pass in ["train", "valid", "ema"] {
        for score in ["loss", "top1", "top5"]
            .iter()
            .filter(|_| records[0].get(pass).is_some())
        {
            assert_series(
                &scalars,
                &format!("{score}/{pass}"),
                &records,
                started,
                |record| record[pass][score].as_f64(),
            );
            tags += 1;
        }
    }
    for tag in [
        "epoch",
        "lr",
        "images_per_second",
        "data_wait",
        "seconds",
        "skipped",
    ] {
        // What is zero is left out of a line.
        assert_series(&scalars, tag, &records, started, |record| {
            record.get(tag).map_or(Some(0.0), Value::as_f64)
        });
        tags += 1;
    }
    assert_eq!(scalars.len(), tags, "{:?}", scalars.keys());
}

fn assert_series(
    scalars: &Map<String, Value>,
    tag: &str,
    records: &[Value],
    started: f64,
    value: impl Fn(&Value) -> Option<f64>,
) {
    let series = scalars.get(tag).and_then(Value::as_array);
    let series = series.unwrap_or_else(|| panic!("no {tag} in {:?}", scalars.keys()));
    assert_eq!(series.len(), records.len(), "{tag}: once an epoch");
    for (scalar, record) in series.iter().zip(records) {
        assert_eq!(scalar[0], record["step"], "{tag}");
        let expected = value(record).expect("a number") as f32;
        assert_eq!(
            scalar[1].as_f64().expect("a number") as f32,
            expected,
            "{tag}"
        );
        let time = started + record["seconds"].as_f64().expect("a number");
        assert!(
            (scalar[2].as_f64().expect("a number") - time).abs() < 1e-5,
            "{tag}"
        );
    }
}

#[test]
fn tensorboard_finds_every_number() {
    let folder = folder();
    write(
        folder.path(),
        "tiny.toml",
        format!("{TINY}\n[ema]\ndecay = 0.9\n"),
    );
    succeed(folder.path(), &["train", "tiny.toml", "--out", "run"]);
    assert_scalars(&folder.path().join("run"));
    assert_csv(&folder.path().join("run"));
}

#[test]
fn torn_logs_are_whole_again_when_the_run_goes_on() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let train = ["train", "tiny.toml", "--out", "run"];
    succeed(folder.path(), &train);
    let run = folder.path().join("run");
    let logs = ["metrics.jsonl", "metrics.csv", "events.out.tfevents"];
    let whole = logs.map(|name| read(run.join(name)));
    let resume = [train.as_slice(), &["--resume"]].concat();
    for cut in [1, 7, 40, 150] {
        for (name, whole) in logs.iter().zip(&whole) {
            std::fs::write(run.join(name), &whole[..whole.len() - cut]).expect("writable");
        }
        succeed(folder.path(), &resume);
        assert_eq!(
            logs.map(|name| read(run.join(name))),
            whole,
            "{cut} bytes torn off"
        );
    }
    for (name, whole) in logs.iter().zip(&whole) {
        let longer = [whole.as_slice(), b"{\"epoch\":3,"].concat();
        std::fs::write(run.join(name), longer).expect("writable");
    }
    succeed(folder.path(), &resume);
    assert_eq!(
        logs.map(|name| read(run.join(name))),
        whole,
        "a line too many"
    );
}

/// A run killed in an epoch, its logs torn on top of that, ends with every epoch once.
#[cfg(unix)]
#[test]
fn a_killed_run_with_torn_logs_ends_with_every_epoch_once() {
    let folder = folder();
    let longer = TINY
        .replace("train_size = 64", "train_size = 640")
        .replace("epochs = 2", "epochs = 5");
    write(folder.path(), "long.toml", longer);
    let train = ["train", "long.toml", "--out", "run"];
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("zoo"))
        .args(train)
        .current_dir(folder.path())
        .env_remove("BURN_DEVICE")
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary starts");
    let run = folder.path().join("run");
    // The second checkpoint is there, the third may be on its way.
    for _ in 0..6000 {
        if run.join("checkpoints/epoch-0002-batch-000000").exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("it is still there");
    child.wait().expect("it was started");
    for name in ["metrics.jsonl", "metrics.csv", "events.out.tfevents"] {
        let path = run.join(name);
        let bytes = read(&path);
        std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("writable");
    }
    // Before it goes on, the page shows what is whole.
    let report = succeed(folder.path(), &["report", "run", "--json"]).json();
    assert!(report["runs"][0]["epochs"].as_u64().expect("a count") >= 1);

    succeed(folder.path(), &[train.as_slice(), &["--resume"]].concat());
    let epochs: Vec<Value> = metrics(&run)
        .iter()
        .map(|record| record["epoch"].clone())
        .collect();
    assert_eq!(epochs, [1, 2, 3, 4, 5]);
    assert_csv(&run);
    assert_scalars(&run);
}
