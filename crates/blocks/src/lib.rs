//! Layers, initialisers and the [`Classifier`] trait that two or more architectures of the zoo share.

mod classifier;

pub use classifier::{AuxiliaryLogits, Classifier, TrainingLogits};
