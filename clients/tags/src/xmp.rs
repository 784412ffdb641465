//! XMP: a file beside the media, or a packet in it.

use roxmltree::{Document, Node};

use crate::{
    tags::{self, Tags},
    taken::Taken,
};

const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
const DC: &str = "http://purl.org/dc/elements/1.1/";
const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const AUX: &str = "http://ns.adobe.com/exif/1.0/aux/";
const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
const PEOPLE: &str = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";

/// How far into a file a packet is looked for: writers put it into the head.
const HEAD: usize = 1 << 20;
const BEGIN: &[u8] = b"<x:xmpmeta";
const END: &[u8] = b"</x:xmpmeta>";

/// What the packet in a media file says: it may be found without knowing the format, which is what it is made for.
pub(crate) fn scan(bytes: &[u8]) -> Option<Tags> {
    let head = bytes.get(..HEAD.min(bytes.len()))?;
    let begin = find(head, BEGIN)?;
    let packet = head.get(begin..)?;
    read(packet.get(..find(packet, END)? + END.len())?)
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// What a packet says.
pub(crate) fn read(bytes: &[u8]) -> Option<Tags> {
    let text = String::from_utf8_lossy(bytes);
    // A document type is refused, and so there is no entity that grows.
    let document = Document::parse(text.trim_start_matches('\u{feff}').trim_end_matches('\0')).ok()?;
    let about: Vec<Node> = document.descendants().filter(|node| node.has_tag_name((RDF, "Description"))).collect();
    let property = |namespace, name| about.iter().find_map(|node| values(*node, namespace, name));
    let first = |namespace, name| property(namespace, name).and_then(|values| values.into_iter().next());
    let mut found = Tags::default();
    for (key, namespace, name) in [
        (tags::CAMERA_MAKE, TIFF, "Make"),
        (tags::CAMERA_MODEL, TIFF, "Model"),
        (tags::LENS, AUX, "Lens"),
        (tags::DESCRIPTION, DC, "description"),
        (tags::CREATOR, DC, "creator"),
    ] {
        if let Some(text) = first(namespace, name) {
            found.text(key, &text);
        }
    }
    if let Some(title) = first(DC, "title") {
        found.title(&title);
    }
    for (key, namespace, name) in [(tags::KEYWORDS, DC, "subject"), (tags::PEOPLE, PEOPLE, "PersonInImage")] {
        let entries = property(namespace, name).unwrap_or_default();
        found.list(key, entries.iter().map(String::as_str));
    }
    let rating = first(XMP, "Rating").and_then(|rating| rating.parse::<f64>().ok());
    if let Some(rating) = rating.filter(|rating| (-1.0..=5.0).contains(rating) && *rating != 0.0) {
        found.integer(tags::RATING, rating.round() as i64);
    }
    let moments = [(EXIF, "DateTimeOriginal"), (PHOTOSHOP, "DateCreated"), (XMP, "CreateDate")];
    if let Some(taken) = moments.iter().find_map(|(namespace, name)| Taken::read(&first(namespace, name)?)) {
        found.taken(&taken);
    }
    let degrees = |name| first(EXIF, name).and_then(|text| degrees(&text));
    if let (Some(latitude), Some(longitude)) = (degrees("GPSLatitude"), degrees("GPSLongitude")) {
        let below = first(EXIF, "GPSAltitudeRef").is_some_and(|reference| reference == "1");
        let metres = first(EXIF, "GPSAltitude").and_then(|text| ratio(&text));
        found.place(latitude, longitude, metres.map(|metres| if below { -metres } else { metres }));
    }
    Some(found)
}

/// The values of a property, however it is written: as an attribute, an element, or a list in one.
fn values(about: Node, namespace: &str, name: &str) -> Option<Vec<String>> {
    if let Some(value) = about.attribute((namespace, name)) {
        return Some(vec![value.to_owned()]);
    }
    let element = about.children().find(|node| node.has_tag_name((namespace, name)))?;
    let entries: Vec<_> = element.descendants().filter(|node| node.has_tag_name((RDF, "li"))).collect();
    let text = |node: Node| node.text().unwrap_or_default().to_owned();
    Some(if entries.is_empty() { vec![text(element)] } else { entries.into_iter().map(text).collect() })
}

/// `48,51.4952N`, `48,51,29.7N`, or plain degrees.
fn degrees(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, negative) = match text.strip_suffix(['N', 'E']) {
        Some(number) => (number, false),
        None => match text.strip_suffix(['S', 'W']) {
            Some(number) => (number, true),
            None => (text, false),
        },
    };
    let mut degrees = 0.0;
    for (part, unit) in number.split(',').zip([1.0, 60.0, 3600.0]) {
        degrees += part.trim().parse::<f64>().ok()? / unit;
    }
    degrees.is_finite().then_some(if negative { -degrees } else { degrees })
}

/// `1234/10`, or a plain number.
fn ratio(text: &str) -> Option<f64> {
    let (above, below) = text.trim().split_once('/').unwrap_or((text.trim(), "1"));
    let ratio = above.parse::<f64>().ok()? / below.parse::<f64>().ok()?;
    ratio.is_finite().then_some(ratio)
}
