//! What a run file can ask of a step: each has its effect, and a stopped run still ends like an uninterrupted one.

mod common;

use std::path::{Path, PathBuf};

use burn::store::ModuleRecord;
use burn_zoo_trainer::{Existing, Outcome, Phase, Silent, TrainError, train};
use common::{finish, job, metrics, run_file, stop, tensors};
use tempfile::TempDir;

/// Everything with chance or state in it.
const ALL: [&str; 10] = [
    "augment.mixup=0.2",
    "augment.cutmix=1.0",
    "train.label_smoothing=0.1",
    "train.accumulate=2",
    "train.clip_norm=1.0",
    "ema.decay=0.9",
    "param_groups.decay_bias_and_norm=false",
    "param_groups.layer_decay=0.7",
    "checkpoint.every_steps=1",
    "checkpoint.keep_best=2",
];

#[test]
fn the_whole_recipe_resumes_bit_for_bit() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let whole = finish(folder, "whole", Existing::Refuse, &ALL);
    assert_eq!(whole.len(), 3);
    assert!(whole.iter().all(|record| record.ema.is_some()));
    // Six batches per epoch, two to a step.
    assert_eq!(whole[2].step, 9);
    for at in [
        (Phase::Train, 1, 3),
        (Phase::Train, 2, 6),
        (Phase::Valid, 2, 2),
    ] {
        let out = format!("{at:?}").replace([' ', ','], "-");
        stop(folder, &out, at, &ALL);
        let resumed = finish(folder, &out, Existing::Resume, &ALL);
        assert_eq!(resumed, whole, "stopped at {at:?}");
    }
    let kept = std::fs::read_dir(folder.join("whole/best"))
        .unwrap()
        .count();
    assert_eq!(kept, 2);
    assert!(folder.join("whole/best_ema.bpk").is_file());
}

#[test]
fn gradient_checkpointing_changes_no_number() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let mut overrides = ALL.to_vec();
    let plain = finish(folder, "plain", Existing::Refuse, &overrides);
    overrides.push("train.gradient_checkpointing=true");
    let recomputed = finish(folder, "recomputed", Existing::Refuse, &overrides);
    assert_eq!(recomputed, plain);
}

#[test]
fn sixteen_bits_train_alike_and_resume_bit_for_bit() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let plain = finish(folder, "plain", Existing::Refuse, &ALL);
    for (kind, tolerance) in [("bf16", 0.02), ("f16", 0.005)] {
        let precision = format!("train.precision={kind}");
        let mut overrides = ALL.to_vec();
        overrides.extend([precision.as_str(), "train.gradient_checkpointing=true"]);
        let whole = finish(folder, kind, Existing::Refuse, &overrides);
        assert_ne!(whole, plain);
        for (narrow, plain) in whole.iter().zip(&plain) {
            let [narrow, plain] = [narrow, plain].map(|record| record.train.loss);
            assert!(
                (narrow / plain - 1.0).abs() < tolerance,
                "{kind}: {narrow} {plain}"
            );
        }
        let out = format!("stopped-{kind}");
        stop(folder, &out, (Phase::Train, 2, 6), &overrides);
        let resumed = finish(folder, &out, Existing::Resume, &overrides);
        assert_eq!(resumed, whole, "{kind}");
    }
}

#[test]
fn a_loss_scaled_too_far_leaves_the_step_out_and_halves_the_scale() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let run = folder.path().join("run");
    // Clipping must not hide an infinity.
    let clipped = ["train.precision=f16", "train.clip_value=0.5"];
    let others = ALL.into_iter().filter(|key| !key.contains("clip_norm"));
    let overrides: Vec<&str> = others.chain(clipped).collect();
    stop(folder.path(), "run", (Phase::Train, 2, 6), &overrides);
    let before = weights(&run);
    let path = newest_checkpoint(&run).join("state.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut state: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(state["loss_scale"]["factor"], 65_536.0);
    state["loss_scale"]["factor"] = (1u64 << 40).into();
    std::fs::write(&path, state.to_string()).unwrap();

    let records = finish(folder.path(), "run", Existing::Resume, &overrides);
    assert_eq!(records[2].step, 9, "a step left out is one of the schedule");
    // All but the running statistics, which saw the images.
    let after = weights(&run);
    for parameter in [0, 1, 2, 3, 6, 7] {
        assert_eq!(after[parameter], before[parameter]);
    }
    let text = std::fs::read_to_string(newest_checkpoint(&run).join("state.json")).unwrap();
    let state: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(state["loss_scale"]["factor"], (1u64 << 37) as f64);
}

