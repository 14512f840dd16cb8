//! sweep: the grid, its runs, failures, a kill.

use serde_json::Value;

use crate::common::{TINY, folder, metrics, read, refuse, run, succeed, write};

const SWEEP: [&str; 8] = [
    "sweep",
    "tiny.toml",
    "--grid",
    "optimizer.lr=0.01,0.05",
    "--grid",
    "model.arch=lenet5_modern,lenet5",
    "--out",
    "s",
];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    SWEEP.iter().chain(more).copied().collect()
}

#[test]
fn a_sweep_trains_every_combination_and_compares_them() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let done = succeed(folder.path(), &with(&["--json"]));
    let sweep = done.json();
    let runs = sweep["runs"].as_array().expect("a list");
    let names: Vec<&str> = runs
        .iter()
        .map(|run| run["run"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "lr=0.01,arch=lenet5_modern",
            "lr=0.01,arch=lenet5",
            "lr=0.05,arch=lenet5_modern",
            "lr=0.05,arch=lenet5"
        ]
    );
    for (number, run) in runs.iter().enumerate() {
        assert_eq!(run["state"], "finished");
        let out = folder.path().join("s").join(names[number]);
        let summary: Value = serde_json::from_slice(&read(out.join("summary.json"))).expect("JSON");
        assert_eq!(run["summary"], summary);
        assert!(
            done.stderr
                .contains(&format!("run {}/4: {}", number + 1, names[number]))
        );
    }
    assert_eq!(runs[1]["summary"]["model"], "lenet5");
    let written: Value =
        serde_json::from_slice(&read(folder.path().join("s/sweep.json"))).expect("JSON");
    assert_eq!(written, sweep);
    let page = String::from_utf8(read(folder.path().join("s/report.html"))).expect("text");
    assert!(page.contains("4 runs") && page.contains("<th scope=\"row\">model.arch</th>"));

    // As a run alone with the same settings.
    succeed(
        folder.path(),
        &[
            "train",
            "tiny.toml",
            "--set",
            "optimizer.lr=0.05",
            "--out",
            "alone",
        ],
    );
    assert_eq!(
        metrics(&folder.path().join("alone")),
        metrics(&folder.path().join("s").join(names[2]))
    );

    // Again: refused, resumed with nothing to do, a value more.
    refuse(
        folder.path(),
        &SWEEP,
        &["s already holds a sweep", "--resume", "--overwrite"],
    );
    let before = read(folder.path().join("s").join(names[0]).join("machine.json"));
    let text = succeed(folder.path(), &with(&["--resume"]));
    assert_eq!(
        text.stderr.matches("is finished already").count(),
        4,
        "{}",
        text.stderr
    );
    assert!(
        text.stdout.contains("report: s/report.html"),
        "{}",
        text.stdout
    );
    assert_eq!(
        read(folder.path().join("s").join(names[0]).join("machine.json")),
        before
    );
    refuse(
        folder.path(),
        &with(&["--resume", "--set", "train.epochs=3"]),
        &["train.epochs", "2", "3"],
    );
    let report = succeed(
        folder.path(),
        &["report", "s", "--json", "-o", "again.html"],
    )
    .json();
    assert_eq!(report["runs"].as_array().map(Vec::len), Some(4));
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    for (grid, parts) in [
        (
            "optimizer.lrr=0.1,0.2",
            ["--grid optimizer.lrr=0.1", "did you mean `lr`?"],
        ),
        (
            "optimizer.lr=0.1,fast",
            ["--grid optimizer.lr=fast", "optimizer.lr"],
        ),
        ("optimizer.lr=0.1,-1", ["optimizer.lr", "found -1"]),
        (
            "model.arch=lenet5,lenet6",
            ["model.arch", "did you mean lenet5?"],
        ),
        (
            "model.arch=lenet5,alexnet",
            ["alexnet takes images", "data.fit"],
        ),
        ("data.name=glyphs,mnst", ["mnst", "mnist"]),
        ("model.weights=none.bpk", ["none.bpk", "cannot be read"]),
        ("optimizer.lr", ["--grid optimizer.lr", "found no ="]),
    ] {
        refuse(
            folder.path(),
            &["sweep", "tiny.toml", "--grid", grid, "--out", "s"],
            &parts,
        );
        assert!(!folder.path().join("s").exists(), "{grid}");
    }
    refuse(folder.path(), &["sweep", "tiny.toml"], &["--grid"]);
    write(folder.path(), "s/lr=0.1/letter.txt", "dear");
    refuse(
        folder.path(),
        &[
            "sweep",
            "tiny.toml",
            "--grid",
            "optimizer.lr=0.1",
            "--out",
            "s",
        ],
        &["s already holds"],
    );
}

