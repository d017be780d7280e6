//! What goes wrong: its kind, its words, and that it is not tried again.

use aws_config::profile::ProfileFileCredentialsProvider;

use super::writes::new_user;
use super::*;
use crate::plan::call::NewUser;
use crate::user::identity::Identity;
use crate::user::password::Password;

async fn deleting(recorder: &Recorder) -> ConnectError {
    recorder.connect().write(&instance(), Some(&user()), &Call::DeleteUser).await.unwrap_err()
}

async fn answered(answer: Canned) -> ConnectError {
    let recorder = Recorder::answering([answer]);
    let error = deleting(&recorder).await;
    recorder.only();
    error
}

fn person() -> Call {
    Call::CreateUser(Box::new(NewUser {
        password: Some(Password::new("Sentinel-1".to_owned())),
        identity: Identity { email: Some("jane@example.com".to_owned()), ..Identity::default() },
        ..new_user()
    }))
}

#[tokio::test]
async fn errors_go_by_code_and_status_and_are_not_tried_again() {
    for (status, code, kind) in [
        (429, "TooManyRequestsException", Kind::Throttled),
        (429, "ThrottlingException", Kind::Throttled),
        (400, "ThrottlingException", Kind::Throttled),
        (429, "LimitExceededException", Kind::QuotaExceeded),
        (402, "ServiceQuotaExceededException", Kind::QuotaExceeded),
        (403, "AccessDeniedException", Kind::AccessDenied),
        (403, "ExpiredTokenException", Kind::AccessDenied),
        (404, "ResourceNotFoundException", Kind::NotFound),
        (409, "DuplicateResourceException", Kind::Duplicate),
        (409, "ConditionalOperationFailedException", Kind::Conflict),
        (400, "InvalidRequestException", Kind::Invalid),
        (400, "InvalidParameterException", Kind::Invalid),
        (400, "NeverHeardOfException", Kind::Invalid),
        (500, "InternalServiceException", Kind::Unavailable),
        (503, "ServiceUnavailable", Kind::Unavailable),
    ] {
        let error = answered(Canned::error(status, code, r#"{"Message":"No."}"#)).await;
        let expected = ConnectError {
            kind,
            operation: "DeleteUser",
            code: code.to_owned(),
            message: "No.".to_owned(),
            request_id: Some("r-1".to_owned()),
            retry_after: None,
        };
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn every_operation_is_one_request_even_when_it_fails() {
    for answer in
        [Canned::error(500, "InternalServiceException", "{}"), Canned::error(429, "TooManyRequestsException", "{}")]
    {
        let recorder = Recorder::answering([answer]);
        let (connect, instance, user) = (recorder.connect(), instance(), user());
        let name = Username::new("jane");
        let kinds = [
            connect.write(&instance, None, &person()).await.unwrap_err(),
            connect.describe_user(&instance, &user).await.unwrap_err(),
            connect.list_user_proficiencies(&instance, &user, None).await.unwrap_err(),
            connect.search_username(&instance, &name).await.unwrap_err(),
            connect.list_users(&instance, None).await.unwrap_err(),
            connect.describe_instance(&instance).await.unwrap_err(),
            connect.list_routing_profiles(&instance, None).await.unwrap_err(),
            connect.list_security_profiles(&instance, None).await.unwrap_err(),
            connect.search_hierarchy_groups(&instance, None).await.unwrap_err(),
        ];
        assert_eq!(recorder.all().len(), kinds.len(), "{kinds:?}");
    }
}

#[tokio::test]
async fn a_broken_body_loses_neither_code_nor_status() {
    for body in ["{\"Message\":\"cut off", "<html>Bad Gateway</html>"] {
        let error = answered(Canned::error(409, "ns#DuplicateResourceException:http://x/", body)).await;
        assert_eq!((error.kind, error.code.as_str()), (Kind::Duplicate, "DuplicateResourceException"), "{body}");
        assert_eq!((error.message.as_str(), error.request_id.as_deref()), ("", Some("r-1")));
        let error = answered(Canned::Answer { status: 502, headers: vec![], body: body.to_owned() }).await;
        assert_eq!((error.kind, error.code.as_str()), (Kind::Unavailable, "HTTP502"), "{body}");
    }
    let error = answered(Canned::Answer { status: 429, headers: vec![], body: String::new() }).await;
    assert_eq!((error.kind, error.code.as_str()), (Kind::Throttled, "HTTP429"));
    assert_eq!(error.to_string(), "DeleteUser failed with HTTP429");
}

#[tokio::test]
async fn a_broken_answer_of_success_is_unavailability() {
    for body in ["{\"UserId\":\"u", "{}", "{\"UserId\":\"\"}"] {
        let recorder = Recorder::answering([Canned::ok(body)]);
        let error = recorder.connect().write(&instance(), None, &person()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (Kind::Unavailable, "MalformedAnswer"), "{body}");
        recorder.only();
    }
}

#[tokio::test]
async fn a_code_that_is_no_word_is_not_repeated_and_the_status_decides() {
    for code in ["jane@example.com", "User jane is invalid", "+4930123456"] {
        let error = answered(Canned::error(409, code, "{}")).await;
        assert_eq!((error.kind, error.code.as_str()), (Kind::Conflict, "Unreadable"), "{code}");
        let body = format!("{{\"__type\":\"{code}\"}}");
        let error = answered(Canned::Answer { status: 403, headers: vec![], body }).await;
        assert_eq!((error.kind, error.code.as_str()), (Kind::AccessDenied, "Unreadable"), "{code}");
    }
}

#[tokio::test]
async fn aws_says_how_long_to_wait() {
    for (header, value, wait) in [
        ("retry-after", "7", Some(Duration::from_secs(7))),
        ("x-amz-retry-after", "1500", Some(Duration::from_millis(1500))),
        ("retry-after", "99999999999999999", Some(Duration::from_secs(3600))),
        ("retry-after", "tomorrow", None),
    ] {
        let error =
            answered(Canned::Answer { status: 503, headers: vec![(header, value)], body: "{}".to_owned() }).await;
        assert_eq!(error.retry_after, wait, "{header}: {value}");
    }
}

#[tokio::test]
async fn what_breaks_on_the_way_is_told_in_a_word() {
    for (broken, code, message) in [
        (
            (|| ConnectorError::timeout("http timeout".into())) as fn() -> ConnectorError,
            "Timeout",
            "Connect did not answer in time",
        ),
        (|| ConnectorError::io("connection refused".into()), "ConnectionFailed", "connection refused"),
        (|| ConnectorError::other("certificate expired".into(), None), "ConnectionFailed", "certificate expired"),
    ] {
        let error = answered(Canned::Broken(broken)).await;
        assert_eq!((error.kind, error.code.as_str(), error.message.as_str()), (Kind::Unavailable, code, message));
    }
}

#[tokio::test]
async fn silence_ends_at_the_time_limit() {
    let recorder = Recorder::answering([Canned::Silence]);
    let limits = TimeoutConfig::builder().operation_timeout(Duration::from_millis(50)).build();
    let connect = AwsConnect::new(&recorder.config().into_builder().timeout_config(limits).build());
    let error = connect.describe_instance(&instance()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (Kind::Unavailable, "Timeout"));
}

#[tokio::test]
async fn without_credentials_nothing_is_sent_and_the_way_out_is_named() {
    let recorder = Recorder::default();
    let none = recorder.config_without_credentials();
    let absent = ProfileFileCredentialsProvider::builder().profile_name("there-is-no-such-profile").build();
    let failing = none.to_builder().credentials_provider(SharedCredentialsProvider::new(absent)).build();
    for config in [none, failing] {
        let error = AwsConnect::new(&config).describe_instance(&instance()).await.unwrap_err();
        assert_eq!((error.kind, error.code.as_str()), (Kind::AccessDenied, "NoCredentials"), "{error}");
        assert!(
            error.message.starts_with("no AWS credentials were found: ")
                && error.message.contains("EKS Pod Identity")
                && error.message.len() < 400,
            "{error}"
        );
    }
    assert!(recorder.all().is_empty());
}

#[tokio::test]
async fn errors_hold_neither_password_nor_address() {
    let repeated = r#"{"Message":"Password 'Sentinel-1' and Email jane@example.com are refused."}"#;
    for answer in [
        Canned::error(400, "InvalidRequestException", repeated),
        Canned::error(400, "InvalidRequestException", "Sentinel-1 jane@example.com"),
        Canned::ok("Sentinel-1 jane@example.com"),
        Canned::Broken(|| ConnectorError::io("reset while sending Sentinel-1 for jane@example.com".into())),
    ] {
        let error = Recorder::answering([answer]).connect().write(&instance(), None, &person()).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("Sentinel-1") && !shown.contains("jane@example.com"), "{shown}");
    }
}
