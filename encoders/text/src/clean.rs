//! What is done to a text before its tokens are looked for.

use std::borrow::Cow;

use crate::table::Clean;

use crate::repair::repair;

/// The text after all `steps`.
pub fn clean<'t>(text: Cow<'t, str>, steps: &[Clean]) -> Cow<'t, str> {
    steps.iter().fold(text, |text, step| match step {
        Clean::Ftfy => Cow::Owned(repair(&text)),
        Clean::HtmlUnescape if !text.contains('&') => text,
        Clean::HtmlUnescape => Cow::Owned(htmlize::unescape(text.as_ref()).into_owned()),
        Clean::Strip => Cow::Owned(text.trim_matches(is_space).to_owned()),
        Clean::CollapseWhitespace => Cow::Owned(collapsed(&text)),
        Clean::Lowercase => Cow::Owned(text.to_lowercase()),
        Clean::Canonicalize => {
            let plain = text.replace(|letter: char| letter.is_ascii_punctuation(), "");
            Cow::Owned(collapsed(&plain).trim_matches(is_space).to_owned())
        }
    })
}

/// White space as Python's `str.split`, `str.strip` and `\s` have it: the separators U+001C to U+001F are some.
pub const fn is_space(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '\u{1c}'..='\u{1f}')
}

fn collapsed(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match (is_space(letter), out.ends_with(' ')) {
            (true, true) => {}
            (true, false) => out.push(' '),
            (false, _) => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn cleaned(text: &str, steps: &[Clean]) -> String {
        clean(Cow::Borrowed(text), steps).into_owned()
    }

    #[test]
    fn each_step_does_what_it_says() {
        assert_eq!(cleaned("&amp;lt; &#x2603; &notanentity; &copy2", &[Clean::HtmlUnescape]), "&lt; ☃ ¬anentity; ©2");
        assert_eq!(cleaned("&amp;lt;", &[Clean::HtmlUnescape, Clean::HtmlUnescape]), "<");
        assert_eq!(cleaned(" \t a\u{1f}b  c\u{3000}", &[Clean::Strip]), "a\u{1f}b  c");
        assert_eq!(cleaned(" a\u{1f}\n b  c\u{3000}", &[Clean::CollapseWhitespace]), " a b c ");
        assert_eq!(cleaned("ΟΔΟΣ İ", &[Clean::Lowercase]), "οδος i\u{307}");
        assert_eq!(cleaned(" A photo, of_a \"cat\"! ", &[Clean::Canonicalize]), "A photo ofa cat");
    }

    /// ftfy and Python's own functions, on texts of every kind (`golden/models/make.py`).
    #[test]
    fn texts_are_cleaned_as_python_cleans_them() {
        let golden = include_str!("../tests/golden/models/cases.json");
        let golden: serde_json::Value = serde_json::from_str(golden).unwrap();
        let broken: Vec<String> = serde_json::from_value(golden["broken"].clone()).unwrap();
        let cleaned: BTreeMap<String, Vec<String>> = serde_json::from_value(golden["cleaned"].clone()).unwrap();
        assert_eq!(cleaned.len(), 5);
        let mut wrong = Vec::new();
        for (step, wanted) in &cleaned {
            let step: Clean = serde_json::from_value(step.as_str().into()).unwrap();
            for (text, wanted) in broken.iter().zip(wanted) {
                let found = self::cleaned(text, &[step]);
                if found != *wanted {
                    wrong.push(format!("{step:?} of {text:?}: {found:?}, not {wanted:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
