{{/* Login and TLS of a service that people or Alertmanager reach. All take its values. */}}

{{- define "openfero.http.env" -}}
{{- if ne .auth.type "none" }}
- { name: OPENFERO_AUTH, value: {{ .auth.type }} }
{{- end }}
{{- if eq .auth.type "basic" }}
- { name: OPENFERO_AUTH_USER, value: {{ .auth.username | quote }} }
- { name: OPENFERO_AUTH_PASSWORD_FILE, value: /etc/openfero/http/password }
{{- else if eq .auth.type "bearer" }}
- { name: OPENFERO_AUTH_TOKEN_FILE, value: /etc/openfero/http/token }
{{- end }}
{{- if .tls.secret }}
- { name: OPENFERO_TLS_CERT_FILE, value: /etc/openfero/http/tls.crt }
- { name: OPENFERO_TLS_KEY_FILE, value: /etc/openfero/http/tls.key }
{{- end }}
{{- if or .tls.clientCa.secret .tls.clientCa.configMap }}
- { name: OPENFERO_TLS_CLIENT_CA_FILE, value: /etc/openfero/http/client-ca.crt }
{{- end }}
{{- end -}}

{{/* The files behind the variables above, as sources of a projected volume. */}}
{{- define "openfero.http.files" -}}
{{- if ne .auth.type "none" }}
{{- $file := ternary "password" "token" (eq .auth.type "basic") }}
- secret:
    name: {{ .auth.existingSecret.name | quote }}
    items: [{ key: {{ include "openfero.http.key" . | quote }}, path: {{ $file }} }]
{{- end }}
{{- with .tls.secret }}
- secret: { name: {{ . | quote }}, items: [{ key: tls.crt, path: tls.crt }, { key: tls.key, path: tls.key }] }
{{- end }}
{{- include "openfero.ca" (dict "ca" .tls.clientCa "path" "client-ca.crt") }}
{{- end -}}

{{/* The key of the Secret with the password or the token. */}}
{{- define "openfero.http.key" -}}
{{ .auth.existingSecret.key | default (ternary "password" "token" (eq .auth.type "basic")) }}
{{- end -}}

{{- define "openfero.http.scheme" -}}
{{ ternary "https" "http" (ne .tls.secret "") }}
{{- end -}}

{{/* The options with which curl sends an alert to the receiver. Takes the root context. */}}
{{- define "openfero.notes.login" -}}
{{- $auth := .Values.receiver.auth -}}
{{- $secret := printf "$(kubectl -n %s get secret %s -o go-template='{{index .data %q | base64decode}}')" .Release.Namespace $auth.existingSecret.name (include "openfero.http.key" .Values.receiver) -}}
{{- with .Values.receiver.tls }}
{{- if .secret }} --insecure{{ end }}
{{- if or .clientCa.secret .clientCa.configMap }} --cert client.crt --key client.key{{ end }}
{{- end -}}
{{- if eq $auth.type "bearer" }} -H "Authorization: Bearer {{ $secret }}"
{{- else if eq $auth.type "basic" }} -u {{ printf "%s:%s" $auth.username $secret | printf "\"%s\"" }}{{ end -}}
{{- end -}}
