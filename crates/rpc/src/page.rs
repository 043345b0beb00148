//! Paging (AIP-158): sizes are coerced, tokens are opaque and bound to the request they came from.

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};

/// Where a page begins and how long it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Page {
    /// The key of the last item of the page before.
    pub after: Option<String>,
    /// The maximum number of items.
    pub size: u64,
    binding: [u8; BINDING_LEN],
}

/// A page token that was not issued for this list with these arguments.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("is not a page token of this list with these arguments")]
pub struct PageTokenError;

const DEFAULT_SIZE: u64 = 50;
const MAX_SIZE: u64 = 1_000;
const BINDING_LEN: usize = 8;

impl Page {
    /// Reads a list request. `arguments` are the method and every field but size and token: a
    /// token is good for the same arguments only.
    pub fn parse(size: i32, token: &str, arguments: &[&str]) -> Result<Self, PageTokenError> {
        let binding = bind(arguments);
        let size = match u64::try_from(size) {
            Ok(0) | Err(_) => DEFAULT_SIZE,
            Ok(size) => size.min(MAX_SIZE),
        };
        let after = match token {
            "" => None,
            token => Some(open(token, binding).ok_or(PageTokenError)?),
        };
        Ok(Self {
            after,
            size,
            binding,
        })
    }

    /// Cuts what was read, one item more than `size`, to the page, and makes the next token.
    pub fn finish<T>(&self, items: &mut Vec<T>, key: impl Fn(&T) -> String) -> String {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        if items.len() <= size {
            return String::new();
        }
        items.truncate(size);
        items.last().map_or_else(String::new, |last| {
            BASE64URL_NOPAD.encode(&[&self.binding[..], key(last).as_bytes()].concat())
        })
    }

    /// How many items to read: one more than fit, to learn whether there is a next page.
    pub fn limit(&self) -> u64 {
        self.size + 1
    }
}

fn open(token: &str, binding: [u8; BINDING_LEN]) -> Option<String> {
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let key = bytes.strip_prefix(&binding)?;
    String::from_utf8(key.to_vec()).ok()
}

fn bind(arguments: &[&str]) -> [u8; BINDING_LEN] {
    let mut message = Vec::new();
    for argument in arguments {
        message.extend_from_slice(&argument.len().to_be_bytes());
        message.extend_from_slice(argument.as_bytes());
    }
    let mut binding = [0; BINDING_LEN];
    binding.copy_from_slice(&digest(&SHA256, &message).as_ref()[..BINDING_LEN]);
    binding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_continues_after_the_last_item() {
        let first = Page::parse(2, "", &["List", "a"]).unwrap();
        let mut items = vec!["x", "y", "z"];
        let token = first.finish(&mut items, |item| (*item).to_owned());
        assert_eq!(items, ["x", "y"]);
        let second = Page::parse(2, &token, &["List", "a"]).unwrap();
        assert_eq!(second.after.as_deref(), Some("y"));
    }

    #[test]
    fn the_last_page_has_no_token() {
        let page = Page::parse(2, "", &[]).unwrap();
        assert_eq!(
            page.finish(&mut vec!["x", "y"], |item| (*item).to_owned()),
            ""
        );
    }

    #[test]
    fn a_token_of_other_arguments_is_refused() {
        let page = Page::parse(1, "", &["List", "a"]).unwrap();
        let token = page.finish(&mut vec!["x", "y"], |item| (*item).to_owned());
        assert_eq!(Page::parse(1, &token, &["List", "b"]), Err(PageTokenError));
        assert_eq!(Page::parse(1, &token, &["Lista"]), Err(PageTokenError));
        assert_eq!(Page::parse(1, "%", &["List", "a"]), Err(PageTokenError));
    }

    #[test]
    fn sizes_are_coerced() {
        assert_eq!(Page::parse(0, "", &[]).unwrap().size, 50);
        assert_eq!(Page::parse(-1, "", &[]).unwrap().size, 50);
        assert_eq!(Page::parse(5_000, "", &[]).unwrap().size, 1_000);
    }
}
