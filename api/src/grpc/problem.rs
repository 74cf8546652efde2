//! Problems, as messages carry them.

use super::v1;
use crate::problem::Problem;

/// The path of a field as protobuf users write it: `/results/0/fence` is `results[0].fence`, and what stands in a header or
/// a query over REST is a field here.
pub fn field_path(pointer: &str) -> String {
    let inner = ["header/", "query/", "/"].iter().find_map(|prefix| pointer.strip_prefix(prefix));
    let mut path = String::new();
    for part in inner.unwrap_or(pointer).split('/') {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            path.push('[');
            path.push_str(part);
            path.push(']');
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(part);
        }
    }
    path
}

impl From<Problem> for v1::Problem {
    fn from(problem: Problem) -> Self {
        let error = |error: crate::problem::FieldError| v1::FieldError {
            field: field_path(&error.pointer),
            detail: error.detail,
        };
        Self {
            code: problem.code.to_string(),
            detail: problem.detail,
            retryable: problem.retryable,
            errors: problem.errors.into_iter().map(error).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_become_the_paths_that_protobuf_users_write() {
        for (pointer, path) in [
            ("/results/0/fence/job", "results[0].fence.job"),
            ("/model", "model"),
            ("query/limit", "limit"),
            ("header/grpc-timeout", "grpc-timeout"),
            ("/models/3", "models[3]"),
        ] {
            assert_eq!(field_path(pointer), path);
        }
    }
}
