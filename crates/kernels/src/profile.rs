//! Where the time goes: the kernels' own clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What calls of one operation on one shape took together.
#[derive(Debug, Clone, PartialEq)]
pub struct OpTiming {
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

/// One profile at a time.
static PROFILING: Mutex<()> = Mutex::new(());

/// Runs `work` and says what the kernels did meanwhile, in the whole process, the longest first. Empty where no kernel runs.
///
/// A second profile waits until the first is done.
pub fn profile(work: impl FnOnce()) -> Vec<OpTiming> {
    /// The clock stops even where `work` panics.
    struct On;
    impl Drop for On {
        fn drop(&mut self) {
            IS_ON.store(false, Ordering::Relaxed);
        }
    }

    let _alone = PROFILING.lock().unwrap_or_else(PoisonError::into_inner);
    table().clear();
    IS_ON.store(true, Ordering::Relaxed);
    {
        let _on = On;
        work();
    }
    let found = std::mem::take(&mut *table()).into_iter();
    let mut found: Vec<_> = found
        .map(|((operation, shape), (calls, time, operations))| OpTiming {
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
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_timed_is_counted_by_operation_and_shape_and_only_meanwhile() {
        let once = |shape: &str| timed("profiled here", &shape, 2.0, || ());
        once("before");
        let panicked = std::panic::catch_unwind(|| profile(|| panic!("meanwhile")));
        assert!(panicked.is_err());
        once("between");
        let found = profile(|| {
            once("a");
            once("a");
            once("b");
        });
        once("after");
        let mut found: Vec<_> = found
            .into_iter()
            // Other tests may run kernels meanwhile.
            .filter(|taken| taken.operation == "profiled here")
            .map(|taken| (taken.shape, taken.calls, taken.operations))
            .collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found, [("a".to_owned(), 2, 4.0), ("b".to_owned(), 1, 2.0)]);
    }
}
