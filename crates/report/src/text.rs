//! Numbers as people read them.

use time::OffsetDateTime;

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Seconds as `12.3 s`, `5 min 12 s` or `3 h 04 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A rate of images: whole from a hundred on.
pub(crate) fn speed(images_per_second: f64) -> String {
    match images_per_second {
        fast if fast >= 100.0 => thousands(fast.round() as u64),
        slow => format!("{slow:.1}"),
    }
}

/// Seconds since 1970 as `2026-01-31 12:34 UTC`; empty where they are no time.
pub(crate) fn moment(seconds: f64) -> String {
    let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds as i64) else {
        return String::new();
    };
    let (date, hour, minute) = (time.date(), time.hour(), time.minute());
    format!("{date} {hour:02}:{minute:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0, 999, 1000, 25_557_032].map(thousands),
            ["0", "999", "1,000", "25,557,032"]
        );
        assert_eq!(
            [0.04, 59.4, 61.0, 3599.0, 3723.0].map(duration),
            ["0.0 s", "59.4 s", "1 min 01 s", "59 min 59 s", "1 h 02 min"]
        );
        assert_eq!([3.25, 321.5, 12_345.6].map(speed), ["3.2", "322", "12,346"]);
        assert_eq!(moment(1_700_000_000.9), "2023-11-14 22:13 UTC");
    }
}
