//! What becomes of what a model says: languages, times, windows, silence, circles, limits.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)] // A test may fail.

mod common;

use std::time::Duration;

use common::{
    END, ENGLISH, GERMAN, Parrot, START, TIME, TRANSCRIBE, heard, letter, line, listener, sound, table, tiny,
};
use onespace_core::{Deadline, Language, Patience, Reason, RemarkKind, Span, Transcript, limits::SPEECH_TOKENS};
use onespace_speech::{Listener, table::Speech};

fn spans(transcript: &Transcript) -> Vec<(u64, u64, &str)> {
    transcript.segments.iter().map(|one| (one.span.start_ms, one.span.end_ms, one.text.as_str())).collect()
}

#[test]
fn a_window_is_asked_for_and_read_as_segments() {
    let mut model = Parrot::new(&["<0> yes<20><20> no<45>."]);
    let transcript = heard(&mut model, 1.5);
    assert_eq!(model.steps[..2], [vec![START], vec![ENGLISH, TRANSCRIBE]]);
    assert_eq!(model.frames, [200], "1.5 s and half a second of silence");
    assert_eq!(transcript.text, "yes no");
    assert_eq!(spans(&transcript), [(0, 400, "yes"), (400, 900, "no")]);
    assert!(!transcript.no_speech() && transcript.remarks.is_empty());
    assert_eq!(transcript.language, "en");
    assert!(transcript.language_probability > 0.99 && transcript.language_probability < 1.0);
}

#[test]
fn the_language_is_heard_or_said_and_only_of_those_listed() {
    let mut model = Parrot { language: GERMAN, ..Parrot::new(&["<0>ja<9>."]) };
    assert_eq!(heard(&mut model, 1.0).language, "de");
    assert_eq!(model.steps[1], [GERMAN, TRANSCRIBE]);

    let only = Speech { languages: vec!["en".into()], ..table() };
    let listener = Listener::new(&only, &tiny("tokenizer.json")).unwrap();
    let mut model = Parrot { language: GERMAN, ..Parrot::new(&["<0>ja<9>."]) };
    let ask = |language: &str| -> Option<Language> { Some(language.parse().unwrap()) };
    let transcript = listener.transcribe(&mut model, &sound(1, 16_000), None, &Patience::endless()).unwrap();
    assert_eq!((transcript.language.as_str(), transcript.language_probability), ("en", 1.0));

    let error = listener.transcribe(&mut model, &[], ask("de"), &Patience::endless()).unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::FieldInvalid, "language"));
    assert_eq!(error.message, "\"de\" is not understood here, en are");
    let mut model = Parrot { language: GERMAN, ..Parrot::new(&["<0>yes<9>."]) };
    let said = listener.transcribe(&mut model, &sound(1, 16_000), ask("en"), &Patience::endless()).unwrap();
    assert_eq!((said.language.as_str(), said.language_probability), ("en", 1.0));
}

#[test]
fn a_long_recording_moves_by_the_last_time() {
    // The second segment is not finished: the next window begins with it, at 1.20 s, and the last at 3.20 s.
    let mut model = Parrot::new(&["<0> one<60><60> tw.", "<0> two<70>.", "<0> end<20>."]);
    let transcript = heard(&mut model, 4.0);
    assert_eq!(spans(&transcript), [(0, 1200, "one"), (1200, 2600, "two"), (3200, 3600, "end")]);
    assert_eq!(transcript.text, "one two end");
    assert_eq!(model.frames, [200, 200, 150]);
    assert_eq!(model.steps.iter().filter(|step| **step == [START]).count(), 3);
}

#[test]
fn times_that_stand_still_move_on_all_the_same() {
    let mut model = Parrot::new(&["<0>a<0><0>."; 4]);
    let transcript = heard(&mut model, 3.5);
    assert!(transcript.no_speech());
    assert_eq!(model.frames, [200, 200, 200, 100], "a second each");
}

#[test]
fn silence_is_an_empty_text() {
    let unsure = |sure: f32, no_speech: f32| Parrot { sure, no_speech, ..Parrot::new(&["<0> thank you<20>."]) };
    // Against 367 tokens of 0 and a language of 5, a logit of 6.5 is a probability of 0.56, one of 7 of 0.68.
    for sure in [5.0, 20.0] {
        let silent = heard(&mut unsure(sure, 7.0), 1.0);
        assert!(silent.no_speech() && silent.text.is_empty() && silent.remarks.is_empty());
        assert_eq!(heard(&mut unsure(sure, 6.5), 1.0).text, "thank you");
    }
    let mut silent = unsure(20.0, 9.0);
    heard(&mut silent, 1.0);
    assert_eq!(silent.steps.len(), 1, "no word is asked for");
    let doubtful = heard(&mut unsure(5.0, -9.0), 1.0);
    assert_eq!((doubtful.text.as_str(), doubtful.remarks[0].kind), ("thank you", RemarkKind::Unsure));
    let nothing = heard(&mut Parrot::new(&[]), 0.0);
    assert!(nothing.no_speech() && nothing.language == "en" && nothing.language_probability == 0.0);
}

#[test]
fn the_model_is_not_asked_of_what_nobody_could_hear() {
    let quiet = vec![1e-3; 16_000 * 3];
    let loud_at_the_end: Vec<f32> = quiet.iter().copied().chain(sound(1, 16_000)).collect();
    let listen = |sound: &[f32]| {
        let mut model = Parrot::new(&["<0> yes<20>."]);
        let heard = listener().transcribe(&mut model, sound, None, &Patience::endless()).unwrap();
        (model.frames, heard)
    };
    let (frames, heard) = listen(&quiet);
    assert!(frames.is_empty() && heard.no_speech() && heard.language_probability == 0.0);
    let (frames, heard) = listen(&loud_at_the_end);
    assert_eq!((frames, spans(&heard)), (vec![200], vec![(2000, 2400, "yes")]), "the first window is passed over");
}

