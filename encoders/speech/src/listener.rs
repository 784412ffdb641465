//! A whole recording: window after window.

use std::time::{Duration, Instant};

use onespace_core::{
    Error, Language, Patience, Remark, RemarkKind, Result, Span, Transcript, TranscriptSegment,
    limits::{SPEECH_SECONDS, SPEECH_TOKENS},
};

use crate::{
    features::{FRAME_MS, Features, HOP, Mel, RATE},
    loops::{self, COMPRESSION, SUSPECTED},
    model::{Lend, SpeechModel},
    segments,
    table::Speech,
    vocabulary::Vocabulary,
    window::{self, Heard},
};

/// Nobody speaks in a window where that is more probable than this (`no_speech_threshold`, section 4.5 of the paper),
/// whatever words the model would make of it. The published code asks also that the words are improbable, and so hears
/// words in 40 % of 219 sounds of animals, instruments and weapons; this hears them in 32 %, and in as many of 120
/// spoken words (98 %). What tells noise from speech better is the sound itself: whoever can, asks that first.
const NO_SPEECH: f32 = 0.6;

/// The model was unsure of words whose logarithms of probability are on average less than this (`logprob_threshold` of
/// the same section).
const IMPROBABLE: f32 = -1.0;

/// A window no sample of which is louder than this holds no speech, and the model is not asked: 60 dB below full scale,
/// where 16 bits have five left. The published code asks, and of digital silence Whisper base makes words (Welsh ones).
const SILENT: f32 = 1e-3;

/// A window moves on by this many frames at least, 1 s: times that stand still must not hold it.
const LEAST_MOVE: usize = 100;

/// Another window is begun where this many times what the longest one took are left: what was heard of a long recording
/// is worth more than the error that its time is over.
const TIME_KEPT: u32 = 2;

/// And where this much is left: a window full of words may take many times as long as one in which hardly anything is
/// said.
const LEAST_LEFT: Duration = Duration::from_secs(4);

