"""Drives every operation of the simulator with boto3, whose parsers and validators nobody here wrote.

Usage: boto3_drive.py ENDPOINT OPERATION...   (the names of all operations that the simulator claims to answer)
"""

import json
import sys
import urllib.request
from datetime import datetime, timezone

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ParamValidationError

ENDPOINT, CLAIMED = sys.argv[1], set(sys.argv[2:])
I = "11111111-1111-4111-8111-111111111111"
I_ARN = f"arn:aws:connect:eu-west-1:111122223333:instance/{I}"
S = "22222222-2222-4222-8222-222222222222"
BASIC, TIER1 = "1a000001-0000-4000-8000-0000000000a1", "1a000002-0000-4000-8000-0000000000a2"
ADMIN, AGENT = "1b000001-0000-4000-8000-0000000000b1", "1b000002-0000-4000-8000-0000000000b2"
EMEA, SUPPORT = "1c000001-0000-4000-8000-0000000000c1", "1c000002-0000-4000-8000-0000000000c2"
SUPPORT_TIER1, SALES_TIER1 = "1c000003-0000-4000-8000-0000000000c3", "1c000006-0000-4000-8000-0000000000c6"
GONE_QUICK, GONE_USER = "1d000003-0000-4000-8000-0000000000d3", "1e000001-0000-4000-8000-0000000000e1"
driven = set()


KINDS = {"string": str, "boolean": bool, "integer": int, "long": int, "float": (int, float), "timestamp": (int, float)}


def conforms(shape, value, where):
    """botocore's parsers overlook what the model does not know; this does not."""
    if shape.type_name == "structure":
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{where}: the model does not know {unknown}"
        missing = set(shape.required_members) - set(value)
        assert not missing, f"{where}: required by the model: {missing}"
        for name, member in value.items():
            conforms(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        for member in value:
            conforms(shape.member, member, f"{where}[]")
    elif shape.type_name == "map":
        for member in value.values():
            conforms(shape.value, member, f"{where}[]")
    else:
        kind = KINDS[shape.type_name]
        assert isinstance(value, kind) and (kind is bool or not isinstance(value, bool)), f"{where}: {value!r}"
        enum = getattr(shape, "enum", None)
        assert not enum or value in enum, f"{where}: {value!r} is not in {enum}"


def after_call(model, http_response, **_):
    if http_response.status_code >= 300:
        return
    driven.add(model.name)
    if model.output_shape is None or not model.output_shape.members:
        same(http_response.content, b"")
    else:
        conforms(model.output_shape, json.loads(http_response.content), model.name)


def client(region):
    made = boto3.client(
        "connect",
        region_name=region,
        endpoint_url=ENDPOINT,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="dummy",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=True, read_timeout=20),
    )
    made.meta.events.register("after-call.connect", after_call)
    return made


connect, saml = client("eu-west-1"), client("us-east-1")


def admin(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ENDPOINT}/_simulator/{path}", data=data, method=method)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def same(actual, expected):
    assert actual == expected, f"{actual!r} is not {expected!r}"


def refused(error, call, **arguments):
    expected = getattr(connect.exceptions, error, None)
    try:
        call(**arguments)
    except ClientError as raised:
        same(raised.response["Error"]["Code"], error)
        assert raised.response["Error"]["Message"], raised.response
        assert raised.response["ResponseMetadata"]["RequestId"], raised.response
        # A client has its own exception classes: compare by name.
        if expected is not None:
            same(type(raised).__name__, error)
        return raised
    raise AssertionError(f"{call.__name__} was not refused with {error}")


def new_user(name, to=connect, instance=I, **more):
    identity = {"FirstName": "Jane", "LastName": "Doe", "Email": "jane@example.com"}
    base = dict(InstanceId=instance, Username=name, Password="Passw0rdOfMine", IdentityInfo=identity,
                SecurityProfileIds=[AGENT], RoutingProfileId=BASIC)
    base.update(more)
    return to.create_user(**{key: value for key, value in base.items() if value is not None})


