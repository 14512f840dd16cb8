//! The report in headless Chromium, where there is one: what it says, how it looks, what it asks for.
//!
//! `BURN_ZOO_SCREENSHOTS=folder` keeps the images.

#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use serde_json::{Value, json};

use crate::common::{TINY, folder, read, succeed, write};

/// A browser with one page, spoken to in the DevTools protocol over pipes.
struct Browser {
    child: Child,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    next: u64,
    /// What the browser said unasked.
    events: Vec<Value>,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts the first of the known browsers; none where there is none.
    fn start() -> Option<Self> {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let found = names.into_iter().find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|output| output.status.success())
        });
        let Some(name) = found else {
            eprintln!("skipped: no chromium on the path (apt-get install chromium)");
            return None;
        };
        let profile = folder();
        let mut child = Command::new("sh")
            // The protocol is spoken on the descriptors 3 and 4.
            .args([
                "-c",
                "exec \"$@\" 3<&0 4>&1 0</dev/null 1>/dev/null 2>/dev/null",
                "sh",
                name,
            ])
            .args([
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-sync",
                "--remote-debugging-pipe",
            ])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell is everywhere");
        let stdin = child.stdin.take().expect("piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut text = Vec::new();
            while stdout.read_until(0, &mut text).is_ok_and(|count| count > 0) {
                text.pop();
                let message = serde_json::from_slice(&text).expect("the protocol is JSON");
                if sender.send(message).is_err() {
                    return;
                }
                text.clear();
            }
        });
        let mut browser = Self {
            child,
            stdin,
            messages,
            session: None,
            next: 0,
            events: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", attach);
        browser.session = session["sessionId"].as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut message = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.stdin
            .write_all(format!("{message}\0").as_bytes())
            .expect("the browser listens");
        loop {
            let answer = self.receive(method);
            if answer["id"] == self.next {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.events.push(answer);
        }
    }

    fn receive(&self, waiting_for: &str) -> Value {
        let message = self.messages.recv_timeout(Duration::from_secs(120));
        message.unwrap_or_else(|error| panic!("{waiting_for}: {error}"))
    }

    /// Opens the page at a width and in a colour scheme.
    fn open(&mut self, page: &Path, [width, height]: [u32; 2], is_phone: bool, scheme: &str) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": if is_phone { 2 } else { 1 }, "mobile": is_phone
        });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media);
        self.events.clear();
        let page = page.canonicalize().expect("it is there");
        self.call(
            "Page.navigate",
            json!({ "url": format!("file://{}", page.display()) }),
        );
        while !self
            .events
            .iter()
            .any(|event| event["method"] == "Page.loadEventFired")
        {
            let event = self.receive("the page to load");
            self.events.push(event);
        }
    }

    /// The value of an expression.
    fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// Keeps an image of the whole page where `BURN_ZOO_SCREENSHOTS` says.
    fn screenshot(&mut self, name: &str) {
        let Some(folder) = std::env::var_os("BURN_ZOO_SCREENSHOTS") else {
            return;
        };
        let answer = self.call(
            "Page.captureScreenshot",
            json!({ "format": "png", "captureBeyondViewport": true }),
        );
        let text = answer["data"].as_str().expect("an image");
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(text)
            .expect("base64");
        std::fs::create_dir_all(&folder).expect("writable");
        std::fs::write(Path::new(&folder).join(name), bytes).expect("writable");
    }

    /// No error on the console, no request but for the page itself.
    fn assert_quiet(&self, page: &str) {
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                    panic!("{page}: {params}")
                }
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().expect("an address");
                    let is_own = url.starts_with("file://") && url.ends_with("/report.html");
                    assert!(is_own || url.starts_with("data:"), "{page} asks for {url}");
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Contrast of the page's two text colours with what they stand on (WCAG 2.2), and the paper's luminance.
const CONTRAST: &str = r#"(() => {
  const channels = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);
  const luminance = (color) => channels(color).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const paper = luminance(getComputedStyle(document.body).backgroundColor);
  const text = (element) => luminance(getComputedStyle(element).color);
  return [paper, ratio(paper, text(document.body)), ratio(paper, text(document.querySelector("header p")))];
})()"#;

/// The epochs' table of every run as text.
const EPOCHS: &str = r#"[...document.querySelectorAll("details.run")].map((run) =>
  [...run.querySelectorAll(".epochs tbody tr")].map((row) => [...row.cells].map((cell) => cell.textContent)))"#;