#[test]
fn a_circle_is_cut_and_said() {
    let phrase = " over and";
    let mut model = Parrot::new(&[&format!("<0> so{}<50>.", phrase.repeat(20))]);
    let transcript = heard(&mut model, 1.0);
    assert_eq!(transcript.text, "so over and");
    assert_eq!(transcript.remarks.len(), 1);
    assert_eq!(transcript.remarks[0].kind, RemarkKind::RepetitionCut);
    assert_eq!(transcript.remarks[0].span, Span { start_ms: 0, end_ms: 1000 });
    assert_eq!(
        transcript.remarks[0].to_string(),
        "0.0 to 1.0 s: the model repeated itself, the repetition is left out"
    );
    assert!(model.steps.len() < 45, "it was stopped while it spoke: {} steps", model.steps.len());
}

#[test]
fn a_circle_with_times_in_it_is_one_too() {
    let lines: String = (0..12).map(|at| format!("<{}> thanks<{}>", at * 4, at * 4 + 4)).collect();
    let transcript = heard(&mut Parrot::new(&[&format!("{lines}.")]), 1.0);
    assert_eq!(spans(&transcript), [(0, 80, "thanks")]);
    assert_eq!(transcript.remarks[0].kind, RemarkKind::RepetitionCut);
}

#[test]
fn an_endless_window_is_ended() {
    // No circle: the letters follow each other at growing distances.
    let letters: Vec<char> = ('a'..='z').collect();
    let text: String = (0..300).map(|at| letters[at * at * at % 11 + at / 26]).collect();
    let transcript = heard(&mut Parrot::new(&[&format!("<0>{text}.")]), 1.0);
    assert_eq!(transcript.text.len(), SPEECH_TOKENS - 1);
    assert!(transcript.remarks.iter().any(|remark| remark.kind == RemarkKind::WindowFull));
}

#[test]
fn the_rules_of_times_are_kept() {
    let said = |text: &str| {
        let mut model = Parrot::new(&[text]);
        heard(&mut model, 1.0);
        model.steps.into_iter().skip(2).map(|step| step[0]).collect::<Vec<_>>()
    };
    // A window begins with a time of the first second.
    assert!((TIME..=TIME + 50).contains(&said("a<5>.")[0]));
    assert!((TIME..=TIME + 50).contains(&said("<60>a.")[0]));
    // Times do not go back, and after two of them words follow.
    let back = said("<9>a<3>b<20>.");
    assert!(back.iter().filter(|token| **token >= TIME).all(|token| *token >= TIME + 9), "{back:?}");
    assert!(said("<1>a<2><2><2>b<9>.")[4] < END);
    // One time is followed by another, or by the end: no word.
    let lone = said("<0>ab<5>c<9>.");
    assert_eq!(lone[..4], line("<0>ab<5>"));
    assert_ne!(lone.get(4), Some(&letter('c')));
}

#[test]
fn what_is_suppressed_is_not_said() {
    let table = Speech { suppress: vec![letter('b')], ..table() };
    let listener = Listener::new(&table, &tiny("tokenizer.json")).unwrap();
    let mut model = Parrot::new(&["<0>a<5><5>bc<9>."]);
    let heard = listener.transcribe(&mut model, &sound(1, 16_000), None, &Patience::endless()).unwrap();
    assert_eq!(heard.text, "a!c", "in place of the letter comes the next best, the first token");
}

#[test]
fn nobody_waits_any_more() {
    let patience = Patience::endless();
    let mut model = Parrot { leave: Some((9, patience.clone())), ..Parrot::new(&["<0>a long text to say<40>."]) };
    let error = listener().transcribe(&mut model, &sound(1, 16_000), None, &patience).unwrap_err();
    assert_eq!(error.reason, Reason::Cancelled);
    assert_eq!(model.steps.len(), 9);
}

/// Half of a recording is worth more than an error, and a remark says where it ends.
#[test]
fn what_there_is_no_time_for_is_said() {
    let lines = ["<0> one<100>.", "<0> two<100>.", "<0> three<100>."];
    let sound = sound(1, 6 * 16_000);
    let mut quick = Parrot::new(&lines);
    let all = listener().transcribe(&mut quick, &sound, None, &Patience::until(Deadline::default())).unwrap();
    assert_eq!((all.text.as_str(), all.remarks.len()), ("one two three", 0));

    let mut slow = Parrot { pause: Duration::from_millis(1_500), ..Parrot::new(&lines) };
    let patience = Patience::until(Deadline::after(Duration::from_secs(4)));
    let heard = listener().transcribe(&mut slow, &sound, None, &patience).unwrap();
    assert_eq!(heard.text, "one");
    let [remark] = heard.remarks.as_slice() else { panic!("{:?}", heard.remarks) };
    assert_eq!((remark.kind, remark.span), (RemarkKind::TimeOver, Span { start_ms: 2_000, end_ms: 6_000 }));
}

#[test]
fn what_is_too_long_or_no_vocabulary_is_refused() {
    let long = vec![0.0; 16_000 * 1800 + 1];
    let error = listener().transcribe(&mut Parrot::new(&[]), &long, None, &Patience::endless()).unwrap_err();
    assert_eq!(error.reason, Reason::MediaTooLarge);
    let unknown = Speech { languages: vec!["xx".into()], ..table() };
    let error = Listener::new(&unknown, &tiny("tokenizer.json")).unwrap_err();
    assert_eq!((error.reason, error.field.as_str()), (Reason::BundleInvalid, "languages"));
    assert_eq!(Listener::new(&table(), b"{}").unwrap_err().field, "tokenizer");
}
