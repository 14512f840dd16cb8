//! Work that several threads do on one buffer, each on its own part.

use std::cell::RefCell;
use std::mem::MaybeUninit;

use rayon::prelude::*;

thread_local! {
    /// Scratch memory that a thread keeps from one operation to the next.
    static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` for every number below `count`, on all threads.
pub(crate) fn each(count: usize, work: impl Fn(usize) + Sync + Send) {
    match count {
        0 => {}
        1 => work(0),
        _ => (0..count).into_par_iter().with_max_len(1).for_each(work),
    }
}

/// Lends `length` values of any value.
pub(crate) fn with_scratch<T>(length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
    // Taken out meanwhile: rayon may run another task of ours on this thread while it waits.
    let mut memory = SCRATCH.with_borrow_mut(std::mem::take);
    if memory.len() < length {
        memory.resize(length, 0.0);
    }
    let result = work(&mut memory[..length]);
    SCRATCH.with_borrow_mut(|kept| {
        if kept.len() < memory.len() {
            *kept = memory;
        }
    });
    result
}

/// A buffer of `length` values, all of which `write` writes: setting them to zero in one thread first takes as long as some
/// kernels.
///
/// # Safety
/// `write` leaves no number unwritten, and takes none by [`Shared::part`] that it has not written before.
#[allow(unsafe_code, reason = "the caller's promise")]
pub(crate) unsafe fn written(length: usize, write: impl FnOnce(&Shared)) -> Vec<f32> {
    let mut buffer = Box::<[f32]>::new_uninit_slice(length);
    write(&Shared {
        start: buffer.as_mut_ptr().cast(),
        length,
        _buffer: std::marker::PhantomData,
    });
    // SAFETY: `write` has written every number.
    unsafe { buffer.assume_init() }.into_vec()
}

/// A buffer that several threads write, each to places of its own.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    length: usize,
    _buffer: std::marker::PhantomData<&'a mut [f32]>,
}

#[allow(
    unsafe_code,
    reason = "parts are handed out by `part`, whose callers keep them apart"
)]
// SAFETY: it is a mutable slice; what is done with it from several threads is up to the callers of `part`.
unsafe impl Send for Shared<'_> {}
#[allow(unsafe_code, reason = "as for Send")]
// SAFETY: as for Send.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(buffer: &'a mut [f32]) -> Self {
        Self {
            start: buffer.as_mut_ptr(),
            length: buffer.len(),
            _buffer: std::marker::PhantomData,
        }
    }

    /// The values from `from` to below `to`.
    ///
    /// # Safety
    /// No two parts that overlap may be in use at the same time.
    ///
    /// # Panics
    /// If the part lies outside of the buffer.
    #[allow(
        unsafe_code,
        reason = "the bounds are checked, the rest is the caller's promise"
    )]
    #[allow(clippy::mut_from_ref, reason = "that is what it is for")]
    pub(crate) unsafe fn part(&self, from: usize, to: usize) -> &'a mut [f32] {
        assert!(
            from <= to && to <= self.length,
            "{from}..{to} of {}",
            self.length
        );
        // SAFETY: within the buffer, which outlives `'a`; the caller keeps parts apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), to - from) }
    }

    /// The values from `from` to below `to`, which may not have been written yet.
    ///
    /// # Safety
    /// As for [`part`](Self::part).
    #[allow(
        unsafe_code,
        reason = "the bounds are checked, the rest is the caller's promise"
    )]
    #[allow(clippy::mut_from_ref, reason = "that is what it is for")]
    pub(crate) unsafe fn unwritten(&self, from: usize, to: usize) -> &'a mut [MaybeUninit<f32>] {
        assert!(from <= to && to <= self.length);
        // SAFETY: within the buffer, which outlives `'a`; the caller keeps parts apart.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from).cast(), to - from) }
    }

    /// As [`part`](Self::part), set to zero first: values that nobody has written yet may be had in this way only.
    ///
    /// # Safety
    /// As for [`part`](Self::part).
    #[allow(
        unsafe_code,
        reason = "the bounds are checked, the rest is the caller's promise"
    )]
    #[allow(clippy::mut_from_ref, reason = "that is what it is for")]
    pub(crate) unsafe fn zeroed(&self, from: usize, to: usize) -> &'a mut [f32] {
        assert!(from <= to && to <= self.length);
        // SAFETY: within the buffer; four zero bytes are the number 0.
        unsafe { self.start.add(from).write_bytes(0, to - from) };
        // SAFETY: the caller's promise is the same, and the values are written.
        unsafe { self.part(from, to) }
    }

    /// Writes `values` from `at` on.
    ///
    /// # Safety
    /// As for [`part`](Self::part).
    #[allow(
        unsafe_code,
        reason = "the bounds are checked, the rest is the caller's promise"
    )]
    pub(crate) unsafe fn write(&self, at: usize, values: &[f32]) {
        assert!(at + values.len() <= self.length);
        // SAFETY: within the buffer; `values` is no part of it that anyone else writes.
        unsafe {
            self.start
                .add(at)
                .copy_from_nonoverlapping(values.as_ptr(), values.len());
        }
    }

    /// `rows` rows of `columns` values, `stride` apart, the first at `from`.
    ///
    /// # Safety
    /// No number of them may be in use elsewhere at the same time.
    ///
    /// # Panics
    /// If they do not lie within the buffer.
    #[allow(
        unsafe_code,
        reason = "the bounds are checked, the rest is the caller's promise"
    )]
    pub(crate) unsafe fn rows(
        &self,
        from: usize,
        [rows, columns]: [usize; 2],
        stride: usize,
    ) -> Rows<'a> {
        let last = from + rows.saturating_sub(1) * stride + columns;
        assert!(last <= self.length, "{last} of {}", self.length);
        Rows {
            // SAFETY: `from` is within the buffer.
            start: unsafe { self.start.add(from) },
            rows,
            columns,
            stride,
            _buffer: std::marker::PhantomData,
        }
    }
}

/// Rows of values that belong to one task, while those between them may belong to others.
pub(crate) struct Rows<'a> {
    pub(crate) start: *mut f32,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) stride: usize,
    _buffer: std::marker::PhantomData<&'a mut [f32]>,
}

impl<'a> Rows<'a> {
    /// The rows of a buffer that is theirs alone, one after the other.
    pub(crate) fn of(buffer: &'a mut [f32], columns: usize) -> Self {
        Self {
            start: buffer.as_mut_ptr(),
            rows: buffer.len() / columns.max(1),
            columns,
            stride: columns,
            _buffer: std::marker::PhantomData,
        }
    }
}
