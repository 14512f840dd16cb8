//! A run that was stopped and resumed ends exactly where an uninterrupted one does.

mod common;

use std::path::Path;

use burn::store::ModuleRecord;
use burn_zoo_trainer::{Existing, Outcome, Phase, Silent, TrainError, train};
use common::{Notes, finish, job, metrics, run_file, stop, tensors};
use tempfile::TempDir;

#[test]
fn resumed_runs_end_bit_for_bit_like_an_uninterrupted_one() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let folder = folder.path();
    finish(folder, "whole", Existing::Refuse, &[]);
    let whole = metrics(&folder.join("whole"));
    assert_eq!(whole.len(), 3);
    assert!(whole[2].train.loss < whole[0].train.loss, "{whole:?}");

    let stops = [
        (Phase::Train, 1, 1),
        (Phase::Train, 2, 3),
        (Phase::Train, 2, 6), // the last of an epoch
        (Phase::Valid, 2, 2),
        (Phase::Train, 3, 6),
        (Phase::Valid, 1, 4), // the last of a validation
    ];
    for at in stops {
        let out = format!("{at:?}").replace([' ', ','], "-");
        stop(folder, &out, at, &[]);
        // With another number of workers.
        finish(folder, &out, Existing::Resume, &["data.workers=3"]);
        assert_eq!(metrics(&folder.join(&out)), whole, "stopped at {at:?}");
        let resumed = weights(&folder.join(&out));
        assert_eq!(resumed, weights(&folder.join("whole")), "stopped at {at:?}");
    }
}

fn weights(run: &Path) -> Vec<(Vec<usize>, Vec<f32>)> {
    tensors(ModuleRecord::load(run.join("best.bpk")).unwrap())
}

#[test]
fn another_seed_gives_other_numbers() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    finish(folder.path(), "a", Existing::Refuse, &["train.epochs=1"]);
    finish(
        folder.path(),
        "b",
        Existing::Refuse,
        &["train.epochs=1", "seed=8"],
    );
    assert_ne!(
        metrics(&folder.path().join("a")),
        metrics(&folder.path().join("b"))
    );
}

#[test]
fn checkpoints_between_epochs_change_nothing_and_only_the_newest_stay() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    finish(folder.path(), "plain", Existing::Refuse, &[]);
    finish(
        folder.path(),
        "often",
        Existing::Refuse,
        &["checkpoint.every_steps=2", "checkpoint.keep=3"],
    );
    assert_eq!(
        metrics(&folder.path().join("plain")),
        metrics(&folder.path().join("often"))
    );
    let mut kept: Vec<String> = std::fs::read_dir(folder.path().join("often/checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    kept.sort();
    assert_eq!(
        kept,
        [
            "epoch-0002-batch-000002",
            "epoch-0002-batch-000004",
            "epoch-0003-batch-000000"
        ]
    );
}

#[test]
fn an_existing_run_is_kept_unless_told_otherwise() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    finish(folder.path(), "run", Existing::Refuse, &["train.epochs=1"]);
    std::fs::write(folder.path().join("run/notes.txt"), "mine").unwrap();
    let before = std::fs::read(folder.path().join("run/metrics.jsonl")).unwrap();

    let run = run_file(folder.path(), &["train.epochs=1"]);
    let out = folder.path().join("run");
    let error = train(job(&run, out.clone(), Existing::Refuse, Silent)).unwrap_err();
    assert!(matches!(error, TrainError::Exists { .. }), "{error}");
    assert!(error.to_string().contains("--resume") && error.to_string().contains("--overwrite"));
    assert_eq!(std::fs::read(out.join("metrics.jsonl")).unwrap(), before);

    let other = run_file(folder.path(), &["train.epochs=1", "optimizer.lr=0.5"]);
    let error = train(job(&other, out.clone(), Existing::Resume, Silent)).unwrap_err();
    assert!(
        error.to_string().contains("`optimizer.lr` = 0.05"),
        "{error}"
    );

    let outcome = train(job(&other, out.clone(), Existing::Overwrite, Silent)).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
    assert_ne!(std::fs::read(out.join("metrics.jsonl")).unwrap(), before);
    assert_eq!(
        std::fs::read_to_string(out.join("notes.txt")).unwrap(),
        "mine"
    );
}