/// What turns sound into text with a model that is run elsewhere.
pub struct Listener {
    table: Speech,
    vocabulary: Vocabulary,
    features: Features,
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Listener {
    /// A listener as the table says, with the bytes of its tokenizer's file.
    ///
    /// # Errors
    /// `BUNDLE_INVALID` when the tokenizer cannot be read or lacks a token.
    pub fn new(table: &Speech, tokenizer_json: &[u8]) -> Result<Self> {
        let vocabulary = Vocabulary::new(table, tokenizer_json)?;
        Ok(Self { table: table.clone(), vocabulary, features: Features::new(table.bands) })
    }

    /// How many logits its model has to give: tokens of text, special ones and times up to the window's end.
    #[must_use]
    pub fn logits(&self) -> usize {
        self.vocabulary.time() as usize + self.table.window_frames() / 2 + 1
    }

    /// What is said in a sound of one channel at [`RATE`], in a language where that is known. Where `patience` has an
    /// end before the sound has, what was heard by then, and a remark.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a language that is not understood; `MEDIA_TOO_LARGE` past [`SPEECH_SECONDS`];
    /// `MEDIA_MALFORMED` for samples that are not finite; `MODEL_FAILED`; what `patience` says when it is over.
    pub fn transcribe(
        &self,
        model: &mut dyn Lend,
        sound: &[f32],
        language: Option<Language>,
        patience: &Patience,
    ) -> Result<Transcript> {
        let token = |language: Language| self.vocabulary.language(language.as_str());
        let mut language = language.map(|one| Ok((one.to_string(), token(one)?, 1.0))).transpose()?;
        if sound.len() > SPEECH_SECONDS * RATE as usize {
            let found = format!("{} s long", sound.len() / RATE as usize);
            return Err(Error::too_large("bytes", "the speech", found, format!("{SPEECH_SECONDS} s")));
        }
        let mel = self.features.of(sound, patience)?;
        let mut told = Told::default();
        let (mut start, mut longest) = (0, Duration::ZERO);
        while start < mel.frames() {
            let frames = (mel.frames() - start).min(self.table.window_frames());
            if is_silent(sound, start, frames) {
                start += frames;
                continue;
            }
            if patience.remaining().is_some_and(|left| left < (longest * TIME_KEPT).max(LEAST_LEFT) && start > 0) {
                let span = Span { start_ms: in_ms(start), end_ms: in_ms(mel.frames()) };
                told.remarks.push(Remark { kind: RemarkKind::TimeOver, span });
                break;
            }
            let began = Instant::now();
            let mut moved = 0;
            model.lend(&mut |model| {
                moved = self.window(model, &mel, (start, frames), &mut language, &mut told, patience)?;
                Ok(())
            })?;
            start += moved;
            longest = longest.max(began.elapsed());
        }
        // Where all was silent there was nothing to tell the language by.
        let first = || (self.table.languages.first().cloned().unwrap_or_default(), 0, 0.0);
        let (language, _, language_probability) = language.unwrap_or_else(first);
        let text = told.text.trim().to_owned();
        Ok(Transcript { text, language, language_probability, segments: told.segments, remarks: told.remarks })
    }

    /// One window; how many frames on the next begins.
    fn window(
        &self,
        model: &mut dyn SpeechModel,
        mel: &Mel,
        (start, frames): (usize, usize),
        language: &mut Option<(String, u32, f32)>,
        told: &mut Told,
        patience: &Patience,
    ) -> Result<usize> {
        let padded = self.table.padded_frames(frames);
        model.encode(&mel.window(start, frames, padded), padded)?;
        patience.check("before the sound was listened to")?;
        let beginning = window::begin(&self.vocabulary, model)?;
        if beginning.no_speech > NO_SPEECH {
            return Ok(frames);
        }
        let token = language.get_or_insert(beginning.language).1;
        let mut heard = window::listen(&self.vocabulary, &self.table, model, token, patience)?;
        let span = Span { start_ms: in_ms(start), end_ms: in_ms(start + frames) };
        let remarks = self.remarks(&mut heard)?;
        let (pieces, moved) = segments::split(&self.vocabulary, &heard.tokens, frames);
        let before = told.segments.len();
        for piece in pieces {
            let text = self.vocabulary.text(piece.tokens)?;
            if piece.start < piece.end && segments::is_speech(text.trim()) {
                let span = Span { start_ms: in_ms(start + piece.start), end_ms: in_ms(start + piece.end) };
                told.segments.push(TranscriptSegment { span, text: text.trim().to_owned() });
                told.text.push_str(&text);
            }
        }
        if told.segments.len() > before {
            told.remarks.extend(remarks.into_iter().map(|kind| Remark { kind, span }));
        }
        Ok(moved.max(LEAST_MOVE).min(frames))
    }

    /// What is to be said of what was heard; a circle that only compression tells is cut.
    fn remarks(&self, heard: &mut Heard) -> Result<Vec<RemarkKind>> {
        let mut repetitive = loops::compression(self.vocabulary.text(&heard.tokens)?.trim()) > COMPRESSION;
        if repetitive && window::cut(&self.vocabulary, &mut heard.tokens, SUSPECTED) {
            heard.looped = true;
            repetitive = loops::compression(self.vocabulary.text(&heard.tokens)?.trim()) > COMPRESSION;
        }
        let all = [
            (heard.looped, RemarkKind::RepetitionCut),
            (repetitive, RemarkKind::Repetitive),
            (heard.mean_log < IMPROBABLE, RemarkKind::Unsure),
            (heard.full, RemarkKind::WindowFull),
        ];
        debug_assert!(heard.tokens.len() <= SPEECH_TOKENS);
        Ok(all.into_iter().filter(|(so, _)| *so).map(|(_, kind)| kind).collect())
    }
}

/// What has been heard so far.
#[derive(Default)]
struct Told {
    text: String,
    segments: Vec<TranscriptSegment>,
    remarks: Vec<Remark>,
}

/// Whether there is nothing to hear in a window.
fn is_silent(sound: &[f32], start: usize, frames: usize) -> bool {
    let window = sound.iter().skip(start * HOP).take(frames * HOP);
    window.copied().all(|sample| sample.abs() <= SILENT)
}

fn in_ms(frames: usize) -> u64 {
    frames as u64 * u64::from(FRAME_MS)
}
