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
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
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
  verbs: [get, list, watch, patch]
- apiGroups: [contactops.dev]
  resources: [connectinstances/status]
  verbs: [patch]
# Events about ConnectInstances, and the default cluster name in owner tags.
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- if not .Values.operator.clusterName }}
- apiGroups: [""]
  resources: [namespaces]
  resourceNames: [kube-system]
  verbs: [get]
{{- end }}
{{- end -}}
