{{- /* The name that upstream's resources begin with: prometheus-kube-prometheus. */ -}}
{{- define "stack.fullname" -}}
{{ .Release.Name }}-kube-prometheus
{{- end -}}

{{- /* Arguments: root, app. */ -}}
{{- define "stack.labels" -}}
app: {{ .app }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/part-of: kube-prometheus-stack
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
release: {{ .root.Release.Name }}
{{- end -}}

{{- define "stack.image" -}}
{{ .registry }}/{{ .repository }}:{{ .tag }}
{{- end -}}

{{- define "stack.placement" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "stack.unprivileged" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Everything of this release, or everything. Arguments: root, nilUsesHelmValues. */ -}}
{{- define "stack.selector" -}}
{{- if .nilUsesHelmValues -}}
matchLabels:
  release: {{ .root.Release.Name }}
{{- else -}}
{}
{{- end -}}
{{- end -}}

{{- /* ServiceAccount, ClusterRole and binding. Arguments: root, app, name, rules (text). */ -}}
{{- define "stack.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "stack.labels" . | nindent 4 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: {{ .name }}
  labels: {{- include "stack.labels" . | nindent 4 }}
rules: {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: {{ .name }}
  labels: {{- include "stack.labels" . | nindent 4 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ .name }}
    namespace: {{ .root.Release.Namespace }}
{{- end -}}

{{- /* A ServiceMonitor for a service of this namespace with the label app. Arguments: root, app, name, endpoints (list), match (optional). */ -}}
{{- define "stack.monitor" -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "stack.labels" . | nindent 4 }}
spec:
  {{- with .jobLabel }}
  jobLabel: {{ . }}
  {{- end }}
  namespaceSelector:
    matchNames: [{{ .namespace | default .root.Release.Namespace }}]
  selector:
    matchLabels: {{- .match | default (dict "app" .app "release" .root.Release.Name) | toYaml | nindent 6 }}
  endpoints: {{- toYaml .endpoints | nindent 4 }}
{{- end -}}