#[test]
fn a_run_that_fails_is_named_and_the_others_are_trained() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let wild = [
        "sweep",
        "tiny.toml",
        "--grid",
        "optimizer.lr=1e30,0.02",
        "--json",
    ];
    let done = run(folder.path(), &wild);
    assert_eq!(done.code, 1, "{}", done.stderr);
    assert!(
        done.stderr.contains("1 of 2 runs failed")
            && done.stderr.contains("lr=1e30: the loss became")
    );
    let sweep = done.json();
    assert_eq!(sweep["folder"], "runs/tiny-sweep");
    assert_eq!(sweep["runs"][0]["state"], "failed");
    assert!(
        sweep["runs"][0]["error"]
            .as_str()
            .expect("a sentence")
            .contains("optimizer.lr")
    );
    assert_eq!(sweep["runs"][1]["state"], "finished");
    assert!(folder.path().join("runs/tiny-sweep/report.html").exists());
    // The page of the sweep alone, from its folder.
    let report = succeed(folder.path(), &["report", "runs/tiny-sweep", "--json"]).json();
    assert_eq!(report["file"], "runs/tiny-sweep/report.html");
}

#[cfg(unix)]
mod stopped {
    use std::path::Path;
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn start(folder: &Path, out: &'static str) -> Child {
        let arguments = ["sweep", "long.toml", "--grid", "seed=1,2,3,4", "--out", out];
        Command::new(assert_cmd::cargo::cargo_bin("zoo"))
            .args(arguments)
            .current_dir(folder)
            .env_remove("BURN_DEVICE")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    fn wait_for(path: &Path) {
        for _ in 0..6000 {
            if std::fs::metadata(path).is_ok_and(|file| file.len() > 0) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{} has not come", path.display());
    }

    fn long(folder: &Path) {
        let text = TINY
            .replace("train_size = 64", "train_size = 640")
            .replace("epochs = 2", "epochs = 4");
        write(folder, "long.toml", text);
    }

    #[test]
    fn a_sweep_that_is_killed_in_its_third_run_goes_on_with_the_third() {
        let folder = folder();
        long(folder.path());
        let mut child = start(folder.path(), "s");
        wait_for(
            &folder
                .path()
                .join("s/seed=3/checkpoints/epoch-0001-batch-000000/state.json"),
        );
        child.kill().expect("it is still there");
        child.wait().expect("it was started");
        let out = |seed: usize| folder.path().join(format!("s/seed={seed}"));
        assert!(!out(4).exists(), "killed too late");
        let machines = |seed| read(out(seed).join("machine.json"));
        let before = [machines(1), machines(2)];

        let resumed = [
            "sweep",
            "long.toml",
            "--grid",
            "seed=1,2,3,4",
            "--out",
            "s",
            "--resume",
            "--json",
        ];
        let done = succeed(folder.path(), &resumed);
        assert_eq!(
            done.stderr.matches("is finished already").count(),
            2,
            "{}",
            done.stderr
        );
        assert!(
            done.stderr.contains("resuming s/seed=3 at epoch"),
            "{}",
            done.stderr
        );
        assert_eq!(
            [machines(1), machines(2)],
            before,
            "nothing was done to them"
        );
        let third: Value = serde_json::from_slice(&machines(3)).expect("JSON");
        assert_eq!(
            third.as_array().map(Vec::len),
            Some(2),
            "two processes trained it"
        );
        let runs = done.json()["runs"].as_array().expect("a list").clone();
        assert!(
            runs.iter().all(|run| run["state"] == "finished"),
            "{runs:?}"
        );
        succeed(
            folder.path(),
            &["train", "long.toml", "--set", "seed=3", "--out", "whole"],
        );
        assert_eq!(metrics(&out(3)), metrics(&folder.path().join("whole")));
        crate::report::assert_csv(&out(3));
    }

    #[test]
    fn ctrl_c_stops_the_sweep_and_prints_the_command_that_goes_on() {
        let folder = folder();
        long(folder.path());
        let child = start(folder.path(), "s");
        wait_for(&folder.path().join("s/seed=2/metrics.jsonl"));
        let signalled = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(signalled.expect("kill is everywhere").success());
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{stderr}");
        assert!(folder.path().join("s/report.html").exists());
        let command = stderr
            .lines()
            .map(str::trim)
            .find(|line| line.starts_with("zoo sweep"));
        assert_eq!(
            command,
            Some("zoo sweep long.toml --grid seed=1,2,3,4 --out s --resume"),
            "{stderr}"
        );
    }
}
