//! Help, JSON, exit codes and terminals, for every command.

use std::process::{Command, Stdio};

use crate::common::{TINY, folder, refuse, run, succeed, write};

const COMMANDS: [&[&str]; 16] = [
    &["train"],
    &["sweep"],
    &["report"],
    &["eval"],
    &["predict"],
    &["models"],
    &["summary"],
    &["bench"],
    &["data"],
    &["data", "list"],
    &["data", "fetch"],
    &["data", "inspect"],
    &["data", "preview"],
    &["devices"],
    &["config"],
    &["completions"],
];

#[test]
fn every_command_has_help() {
    let folder = folder();
    let overview = succeed(folder.path(), &["--help"]).stdout;
    assert!(
        overview
            .contains("Exit codes: 0 done, 1 failed, 2 bad usage or bad input, 130 interrupted")
    );
    for command in COMMANDS {
        let arguments: Vec<&str> = command.iter().copied().chain(["--help"]).collect();
        let help = succeed(folder.path(), &arguments);
        assert!(
            help.stdout.contains("Usage: zoo") || help.stdout.contains("Usage:"),
            "{}",
            help.stdout
        );
        assert!(help.stdout.contains("--json"), "{command:?}");
        assert_eq!(help.stderr, "");
        assert!(
            overview.contains(command[0]),
            "{command:?} is missing in the overview"
        );
    }
    let version = succeed(folder.path(), &["--version"]).stdout;
    assert_eq!(version, format!("zoo {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn json_is_one_document_and_nothing_else() {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    let succeeding: [&[&str]; 8] = [
        &["models", "--json"],
        &["models", "resnet*", "--json"],
        &["--json", "summary", "resnet20"],
        &["data", "list", "--json"],
        &["devices", "--json"],
        &["config", "tiny.toml", "--json"],
        &["completions", "bash", "--json"],
        &["data", "inspect", "glyphs", "--json"],
    ];
    for arguments in succeeding {
        let document = succeed(folder.path(), arguments).json();
        assert!(document.is_object() || document.is_array(), "{arguments:?}");
    }
    let failing: [&[&str]; 5] = [
        &["models", "nonsense", "--json"],
        &["summary", "resnet", "--json"],
        &["train", "missing.toml", "--json"],
        &["data", "fetch", "glyphs", "--json"],
        &["summary", "--json"],
    ];
    for arguments in failing {
        let done = run(folder.path(), arguments);
        assert_eq!(done.code, 2, "{arguments:?}");
        let document = done.json();
        assert_eq!(document["exit_code"], 2);
        let message = document["error"].as_str().expect("a sentence");
        assert!(
            !message.is_empty() && done.stderr.contains(message.lines().next().unwrap()),
            "{message}"
        );
    }
}

#[test]
fn a_misspelt_flag_command_or_choice_is_answered_with_the_nearest() {
    let folder = folder();
    refuse(folder.path(), &["modles"], &["models"]);
    refuse(folder.path(), &["models", "--jsno"], &["--json"]);
    refuse(folder.path(), &["completions", "bsh"], &["bash"]);
    refuse(
        folder.path(),
        &["train", "a.toml", "--resume", "--overwrite"],
        &["--overwrite"],
    );
    refuse(folder.path(), &["eval"], &["RUN"]);
    refuse(
        folder.path(),
        &["eval", "--model", "lenet5"],
        &["--weights", "--data"],
    );
}

#[test]
fn without_arguments_there_is_help_and_exit_code_2() {
    let folder = folder();
    let done = run(folder.path(), &[]);
    assert_eq!(done.code, 2);
    assert_eq!(done.stdout, "");
    assert!(done.stderr.contains("Usage: zoo"), "{}", done.stderr);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let binary = assert_cmd::cargo::cargo_bin("zoo");
    for arguments in [
        &["models"][..],
        &["summary", "resnet152"],
        &["--help"],
        &["completions", "zsh"],
    ] {
        let mut child = Command::new(&binary)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        // The reading end is gone before anything is written.
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_full_disk_behind_standard_output_is_a_failure() {
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else {
        return;
    };
    let output = Command::new(assert_cmd::cargo::cargo_bin("zoo"))
        .arg("models")
        .stdout(full)
        .output()
        .expect("the binary starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("cannot write to standard output"),
        "{stderr}"
    );
}

#[test]
fn colours_are_for_terminals_or_on_demand() {
    let folder = folder();
    // `succeed` refuses escape codes in a pipe.
    succeed(folder.path(), &["models"]);
    let forced = crate::common::zoo(folder.path())
        .arg("models")
        .env("CLICOLOR_FORCE", "1")
        .output()
        .expect("the binary starts");
    assert!(String::from_utf8_lossy(&forced.stdout).contains('\u{1b}'));
    let refused = crate::common::zoo(folder.path())
        .arg("models")
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary starts");
    assert!(!String::from_utf8_lossy(&refused.stdout).contains('\u{1b}'));
}

#[test]
fn completions_know_the_commands() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = succeed(folder.path(), &["completions", shell]).stdout;
        for word in ["train", "predict", "summary", "json"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}