#[test]
fn every_optimizer_lowers_the_loss() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    for (kind, lr) in [
        ("rmsprop", "0.003"),
        ("lamb", "0.03"),
        ("lion", "0.003"),
        ("muon", "0.03"),
    ] {
        let (kind, lr) = (
            format!("optimizer.kind={kind}"),
            format!("optimizer.lr={lr}"),
        );
        let overrides = [kind.as_str(), lr.as_str(), "optimizer.weight_decay=0.0"];
        let records = finish(folder.path(), "run", Existing::Overwrite, &overrides);
        let [first, .., last] = records.as_slice() else {
            panic!("three epochs")
        };
        assert!(last.train.loss < first.train.loss, "{kind}: {records:?}");
    }
}

#[test]
fn frozen_layers_stay_and_an_unknown_one_is_named() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    let error = train(job(
        &run_file(folder, &["model.freeze=['layer9']"]),
        folder.join("unknown"),
        Existing::Refuse,
        Silent,
    ))
    .unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, TrainError::Mismatch(_)), "{text}");
    assert!(
        !folder.join("unknown").exists(),
        "a mistake leaves no folder"
    );
    assert!(
        text.contains("model.freeze") && text.contains("layer9") && text.contains("conv"),
        "{text}"
    );

    let frozen = ["model.freeze=['conv', 'norm']", "train.epochs=1"];
    finish(folder, "one", Existing::Refuse, &frozen);
    let further = ["model.freeze=['conv', 'norm']", "train.epochs=2"];
    finish(folder, "two", Existing::Refuse, &further);
    let [one, two] = ["one", "two"].map(|run| weights(&folder.join(run)));
    // Convolution, its bias, and the four of the norm; then the head.
    assert_eq!(one[..6], two[..6]);
    assert_ne!(one[6..], two[6..]);
}

/// The tensors of the newest checkpoint.
fn weights(run: &Path) -> Vec<(Vec<usize>, Vec<f32>)> {
    tensors(ModuleRecord::load(newest_checkpoint(run).join("model.bpk")).unwrap())
}

fn newest_checkpoint(run: &Path) -> PathBuf {
    let mut checkpoints: Vec<_> = std::fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    checkpoints.sort();
    checkpoints.pop().unwrap()
}

#[test]
fn a_run_that_gets_no_better_stops_and_stays_stopped() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    // A rate that changes nothing: the first epoch stays the best.
    let stuck = [
        "optimizer.lr=1e-12",
        "train.early_stop=2",
        "train.epochs=9",
        "augment.flip=false",
    ];
    let records = finish(folder.path(), "run", Existing::Refuse, &stuck);
    assert!(records.len() < 9, "{}", records.len());
    let again = finish(folder.path(), "run", Existing::Resume, &stuck);
    assert_eq!(again, records);
}

#[test]
fn the_monitored_score_decides_which_epoch_is_best() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let run = run_file(folder.path(), &["checkpoint.monitor=loss"]);
    let outcome = train(job(
        &run,
        folder.path().join("run"),
        Existing::Refuse,
        Silent,
    ))
    .unwrap();
    let Outcome::Finished(summary) = outcome else {
        panic!("{outcome:?}")
    };
    let records = metrics(&folder.path().join("run"));
    let lowest = records
        .iter()
        .map(|r| r.valid.loss)
        .fold(f64::INFINITY, f64::min);
    assert_eq!(summary.best.valid.loss, lowest);
}
