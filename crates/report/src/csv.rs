//! `metrics.csv`: the epochs as a table, for a spreadsheet or a data frame.

use crate::record::{EpochRecord, Metrics};

/// The epochs as CSV: a line of headings, then one line each; nothing where there is no epoch yet. The text for fewer
/// epochs is the beginning of the text for more, so that the file can grow.
pub fn csv(history: &[EpochRecord]) -> Vec<u8> {
    let Some(first) = history.first() else {
        return Vec::new();
    };
    let mut passes = vec!["train", "valid"];
    if first.ema.is_some() {
        passes.push("ema");
    }
    let mut headings: Vec<String> = ["epoch", "step", "lr"].map(str::to_owned).to_vec();
    for pass in &passes {
        headings.extend(["loss", "top1", "top5"].map(|score| format!("{pass}_{score}")));
    }
    headings.extend(["images_per_second", "data_wait", "seconds", "skipped"].map(str::to_owned));

    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let mut write = |cells: Vec<String>| {
        writer
            .write_record(cells)
            .expect("memory takes lines of one length");
    };
    write(headings);
    for record in history {
        // Rust prints the shortest text that reads back as the same number.
        let scores = |scores: Option<Metrics>| match scores {
            Some(Metrics { loss, top1, top5 }) => [loss, top1, top5].map(|score| score.to_string()),
            None => Default::default(),
        };
        let mut cells = vec![
            record.epoch.to_string(),
            record.step.to_string(),
            record.lr.to_string(),
        ];
        cells.extend(scores(Some(record.train)));
        cells.extend(scores(Some(record.valid)));
        if first.ema.is_some() {
            cells.extend(scores(record.ema));
        }
        cells.extend([
            record.images_per_second.to_string(),
            record.data_wait.to_string(),
            record.seconds.to_string(),
            record.skipped.to_string(),
        ]);
        write(cells);
    }
    writer.into_inner().expect("memory is flushed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::testing::record;

    #[test]
    fn a_line_an_epoch_with_every_number() {
        let text = String::from_utf8(csv(&[record(1), record(2)])).expect("text");
        let expected = "epoch,step,lr,train_loss,train_top1,train_top5,valid_loss,valid_top1,valid_top5,\
                        images_per_second,data_wait,seconds,skipped\n\
                        1,10,0.1,2.5,10,50,2.25,12.5,55.5,321.5,0.015,1.5,0\n\
                        2,20,0.1,1.25,10,50,1.125,12.5,55.5,321.5,0.015,3,0\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn averaged_weights_have_columns_where_there_are_some() {
        let mut averaged = record(1);
        averaged.ema = Some(averaged.valid);
        let text = String::from_utf8(csv(&[averaged])).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].contains(",valid_top5,ema_loss,ema_top1,ema_top5,images_per_second"));
        assert!(lines[1].contains(",2.25,12.5,55.5,2.25,12.5,55.5,321.5,"));
    }

    #[test]
    fn fewer_epochs_are_the_beginning_of_more() {
        let history: Vec<_> = (1..=3).map(record).collect();
        let whole = csv(&history);
        for epochs in 0..3 {
            assert!(whole.starts_with(&csv(&history[..epochs])));
        }
        assert_eq!(csv(&[]), b"");
    }
}
