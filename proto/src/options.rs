//! What a caller chooses about the vectors of a media, on the wire and in core.

use onespace_core::{EmbedOptions, Fusion, Purpose, Result, SegmentWindow, Segments, Speech, Window};

use crate::{
    convert::{modality_in, modality_out},
    fields::invalid,
    v1,
};

/// Options as a call takes them: what is not said is as `default` has it. The dimension is read apart.
///
/// # Errors
/// `FIELD_INVALID` naming the field under `options`.
pub fn embed_options_in(options: Option<&v1::EmbedOptions>, default: EmbedOptions) -> Result<EmbedOptions> {
    let Some(options) = options else { return Ok(default) };
    let read = || {
        Ok(EmbedOptions {
            purpose: purpose_in(options.purpose, default.purpose)?,
            target: modality_in(options.target).map_err(|error| invalid("target", error.message))?,
            segments: segments_in(options.segments.as_ref(), default.segments)?,
            fusion: options.fusion.as_ref().map(fusion_in).transpose()?,
            speech: speech_in(options.speech.as_ref(), default.speech)?,
        })
    };
    read().map_err(|error: onespace_core::Error| error.under("options"))
}

/// Options as a gateway hands them to an encoder.
#[must_use]
pub fn embed_options_out(options: &EmbedOptions) -> v1::EmbedOptions {
    v1::EmbedOptions {
        purpose: match options.purpose {
            Purpose::Query => v1::Purpose::Query.into(),
            Purpose::Document => v1::Purpose::Document.into(),
        },
        target: options.target.map(modality_out).unwrap_or_default(),
        dimension: 0,
        segments: Some(segments_out(options.segments)),
        fusion: options
            .fusion
            .map(|Fusion { visual, audio }| v1::TrackFusion { visual_weight: Some(visual), audio_weight: Some(audio) }),
        speech: Some(speech_out(options.speech)),
    }
}

fn purpose_in(number: i32, default: Purpose) -> Result<Purpose> {
    match v1::Purpose::try_from(number) {
        Ok(v1::Purpose::Unspecified) => Ok(default),
        Ok(v1::Purpose::Query) => Ok(Purpose::Query),
        Ok(v1::Purpose::Document) => Ok(Purpose::Document),
        Err(_) => Err(invalid("purpose", format!("{number} is no purpose of this version"))),
    }
}

fn segments_in(segments: Option<&v1::Segments>, default: Segments) -> Result<Segments> {
    let Some(segments) = segments else { return Ok(default) };
    let read = || {
        let mode = match v1::SegmentMode::try_from(segments.mode) {
            Ok(v1::SegmentMode::Unspecified) => default,
            Ok(v1::SegmentMode::Off) => Segments::Off,
            Ok(v1::SegmentMode::Tower) => Segments::Tower,
            Ok(v1::SegmentMode::Window) => return window_in(segments).map(Segments::Window),
            Err(_) => return Err(invalid("mode", format!("{} is no mode of this version", segments.mode))),
        };
        let numbers = [segments.window_ms, segments.overlap_ms, segments.window_tokens, segments.overlap_tokens];
        if numbers.iter().any(|number| *number != 0) {
            return Err(invalid("mode", "a window or an overlap is set: that takes SEGMENT_MODE_WINDOW"));
        }
        Ok(mode)
    };
    read().map_err(|error| error.under("segments"))
}

fn window_in(segments: &v1::Segments) -> Result<SegmentWindow> {
    let &v1::Segments { window_ms, overlap_ms, window_tokens, overlap_tokens, .. } = segments;
    let set = |length: u32, overlap: u32| length != 0 || overlap != 0;
    let milliseconds = set(window_ms, overlap_ms).then(|| Window::of_milliseconds(window_ms, overlap_ms));
    let tokens = set(window_tokens, overlap_tokens).then(|| Window::of_tokens(window_tokens, overlap_tokens));
    if milliseconds.is_none() && tokens.is_none() {
        return Err(invalid("window_ms", "SEGMENT_MODE_WINDOW needs window_ms, window_tokens or both"));
    }
    Ok(SegmentWindow { milliseconds: milliseconds.transpose()?, tokens: tokens.transpose()? })
}

fn segments_out(segments: Segments) -> v1::Segments {
    let length = |window: Option<Window>| window.map_or(0, |window| window.length() as u32);
    let overlap = |window: Option<Window>| window.map_or(0, |window| (window.length() - window.hop()) as u32);
    let mode = match segments {
        Segments::Off => v1::SegmentMode::Off,
        Segments::Tower => v1::SegmentMode::Tower,
        Segments::Window(_) => v1::SegmentMode::Window,
    };
    v1::Segments {
        mode: mode.into(),
        window_ms: length(segments.time()),
        overlap_ms: overlap(segments.time()),
        window_tokens: length(segments.tokens()),
        overlap_tokens: overlap(segments.tokens()),
    }
}

