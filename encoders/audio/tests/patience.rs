//! A recording is decoded while somebody waits for it and no longer.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "this is how a test fails")]

mod common;

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use common::{golden, samples_of, silent_flac, spec, waveform};
use onespace_audio::table::FrontEnd;
use onespace_audio::{AudioPreparer, Pcm};
use onespace_core::{Deadline, Patience, Prepare, PrepareRequest, Reason};

/// What keeps the resampler busy for many seconds: 29 minutes at the highest rate, in a hundred kilobytes.
fn slow_recording() -> Vec<u8> {
    silent_flac(29 * 60 * 192_000 / 65_535, 192_000, 0)
}

fn end(patience: &Patience) -> (Reason, Duration) {
    let recording = slow_recording();
    let begun = Instant::now();
    let outcome = waveform(1000).prepare(&PrepareRequest::of(&recording).within(patience));
    (outcome.map(drop).unwrap_err().reason, begun.elapsed())
}

#[test]
fn a_deadline_ends_the_decoding() {
    let (reason, took) = end(&Patience::until(Deadline::after(Duration::from_millis(100))));
    println!("{took:?}");
    assert_eq!(reason, Reason::DeadlineExceeded);
}

#[test]
fn a_caller_that_goes_away_ends_the_decoding() {
    let patience = Patience::until(Deadline::default());
    let caller = patience.clone();
    let leaving = thread::spawn(move || {
        thread::sleep(Duration::from_millis(100));
        caller.leave();
    });
    let (reason, took) = end(&patience);
    leaving.join().unwrap();
    println!("{took:?}");
    assert_eq!(reason, Reason::Cancelled);
}

/// A file that could not be read on because nobody waits is neither a short recording nor a broken one.
#[test]
fn nothing_is_made_of_what_was_read_so_far() {
    for file in ["sound.wav", "sound.mp3", "flac16.flac", "sound.m4a", "opus.ogg"] {
        let over = Patience::endless().at_most(0);
        let outcome = waveform(250).prepare(&PrepareRequest::of(&golden(file)).within(&over));
        assert_eq!(outcome.map(drop).unwrap_err().reason, Reason::MediaTooLarge, "{file}");
        over.leave();
        let outcome = waveform(250).prepare(&PrepareRequest::of(&golden(file)).within(&over));
        assert_eq!(outcome.map(drop).unwrap_err().reason, Reason::Cancelled, "{file}");
    }
    let pcm = Pcm { rate: 16_000, channels: vec![vec![0.5; 16_000]] };
    let gone = Patience::endless();
    assert_eq!(samples_of(&waveform(250), &pcm, &gone).unwrap().len(), 4);
    gone.leave();
    assert_eq!(samples_of(&waveform(250), &pcm, &gone).map(drop).unwrap_err().reason, Reason::Cancelled);
}

#[test]
fn the_decoder_that_stands_in_knows_who_waits() {
    let decoder = Arc::new(|_: &[u8], patience: &Patience| {
        patience.leave();
        patience.check("in the decoder that stands in")?;
        Ok(Pcm { rate: 16_000, channels: vec![vec![0.5; 16_000]] }.into())
    });
    let preparer = AudioPreparer::new(&spec(250, FrontEnd::Waveform), Some(decoder)).unwrap();
    let outcome = preparer.prepare(&PrepareRequest::of(&golden("opus.ogg")));
    assert_eq!(outcome.map(drop).unwrap_err().reason, Reason::Cancelled);
}
