//! worker, and training on several of them: the same numbers, and what happens to those that fail.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Done, TINY, folder, metrics, refuse, succeed, write, zoo};

const TOKEN: &str = "a token for the tests of zoo";
/// No error may take longer.
const LIMIT: Duration = Duration::from_secs(30);

/// A worker on a port of its own; killed when dropped.
struct Worker {
    child: Child,
    address: String,
}

impl Worker {
    fn start() -> Self {
        Self::with_token(TOKEN)
    }

    fn with_token(token: &str) -> Self {
        let mut child = Command::new(assert_cmd::cargo::cargo_bin("zoo"))
            .args([
                "worker",
                "--listen",
                "127.0.0.1:0",
                "--device",
                "flex",
                "--json",
            ])
            .env("BURN_ZOO_TOKEN", token)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let mut line = String::new();
        let stdout = child.stdout.as_mut().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let document: Value = serde_json::from_str(&line).expect("JSON on one line");
        let device = document["device"].as_str().expect("a device");
        assert!(device.starts_with("flex"), "{device}");
        let address = document["listening"]
            .as_str()
            .expect("an address")
            .to_owned();
        Self { child, address }
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args([name, &id]).status();
        assert!(status.expect("kill is everywhere").success());
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An override of the run file that names workers.
fn on(addresses: &[&str]) -> String {
    format!("devices.remote={addresses:?}")
}

/// `zoo train run.toml`, knowing the token.
fn train(folder: &Path, arguments: &[&str]) -> Done {
    let mut command = zoo(folder);
    command.env("BURN_ZOO_TOKEN", TOKEN);
    command.args(["train", "run.toml"]).args(arguments);
    Done::of(command.output().expect("the binary starts"))
}

/// The losses of two runs, which are the same up to rounding.
fn assert_alike(one: &Path, other: &Path) {
    let (one, other) = (metrics(one), metrics(other));
    assert_eq!(one.len(), other.len());
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one["step"], other["step"]);
        for split in ["train", "valid"] {
            let loss = |record: &Value| record[split]["loss"].as_f64().expect("a number");
            let apart = (loss(one) - loss(other)).abs();
            assert!(apart < 1e-4, "{split}: {} and {}", loss(one), loss(other));
        }
    }
}

#[test]
fn two_workers_give_the_numbers_of_one_device() {
    let folder = folder();
    // An odd batch: one worker has an image more, and weighs more.
    let run = TINY.replace("batch_size = 16", "batch_size = 15");
    write(folder.path(), "run.toml", &run);
    succeed(
        folder.path(),
        &["train", "run.toml", "--device", "flex", "--out", "one"],
    );

    let workers = [Worker::start(), Worker::start()];
    let addresses = [&*workers[0].address, &*workers[1].address];
    let done = train(folder.path(), &["--out", "two", "--set", &on(&addresses)]);
    assert_eq!(done.code, 0, "{}", done.stderr);
    let log = "2 devices, 7 or 8 images each: effective batch 15, learning rate 0.02";
    assert!(done.stderr.contains(log), "{}", done.stderr);
    assert_alike(&folder.path().join("one"), &folder.path().join("two"));
    let machine = std::fs::read_to_string(folder.path().join("two/machine.json")).expect("there");
    for address in addresses {
        assert!(machine.contains(address), "{machine}");
    }
    // Nothing tells the token.
    for name in ["config.toml", "machine.json"] {
        let text = std::fs::read_to_string(folder.path().join("two").join(name)).expect("there");
        assert!(!text.contains(TOKEN), "{text}");
    }
}

/// Signals the second of two workers in the middle of a run, which must end soon; then goes on with another one.
fn lose(signal: &str, reason: &str) {
    let folder = folder();
    let run = TINY.replace(
        "epochs = 2",
        "epochs = 12\n\n[checkpoint]\nevery_steps = 3\nkeep = 50",
    );
    write(folder.path(), "run.toml", &run);
    let workers = [Worker::start(), Worker::start()];
    let both = on(&[&workers[0].address, &workers[1].address]);
    let child = Command::new(assert_cmd::cargo::cargo_bin("zoo"))
        .current_dir(folder.path())
        .env("BURN_ZOO_TOKEN", TOKEN)
        .env_remove("RUST_BACKTRACE")
        .args([
            "train", "run.toml", "--out", "cut", "--set", &both, "--json",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let checkpoint = folder
        .path()
        .join("cut/checkpoints/epoch-0001-batch-000002");
    for _ in 0..2400 {
        if checkpoint.exists() {
            break;
        }
        thread::sleep(Duration::from_millis(25));
    }
    assert!(checkpoint.exists());
    workers[1].signal(signal);
    let begin = Instant::now();
    let done = Done::of(child.wait_with_output().expect("it ends"));
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
    assert_eq!(done.code, 1, "{}", done.stderr);
    let lost = format!("worker {} was lost: {reason}", workers[1].address);
    for part in [
        &*lost,
        "the last checkpoint is kept",
        "zoo train run.toml --set",
        "--resume",
    ] {
        assert!(done.stderr.contains(part), "no {part:?} in {}", done.stderr);
    }
    assert_eq!(done.stderr.matches("error:").count(), 1, "{}", done.stderr);
    assert_eq!(done.json()["exit_code"], 1);
    assert!(
        !folder.path().join("cut/summary.json").exists(),
        "it was cut short"
    );

    // On another set of devices: a worker and this machine. Burn's own operations throughout, as workers compute with: where
    // a training is steep, the roundings of two ways to compute soon grow beyond what is compared.
    let rest = on(&[&workers[0].address]);
    let arguments = [
        "--out",
        "cut",
        "--set",
        &rest,
        "--set",
        "devices.local=['flex']",
        "--no-kernels",
        "--resume",
    ];
    let done = train(folder.path(), &arguments);
    assert_eq!(done.code, 0, "{}", done.stderr);
    assert!(done.stderr.contains("resuming cut"), "{}", done.stderr);
    succeed(
        folder.path(),
        &[
            "train",
            "run.toml",
            "--device",
            "flex",
            "--no-kernels",
            "--out",
            "whole",
        ],
    );
    assert_alike(&folder.path().join("cut"), &folder.path().join("whole"));
}

#[cfg(unix)]
#[test]
fn a_worker_that_dies_ends_the_run_which_goes_on_with_another() {
    lose("-KILL", "it stopped");
}

#[cfg(unix)]
#[test]
fn a_worker_that_hangs_ends_the_run_which_goes_on_with_another() {
    lose("-STOP", "no sign of life for 15s");
}

/// Trains on what stands at `address`, which must be refused soon, with nothing written.
fn refused(address: &str, parts: &[&str]) {
    let folder = folder();
    write(folder.path(), "run.toml", TINY);
    let begin = Instant::now();
    let done = train(folder.path(), &["--out", "run", "--set", &on(&[address])]);
    assert!(begin.elapsed() < LIMIT, "{:?}", begin.elapsed());
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert_eq!(done.stderr.matches("error:").count(), 1, "{}", done.stderr);
    for part in parts.iter().chain(&["devices.remote", address]) {
        assert!(done.stderr.contains(part), "no {part:?} in {}", done.stderr);
    }
    assert!(!folder.path().join("run").exists());
}

/// A program that gives each line of `answers` to whoever says a line, then waits for the end of the connection.
fn fake(answers: &'static [&'static str]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound").to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
            let mut stream: TcpStream = stream;
            for answer in answers {
                let mut line = String::new();
                let _ = reader.read_line(&mut line);
                let _ = stream.write_all(format!("{answer}\n").as_bytes());
            }
            let _ = reader.read_to_end(&mut Vec::new());
        }
    });
    address
}

