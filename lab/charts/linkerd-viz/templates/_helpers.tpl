{{- define "viz.labels" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/part-of: Linkerd
app.kubernetes.io/version: {{ .root.Values.linkerdVersion | default .root.Chart.AppVersion }}
component: {{ .name }}
linkerd.io/extension: viz
{{- end -}}

{{- /* Linkerd's form {cpu: {request, limit}, …} as a container's. */ -}}
{{- define "viz.resources" -}}
{{- $all := dict -}}
{{- range $kind := list "cpu" "memory" -}}
{{- $of := index (default dict $) $kind | default dict -}}
{{- range $form, $key := dict "requests" "request" "limits" "limit" -}}
{{- with index $of $key -}}
{{- $_ := set $all $form (merge (dict $kind .) (index $all $form | default dict)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $all -}}
{{- end -}}
