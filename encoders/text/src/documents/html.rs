//! The text of a web page: its title, then what is on it.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
};

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};
use html5ever::{
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts, states::RawKind,
    },
};
use onespace_core::Result;

use super::Gathered;

/// How much of a page is looked at for the name of its encoding (HTML 13.2.3.2).
const HEAD: usize = 1024;

/// What stands on lines of its own.
const BLOCKS: [&str; 38] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "br",
    "caption",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "title",
];

/// What is not for reading.
const UNREAD: [&str; 9] = ["script", "style", "template", "svg", "math", "noscript", "iframe", "object", "select"];

/// The letters of a page: as it says it is encoded, where it says so and is.
///
/// # Errors
/// As [`decode`](crate::decode::decode).
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>> {
    let is_marked = Encoding::for_bom(bytes).is_some();
    let said = if is_marked { None } else { said(bytes) };
    let text = said.and_then(|encoding| encoding.decode_without_bom_handling_and_without_replacement(bytes));
    text.map_or_else(|| crate::decode::decode(bytes), Ok)
}

/// The encoding that a page names.
fn said(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..HEAD).unwrap_or(bytes)).to_ascii_lowercase();
    let (_, behind) = head.split_once("charset")?;
    let label = behind.trim_start().strip_prefix('=')?.trim_start().trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ';', '>', '/', ' ', '\n', '\r', '\t']).unwrap_or(label.len());
    let encoding = Encoding::for_label(label.get(..end)?.as_bytes())?;
    // What could be read so far is not of sixteen bits.
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// The text of a page.
pub fn text(page: &str) -> String {
    let tokenizer = Tokenizer::new(Reader::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(page));
    while !matches!(tokenizer.feed(&input), html5ever::TokenizerResult::Done) {}
    tokenizer.end();
    let Reader { title, body, .. } = tokenizer.sink;
    let (title, body) = (title.into_inner().text, body.into_inner().text);
    match (title.is_empty(), body.is_empty()) {
        (true, _) => body,
        (_, true) => title,
        _ => format!("{title}\n{body}"),
    }
}

/// What has been read.
#[derive(Default)]
struct Reader {
    title: RefCell<Gathered>,
    body: RefCell<Gathered>,
    is_title: Cell<bool>,
    /// What is left out until it ends, and how deep in itself it is.
    unread: RefCell<Option<(String, usize)>>,
}

impl Reader {
    fn start(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        if let Some((unread, depth)) = &mut *self.unread.borrow_mut() {
            *depth += usize::from(name == unread && !tag.self_closing);
            return TokenSinkResult::Continue;
        }
        if UNREAD.contains(&name) && !tag.self_closing {
            *self.unread.borrow_mut() = Some((name.to_owned(), 1));
        }
        let alternative = tag.attrs.iter().find(|attribute| name == "img" && &*attribute.name.local == "alt");
        if let Some(alternative) = alternative {
            let mut body = self.body.borrow_mut();
            body.words(" ");
            body.words(&alternative.value);
            body.words(" ");
        }
        match name {
            "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "iframe" | "noscript" => return TokenSinkResult::RawData(RawKind::Rawtext),
            "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            "title" => {
                self.is_title.set(true);
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            _ => self.part(name),
        }
        TokenSinkResult::Continue
    }

    fn end_of(&self, name: &str) {
        let mut unread = self.unread.borrow_mut();
        if let Some((left_out, depth)) = &mut *unread {
            if left_out == name {
                *depth -= 1;
            }
            if *depth == 0 {
                *unread = None;
            }
            return;
        }
        if name == "title" {
            self.is_title.set(false);
        }
        self.part(name);
    }

    fn part(&self, name: &str) {
        let mut body = self.body.borrow_mut();
        if BLOCKS.contains(&name) {
            body.line();
        } else if matches!(name, "td" | "th" | "option" | "button") {
            body.words(" ");
        }
    }

    fn words(&self, words: &str) {
        if self.unread.borrow().is_some() {
            return;
        }
        let place = if self.is_title.get() { &self.title } else { &self.body };
        let mut gathered = place.borrow_mut();
        if !gathered.is_full() {
            gathered.words(words);
        }
    }
}

impl TokenSink for Reader {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return self.start(&tag),
            Token::TagToken(tag) => self.end_of(&tag.name),
            Token::CharacterTokens(words) => self.words(&words),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_title_and_what_is_on_it() {
        let page = "<!DOCTYPE html><html><head><meta charset=utf-8><style>p { color: red }</style>\
            <title>Cars &amp; trains</title><script>if (a < b) { document.write('<p>no</p>') }</script></head>\
            <body class=x><nav><ul><li>Home<li>About</ul></nav><h1>A green  \n car</h1>\
            <p>It&rsquo;s <b>fast</b>er&nbsp;than <i>a</i> train.<!-- never --><br>Truly.</p>\
            <svg><title>icon</title><path d=M0/></svg><img src=a.png alt='a car'><table><tr><td>1<td>2</table>";
        let text = text(page);
        let wanted = "Cars & trains\nHome\nAbout\nA green car\nIt’s faster than a train.\nTruly.\na car\n1 2";
        assert_eq!(text, wanted);
    }

    #[test]
    fn a_page_that_is_broken_off_is_read_as_far_as_it_goes() {
        for (page, wanted) in [
            ("<html><body>a<script>never", "a"),
            ("<html><body>a<style>b{</style>c<sc", "ac"),
            ("<html><body><template><template>x</template>y</template>z", "z"),
            ("<html>&#x41;&#0;&#x110000;&bogus;&lt", "A\u{fffd}\u{fffd}&bogus;<"),
            ("<html></template></script></title>b", "b"),
            ("", ""),
        ] {
            assert_eq!(text(page), wanted, "{page}");
        }
        assert_eq!(text(&"<div>".repeat(200_000)), "");
    }

    #[test]
    fn letters_are_those_of_the_encoding_that_is_named() {
        let page = b"<html><head><meta http-equiv=content-type content='text/html; charset=windows-1251'>\xe0\xe1";
        assert!(decode(page).unwrap().ends_with("аб"));
        let page = b"<html><meta charset=\"shift_jis\"><p>\x83\x4a";
        assert!(decode(page).unwrap().ends_with("カ"));
        assert!(decode("<html><meta charset=utf-16>ä".as_bytes()).unwrap().ends_with('ä'));
        assert!(decode("<html><meta charset=nonsense>ä".as_bytes()).unwrap().ends_with('ä'));
        assert!(decode("\u{feff}<html><meta charset=windows-1251>ä".as_bytes()).unwrap().ends_with('ä'));
    }
}
