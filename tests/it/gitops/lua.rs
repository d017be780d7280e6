//! Runs a script as Argo CD does: Lua 5.1 with its basic functions and tables, and a clock, and nothing else.

use mlua::serde::SerializeOptions;
use mlua::{Lua, LuaOptions, LuaSerdeExt, StdLib};
use serde_json::Value;

/// The time on Argo CD's clock.
pub const NOW: &str = "2026-01-02T03:04:05Z";

/// What the script returns for the object.
pub fn run(script: &str, object: &Value) -> Value {
    evaluate(script, object).unwrap_or_else(|error| panic!("{error}\n{script}"))
}

fn evaluate(script: &str, object: &Value) -> mlua::Result<Value> {
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default())?;
    let globals = lua.globals();
    let os = lua.create_table()?;
    os.set("date", lua.create_function(|_, _format: String| Ok(NOW))?)?;
    let found = os.clone();
    globals.set("os", os)?;
    let require = move |_: &Lua, name: String| match name.as_str() {
        "os" => Ok(found.clone()),
        name => Err(mlua::Error::runtime(format!("there is no {name}"))),
    };
    globals.set("require", lua.create_function(require)?)?;
    let options = SerializeOptions::new().serialize_none_to_null(false).serialize_unit_to_null(false);
    globals.set("obj", lua.to_value_with(object, options)?)?;
    lua.from_value(lua.load(script).eval()?)
}

#[test]
fn what_argo_cd_does_not_open_is_not_there() {
    for script in ["return string.upper('a')", "return io.open('/etc/passwd')", "return os.getenv('HOME')"] {
        evaluate(script, &Value::Null).expect_err(script);
    }
    let object = serde_json::json!({ "a": [1, { "b": null }] });
    assert_eq!(run("obj.a[1] = obj.a[1] + 1; return obj", &object), serde_json::json!({ "a": [2, {}] }));
}
