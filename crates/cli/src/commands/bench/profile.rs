//! `zoo bench --profile`: where the time of a step goes.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use burn_zoo::OpTiming;
use serde::Serialize;

use super::{median, wait};
use crate::error::CliError;
use crate::output::table;

/// Lines of the text; the JSON document has all.
const LINES: usize = 24;

/// Height and width of the matrices that show how fast the machine multiplies.
const SIDE: usize = 1024;

/// The operations of a step.
#[derive(Serialize)]
pub(super) struct Profile {
    /// Of a step, on average.
    milliseconds: f64,
    /// How fast the backend multiplies square matrices here, in 10⁹ operations a second: about the most that can be had.
    gemm_gigaflops: f64,
    /// The longest first.
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    operation: &'static str,
    shape: String,
    /// Of a step.
    calls: f64,
    /// Of a step.
    milliseconds: f64,
    /// Of the step's time.
    share: f64,
    /// Where multiplications are what takes the time.
    #[serde(skip_serializing_if = "Option::is_none")]
    gigaflops: Option<f64>,
}

impl Profile {
    pub(super) fn of(
        device: &Device,
        steps: u32,
        step: &mut impl FnMut() -> Result<(), CliError>,
    ) -> Result<Self, CliError> {
        let mut result = Ok(());
        let start = Instant::now();
        let taken = burn_zoo::profile(|| {
            result = (0..steps).try_for_each(|_| step());
        });
        result?;
        let steps = f64::from(steps);
        let seconds = start.elapsed().as_secs_f64() / steps;
        let mut operations: Vec<_> = taken
            .into_iter()
            .map(|taken| Operation::of(taken, steps, seconds))
            .collect();
        let rest = 1.0 - operations.iter().map(|own| own.share).sum::<f64>();
        operations.push(Operation {
            operation: "everything else",
            shape: "Burn's own operations".to_owned(),
            calls: 1.0,
            milliseconds: rest * seconds * 1e3,
            share: rest,
            gigaflops: None,
        });
        operations.sort_by(|a, b| b.share.total_cmp(&a.share));
        Ok(Self {
            milliseconds: seconds * 1e3,
            gemm_gigaflops: gemm_gigaflops(device)?,
            operations,
        })
    }

    pub(super) fn text(&self) -> String {
        let mut rows: Vec<_> = self.operations[..LINES.min(self.operations.len())]
            .iter()
            .map(Operation::row)
            .collect();
        if let Some(rest @ [_, ..]) = self.operations.get(LINES..) {
            let sum = |of: fn(&Operation) -> f64| rest.iter().map(of).sum::<f64>();
            let more = Operation {
                operation: "and",
                shape: format!("{} more, in --json", rest.len()),
                calls: sum(|own| own.calls),
                milliseconds: sum(|own| own.milliseconds),
                share: sum(|own| own.share),
                gigaflops: None,
            };
            rows.push(more.row());
        }
        let table = table(
            ["operation", "shape", "calls", "ms", "share", "GFLOP/s"],
            [false, false, true, true, true, true],
            &rows,
        );
        format!(
            "{table}{:.1} ms a step; products of {SIDE}×{SIDE} matrices reach {:.0} GFLOP/s here\n",
            self.milliseconds, self.gemm_gigaflops
        )
    }
}

impl Operation {
    fn of(taken: OpTiming, steps: f64, seconds: f64) -> Self {
        let own = taken.time.as_secs_f64() / steps;
        let rate = taken.operations / steps / own / 1e9;
        Self {
            operation: taken.operation,
            shape: taken.shape,
            calls: taken.calls as f64 / steps,
            milliseconds: own * 1e3,
            share: own / seconds,
            gigaflops: (taken.operations > 0.0).then_some(rate),
        }
    }

    fn row(&self) -> [String; 6] {
        [
            self.operation.to_owned(),
            self.shape.clone(),
            format!("{:.0}", self.calls),
            format!("{:.2}", self.milliseconds),
            format!("{:.1} %", self.share * 100.0),
            self.gigaflops
                .map_or(String::new(), |rate| format!("{rate:.0}")),
        ]
    }
}

fn gemm_gigaflops(device: &Device) -> Result<f64, CliError> {
    let matrix = || Tensor::<2>::random([SIDE; 2], Distribution::Normal(0.0, 1.0), device);
    let (left, right) = (matrix(), matrix());
    let mut times = Vec::new();
    for _ in 0..7 {
        let start = Instant::now();
        wait(&left.clone().matmul(right.clone()))?;
        times.push(start.elapsed().as_secs_f64());
    }
    Ok(2.0 * SIDE.pow(3) as f64 / median(times) / 1e9)
}