/// How speech is understood; what is not said is as `default` has it.
///
/// # Errors
/// `FIELD_INVALID` naming the field under `speech`.
pub fn speech_in(speech: Option<&v1::Speech>, default: Speech) -> Result<Speech> {
    let Some(speech) = speech else { return Ok(default) };
    let language = Some(speech.language.as_str()).filter(|tag| !tag.is_empty()).map(str::parse).transpose();
    let language = language.map_err(|error: onespace_core::Error| error.under("speech"))?;
    match v1::SpeechMode::try_from(speech.mode) {
        Ok(v1::SpeechMode::Unspecified) if language.is_none() => Ok(default),
        Ok(v1::SpeechMode::Unspecified) => Ok(Speech::Auto(language)),
        Ok(v1::SpeechMode::On) => Ok(Speech::On(language)),
        Ok(v1::SpeechMode::Off) if language.is_some() => {
            Err(invalid("speech.language", "a language is named, and SPEECH_MODE_OFF listens to none"))
        }
        Ok(v1::SpeechMode::Off) => Ok(Speech::Off),
        Err(_) => Err(invalid("speech.mode", format!("{} is no mode of this version", speech.mode))),
    }
}

/// How speech is understood, on the wire.
#[must_use]
pub fn speech_out(speech: Speech) -> v1::Speech {
    let mode = match speech {
        Speech::Off => v1::SpeechMode::Off,
        Speech::Auto(_) => v1::SpeechMode::Unspecified,
        Speech::On(_) => v1::SpeechMode::On,
    };
    let language = speech.language().map(|language| language.to_string()).unwrap_or_default();
    v1::Speech { mode: mode.into(), language }
}

fn fusion_in(fusion: &v1::TrackFusion) -> Result<Fusion> {
    let (visual, audio) = (fusion.visual_weight.unwrap_or(1.0), fusion.audio_weight.unwrap_or(1.0));
    for (field, weight) in [("fusion.visual_weight", visual), ("fusion.audio_weight", audio)] {
        if !weight.is_finite() {
            return Err(invalid(field, format!("{weight} is not a finite number")));
        }
    }
    if visual == 0.0 && audio == 0.0 {
        return Err(invalid("fusion", "both weights are 0: nothing would be left"));
    }
    Ok(Fusion { visual, audio })
}

#[cfg(test)]
mod tests {
    use onespace_core::Modality;

    use super::*;

    fn segments(mode: v1::SegmentMode, window_ms: u32, overlap_ms: u32) -> v1::EmbedOptions {
        let segments = v1::Segments { mode: mode.into(), window_ms, overlap_ms, ..Default::default() };
        v1::EmbedOptions { segments: Some(segments), ..Default::default() }
    }

    #[test]
    fn options_survive_the_wire() {
        let tokens = Some(Window::of_tokens(16, 4).unwrap());
        let milliseconds = Some(Window::of_milliseconds(1000, 250).unwrap());
        let all = [Segments::Off, Segments::Tower, Segments::Window(SegmentWindow { milliseconds, tokens })];
        for segments in all {
            let (purpose, target) = (Purpose::Document, Some(Modality::Audio));
            let german = Some("de".parse().unwrap());
            for speech in [Speech::Off, Speech::AUTO, Speech::Auto(german), Speech::On(None), Speech::On(german)] {
                let fusion = Some(Fusion { visual: 1.0, audio: 0.5 });
                let options = EmbedOptions { purpose, target, segments, fusion, speech };
                let back = embed_options_in(Some(&embed_options_out(&options)), EmbedOptions::default());
                assert_eq!(back.unwrap(), options);
            }
        }
    }

    #[test]
    fn what_is_not_said_is_the_calls_own_and_nonsense_is_named() {
        let silent = embed_options_in(Some(&v1::EmbedOptions::default()), EmbedOptions::INGEST);
        assert_eq!(silent.unwrap(), EmbedOptions::INGEST);
        let fusion = |visual| v1::TrackFusion { visual_weight: Some(visual), audio_weight: Some(0.0) };
        let fused = |visual| v1::EmbedOptions { fusion: Some(fusion(visual)), ..Default::default() };
        let speech = |mode, language: &str| v1::EmbedOptions {
            speech: Some(v1::Speech { mode, language: language.into() }),
            ..Default::default()
        };
        for (options, field) in [
            (speech(9, ""), "options.speech.mode"),
            (speech(0, "German"), "options.speech.language"),
            (speech(1, "de"), "options.speech.language"),
            (v1::EmbedOptions { purpose: 7, ..Default::default() }, "options.purpose"),
            (v1::EmbedOptions { target: 99, ..Default::default() }, "options.target"),
            (segments(v1::SegmentMode::Off, 1000, 0), "options.segments.mode"),
            (segments(v1::SegmentMode::Window, 0, 0), "options.segments.window_ms"),
            (segments(v1::SegmentMode::Window, 1000, 1000), "options.segments.overlap_ms"),
            (segments(v1::SegmentMode::Window, 1, 0), "options.segments.window_ms"),
            (fused(f32::NAN), "options.fusion.visual_weight"),
            (fused(0.0), "options.fusion"),
        ] {
            assert_eq!(embed_options_in(Some(&options), EmbedOptions::INGEST).unwrap_err().field, field);
        }
    }
}
