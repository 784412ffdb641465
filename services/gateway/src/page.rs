//! Pages: how long one is, and where the next one starts.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use onespace_core::{Error, Fingerprint, Reason, Result, limits::RESULTS};
use onespace_proto::v1;
use prost::Message;

/// Items of a page whose size is not named.
const PAGE_DEFAULT: usize = 100;
/// Bytes of the request's digest in a token: enough to tell a mistake.
const DIGEST: usize = 8;

/// How many entries a page of a list has.
///
/// # Errors
/// `FIELD_INVALID` past the limit.
pub fn page_size(field: &str, asked: u32) -> Result<usize> {
    limit(field, asked, PAGE_DEFAULT)
}

/// A number of results, the default where it is 0.
///
/// # Errors
/// `FIELD_INVALID` past the limit.
pub fn limit(field: &str, asked: u32, default: usize) -> Result<usize> {
    let asked = asked as usize;
    match asked {
        0 => Ok(default),
        _ if asked <= RESULTS => Ok(asked),
        _ => Err(Error::new(Reason::FieldInvalid, field, format!("{asked}, the limit is {RESULTS}"))),
    }
}

/// A place in the answers of one search. What tells the search from others is worked out only where a token is read or
/// written: a query may hold megabytes.
#[derive(Clone, Debug)]
pub struct SearchPage {
    /// The request without what differs from page to page.
    search: v1::SearchRequest,
    /// How many hits came before.
    pub offset: usize,
}

impl SearchPage {
    /// Where a request starts: at the beginning, or where its token says, which must be of the same request.
    ///
    /// # Errors
    /// `FIELD_INVALID` for a token of another request, or none of ours.
    pub fn of(request: &v1::SearchRequest) -> Result<Self> {
        let search = v1::SearchRequest { page_token: String::new(), limit: 0, ..request.clone() };
        let page = Self { search, offset: 0 };
        if request.page_token.is_empty() {
            return Ok(page);
        }
        let invalid = |why: &str| Error::new(Reason::FieldInvalid, "page_token", why);
        let bytes = URL_SAFE_NO_PAD.decode(&request.page_token).ok();
        let token = bytes.as_deref().and_then(|bytes| bytes.split_first_chunk::<DIGEST>());
        let Some((digest, offset)) = token else { return Err(invalid("not a page token of this server")) };
        let Ok(offset) = offset.try_into().map(u32::from_le_bytes) else {
            return Err(invalid("not a page token of this server"));
        };
        if *digest != page.digest() {
            return Err(invalid("the token of another search: everything but the token stays as it was"));
        }
        Ok(Self { offset: offset as usize, ..page })
    }

    /// The token of the page that starts `hits` after this one.
    #[must_use]
    pub fn next(&self, hits: usize) -> String {
        let offset = u32::try_from(self.offset + hits).unwrap_or(u32::MAX);
        URL_SAFE_NO_PAD.encode([self.digest().as_slice(), &offset.to_le_bytes()].concat())
    }

    /// What tells one search from another.
    fn digest(&self) -> [u8; DIGEST] {
        let mut digest = [0; DIGEST];
        let print = Fingerprint::of(&self.search.encode_to_vec()).to_string();
        digest.iter_mut().zip(print.bytes()).for_each(|(byte, print)| *byte = print);
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_of_one_search() {
        let request = v1::SearchRequest { collection: "a".to_owned(), limit: 5, ..Default::default() };
        let page_token = SearchPage::of(&request).unwrap().next(5);
        let next = v1::SearchRequest { page_token: page_token.clone(), limit: 7, ..request };
        let page = SearchPage::of(&next).unwrap();
        assert_eq!(page.offset, 5);
        assert_eq!(SearchPage::of(&v1::SearchRequest { page_token: page.next(7), ..next }).unwrap().offset, 12);
        for (collection, page_token) in [("b", page_token.as_str()), ("a", "x"), ("a", "AAAA"), ("a", "!")] {
            let (collection, page_token) = (collection.to_owned(), page_token.to_owned());
            let wrong = v1::SearchRequest { collection, page_token, ..Default::default() };
            assert_eq!(SearchPage::of(&wrong).unwrap_err().field, "page_token");
        }
    }
}
