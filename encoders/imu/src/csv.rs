//! Measurements as CSV: commas, semicolons or tabs; a line of names where there is one; comments begin with `#`.

use csv::{ReaderBuilder, StringRecord, Trim};
use onespace_core::{Error, Patience, Result};

use crate::{
    measurements::{Clock, Row},
    table::CHANNELS,
};

/// The names of the channels: any first part, then any axis.
const ACCELERATION: &[&str] = &["accel_", "acc_", "accelerometer_", "a"];
const TURN_RATE: &[&str] = &["gyro_", "gyroscope_", "g"];
const AXES: [&str; 3] = ["x", "y", "z"];

/// The names of a column of times, and seconds of its unit.
const TIMES: &[(&[&str], f64)] = &[
    (&["t", "time", "time_s", "timestamp", "timestamp_s", "seconds"], 1.0),
    (&["time_ms", "timestamp_ms"], 1e-3),
    (&["time_us", "timestamp_us"], 1e-6),
    (&["time_ns", "timestamp_ns"], 1e-9),
];

/// Rows between two looks at the clock.
const LOOK_UP: usize = 4096;

/// What a file says.
pub struct Table {
    /// The rows.
    pub rows: Vec<Row>,
    /// Their clock, where the file has one.
    pub clock: Option<Clock>,
}

/// Where the channels are in a line, and the time.
struct Columns {
    channels: [usize; CHANNELS],
    time: Option<(usize, f64)>,
}

/// Reads a table.
///
/// # Errors
/// `MEDIA_MALFORMED` naming the line or the column; what `patience` says when it is over.
pub fn read(text: &str, patience: &Patience) -> Result<Table> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter(text))
        .has_headers(false)
        .comment(Some(b'#'))
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let (mut record, mut columns) = (StringRecord::new(), None);
    let (mut rows, mut times) = (Vec::new(), Vec::new());
    while reader.read_record(&mut record).map_err(|error| malformed(&error))? {
        if columns.is_none() && record.iter().any(|field| field.parse::<f64>().is_err()) {
            columns = Some(Columns::from_names(&record)?);
            continue;
        }
        let columns = match &mut columns {
            Some(columns) => columns,
            none => none.insert(Columns::unnamed(record.len())?),
        };
        rows.push(columns.channels(&record)?);
        times.extend(columns.time(&record)?);
        if rows.len() % LOOK_UP == 0 {
            patience.check("while the measurements were read")?;
        }
    }
    let clock = if times.is_empty() { stated_rate(text).map(Clock::Rate) } else { Some(Clock::Times(times)) };
    Ok(Table { rows, clock })
}

impl Columns {
    /// By the names of a first line.
    fn from_names(names: &StringRecord) -> Result<Self> {
        let names: Vec<String> = names.iter().map(plain).collect();
        let find = |wanted: &dyn Fn(&str) -> bool| names.iter().position(|name| wanted(name));
        let mut channels = [0; CHANNELS];
        let groups = [ACCELERATION, TURN_RATE].into_iter().flat_map(|group| AXES.map(|axis| (group, axis)));
        for (place, (group, axis)) in channels.iter_mut().zip(groups) {
            let called = |name: &str| group.iter().any(|first| name.strip_prefix(first) == Some(axis));
            *place = find(&called).ok_or_else(|| {
                let wanted = group.iter().map(|first| format!("{first}{axis}")).collect::<Vec<_>>().join(", ");
                Error::malformed(
                    "bytes",
                    format!("no column is called any of {wanted}: there are {}", names.join(", ")),
                )
            })?;
        }
        let time = TIMES.iter().find_map(|(called, unit)| Some((find(&|name| called.contains(&name))?, *unit)));
        Ok(Self { channels, time })
    }

    /// Six columns in the order of the channels.
    fn unnamed(count: usize) -> Result<Self> {
        if count == CHANNELS {
            return Ok(Self { channels: [0, 1, 2, 3, 4, 5], time: None });
        }
        let message = format!(
            "{count} columns and no line of names: six are read without one, accel_x, accel_y, accel_z, gyro_x, \
             gyro_y, gyro_z"
        );
        Err(Error::malformed("bytes", message))
    }

