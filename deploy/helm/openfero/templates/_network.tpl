{{/* The head of a NetworkPolicy for the pods of a component. */}}
{{- define "openfero.policy" }}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "openfero.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "openfero.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end -}}

{{/* What every service connects to: Redis and DNS. Takes the root context. */}}
{{- define "openfero.policy.egress" }}
{{- $policy := .Values.networkPolicy }}
{{- if .Values.redis.bundled.enabled }}
- to: [{ podSelector: { matchLabels: {{ include "openfero.selector" (dict "root" . "name" "redis") | fromYaml | toJson }} } }]
  ports: [{ port: 6379 }]
{{- else }}
- ports:
    {{- range include "openfero.redis.ports" . | fromJsonArray }}
    - port: {{ . }}
    {{- end }}
  {{- with $policy.redis.cidrs }}
  to:
    {{- range . }}
    - ipBlock: { cidr: {{ . | quote }} }
    {{- end }}
  {{- end }}
{{- end }}
- ports:
    {{- range $policy.dnsPorts }}
    - { port: {{ . }}, protocol: UDP }
    - { port: {{ . }}, protocol: TCP }
    {{- end }}
{{- end -}}

{{/* The port of the collector of traces. Takes the root context. */}}
{{- define "openfero.policy.tracing" }}
{{- with .Values.tracing.endpoint }}
- ports: [{ port: {{ include "openfero.policy.port" . }} }]
{{- end }}
{{- end -}}

{{/* The port of a URL. */}}
{{- define "openfero.policy.port" -}}
{{- $url := urlParse . -}}
{{ regexFind ":[0-9]+$" $url.host | trimPrefix ":" | default (ternary "443" "80" (eq $url.scheme "https")) }}
{{- end -}}
