//! Groups of images that are the same or look alike, within a split and in both.

use std::collections::HashSet;

use burn_zoo::data::{Fingerprint, near_duplicates};
use burn_zoo::report::{DuplicateGroup, DuplicateImage, Duplicates};

use super::dataset_stats::Print;

pub(super) const TRAIN: &str = "train";
const VALID: &str = "valid";

/// What is there more than once among the training and the validation images.
pub(super) fn find(splits: [&Vec<Print>; 2], classes: &[String]) -> Duplicates {
    let [train, valid] = splits;
    let all: Vec<(&'static str, &Print)> = train
        .iter()
        .map(|print| (TRAIN, print))
        .chain(valid.iter().map(|print| (VALID, print)))
        .collect();
    let prints: Vec<Fingerprint> = all.iter().map(|(_, print)| print.print).collect();
    let mut found = Duplicates::default();
    for members in near_duplicates(&prints) {
        let group = Group {
            members: members.iter().map(|&place| all[place]).collect(),
        };
        found.groups += 1;
        group.count(&mut found);
        found.shown.push(group.shown(classes));
    }
    found.shown.sort_by_key(|group| {
        let rank = (group.leak, group.contradiction, group.exact, group.size);
        std::cmp::Reverse(rank)
    });
    found.shown.truncate(Duplicates::SHOWN_GROUPS);
    found
}

struct Group<'a> {
    /// Training images first.
    members: Vec<(&'static str, &'a Print)>,
}

impl Group<'_> {
    fn count(&self, found: &mut Duplicates) {
        let (mut seen, mut trained) = (HashSet::new(), HashSet::new());
        for (place, (split, print)) in self.members.iter().enumerate() {
            let is_new = seen.insert(print.print);
            match (place, is_new) {
                (0, _) => {}
                (_, false) => found.exact += 1,
                (_, true) => found.near += 1,
            }
            if *split == TRAIN {
                trained.insert(print.print);
            } else if trained.contains(&print.print) {
                found.leaked_exact += 1;
            } else if !trained.is_empty() {
                found.leaked_near += 1;
            }
        }
        found.contradictions += usize::from(self.is_contradiction());
    }

    fn is_contradiction(&self) -> bool {
        let first = self.members[0].1.label;
        self.members.iter().any(|(_, print)| print.label != first)
    }

    fn shown(&self, classes: &[String]) -> DuplicateGroup {
        let first = self.members[0].1;
        let validation = self.members.iter().position(|(split, _)| *split == VALID);
        let mut places: Vec<usize> = (0..self.members.len())
            .take(Duplicates::SHOWN_IMAGES)
            .collect();
        if let (Some(validation), Some(last)) = (validation, places.last_mut())
            && validation > *last
        {
            *last = validation;
        }
        let images = places.iter().map(|&place| {
            let (split, print) = self.members[place];
            DuplicateImage {
                split,
                index: print.index,
                class: classes[print.label].clone(),
                file: None,
                image: String::new(),
            }
        });
        DuplicateGroup {
            exact: self
                .members
                .iter()
                .all(|(_, print)| print.print == first.print),
            leak: self.members[0].0 == TRAIN && validation.is_some(),
            contradiction: self.is_contradiction(),
            size: self.members.len(),
            images: images.collect(),
        }
    }
}
