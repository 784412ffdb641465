//! What format 1 was. It is frozen: a manifest that says `format = 1` holds these keys and values alone, so that a
//! reader of that time reads it.

use onespace_core::{Error, Result};
use toml::{Table, Value};

use onespace_family::check::invalid;

/// The formats that this code reads.
pub const FORMATS: [u32; 2] = [1, 2];

/// The keys of each table of format 1; `*` is any name.
const KEYS: &[(&[&str], &str)] = &[
    (&[], "format name version licence description dimension matryoshka calibration files towers"),
    (&["calibration"], "query item mean std"),
    (&["files", "*"], "sha256 bytes"),
    (&["towers"], "text image audio video point_cloud"),
    (&["towers", "*"], "model inputs output native_dimension alignment logit_scale golden preprocess"),
    (&["towers", "*", "golden"], "input vector"),
    (&["towers", "text", "preprocess"], "tokenizer context pad_id overflow"),
    (&["towers", "image", "preprocess"], "width height resize filter antialias background mean std"),
    (&["towers", "audio", "preprocess"], "sample_rate channels window_ms hop_ms max_windows front_end"),
    (
        &["towers", "audio", "preprocess", "front_end"],
        "kind n_fft win_length hop_length center power n_mels mel_scale mel_norm f_min f_max log floor mean std \
         frames window subtract_mean pad_value",
    ),
    (
        &["towers", "video", "preprocess"],
        "frames segment_ms max_segments width height resize filter antialias mean std",
    ),
    (
        &["towers", "point_cloud", "preprocess"],
        "points normalise subsample presample colour_default up layout grouping",
    ),
    (&["towers", "point_cloud", "preprocess", "grouping"], "centres neighbours"),
];

/// The words that format 1 knew for keys that have more words now.
const VALUES: &[(&str, &str)] = &[
    ("overflow", "truncate windows"),
    ("resize", "shortest-edge squash letterbox"),
    ("filter", "bilinear bicubic"),
    ("channels", "mean first"),
    ("kind", "log_mel kaldi_fbank waveform"),
    ("mel_scale", "htk slaney"),
    ("mel_norm", "none slaney"),
    ("log", "ln db"),
    ("window", "hanning povey"),
    ("normalise", "unit-sphere none"),
    ("subsample", "fps stride"),
    ("layout", "xyzrgb xyz"),
];

/// The format that a manifest states.
///
/// # Errors
/// `BUNDLE_INVALID` when it states none, or one that is not read here.
pub(crate) fn stated(manifest: &Table) -> Result<u32> {
    let stated = manifest.get("format").and_then(Value::as_integer);
    let stated = stated.ok_or_else(|| invalid("format", "must be a number, the version of the manifest's format"))?;
    let known = FORMATS.into_iter().find(|format| i64::from(*format) == stated);
    known.ok_or_else(|| invalid("format", format!("format {stated} is not read here, only 1 and 2")))
}

/// Everything in a manifest that format 1 did not have.
pub(crate) fn newer_than_1(manifest: &Table) -> Vec<Error> {
    let mut faults = Vec::new();
    walk(manifest, &mut Vec::new(), &mut faults);
    faults
}

fn walk<'a>(table: &'a Table, path: &mut Vec<&'a str>, faults: &mut Vec<Error>) {
    let keys = KEYS.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, keys)| *keys);
    for (key, value) in table {
        let newer = |what: &str| {
            let message = format!("{what} of format 2, the manifest says format = 1");
            invalid(path.iter().chain([&key.as_str()]).copied().collect::<Vec<_>>().join("."), message)
        };
        if keys.is_some_and(|keys| !has(keys, key)) {
            faults.push(newer("is a key"));
            continue;
        }
        if let (Some((_, words)), Some(word)) = (VALUES.iter().find(|(of, _)| of == key), value.as_str())
            && !has(words, word)
        {
            faults.push(newer(&format!("\"{word}\" is a value")));
        }
        path.push(key);
        match value {
            Value::Table(inner) => walk(inner, path, faults),
            Value::Array(entries) => {
                entries.iter().filter_map(Value::as_table).for_each(|inner| walk(inner, path, faults))
            }
            _ => {}
        }
        path.pop();
    }
}

fn has(words: &str, word: &str) -> bool {
    words.split_whitespace().any(|known| known == word)
}

fn matches(pattern: &[&str], path: &[&str]) -> bool {
    pattern.len() == path.len() && pattern.iter().zip(path).all(|(part, name)| *part == "*" || part == name)
}
