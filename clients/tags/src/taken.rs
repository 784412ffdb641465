//! When something was taken, as the many ways of writing it say.

use jiff::{
    Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};

/// A moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// ISO 8601: with an offset where one is known, local time otherwise.
    pub(crate) text: String,
    /// Seconds since 1970; local time as if it were UTC where no offset is known.
    pub(crate) unix: i64,
    pub(crate) year: i16,
}

/// The years that photographs and recordings can be of: before the first of these there were none.
const YEARS: std::ops::RangeInclusive<i16> = 1826..=2199;

impl Taken {
    /// Seconds since 1970. 0 is what is written where nothing is known.
    pub(crate) fn at(unix: i64) -> Option<Self> {
        let moment = Timestamp::from_second(unix).ok().filter(|_| unix != 0)?;
        let year = moment.to_zoned(TimeZone::UTC).year();
        YEARS.contains(&year).then(|| Self { text: moment.to_string(), unix, year })
    }

    /// A date and a time, with an offset or without: `2023:07:14 18:20:31`, `2023-07-14T18:20:31.5+02:00`,
    /// `2023-07-14`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = iso(text.trim_matches(|c: char| c.is_whitespace() || c == '\0'));
        if let Ok(moment) = text.parse::<Timestamp>() {
            let year = text.get(..4)?.parse().ok()?;
            return YEARS.contains(&year).then(|| Self { text, unix: moment.as_second(), year });
        }
        let local = match text.parse::<DateTime>() {
            Ok(local) => local,
            Err(_) => text.parse::<Date>().ok()?.at(0, 0, 0, 0),
        };
        let unix = local.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        YEARS.contains(&local.year()).then_some(Self { text, unix, year: local.year() })
    }
}

/// The date of EXIF, `2023:07:14 18:20:31`, as ISO 8601 writes it; minutes without seconds get some.
fn iso(text: &str) -> String {
    let (date, time) = text.split_at_checked(10).unwrap_or((text, ""));
    let time = time.trim_start_matches([' ', 'T']);
    let date = date.replace(':', "-");
    match time.len() {
        0 => date,
        5 => format!("{date}T{time}:00"),
        _ => format!("{date}T{time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_however_they_are_written() {
        // The seconds are Python's: datetime.fromisoformat(…).timestamp().
        for (written, text, unix) in [
            ("2023:07:14 18:20:31", "2023-07-14T18:20:31", 1_689_358_831),
            ("2023-07-14T18:20:31+02:00", "2023-07-14T18:20:31+02:00", 1_689_351_631),
            ("2023:07:14 18:20:31+02:00", "2023-07-14T18:20:31+02:00", 1_689_351_631),
            ("2023-07-14T16:20:31Z", "2023-07-14T16:20:31Z", 1_689_351_631),
            ("2023-07-14T18:20", "2023-07-14T18:20:00", 1_689_358_800),
            ("2023-07-14\0", "2023-07-14", 1_689_292_800),
            ("1905:01:02 03:04:05", "1905-01-02T03:04:05", -2_050_952_155),
        ] {
            assert_eq!(Taken::read(written).map(|taken| (taken.text, taken.unix)), Some((text.to_owned(), unix)));
        }
        for wrong in ["", "    :  :     :  :  ", "0000:00:00 00:00:00", "2023:13:14 18:20:31", "é", "ééééééééééé", "1"]
        {
            assert_eq!(Taken::read(wrong), None, "{wrong}");
        }
        assert_eq!(Taken::at(1_689_351_631).unwrap().text, "2023-07-14T16:20:31Z");
        assert_eq!((Taken::at(0), Taken::at(i64::MAX)), (None, None));
    }
}
