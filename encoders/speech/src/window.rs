//! One window: the model listens and says what it hears.

use onespace_core::{Patience, Result, limits::SPEECH_TOKENS};

use crate::{
    loops::{self, Circle},
    model::SpeechModel,
    rules,
    table::Speech,
    vocabulary::Vocabulary,
};

/// Where it is noticed that nobody waits any more.
const WHILE: &str = "while the sound was listened to";

/// What the model begins a window with: before any word is said.
pub(crate) struct Beginning {
    /// The probability that nobody speaks.
    pub no_speech: f32,
    /// The most probable language of those that may be heard, its token and its probability among them.
    pub language: (String, u32, f32),
}

/// What was heard in a window.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub tokens: Vec<u32>,
    /// The mean of the logarithms of the tokens' probabilities, the end included.
    pub mean_log: f32,
    /// The model went round in a circle, which was cut.
    pub looped: bool,
    /// There was no end within the limit.
    pub full: bool,
}

/// Takes in a window that the model has encoded.
pub(crate) fn begin(vocabulary: &Vocabulary, model: &mut dyn SpeechModel) -> Result<Beginning> {
    let mut logits = Vec::new();
    model.step(&[vocabulary.start], &mut logits)?;
    let logit = |token: u32| logits.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
    let no_speech = (logit(vocabulary.no_speech) - rules::log_sum(&logits)).exp();
    let heard: Vec<f32> = vocabulary.languages.iter().map(|(_, token)| logit(*token)).collect();
    let all = rules::log_sum(&heard);
    let mut language = (String::new(), 0, f32::NEG_INFINITY);
    for ((name, token), logit) in vocabulary.languages.iter().zip(heard) {
        if logit > language.2 {
            language = (name.clone(), *token, logit);
        }
    }
    language.2 = (language.2 - all).exp();
    Ok(Beginning { no_speech, language })
}

/// Says what is heard, in the language whose token is given, until the end, the limit or a circle.
pub(crate) fn listen(
    vocabulary: &Vocabulary,
    table: &Speech,
    model: &mut dyn SpeechModel,
    language: u32,
    patience: &Patience,
) -> Result<Heard> {
    let mut heard = Heard::default();
    let (mut logits, mut sum, mut steps) = (Vec::new(), 0.0_f64, 0_u32);
    model.step(&[language, vocabulary.transcribe], &mut logits)?;
    loop {
        patience.check(WHILE)?;
        let choice = rules::choose(vocabulary, table, &heard.tokens, &mut logits);
        sum += f64::from(choice.log_probability);
        steps += 1;
        if choice.token == vocabulary.end {
            break;
        }
        heard.tokens.push(choice.token);
        if cut(vocabulary, &mut heard.tokens, loops::PLAIN) {
            heard.looped = true;
            break;
        }
        if heard.tokens.len() >= SPEECH_TOKENS {
            heard.full = true;
            break;
        }
        model.step(&[choice.token], &mut logits)?;
    }
    heard.mean_log = (sum / f64::from(steps)) as f32;
    Ok(heard)
}

/// Cuts what is repeated at the end of the tokens; times do not count, they differ each time.
pub(crate) fn cut(vocabulary: &Vocabulary, tokens: &mut Vec<u32>, circle: Circle) -> bool {
    let words: Vec<(usize, u32)> =
        (0..).zip(tokens.iter().copied()).filter(|(_, token)| *token < vocabulary.end).collect();
    let plain: Vec<u32> = words.iter().map(|(_, token)| *token).collect();
    let Some(kept) = loops::cut(&plain, circle) else { return false };
    // Up to the last word that stays, and the time after it.
    let last = kept.checked_sub(1).and_then(|last| words.get(last)).map_or(0, |(at, _)| at + 1);
    let time = tokens.get(last).is_some_and(|token| vocabulary.is_time(*token));
    tokens.truncate(last + usize::from(time));
    true
}
