//! `Link` headers, which lead from page to page.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use muster_projections::read::{Listed, Page};

/// The header of a page: the pages before and behind it, and whether there is anything there.
pub(super) fn link<T>(uri: &Uri, base_url: &str, page: Page, listed: &Listed<T>) -> HeaderMap {
    let before = page.offset.saturating_sub(page.limit);
    let behind = page.offset.saturating_add(page.limit);
    let (previous, next) = (format!("0:{before}:1"), format!("0:{behind}:0"));
    around(uri, base_url, (&previous, page.offset > 0), (&next, listed.more))
}

/// The header of a page between these cursors, each with whether there is anything there.
pub(super) fn around(uri: &Uri, base_url: &str, previous: (&str, bool), next: (&str, bool)) -> HeaderMap {
    let previous = entry(uri, base_url, "previous", previous.0, previous.1);
    let next = entry(uri, base_url, "next", next.0, next.1);
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&format!("{previous}, {next}")) {
        headers.insert(header::LINK, value);
    }
    headers
}

fn entry(uri: &Uri, base_url: &str, rel: &str, cursor: &str, results: bool) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let others: Vec<_> = others.filter(|pair| !pair.is_empty() && !pair.starts_with("cursor=")).collect();
    let and = if others.is_empty() { "" } else { "&" };
    let path = uri.path();
    let query = others.join("&");
    format!(
        "<{base_url}{path}?{query}{and}cursor={cursor}>; rel=\"{rel}\"; results=\"{results}\"; cursor=\"{cursor}\""
    )
}

#[cfg(test)]
mod tests {
    use muster_projections::read::{Listed, Page};

    use super::link;

    #[test]
    fn a_page_names_its_neighbours_and_keeps_the_other_parameters() {
        let uri = "/api/0/organizations/acme/members/?per_page=2&cursor=0:2:0".parse().unwrap();
        let listed = Listed { rows: vec![(), ()], more: true };
        let headers = link(&uri, "http://x", Page { offset: 2, limit: 2 }, &listed);
        assert_eq!(
            headers["link"],
            "<http://x/api/0/organizations/acme/members/?per_page=2&cursor=0:0:1>; rel=\"previous\"; results=\"true\"; \
             cursor=\"0:0:1\", <http://x/api/0/organizations/acme/members/?per_page=2&cursor=0:4:0>; rel=\"next\"; \
             results=\"true\"; cursor=\"0:4:0\""
        );
    }
}