#[test]
fn the_report_of_three_runs_is_whole_at_every_width_and_in_both_schemes() {
    let folder = folder();
    write(
        folder.path(),
        "tiny.toml",
        TINY.replace("epochs = 2", "epochs = 4"),
    );
    let sweep = [
        "sweep",
        "tiny.toml",
        "--grid",
        "optimizer.lr=0.005,0.02,0.08",
        "--out",
        "s",
    ];
    succeed(folder.path(), &sweep);
    let names = ["lr=0.005", "lr=0.02", "lr=0.08"];
    let metrics: Vec<Vec<Value>> = names
        .iter()
        .map(|name| {
            let text = String::from_utf8(read(
                folder.path().join("s").join(name).join("metrics.jsonl"),
            ));
            let text = text.expect("text");
            text.lines()
                .map(|line| serde_json::from_str(line).expect("JSON"))
                .collect()
        })
        .collect();
    let Some(mut browser) = Browser::start() else {
        return;
    };
    let page = folder.path().join("s/report.html");
    for (width, size, is_phone) in [("desktop", [1280, 900], false), ("phone", [390, 844], true)] {
        for scheme in ["light", "dark"] {
            let what = format!("{width}-{scheme}");
            browser.open(&page, size, is_phone, scheme);
            let found = browser.evaluate("document.getElementById('data').textContent");
            // Parsed here: the protocol takes 50.0 for 50.
            let found: Value = serde_json::from_str(found.as_str().expect("text")).expect("JSON");
            for (run, lines) in metrics.iter().enumerate() {
                assert_eq!(found["runs"][run]["name"], names[run]);
                assert_eq!(
                    found["runs"][run]["epochs"],
                    Value::Array(lines.clone()),
                    "{what}"
                );
            }
            assert_eq!(browser.evaluate(EPOCHS), rows(&metrics), "{what}");
            assert_eq!(
                browser.evaluate("document.querySelectorAll('.charts figure svg.linear').length"),
                4
            );
            let wide = browser.evaluate("document.documentElement.scrollWidth");
            let window = browser.evaluate("document.documentElement.clientWidth");
            assert_eq!(wide, window, "{what}: the page is wider than the window");
            assert!(
                window.as_u64().expect("pixels") <= u64::from(size[0]),
                "{what}"
            );
            let contrast = browser.evaluate(CONTRAST);
            let contrast: Vec<f64> = contrast
                .as_array()
                .expect("a list")
                .iter()
                .filter_map(Value::as_f64)
                .collect();
            assert_eq!(contrast[0] < 0.1, scheme == "dark", "{what}: {contrast:?}");
            assert!(
                contrast[1] > 7.0 && contrast[2] > 4.5,
                "{what}: {contrast:?}"
            );
            browser.screenshot(&format!("{what}.png"));
            browser.assert_quiet(&what);
        }
    }
    choices(&mut browser, &page);
    values_under_the_pointer(&mut browser, &metrics);
    browser.assert_quiet("after all");
}

/// The epochs as the page writes them, the columns of the clock left as they are.
fn rows(metrics: &[Vec<Value>]) -> Value {
    let number = |value: &Value| value.as_f64().expect("a number");
    let row = |record: &Value| {
        let (speed, seconds) = (
            number(&record["images_per_second"]),
            number(&record["seconds"]),
        );
        let speed = match speed {
            slow if slow < 100.0 => format!("{slow:.1}"),
            fast if fast < 1000.0 => format!("{fast:.0}"),
            fast => format!(
                "{},{:03}",
                fast.round() as u64 / 1000,
                fast.round() as u64 % 1000
            ),
        };
        json!([
            record["epoch"].to_string(),
            format!("{:.4}", number(&record["train"]["loss"])),
            format!("{:.2}", number(&record["train"]["top1"])),
            format!("{:.4}", number(&record["valid"]["loss"])),
            format!("{:.2}", number(&record["valid"]["top1"])),
            format!("{:.2}", number(&record["valid"]["top5"])),
            format!("{:.3e}", number(&record["lr"])),
            speed,
            format!("{seconds:.1} s"),
        ])
    };
    metrics
        .iter()
        .map(|run| run.iter().map(row).collect::<Value>())
        .collect()
}

/// Runs and the scale are chosen without a script.
fn choices(browser: &mut Browser, page: &Path) {
    browser.open(page, [1280, 900], false, "light");
    let shown = |browser: &mut Browser, selector: &str| {
        browser.evaluate(&format!(
            "getComputedStyle(document.querySelector('{selector}')).display !== 'none'"
        ))
    };
    let states = |browser: &mut Browser| {
        ["svg .run-0", "svg .run-1", "svg.linear", "svg.log"]
            .map(|selector| shown(browser, selector))
    };
    assert_eq!(states(browser), [true, true, true, false]);
    browser.evaluate(
        "document.getElementById('show-0').click(), document.getElementById('log').click()",
    );
    assert_eq!(states(browser), [false, true, false, true]);
    browser.evaluate(
        "document.getElementById('show-0').click(), document.getElementById('log').click()",
    );
    assert_eq!(states(browser), [true, true, true, false]);
}

fn values_under_the_pointer(browser: &mut Browser, metrics: &[Vec<Value>]) {
    let place = browser.evaluate(
        "(() => { const b = document.querySelector('svg.chart').getBoundingClientRect(); \
         return [b.left + b.width * (56 + 412 * 2 / 3) / 480, b.top + b.height / 2]; })()",
    );
    let moved = json!({ "type": "mouseMoved", "x": place[0], "y": place[1] });
    browser.call("Input.dispatchMouseEvent", moved);
    let text = browser.evaluate("document.getElementById('readout').innerText");
    let text = text.as_str().expect("text");
    assert!(text.starts_with("epoch 3"), "{text}");
    let lines: Vec<&str> = text
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty())
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    for (line, run) in lines.iter().zip(metrics) {
        let found: f64 = line
            .rsplit(' ')
            .next()
            .and_then(|word| word.parse().ok())
            .expect("a number");
        let expected = run[2]["valid"]["loss"].as_f64().expect("a number");
        assert!(
            (found - expected).abs() < 1e-4 * expected,
            "{line}: {expected}"
        );
    }
}