def users():
    made = new_user(
        "jane.doe",
        SecurityProfileIds=[f"{I_ARN}/security-profile/{AGENT}", ADMIN],
        RoutingProfileId=f"{I_ARN}/routing-profile/{TIER1}",
        HierarchyGroupId=SUPPORT_TIER1,
        PhoneConfig={"PhoneType": "SOFT_PHONE", "AfterContactWorkTimeLimit": 30},
        AutoAcceptConfigs=[{"Channel": "CHAT", "AutoAccept": True}],
        Tags={"team": "support"},
    )
    user = made["UserId"]
    same(made["UserArn"], f"{I_ARN}/agent/{user}")
    seen = connect.describe_user(InstanceId=I_ARN, UserId=made["UserArn"])["User"]
    same(seen["Id"], user)
    same(seen["Username"], "jane.doe")
    same(seen["IdentityInfo"]["Email"], "jane@example.com")
    same(sorted(seen["SecurityProfileIds"]), sorted([ADMIN, AGENT]))
    same(seen["RoutingProfileId"], TIER1)
    same(seen["HierarchyGroupId"], SUPPORT_TIER1)
    same(seen["PhoneConfig"]["AfterContactWorkTimeLimit"], 30)
    same(seen["Tags"], {"team": "support"})
    same(seen["LastModifiedRegion"], "eu-west-1")
    assert abs((datetime.now(timezone.utc) - seen["LastModifiedTime"]).total_seconds()) < 60, seen
    assert "Password" not in json.dumps(admin("GET", "state"), default=str)
    created = [call for call in admin("GET", "calls")["calls"] if call["operation"] == "CreateUser"]
    same(created[0]["body"]["Password"], True)
    assert "Boto3" in created[0]["userAgent"], created[0]

    refused("DuplicateResourceException", new_user, name="Jane.Doe")
    refused("InvalidParameterException", new_user, name="x" * 21)
    refused("InvalidParameterException", new_user, name="weak", Password="weakpassword")
    refused("InvalidParameterException", new_user, name="none", Password=None)
    refused("ResourceNotFoundException", new_user, name="ghost", RoutingProfileId=GONE_USER)
    refused("ResourceNotFoundException", new_user, name="ghost", InstanceId=GONE_USER)
    refused("ResourceNotFoundException", new_user, name="ghost", to=saml)
    admin("POST", "mutate", {"setUsersQuota": {"instanceId": I, "quota": 1}})
    over = refused("LimitExceededException", new_user, name="one.too.many")
    same(over.response["ResponseMetadata"]["HTTPStatusCode"], 429)
    admin("POST", "mutate", {"setUsersQuota": {"instanceId": I, "quota": 500}})
    try:
        new_user("", SecurityProfileIds=[])
        raise AssertionError("boto3 does not validate")
    except ParamValidationError:
        pass

    connect.update_user_identity_info(InstanceId=I, UserId=user, IdentityInfo={
        "FirstName": "Janet", "LastName": "Doe", "Email": "janet@example.com", "Mobile": "+4930123456"})
    connect.update_user_phone_config(InstanceId=I, UserId=user, PhoneConfig={
        "PhoneType": "DESK_PHONE", "DeskPhoneNumber": "+4930123456", "AutoAccept": True, "AfterContactWorkTimeLimit": 60})
    seen = connect.describe_user(InstanceId=I, UserId=user)["User"]
    same(seen["IdentityInfo"]["Mobile"], "+4930123456")
    same(seen["PhoneConfig"]["AutoAccept"], True)
    same({one["AfterContactWorkConfig"]["AfterContactWorkTimeLimit"] for one in seen["AfterContactWorkConfigs"]}, {60})
    connect.update_user_config(
        InstanceId=I, UserId=user,
        AutoAcceptConfigs=[{"Channel": "VOICE", "AutoAccept": True, "AgentFirstCallbackAutoAccept": False}],
        AfterContactWorkConfigs=[
            {"Channel": "VOICE", "AfterContactWorkConfig": {"AfterContactWorkTimeLimit": 5},
             "AgentFirstCallbackAfterContactWorkConfig": {"AfterContactWorkTimeLimit": 6}},
            {"Channel": "CHAT", "AfterContactWorkConfig": {}}],
        PhoneNumberConfigs=[{"Channel": "VOICE", "PhoneType": "SOFT_PHONE"}],
        PersistentConnectionConfigs=[{"Channel": "VOICE", "PersistentConnection": True}],
        VoiceEnhancementConfigs=[{"Channel": "VOICE", "VoiceEnhancementMode": "NOISE_SUPPRESSION"}])
    connect.update_user_routing_profile(InstanceId=I, UserId=user, RoutingProfileId=BASIC)
    connect.update_user_security_profiles(InstanceId=I, UserId=user, SecurityProfileIds=[AGENT])
    connect.update_user_hierarchy(InstanceId=I, UserId=user, HierarchyGroupId=SALES_TIER1)
    seen = connect.describe_user(InstanceId=I, UserId=user)["User"]
    same(seen["VoiceEnhancementConfigs"], [{"Channel": "VOICE", "VoiceEnhancementMode": "NOISE_SUPPRESSION"}])
    same([one["AfterContactWorkConfig"]["AfterContactWorkTimeLimit"] for one in seen["AfterContactWorkConfigs"]], [5, 0])
    same(seen["PhoneConfig"], {"PhoneType": "SOFT_PHONE", "AutoAccept": True, "AfterContactWorkTimeLimit": 5,
                               "DeskPhoneNumber": "", "PersistentConnection": True})
    same((seen["RoutingProfileId"], seen["SecurityProfileIds"], seen["HierarchyGroupId"]), (BASIC, [AGENT], SALES_TIER1))
    connect.update_user_hierarchy(InstanceId=I, UserId=user)
    assert "HierarchyGroupId" not in connect.describe_user(InstanceId=I, UserId=user)["User"]
    refused("InvalidParameterException", connect.update_user_config, InstanceId=I, UserId=user,
            VoiceEnhancementConfigs=[{"Channel": "CHAT", "VoiceEnhancementMode": "NONE"}])
    refused("ResourceNotFoundException", connect.update_user_routing_profile, InstanceId=I, UserId=GONE_USER, RoutingProfileId=BASIC)
    refused("ResourceNotFoundException", connect.describe_user, InstanceId=I, UserId=GONE_USER)
    return user