#[test]
fn a_damaged_checkpoint_is_an_error_that_names_it() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    finish(folder.path(), "run", Existing::Refuse, &["train.epochs=1"]);
    let out = folder.path().join("run");
    let checkpoint = out.join("checkpoints/epoch-0001-batch-000000");
    let run = run_file(folder.path(), &["train.epochs=1"]);
    for name in ["model.bpk", "optimizer.bpk", "state.json"] {
        let path = checkpoint.join(name);
        let whole = std::fs::read(&path).unwrap();
        for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&path, &whole[..cut]).unwrap();
            match train(job(&run, out.clone(), Existing::Resume, Silent)) {
                Err(error @ TrainError::Checkpoint { .. }) => {
                    assert!(error.to_string().contains(name), "{error}");
                }
                other => panic!("{name} cut at {cut}: {other:?}"),
            }
        }
        std::fs::write(&path, &whole).unwrap();
    }
    finish(folder.path(), "run", Existing::Resume, &["train.epochs=1"]);
}

#[test]
fn resuming_a_finished_run_does_nothing() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    finish(folder.path(), "run", Existing::Refuse, &["train.epochs=1"]);
    let out = folder.path().join("run");
    let before = std::fs::read(out.join("metrics.jsonl")).unwrap();
    finish(folder.path(), "run", Existing::Resume, &["train.epochs=1"]);
    assert_eq!(std::fs::read(out.join("metrics.jsonl")).unwrap(), before);
}

#[test]
fn two_trainings_cannot_share_a_folder() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("run");
    std::fs::create_dir(&out).unwrap();
    let lock = std::fs::File::create(out.join(".lock")).unwrap();
    lock.lock().unwrap();
    let run = run_file(folder.path(), &[]);
    let error = train(job(&run, out, Existing::Resume, Silent)).unwrap_err();
    assert!(matches!(error, TrainError::Locked { .. }), "{error}");
}

#[test]
fn unreadable_images_end_the_run_or_are_counted() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let run = run_file(folder.path(), &["train.epochs=2", "data.batch_size=10"]);
    let notes = Notes::default();
    let mut refused = job(
        &run,
        folder.path().join("refused"),
        Existing::Refuse,
        notes.clone(),
    );
    refused.data = common::halves(Some(4));
    let error = train(refused).unwrap_err();
    assert!(error.to_string().contains("cat/0007.png"), "{error}");

    let run = run_file(
        folder.path(),
        &["train.epochs=2", "data.batch_size=10", "data.on_bad=skip"],
    );
    let mut skipping = job(
        &run,
        folder.path().join("skipped"),
        Existing::Refuse,
        notes.clone(),
    );
    skipping.data = common::halves(Some(4));
    train(skipping).unwrap();
    let skipped: Vec<usize> = metrics(&folder.path().join("skipped"))
        .iter()
        .map(|record| record.skipped)
        .collect();
    assert_eq!(skipped, [1, 1]);
    let notes = notes.0.lock().unwrap();
    assert_eq!(
        notes
            .iter()
            .filter(|note| note.contains("cat/0007.png"))
            .count(),
        1,
        "{notes:?}"
    );
}

#[test]
fn a_diverging_loss_stops_the_run_and_names_the_step() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let run = run_file(
        folder.path(),
        &["optimizer.lr=1e30", "schedule.warmup_epochs=0"],
    );
    let error = train(job(
        &run,
        folder.path().join("run"),
        Existing::Refuse,
        Silent,
    ))
    .unwrap_err();
    assert!(
        matches!(error, TrainError::Diverged { epoch: 1, .. }),
        "{error}"
    );
}

#[test]
fn model_and_data_must_have_the_same_classes() {
    let _turn = common::turn();
    let folder = TempDir::new().unwrap();
    let run = run_file(folder.path(), &[]);
    let mut job = job(&run, folder.path().join("run"), Existing::Refuse, Silent);
    job.model = Box::new(|device| common::tiny_net(5, device));
    let error = train(job).unwrap_err();
    assert!(
        error.to_string().contains("5 classes") && error.to_string().contains("has 3"),
        "{error}"
    );
    assert!(
        !folder.path().join("run").exists(),
        "a mistake leaves no run folder"
    );
}
