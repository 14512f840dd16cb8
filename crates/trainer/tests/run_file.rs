//! Mistakes in run files: one sentence with the key, the place, what was found and what was expected.

use std::fs;

use burn_zoo_trainer::{BatchSize, OptimizerSection, RunFile};
use tempfile::TempDir;

const GOOD: &str = r#"
[model]
arch = "lenet5"

[data]
name = "mnist"

[optimizer]
kind = "sgd"
lr = 0.1

[train]
epochs = 3
"#;

fn load(text: &str, overrides: &[&str]) -> Result<RunFile, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run.toml");
    fs::write(&path, text).unwrap();
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    RunFile::load(&path, &overrides).map_err(|e| {
        e.to_string()
            .replace(folder.path().to_str().unwrap(), "DIR")
    })
}

#[track_caller]
fn refused(text: &str, overrides: &[&str], expected: &[&str]) {
    let message = load(text, overrides).expect_err("it should be refused");
    for part in expected {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
    assert!(!message.contains('\n'), "{message:?} is more than one line");
}

#[test]
fn defaults_are_filled_in_and_written_back() {
    let run = load(GOOD, &[]).unwrap();
    assert_eq!(run.data.batch_size, BatchSize::Of(128));
    assert_eq!(run.run_name(), "mnist-lenet5");
    assert_eq!(load(&run.to_toml(), &[]).unwrap(), run);
}

#[test]
fn unknown_keys_name_the_nearest_and_the_line() {
    refused(
        &GOOD.replace("lr =", "lrr ="),
        &[],
        &["DIR/run.toml:10", "`optimizer.lrr`", "did you mean `lr`"],
    );
    refused(
        &GOOD.replace("epochs", "epoch"),
        &[],
        &["DIR/run.toml:13", "`train.epoch`", "`epochs`"],
    );
    refused(
        &GOOD.replace("[train]", "[training]"),
        &[],
        &["DIR/run.toml:12", "`training`", "`train`"],
    );
    refused(
        GOOD,
        &["data.batchsize=3"],
        &["--set data.batchsize=3", "did you mean `batch_size`"],
    );
}

#[test]
fn wrong_types_and_choices_say_what_was_found() {
    refused(
        &GOOD.replace("epochs = 3", "epochs = \"3\""),
        &[],
        &["DIR/run.toml:13", "`train.epochs`", "string \"3\""],
    );
    refused(
        GOOD,
        &["train.epochs=1.5"],
        &["--set train.epochs=1.5", "`train.epochs`", "1.5"],
    );
    refused(GOOD, &["train.epochs=-1"], &["`train.epochs`", "-1"]);
    refused(
        &GOOD.replace("sgd", "sdg"),
        &[],
        &["unknown value `sdg`", "did you mean `sgd`"],
    );
    refused(
        GOOD,
        &["data.fit=padd"],
        &["`data.fit`", "did you mean `pad`"],
    );
    refused(
        GOOD,
        &["train.precision=bf61"],
        &["`train.precision`", "did you mean `bf16`"],
    );
    refused(&GOOD.replace("lr = 0.1", ""), &[], &["DIR/run.toml", "lr"]);
    refused(&GOOD.replace("[train]\nepochs = 3", ""), &[], &["train"]);
}

#[test]
fn values_out_of_range_are_named() {
    refused(
        GOOD,
        &["data.batch_size=0"],
        &["`data.batch_size`", "found 0", "1 or more"],
    );
    refused(
        GOOD,
        &["optimizer.lr=nan"],
        &["`optimizer.lr`", "found nan", "finite"],
    );
    refused(GOOD, &["optimizer.lr=-1"], &["`optimizer.lr`", "found -1"]);
    refused(
        GOOD,
        &["optimizer.momentum=1.0"],
        &["`optimizer.momentum`", "below 1"],
    );
    refused(
        GOOD,
        &["optimizer.nesterov=true"],
        &["`optimizer.nesterov`"],
    );
    refused(
        GOOD,
        &["schedule.kind=multi_step"],
        &["`schedule.milestones`"],
    );
    refused(GOOD, &["augment.pad=4"], &["`augment.pad`"]);
    refused(GOOD, &["name=../up"], &["`name`"]);
    refused(GOOD, &["train.epochs=0"], &["`train.epochs`", "found 0"]);
}

#[test]
fn syntax_errors_name_the_line() {
    refused(
        &GOOD.replace("lr = 0.1", "lr = "),
        &[],
        &["DIR/run.toml:10", "not valid TOML"],
    );
    refused(
        &GOOD.replace("lr = 0.1", "lr = 0.1\nlr = 0.2"),
        &[],
        &["DIR/run.toml:11", "not valid TOML"],
    );
    refused(
        GOOD,
        &["optimizer.lr"],
        &["--set optimizer.lr", "key=value"],
    );
    refused(GOOD, &["=3"], &["--set =3", "key=value"]);
}

#[test]
fn a_wrong_type_inside_a_section_with_a_kind_is_its_keys() {
    refused(
        GOOD,
        &["optimizer.lr=fast"],
        &["--set optimizer.lr=fast", "`optimizer.lr`", "invalid type"],
    );
    refused(
        GOOD,
        &["optimizer.momentum=true"],
        &["--set optimizer.momentum=true", "`optimizer.momentum`"],
    );
}

#[test]
fn a_base_is_laid_under_the_file() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("_base")).unwrap();
    let base = folder.path().join("_base/sgd.toml");
    fs::write(
        &base,
        "[optimizer]\nkind = 'sgd'\nlr = 0.1\nmomentum = 0.9\n[train]\nepochs = 9\n",
    )
    .unwrap();
    let path = folder.path().join("run.toml");
    let text = "extends = '_base/sgd.toml'\n[model]\narch = 'x'\n[data]\nname = 'y'\n[train]\nepochs = 2\n";
    fs::write(&path, text).unwrap();
    let run = RunFile::load(&path, &["optimizer.lr=0.5".into()]).unwrap();
    assert_eq!(run.train.epochs, 2);
    assert_eq!(
        run.optimizer,
        OptimizerSection::Sgd {
            lr: 0.5,
            momentum: 0.9,
            nesterov: false,
            weight_decay: 0.0
        }
    );

    // Another kind of optimizer leaves the momentum of the old one behind, and keeps the rate.
    let adamw = RunFile::load(&path, &["optimizer.kind=adamw".into()]).unwrap();
    assert_eq!(adamw.optimizer.lr(), 0.1);
    fs::write(
        &path,
        format!("{text}[optimizer]\nkind = 'adamw'\nlr = 1e-3\n"),
    )
    .unwrap();
    assert_eq!(RunFile::load(&path, &[]).unwrap().optimizer.lr(), 1e-3);

    // A mistake in the base is placed in the base.
    fs::write(
        &base,
        "[optimizer]\nkind = 'sgd'\nlr = 0.1\nmomentun = 0.9\n[train]\nepochs = 9\n",
    )
    .unwrap();
    fs::write(&path, text).unwrap();
    let message = RunFile::load(&path, &[]).unwrap_err().to_string();
    assert!(
        message.contains("sgd.toml:4") && message.contains("did you mean `momentum`"),
        "{message}"
    );
}

#[test]
fn bases_that_are_missing_or_go_round_are_named() {
    refused(
        &format!("extends = 'no.toml'\n{GOOD}"),
        &[],
        &["DIR/no.toml", "extends", "DIR/run.toml"],
    );
    refused(
        &format!("extends = 'run.toml'\n{GOOD}"),
        &[],
        &["comes back", "DIR/run.toml"],
    );
    refused(
        &format!("extends = 3\n{GOOD}"),
        &[],
        &["DIR/run.toml:1", "`extends`", "integer"],
    );
    let missing = RunFile::load("nowhere/run.toml".as_ref(), &[])
        .unwrap_err()
        .to_string();
    assert!(missing.contains("nowhere/run.toml"), "{missing}");
}
