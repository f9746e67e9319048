use super::*;

/// Ways to make markup or code of text.
const MARKUP: [&str; 8] =
    ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "DOMParser", "srcdoc"];

#[test]
fn what_the_shop_says_never_becomes_markup() {
    for file in FILES.iter().filter(|file| file.media_type == SCRIPT) {
        for word in MARKUP {
            assert!(!file.content.contains(word), "{}: {word}", file.path);
        }
    }
}

#[test]
fn pages_need_nothing_from_elsewhere_and_have_no_code_in_their_markup() {
    let known: Vec<&str> = FILES.iter().map(|file| file.path).chain(["/openapi.json"]).collect();
    for file in &FILES {
        for outside in ["http://", "https://", "//cdn", "@import", "url("] {
            assert!(!file.content.contains(outside), "{}: {outside}", file.path);
        }
    }
    for file in FILES.iter().filter(|file| file.media_type == HTML) {
        for attribute in ["src=\"", "href=\""] {
            for link in file.content.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(known.contains(&link), "{}: {link}", file.path);
            }
        }
        for inline in ["<script>", "<style", " style=", " onclick=", " onsubmit=", "javascript:"] {
            assert!(!file.content.contains(inline), "{}: {inline}", file.path);
        }
    }
}

#[test]
fn scripts_keep_no_token_beyond_the_page() {
    for file in FILES.iter().filter(|file| file.media_type == SCRIPT) {
        for store in ["localStorage", "sessionStorage", "document.cookie", "indexedDB"] {
            assert!(!file.content.contains(store), "{}: {store}", file.path);
        }
    }
}
