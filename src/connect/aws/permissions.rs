//! What IAM says that somebody may do, without anything being done: SimulatePrincipalPolicy.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_iam::config::{Builder, Region};
use aws_sdk_iam::types::{ContextEntry, ContextKeyTypeEnum, PolicyEvaluationDecisionType};
use aws_smithy_types::retry::RetryConfig;

use super::failure::{OrFailed, malformed};
use crate::connect::ConnectError;

/// A question: these actions on one resource, in a request with these condition keys.
#[derive(Clone, Debug)]
pub struct Question {
    /// Actions, with their service.
    pub actions: Vec<String>,
    /// ARN.
    pub resource: String,
    /// A condition key that has a value.
    pub key: Option<(String, String)>,
}

/// What IAM says of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Allowed by some policy, forbidden by none.
    Allowed,
    /// No policy allows it.
    NotAllowed,
    /// A policy forbids it.
    Forbidden,
}

/// An action that IAM was asked for.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// The action, with its service.
    pub action: String,
    /// What IAM says.
    pub decision: Decision,
    /// Whether it is the organization that does not allow it.
    pub by_organization: bool,
    /// Whether it is the permissions boundary that does not allow it.
    pub by_boundary: bool,
}

/// IAM, which is the same in all Regions of a partition.
pub struct Permissions(Client);

impl Permissions {
    /// Asked with the credentials of the configuration; the Region says which partition.
    pub fn new(config: &SdkConfig, region: &str) -> Self {
        // IAM answers a person's questions here, and throttles earlier than Connect.
        let config =
            Builder::from(config).region(Region::new(region.to_owned())).retry_config(RetryConfig::standard()).build();
        Self(Client::from_conf(config))
    }

    /// The ARN of a role, whose path the ARN of its sessions does not tell.
    ///
    /// # Errors
    /// If GetRole fails.
    pub async fn role(&self, name: &str) -> Result<String, ConnectError> {
        const OPERATION: &str = "GetRole";
        let answer = self.0.get_role().role_name(name).send().await.or_failed(OPERATION)?;
        answer.role.map(|role| role.arn).ok_or_else(|| malformed(OPERATION))
    }

    /// What the policies of a user or role say, those of the organization and the boundary included. Policies of the
    /// resource, of the session and of VPC endpoints are not part of it.
    ///
    /// # Errors
    /// If SimulatePrincipalPolicy fails.
    pub async fn ask(&self, principal: &str, question: &Question) -> Result<Vec<Evaluation>, ConnectError> {
        const OPERATION: &str = "SimulatePrincipalPolicy";
        let Question { actions, resource, key } = question;
        let request = self.0.simulate_principal_policy().policy_source_arn(principal).resource_arns(resource);
        let mut request = request.set_action_names(Some(actions.clone()));
        if let Some((name, value)) = key {
            let entry = ContextEntry::builder().context_key_name(name).context_key_values(value);
            request = request.context_entries(entry.context_key_type(ContextKeyTypeEnum::String).build());
        }
        let mut pages = request.into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            for result in page.or_failed(OPERATION)?.evaluation_results.into_iter().flatten() {
                let organization = result.organizations_decision_detail.as_ref();
                let boundary = result.permissions_boundary_decision_detail.as_ref();
                found.push(Evaluation {
                    by_organization: organization.is_some_and(|detail| !detail.allowed_by_organizations),
                    by_boundary: boundary.is_some_and(|detail| !detail.allowed_by_permissions_boundary),
                    decision: match result.eval_decision {
                        PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
                        PolicyEvaluationDecisionType::ExplicitDeny => Decision::Forbidden,
                        _ => Decision::NotAllowed,
                    },
                    action: result.eval_action_name,
                });
            }
        }
        Ok(found)
    }
}
