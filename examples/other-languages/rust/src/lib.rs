//! Adds a text to every answer: a hook for the point `output`, written with
//! the Extism PDK for Rust and nothing of Snaphook.

use extism_pdk::{Error, FnResult, Json, config, plugin_fn};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the hook reads of its context.
#[derive(Deserialize)]
struct Context {
    target: Target,
}

#[derive(Deserialize)]
struct Target {
    /// A string, or an object when the answer follows a schema.
    content: Value,
}

/// What the hook answers.
#[derive(Serialize)]
#[serde(tag = "decision", rename_all = "lowercase")]
enum Verdict {
    Allow { warnings: Vec<Warning> },
    Transform { transform: Transform },
}

#[derive(Serialize)]
struct Warning {
    reason: &'static str,
    message: &'static str,
}

#[derive(Serialize)]
struct Transform {
    path: &'static str,
    value: String,
}

/// The hook. An error it returns becomes the error of the hook call.
#[plugin_fn]
pub fn append(Json(context): Json<Context>) -> FnResult<Json<Verdict>> {
    let text = config::get("text")?.ok_or_else(|| Error::msg("config: text is missing"))?;
    Ok(Json(verdict(&context.target.content, &text)))
}

/// Appends the text to a string. An object is left alone, with a warning: more
/// text would break the schema it follows.
fn verdict(content: &Value, text: &str) -> Verdict {
    match content {
        Value::String(answer) => Verdict::Transform {
            transform: Transform {
                path: "$target.content",
                value: format!("{answer}\n\n{text}"),
            },
        },
        _ => Verdict::Allow {
            warnings: vec![Warning {
                reason: "not_a_text",
                message: "The answer is no text; the disclaimer was not added.",
            }],
        },
    }
}
