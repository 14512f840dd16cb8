//! What threads read from afar or unpack once and share while it is wanted.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Values by key, up to a number of bytes; those that nobody asked for the longest go first.
pub(crate) struct Cache<K, V> {
    state: Mutex<State<K, V>>,
    /// A value arrived, or could not be made.
    changed: Condvar,
    most: usize,
}

struct State<K, V> {
    slots: HashMap<K, Slot<V>>,
    bytes: usize,
    clock: u64,
}

enum Slot<V> {
    /// A thread is making it.
    Coming,
    Here {
        value: Arc<V>,
        bytes: usize,
        /// When it was last asked for.
        used: u64,
    },
}

impl<K: Clone + Eq + Hash, V> Cache<K, V> {
    /// A cache that keeps at most `most` bytes, or one value.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            state: Mutex::new(State {
                slots: HashMap::new(),
                bytes: 0,
                clock: 0,
            }),
            changed: Condvar::new(),
            most,
        }
    }

    /// The value of `key`: the one that is there, or what `make` gives, with its bytes. Of threads that ask at once one makes
    /// it and the others wait; where that fails, the next one tries.
    pub(crate) fn get<E>(
        &self,
        key: &K,
        make: impl FnOnce() -> Result<(V, usize), E>,
    ) -> Result<Arc<V>, E> {
        let mut state = self.locked();
        loop {
            state.clock += 1;
            let now = state.clock;
            match state.slots.get_mut(key) {
                Some(Slot::Here { value, used, .. }) => {
                    *used = now;
                    return Ok(value.clone());
                }
                Some(Slot::Coming) => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                None => break,
            }
        }
        state.slots.insert(key.clone(), Slot::Coming);
        drop(state);
        // Whatever happens, no thread waits for it for ever.
        let _coming = Coming { cache: self, key };
        let (value, bytes) = make()?;
        let value = Arc::new(value);
        self.locked()
            .keep(key.clone(), value.clone(), bytes, self.most);
        Ok(value)
    }

    fn locked(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Clone + Eq + Hash, V> State<K, V> {
    fn keep(&mut self, key: K, value: Arc<V>, bytes: usize, most: usize) {
        self.clock += 1;
        self.bytes += bytes;
        let (used, newest) = (self.clock, key.clone());
        self.slots.insert(key, Slot::Here { value, bytes, used });
        while self.bytes > most {
            let here = self.slots.iter().filter_map(|(key, slot)| match slot {
                Slot::Here { used, .. } if *key != newest => Some((*used, key)),
                _ => None,
            });
            let Some(oldest) = here.min_by_key(|(used, _)| *used) else {
                return;
            };
            let oldest = oldest.1.clone();
            if let Some(Slot::Here { bytes, .. }) = self.slots.remove(&oldest) {
                self.bytes -= bytes;
            }
        }
    }
}

/// A value that a thread has set out to make.
struct Coming<'a, K: Clone + Eq + Hash, V> {
    cache: &'a Cache<K, V>,
    key: &'a K,
}

impl<K: Clone + Eq + Hash, V> Drop for Coming<'_, K, V> {
    fn drop(&mut self) {
        let mut state = self.cache.locked();
        if let Some(Slot::Coming) = state.slots.get(self.key) {
            state.slots.remove(self.key);
        }
        drop(state);
        self.cache.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_value_is_made_once_and_the_oldest_goes() {
        let cache = Cache::new(100);
        let made = AtomicUsize::new(0);
        let get = |key: u32| {
            let make = || {
                made.fetch_add(1, Ordering::SeqCst);
                Ok::<_, ()>((key, 40))
            };
            *cache.get(&key, make).unwrap()
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| assert_eq!(get(1), 1));
            }
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
        // 1 is asked for again, so 2 goes when 3 comes.
        let _ = [get(2), get(1), get(3), get(1)];
        assert_eq!(made.load(Ordering::SeqCst), 3);
        get(2);
        assert_eq!(made.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn what_fails_or_panics_is_tried_again() {
        let cache: Cache<u32, u32> = Cache::new(100);
        assert_eq!(cache.get(&1, || Err("no")), Err("no"));
        let panics = || cache.get(&1, || -> Result<_, ()> { panic!("a defect") });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        assert_eq!(*cache.get(&1, || Ok::<_, ()>((7, 1000))).unwrap(), 7);
        assert_eq!(
            *cache
                .get(&1, || Err("kept, though it is larger than all that fits"))
                .unwrap(),
            7
        );
    }
}
