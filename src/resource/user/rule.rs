//! Validation rules of the CRD, worded for the person who wrote the manifest.
//!
//! Patterns and lower bounds are CEL rules and not `pattern`, `minLength` or `minItems`: the message
//! says what to do instead of quoting a regular expression, and CEL is not run on an object that
//! already fails its schema, so that one slip in a pattern would hide every other mistake. Upper
//! bounds belong into the schema, because the API server estimates the cost of CEL by them.
//!
//! The API server repeats the offending value if the rule sits on a string or a number, and tools
//! copy its answer into events and logs. So a rule about a personal value sits on the object around
//! it ([`personal`]).

use kube::core::{Reason, Rule};

/// What every ARN of Amazon Connect begins with. RE2 has no lookaheads.
const INSTANCE: &str = "arn:aws[-a-z0-9]*:connect:[-a-z0-9]+:[0-9]{12}:instance/[-a-zA-Z0-9]+";

fn rule(cel: impl Into<String>, message: impl AsRef<str>) -> Rule {
    Rule::new(cel).message(message.as_ref())
}

fn required(cel: impl Into<String>, message: impl AsRef<str>) -> Rule {
    rule(cel, message).reason(Reason::FieldValueRequired)
}

fn forbidden(cel: impl Into<String>, message: impl AsRef<str>) -> Rule {
    rule(cel, message).reason(Reason::FieldValueForbidden)
}

/// For a string: the pattern, in raw CEL quotes, so it may hold anything but `'`.
pub(crate) fn matches(pattern: &str, message: &str) -> Rule {
    rule(format!("self.matches(r'{pattern}')"), message)
}

/// For a string, list or map that may be left out: an empty one would mean nothing.
pub(crate) fn not_empty() -> Rule {
    required("self.size() > 0", "may not be empty: leave it out instead")
}

/// For an object whose members are all optional.
pub(crate) fn some_of(members: &[&str]) -> Rule {
    let any: Vec<_> = members.iter().map(|member| format!("has(self.{member})")).collect();
    required(
        any.join(" || "),
        format!("may not be empty: set at least one of {}, or leave it out instead", members.join(", ")),
    )
}

/// One of two fields must be there.
pub(crate) fn either(name: &str, arn: &str, what: &str) -> Rule {
    required(
        format!("has(self.{name}) || has(self.{arn})"),
        format!("must be set unless {arn} is: give {what} by name here, or by ARN in {arn}"),
    )
    .field_path(format!(".{name}"))
}

/// Two fields may not be there together.
pub(crate) fn not_both(name: &str, other: &str) -> Rule {
    forbidden(
        format!("!has(self.{name}) || !has(self.{other})"),
        format!("may not be set together with {other}: keep one of the two and remove the other"),
    )
    .field_path(format!(".{name}"))
}

/// A member of `phoneConfig` and the list that says the same per channel. `CreateUser` refuses both.
pub(crate) fn not_with_twin(member: &str, list: &str) -> Rule {
    forbidden(
        format!("!has(self.phoneConfig) || !has(self.phoneConfig.{member}) || !has(self.{list})"),
        format!(
            "may not be set together with {list}, which is the same setting per channel: keep one of the two and \
             remove the other"
        ),
    )
    .field_path(format!(".phoneConfig.{member}"))
}

/// An optional field that may be set later but neither changed nor removed.
pub(crate) fn immutable_once_set(field: &str, message: &str) -> Rule {
    forbidden(format!("!has(oldSelf.{field}) || (has(self.{field}) && self.{field} == oldSelf.{field})"), message)
        .field_path(format!(".{field}"))
}

/// A required field that may not change.
pub(crate) fn immutable(message: &str) -> Rule {
    forbidden("self == oldSelf", message)
}

pub(crate) fn instance_arn() -> Rule {
    matches(
        &format!("^{INSTANCE}$"),
        "must be the ARN of an Amazon Connect instance: write \
         arn:aws:connect:<region>:<account>:instance/<instance id>, as the console shows it under Account overview",
    )
}

pub(crate) fn instance_arn_required() -> Rule {
    required(
        "has(self.instanceArn) || has(self.instanceRef)",
        "must be set unless instanceRef is: write the ARN of the Amazon Connect instance that the user belongs to",
    )
    .field_path(".instanceArn")
}

