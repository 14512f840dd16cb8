//! Where the time goes: the kernels' own clock.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What calls of one operation on one shape took together.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// The operation, as `convolution, weight gradient`.
    pub operation: &'static str,
    /// The shape it worked on, as `64→128 3×3 /2 at 32×32`.
    pub shape: String,
    /// How often it was called.
    pub calls: usize,
    /// The time of all calls.
    pub time: Duration,
    /// Multiplications and additions of all calls; 0 where they are not what takes the time.
    pub operations: f64,
}

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Calls, time and operations by operation and shape.
static TAKEN: Mutex<Table> = Mutex::new(BTreeMap::new());

type Table = BTreeMap<(&'static str, String), (usize, Duration, f64)>;

/// Runs `work` and says what the kernels did meanwhile, in the whole process, the longest first. Empty where no kernel runs.
///
/// # Panics
/// If a kernel panicked earlier while it was timed.
pub fn profile(work: impl FnOnce()) -> Vec<Taken> {
    table().clear();
    IS_ON.store(true, Ordering::Relaxed);
    work();
    IS_ON.store(false, Ordering::Relaxed);
    let found = std::mem::take(&mut *table()).into_iter();
    let mut found: Vec<_> = found
        .map(|((operation, shape), (calls, time, operations))| Taken {
            operation,
            shape,
            calls,
            time,
            operations,
        })
        .collect();
    found.sort_by_key(|taken| std::cmp::Reverse(taken.time));
    found
}

fn table() -> std::sync::MutexGuard<'static, Table> {
    TAKEN.lock().expect("nobody panics while holding it")
}

/// Does the work, timed where a profile is taken.
#[cfg(feature = "flex")]
pub(crate) fn timed<T>(
    operation: &'static str,
    shape: &impl std::fmt::Display,
    operations: f64,
    work: impl FnOnce() -> T,
) -> T {
    if !IS_ON.load(Ordering::Relaxed) {
        return work();
    }
    let start = std::time::Instant::now();
    let result = work();
    let time = start.elapsed();
    let mut table = table();
    let entry = table.entry((operation, shape.to_string())).or_default();
    *entry = (entry.0 + 1, entry.1 + time, entry.2 + operations);
    result
}
