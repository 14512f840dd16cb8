//! The real binary, in an empty folder.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

use assert_cmd::Command;
use serde_json::Value;

/// `zoo` in `folder`, without the variables that change what it does.
pub(crate) fn zoo(folder: &Path) -> Command {
    let mut command = Command::cargo_bin("zoo").expect("cargo builds the binary for its tests");
    command.current_dir(folder);
    for variable in [
        "BURN_DEVICE",
        "BURN_ZOO_DATA",
        "BURN_ZOO_MIRROR",
        "BURN_ZOO_TOKEN",
        "HF_ENDPOINT",
        "HF_TOKEN",
        "RUST_BACKTRACE",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// What one invocation did.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Done {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("zoo writes UTF-8");
        let done = Self {
            code: output.status.code().expect("zoo ends by itself"),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        };
        for stream in [&done.stdout, &done.stderr] {
            assert!(
                !stream.contains('\u{1b}'),
                "escape codes without a terminal: {stream:?}"
            );
            assert!(!stream.contains("panicked"), "{stream}");
            assert!(!stream.contains("defect of its own"), "{stream}");
        }
        done
    }

    /// The one JSON document on standard output.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON document: {error}\n{}", self.stdout))
    }
}

/// Runs `zoo` with `arguments` in `folder`.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Done {
    Done::of(
        zoo(folder)
            .args(arguments)
            .output()
            .expect("the binary starts"),
    )
}

/// Runs `zoo`, which must succeed.
pub(crate) fn succeed(folder: &Path, arguments: &[&str]) -> Done {
    let done = run(folder, arguments);
    assert_eq!(done.code, 0, "zoo {}: {}", arguments.join(" "), done.stderr);
    done
}

/// Runs `zoo`, which must refuse with exit code 2, nothing on standard output, and one `error:` that holds every one
/// of `parts`.
pub(crate) fn refuse(folder: &Path, arguments: &[&str], parts: &[&str]) -> Done {
    let done = run(folder, arguments);
    let line = arguments.join(" ");
    assert_eq!(done.code, 2, "zoo {line}: {}{}", done.stdout, done.stderr);
    assert_eq!(done.stdout, "", "zoo {line}");
    assert_eq!(
        done.stderr.matches("error:").count(),
        1,
        "zoo {line}: {}",
        done.stderr
    );
    for part in parts {
        assert!(
            done.stderr.contains(part),
            "zoo {line}: no {part:?} in {}",
            done.stderr
        );
    }
    done
}

/// An empty folder.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// Writes `text` to `name` in `folder`.
pub(crate) fn write(folder: &Path, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().expect("below the folder")).expect("writable");
    std::fs::write(&path, text).expect("writable");
    path
}

/// A run of a few steps on a few drawn digits.
pub(crate) const TINY: &str = r#"
[model]
arch = "lenet5_modern"

[data]
name = "glyphs"
train_size = 64
valid_size = 32
batch_size = 16
workers = 1

[optimizer]
kind = "sgd"
lr = 0.02
momentum = 0.9

[train]
epochs = 2
"#;

/// A finished run in `runs/tiny`.
pub(crate) fn trained() -> tempfile::TempDir {
    let folder = folder();
    write(folder.path(), "tiny.toml", TINY);
    succeed(folder.path(), &["train", "tiny.toml", "--out", "runs/tiny"]);
    folder
}

/// The content of a file.
pub(crate) fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path.as_ref())
        .unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// What depends on the clock, in a line of `metrics.jsonl`.
pub(crate) const CLOCKS: [&str; 3] = ["seconds", "images_per_second", "data_wait"];

/// The lines of `metrics.jsonl` without what depends on the clock.
pub(crate) fn metrics(run: &Path) -> Vec<Value> {
    let text = String::from_utf8(read(run.join("metrics.jsonl"))).expect("text");
    let lines = text.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).expect("one JSON object a line");
        for clock in CLOCKS {
            record.as_object_mut().expect("an object").remove(clock);
        }
        record
    });
    lines.collect()
}

/// A server that gives what `answer` makes of the path that is asked for, and the address of it.
pub(crate) fn server(answer: impl Fn(&str) -> Vec<u8> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let Ok(copy) = stream.try_clone() else {
                continue;
            };
            let mut lines = BufReader::new(copy).lines().map_while(Result::ok);
            let path = lines.next().unwrap_or_default();
            let path = path.split(' ').nth(1).unwrap_or_default().to_owned();
            lines.find(String::is_empty);
            // Whoever asked may have gone.
            let _ = stream.write_all(&answer(&path));
        }
    });
    address
}

/// An answer of a server; `headers` end with a line break each.
pub(crate) fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{headers}\r\n"
    );
    [head.as_bytes(), body].concat()
}