/// For a string: an ARN below an instance, such as `routing-profile`.
pub(crate) fn arn(kind: &str, what: &str, instead: &str) -> Rule {
    matches(&arn_pattern(kind), &arn_message(kind, what, instead))
}

/// For a list of strings.
pub(crate) fn arns(kind: &str, what: &str, instead: &str) -> Rule {
    rule(format!("self.all(arn, arn.matches(r'{}'))", arn_pattern(kind)), arn_message(kind, what, instead))
}

/// The ARN in `field` must lie in the instance. Silent while [`arn`] has something to say.
pub(crate) fn arn_of_instance(field: &str, kind: &str) -> Rule {
    rule(
        format!("!has(self.instanceArn) || !has(self.{field}) || {}", lies_in_instance(&format!("self.{field}"), kind)),
        arn_of_instance_message(field, kind),
    )
    .field_path(format!(".{field}"))
}

/// All ARNs in the list `field` must lie in the instance. Silent while [`arns`] has something to say.
pub(crate) fn arns_of_instance(field: &str, kind: &str) -> Rule {
    rule(
        format!(
            "!has(self.instanceArn) || !has(self.{field}) || self.{field}.all(arn, {})",
            lies_in_instance("arn", kind)
        ),
        arn_of_instance_message(field, kind),
    )
    .field_path(format!(".{field}"))
}

fn lies_in_instance(value: &str, kind: &str) -> String {
    format!("!{value}.matches(r'{}') || {value}.startsWith(self.instanceArn + '/{kind}/')", arn_pattern(kind))
}

fn arn_pattern(kind: &str) -> String {
    format!("^{INSTANCE}/{kind}/[-a-zA-Z0-9]+$")
}

fn arn_message(kind: &str, what: &str, instead: &str) -> String {
    format!(
        "must be the ARN of {what}: write arn:aws:connect:<region>:<account>:instance/<instance id>/{kind}/<id>, \
         or leave it out and set {instead}"
    )
}

fn arn_of_instance_message(field: &str, kind: &str) -> String {
    format!(
        "must begin with the value of instanceArn, followed by /{kind}/: {field} and instanceArn must have the same \
         Region, account and instance id; correct one of the two"
    )
}

/// For the object around a string that is personal and stays out of the answer.
pub(crate) fn personal(member: &str, pattern: &str, message: &str) -> Rule {
    rule(format!("!has(self.{member}) || self.{member}.matches(r'{pattern}')"), message)
        .field_path(format!(".{member}"))
}

/// For the object around a phone number.
pub(crate) fn phone_number(member: &str) -> Rule {
    personal(
        member,
        r"^\+[1-9]\d{1,14}$",
        "must be in E.164 form: a plus sign, the country code and the number, without spaces, such as +493012345678",
    )
}

/// For a limit of after contact work.
pub(crate) fn work_seconds() -> Rule {
    rule("self >= 0 && self <= 2000000", "must be a number of seconds from 0 to 2000000, where 0 means no limit")
}

/// For a list item: Connect knows this setting for calls only.
pub(crate) fn voice_only() -> Rule {
    rule(
        "self.channel == 'VOICE'",
        "must be VOICE: Amazon Connect has this setting for VOICE only; remove the entry of the other channel",
    )
    .field_path(".channel")
}

/// For a member of a list item that is there for all channels.
pub(crate) fn voice_only_member(member: &str) -> Rule {
    forbidden(
        format!("!has(self.{member}) || self.channel == 'VOICE'"),
        "may be set for channel VOICE only: remove it from the entry of the other channel",
    )
    .field_path(format!(".{member}"))
}

/// For a map: what every `key` must be like.
pub(crate) fn keys(cel: &str, message: &str) -> Rule {
    rule(format!("self.all(key, {cel})"), message)
}

/// For the whole object.
pub(crate) fn object_name() -> Rule {
    rule(
        "self.metadata.name.size() <= 150",
        "must be at most 150 characters long, since it becomes part of the user's owner tag in AWS: choose a \
         shorter name",
    )
    .field_path(".metadata.name")
}
