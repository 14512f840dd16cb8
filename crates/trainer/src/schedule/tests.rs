//! Rates against the papers' and PyTorch's.

use std::f64::consts::PI;

use super::*;

const ONE_CYCLE: [(usize, f64); 8] = [
    (0, 0.016),
    (1, 0.052_668_737_080_010_13),
    (3, 0.267_331_262_919_989_9),
    (5, 0.4),
    (6, 0.394_985_602_494_034_97),
    (12, 0.200_000_8),
    (18, 0.005_015_997_505_965_022),
    (19, 1.6e-6),
];
const PLATEAU: [f64; 9] = [1.0, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01, 0.01];

fn schedule(kind: ScheduleKind, warmup_epochs: f64) -> ScheduleSection {
    ScheduleSection {
        kind,
        warmup_epochs,
        ..ScheduleSection::default()
    }
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!(
        (found - expected).abs() < 1e-12,
        "found {found}, expected {expected}"
    );
}

#[test]
fn multi_step_follows_the_resnet_paper() {
    // Section 4.2: 0.1, divided by 10 at 32k and 48k of 64k iterations, 391 iterations to an epoch.
    let section = ScheduleSection {
        milestones: vec![82.0, 123.0],
        ..schedule(ScheduleKind::MultiStep, 0.0)
    };
    let schedule = section.init(0.1, 391, 64_000);
    close(schedule.lr(0, &[]), 0.1);
    close(schedule.lr(82 * 391 - 1, &[]), 0.1);
    close(schedule.lr(82 * 391, &[]), 0.01);
    close(schedule.lr(123 * 391, &[]), 0.001);
}

#[test]
fn warm_up_is_linear_and_reaches_the_peak() {
    let schedule = schedule(ScheduleKind::Constant, 0.5).init(2.0, 8, 80);
    let rates: Vec<f64> = (0..5).map(|step| schedule.lr(step, &[])).collect();
    assert_eq!(rates, [0.5, 1.0, 1.5, 2.0, 2.0]);
}

#[test]
fn cosine_and_linear_fall_to_their_end_and_stay() {
    let cosine = schedule(ScheduleKind::Cosine, 1.0).init(1.0, 10, 110);
    close(cosine.lr(10, &[]), 1.0);
    close(cosine.lr(60, &[]), 0.5);
    close(cosine.lr(35, &[]), 0.5 * (1.0 + (PI * 0.25).cos()));
    close(cosine.lr(110, &[]), 0.0);
    close(cosine.lr(500, &[]), 0.0);
    let section = ScheduleSection {
        final_fraction: Some(0.2),
        ..schedule(ScheduleKind::Linear, 0.0)
    };
    let linear = section.init(1.0, 10, 100);
    close(linear.lr(0, &[]), 1.0);
    close(linear.lr(50, &[]), 0.6);
    close(linear.lr(1000, &[]), 0.2);
}

#[test]
fn a_warm_up_as_long_as_the_run_is_harmless() {
    let schedule = schedule(ScheduleKind::Cosine, 2.0).init(1.0, 5, 10);
    assert!((0..20).all(|step| schedule.lr(step, &[]).is_finite()));
}

#[test]
fn values_without_use_are_refused() {
    let gamma = ScheduleSection {
        gamma: Some(0.5),
        ..schedule(ScheduleKind::Cosine, 0.0)
    };
    assert_eq!(gamma.invalid(10).map(|(key, _)| key), Some("gamma"));
    let none = schedule(ScheduleKind::MultiStep, 0.0);
    assert_eq!(none.invalid(10).map(|(key, _)| key), Some("milestones"));
    let long = schedule(ScheduleKind::Cosine, 11.0);
    assert_eq!(long.invalid(10).map(|(key, _)| key), Some("warmup_epochs"));
    assert_eq!(
        schedule(ScheduleKind::Cosine, f64::NAN)
            .invalid(10)
            .map(|(key, _)| key),
        Some("warmup_epochs")
    );
}

/// Rates that PyTorch 2.15 gives: its OneCycleLR(max_lr=0.4, total_steps=20), and ReduceLROnPlateau(patience=1).
#[test]
fn one_cycle_and_plateau_are_those_of_pytorch() {
    let one_cycle = schedule(ScheduleKind::OneCycle, 0.0).init(0.4, 10, 20);
    for (step, expected) in ONE_CYCLE {
        close(one_cycle.lr(step, &[]), expected);
    }
    let section = ScheduleSection {
        patience: Some(1),
        ..schedule(ScheduleKind::Plateau, 0.0)
    };
    let plateau = section.init(1.0, 10, 100);
    let losses = [1.0, 0.9, 0.95, 0.91, 0.92, 0.93, 0.5, 0.49999];
    for (epochs, expected) in PLATEAU.into_iter().enumerate() {
        close(plateau.lr(10 * epochs, &losses[..epochs]), expected);
    }
}

#[test]
fn step_exponential_and_polynomial_follow_their_formulas() {
    let section = ScheduleSection {
        step_size: Some(2.0),
        gamma: Some(0.5),
        ..schedule(ScheduleKind::Step, 0.0)
    };
    let step = section.init(1.0, 10, 100);
    close(step.lr(19, &[]), 1.0);
    close(step.lr(20, &[]), 0.5);
    close(step.lr(99, &[]), 0.0625);
    let section = ScheduleSection {
        gamma: Some(0.9),
        ..schedule(ScheduleKind::Exponential, 0.0)
    };
    close(section.init(2.0, 10, 100).lr(30, &[]), 2.0 * 0.9f64.powi(3));
    let section = ScheduleSection {
        power: Some(2.0),
        ..schedule(ScheduleKind::Polynomial, 0.0)
    };
    close(section.init(1.0, 10, 100).lr(50, &[]), 0.25);
}

#[test]
fn by_epoch_the_rate_stays_for_an_epoch() {
    let section = ScheduleSection {
        by: ScheduleUnit::Epoch,
        ..schedule(ScheduleKind::Cosine, 2.0)
    };
    let schedule = section.init(1.0, 10, 100);
    close(schedule.lr(0, &[]), 0.5);
    close(schedule.lr(9, &[]), 0.5);
    close(schedule.lr(10, &[]), 1.0);
    close(schedule.lr(20, &[]), 1.0);
    close(schedule.lr(69, &[]), schedule.lr(60, &[]));
    close(schedule.lr(60, &[]), 0.5);
}

#[test]
fn a_warm_up_in_steps_is_one() {
    let section = ScheduleSection {
        warmup_steps: Some(4),
        ..schedule(ScheduleKind::Constant, 0.0)
    };
    let schedule = section.init(1.0, 10, 100);
    close(schedule.lr(0, &[]), 0.25);
    close(schedule.lr(3, &[]), 1.0);
}

#[test]
fn a_one_cycle_of_any_shape_has_rates() {
    for (pct_start, total) in [(0.1, 10), (0.5, 2), (0.99, 20), (0.01, 3), (0.3, 1)] {
        let section = ScheduleSection {
            pct_start: Some(pct_start),
            ..schedule(ScheduleKind::OneCycle, 0.0)
        };
        let schedule = section.init(1.0, total, total);
        let rates: Vec<f64> = (0..total).map(|step| schedule.lr(step, &[])).collect();
        assert!(
            rates.iter().all(|rate| *rate > 0.0 && *rate <= 1.0),
            "{rates:?}"
        );
        close(rates[total - 1], 1.0 / 25.0 / 1e4);
    }
}
