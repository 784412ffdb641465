//! docs/ERRORS.md and docs/LIMITS.md say what the tables say.
//!
//! `ONESPACE_WRITE_DOCS=1 cargo test --release --workspace --test documents` writes them anew.

#![allow(clippy::unwrap_used, clippy::panic)] // A test may fail.

use std::{env, fmt::Write as _, fs, path::Path};

use onespace_core::{Code, Reason, Retry, limits};

const BY_HAND: &str = "Generated from";

fn errors() -> String {
    let mut page = format!(
        "# Errors\n\n{BY_HAND} the one table of reasons (`core/src/error.rs`); a test keeps both the same.\n\n\
         A request that fails as a whole says its reason in `google.rpc.ErrorInfo` (domain `onespace.v1`), the field \
         to blame in `ErrorInfo.metadata[\"field\"]` and, where the request is at fault, in `google.rpc.BadRequest`; \
         how long to wait stands in `google.rpc.RetryInfo` and in the metadata `grpc-retry-pushback-ms`. One item that \
         fails alone has the same in its `ItemError`.\n\n\
         | reason | code | HTTP | what it means | try again |\n|---|---|---|---|---|\n"
    );
    for reason in Reason::ALL {
        let retry = match reason.retry() {
            Retry::Never => "no",
            Retry::OtherReplica => "at once, on another replica",
            Retry::AfterPause => "after the pause that is named",
        };
        let code = code(reason.code());
        writeln!(page, "| `{}` | {code} | {} | {} | {retry} |", reason.name(), reason.http_status(), reason.meaning())
            .unwrap();
    }
    page
}

fn code(code: Code) -> String {
    let name = format!("{code:?}");
    let spelt =
        name.char_indices().map(|(at, c)| if at > 0 && c.is_uppercase() { format!("_{c}") } else { c.to_string() });
    spelt.collect::<String>().to_uppercase()
}

fn limits_page() -> String {
    let mut page = format!(
        "# Limits\n\n{BY_HAND} the one table of bounds (`core/src/limits.rs`); a test keeps both the same. `GetSpace`, \
         `/v1/space` and `onespace space` print it too.\n\n\
         | limit | value | unit | what it bounds |\n|---|---|---|---|\n"
    );
    for limit in limits::ALL {
        writeln!(page, "| `{}` | {} | {} | {} |", limit.name, limit.value, limit.unit, limit.about).unwrap();
    }
    page
}

#[test]
fn the_documents_say_what_the_tables_say() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    for (name, page) in [("ERRORS.md", errors()), ("LIMITS.md", limits_page())] {
        let path = docs.join(name);
        if env::var_os("ONESPACE_WRITE_DOCS").is_some() {
            fs::write(&path, &page).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page, "docs/{name} is not what the table says: write it anew (head of this file)");
    }
}