def proficiencies(user):
    german = {"AttributeName": "Language", "AttributeValue": "German"}
    connect.associate_user_proficiencies(InstanceId=I, UserId=user, UserProficiencies=[
        {**german, "Level": 3.0}, {"AttributeName": "Skill", "AttributeValue": "Billing", "Level": 5.0}])
    connect.update_user_proficiencies(InstanceId=I, UserId=user, UserProficiencies=[{**german, "Level": 4.0}])
    pages = connect.get_paginator("list_user_proficiencies").paginate(InstanceId=I, UserId=user, PaginationConfig={"PageSize": 1})
    pages = list(pages)
    same([len(page["UserProficiencyList"]) for page in pages], [1, 1])
    same(pages[0]["UserProficiencyList"], [{**german, "Level": 4.0}])
    assert pages[0]["LastModifiedTime"].tzinfo and pages[0]["LastModifiedRegion"] == "eu-west-1"
    refused("InvalidParameterException", connect.update_user_proficiencies, InstanceId=I, UserId=user,
            UserProficiencies=[{"AttributeName": "Language", "AttributeValue": "French", "Level": 1.0}])
    refused("ResourceNotFoundException", connect.associate_user_proficiencies, InstanceId=I, UserId=user,
            UserProficiencies=[{"AttributeName": "Language", "AttributeValue": "Klingon", "Level": 1.0}])
    connect.disassociate_user_proficiencies(InstanceId=I, UserId=user, UserProficiencies=[german])
    same(len(connect.list_user_proficiencies(InstanceId=I, UserId=user)["UserProficiencyList"]), 1)


def tags(user):
    arn = f"{I_ARN}/agent/{user}"
    connect.tag_resource(resourceArn=arn, tags={"a/b": "1 + 1 = 2", "größe": "", "c d": "x"})
    same(connect.list_tags_for_resource(resourceArn=arn)["tags"], {"team": "support", "a/b": "1 + 1 = 2", "größe": "", "c d": "x"})
    connect.untag_resource(resourceArn=arn, tagKeys=["a/b", "c d", "größe", "absent"])
    same(connect.describe_user(InstanceId=I, UserId=user)["User"]["Tags"], {"team": "support"})
    refused("InvalidParameterException", connect.tag_resource, resourceArn=arn, tags={"aws:x": "y"})
    refused("InvalidParameterException", connect.tag_resource, resourceArn=arn, tags={f"k{n}": "v" for n in range(50)})
    refused("ResourceNotFoundException", connect.list_tags_for_resource, resourceArn=f"{I_ARN}/agent/{GONE_USER}")
    profile = f"{I_ARN}/routing-profile/{BASIC}"
    connect.tag_resource(resourceArn=profile, tags={"shift": "day"})
    same(connect.describe_routing_profile(InstanceId=I, RoutingProfileId=BASIC)["RoutingProfile"]["Tags"], {"shift": "day"})


