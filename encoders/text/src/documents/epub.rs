//! The text of a book: its title, then its chapters in the order in which they are read (EPUB 3.3).

use std::collections::HashMap;

use onespace_core::{Error, Patience, Result, limits};

use super::{
    archive::Archive,
    html,
    office::first,
    xml::{Part, attribute, each},
};
use crate::decode::decode;

/// What says where the list of the book's parts is.
const CONTAINER: &str = "META-INF/container.xml";

/// The text of a book.
///
/// # Errors
/// `MEDIA_MALFORMED`, `MEDIA_TOO_LARGE`, `MEDIA_UNSUPPORTED` as [`Archive::read`] says.
pub fn text(bytes: &[u8], patience: &Patience) -> Result<String> {
    let mut archive = Archive::new(bytes, patience)?;
    let container = archive.read(CONTAINER)?;
    let package = first(&decode(&container)?, "rootfile", "full-path")?;
    let package = package.ok_or_else(|| Error::malformed("bytes", "the EPUB does not say where its parts are"))?;
    let Package { title, chapters } = Package::read(&decode(&archive.read(&package)?)?)?;
    let folder = package.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut text = title;
    for chapter in chapters {
        let page = archive.read(&beside(folder, &chapter))?;
        text.push('\n');
        text.push_str(&html::text(&html::decode(&page)?));
        if text.len() > limits::TEXT_BYTES {
            break;
        }
    }
    Ok(text.trim().to_owned())
}

/// What the list of a book's parts says.
struct Package {
    title: String,
    /// Their places, beside the list.
    chapters: Vec<String>,
}

impl Package {
    fn read(xml: &str) -> Result<Self> {
        let (mut title, mut places, mut chapters) = (String::new(), HashMap::new(), Vec::new());
        each(xml, |name, part| {
            match (name, part) {
                ("title", Part::Text(words)) if title.len() < limits::TITLE_BYTES => title.push_str(words),
                ("item", Part::Start(item)) => {
                    places.extend(attribute(item, "id").zip(attribute(item, "href")));
                }
                ("itemref", Part::Start(item)) => chapters.extend(attribute(item, "idref")),
                _ => {}
            }
            Ok(())
        })?;
        let mut chapters: Vec<String> = chapters.into_iter().filter_map(|id| places.remove(&id)).collect();
        chapters.dedup();
        Ok(Self { title, chapters })
    }
}

/// A place that is said beside a folder, with what is written as numbers in it.
fn beside(folder: &str, place: &str) -> String {
    let place = place.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in place.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    unescaped(&parts.join("/"))
}

/// `%20` as a space, and so on.
fn unescaped(place: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = place.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits = others.first_chunk::<2>().and_then(|digits| std::str::from_utf8(digits).ok());
        let escaped = digits.filter(|_| *first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { others.get(2..).unwrap_or_default() } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_beside_the_list() {
        assert_eq!(beside("OEBPS", "text/a%20b.xhtml#x"), "OEBPS/text/a b.xhtml");
        assert_eq!(beside("", "a.xhtml"), "a.xhtml");
        assert_eq!(beside("a/b", "../c/./d%.x%zz"), "a/c/d%.x%zz");
        assert_eq!(beside("", "../../etc/passwd"), "etc/passwd", "nothing lies outside of an archive");
    }
}
