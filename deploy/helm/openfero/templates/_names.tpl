{{/*
The name of the release, and of the chart where the release does not contain it. A Service may have no dot in
its name, a release may. 46 characters at most: a StatefulSet named <name>-redis gets Pods whose labels hold its
name and a hash of 11 characters.
*/}}
{{- define "openfero.fullname" -}}
{{- $name := printf "%s-%s" .Release.Name .Chart.Name -}}
{{- if contains .Chart.Name .Release.Name }}{{ $name = .Release.Name }}{{ end -}}
{{ .Values.fullnameOverride | default $name | replace "." "-" | trunc 46 | trimSuffix "-" }}
{{- end -}}

{{/*
What the selectors use. Not `app`: users put `app: openfero` on their ConfigMaps and Jobs.
Takes a component: a dict with root, name and (of a service) values and port.
*/}}
{{- define "openfero.selector" -}}
app.kubernetes.io/name: {{ .root.Chart.Name }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{/* The labels of every object. Takes a component, with labels of its own or none. Ours win. */}}
{{- define "openfero.labels" -}}
{{- $ours := dict
  "app.kubernetes.io/part-of" "openfero"
  "app.kubernetes.io/managed-by" .root.Release.Service
  "app.kubernetes.io/version" .root.Chart.AppVersion
  "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_")
-}}
{{- $selector := include "openfero.selector" . | fromYaml -}}
{{ merge $selector $ours (.labels | default dict) .root.Values.commonLabels | toYaml }}
{{- end -}}

{{/* The labels of a pod: only those of the selector are ours, so that a new version alone restarts nothing. */}}
{{- define "openfero.podLabels" -}}
{{ merge (include "openfero.selector" . | fromYaml) .values.podLabels .root.Values.commonLabels | toYaml }}
{{- end -}}

{{/* Name, namespace and labels of an object of a component. */}}
{{- define "openfero.metadata" -}}
name: {{ include "openfero.fullname" .root }}-{{ .name }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "openfero.labels" . | nindent 2 }}
{{- end -}}

{{/* The reference of an image. A digest says everything, so the tag is left out. Takes image and tag. */}}
{{- define "openfero.image" -}}
{{- with .image.registry }}{{ . }}/{{ end }}{{ .image.repository -}}
{{- if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .tag }}{{ end -}}
{{- end -}}

{{/* The ServiceAccount of a component. */}}
{{- define "openfero.account" -}}
{{- with .values.serviceAccount.name }}{{ . }}{{ else -}}
{{- if .values.serviceAccount.create }}{{ include "openfero.fullname" .root }}-{{ .name }}{{ else }}default{{ end }}
{{- end -}}
{{- end -}}

{{- define "openfero.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* A number as a person writes it: Helm reads 1000000 as a float and prints it as 1e+06. */}}
{{- define "openfero.text" -}}
{{- if kindIs "float64" . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end -}}

{{/* `maxActiveJobs: 5` as OPENFERO_MAX_ACTIVE_JOBS. The schema lists the keys. */}}
{{- define "openfero.settings" -}}
{{- range $key, $value := . }}
- name: OPENFERO_{{ $key | snakecase | upper }}
  value: {{ include "openfero.text" $value | quote }}
{{- end }}
{{- end -}}
