//! From bytes to samples.

use onespace_audio::AudioPreparer;
use onespace_core::{
    Modality, Note, NoteReason, Patience, Prepare, PrepareRequest, Prepared, Reason, Result, Sample, SampleBudget,
    SampleUse, Segments, Span, Track, Window,
};

use crate::{
    audio::{AudioTrack, decode_track},
    error::for_a_video,
    file::VideoFile,
    open::{VIDEOS, open},
    plan::{chosen_segments, milliseconds, segments},
    stream::audio_is_later,
    table::Video,
    timeline::Timeline,
    visual::{VisualPlan, VisualPreparer},
};

/// Videos to samples as a manifest's `[towers.video.preprocess]` says.
#[derive(Clone)]
pub struct VideoPreparer {
    visual: VisualPreparer,
    audio: Option<AudioPreparer>,
}

impl VideoPreparer {
    /// A preparer for `spec`, which the manifest has checked; with `audio`, the audio track becomes samples too.
    #[must_use]
    pub fn new(spec: &Video, audio: Option<AudioPreparer>) -> Self {
        Self { visual: VisualPreparer::new(spec), audio }
    }

    fn samples(&self, bytes: &[u8], chosen: Segments, patience: &Patience) -> Result<Prepared> {
        let file = VideoFile::look_through(bytes, patience)?;
        let (seconds, timeline) = self.visual.measure(&file);
        let whole = self.visual.plan(segments(&self.visual.spec, seconds)?, timeline.as_ref());
        let window = chosen.time();
        let used_for = if window.is_some() { SampleUse::Whole } else { SampleUse::Both };
        // What does not fit is refused before a frame is decoded.
        let mut taken = self.visual.cost(&whole);
        let parts = window.map(|window| self.plan_segments(window, seconds, timeline.as_ref(), &mut taken));
        let parts = parts.transpose()?.flatten();

        let samples = self.visual.samples(&file, &whole, used_for, patience)?;
        let mut prepared = Prepared::from(samples);
        if let Some(audio) = &self.audio {
            let track = audio_samples(bytes, audio, chosen, taken, patience)?;
            prepared.samples.extend(track.samples);
            prepared.notes.extend(track.notes);
        }
        if let Some(parts) = parts {
            // Decoded again, so that the frames of the whole come about as they do without segments.
            prepared.samples.extend(self.visual.samples(&file, &parts, SampleUse::Segment, patience)?);
        }
        prepared.samples.sort_by_key(|sample| sample.used_for == SampleUse::Segment);
        Ok(prepared)
    }

    /// The frames of the segments of the caller's choice; none where one segment is the whole. They are added to what
    /// is
    /// `taken`.
    fn plan_segments(
        &self,
        window: Window,
        seconds: f64,
        timeline: Option<&Timeline>,
        taken: &mut SampleBudget,
    ) -> Result<Option<VisualPlan>> {
        let segments = chosen_segments(window, seconds)?;
        if segments.len() < 2 {
            return Ok(None);
        }
        let plan = self.visual.plan(segments, timeline);
        let wanted = self.visual.cost(&plan);
        taken.check(window, milliseconds(seconds), plan.segments.len(), wanted)?;
        *taken = taken.with(wanted);
        Ok(Some(plan))
    }
}