def listing(user):
    for number in range(7):
        new_user(f"user.{number}", HierarchyGroupId=EMEA if number % 2 else None, Tags={"n": str(number)})
    pages = connect.get_paginator("list_users").paginate(InstanceId=I, PaginationConfig={"PageSize": 3})
    names, tokens = [], []
    for page in pages:
        names += [one["Username"] for one in page["UserSummaryList"]]
        tokens.append(page.get("NextToken"))
        assert all(one["LastModifiedTime"].tzinfo for one in page["UserSummaryList"])
    same(names, ["jane.doe"] + [f"user.{number}" for number in range(7)])
    assert tokens[-1] is None and all({"+", "/", "="} <= set(token) for token in tokens[:-1]), tokens
    refused("InvalidParameterException", connect.list_users, InstanceId=I, NextToken="stale")

    def search(criteria=None, **more):
        arguments = dict(InstanceId=I, PaginationConfig={"PageSize": 2}, **more)
        if criteria:
            arguments["SearchCriteria"] = criteria
        found = list(connect.get_paginator("search_users").paginate(**arguments))
        return [one for page in found for one in page["Users"]]

    same(len(search()), 8)
    by_name = lambda value, how: {"StringCondition": {"FieldName": "Username", "Value": value, "ComparisonType": how}}
    same([one["Id"] for one in search(by_name("JANE.DOE", "EXACT"))], [user])
    same(len(search(by_name("user.", "STARTS_WITH"))), 7)
    same(len(search({"OrConditions": [by_name("ser.1", "CONTAINS"), by_name("ser.2", "CONTAINS")]})), 2)
    same(len(search({"HierarchyGroupCondition": {"Value": EMEA, "HierarchyGroupMatchType": "EXACT"}})), 3)
    same(len(search({"ListCondition": {"TargetListType": "PROFICIENCIES", "Conditions": [
        {"StringCondition": {"FieldName": "proficiencyName", "Value": "Skill", "ComparisonType": "EXACT"}},
        {"NumberCondition": {"FieldName": "proficiencyLevel", "MinValue": 4, "ComparisonType": "GREATER_OR_EQUAL"}}]}})), 1)
    same([one["Username"] for one in search(SearchFilter={"TagFilter": {"TagCondition": {"TagKey": "n", "TagValue": "4"}}})], ["user.4"])
    same(len(search(SearchFilter={"UserAttributeFilter": {"HierarchyGroupCondition": {"Value": EMEA, "HierarchyGroupMatchType": "WITH_CHILD_GROUPS"}}})), 3)
    one = search(by_name("jane.doe", "EXACT"))[0]
    same(one["PhoneConfig"]["AfterContactWorkTimeLimit"], 5000)
    same(one["IdentityInfo"], {"FirstName": "Janet", "LastName": "Doe"})
    assert "LastModifiedTime" not in one
    same(connect.search_users(InstanceId=I, MaxResults=1)["ApproximateTotalCount"], 8)
    refused("AccessDeniedException", connect.search_users, InstanceId=I, SearchFilter={
        "TagFilter": {"TagCondition": {"TagKey": "n"}}, "UserAttributeFilter": {"TagCondition": {"TagKey": "n"}}})


def catalogue():
    instance = connect.describe_instance(InstanceId=I)["Instance"]
    same((instance["Id"], instance["IdentityManagementType"], instance["Arn"]), (I, "CONNECT_MANAGED", I_ARN))
    same(saml.describe_instance(InstanceId=S)["Instance"]["IdentityManagementType"], "SAML")
    refused("ResourceNotFoundException", connect.describe_instance, InstanceId=S)
    paged = lambda name, member, **more: [
        one for page in connect.get_paginator(name).paginate(InstanceId=I, PaginationConfig={"PageSize": 2}, **more) for one in page[member]]
    same(len(paged("list_routing_profiles", "RoutingProfileSummaryList")), 4)
    same({one["Name"] for one in paged("search_routing_profiles", "RoutingProfiles")}, {"Basic Routing Profile", "Tier 1", "Tier 2", "Night Shift"})
    same(connect.search_routing_profiles(InstanceId=I, SearchCriteria={"StringCondition": {
        "FieldName": "name", "Value": "Tier", "ComparisonType": "STARTS_WITH"}})["ApproximateTotalCount"], 2)
    refused("ResourceNotFoundException", connect.describe_routing_profile, InstanceId=I, RoutingProfileId=GONE_USER)
    same(len(paged("list_security_profiles", "SecurityProfileSummaryList")), 4)
    same({one["SecurityProfileName"] for one in paged("search_security_profiles", "SecurityProfiles")},
         {"Admin", "Agent", "CallCenterManager", "QualityAnalyst"})
    listed = paged("list_user_hierarchy_groups", "UserHierarchyGroupSummaryList")
    searched = paged("search_user_hierarchy_groups", "UserHierarchyGroups")
    same(len(listed), 8)
    extra = [one for one in searched if one["Id"] not in {group["Id"] for group in listed}]
    same([one["LevelId"] for one in extra], ["0"])
    group = connect.describe_user_hierarchy_group(InstanceId=I, HierarchyGroupId=SUPPORT_TIER1)["HierarchyGroup"]
    same([group["HierarchyPath"][level]["Name"] for level in ("LevelOne", "LevelTwo", "LevelThree")], ["EMEA", "Support", "Tier 1"])
    assert SUPPORT in {one["Id"] for one in listed}
    refused("ResourceNotFoundException", connect.describe_user_hierarchy_group, InstanceId=I, HierarchyGroupId=GONE_USER)
    same(len(paged("list_quick_connects", "QuickConnectSummaryList", QuickConnectTypes=["USER"])), 1)
    found = paged("search_quick_connects", "QuickConnects")
    same([one["QuickConnectConfig"]["UserConfig"]["UserId"] for one in found if one["QuickConnectConfig"]["QuickConnectType"] == "USER"], [GONE_USER])
    same(connect.describe_quick_connect(InstanceId=I, QuickConnectId=GONE_QUICK)["QuickConnect"]["Name"], "Someone who left")
    connect.delete_quick_connect(InstanceId=I, QuickConnectId=GONE_QUICK)
    refused("ResourceNotFoundException", connect.delete_quick_connect, InstanceId=I, QuickConnectId=GONE_QUICK)


