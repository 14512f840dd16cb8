//! What a training step changes, and how.

use burn::optim::ModuleOptimizer;
use burn_zoo_blocks::Classifier;

use crate::checkpoint::Position;
use crate::ema;
use crate::gradients::{Gathered, are_finite, clip};
use crate::step::Learnable;
use crate::{RunFile, TrainError};

/// What a step changes.
pub(crate) struct State<M: Classifier> {
    pub(crate) model: Learnable<M>,
    /// The averaged network.
    pub(crate) average: Option<M>,
    pub(crate) optimizer: ModuleOptimizer,
    pub(crate) gathered: Gathered<Learnable<M>>,
    pub(crate) position: Position,
}

impl<M: Classifier + 'static> State<M> {
    /// One optimizer step along the gathered gradients; left out where the scale of the loss was too large for them.
    pub(crate) fn update(&mut self, run: &RunFile, lr: f64) -> Result<(), TrainError> {
        let scale = self.position.loss_scale;
        let factor = scale.map_or(1.0, |scale| scale.factor);
        let mut gradients = self.gathered.take(&self.model, factor);
        self.position.step += 1;
        if let Some(scale) = scale {
            // Before they are clipped, which makes infinity a number.
            let is_finite = are_finite(&self.model, &gradients);
            let next = scale.after(is_finite);
            if next.is_spent() {
                let step = self.position.step;
                return Err(TrainError::Overflow { step });
            }
            self.position.loss_scale = Some(next);
            if !is_finite {
                return Ok(());
            }
        }
        clip(&self.model, &mut gradients, &run.train);
        self.model = self.optimizer.step(lr, self.model.clone(), gradients);
        if let (Some(section), Some(average)) = (run.ema, self.average.take()) {
            let decay = section.decay_at(self.position.step);
            self.average = Some(ema::update(average, &self.model.model.valid(), decay));
        }
        Ok(())
    }
}
