//! Where a step takes its chance from.

/// The seed of everything random inside a step (dropout), from the run's seed and the step alone: SplitMix64.
pub(crate) fn step_seed(seed: u64, step: usize) -> u64 {
    let mut mixed = seed
        ^ (step as u64)
            .wrapping_add(1)
            .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}
