//! TensorBoard's event file: TFRecords of the few protocol-buffer messages that a scalar needs.
//!
//! A record is its length (u64), a checksum of the length, the message, a checksum of the message, all little-endian
//! (tensorflow/core/lib/io/record_writer.h). The messages are tensorflow/core/util/event.proto's and
//! tensorflow/core/framework/summary.proto's, with the fields that are used.

use prost::Message;

use crate::record::{EpochRecord, Metrics};

#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Scalars>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalars {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Scalar>,
}

#[derive(Clone, PartialEq, Message)]
struct Scalar {
    #[prost(string, tag = "1")]
    tag: String,
    // Optional, so that a zero is written and not left out.
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// The epochs as an event file: after the version, one event each, at its optimizer step and at `started` (seconds since
/// 1970) plus the run's own seconds. The bytes for fewer epochs are the beginning of the bytes for more, so that the file
/// can grow under TensorBoard's eyes.
pub fn events(started: f64, history: &[EpochRecord]) -> Vec<u8> {
    let mut file = Vec::new();
    append(
        &mut file,
        &Event {
            wall_time: started,
            step: 0,
            file_version: Some("brain.Event:2".to_owned()),
            summary: None,
        },
    );
    for record in history {
        let event = Event {
            wall_time: started + record.seconds,
            step: record.step as i64,
            file_version: None,
            summary: Some(Scalars {
                value: scalars(record),
            }),
        };
        append(&mut file, &event);
    }
    file
}

fn scalars(record: &EpochRecord) -> Vec<Scalar> {
    let mut numbers = vec![("epoch".to_owned(), record.epoch as f64)];
    let passes = [
        ("train", Some(record.train)),
        ("valid", Some(record.valid)),
        ("ema", record.ema),
    ];
    for (pass, scores) in passes {
        if let Some(Metrics { loss, top1, top5 }) = scores {
            // What stands before the slash is a group of charts.
            for (name, value) in [("loss", loss), ("top1", top1), ("top5", top5)] {
                numbers.push((format!("{name}/{pass}"), value));
            }
        }
    }
    numbers.extend([
        ("lr".to_owned(), record.lr),
        ("images_per_second".to_owned(), record.images_per_second),
        ("data_wait".to_owned(), record.data_wait),
        ("seconds".to_owned(), record.seconds),
        ("skipped".to_owned(), record.skipped as f64),
    ]);
    let scalar = |(tag, value)| Scalar {
        tag,
        simple_value: Some(value as f32),
    };
    numbers.into_iter().map(scalar).collect()
}

fn append(file: &mut Vec<u8>, event: &Event) {
    let message = event.encode_to_vec();
    let length = (message.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_checksum(&length).to_le_bytes());
    file.extend(&message);
    file.extend(masked_checksum(&message).to_le_bytes());
}

/// CRC-32C, turned by 15 bits and moved, so that a checksum of checksums stays one.
fn masked_checksum(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
        .rotate_right(15)
        .wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::record;

    #[test]
    fn the_version_is_written_as_tensorboard_writes_it() {
        // Of TensorBoard's own `RecordWriter`, with the same wall time.
        let expected = [
            24, 0, 0, 0, 0, 0, 0, 0, 163, 127, 75, 34, 9, 0, 0, 0, 0, 101, 205, 29, 65, 26, 13, 98,
            114, 97, 105, 110, 46, 69, 118, 101, 110, 116, 58, 50, 178, 66, 112, 186,
        ];
        assert_eq!(events(488_281.25, &[]), expected);
    }

    #[test]
    fn a_checksum_is_castagnolis_and_masked() {
        // RFC 3720, B.4: 32 bytes of zeros.
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa);
        let turned = 0x8a91_36aa_u32.rotate_right(15);
        assert_eq!(masked_checksum(&[0; 32]), turned.wrapping_add(0xa282_ead8));
    }

    #[test]
    fn every_number_of_an_epoch_has_its_tag_and_zeros_are_kept() {
        let mut averaged = record(2);
        averaged.ema = Some(averaged.valid);
        let tags: Vec<(String, f32)> = scalars(&averaged)
            .into_iter()
            .map(|scalar| (scalar.tag, scalar.simple_value.expect("a number")))
            .collect();
        assert_eq!(tags.len(), 15);
        for expected in [
            ("epoch", 2.0),
            ("loss/train", 1.25),
            ("top1/valid", 12.5),
            ("top5/ema", 55.5),
            ("lr", 0.1),
            ("data_wait", 0.015),
            ("skipped", 0.0),
        ] {
            assert!(
                tags.iter()
                    .any(|(tag, value)| (tag.as_str(), *value) == expected),
                "{expected:?}"
            );
        }
        let zero = Scalar {
            tag: "a".to_owned(),
            simple_value: Some(0.0),
        };
        assert_eq!(zero.encode_to_vec(), [10, 1, b'a', 21, 0, 0, 0, 0]);
    }

    #[test]
    fn fewer_epochs_are_the_beginning_of_more() {
        let history: Vec<_> = (1..=3).map(record).collect();
        let whole = events(7.0, &history);
        for epochs in 0..3 {
            assert!(whole.starts_with(&events(7.0, &history[..epochs])));
        }
    }
}
