//! The JSON that Google Takeout puts beside each photograph and film.

use serde_json::Value;

use crate::{
    tags::{self, Tags},
    taken::Taken,
};

/// What it says. Its title is the name of the file, which is known.
pub(crate) fn read(bytes: &[u8]) -> Option<Tags> {
    let json: Value = serde_json::from_slice(bytes).ok()?;
    let mut found = Tags::default();
    let moment = json.pointer("/photoTakenTime/timestamp");
    let moment = moment.and_then(|moment| moment.as_i64().or_else(|| moment.as_str()?.parse().ok()));
    if let Some(taken) = moment.and_then(Taken::at) {
        found.taken(&taken);
    }
    // Where its owner has put it, else where the camera was.
    for place in ["geoDataExif", "geoData"].into_iter().filter_map(|name| json.get(name)) {
        let number = |name| place.get(name).and_then(Value::as_f64);
        if let (Some(latitude), Some(longitude)) = (number("latitude"), number("longitude")) {
            found.place(latitude, longitude, number("altitude").filter(|altitude| *altitude != 0.0));
        }
    }
    if let Some(description) = json.get("description").and_then(Value::as_str) {
        found.text(tags::DESCRIPTION, description);
    }
    let people = json.get("people").and_then(Value::as_array).into_iter().flatten();
    found.list(tags::PEOPLE, people.filter_map(|person| person.get("name")?.as_str()));
    if json.get("favorited") == Some(&Value::Bool(true)) {
        found.fields.insert(tags::FAVORITE, true.into());
    }
    Some(found)
}