    fn channels(&self, record: &StringRecord) -> Result<Row> {
        let mut row = [0.0; CHANNELS];
        for (value, column) in row.iter_mut().zip(self.channels) {
            *value = number(record, column)?;
        }
        Ok(row)
    }

    fn time(&self, record: &StringRecord) -> Result<Option<f64>> {
        self.time.map(|(column, unit)| Ok(number(record, column)? * unit)).transpose()
    }
}

/// A name without its unit, in small letters: `Gyro X [rad/s]` is `gyro_x`.
fn plain(name: &str) -> String {
    let name = name.split(['(', '[']).next().unwrap_or_default().trim();
    name.to_lowercase().replace([' ', '-', '.'], "_")
}

fn number(record: &StringRecord, column: usize) -> Result<f64> {
    let field = record.get(column).unwrap_or_default();
    field.parse().map_err(|_| {
        let line = record.position().map_or(0, csv::Position::line);
        let shown: String = field.chars().take(40).collect();
        Error::malformed("bytes", format!("line {line}, column {}: \"{shown}\" is no number", column + 1))
    })
}

/// What divides the columns of the first line that is no comment.
fn delimiter(text: &str) -> u8 {
    let first = text.lines().find(|line| !line.starts_with('#') && !line.trim().is_empty()).unwrap_or_default();
    let count = |delimiter: u8| first.bytes().filter(|byte| *byte == delimiter).count();
    [b',', b';', b'\t'].into_iter().max_by_key(|delimiter| (count(*delimiter), *delimiter == b',')).unwrap_or(b',')
}

/// What a comment says: `# rate: 100`, `# rate = 100 Hz`.
fn stated_rate(text: &str) -> Option<f64> {
    let comments = text.lines().filter_map(|line| line.strip_prefix('#'));
    comments.filter_map(|comment| rate_in(comment, [':', '='])).next()
}

/// The number after `rate` and one of the signs; a unit may follow.
pub fn rate_in(text: &str, signs: impl IntoIterator<Item = char>) -> Option<f64> {
    let rest = text.trim().to_lowercase();
    let rest = rest.strip_prefix("rate")?.trim_start();
    let rest = signs.into_iter().find_map(|sign| rest.strip_prefix(sign))?;
    let rest = rest.trim().trim_end_matches("hz").trim();
    rest.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
}

fn malformed(error: &csv::Error) -> Error {
    Error::malformed("bytes", format!("the table cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use onespace_core::Reason;

    use super::*;

    fn table(text: &str) -> Result<Table> {
        read(text, &Patience::endless())
    }

    #[test]
    fn names_units_and_orders_are_understood() {
        let text = "Time [ms];Gyro Z (rad/s);Gyro Y;gyro_x;note;Acc_X;acc-y;acc z\n0;6;5;4;7;1;2;3\n10;6;5;4;7;1;2;3\n";
        let text = text.replace("Time [ms]", "time_ms");
        let table = table(&text.replace("note", "temperature")).unwrap();
        assert_eq!(table.rows, [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]; 2]);
        assert_eq!(table.clock, Some(Clock::Times(vec![0.0, 0.01])));
    }

    #[test]
    fn a_comment_may_state_the_rate() {
        for comment in ["# rate: 100", "#Rate = 100 Hz", "# rate: 100.0"] {
            let found = table(&format!("{comment}\n1,2,3,4,5,6\n")).unwrap();
            assert_eq!((found.rows.len(), found.clock), (1, Some(Clock::Rate(100.0))), "{comment}");
        }
        assert_eq!(table("1,2,3,4,5,6\n").unwrap().clock, None);
        assert_eq!(table("# rate: -5\n1\t2\t3\t4\t5\t6\n").unwrap().clock, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |text: &str| {
            let error = table(text).err().unwrap();
            assert_eq!(error.reason, Reason::MediaMalformed);
            error.message
        };
        assert!(message("1,2,3\n").contains("3 columns"), "{}", message("1,2,3\n"));
        assert!(message("ax,ay,az,gx,gy\n1,2,3,4,5\n").contains("gyro_z"));
        assert!(message("1,2,3,4,5,6\n1,2,x,4,5,6\n").contains("line 2, column 3"));
        assert!(message("1,2,3,4,5,6\n1,2\n").contains("2 fields"));
    }
}
