use super::*;

fn brake() -> Brake {
    Brake { most: 3, window: Duration::from_secs(3600) }
}

fn spec(change: impl FnOnce(&mut ConnectInstanceSpec)) -> ConnectInstanceSpec {
    let mut spec: ConnectInstanceSpec = serde_json::from_value(serde_json::json!({
        "instanceArn": "arn:aws:connect:eu-west-1:111122223333:instance/i",
        "allowedNamespaces": ["emea-*"],
    }))
    .unwrap();
    change(&mut spec);
    spec
}

fn rules(change: impl FnOnce(&mut ConnectInstanceSpec)) -> Rules {
    Rules::of("emea", &spec(change), brake()).unwrap()
}

fn profiles(ids: &[&str]) -> BTreeSet<SecurityProfileId> {
    ids.iter().map(|id| SecurityProfileId::new(id)).collect()
}

fn user(tags: &[(&str, &str)], held: &[&str]) -> ObservedUser {
    ObservedUser {
        id: crate::user::ids::UserId::new("u"),
        arn: String::new(),
        username: Username::new("jane.doe"),
        identity: Default::default(),
        directory_user_id: None,
        routing_profile: None,
        security_profiles: profiles(held),
        hierarchy_group: None,
        phone_config: Default::default(),
        lists: Default::default(),
        tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        last_modified_time: None,
        proficiencies: None,
    }
}

#[test]
fn globs_match_the_whole_text() {
    for (glob, text, expected) in [
        ("emea-*", "emea-support", true),
        ("emea-*", "emea-", true),
        ("emea-*", "xemea-support", false),
        ("emea", "emea", true),
        ("emea", "emea-support", false),
        ("*", "anything", true),
        ("*-prod", "emea-prod", true),
        ("*-prod", "emea-prod-2", false),
        ("a*b*c", "aXbYc", true),
        ("a*b*c", "acb", false),
        ("a*a", "a", false),
        ("", "x", false),
    ] {
        assert_eq!(matches(glob, text), expected, "{glob} {text}");
    }
}

#[test]
fn no_namespace_is_allowed_unless_it_is_named() {
    let jane = Username::new("jane.doe");
    assert!(rules(|_| {}).permit("emea-support", &jane).is_ok());
    let denied = rules(|_| {}).permit("apac", &jane).unwrap_err().to_string();
    assert!(denied.contains("allowedNamespaces") && denied.contains("ConnectInstance emea"), "{denied}");
    assert!(rules(|spec| spec.allowed_namespaces.clear()).permit("emea-support", &jane).is_err());
    assert!(Rules::open(brake()).permit("apac", &jane).is_ok());
}

#[test]
fn usernames_match_as_a_whole_even_without_anchors() {
    let rules = rules(|spec| spec.allowed_usernames = Some("[a-z]+\\.[a-z]+".to_owned()));
    assert!(rules.permit("emea-x", &Username::new("jane.doe")).is_ok());
    for name in ["jane", "jane.doe2", "jane.doe\nadmin", "JANE.DOE", "x.y|z"] {
        assert!(rules.permit("emea-x", &Username::new(name)).is_err(), "{name}");
    }
    assert!(Rules::of("emea", &spec(|spec| spec.allowed_usernames = Some("(".to_owned())), brake()).is_err());
}

#[test]
fn security_profiles_are_allowed_by_id_and_namespace() {
    let arn = |id: &str| format!("arn:aws:connect:eu-west-1:111122223333:instance/i/security-profile/{id}");
    let rules = rules(|spec| {
        spec.allowed_security_profiles = Some(vec![
            AllowedSecurityProfiles { arns: vec![arn("agent")], namespaces: vec!["*".to_owned()] },
            AllowedSecurityProfiles { arns: vec![arn("manager")], namespaces: vec!["emea-leads".to_owned()] },
        ]);
    });
    assert!(rules.permit_profiles("emea-support", &profiles(&["agent"])).is_ok());
    assert!(rules.permit_profiles("emea-support", &profiles(&["agent", "manager"])).is_err());
    assert!(rules.permit_profiles("emea-leads", &profiles(&["agent", "manager"])).is_ok());
    assert!(rules.permit_profiles("emea-leads", &profiles(&["admin"])).is_err());
}

#[test]
fn adoption_needs_permission_consent_and_harmless_profiles() {
    let admin = SecurityProfileId::new("admin");
    let ask = |rules: &Rules, user: &ObservedUser| rules.permit_adoption("emea-x", "jane", user, Some(&admin));
    assert!(ask(&rules(|_| {}), &user(&[], &["agent"])).is_err());
    let allowed = rules(|spec| spec.adoption = Adoption::Allowed);
    assert!(ask(&allowed, &user(&[], &["agent"])).is_ok());
    assert!(ask(&allowed, &user(&[], &["agent", "admin"])).is_err());
    assert!(
        ask(&rules(|spec| (spec.adoption, spec.adopt_admins) = (Adoption::Allowed, true)), &user(&[], &["admin"]))
            .is_ok()
    );
    let consent = rules(|spec| spec.adoption = Adoption::ConsentTag);
    assert!(ask(&consent, &user(&[], &["agent"])).is_err());
    assert!(ask(&consent, &user(&[(CONSENT_TAG, "emea-x/john")], &["agent"])).is_err());
    assert!(ask(&consent, &user(&[(CONSENT_TAG, "emea-x/jane")], &["agent"])).is_ok());
}

#[test]
fn the_brake_trips_before_the_first_of_too_many() {
    assert_eq!(brake().check(3, 0), Hold::Free);
    assert_eq!(brake().check(4, 0), Hold::Held { count: 4 });
    assert_eq!(brake().check(1, 3), Hold::Held { count: 4 });
    let minutes: Minutes = [(100, 2), (159, 1), (200, 5)].into();
    assert_eq!(in_window(&minutes, 200 * 60 + 30, Duration::from_secs(3600)), 6);
    assert_eq!(in_window(&minutes, 161 * 60, Duration::from_secs(3600)), 6, "a future minute counts rather than not");
    assert_eq!(
        in_window(&minutes, 161 * 60 - 1, Duration::from_secs(3600)),
        8,
        "a minute counts while a part of it does"
    );
}
