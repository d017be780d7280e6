{{- define "cuo.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "cuo.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "cuo.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "cuo.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "cuo.selector" -}}
app.kubernetes.io/name: {{ include "cuo.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "cuo.labels" -}}
{{ include "cuo.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "cuo.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "cuo.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- required "serviceAccount.name: name the account to use, or set serviceAccount.create" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "cuo.leaseName" -}}
{{- default (include "cuo.fullname" .) .Values.leaderElection.leaseName -}}
{{- end -}}

{{- define "cuo.image" -}}
{{- $name := .Values.image.repository -}}
{{- with .Values.image.registry -}}
{{- $name = printf "%s/%s" (trimSuffix "/" .) $name -}}
{{- end -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- define "cuo.hookName" -}}
{{- printf "%s-%s" (include "cuo.name" .root | trunc 50 | trimSuffix "-") .part -}}
{{- end -}}

{{/*
Labels of a Pod of a hook, whose part is given as .part. Its name is another one than the operator's, so that no
Service, PodDisruptionBudget or NetworkPolicy takes it for the operator.
*/}}
{{- define "cuo.hookLabels" -}}
app.kubernetes.io/name: {{ include "cuo.hookName" . }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What the Pods of hooks have in common with the operator's. */}}
{{- define "cuo.hookPod" -}}
restartPolicy: Never
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Topology spread constraints, each for the Pods of this revision if it does not say for which. */}}
{{- define "cuo.topologySpread" -}}
{{- range .Values.topologySpreadConstraints }}
{{- $constraint := deepCopy . }}
{{- if not $constraint.labelSelector }}
{{- $selector := dict "matchLabels" (fromYaml (include "cuo.selector" $)) }}
{{- $constraint = merge $constraint (dict "labelSelector" $selector "matchLabelKeys" (list "pod-template-hash")) }}
{{- end }}
- {{ toYaml $constraint | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{/* Rights on objects of the watched namespaces. */}}
{{- define "cuo.objectRules" -}}
# Watches the objects; patches only their finalizers (metadata), never spec, labels or annotations.
- apiGroups: [contactops.dev]
  resources: [connectusers]
  verbs: [get, list, watch, patch]
- apiGroups: [contactops.dev]
  resources: [connectusers/status]
  verbs: [patch]
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if .Values.rbac.readSecrets }}
# The first password of a user: read by name at its creation, never listed or watched.
- apiGroups: [""]
  resources: [secrets]
  verbs: [get]
{{- end }}
{{- if .Values.rbac.generatePasswords }}
# New passwords: created where there is none; patched where only the key is missing. Never deleted.
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, patch]
{{- end }}
{{- end -}}

{{/* Rights on objects of the cluster. */}}
{{- define "cuo.clusterRules" -}}
# The rules of instances; patched are their finalizers, so that one that is in use stays.
- apiGroups: [contactops.dev]
  resources: [connectinstances]
  verbs: [list, watch, patch]
- apiGroups: [contactops.dev]
  resources: [connectinstances/status]
  verbs: [patch]
{{- if not .Values.operator.clusterName }}
# The default cluster name in owner tags.
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}
{{- end -}}

{{/* Of the guard: its account and its rights are there before the Job, and go with it. */}}
{{- define "cuo.guardHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: "-10"
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end -}}
