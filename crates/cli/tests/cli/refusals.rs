//! Trainings that cannot be: data that does not fit, folders and disks that do not take it.

#[cfg(unix)]
use std::process::Command;

use crate::common::{TINY, folder, refuse, succeed, write};

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
    for (arch, more, parts) in [
        ("vgg16", "data.size=16", ["vgg16", "32×32", "16×16"]),
        (
            "googlenet_paper",
            "data.size=64",
            ["googlenet_paper", "79×79", "aux_heads"],
        ),
        (
            "resnet20",
            "model.aux_heads=true",
            ["resnet20", "no auxiliary heads", "aux_heads"],
        ),
        (
            "resnet20",
            "model.dropout=0.5",
            ["resnet20", "no dropout", "dropout out"],
        ),
        (
            "vgg16_bn",
            "model.stochastic_depth=0.1",
            ["vgg16_bn", "shortcuts", "stochastic_depth"],
        ),
        (
            "resnet20",
            "model.stochastic_depth=1",
            ["stochastic_depth", "is 1", "below 1"],
        ),
        (
            "resnet20",
            "optimizer.lr=nan",
            ["nan", "optimizer.lr", "finite"],
        ),
        (
            "resnet20",
            "augment.policy=randaugment",
            [
                "augment.policy",
                "randaugment",
                "did you mean `rand_augment`",
            ],
        ),
        (
            "resnet20",
            "augment.magnitude=9",
            ["augment.magnitude", "left out", "rand_augment"],
        ),
        (
            "resnet20",
            "augment.erasing.prob=7",
            ["[augment]", "augment.erasing.prob = 7", "0 to 1"],
        ),
    ] {
        let arch = format!("model.arch={arch}");
        let arguments = ["train", "tiny.toml", "--set", &arch, "--set", more];
        refuse(folder.path(), &arguments, &parts);
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
fn a_text_file_among_the_images_is_refused_or_skipped_as_the_run_file_says() {
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
    write(folder.path(), "set/train/cats/fake.jpg", "this is no image");
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

    std::fs::create_dir_all(folder.path().join("bare/train")).expect("writable");
    refuse(
        folder.path(),
        &["train", "set.toml", "--set", "data.root=bare"],
        &["bare", "class"],
    );
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