/// The samples of the audio track. A video without one, or with one of a codec that is not decoded here, has none, and
/// a note says so: nothing else may decide that, since what is stored is silent for good. Of an audio track longer than
/// the limits the beginning is taken.
///
/// # Errors
/// `MEDIA_*` for an audio track that cannot be read; `FIELD_INVALID` for segments that are too many; what `patience`
/// says when it is over.
fn audio_samples(
    bytes: &[u8],
    audio: &AudioPreparer,
    segments: Segments,
    taken: SampleBudget,
    patience: &Patience,
) -> Result<Prepared> {
    let note = |reason, message: String| Prepared { samples: Vec::new(), notes: vec![Note::new(reason, message)] };
    let mut source = open(bytes, VIDEOS, patience);
    let later = source.as_ref().map_or(0, audio_is_later);
    let of_video = |sample: Sample| {
        let span = sample.span.map(|span| moved(span, later));
        Sample { tower: Modality::Audio, track: Track::Audio, span, ..sample }
    };
    let track = source.as_mut().map_err(|error| error.clone()).and_then(|source| decode_track(source, patience));
    let prepared = track.and_then(|track| {
        Ok(match track {
            AudioTrack::Decoded { recording, .. } => {
                let samples = audio.samples_of(&recording.stretches, segments, taken, patience)?;
                let samples = samples.into_iter().map(of_video).collect();
                Prepared { samples, notes: recording.note().into_iter().collect() }
            }
            AudioTrack::Absent => note(NoteReason::NoAudioTrack, "the video has no audio track".to_owned()),
            AudioTrack::Empty => {
                note(NoteReason::NoAudioTrack, "there is nothing in the video's audio track".to_owned())
            }
            AudioTrack::Unsupported { codec } => {
                let message = format!("the video's audio track is coded as {codec}, which is not decoded here");
                note(NoteReason::AudioCodecUnsupported, message)
            }
        })
    });
    match prepared {
        // A track that no decoder here follows, such as one whose sample rate changes, is no damage.
        Err(error) if error.reason == Reason::MediaUnsupported => {
            Ok(note(NoteReason::AudioCodecUnsupported, format!("the video's audio track: {}", error.message)))
        }
        // Whatever reading came to when the time was over: the bytes are not to blame.
        prepared => {
            prepared.map_err(|error| patience.check("while the video's audio track was decoded").err().unwrap_or(error))
        }
    }
}

/// A stretch of the audio, as much later as the audio begins after the pictures, milliseconds. What sounds before the
/// first of them sounds with it.
fn moved(span: Span, later: i64) -> Span {
    let start_ms = span.start_ms.saturating_add_signed(later);
    let end_ms = span.end_ms.saturating_add_signed(later);
    Span { start_ms, end_ms: end_ms.max(start_ms.saturating_add(1)) }
}

impl Prepare for VideoPreparer {
    fn modality(&self) -> Modality {
        Modality::Video
    }

    /// FFmpeg.
    fn is_native(&self) -> bool {
        true
    }

    fn prepare_unguarded(&self, request: &PrepareRequest<'_>) -> Result<Prepared> {
        let PrepareRequest { bytes, segments, patience, .. } = request;
        self.samples(bytes, *segments, &for_a_video(patience))
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use onespace_audio::table::Audio;
    use onespace_core::Deadline;

    use super::*;

    fn video() -> Vec<u8> {
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/h264.mp4")).unwrap()
    }

    fn audio(bytes: &[u8], patience: &Patience) -> Result<usize, Reason> {
        let table = serde_json::json!({
            "sample_rate": 16_000, "window_ms": 1000, "hop_ms": 1000, "max_windows": 4,
            "front_end": { "kind": "waveform" },
        });
        let audio: Audio = serde_json::from_value(table).unwrap();
        let audio = AudioPreparer::new(&audio, None).unwrap();
        let prepared = audio_samples(bytes, &audio, Segments::Off, SampleBudget::default(), patience);
        prepared.map(|prepared| prepared.samples.len()).map_err(|error| error.reason)
    }

    /// Time that runs out in the audio track of a video ends the video. It never becomes a video without audio.
    #[test]
    fn time_does_not_decide_whether_a_video_has_audio() {
        let bytes = video();
        let audio = |patience: &Patience| audio(&bytes, patience);
        assert_eq!(audio(&Patience::endless()), Ok(4));
        assert_eq!(audio(&Patience::until(Deadline::after(Duration::ZERO))), Err(Reason::DeadlineExceeded));
        assert_eq!(audio(&Patience::endless().at_most(0)), Err(Reason::MediaTooLarge));
        let gone = Patience::endless();
        gone.leave();
        assert_eq!(audio(&gone), Err(Reason::Cancelled));
    }

    /// What cannot be seen is not heard either: a quarter of this file has no table of its packets.
    #[test]
    fn what_is_broken_is_an_error_and_not_silence() {
        let bytes = video();
        let cut = &bytes[..bytes.len() / 4];
        assert_eq!(
            open(cut, VIDEOS, &Patience::endless()).err().map(|error| error.reason),
            Some(Reason::MediaMalformed)
        );
        assert_eq!(audio(cut, &Patience::endless()), Err(Reason::MediaMalformed));
    }
}
