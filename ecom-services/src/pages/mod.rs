//! Pages for people: the reference of the API, and the operators' console. Each is one file of markup, one script and a
//! style sheet that they share, all inside the program; they load nothing from elsewhere, and a browser is told to.

#[cfg(test)]
mod tests;

use warp::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY};
use warp::reply::Response;

use crate::http::openapi::{Operation, get};
use crate::http::response::text;
use crate::http::router::{Mount, Router};

/// Only this process's own files, no frames, no forms to elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of a page.
struct File {
    path: &'static str,
    media_type: &'static str,
    summary: &'static str,
    content: &'static str,
}

const FILES: [File; 5] = [
    File {
        path: "/docs",
        media_type: HTML,
        summary: "The reference of the API, for people",
        content: include_str!("docs.html"),
    },
    File { path: "/docs/docs.js", media_type: SCRIPT, summary: "Its script", content: include_str!("docs.js") },
    File {
        path: "/console",
        media_type: HTML,
        summary: "The operators' console",
        content: include_str!("console.html"),
    },
    File {
        path: "/console/console.js",
        media_type: SCRIPT,
        summary: "Its script",
        content: include_str!("console.js"),
    },
    File {
        path: "/pages/style.css",
        media_type: STYLE,
        summary: "The style sheet of all pages",
        content: include_str!("style.css"),
    },
];

/// The routes.
pub fn routes() -> Router {
    let mount = FILES.iter().fold(Mount::new(()), |mount, file| {
        mount.get(file.path, move |(), _| async move { Ok(page(file.media_type, file.content)) })
    });
    mount.done()
}

/// Their rows of the API's description.
pub fn operations() -> Vec<Operation> {
    FILES.iter().map(|file| get(file.path, file.summary).tag("Pages").text(200, file.media_type)).collect()
}

fn page(media_type: &'static str, content: &str) -> Response {
    let mut response = text(media_type, content.to_owned());
    let headers = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("x-content-type-options"), "nosniff"),
        // The next version of the program has other pages.
        (CACHE_CONTROL, "no-cache"),
    ];
    response.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    response
}
