//! Finds a value in a text in whatever form it may have got there.

/// The forms of a value, all in lower case, with their names.
fn forms(value: &str) -> Vec<(&'static str, String)> {
    let bytes = value.as_bytes();
    let join = |parts: Vec<String>, with: &str| parts.join(with);
    let json: String =
        value.chars().map(|c| if c.is_ascii() { c.to_string() } else { format!("\\u{:04x}", u32::from(c)) }).collect();
    let mut forms = vec![
        ("plain", value.to_owned()),
        ("debug", value.escape_debug().to_string()),
        ("escaped", value.escape_default().to_string()),
        ("unicode", value.escape_unicode().to_string()),
        ("json", json),
        ("url", percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()),
        ("ascii", bytes.escape_ascii().to_string()),
        ("bytes", join(bytes.iter().map(u8::to_string).collect(), ", ")),
        ("bytes, compact", join(bytes.iter().map(u8::to_string).collect(), ",")),
        ("hex", join(bytes.iter().map(|byte| format!("{byte:02x}")).collect(), "")),
    ];
    // Base64 of a value inside something longer: what is certain of it at each of the three offsets.
    for offset in 0..3 {
        let padded = [&b"\0\0"[..offset], bytes].concat();
        let whole = padded.len() / 3 * 3;
        let encoded = base64(padded.get(..whole).unwrap());
        forms.push(("base64", encoded.get(if offset == 0 { 0 } else { 4 }..).unwrap().to_owned()));
    }
    forms.into_iter().map(|(name, form)| (name, form.to_lowercase())).collect()
}

fn base64(bytes: &[u8]) -> String {
    let text = serde_json::to_string(&k8s_openapi::ByteString(bytes.to_vec())).unwrap();
    text.trim_matches('"').to_owned()
}

/// Says where and how one of the values stands in the text.
pub(super) fn find(text: &str, values: &[&str]) -> Option<String> {
    let lower = text.to_lowercase();
    for value in values {
        for (name, form) in forms(value) {
            if let Some(at) = lower.find(&form) {
                let from = (0..=at.saturating_sub(200)).rev().find(|at| lower.is_char_boundary(*at)).unwrap_or(0);
                let to = (at + form.len()..=lower.len()).find(|at| lower.is_char_boundary(*at)).unwrap_or(at);
                return Some(format!("{value} ({name}): …{}", &lower[from..to]));
            }
        }
    }
    None
}

/// A search that cannot find would be worth nothing.
#[test]
fn a_value_is_found_in_every_form() {
    for value in super::ALL {
        let encoded = |offset: usize| base64(&[&b"ab"[..offset], value.as_bytes(), b"cd"].concat());
        let shown = [
            format!("x{value}x"),
            value.to_uppercase().replace("SS", "ß"),
            format!("{value:?}"),
            serde_json::json!({ "a": value }).to_string(),
            format!("{:?}", value.as_bytes()),
            format!("{}", value.as_bytes().escape_ascii()),
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string(),
            encoded(0),
            encoded(1),
            encoded(2),
        ];
        for text in shown {
            assert!(find(&format!("before {text} after"), &[value]).is_some(), "{value} in {text}");
        }
        assert_eq!(find("Zq", &[value]), None);
    }
}