#[test]
fn another_token_is_refused_by_both_sides() {
    let worker = Worker::with_token("quite another token, as long");
    refused(
        &worker.address,
        &["was started with another token", "BURN_ZOO_TOKEN"],
    );
}

#[test]
fn a_worker_of_another_version_is_refused_with_both_versions() {
    let other = fake(&["burn-zoo 9.9.9 burn 0.99.0 0123456789abcdef"]);
    let own = format!(
        "this is burn-zoo {} on Burn 0.22.1",
        env!("CARGO_PKG_VERSION")
    );
    refused(&other, &["runs burn-zoo 9.9.9 on Burn 0.99.0", &own]);

    // And the other way round.
    let worker = Worker::start();
    let mut stream = TcpStream::connect(&worker.address).expect("it listens");
    stream
        .write_all(b"burn-zoo 9.9.9 burn 0.99.0\n")
        .expect("it listens");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .expect("it says its own and ends");
    assert!(
        answer.starts_with("burn-zoo ") && answer.lines().count() == 1,
        "{answer}"
    );
}

#[test]
fn whoever_does_not_answer_as_a_worker_is_named() {
    // Nobody.
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = free.local_addr().expect("bound").to_string();
    drop(free);
    refused(
        &address,
        &["cannot be reached", "refused", "zoo worker --listen"],
    );
    // A web server.
    let web = fake(&["HTTP/1.1 400 Bad Request"]);
    refused(&web, &["answers as no zoo worker does"]);
    // A name that there is not.
    refused("no-such-host.invalid:3000", &["cannot be reached"]);
}

#[test]
fn a_host_that_says_nothing_is_given_up() {
    refused(&fake(&[]), &["does not answer within 6s"]);
}

#[test]
fn nobody_computes_without_a_greeting() {
    let worker = Worker::start();
    // Burn's own client would begin like this; the address for fetching tensors is not served at all.
    for path in ["/data", "/session"] {
        let mut stream = TcpStream::connect(&worker.address).expect("it listens");
        stream.set_read_timeout(Some(LIMIT)).expect("a time");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        .expect("sent");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(!answer.contains("101"), "{path}: {answer}");
    }
}

#[test]
fn a_worker_wants_a_token_and_a_free_port() {
    let folder = folder();
    let listen = ["worker", "--listen", "127.0.0.1:0"];
    refuse(
        folder.path(),
        &listen,
        &["token", "--token-file", "BURN_ZOO_TOKEN"],
    );
    write(folder.path(), "short", "hunter2\n");
    let with = |file: &'static str| [&listen[..], &["--token-file", file]].concat();
    refuse(
        folder.path(),
        &with("short"),
        &["short", "7 characters", "16"],
    );
    refuse(folder.path(), &with("missing"), &["missing"]);
    write(folder.path(), "token", format!("{TOKEN}\n"));
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("bound").to_string();
    let arguments = ["worker", "--listen", &address, "--token-file", "token"];
    refuse(
        folder.path(),
        &arguments,
        &[&address, "choose another port"],
    );
    let arguments = ["worker", "--listen", "here", "--token-file", "token"];
    refuse(
        folder.path(),
        &arguments,
        &["--listen here", "127.0.0.1:3000"],
    );

    write(folder.path(), "run.toml", TINY);
    let remote = on(&["127.0.0.1:9"]);
    let arguments = ["train", "run.toml", "--set", &remote];
    refuse(folder.path(), &arguments, &["want a token", "--token-file"]);
}

#[cfg(unix)]
#[test]
fn a_worker_ends_when_told_to() {
    for signal in ["-TERM", "-INT"] {
        let mut worker = Worker::start();
        worker.signal(signal);
        let status = worker.child.wait().expect("it ends");
        assert_eq!(status.code(), Some(0), "{signal}");
    }
}