def saml_users():
    ids = dict(to=saml, instance=S, RoutingProfileId=BASIC.replace("1a", "2a", 1), SecurityProfileIds=[AGENT.replace("1b", "2b", 1)])
    names = {"FirstName": "Sam", "LastName": "El"}
    refused("InvalidParameterException", new_user, name="sam", IdentityInfo=names, **ids)
    refused("InvalidParameterException", new_user, name="sam", Password=None, **ids)
    new_user("sam.with.a.rather.long.name@example.com", Password=None, IdentityInfo=names, **ids)
    refused("InvalidParameterException", new_user, name="sam@example", Password=None, IdentityInfo=names, **ids)


def faults(user):
    admin("POST", "faults", {"operation": "DescribeUser", "type": "throttle", "times": 1})
    refused("TooManyRequestsException", connect.describe_user, InstanceId=I, UserId=user)
    admin("POST", "faults", {"operation": "UpdateUserConfig", "type": "errorBeforeEffect", "status": 409,
                             "code": "ConditionalOperationFailedException", "message": "again", "times": 1})
    refused("ConditionalOperationFailedException", connect.update_user_config, InstanceId=I, UserId=user)
    admin("POST", "faults", {"operation": "DescribeUser", "type": "errorBeforeEffect", "status": 500,
                             "code": "InternalServiceException", "message": "oops", "times": 1})
    refused("InternalServiceException", connect.describe_user, InstanceId=I, UserId=user)
    admin("POST", "faults", {"operation": "CreateUser", "type": "lostAnswer", "times": 1})
    try:
        new_user("lost")
        raise AssertionError("the answer was not lost")
    except ConnectionClosedError:
        pass
    refused("DuplicateResourceException", new_user, name="lost")
    switches = admin("GET", "switches")
    flipped = {"throttleIsThrottlingException": True, "errorCodeInBody": True, "mistakesAreInvalidRequest": True, "errorCodeHasSuffix": True}
    admin("PUT", "switches", {**switches, **flipped})
    admin("POST", "faults", {"type": "throttle", "times": 1})
    refused("ThrottlingException", connect.describe_user, InstanceId=I, UserId=user)
    refused("InvalidRequestException", new_user, name="x" * 21)
    admin("PUT", "switches", {**switches, **flipped, "errorCodeInBody": False})
    refused("InvalidRequestException", new_user, name="x" * 21)
    admin("PUT", "switches", switches)


def main():
    user = users()
    proficiencies(user)
    tags(user)
    listing(user)
    catalogue()
    saml_users()
    faults(user)
    connect.delete_user(InstanceId=I, UserId=user)
    refused("ResourceNotFoundException", connect.delete_user, InstanceId=I, UserId=user)
    refused("ResourceNotFoundException", connect.describe_user, InstanceId=I, UserId=user)
    assert driven == CLAIMED, f"not driven: {CLAIMED - driven}; not claimed: {driven - CLAIMED}"
    print(f"{len(driven)} of {len(CLAIMED)} operations driven")


main()
